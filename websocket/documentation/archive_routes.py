"""The HTTP routes of the archive with examples: what it keeps, and the operator's backups and exports."""

from __future__ import annotations

from typing import Any

from websocket.archive.export import FORMATS, KINDS, ExportOrder
from websocket.archive.formats import ArticleRecord, CandleRecord, PriceRecord, WhaleRecord
from websocket.archive.progress import Progress
from websocket.coins import SYMBOLS
from websocket.documentation import archive_answers as answers
from websocket.documentation.http_answers import HttpError
from websocket.documentation.payloads import EXAMPLE_TIME
from websocket.documentation.route_info import AnswerInfo, BodyInfo, ParameterInfo, RouteInfo

EXAMPLE_BEGIN = "2026-11-21T09:59:00.000Z"

MAX_ROWS = 10_000
DEFAULT_ROWS = 1000
TEXT_MAX = 100


def archive_routes() -> tuple[RouteInfo, ...]:
    """Every route of the archive."""
    return (
        RouteInfo(
            path="/api/history/<symbol>",
            try_path=f"/api/history/{SYMBOLS[0]}",
            summary="Prices or candles of a coin, from the archive.",
            answers=(
                AnswerInfo(
                    status=200,
                    meaning="The candles, or with `interval=raw` the accepted prices.",
                    type=answers.CandleHistoryAnswer,
                    example=_candles(),
                    other_type=answers.PriceHistoryAnswer,
                    other_example=_prices(),
                    other_media_type="text/csv",
                ),
                _refused(400, "A parameter is unknown, repeated or nonsense; the message names it."),
                _refused(404, "There is no such coin; the message names those that there are."),
                _too_many(),
                _unavailable(),
            ),
            parameters=(
                ParameterInfo(
                    name="symbol",
                    meaning="The coin, in any case.",
                    schema={"type": "string", "examples": list(SYMBOLS)},
                    place="path",
                ),
                ParameterInfo(
                    name="interval",
                    meaning="`raw` for every accepted price, or the length of the candles.",
                    schema={"type": "string", "enum": ["raw", "1m", "1h"], "default": "1m"},
                ),
                *_span("the last hour of `raw`, day of `1m`, week of `1h`"),
                *_paging(),
            ),
        ),
        RouteInfo(
            path="/api/news",
            summary="Articles from the archive, newest first.",
            answers=(
                _rows(_articles(), "The articles."),
                _refused(400, "As of the history."),
                _too_many(),
                _unavailable(),
            ),
            parameters=(
                *_span("the last week; the time when we first read an article counts"),
                _text("source", "Only this feed, by its identifier or its name, such as `coindesk`."),
                _text("category", "Only with this category."),
                _text("q", "Only with this in the title; upper and lower case are the same."),
                *_paging(),
            ),
        ),
        RouteInfo(
            path="/api/whales",
            summary="Large transactions from the archive, newest first.",
            answers=(
                _rows(_whales(), "The transactions."),
                _refused(400, "As of the history."),
                _too_many(),
                _unavailable(),
            ),
            parameters=(
                *_span("the last week"),
                _text("chain", "Only this chain, such as `bitcoin`."),
                _text("asset", "Only this asset, such as `USDT`."),
                ParameterInfo(
                    name="min_value",
                    meaning="Only of this value or more, US dollars.",
                    schema={"type": "number", "minimum": 0},
                ),
                *_paging(),
            ),
        ),
        _for_operator(
            "/api/archive/backup",
            "Begins a backup of the archive.",
            (_begun("backup"), *_not_begun()),
        ),
        _for_operator(
            "/api/archive/export",
            f"Begins an export ({', '.join(f'`{kind}`' for kind in KINDS)}) to a file in `ARCHIVE_EXPORT_DIR`.",
            (_begun("export"), *_not_begun()),
            body=BodyInfo(
                type=ExportOrder,
                example=ExportOrder(
                    kind=KINDS[1], format=FORMATS[0], compressed=True, symbol=SYMBOLS[0], interval="1h"
                ),
            ),
        ),
        RouteInfo(
            path="/api/archive/tasks",
            summary="Backups and exports since the start, and how far they are.",
            answers=(_tasks(), *_not_admitted()),
            for_operator=True,
        ),
    )


def _for_operator(
    path: str, summary: str, described: tuple[AnswerInfo, ...], *, body: BodyInfo | None = None
) -> RouteInfo:
    return RouteInfo(path=path, summary=summary, answers=described, method="POST", body=body, for_operator=True)


def _span(default: str) -> tuple[ParameterInfo, ...]:
    schema = {"type": "string", "examples": [EXAMPLE_BEGIN, "1795255140"]}
    return (
        ParameterInfo(name="from", meaning=f"RFC 3339 or Unix seconds. Default: {default}.", schema=schema),
        ParameterInfo(name="to", meaning="The same; the time itself is not in it. Default: now.", schema=schema),
    )


def _paging() -> tuple[ParameterInfo, ...]:
    return (
        ParameterInfo(
            name="limit",
            meaning="Rows of a page. Without it a CSV has all rows, and is streamed.",
            schema={"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": DEFAULT_ROWS},
        ),
        ParameterInfo(
            name="after",
            meaning="`next` of the page before. The header `Link` has the whole address of the next page.",
            schema={"type": "string"},
        ),
        ParameterInfo(
            name="format",
            meaning="`csv` begins with a line of names; texts that a spreadsheet would run begin with a `'`.",
            schema={"type": "string", "enum": ["json", "csv"], "default": "json"},
        ),
    )


