"""Who has a connection that is not a WebSocket, and who gives it up for a newcomer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Literal, Protocol

import msgspec

GRACE_S = 1.0
"""A request that is under way, or an answer that is not taken, keeps its place for so long whoever else comes; an
honest one needs a few round trips.
"""


class Waiting(Enum):
    """What a connection waits for, in the order in which connections give way. A poll waits for the application."""

    NEXT_REQUEST = "next_request"
    REQUEST = "request"
    READER = "reader"
    APPLICATION = "application"


Refusal = Literal["full", "address", "descriptors"]


class PlaceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many connections there may be.

    Attributes:
        total: over all ports, WebSockets among them.
        http: of them those that are not WebSockets.
        http_per_address: the same of one address, unless it is a proxy's.
    """

    total: int
    http: int
    http_per_address: int


class Occupant(Protocol):
    """What has a place."""

    address: str
    """Whose share it counts against; empty for a proxy, which speaks for many."""

    def evict(self) -> None:
        """Ends it soon. Must not yield."""


class PlaceCounts(msgspec.Struct, kw_only=True):
    """What became of connections since the start.

    Attributes:
        accepted: were given a place.
        refused: were answered 503 at once, by reason.
        evicted: gave way to others, by what they waited for.
    """

    accepted: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    evicted: Counter[str] = msgspec.field(default_factory=Counter)


class HttpPlaces:
    """The places for connections that are not WebSockets.

    When there is none left, whoever waits for a next request gives way first, the longest wait before others; then
    whoever has not finished its request, does not take its answer, or polls, for longer than ``GRACE_S``. So a new
    request finds a place however many idle connections there are.

    Args:
        limits: how many.
        websockets: gives the connections of this process that are WebSockets now.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        limits: PlaceLimits,
        *,
        websockets: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.counts = PlaceCounts()
        self._websockets = websockets
        self._clock = clock
        self._occupants: set[Occupant] = set()
        self._by_address: dict[str, set[Occupant]] = {}
        # since when, monotonic seconds; a dict keeps the order of insertion, which is that of age
        self._waiting: dict[Waiting, dict[Occupant, float]] = {kind: {} for kind in Waiting}
        self._state: dict[Occupant, Waiting] = {}

    def __len__(self) -> int:
        return len(self._occupants)

    def __iter__(self) -> Iterator[Occupant]:
        return iter(list(self._occupants))

    def refusal(self, address: str) -> Refusal | None:
        """Makes room for one more connection from an address; says why not when there is none."""
        limits = self.limits
        if address:
            neighbours = self._by_address.get(address, set())
            if len(neighbours) >= limits.http_per_address and not self._evict_one(neighbours):
                return "address"
        is_full = len(self) >= limits.http or len(self) + self._websockets() >= limits.total
        if is_full and not self._evict_one():
            return "full"
        return None

    def make_room(self) -> bool:
        """Lets one give way because the process is out of descriptors; False when all are served."""
        return self._evict_one()

    def enter(self, occupant: Occupant) -> None:
        """Gives a place."""
        self.counts.accepted += 1
        self._occupants.add(occupant)
        if occupant.address:
            self._by_address.setdefault(occupant.address, set()).add(occupant)

    def leave(self, occupant: Occupant) -> None:
        """Takes the place back. Idempotent."""
        self._occupants.discard(occupant)
        self.serve(occupant)
        neighbours = self._by_address.get(occupant.address)
        if neighbours is not None:
            neighbours.discard(occupant)
            if not neighbours:
                del self._by_address[occupant.address]

    def wait(self, occupant: Occupant, kind: Waiting) -> None:
        """An occupant waits from now on. One that has given way already frees no place once more."""
        self.serve(occupant)
        if occupant not in self._occupants:
            return
        self._state[occupant] = kind
        self._waiting[kind][occupant] = self._clock()

    def serve(self, occupant: Occupant) -> None:
        """An occupant does not wait any more."""
        kind = self._state.pop(occupant, None)
        if kind is not None:
            del self._waiting[kind][occupant]

    def evict_idle(self) -> None:
        """Ends all that wait for a next request, or have not finished one within ``GRACE_S``."""
        horizon = self._clock() - GRACE_S
        idle = list(self._waiting[Waiting.NEXT_REQUEST])
        idle += [occupant for occupant, since in self._waiting[Waiting.REQUEST].items() if since <= horizon]
        for occupant in idle:
            occupant.evict()

    def _evict_one(self, among: set[Occupant] | None = None) -> bool:
        horizon = self._clock() - GRACE_S
        for kind, waiting in self._waiting.items():
            for occupant, since in waiting.items():
                if kind is not Waiting.NEXT_REQUEST and since > horizon:
                    break
                if among is None or occupant in among:
                    self.counts.evicted[kind.value] += 1
                    self.leave(occupant)
                    occupant.evict()
                    return True
        return False
