"""A file of the archive with known content, made without the recorder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from websocket.archive.database import close_file, open_file

MONDAY = 1_763_942_400.0
"""2025-11-24T00:00:00Z, when the samples begin."""

HOSTILE_TITLE = '=HYPERLINK("http://evil.example","a, b")\n"quoted" Ünïcode 🐋'


@contextmanager
def writing(path: Path, *, demo: bool = False) -> Iterator[sqlite3.Connection]:
    """The one writer of an archive, as a service has it open; makes the file."""
    opened = open_file(path, demo=demo)
    try:
        yield opened.connection
    finally:
        close_file(opened)


def make_archive(path: Path, *, prices: int = 100, demo: bool = False) -> Path:
    """An archive with some rows of every kind.

    Args:
        path: of the file.
        prices: of BTC, a second apart; ETH has three, and there is a candle for each minute of BTC.
        demo: whether its content counts as simulated.
    """
    with writing(path, demo=demo) as connection:
        add_prices(connection, "BTC", prices)
        add_prices(connection, "ETH", 3)
        connection.executemany(
            "INSERT INTO candles VALUES ('1m', 'BTC', ?, 1, 4, 0.5, 2, 60, ?, ?)",
            [(MONDAY + 60 * n, MONDAY + 60 * n, MONDAY + 60 * n + 59) for n in range(-(-prices // 60))],
        )
        connection.execute("INSERT INTO candles VALUES ('1h', 'BTC', ?, 1, 4, 0.5, 2, 3600, ?, ?)", (MONDAY,) * 3)
        connection.executemany(
            "INSERT INTO articles (source, source_id, id, title, url, published_at, seen_at, categories)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *("CoinDesk", "coindesk", "a1", HOSTILE_TITLE, "https://a.example/1"),
                    *(None, MONDAY + 1, '["bitcoin","+markets"]'),
                ),
                ("Decrypt", "decrypt", "a2", "Ether moves", "https://a.example/2", MONDAY, MONDAY + 2, "[]"),
            ],
        )
        connection.executemany(
            "INSERT INTO whales (chain, hash, asset, amount, sender, receiver, value, time, confirmed, block, source)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                ("bitcoin", "h1", "BTC", 100.0, "from1", "", 9e6, MONDAY + 5, 1, 900_000, "mempool_space"),
                ("ethereum", "h2", "USDT", 2e6, "", "to2", 2e6, MONDAY + 6, 0, None, "publicnode"),
            ],
        )
    return path


def add_prices(connection: sqlite3.Connection, symbol: str, count: int, *, start: float = MONDAY) -> None:
    """Prices a second apart: 1, 2, 3, ... dollars."""
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO prices (symbol, time, price, source, confirmed, recorded_at) VALUES (?, ?, ?, 'kraken', ?, ?)",
        ((symbol, start + n, n + 1.0, n % 2, start + n) for n in range(count)),
    )
    connection.execute("COMMIT")


def damage(path: Path) -> None:
    """Overwrites a part in the middle of a file, as a failing disk does."""
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(size // 2 // 4096 * 4096)
        stream.write(b"\xff" * 4096)
