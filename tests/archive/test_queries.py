"""Reads page by page: complete, each row once, in order, whatever comes in between; and cursors that are none."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from tests.archive.support import NOW, article, news, prices, quote, whale, whales
from websocket.archive import queries
from websocket.archive.queries import Page
from websocket.archive.store import Archive
from websocket.errors import BadRequest

Read = Callable[..., Page[Any]]


@pytest.fixture
def filled(archive: Archive) -> Archive:
    """Some of everything; several prices at one time, and several articles and transactions, too."""
    archive.on_publication(
        prices(
            quote(NOW - number // 2 * 60, 1.0 + number, source=("kraken", "binance")[number % 2], symbol=symbol)
            for number in range(40)
            for symbol in ("BTC", "ETH")
        )
    )
    archive.on_publication(
        news(*(article(number, seen_at=f"2026-11-20T23:30:{number // 3:02d}Z") for number in range(40)))
    )
    archive.on_publication(whales(*(whale(amount=1.0 + number, value=1e6 + number) for number in range(40))))
    archive.flush()
    return archive


def read_prices(connection: sqlite3.Connection, **options: Any) -> Page[Any]:
    return queries.price_rows(connection, "BTC", **options)


def read_candles(connection: sqlite3.Connection, **options: Any) -> Page[Any]:
    return queries.candle_rows(connection, "1m", "BTC", **options)


READS = [read_prices, read_candles, queries.article_rows, queries.whale_rows]


def pages(archive: Archive, read: Read, limit: int, **options: Any) -> list[list[Any]]:
    """All pages, as a client would fetch them: each with a connection of its own."""
    found, after = [], None
    while True:
        page = archive.read(lambda connection, after=after: read(connection, after=after, limit=limit, **options))  # type: ignore[misc]
        found.append(list(page.rows))
        after = page.after
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 3, 19, 20, 40, 1000])
@pytest.mark.parametrize("read", READS)
def test_pages_together_are_the_whole(filled: Archive, read: Read, limit: int) -> None:
    """Each row once, in order; no page is empty, and the last one says that it is."""
    (whole,) = pages(filled, read, 1000)
    assert len(whole) == (20 if read is read_candles else 40)
    parts = pages(filled, read, limit)
    assert [row for part in parts for row in part] == whole
    assert all(len(part) == limit for part in parts[:-1])
    assert 1 <= len(parts[-1]) <= limit


def test_order(filled: Archive) -> None:
    """Prices and candles oldest first, as they are drawn; articles and transactions newest first, as they are read."""
    price_times = [row.time for row in pages(filled, read_prices, 1000)[0]]
    assert price_times == sorted(price_times)
    candle_starts = [row.start for row in pages(filled, read_candles, 1000)[0]]
    assert candle_starts == sorted(candle_starts)
    seen = [row.seen_at for row in pages(filled, queries.article_rows, 1000)[0]]
    assert seen == sorted(seen, reverse=True)
    times = [row.time for row in pages(filled, queries.whale_rows, 1000)[0]]
    assert times == sorted(times, reverse=True)


def test_times_begin_with_the_first_and_end_before_the_last(filled: Archive) -> None:
    """So that two spans that follow each other have every row once."""
    start, end = NOW - 600, NOW - 300
    rows = pages(filled, read_prices, 1000, start=start, end=end)[0]
    assert sorted({row.time for row in rows}) == [NOW - 600, NOW - 540, NOW - 480, NOW - 420, NOW - 360]
    assert pages(filled, read_prices, 3, start=end, end=start) == [[]]
    minutes = pages(filled, read_candles, 2, start=NOW - NOW % 60 - 120, end=NOW - NOW % 60)
    assert [row.start for part in minutes for row in part] == [NOW - NOW % 60 - 120, NOW - NOW % 60 - 60]
    (first,) = pages(filled, queries.article_rows, 1000, end=NOW - 1804.25)
    assert len(first) == 3


def test_rows_that_come_in_between_shift_nothing(filled: Archive) -> None:
    """A page is found by what the last one ended with."""
    first = filled.read(lambda connection: queries.article_rows(connection, limit=10))
    filled.on_publication(
        news(article(100, seen_at="2026-11-20T23:59:00Z"), article(101, seen_at="2026-11-20T00:00:00Z"))
    )
    filled.flush()
    rest = filled.read(lambda connection: queries.article_rows(connection, after=first.after, limit=1000))
    ids = [row.id for row in (*first.rows, *rest.rows)]
    assert len(ids) == len(set(ids)) == 41


def test_unknown_coin(filled: Archive) -> None:
    """Has no rows."""
    assert filled.read(lambda connection: queries.price_rows(connection, "' OR 1=1 --", limit=5)).rows == []


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"source": "coindesk"}, {"a", "b"}),
        ({"source": "bitcoin_magazine"}, {"c"}),
        ({"source": "bitcoin magazine"}, {"c"}),
        ({"source": "bitcoin"}, set()),
        ({"category": "etf"}, {"a"}),
        ({"category": "et"}, set()),
        ({"category": 'say "hi"'}, {"b"}),
        ({"category": "hi"}, set()),
        ({"text": "ether"}, {"b", "c"}),
        ({"text": "%"}, {"c"}),
        ({"text": "ETHER", "source": "bitcoin_magazine"}, {"c"}),
    ],
)
def test_articles_are_chosen(archive: Archive, filters: dict[str, str], found: set[str]) -> None:
    """By feed, by whole category, by a part of the title as it is written."""
    archive.on_publication(
        news(
            article(1, id="a", title="Bitcoin falls", categories=["bitcoin", "etf"]),
            article(2, id="b", title="Ethereum rises", categories=['say "hi"']),
            article(
                3, id="c", title="Ether up 5%", source="Bitcoin Magazine", source_id="bitcoin_magazine", categories=[]
            ),
        )
    )
    archive.flush()
    page = archive.read(lambda connection: queries.article_rows(connection, limit=10, **filters))  # type: ignore[arg-type]
    assert {row.id for row in page.rows} == found


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"chain": "bitcoin"}, 1),
        ({"asset": "USDT"}, 2),
        ({"min_value": 2e6}, 2),
        ({"asset": "USDT", "min_value": 2e6}, 1),
    ],
)
def test_transactions_are_chosen(archive: Archive, filters: dict[str, Any], count: int) -> None:
    """By chain, by asset and by value."""
    archive.on_publication(
        whales(
            whale(value=2e6),
            whale(chain="ethereum", asset="USDT", value=3e6),
            whale(chain="tron", asset="USDT", value=1e6),
        )
    )
    archive.flush()
    assert len(archive.read(lambda connection: queries.whale_rows(connection, limit=10, **filters)).rows) == count


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "%%%%",
        "ä",
        "W10=",
        base64.urlsafe_b64encode(b'["p",1e999,"x"]').decode(),
        base64.urlsafe_b64encode(b'["p",NaN,"x"]').decode(),
        base64.urlsafe_b64encode(b'["p",null,"x"]').decode(),
        base64.urlsafe_b64encode(b'["p",1,2]').decode(),
        base64.urlsafe_b64encode(b'["c",99999999999999999999999]').decode(),
        base64.urlsafe_b64encode(b'["w",1,99999999999999999999999]').decode(),
        base64.urlsafe_b64encode(b"[" * 1000).decode(),
        "A" * 5000,
        "\x00",
    ],
)
@pytest.mark.parametrize("read", READS)
def test_a_cursor_that_is_none(archive: Archive, read: Read, after: str) -> None:
    """Is the client's fault, and told so."""
    with pytest.raises(BadRequest, match="after"):
        archive.read(lambda connection: read(connection, after=after, limit=5))


@pytest.mark.parametrize("read", READS)
def test_a_cursor_of_another_list(filled: Archive, read: Read) -> None:
    """Would begin anywhere."""
    for other in READS:
        after = filled.read(lambda connection, other=other: other(connection, limit=1)).after  # type: ignore[misc]
        if other is read:
            assert filled.read(lambda connection, after=after: read(connection, after=after, limit=1)).rows  # type: ignore[misc]
        else:
            with pytest.raises(BadRequest):
                filled.read(lambda connection, after=after: read(connection, after=after, limit=1))  # type: ignore[misc]


def test_symbols_are_those_of_prices_and_candles(filled: Archive) -> None:
    """A coin whose prices are gone has candles for years."""
    assert filled.read(queries.symbols) == ["BTC", "ETH"]
