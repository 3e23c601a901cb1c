"""How long rows are kept. Deletes in small steps, so that writing goes on in between. Runs in a native thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from websocket.archive.status import Kind
from websocket.archive.writer import transaction
from websocket.settings import ArchiveSettings

DELETED_AT_ONCE = 2000
"""Rows of one transaction; some 10 ms of work."""

FREED_AT_ONCE = 500
"""Pages given back to the file system after a transaction, so that a file can become smaller."""

KEPT_EVENTS = 1000

DAY_S = 86_400.0


class Expired(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that have been kept long enough.

    Attributes:
        kind: what they are.
        statement: deletes some of them; its last parameter is how many at most.
        values: the other parameters.
    """

    kind: Kind
    statement: str
    values: tuple[str | float, ...]


_PRICES = """
DELETE FROM prices WHERE id IN (SELECT id FROM prices WHERE symbol = ? AND time < ? ORDER BY time LIMIT ?)
"""

_CANDLES = """
DELETE FROM candles WHERE interval = ?1 AND symbol = ?2 AND start IN (
    SELECT start FROM candles WHERE interval = ?1 AND symbol = ?2 AND start < ?3 ORDER BY start LIMIT ?4)
"""

_ARTICLES = "DELETE FROM articles WHERE id IN (SELECT id FROM articles WHERE seen_at < ? ORDER BY seen_at LIMIT ?)"

_WHALES = "DELETE FROM whales WHERE id IN (SELECT id FROM whales WHERE time < ? ORDER BY time LIMIT ?)"

_EVENTS = "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?"

# From one symbol to the next by the index, instead of reading every row.
_PRICE_SYMBOLS = """
WITH RECURSIVE found(symbol) AS (
    SELECT min(symbol) FROM prices
    UNION ALL
    SELECT (SELECT min(symbol) FROM prices WHERE symbol > found.symbol) FROM found WHERE found.symbol IS NOT NULL
)
SELECT symbol FROM found WHERE symbol IS NOT NULL
"""

_CANDLE_SYMBOLS = """
WITH RECURSIVE found(symbol) AS (
    SELECT min(symbol) FROM candles WHERE interval = ?1
    UNION ALL
    SELECT (SELECT min(symbol) FROM candles WHERE interval = ?1 AND symbol > found.symbol)
    FROM found WHERE found.symbol IS NOT NULL
)
SELECT symbol FROM found WHERE symbol IS NOT NULL
"""


def price_symbols(connection: sqlite3.Connection) -> list[str]:
    """The coins that have prices, in alphabetical order."""
    return [symbol for (symbol,) in connection.execute(_PRICE_SYMBOLS)]


def candle_symbols(connection: sqlite3.Connection, interval: str) -> list[str]:
    """The coins that have candles of an interval, in alphabetical order."""
    return [symbol for (symbol,) in connection.execute(_CANDLE_SYMBOLS, (interval,))]


def expired(connection: sqlite3.Connection, settings: ArchiveSettings, now: float) -> list[Expired]:
    """What has been kept long enough; candles go when their beginning is that old.

    Args:
        connection: to the archive.
        settings: how long each kind is kept.
        now: Unix seconds.
    """

    def before(days: float) -> float:
        return now - days * DAY_S

    found = [
        Expired(kind="prices", statement=_PRICES, values=(symbol, before(settings.price_days)))
        for symbol in price_symbols(connection)
    ]
    spans: tuple[tuple[Kind, str, float], ...] = (
        ("candles_1m", "1m", settings.minute_days),
        ("candles_1h", "1h", settings.hour_days),
    )
    found += [
        Expired(kind=kind, statement=_CANDLES, values=(interval, symbol, before(days)))
        for kind, interval, days in spans
        for symbol in candle_symbols(connection, interval)
    ]
    found.append(Expired(kind="articles", statement=_ARTICLES, values=(before(settings.article_days),)))
    found.append(Expired(kind="whales", statement=_WHALES, values=(before(settings.whale_days),)))
    return found


def delete_some(connection: sqlite3.Connection, rows: Expired) -> int:
    """Deletes some of the rows; gives how many. Fewer than ``DELETED_AT_ONCE`` means that none are left.

    Raises:
        sqlite3.Error: nothing was deleted.
    """
    with transaction(connection):
        deleted = connection.execute(rows.statement, (*rows.values, DELETED_AT_ONCE)).rowcount
    if deleted:
        _free_pages(connection)
    return deleted


def tidy_up(connection: sqlite3.Connection) -> None:
    """Leaves the newest events, and gives some unused pages back to the file system.

    Raises:
        sqlite3.Error: the disk failed.
    """
    with transaction(connection):
        connection.execute(_EVENTS, (KEPT_EVENTS,))
    _free_pages(connection)


def _free_pages(connection: sqlite3.Connection) -> None:
    # it frees one page a step; a cursor takes only the first, because there are no columns to fetch
    connection.executescript(f"PRAGMA incremental_vacuum({FREED_AT_ONCE})")


def oldest_time(connection: sqlite3.Connection) -> float | None:
    """Time of the oldest price, candle, article or transaction; None when there is none."""
    return min(_oldest_times(connection), default=None)


def _oldest_times(connection: sqlite3.Connection) -> Iterator[float]:
    asked: list[tuple[str, tuple[str, ...]]] = [
        ("SELECT min(time) FROM prices WHERE symbol = ?", (symbol,)) for symbol in price_symbols(connection)
    ]
    asked += [
        ("SELECT open_time FROM candles WHERE interval = ? AND symbol = ? ORDER BY start LIMIT 1", (interval, symbol))
        for interval in ("1m", "1h")
        for symbol in candle_symbols(connection, interval)
    ]
    asked += [("SELECT min(seen_at) FROM articles", ()), ("SELECT min(time) FROM whales", ())]
    for statement, values in asked:
        (oldest,) = connection.execute(statement, values).fetchone()
        if oldest is not None:
            yield float(oldest)
