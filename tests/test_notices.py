"""What the service says about itself: every change once, and each notice with the whole picture."""

from __future__ import annotations

from typing import Any

import pytest

from websocket.broker.base import Broker
from websocket.broker.memory_broker import MemoryBroker
from websocket.catalogue import LEADER, SYSTEM
from websocket.feed_status import FeedStatus, State
from websocket.notices import Notices

NOW = 1_790_000_000.25
TIME = "2026-09-21T14:13:20.250Z"


def feed(status: State = "live", reason: str | None = None) -> FeedStatus:
    """A state of the price feed."""
    return FeedStatus(
        channel="crypto-prices",
        status=status,
        reason=reason,
        demo=False,
        source="binance",
        oldest_age_s=1.0,
        timestamp=TIME,
    )


def notices_of(shared: Broker, process: str = "one") -> Notices:
    """Those of one process."""
    return Notices(shared, process=process, clock=lambda: NOW)


def said(notices: Notices) -> list[Any]:
    """The payloads of all notices, oldest first."""
    return [publication.data for publication in notices.broker.history(SYSTEM)]


@pytest.fixture
def shared() -> MemoryBroker:
    """The broker of a process that is alone."""
    return MemoryBroker(clock=lambda: NOW)


def test_change_of_the_feed_is_a_notice(shared: MemoryBroker) -> None:
    """With what Socket.IO clients get, and the words that every payload has."""
    notices = notices_of(shared)
    notices.report_feed(feed("stale", "DOT older than 180 s"))
    notices.report_feed(feed())
    first, second = said(notices)
    assert first == {
        "event": "feed_status",
        "message": "The price feed is stale: DOT older than 180 s.",
        "process": "one",
        "feed": {
            "channel": "crypto-prices",
            "status": "stale",
            "reason": "DOT older than 180 s",
            "demo": False,
            "source": "binance",
            "oldestAgeSeconds": 1.0,
            "timestamp": TIME,
        },
        "leader": None,
        "shutdown_at": None,
        "status": "stale",
        "reason": "DOT older than 180 s",
        "demo": False,
        "timestamp": TIME,
    }
    assert (second["message"], second["status"], second["reason"]) == ("The price feed is live.", "live", None)


def test_nothing_is_said_before_the_state_of_the_feed_is_known(shared: MemoryBroker) -> None:
    """The first notice has all that came before."""
    notices = notices_of(shared)
    notices.announce_leader()
    assert notices.report_shutdown() is None
    assert said(notices) == []
    notices.report_feed(feed())
    (first,) = said(notices)
    assert first["leader"] == {"process": "one", "since": TIME}
    assert first["shutdown_at"] == TIME


def test_new_leader_is_a_notice_once(shared: MemoryBroker) -> None:
    """What begins a new epoch is what was known before, and no change."""
    notices = notices_of(shared)
    notices.report_feed(feed())
    leader = {"process": "two", "since": TIME}
    for _ in range(2):
        shared.publish(LEADER, leader)
    shared.publish("news", {})
    shared.publish(LEADER, {**leader, "process": "three"})
    assert [notice["event"] for notice in said(notices)] == ["feed_status", "leader", "leader"]
    assert [notice["leader"] for notice in said(notices)] == [None, leader, {**leader, "process": "three"}]
    assert said(notices)[1]["message"] == "Process two collects now."


def test_planned_end_is_a_notice_to_be_sent_at_once(shared: MemoryBroker) -> None:
    """It keeps the state of the feed."""
    notices = notices_of(shared)
    notices.report_feed(feed("stale", "all prices older than 180 s"))
    publication = notices.report_shutdown()
    assert publication is not None
    assert (publication.channel, publication.seq) == (SYSTEM, 2)
    assert (publication.data["event"], publication.data["shutdown_at"]) == ("shutdown", TIME)
    assert publication.data["feed"]["status"] == "stale"