def _text(name: str, meaning: str) -> ParameterInfo:
    return ParameterInfo(name=name, meaning=meaning, schema={"type": "string", "minLength": 1, "maxLength": TEXT_MAX})


def _rows(example: Any, meaning: str) -> AnswerInfo:
    return AnswerInfo(status=200, meaning=meaning, type=type(example), example=example, other_media_type="text/csv")


def _refused(status: int, meaning: str) -> AnswerInfo:
    codes = {
        400: "bad_request",
        401: "unauthorized",
        403: "forbidden",
        404: "not_found",
        409: "conflict",
        413: "request_entity_too_large",
        429: "too_many_requests",
    }
    example = HttpError(code=codes[status], message=meaning, temporary=status in (409, 429))
    return AnswerInfo(status=status, meaning=meaning, type=HttpError, example=example)


def _too_many() -> AnswerInfo:
    return _refused(429, "Too many reads of the archive at once from this address; see the header `Retry-After`.")


def _unavailable() -> AnswerInfo:
    meaning = "The archive is off, or cannot be read now; the message says why."
    example = HttpError(code="service_unavailable", message="The archive is busy with other reads.", temporary=True)
    return AnswerInfo(status=503, meaning=meaning, type=HttpError, example=example)


def _not_admitted() -> tuple[AnswerInfo, ...]:
    return (
        _refused(401, "Not the header `Authorization: Bearer <ADMIN_TOKEN>`."),
        _refused(403, "`ADMIN_TOKEN` is not set."),
        _refused(429, "Too many wrong tokens from this address; see the header `Retry-After`."),
    )


def _not_begun() -> tuple[AnswerInfo, ...]:
    return (
        _refused(400, "The body is not what it should be."),
        *_not_admitted(),
        _refused(409, "Another task runs."),
        _refused(413, "The body is too large."),
        _unavailable(),
    )


def _candles() -> answers.CandleHistoryAnswer:
    candle = CandleRecord(
        symbol=SYMBOLS[0],
        interval="1m",
        start=EXAMPLE_BEGIN,
        open=84_190.1,
        high=84_210.5,
        low=84_188.0,
        close=84_205.9,
        samples=6,
        open_time="2026-11-21T09:59:02.118Z",
        close_time="2026-11-21T09:59:57.402Z",
    )
    data = answers.CandleHistory(
        symbol=SYMBOLS[0], interval="1m", start=EXAMPLE_BEGIN, end=EXAMPLE_TIME, demo=False, rows=(candle,), next=None
    )
    return answers.CandleHistoryAnswer(status="success", timestamp=EXAMPLE_TIME, data=data)


def _prices() -> answers.PriceHistoryAnswer:
    price = PriceRecord(
        symbol=SYMBOLS[0], time="2026-11-21T09:59:02.118Z", price=84_190.1, source="kraken", confirmed=True
    )
    data = answers.PriceHistory(
        symbol=SYMBOLS[0], interval="raw", start=EXAMPLE_BEGIN, end=EXAMPLE_TIME, demo=False, rows=(price,), next=None
    )
    return answers.PriceHistoryAnswer(status="success", timestamp=EXAMPLE_TIME, data=data)


def _articles() -> answers.ArticleListAnswer:
    article = ArticleRecord(
        id="coindesk:5a1f0c",
        title="Bitcoin holds above 84,000 dollars",
        url="https://www.coindesk.com/markets/bitcoin-holds",
        source="CoinDesk",
        source_id="coindesk",
        published_at=EXAMPLE_BEGIN,
        dated=True,
        seen_at="2026-11-21T09:59:30.000Z",
        categories=("bitcoin", "markets"),
    )
    data = answers.ArticleList(start=EXAMPLE_BEGIN, end=EXAMPLE_TIME, demo=False, rows=(article,), next=None)
    return answers.ArticleListAnswer(status="success", timestamp=EXAMPLE_TIME, data=data)


def _whales() -> answers.WhaleListAnswer:
    whale = WhaleRecord(
        hash="9f2c" * 16,
        value=8_419_010.0,
        sender="bc1qexamplesender",
        to="bc1qexamplereceiver",
        timestamp=EXAMPLE_BEGIN,
        chain="bitcoin",
        asset="BTC",
        amount=100.0,
        confirmed=True,
        block=925_000,
        from_label=None,
        to_label="Binance",
        source="mempool_space",
    )
    data = answers.WhaleList(start=EXAMPLE_BEGIN, end=EXAMPLE_TIME, demo=False, rows=(whale,), next="WyJ3IiwxLjAsMV0=")
    return answers.WhaleListAnswer(status="success", timestamp=EXAMPLE_TIME, data=data)


def _begun(task: Any) -> AnswerInfo:
    example = answers.TaskAnswer(status="success", timestamp=EXAMPLE_TIME, data=_progress(task))
    meaning = "It has begun; `persistence` and `/api/archive/tasks` tell how far it is."
    return AnswerInfo(status=202, meaning=meaning, type=answers.TaskAnswer, example=example)


def _tasks() -> AnswerInfo:
    data = answers.Tasks(tasks=(_progress("export"),))
    example = answers.TasksAnswer(status="success", timestamp=EXAMPLE_TIME, data=data)
    return AnswerInfo(status=200, meaning="The tasks.", type=answers.TasksAnswer, example=example)


def _progress(task: Any) -> Progress:
    return Progress(
        id=1,
        task=task,
        state="running",
        done=0,
        total=None,
        unit=None,
        started_at=EXAMPLE_TIME,
        finished_at=None,
        file=None,
        size_bytes=None,
        reason=None,
    )
