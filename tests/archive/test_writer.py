"""Articles and transactions that are told again: the same row, corrected; and prices that come twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.archive.support import NOW, all_prices, article, news, prices, quote, whale, whales
from websocket.archive import queries
from websocket.archive.rows import ArticleRow, WhaleRow
from websocket.archive.store import Archive


def stored_whales(archive: Archive) -> list[WhaleRow]:
    archive.flush()
    return list(archive.read(lambda connection: queries.whale_rows(connection, limit=100)).rows)


def stored_articles(archive: Archive) -> list[ArticleRow]:
    archive.flush()
    return list(archive.read(lambda connection: queries.article_rows(connection, limit=100)).rows)


def test_transaction_that_is_confirmed_later_is_the_same(archive: Archive) -> None:
    """With the time of its block; its value stays that of the first sight."""
    archive.on_publication(whales(whale()))
    (waiting,) = stored_whales(archive)
    assert (waiting.confirmed, waiting.block, waiting.from_label) == (False, None, None)
    archive.on_publication(
        whales(
            whale(
                confirmed=True,
                block=900_000,
                timestamp="2026-11-21T00:00:00.000Z",
                from_label="Kraken",
                value=1.0,
                source="blockstream",
            )
        )
    )
    (confirmed,) = stored_whales(archive)
    assert confirmed == WhaleRow(
        chain="bitcoin",
        hash="a" * 64,
        asset="BTC",
        amount=40.0,
        sender="sender",
        receiver="receiver",
        value=2_500_000.0,
        time=NOW - 5.25,
        confirmed=True,
        block=900_000,
        from_label="Kraken",
        to_label="Binance",
        source="mempool_space",
    )
    assert archive.status().records["whales"] == 1


def test_a_block_is_never_taken_back(archive: Archive) -> None:
    """After a crash a service may tell once more what it knew half a minute before."""
    archive.on_publication(whales(whale(confirmed=True, block=900_000, timestamp="2026-11-21T00:00:00.000Z")))
    archive.flush()
    archive.on_publication(whales(whale(to_label=None)))
    (row,) = stored_whales(archive)
    assert (row.confirmed, row.block, row.time, row.to_label) == (True, 900_000, NOW - 5.25, "Binance")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"from": ""}, {"from": "sender"}),
        ({"to": ""}, {"to": "receiver"}),
        ({"from": "", "to": ""}, {}),
        ({}, {"from": "", "to": ""}),
        ({"from": ""}, {"to": ""}),
    ],
)
def test_addresses_that_become_known(archive: Archive, first: dict[str, Any], second: dict[str, Any]) -> None:
    """It is the same transaction, whichever source knew which half."""
    archive.on_publication(whales(whale(**first)))
    archive.flush()
    archive.on_publication(whales(whale(**second)))
    (row,) = stored_whales(archive)
    assert (row.sender, row.receiver) == ("sender", "receiver")


@pytest.mark.parametrize(
    "other", [{"amount": 41.0}, {"from": "another"}, {"to": "another"}, {"asset": "USDT"}, {"chain": "ethereum"}]
)
def test_several_transfers_of_one_transaction(archive: Archive, other: dict[str, Any]) -> None:
    """Each is kept, however often they are told."""
    for _ in range(2):
        archive.on_publication(whales(whale(), whale(**other)))
        archive.flush()
        archive.on_publication(whales())
    assert len(stored_whales(archive)) == 2


def test_two_halves_that_turn_out_to_be_one(archive: Archive) -> None:
    """Nothing fails, and nothing else is lost with them."""
    archive.on_publication(whales(whale(**{"from": "", "to": "receiver"})))
    archive.flush()
    archive.on_publication(whales(whale(**{"from": "sender", "to": "another"})))
    archive.on_publication(prices([quote(NOW)]))
    archive.flush()
    archive.on_publication(whales(whale(**{"from": "sender", "to": "receiver"})))
    archive.flush()
    archive.on_publication(whales(whale(**{"from": "sender", "to": ""})))
    archive.flush()
    assert archive.status().healthy
    assert archive.status().dropped == 0
    assert len(stored_whales(archive)) == 2


def test_article_that_is_corrected(archive: Archive) -> None:
    """It stays where it was in time, also when the service has forgotten when it first saw it."""
    archive.on_publication(news(article(1, dated=False)))
    (first,) = stored_articles(archive)
    archive.on_publication(
        news(article(1, title="Corrected", seen_at="2026-11-20T23:59:00.000Z", categories=["regulation"]))
    )
    (corrected,) = stored_articles(archive)
    assert corrected == ArticleRow(
        id=first.id,
        title="Corrected",
        url=first.url,
        source="CoinDesk",
        source_id="coindesk",
        published_at=NOW - 3605.25,
        seen_at=first.seen_at,
        categories=("regulation",),
    )
    assert archive.status().records["articles"] == 1


def test_price_that_is_confirmed_later(archive: Archive) -> None:
    """The first value counts, and that another source agreed is taken over."""
    archive.on_publication(prices([quote(NOW, 10.0, confirmed=False)]))
    archive.on_publication(prices([quote(NOW, 11.0)]))
    archive.on_publication(prices([quote(NOW, 12.0, confirmed=False)]))
    archive.flush()
    (row,) = archive.read(all_prices)
    assert (row.price, row.confirmed) == (10.0, True)
