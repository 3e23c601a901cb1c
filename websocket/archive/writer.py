"""Writes a batch of rows in one transaction: all of it or nothing. Runs in a native thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from websocket import codec
from websocket.archive.candles import candles_of, merge_candles
from websocket.archive.recorder import Batch
from websocket.archive.rows import ArticleRow, PriceRow, WhaleRow
from websocket.archive.status import Kind

_PRICE = """
INSERT INTO prices (symbol, time, price, source, confirmed, recorded_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

_CONFIRM_PRICE = "UPDATE prices SET confirmed = 1 WHERE symbol = ? AND time = ? AND source = ?"

_ARTICLE = """
INSERT INTO articles (title, url, source, published_at, seen_at, source_id, categories, id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""

# a process that lost its memory says that it saw the article now
_CORRECT_ARTICLE = """
UPDATE articles SET
    title = ?, url = ?, source = ?, published_at = ?, seen_at = min(seen_at, ?), source_id = ?, categories = ?
WHERE id = ?
"""

_WHALES = "SELECT id, sender, receiver FROM whales WHERE chain = ? AND hash = ? AND asset = ? AND amount = ?"

_WHALE = """
INSERT INTO whales (
    chain, hash, asset, amount, sender, receiver, value, time, confirmed, block, from_label, to_label, source
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

# Value and source are those of the first sight. A block is never taken back: after a crash a service may tell once more
# what it knew half a minute before. IGNORE: two halves that turn out to be one and the same stay as they are.
_LEARN_WHALE = """
UPDATE OR IGNORE whales SET
    sender = :sender,
    receiver = :receiver,
    time = CASE WHEN :confirmed OR NOT confirmed THEN :time ELSE time END,
    confirmed = max(confirmed, :confirmed),
    block = coalesce(:block, block),
    from_label = coalesce(:from_label, from_label),
    to_label = coalesce(:to_label, to_label)
WHERE id = :id
"""

_UPDATE = "INSERT OR REPLACE INTO updates (service, epoch, seq, time, body) VALUES (?, ?, ?, ?, ?)"

_EVENT = "INSERT INTO events (kind, at, detail) VALUES (?, ?, ?)"


def write_batch(connection: sqlite3.Connection, batch: Batch) -> dict[Kind, int]:
    """Writes all rows of a batch, and the candles of its prices; gives how many rows of each kind are new.

    Raises:
        sqlite3.Error: nothing was written.
    """
    with transaction(connection):
        (known_updates,) = connection.execute("SELECT count(*) FROM updates").fetchone()
        new_prices = [price for price in batch.prices if _put_price(connection, price)]
        candles = merge_candles(connection, candles_of(new_prices))
        added: dict[Kind, int] = {
            "prices": len(new_prices),
            "candles_1m": candles["1m"],
            "candles_1h": candles["1h"],
            "articles": sum(_put_article(connection, article) for article in batch.articles),
            "whales": sum(_put_whale(connection, whale) for whale in batch.whales),
        }
        for update in batch.updates:
            connection.execute(_UPDATE, msgspec.structs.astuple(update))
        (updates,) = connection.execute("SELECT count(*) FROM updates").fetchone()
        added["updates"] = updates - known_updates
        connection.executemany(_EVENT, [(event.kind, event.at, event.detail) for event in batch.events])
    return added


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that happens in the block, or, when it raises, nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # some errors, such as a full disk, have rolled back already
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _put_price(connection: sqlite3.Connection, price: PriceRow) -> bool:
    """Whether the price is new."""
    values = (price.symbol, price.time, price.price, price.source, price.confirmed, price.recorded_at)
    is_new = bool(connection.execute(_PRICE, values).rowcount)
    if not is_new and price.confirmed:
        connection.execute(_CONFIRM_PRICE, (price.symbol, price.time, price.source))
    return is_new


def _put_article(connection: sqlite3.Connection, article: ArticleRow) -> bool:
    """Whether the article is new."""
    id_, *others, categories = msgspec.structs.astuple(article)
    values = (*others, codec.encode(categories).decode(), id_)
    is_new = bool(connection.execute(_ARTICLE, values).rowcount)
    if not is_new:
        connection.execute(_CORRECT_ARTICLE, values)
    return is_new


def _put_whale(connection: sqlite3.Connection, whale: WhaleRow) -> bool:
    """Whether the transaction is new. One whose addresses were not known before is the same."""
    sender, receiver = whale.sender or "", whale.receiver or ""
    known = connection.execute(_WHALES, (whale.chain, whale.hash, whale.asset, whale.amount)).fetchall()
    same = [row for row in known if _may_be(row[1], sender) and _may_be(row[2], receiver)]
    if not same:
        values = (whale.chain, whale.hash, whale.asset, whale.amount, sender, receiver, whale.value, whale.time)
        more = (whale.confirmed, whale.block, whale.from_label, whale.to_label, whale.source)
        connection.execute(_WHALE, values + more)
        return True
    number, known_sender, known_receiver = max(same, key=lambda row: (row[1:] == (sender, receiver), row[0]))
    connection.execute(
        _LEARN_WHALE,
        {
            "id": number,
            "sender": sender or known_sender,
            "receiver": receiver or known_receiver,
            "time": whale.time,
            "confirmed": whale.confirmed,
            "block": whale.block,
            "from_label": whale.from_label,
            "to_label": whale.to_label,
        },
    )
    return False


def _may_be(known: str, told: str) -> bool:
    """Whether two addresses may be the same, of which either may not be known."""
    return known == told or not known or not told
