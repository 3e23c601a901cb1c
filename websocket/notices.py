"""What the service has to say about itself: the updates of ``system``, for clients of the plain WebSocket.

Every process numbers its own notices, since one that is cut off from the others must still be able to say so. Each
notice has the whole picture beside what has changed: a slow client gets only the newest, and a new subscription begins
with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from websocket.broker.base import Broker, Publication
from websocket.broker.memory_broker import MemoryBroker
from websocket.catalogue import LEADER, SYSTEM
from websocket.feed_status import FeedStatus, State
from websocket.records import to_rfc3339

Event = Literal["feed_status", "leader", "shutdown"]


class Leader(msgspec.Struct, frozen=True, kw_only=True):
    """The process that asks the providers and publishes for all.

    Attributes:
        process: its ``ROUTE_NAME``, or its first port.
        since: when it became the leader, RFC 3339 UTC.
    """

    process: str
    since: str


class SystemNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice of the service about itself, and how all of it stands.

    Attributes:
        event: what changed: ``feed_status``: the state of the price feed; ``leader``: another process collects now;
            ``shutdown``: the process that you are connected to ends, and an error ``shutting_down`` follows.
        message: the same in one line for people.
        process: who says so: the ``ROUTE_NAME`` of the process that you are connected to, or its first port.
        feed: state of the price feed, as Socket.IO clients get it by ``feed-status``.
        leader: which process collects; null when that is not known.
        shutdown_at: when this process began to end, RFC 3339 UTC; null while it does not.
        status: that of the feed.
        reason: that of the feed, or null.
        demo: true when a simulated internet feeds the service.
        timestamp: RFC 3339 UTC.
    """

    event: Event
    message: str
    process: str
    feed: FeedStatus
    leader: Leader | None
    shutdown_at: str | None
    status: State
    reason: str | None
    demo: bool
    timestamp: str


class Notices:
    """Publishes the notices of this process, from the first state of the feed on.

    Args:
        shared: the broker of all processes, by which they learn who collects.
        process: name of this one.
        clock: wall clock, Unix seconds.
    """

    def __init__(self, shared: Broker, *, process: str, clock: Callable[[], float]) -> None:
        self._shared = shared
        self._process = process
        self._clock = clock
        self._feed: FeedStatus | None = None
        self._leader: Leader | None = None  # in the last notice
        self._shutdown_at: str | None = None
        self.broker: Broker = MemoryBroker(clock=clock)
        """Of the channel ``system``."""
        shared.listen(self._on_publication)

    def announce_leader(self) -> None:
        """Says to all processes that this one collects now."""
        self._shared.publish(LEADER, Leader(process=self._process, since=to_rfc3339(self._clock())))

    def report_feed(self, status: FeedStatus) -> None:
        """The state of the price feed has changed."""
        self._feed = status
        reason = "" if status.reason is None else f": {status.reason}"
        self._publish("feed_status", f"The price feed is {status.status}{reason}.")

    def report_shutdown(self) -> Publication | None:
        """This process ends; gives the notice, which may come too late by the usual way. None without any before."""
        self._shutdown_at = to_rfc3339(self._clock())
        return self._publish("shutdown", "This process is shutting down; please reconnect.")

    def _on_publication(self, publication: Publication) -> None:
        # a new epoch begins with the last publications of the one before, which is no change
        if publication.channel == LEADER and (leader := self._known_leader()) != self._leader and leader is not None:
            self._publish("leader", f"Process {leader.process} collects now.")

    def _known_leader(self) -> Leader | None:
        last = self._shared.last(LEADER)
        return None if last is None else msgspec.json.decode(last.body, type=Leader)

    def _publish(self, event: Event, message: str) -> Publication | None:
        feed = self._feed
        if feed is None:
            return None
        self._leader = self._known_leader()
        notice = SystemNotice(
            event=event,
            message=message,
            process=self._process,
            feed=feed,
            leader=self._leader,
            shutdown_at=self._shutdown_at,
            status=feed.status,
            reason=feed.reason,
            demo=feed.demo,
            timestamp=to_rfc3339(self._clock()),
        )
        return self.broker.publish(SYSTEM, notice)
