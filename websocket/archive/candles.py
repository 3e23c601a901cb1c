"""Candles: what prices did in each minute and each hour, kept in step with the prices themselves.

They are merged into the table in the transaction that writes their prices, so a crash leaves both or neither. The order
is that of the sources' times, whenever a price comes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from websocket.archive.rows import INTERVAL_S, CandleRow, Interval, PriceRow

_INSERT = """
INSERT INTO candles (interval, symbol, start, open, high, low, close, samples, open_time, close_time)
VALUES (:interval, :symbol, :start, :open, :high, :low, :close, :samples, :open_time, :close_time)
ON CONFLICT DO NOTHING
"""

# Right-hand sides see the row as it was before.
_MERGE = """
UPDATE candles SET
    open = CASE WHEN :open_time < open_time THEN :open ELSE open END,
    open_time = min(open_time, :open_time),
    high = max(high, :high),
    low = min(low, :low),
    close = CASE WHEN :close_time >= close_time THEN :close ELSE close END,
    close_time = max(close_time, :close_time),
    samples = samples + :samples
WHERE interval = :interval AND symbol = :symbol AND start = :start
"""


def candles_of(prices: Iterable[PriceRow]) -> list[CandleRow]:
    """The candles that prices make by themselves.

    Args:
        prices: in the order in which they came, which decides between prices of the same time.
    """
    spans: dict[tuple[Interval, str, int], list[PriceRow]] = {}
    for price in prices:
        for interval, length_s in INTERVAL_S.items():
            start = int(price.time // length_s) * length_s
            spans.setdefault((interval, price.symbol, start), []).append(price)
    return [_candle(interval, start, rows) for (interval, _, start), rows in spans.items()]


def merge_candles(connection: sqlite3.Connection, candles: Iterable[CandleRow]) -> dict[Interval, int]:
    """Merges candles of new prices into the table; gives how many of each interval are new.

    Raises:
        sqlite3.Error: the transaction must be rolled back.
    """
    added: dict[Interval, int] = dict.fromkeys(INTERVAL_S, 0)
    for candle in candles:
        values = {field: getattr(candle, field) for field in CandleRow.__struct_fields__}
        if connection.execute(_INSERT, values).rowcount:
            added[candle.interval] += 1
        else:
            connection.execute(_MERGE, values)
    return added


def _candle(interval: Interval, start: int, prices: list[PriceRow]) -> CandleRow:
    in_order = sorted(prices, key=lambda price: price.time)  # a stable sort: those of one time stay as they came
    first, last = in_order[0], in_order[-1]
    values = [price.price for price in prices]
    return CandleRow(
        interval=interval,
        symbol=first.symbol,
        start=start,
        open=first.price,
        high=max(values),
        low=min(values),
        close=last.price,
        samples=len(prices),
        open_time=first.time,
        close_time=last.time,
    )
