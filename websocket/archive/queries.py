"""Reads for the HTTP API and the export, page by page. Each takes a connection as ``Archive.read`` gives it.

Pages are found by key and not by counting, so the hundredth costs no more than the first, and rows that come or go in
between shift nothing. ``Page.after`` is opaque: hand it to the same function for the next page.
"""

from __future__ import annotations

import base64
import binascii
import math
import sqlite3
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from websocket import codec
from websocket.archive.pacing import in_slices
from websocket.archive.retention import candle_symbols, price_symbols
from websocket.archive.rows import ArticleRow, CandleRow, EventRow, Interval, PriceRow, UpdateRow, WhaleRow
from websocket.errors import BadRequest

CURSOR_MAX_CHARACTERS = 4000
"""Longer than that of an article with the longest identifier that is kept."""

Whole = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
"""What SQLite takes for a whole number."""

R_co = TypeVar("R_co", covariant=True)


class Page(msgspec.Struct, Generic[R_co], frozen=True, kw_only=True):
    """Some rows, and where to go on.

    Attributes:
        rows: at most as many as were asked for.
        after: for the next page; None when there are no more rows.
    """

    rows: Sequence[R_co]
    after: str | None


_PRICES = """
SELECT symbol, time, price, source, confirmed, recorded_at FROM prices
WHERE symbol = ? AND time >= ? AND time < ? AND (time, source) > (?, ?)
ORDER BY time, source LIMIT ?
"""

_CANDLES = """
SELECT interval, symbol, start, open, high, low, close, samples, open_time, close_time FROM candles
WHERE interval = ? AND symbol = ? AND start >= ? AND start < ? AND start > ?
ORDER BY start LIMIT ?
"""

_ARTICLES = """
SELECT id, title, url, source, published_at, seen_at, source_id, categories FROM articles
WHERE seen_at >= ? AND seen_at < ? AND (seen_at, id) < (?, ?){filters}
ORDER BY seen_at DESC, id DESC LIMIT ?
"""

_WHALES = """
SELECT id, chain, hash, asset, amount, sender, receiver, value, time, confirmed, block, from_label, to_label, source
FROM whales
WHERE time >= ? AND time < ? AND (time, id) < (?, ?){filters}
ORDER BY time DESC, id DESC LIMIT ?
"""


def price_rows(
    connection: sqlite3.Connection,
    symbol: str,
    *,
    start: float | None = None,
    end: float | None = None,
    after: str | None = None,
    limit: int,
) -> Page[PriceRow]:
    """Accepted prices of a coin with ``start <= time < end``, oldest first.

    Args:
        connection: read-only.
        symbol: our symbol; of one that is not known there are no rows.
        start: Unix seconds; None for no limit.
        end: Unix seconds; None for no limit.
        after: cursor of the page before, or None.
        limit: most rows of the page, at least 1.

    Raises:
        BadRequest: ``after`` is no cursor of this function.
    """
    key = _key(after, _PriceKey, _PriceKey(-math.inf, ""))
    found = _ask(connection, _PRICES, symbol, *_span(start, end, first=key.time), key.time, key.source, limit=limit)
    return _page(found, limit, _price, lambda row: _PriceKey(row[1], row[3]))


def candle_rows(
    connection: sqlite3.Connection,
    interval: Interval,
    symbol: str,
    *,
    start: float | None = None,
    end: float | None = None,
    after: str | None = None,
    limit: int,
) -> Page[CandleRow]:
    """Candles that begin at ``start`` or later and before ``end``, oldest first. Arguments as of ``price_rows``."""
    key = _key(after, _CandleKey, _CandleKey(-1))
    found = _ask(connection, _CANDLES, interval, symbol, *_span(start, end, first=key.start), key.start, limit=limit)
    return _page(found, limit, _candle, lambda row: _CandleKey(row[2]))


def article_rows(
    connection: sqlite3.Connection,
    *,
    start: float | None = None,
    end: float | None = None,
    source: str | None = None,
    category: str | None = None,
    text: str | None = None,
    after: str | None = None,
    limit: int,
) -> Page[ArticleRow]:
    """Articles that were first read (``seen_at``) in that time, newest first.

    With ``source`` (identifier or name, in lower case) only those of that feed, with ``category`` (in lower case) only
    those that have it, with ``text`` only those whose title contains it; upper and lower case are the same in ASCII.
    Other arguments as of ``price_rows``.
    """
    key = _key(after, _ArticleKey, _ArticleKey(math.inf, ""))
    statement, values = _filtered(
        _ARTICLES,
        ("? IN (source_id, lower(source))", source),
        # categories are a JSON array, in which a whole text stands between quotes that are not escaped
        ("instr(categories, ?)", None if category is None else codec.encode(category).decode()),
        ("instr(lower(title), lower(?))", text),
    )
    found = _ask(connection, statement, *_span(start, end, last=key.seen_at), key.seen_at, key.id, *values, limit=limit)
    return _page(found, limit, _article, lambda row: _ArticleKey(row[5], row[0]))


