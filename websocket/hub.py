"""Who is subscribed to what in this process, and the way of a publication to all of them.

A publication is encoded and framed once per wire format; then each connection is offered the same bytes, by one loop
that never waits for anybody. Publications of one channel go out one after the other, so a connection gets them in
order although the loop lets others run in between.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from websocket import green
from websocket.broker.base import Broker, Publication
from websocket.supervisor import supervise
from websocket.wire.connection import Connection

logger = logging.getLogger(__name__)

Deliver = Callable[[Publication], None]
Member = TypeVar("Member")
Made = TypeVar("Made")

Delivered = Callable[[str, float], None]

OFFERS_PER_TURN = 1000
"""Connections that are offered a frame before other green threads run: some 5 ms, so that a ping is answered soon."""


class Frame(Protocol):
    """Makes the frame of a publication, the same for every connection; that of a snapshot says that it is one."""

    def __call__(self, publication: Publication, /, *, snapshot: bool = ...) -> bytes: ...


class Newest(Generic[Made]):
    """What is made of the newest publication of each channel: once, for all who want it.

    Args:
        make: makes it.
    """

    def __init__(self, make: Callable[[Publication], Made]) -> None:
        self._make = make
        self._made: dict[str, tuple[Publication, Made]] = {}

    def of(self, publication: Publication) -> Made:
        """What was made of it already, if it was the last of its channel that was asked for."""
        held = self._made.get(publication.channel)
        if held is None or held[0] is not publication:
            held = self._made[publication.channel] = publication, self._make(publication)
        return held[1]


class Traffic:
    """What broadcasts have offered to connections, also what a newer frame replaced before it could be sent."""

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0


class Hub:
    """Fan-out of the broker's publications to the transports and connections of this process.

    Args:
        broker: whose publications are delivered.
        frame: makes the frames that every directly subscribed connection gets.
        trouble: why nothing can be said about any channel at the moment, in words; None when all is well.
        own: brokers of the channels that this process shares with no other, by channel.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        frame: Frame,
        trouble: Callable[[], str | None] = lambda: None,
        own: Mapping[str, Broker] | None = None,
    ) -> None:
        self.broker = broker
        self._own = own or {}
        self.trouble = trouble
        self._frame = frame
        self._snapshots: Newest[bytes] = Newest(lambda publication: frame(publication, snapshot=True))
        # channel -> how many publications came; unlike their seq it never begins anew
        self._arrived: dict[str, int] = {}
        # channel -> connection -> how many of them it had, or did without, when it subscribed
        self._subscribers: dict[str, dict[Connection, int]] = {}
        self._waiting: dict[str, deque[tuple[float, Publication]]] = {}  # since when, monotonic seconds
        self._transports: list[Deliver] = []
        self._on_delivered: list[Delivered] = []
        self.traffic = Traffic()
        for each in (broker, *self._own.values()):
            each.listen(self._deliver_soon)

    def broker_of(self, channel: str) -> Broker:
        """Whose publications a channel has."""
        return self._own.get(channel, self.broker)

    def attach(self, deliver: Deliver) -> None:
        """Delivers every publication through ``deliver`` as well. It may yield but must not wait for a client."""
        self._transports.append(deliver)

    def on_delivered(self, listener: Delivered) -> None:
        """Calls ``listener`` with channel and seconds when a publication was offered to everybody. It must not fail."""
        self._on_delivered.append(listener)

    def subscribe(self, connection: Connection, channel: str) -> Publication | None:
        """Subscribes a connection, which must not be subscribed; gives the newest publication, to be sent by the
        caller before it yields. Everything after that one is delivered, each once.
        """
        last = self.broker_of(channel).last(channel)
        self._subscribers.setdefault(channel, {})[connection] = self.arrived(channel)
        return last

    def snapshot(self, publication: Publication) -> bytes:
        """The frame of a snapshot, the same bytes for all who begin with this publication."""
        return self._snapshots.of(publication)

    def unsubscribe(self, connection: Connection, channel: str) -> None:
        """Ends a subscription; what was not sent yet is forgotten. Idempotent."""
        subscribers = self._subscribers.get(channel)
        if subscribers is not None and subscribers.pop(connection, None) is not None:
            connection.forget(channel)

    def count(self, channel: str) -> int:
        """Connections that are subscribed to a channel."""
        return len(self._subscribers.get(channel, ()))

    def arrived(self, channel: str) -> int:
        """Publications of a channel that came since this process began; the broker's newest is among them, or older."""
        return self._arrived.get(channel, 0)

    def delivered(self, channel: str) -> int:
        """How many of these everybody was offered; the next one is what is being delivered, if anything is."""
        return self.arrived(channel) - len(self._waiting.get(channel, ()))

    def _deliver_soon(self, publication: Publication) -> None:
        """Queues it behind those of its channel. Delivery has a green thread of its own: whoever publishes does not
        wait for it, and nothing that interrupts the publisher cuts it short.
        """
        self._arrived[publication.channel] = self.arrived(publication.channel) + 1
        waiting = self._waiting.setdefault(publication.channel, deque())
        waiting.append((time.monotonic(), publication))
        if len(waiting) == 1:
            supervise("delivery", self._deliver_waiting, waiting, may_end=lambda: not waiting)

    def _deliver_waiting(self, waiting: deque[tuple[float, Publication]]) -> None:
        while waiting:
            since, publication = waiting[0]
            for deliver in (self._deliver_to_subscribers, *self._transports):
                try:
                    deliver(publication)
                except Exception:
                    # a bug in one transport must not end the channel for the others
                    logger.exception("delivery failed channel=%s seq=%s", publication.channel, publication.seq)
            waiting.popleft()
            for listener in self._on_delivered:
                listener(publication.channel, time.monotonic() - since)

    def _deliver_to_subscribers(self, publication: Publication) -> None:
        subscribers = self._subscribers.get(publication.channel)
        if not subscribers:
            return
        number = self.delivered(publication.channel) + 1
        turns = (
            # looked at when its turn comes: others ran in between, and whoever unsubscribed gets nothing more
            [connection for connection in some if subscribers.get(connection, number) < number]
            for some in in_turns(list(subscribers))
        )
        fan_out(turns, publication.channel, self._frame(publication), self.traffic)


def in_turns(members: Sequence[Member]) -> Iterator[Sequence[Member]]:
    """Divides those who are to get a publication; others run after each part but the last, before the next is given."""
    for first in range(0, len(members), OFFERS_PER_TURN):
        if first:
            green.sleep(0)
        yield members[first : first + OFFERS_PER_TURN]


def fan_out(turns: Iterable[Sequence[Connection]], channel: str, frame: bytes, traffic: Traffic) -> None:
    """Offers one frame to many connections, those of one turn after those of another."""
    for connections in turns:
        for connection in connections:
            connection.offer(channel, frame)
        # once a turn: counting each of them would be felt
        traffic.frames += len(connections)
        traffic.bytes += len(connections) * len(frame)
