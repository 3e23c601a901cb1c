"""What waits to be written: each thing once, the newest version, bounded, and nothing that cannot be stored."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.archive.support import NOW, Clock, article, news, prices, publication, quote, whale, whales
from websocket import codec
from websocket.archive.recorder import UPDATE_MAX_BYTES, Recorder
from websocket.archive.rows import EventRow, PriceRow
from websocket.broker.base import Publication
from websocket.catalogue import ACCEPTED_PRICES, SERVICE_NAMES


@pytest.fixture
def recorder(clock: Clock) -> Recorder:
    return Recorder(max_pending=1000, clock=clock)


def test_prices_wait_in_their_order(recorder: Recorder) -> None:
    """With everything that is known about them."""
    recorder.add(prices([quote(NOW - 2, 100.0), quote(NOW - 1, 101.0, symbol="ETH", confirmed=False)]))
    assert recorder.pending == 2
    assert recorder.take(10).prices == [
        PriceRow(symbol="BTC", time=NOW - 2, price=100.0, source="kraken", confirmed=True, recorded_at=NOW - 1.5),
        PriceRow(symbol="ETH", time=NOW - 1, price=101.0, source="kraken", confirmed=False, recorded_at=NOW - 0.5),
    ]
    assert recorder.pending == 0


def test_the_same_articles_again_are_nothing_new(recorder: Recorder) -> None:
    """News are published every minute with nearly the same articles; only what differs is written."""
    recorder.add(news(article(1), article(2)))
    assert len(recorder.take(10).articles) == 2
    recorder.add(news(article(2, title="Corrected"), article(3), article(1)))
    assert [row.title for row in recorder.take(10).articles] == ["Corrected", "Headline 3"]


def test_only_the_newest_version_waits(recorder: Recorder) -> None:
    """A transaction that is confirmed before it was written is written once."""
    recorder.add(whales(whale()))
    recorder.add(whales(whale(confirmed=True, block=900_000)))
    (row,) = recorder.take(10).whales
    assert (row.confirmed, row.block, row.sender, row.receiver) == (True, 900_000, "sender", "receiver")


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_last_update_of_each_service_is_kept(recorder: Recorder, service: str) -> None:
    """And no older one."""
    recorder.add(publication(service, {"status": "down"}, seq=1))
    recorder.add(publication(service, {"status": "live"}, seq=2))
    (update,) = recorder.take(10).updates
    assert (update.service, update.epoch, update.seq, update.time) == (service, "epoch", 2, NOW)
    assert update.body == '{"status":"live"}'


def test_other_channels_are_left_out(recorder: Recorder) -> None:
    """What is for the screens only is not history."""
    recorder.add(publication("crypto-prices", [{"symbol": "BTC"}]))
    recorder.add(publication("price-book", {"x": 1}))
    recorder.add(publication("news", {"articles": [], "x": "y" * UPDATE_MAX_BYTES}))
    assert recorder.pending == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"price": 0},
        {"price": -1.0},
        {"price": "100"},
        {"price": None},
        {"time": 0},
        {"time": NOW + 7200},
        {"symbol": ""},
        {"symbol": 5},
        {"source": "x" * 5000},
        {"confirmed": "yes"},
    ],
)
def test_a_price_that_cannot_be_is_left_out_alone(recorder: Recorder, bad: dict[str, Any]) -> None:
    """The others of the same publication are kept."""
    rows = {"quotes": [{**quote(NOW), **bad}, quote(NOW)]}
    recorder.add(Publication(ACCEPTED_PRICES, "epoch", 1, NOW, codec.encode(rows)))
    assert [row.price for row in recorder.take(10).prices] == [100.0]
    assert recorder.dropped == 1


@pytest.mark.parametrize(
    "data",
    [None, [], "text", 5, {}, {"quotes": None}, {"quotes": 5}, {"quotes": [None]}, {"quotes": [[]]}],
)
@pytest.mark.parametrize("channel", [ACCEPTED_PRICES, "news", "whale_tracking"])
def test_nothing_that_comes_raises(recorder: Recorder, channel: str, data: Any) -> None:
    """It comes from other processes, too, which may be of another version."""
    recorder.add(publication(channel, data))
    recorder.add(publication(channel, {"quotes": data, "articles": data, "large_transactions": data}))
    batch = recorder.take(10)
    assert not batch.prices
    assert not batch.articles
    assert not batch.whales


@pytest.mark.parametrize(
    "bad",
    [{"seen_at": "yesterday"}, {"seen_at": "2026-11-20T23:30:00"}, {"seen_at": "2126-01-01T00:00:00Z"}, {"id": ""}],
)
def test_an_article_that_cannot_be_is_left_out_alone(
    recorder: Recorder, caplog: pytest.LogCaptureFixture, bad: dict[str, Any]
) -> None:
    """It is logged once, and not at each publication."""
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            recorder.add(news(article(1, **bad), article(2)))
    assert [row.title for row in recorder.take(10).articles] == ["Headline 2"]
    assert len(caplog.records) == 1


def test_oldest_prices_go_when_too_many_wait(clock: Clock) -> None:
    """Memory is bounded however long the disk fails, and the rows that are given up are counted."""
    recorder = Recorder(max_pending=10, clock=clock)
    for number in range(25):
        recorder.add(prices([quote(NOW - 100 + number, 1.0 + number)]))
    assert recorder.pending == 10
    assert recorder.dropped == 15
    assert [row.price for row in recorder.take(100).prices] == [1.0 + number for number in range(15, 25)]


def test_what_is_published_again_and_again_is_bounded_as_well(clock: Clock) -> None:
    """What was given up of it waits again with its next publication."""
    recorder = Recorder(max_pending=10, clock=clock)
    published = news(*(article(number) for number in range(30)))
    recorder.add(published)
    assert recorder.pending == 10  # nine articles, and the update
    while taken := recorder.take(10).articles:
        ids = {row.id for row in taken}
    recorder.add(published)
    again = {row.id for row in recorder.take(10).articles}
    assert len(again) == 10 - 1
    assert not again & ids


def test_rows_that_could_not_be_written_wait_in_their_order(recorder: Recorder) -> None:
    """Before those that came meanwhile; of an update the newer one stands."""
    recorder.add(prices([quote(NOW - 3, 1.0), quote(NOW - 2, 2.0)]))
    recorder.add(news(article(1)))
    recorder.note(EventRow(kind="backup", at=1.0, detail="first"))
    batch = recorder.take(10)
    recorder.add(prices([quote(NOW - 1, 3.0)]))
    recorder.add(news(article(1, title="Corrected")))
    recorder.note(EventRow(kind="backup", at=2.0, detail="second"))
    recorder.put_back(batch)
    again = recorder.take(10)
    assert [row.price for row in again.prices] == [1.0, 2.0, 3.0]
    assert [row.title for row in again.articles] == ["Corrected"]
    assert len(again.updates) == 1
    assert "Corrected" in again.updates[0].body
    assert [event.detail for event in again.events] == ["first", "second"]


def test_batches_are_bounded(recorder: Recorder) -> None:
    """One transaction is never so large that it takes long."""
    recorder.add(prices([quote(NOW - 50 + number) for number in range(50)]))
    assert [len(recorder.take(20).prices) for _ in range(4)] == [20, 20, 10, 0]