def whale_rows(
    connection: sqlite3.Connection,
    *,
    start: float | None = None,
    end: float | None = None,
    chain: str | None = None,
    asset: str | None = None,
    min_value: float | None = None,
    after: str | None = None,
    limit: int,
) -> Page[WhaleRow]:
    """Large transactions of that time, newest first.

    With ``chain`` and ``asset`` only those of that chain and that asset, with ``min_value`` only those of at least so
    many US dollars. Other arguments as of ``price_rows``.
    """
    key = _key(after, _WhaleKey, _WhaleKey(math.inf, 0))
    statement, values = _filtered(_WHALES, ("chain = ?", chain), ("asset = ?", asset), ("value >= ?", min_value))
    found = _ask(connection, statement, *_span(start, end, last=key.time), key.time, key.id, *values, limit=limit)
    return _page(found, limit, _whale, lambda row: _WhaleKey(row[8], row[0]))


def update_rows(connection: sqlite3.Connection) -> list[UpdateRow]:
    """The last publication of each service, by name."""
    found = connection.execute("SELECT service, epoch, seq, time, body FROM updates ORDER BY service")
    return [
        UpdateRow(service=service, epoch=epoch, seq=seq, time=time, body=body)
        for service, epoch, seq, time, body in found
    ]


def event_rows(connection: sqlite3.Connection, *, limit: int) -> list[EventRow]:
    """What happened to the archive itself, newest first."""
    found = connection.execute("SELECT kind, at, detail FROM events ORDER BY id DESC LIMIT ?", (limit,))
    return [EventRow(kind=kind, at=at, detail=detail) for kind, at, detail in found]


def symbols(connection: sqlite3.Connection) -> list[str]:
    """The coins that have prices or candles, in alphabetical order."""
    found = {*price_symbols(connection), *candle_symbols(connection, "1m"), *candle_symbols(connection, "1h")}
    return sorted(found)


class _PriceKey(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    time: float
    source: str


class _CandleKey(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    start: Whole


class _ArticleKey(msgspec.Struct, frozen=True, array_like=True, tag="a"):
    seen_at: float
    id: str


class _WhaleKey(msgspec.Struct, frozen=True, array_like=True, tag="w"):
    time: float
    id: Whole


K = TypeVar("K", _PriceKey, _CandleKey, _ArticleKey, _WhaleKey)


def _key(after: str | None, kind: type[K], beginning: K) -> K:
    """Where a page begins.

    Raises:
        BadRequest: the cursor was not made by ``_cursor`` for this kind of row.
    """
    if after is None:
        return beginning
    try:
        if len(after) > CURSOR_MAX_CHARACTERS:
            raise ValueError(f"longer than {CURSOR_MAX_CHARACTERS} characters")
        return msgspec.json.decode(base64.b64decode(after, b"-_", validate=True), type=kind)
    except (ValueError, binascii.Error, RecursionError):
        raise BadRequest("after is not a cursor of this list") from None


def _cursor(key: Any) -> str:
    return base64.urlsafe_b64encode(codec.encode(key)).decode()


def _span(
    start: float | None, end: float | None, *, first: float = -math.inf, last: float = math.inf
) -> tuple[float, float]:
    """Where a page begins and where it ends. ``first`` and ``last`` are times of the cursor, rows of which may be left.

    The cursor alone would give the same rows; but SQLite enters an index by one condition for each end, and then goes
    through all earlier pages for every page if that is the beginning of the whole span.
    """
    return (
        first if start is None else max(start, first),
        # the end is not in the span, but rows of that very moment may be
        min(math.inf if end is None else end, math.nextafter(last, math.inf)),
    )


def _filtered(statement: str, *filters: tuple[str, str | float | None]) -> tuple[str, list[str | float]]:
    """The statement with the conditions whose value is given, and those values."""
    given = [(condition, value) for condition, value in filters if value is not None]
    conditions = "".join(f" AND {condition}" for condition, _ in given)
    return statement.format(filters=conditions), [value for _, value in given]


def _ask(connection: sqlite3.Connection, statement: str, *values: str | float, limit: int) -> list[Sequence[Any]]:
    """One row more than the page has, to see whether another page follows."""
    assert limit >= 1
    return connection.execute(statement, (*values, limit + 1)).fetchall()


def _page(
    found: list[Sequence[Any]],
    limit: int,
    row_of: Callable[[Sequence[Any]], R_co],
    key_of: Callable[[Sequence[Any]], Any],
) -> Page[R_co]:
    rows = [row for some in in_slices(found[:limit], lambda part: [row_of(values) for values in part]) for row in some]
    return Page(rows=rows, after=_cursor(key_of(found[limit - 1])) if len(found) > limit else None)


def _price(values: Sequence[Any]) -> PriceRow:
    symbol, time, price, source, confirmed, recorded_at = values
    return PriceRow(
        symbol=symbol, time=time, price=price, source=source, confirmed=bool(confirmed), recorded_at=recorded_at
    )


def _candle(values: Sequence[Any]) -> CandleRow:
    return CandleRow(**dict(zip(CandleRow.__struct_fields__, values, strict=True)))


def _article(values: Sequence[Any]) -> ArticleRow:
    *others, categories = values
    return ArticleRow(
        **dict(zip(ArticleRow.__struct_fields__, others, strict=False)), categories=tuple(codec.decode(categories))
    )


def _whale(values: Sequence[Any]) -> WhaleRow:
    _, chain, hash_, asset, amount, sender, receiver, value, time, confirmed, *more = values
    block, from_label, to_label, source = more
    return WhaleRow(
        chain=chain,
        hash=hash_,
        asset=asset,
        amount=amount,
        sender=sender or None,
        receiver=receiver or None,
        value=value,
        time=time,
        confirmed=bool(confirmed),
        block=block,
        from_label=from_label,
        to_label=to_label,
        source=source,
    )
