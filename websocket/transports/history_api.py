"""What the archive keeps, over HTTP: prices and candles, articles, large transactions; as JSON or CSV, page by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, get_args
from urllib.parse import quote, urlencode

import msgspec
from flask import Blueprint, Response, request

from websocket import codec, green
from websocket.archive import queries
from websocket.archive.formats import (
    ArticleRecord,
    CandleRecord,
    PriceRecord,
    Record,
    WhaleRecord,
    csv_head,
    csv_lines,
    json_items,
)
from websocket.archive.queries import Page
from websocket.archive.rows import ArticleRow, CandleRow, PriceRow, WhaleRow
from websocket.archive.store import Archive
from websocket.coins import SYMBOLS
from websocket.errors import ArchiveError, ClientError, TooManyReads
from websocket.records import to_rfc3339
from websocket.transports.http_api import error_response, json_response
from websocket.transports.query import Query

MAX_ROWS = 10_000
DEFAULT_ROWS = 1000
STREAM_ROWS = 1000
"""Rows that a stream reads at a time."""

STREAM_PAUSES_S = (0.1, 0.5, 2.0, 5.0)
"""Waits of a stream for an archive that cannot be read at the moment."""

Form = Literal["json", "csv"]
FORMS: tuple[Form, ...] = get_args(Form)

HistoryInterval = Literal["raw", "1m", "1h"]
INTERVALS: tuple[HistoryInterval, ...] = get_args(HistoryInterval)

DEFAULT_SPAN_S: dict[HistoryInterval, float] = {"raw": 3600.0, "1m": 86_400.0, "1h": 7 * 86_400.0}
NEWS_SPAN_S = 7 * 86_400.0
WHALES_SPAN_S = 7 * 86_400.0

PAGING = ("limit", "after", "format")

AnyPage = Page[PriceRow] | Page[CandleRow] | Page[ArticleRow] | Page[WhaleRow]

Read = Callable[[sqlite3.Connection, str | None, int], AnyPage]
"""Reads one page: after which cursor, and at most how many rows."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What one request asks for.

    Attributes:
        name: of a file with it.
        kind: type of its rows.
        read: reads a page of them.
        start: Unix seconds.
        end: the same.
        about: what the answer says beside its rows and their time.
        filters: the request's own parameters that choose rows, for the address of the next page.
    """

    name: str
    kind: type[Record]
    read: Read
    start: float
    end: float
    about: dict[str, str]
    filters: dict[str, str]


def history_api(
    archive: Archive, *, demo: bool, address_of: Callable[[Any], str], clock: Callable[[], float]
) -> Blueprint:
    """The routes that read the archive.

    Args:
        archive: what is read, always in a native thread.
        demo: whether the content is simulated; every answer says so.
        address_of: the client's address, from a WSGI environment.
        clock: wall clock, Unix seconds.
    """
    api = Blueprint("history_api", __name__, url_prefix="/api")
    shelf = _Shelf(archive, demo=demo, address_of=address_of, clock=clock)

    @api.get("/history/<symbol>")
    def get_history(symbol: str) -> Response:
        known = symbol.upper()
        if known not in SYMBOLS:
            message = f"There is no coin {symbol[:20]!r}; there are {', '.join(SYMBOLS)}."
            return error_response(404, "not_found", message)
        query = Query(request, ("interval", "from", "to", *PAGING))
        return shelf.answer(query, _history(known, query, clock()))

    @api.get("/news")
    def get_news() -> Response:
        query = Query(request, ("from", "to", "source", "category", "q", *PAGING))
        return shelf.answer(query, _news(query, clock()))

    @api.get("/whales")
    def get_whales() -> Response:
        query = Query(request, ("from", "to", "chain", "asset", "min_value", *PAGING))
        return shelf.answer(query, _whales(query, clock()))

    @api.after_request
    def expose_headers(response: Response) -> Response:
        # pages of other origins see them only then
        response.headers["Access-Control-Expose-Headers"] = "Link, Content-Disposition"
        return response

    @api.errorhandler(ClientError)
    def on_client_error(error: ClientError) -> Response:
        return error_response(400, error.code, error.message)

    @api.errorhandler(ArchiveError)
    def on_archive_error(error: ArchiveError) -> Response:
        is_own_fault = isinstance(error, TooManyReads)
        status, code = (429, "too_many_requests") if is_own_fault else (503, "service_unavailable")
        answer = error_response(status, code, str(error), temporary=True)
        answer.headers["Retry-After"] = "1"
        return answer

    return api


class _Shelf:
    """Answers requests for rows.

    Args:
        archive: where they are.
        demo: whether they are simulated.
        address_of: the client's address, from a WSGI environment.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self, archive: Archive, *, demo: bool, address_of: Callable[[Any], str], clock: Callable[[], float]
    ) -> None:
        self._archive = archive
        self._demo = demo
        self._address_of = address_of
        self._clock = clock

    def answer(self, query: Query, listing: Listing) -> Response:
        """The rows in the form that is asked for.

        Without ``limit`` a CSV is all that there is, read and sent a page at a time, so that neither side needs much
        memory. Everything else is one page, with the address of the next.
        """
        form = query.choice("format", FORMS, "json")
        limit, after = query.count("limit", MAX_ROWS), query.cursor("after")
        if form == "csv" and limit is None:
            return self._stream(listing, after)
        page_of = self._csv_page if form == "csv" else self._json_page
        response, following = page_of(listing, after, limit or DEFAULT_ROWS)
        if following is not None:
            response.headers["Link"] = f'<{_next_address(listing, form, limit, following)}>; rel="next"'
        return response

    def _json_page(self, listing: Listing, after: str | None, limit: int) -> tuple[Response, str | None]:
        now = to_rfc3339(self._clock())

        def read(connection: sqlite3.Connection) -> tuple[bytes, str | None]:
            # encoded here as well, because ten thousand rows take a while that the event loop does not have
            page = listing.read(connection, after, limit)
            data: dict[str, object] = {
                **listing.about,
                "from": to_rfc3339(listing.start),
                "to": to_rfc3339(listing.end),
                "demo": self._demo,
                "next": page.after,
                "rows": [],
            }
            answer = codec.encode({"status": "success", "timestamp": now, "data": data})
            end = b"]}}"
            assert answer.endswith(end)
            return answer.removesuffix(end) + json_items(page.rows) + end, page.after

        body, following = self._archive.read(read, reader=self._address_of(request.environ))
        response = json_response(None)
        response.set_data(body)
        return response, following

    def _csv_page(self, listing: Listing, after: str | None, limit: int) -> tuple[Response, str | None]:
        read = partial(_read_csv, listing=listing, after=after, limit=limit)
        text, following = self._archive.read(read, reader=self._address_of(request.environ))
        return self._csv_response(listing, csv_head(listing.kind) + text), following

    def _stream(self, listing: Listing, after: str | None) -> Response:
        # the first page is read before the answer begins, while it can still become an error
        # the request is not there any more while the rest is read
        reader = self._address_of(request.environ)
        read = partial(_read_csv, listing=listing, after=after, limit=STREAM_ROWS)
        text, following = self._archive.read(read, reader=reader)

        def lines() -> Iterator[str]:
            yield csv_head(listing.kind) + text
            cursor = following
            while cursor is not None:
                more, cursor = self._read_on(listing, cursor, reader)
                yield more

        return self._csv_response(listing, lines())

    def _read_on(self, listing: Listing, after: str, reader: str) -> tuple[str, str | None]:
        """The next page of a stream.

        What has been sent cannot become an error any more, so an archive that is busy gets some time.

        Raises:
            ArchiveError: it was in vain; the connection then breaks off, which the client sees.
        """
        read = partial(_read_csv, listing=listing, after=after, limit=STREAM_ROWS)
        for pause_s in STREAM_PAUSES_S:
            try:
                return self._archive.read(read, reader=reader)
            except ArchiveError:
                green.sleep(pause_s)
        return self._archive.read(read, reader=reader)

    def _csv_response(self, listing: Listing, body: str | Iterator[str]) -> Response:
        response = Response(body, mimetype="text/csv")
        name = f"{'demo-' if self._demo else ''}{listing.name}-{to_rfc3339(listing.end)[:10]}.csv"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _history(symbol: str, query: Query, now: float) -> Listing:
    interval = query.choice("interval", INTERVALS, "1m")
    start, end = query.span(DEFAULT_SPAN_S[interval], now)

    def read(connection: sqlite3.Connection, after: str | None, limit: int) -> AnyPage:
        if interval == "raw":
            return queries.price_rows(connection, symbol, start=start, end=end, after=after, limit=limit)
        return queries.candle_rows(connection, interval, symbol, start=start, end=end, after=after, limit=limit)

    return Listing(
        name=f"{symbol}-{interval}",
        kind=PriceRecord if interval == "raw" else CandleRecord,
        read=read,
        start=start,
        end=end,
        about={"symbol": symbol, "interval": interval},
        filters={"interval": interval},
    )


