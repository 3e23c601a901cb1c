"""What has been kept long enough goes, in small steps; everything else stays."""

from __future__ import annotations

import pytest

from tests.archive.conftest import Archives
from tests.archive.support import NOW, Clock, all_prices, article, news, prices, quote, stored_candles, whale, whales
from websocket.archive import queries, retention
from websocket.archive.store import Archive

DAY_S = 86_400.0


def test_each_kind_has_its_own_time(archives: Archives, clock: Clock) -> None:
    """Counted from the source's time, for articles from when they were first read, for candles from their beginning."""
    archive = archives(price_days=1, minute_days=2, hour_days=3, article_days=4, whale_days=5)
    archive.on_publication(prices([quote(NOW, 1.0), quote(NOW, 1.0, symbol="ETH")]))
    archive.on_publication(news(article(1)))
    archive.on_publication(whales(whale()))
    archive.flush()
    clock.now -= 10
    seen = []
    for _ in range(6):
        clock.now += DAY_S
        archive.prune()
        records = archive.status().records
        seen.append([records[kind] for kind in ("prices", "candles_1m", "candles_1h", "articles", "whales")])  # type: ignore[index]
    assert seen == [
        [2, 2, 2, 1, 1],
        [0, 2, 2, 1, 1],
        [0, 0, 2, 1, 1],
        [0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    assert archive.status().records["updates"] == 2
    assert archive.read(stored_candles) == []


def test_only_what_is_too_old_goes(archives: Archives, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many steps it takes, and whatever is recorded in between."""
    monkeypatch.setattr(retention, "DELETED_AT_ONCE", 7)
    archive = archives(price_days=1)
    archive.on_publication(prices([quote(NOW - number * 3600, 1.0 + number) for number in range(100)]))
    archive.flush()
    archive.on_publication(prices([quote(NOW + 1)]))
    archive.prune()
    kept = [row.time for row in archive.read(all_prices)]
    assert kept == [NOW - number * 3600 for number in range(24, -1, -1)] + [NOW + 1]
    assert archive.status().records["prices"] == len(kept)
    assert archive.status().oldest_record == archive.read(retention.oldest_time)


def test_oldest_record_is_looked_up_again(archive: Archive, clock: Clock) -> None:
    """After the oldest were deleted."""
    archive.on_publication(whales(whale()))
    archive.on_publication(prices([quote(NOW - 1900 * DAY_S), quote(NOW)]))
    archive.flush()
    assert archive.status().oldest_record == NOW - 1900 * DAY_S
    archive.prune()
    assert archive.status().oldest_record == NOW - 65.25


def test_file_becomes_smaller(archives: Archives, clock: Clock) -> None:
    """Who lowers a retention because the disk is full gets the room back."""
    archive = archives(price_days=1)
    for part in range(10):
        archive.on_publication(prices([quote(NOW - 5 + part / 10 + number / 1e5) for number in range(2000)]))
        archive.flush()
    archive.close()
    large = archive.path.stat().st_size
    clock.now += 2 * DAY_S
    again = archives(price_days=1)
    again.prune()
    again.close()
    assert again.path.stat().st_size < large / 2


def test_events_are_bounded(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest stay."""
    monkeypatch.setattr(retention, "KEPT_EVENTS", 3)
    for number in range(10):
        archive.note("backup", str(number))
    archive.flush()
    archive.prune()
    events = archive.read(lambda connection: queries.event_rows(connection, limit=100))
    assert [event.detail for event in events] == ["9", "8", "7"]
