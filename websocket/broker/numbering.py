"""Which publications this process shows, and under which numbers.

While the process that collects cannot be sure that it is the only one, it goes on for its own clients on an *island*:
in an epoch of its own, because another process may be giving out the numbers of the shared one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from websocket.broker.base import Publication
from websocket.broker.history import History, Listeners
from websocket.broker.lease import unused_epoch

_EPOCHS_REMEMBERED = 32
_ISLANDS_REMEMBERED = 500  # a channel of an island each

JUMP_MAX = 10_000_000
"""Longest way from one number to the next that we follow; at the pace of the fastest channel more than a year."""


class Numbering:
    """The history of the shared epoch, and that of the island while there is one. Nothing in it yields.

    Args:
        size: publications kept per channel.
        listeners: told of each publication.
        clock: wall clock, Unix seconds.
    """

    def __init__(self, size: int, *, listeners: Listeners, clock: Callable[[], float]) -> None:
        self.shared = History(unused_epoch(), size)
        self._island: History | None = None
        self._size = size
        self._listeners = listeners
        self._clock = clock
        self._was_isolated = False
        # channel -> where the shared history stood when the island began: nobody is told of what comes into it now
        self._told_until: dict[str, tuple[str, int]] = {}
        # epochs that are over for us: they never come back, whatever a Redis that was restored says
        self._left: deque[str] = deque(maxlen=_EPOCHS_REMEMBERED)
        # (channel, epoch of an island that was rejoined) -> its newest number, and which that became
        self._rejoined: dict[tuple[str, str], tuple[int, int]] = {}

    @property
    def epoch(self) -> str:
        """Of the numbers that are given, or followed, now."""
        return (self._island or self.shared).epoch

    @property
    def on_island(self) -> int:
        """Publications of the island, which nobody else has."""
        island = self._island
        return 0 if island is None else sum(island.position(channel)[1] for channel in island.channels())

    def of(self, channel: str) -> History:
        """Where the newest publication of a channel is."""
        if self._island is not None and self._island.last(channel) is not None:
            return self._island
        return self.shared

    def since(self, channel: str, epoch: str, seq: int) -> list[Publication] | None:
        """As ``Broker.since``. The way onto the island and back is known here, so it is no reason for a snapshot."""
        island = self._island
        if island is not None and island.last(channel) is not None:
            on_island = island.since(channel, epoch, seq)
            if on_island is not None:
                return on_island
            before, after = self._since_shared(channel, epoch, seq), island.since(channel, island.epoch, 0)
            return None if before is None or after is None else before + after
        return self._since_shared(channel, epoch, seq)

    def _since_shared(self, channel: str, epoch: str, seq: int) -> list[Publication] | None:
        rejoined = self._rejoined.get((channel, epoch))
        if rejoined is not None and 0 <= seq <= rejoined[0]:
            epoch, seq = self.shared.epoch, rejoined[1] - (rejoined[0] - seq)
        return self.shared.since(channel, epoch, seq)

    def number(self, channel: str, body: bytes) -> Publication:
        """Gives a payload the next number of the epoch, and remembers it."""
        history = self._island or self.shared
        publication = Publication(channel, history.epoch, _next(history, channel), self._clock(), body)
        history.add(publication)
        return publication

    def has_left(self, epoch: str) -> bool:
        """True for an epoch that is over for us."""
        return epoch in self._left

    def leave(self, epoch: str) -> None:
        """Takes nothing more of an epoch, from now on."""
        self._left.append(epoch)

    def enter(self, epoch: str) -> None:
        """Takes an epoch for the shared one, and leaves the one before."""
        if self.shared.epoch != epoch:
            self.leave(self.shared.epoch)
            self.shared.epoch = epoch
            self._rejoined.clear()

    def take(self, publication: Publication, *, is_news: bool) -> bool:
        """Takes over what another process published.

        Args:
            publication: the next of its channel, or one that we have.
            is_news: False for what was there before this process; then nobody is told.

        Returns:
            False when its number cannot be right; then nothing was taken.
        """
        if self.has_left(publication.epoch):
            return True
        self.enter(publication.epoch)
        epoch, seq = self.shared.position(publication.channel)
        if epoch == publication.epoch and seq and publication.seq > seq + JUMP_MAX:
            return False
        # after an island our clients have something else than what was there before
        if self.shared.add(publication) and self._island is None and (is_news or self._was_isolated):
            self._listeners.tell(publication)
        return True

    def isolate(self) -> None:
        """Begins an island, unless we are on one."""
        if self._island is None:
            self._island = History(unused_epoch(), self._size)
            self._was_isolated = True
            self._told_until = {channel: self.shared.position(channel) for channel in self.shared.channels()}

    def drop_island(self) -> None:
        """Forgets what was published on the island: somebody else has collected meanwhile."""
        island, self._island = self._island, None
        if island is not None:
            self._tell_of_others(island)

    def rejoin(self) -> None:
        """Gives what is left of the island the next numbers of the shared epoch; all others get it under these."""
        island, self._island = self._island, None
        if island is not None:
            for channel in island.channels():
                kept = [self._renumber(publication) for publication in island.newer_than(channel, 0)]
                newest = island.position(channel)[1]
                if len(kept) == newest:  # else there is a hole before what was kept
                    self._rejoined[channel, island.epoch] = newest, kept[-1].seq
            while len(self._rejoined) > _ISLANDS_REMEMBERED:
                del self._rejoined[next(iter(self._rejoined))]

    def begin(self, epoch: str) -> None:
        """Begins, or goes on, to number in an epoch.

        The newest value of each channel that has no numbers in it becomes its first, so that everybody has it. An
        island ends.
        """
        island, self._island = self._island, None
        self.enter(epoch)
        if island is not None:
            self._tell_of_others(island)
        for channel in {*self.shared.channels(), *(island.channels() if island is not None else ())}:
            newest = self.shared.last(channel)
            if newest is not None and newest.epoch == epoch:
                continue
            if island is not None:
                newest = island.last(channel) or newest
            if newest is not None:
                self._listeners.tell(self._renumber(newest))

    def _tell_of_others(self, island: History) -> None:
        """Tells of what others published while we were on the island, as far as it is known and newer than what was
        published there.
        """
        for channel in self.shared.channels():
            ours = island.last(channel)
            missed = self.shared.since(channel, *self._told_until.get(channel, ("", 0)))
            for publication in self.shared.newer_than(channel, 0) if missed is None else missed:
                if publication.epoch == self.shared.epoch and (ours is None or publication.time > ours.time):
                    self._listeners.tell(publication)

    def _renumber(self, publication: Publication) -> Publication:
        renumbered = msgspec.structs.replace(
            publication, epoch=self.shared.epoch, seq=_next(self.shared, publication.channel)
        )
        self.shared.add(renumbered)
        return renumbered


def _next(history: History, channel: str) -> int:
    epoch, seq = history.position(channel)
    return seq + 1 if epoch == history.epoch else 1
