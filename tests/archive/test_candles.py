"""Candles: by the sources' times, whenever and in whatever order prices come, and always in step with the prices."""

from __future__ import annotations

import random

import pytest

from tests.archive.support import NOW, all_prices, counted_candles, prices, quote, stored_candles
from websocket import codec
from websocket.archive import formats, queries
from websocket.archive.rows import CandleRow
from websocket.archive.store import Archive

MINUTE = NOW - NOW % 60


def the_minute(archive: Archive, start: float) -> CandleRow:
    """The candle of BTC that begins there."""
    (candle,) = archive.read(
        lambda connection: queries.candle_rows(connection, "1m", "BTC", start=start, end=start + 60, limit=5)
    ).rows
    return candle


def record(archive: Archive, *quotes: tuple[float, float]) -> None:
    """Writes prices as (time, price)."""
    archive.on_publication(prices([quote(time, price) for time, price in quotes]))
    archive.flush()


def test_first_highest_lowest_and_last(archive: Archive) -> None:
    """Over one minute, with the number of prices."""
    start = MINUTE - 60
    record(archive, (start, 10.0), (start + 20, 14.0), (start + 40, 9.0), (start + 59.9, 11.0))
    candle = the_minute(archive, start)
    assert (candle.open, candle.high, candle.low, candle.close) == (10.0, 14.0, 9.0, 11.0)
    assert (candle.samples, candle.open_time, candle.close_time) == (4, start, start + 59.9)


def test_prices_of_an_earlier_version_lose_their_binary_noise(archive: Archive) -> None:
    """In the archive they stand as they were recorded; JSON and CSV show the digits that mean something."""
    start = MINUTE - 60
    record(archive, (start, 65262.844727100004), (start + 1, 0.17435035540000002))
    candle = the_minute(archive, start)
    for shown in (codec.encode(formats.record_of(candle)).decode(), formats.csv_lines([candle])):
        assert "65262.8447271" in shown
        assert "0.1743503554" in shown
        assert "0000" not in shown.replace(".000Z", "").replace("00:00", "")


def test_a_span_ends_where_the_next_begins(archive: Archive) -> None:
    """The very moment of the full minute belongs to the new one."""
    record(archive, (MINUTE - 60, 1.0), (MINUTE, 2.0))
    assert the_minute(archive, MINUTE - 60).close == 1.0
    assert the_minute(archive, MINUTE).open == 2.0


def test_a_late_price_changes_the_first_or_nothing_of_it(archive: Archive) -> None:
    """The source's time decides, not the moment at which it comes."""
    start = MINUTE - 60
    record(archive, (start + 30, 10.0))
    record(archive, (start + 50, 12.0))
    record(archive, (start + 40, 15.0))
    candle = the_minute(archive, start)
    assert (candle.open, candle.high, candle.low, candle.close, candle.samples) == (10.0, 15.0, 10.0, 12.0, 3)
    record(archive, (start + 1, 8.0))
    candle = the_minute(archive, start)
    assert (candle.open, candle.high, candle.low, candle.close, candle.samples) == (8.0, 15.0, 8.0, 12.0, 4)


def test_a_price_that_is_there_already_counts_once(archive: Archive) -> None:
    """After a restart, or through two processes, the same price may come again."""
    record(archive, (NOW - 1, 10.0))
    record(archive, (NOW - 1, 10.0), (NOW, 11.0))
    assert the_minute(archive, MINUTE).samples == 2
    assert archive.status().records["prices"] == 2


@pytest.mark.parametrize("seed", range(5))
def test_candles_are_what_the_prices_make_them(archive: Archive, seed: int) -> None:
    """Any prices, in any order, in any portions, with equal times from several sources."""
    rng = random.Random(seed)
    quotes = [
        quote(
            round(NOW - rng.uniform(0, 9000), rng.choice([0, 2])),
            round(rng.uniform(1, 100), 2),
            symbol=rng.choice(["BTC", "ETH"]),
            source=rng.choice(["kraken", "binance", "coinlore"]),
        )
        for _ in range(600)
    ]
    while quotes:
        portion, quotes = quotes[: (size := rng.randint(1, 60))], quotes[size:]
        archive.on_publication(prices(portion))
        if rng.random() < 0.7:
            archive.flush()
    archive.flush()
    assert archive.read(stored_candles) == archive.read(counted_candles)
    records = archive.status().records
    assert records["candles_1m"] + records["candles_1h"] == len(archive.read(stored_candles))
    assert records["prices"] == len(archive.read(all_prices)) + len(archive.read(lambda c: all_prices(c, "ETH")))
