"""Publications as the services make them, archives on files of their own, and candles counted from the prices."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from websocket import codec
from websocket.archive import queries
from websocket.archive.rows import INTERVAL_S, CandleRow, PriceRow
from websocket.archive.store import Archive
from websocket.broker.base import Publication
from websocket.catalogue import ACCEPTED_PRICES
from websocket.settings import ArchiveSettings

NOW = 1_795_219_205.25
"""2026-11-21 00:00:05.250 UTC."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def publication(channel: str, data: Any, *, seq: int = 1, time: float = NOW) -> Publication:
    """As a broker hands it to its listeners."""
    return Publication(channel, "epoch", seq, time, codec.encode(data))


def quote(time: float, price: float = 100.0, **more: Any) -> dict[str, Any]:
    """One accepted price."""
    return {
        "symbol": "BTC",
        "price": price,
        "source": "kraken",
        "time": time,
        "received_at": time + 0.5,
        "confirmed": True,
        **more,
    }


def prices(quotes: Iterable[dict[str, Any]]) -> Publication:
    """A publication of accepted prices."""
    return publication(ACCEPTED_PRICES, {"quotes": list(quotes)})


def article(number: int, **more: Any) -> dict[str, Any]:
    """One article as ``news`` publishes it."""
    return {
        "id": f"{number:016x}",
        "title": f"Headline {number}",
        "url": f"https://news.example/{number}",
        "source": "CoinDesk",
        "source_id": "coindesk",
        "published_at": "2026-11-20T23:00:00.000Z",
        "dated": True,
        "seen_at": f"2026-11-20T23:30:{number % 60:02d}.000Z",
        "categories": ["bitcoin", "etf"],
        **more,
    }


def news(*articles: dict[str, Any]) -> Publication:
    """A publication of ``news``."""
    return publication("news", {"articles": articles, "status": "live"})


def whale(**more: Any) -> dict[str, Any]:
    """One large transaction as ``whale_tracking`` publishes it."""
    return {
        "hash": "a" * 64,
        "value": 2_500_000.0,
        "from": "sender",
        "to": "receiver",
        "timestamp": "2026-11-20T23:59:00.000Z",
        "chain": "bitcoin",
        "asset": "BTC",
        "amount": 40.0,
        "confirmed": False,
        "block": None,
        "from_label": None,
        "to_label": "Binance",
        "source": "mempool_space",
        **more,
    }


def whales(*transactions: dict[str, Any]) -> Publication:
    """A publication of ``whale_tracking``."""
    return publication("whale_tracking", {"large_transactions": transactions, "status": "live"})


def archive_in(folder: Path, clock: Clock, **settings: Any) -> Archive:
    """A started archive."""
    archive = Archive(ArchiveSettings(**settings), folder, demo=False, clock=clock)
    archive.start()
    return archive


def all_prices(connection: sqlite3.Connection, symbol: str = "BTC") -> list[PriceRow]:
    """The stored prices of a coin by their time."""
    return list(queries.price_rows(connection, symbol, limit=1_000_000).rows)


def stored_candles(connection: sqlite3.Connection) -> list[CandleRow]:
    """All stored candles, in one order."""
    candles: list[CandleRow] = []
    for interval in INTERVAL_S:
        for symbol in queries.symbols(connection):
            candles += queries.candle_rows(connection, interval, symbol, limit=1_000_000).rows
    return candles


def counted_candles(connection: sqlite3.Connection) -> list[CandleRow]:
    """What the candles should be, from the stored prices alone, in the same order."""
    rows = connection.execute("SELECT symbol, time, price FROM prices ORDER BY time, id").fetchall()
    candles = []
    for interval, length_s in INTERVAL_S.items():
        spans: dict[tuple[str, int], list[Sequence[Any]]] = {}
        for row in rows:
            spans.setdefault((row[0], int(row[1] // length_s) * length_s), []).append(row)
        candles += [
            CandleRow(
                interval=interval,
                symbol=symbol,
                start=start,
                open=span[0][2],
                high=max(row[2] for row in span),
                low=min(row[2] for row in span),
                close=span[-1][2],
                samples=len(span),
                open_time=span[0][1],
                close_time=span[-1][1],
            )
            for (symbol, start), span in sorted(spans.items())
        ]
    return candles


def check_whole(path: Path) -> None:
    """Asserts that a file is sound and that its candles agree with its prices."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert stored_candles(connection) == counted_candles(connection)
    finally:
        connection.close()