def _news(query: Query, now: float) -> Listing:
    start, end = query.span(NEWS_SPAN_S, now)
    source, category, text = query.lower("source"), query.lower("category"), query.text("q")

    def read(connection: sqlite3.Connection, after: str | None, limit: int) -> AnyPage:
        return queries.article_rows(
            connection,
            start=start,
            end=end,
            source=source,
            category=category,
            text=text,
            after=after,
            limit=limit,
        )

    filters = {"source": source, "category": category, "q": text}
    return Listing(name="news", kind=ArticleRecord, read=read, start=start, end=end, about={}, filters=_given(filters))


def _whales(query: Query, now: float) -> Listing:
    start, end = query.span(WHALES_SPAN_S, now)
    chain, asset, min_value = query.lower("chain"), query.upper("asset"), query.amount("min_value")

    def read(connection: sqlite3.Connection, after: str | None, limit: int) -> AnyPage:
        return queries.whale_rows(
            connection,
            start=start,
            end=end,
            chain=chain,
            asset=asset,
            min_value=min_value,
            after=after,
            limit=limit,
        )

    filters = {"chain": chain, "asset": asset, "min_value": None if min_value is None else repr(min_value)}
    return Listing(name="whales", kind=WhaleRecord, read=read, start=start, end=end, about={}, filters=_given(filters))


def _given(filters: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in filters.items() if value is not None}


def _read_csv(
    connection: sqlite3.Connection, *, listing: Listing, after: str | None, limit: int
) -> tuple[str, str | None]:
    page = listing.read(connection, after, limit)
    return csv_lines(page.rows), page.after


def _next_address(listing: Listing, form: Form, limit: int | None, after: str) -> str:
    """The request again, with the same span of time whatever the time is then, and the cursor."""
    parameters = {
        **listing.filters,
        "from": repr(listing.start),
        "to": repr(listing.end),
        **({"format": form} if form != "json" else {}),
        **({"limit": str(limit)} if limit is not None else {}),
        "after": after,
    }
    return f"{quote(request.path)}?{urlencode(parameters)}"
