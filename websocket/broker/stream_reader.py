"""Follows what a collector writes, through every interruption, and notices when it hears nothing any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from redis.exceptions import InvalidResponse

from websocket import green
from websocket.broker.bus import Bus
from websocket.broker.entries import FIRST, Entry, EntryId
from websocket.broker.numbering import Numbering
from websocket.cache.redis_connection import REDIS_FAILURES, describe_failure
from websocket.refused import Refused, Throttle

logger = logging.getLogger(__name__)

DEAF_AFTER_S = 5.0
"""Without a heartbeat for so long, what is held may be old. The connection is made anew: it may be the reason."""

RETRY_S = 0.5

_PAGES_MAX = 100


class StreamReader:
    """Reads the streams of all channels, each entry once and in order.

    Args:
        bus: used by ``run`` alone.
        numbers: takes over what is read.
        clock: seconds that never go back.
        refused: counts what cannot be ours.
        on_old_epoch: called with an epoch that stands as the current one although it is over for us. It must not block.
    """

    def __init__(
        self,
        bus: Bus,
        numbers: Numbering,
        *,
        clock: Callable[[], float],
        refused: Refused,
        on_old_epoch: Callable[[str], object],
    ) -> None:
        self._bus = bus
        self._numbers = numbers
        self._clock = clock
        self._refused = refused
        self._on_old_epoch = on_old_epoch
        self._bugs = Throttle()
        self._positions: dict[str, EntryId] = {}
        self._beats = FIRST
        self._knows_beats = False
        self._heard_at: float | None = None
        self._has_looked = False
        self._reads_channels = True
        self._switches = 0
        self.last_error: str | None = None

    @property
    def has_looked(self) -> bool:
        """True when what was there before this process has been read."""
        return self._has_looked

    @property
    def silence_s(self) -> float | None:
        """Seconds since a heartbeat was read; None before the first."""
        return None if self._heard_at is None else self._clock() - self._heard_at

    def run(self) -> None:
        """Follows for ever."""
        while True:
            try:
                if self._look():
                    self._follow()
                else:
                    green.sleep(RETRY_S)
            except REDIS_FAILURES as error:
                self.last_error = describe_failure(error)
                if isinstance(error, InvalidResponse):
                    self._refused.note("answer", error)
                self._disconnect()
                green.sleep(RETRY_S)
            except Exception as error:  # noqa: BLE001 - it is logged
                self._bugs.exception(logger, "following the bus failed", error)
                self._disconnect()
                green.sleep(RETRY_S)

    def reads_channels(self, wanted: bool) -> None:
        """Whether ``run`` reads publications, or heartbeats only, as in the process that collects.

        What it has fetched but not yet given away is left, and read again when it is wanted.
        """
        if wanted != self._reads_channels:
            self._reads_channels = wanted
            self._switches += 1

    def catch_up(self, bus: Bus) -> bool:
        """Reads what there is and was not read yet, of the current epoch.

        Args:
            bus: that of whoever calls.

        Returns:
            False when there is nothing to follow yet: no collector has confirmed what is in Redis.

        Raises:
            REDIS_FAILURES: it stopped midway; the next time it goes on from there.
        """
        switches = self._switches
        view = bus.look()
        if view.confirmed and self._numbers.has_left(view.epoch):
            # nothing of it is taken any more, so whoever collects must not go on in it
            self._on_old_epoch(view.epoch)
            return False
        if not view.confirmed:
            return False
        channels = set()
        for channel in view.channels:
            for _ in range(_PAGES_MAX):
                position = self._positions.get(channel, FIRST)
                page = bus.entries_after(channel, position)
                if switches != self._switches:
                    return True
                if page.last is None:
                    break
                channels.add(channel)
                if page.last < position:
                    # the stream was deleted, or written by a Redis whose clock was behind
                    self._positions[channel] = FIRST
                    continue
                self._positions.setdefault(channel, FIRST)
                if not self._take_all(channel, page.entries, view.epoch, is_look=True) or not page.is_more:
                    break
        for gone in self._positions.keys() - channels:
            del self._positions[gone]
        self._numbers.enter(view.epoch)
        self._has_looked = True
        return True

    def _look(self) -> bool:
        """Reads what came while nobody followed; False when there is nothing to follow yet."""
        last_beat = self._bus.look().last_beat
        if not self._knows_beats or self._beats > last_beat:
            # those of before say nothing about now
            self._beats, self._knows_beats = last_beat, True
        return self.catch_up(self._bus) if self._reads_channels else True

    def _follow(self) -> None:
        """Waits for news until something calls for another look at everything."""
        switches, began_at = self._switches, self._clock()
        while True:
            news = self._bus.wait_for_news(self._positions if self._reads_channels else {}, self._beats)
            self._beats = news.beats or self._beats
            if news.beat is not None:
                self._heard_at = self._clock()
            if switches != self._switches:
                return
            epoch = self._numbers.shared.epoch
            are_taken = [self._take_all(channel, entries, epoch) for channel, entries in news.entries.items()]
            if not all(are_taken):
                return
            if (
                self._reads_channels
                and news.beat is not None
                and (news.beat.channels, news.beat.epoch) != (len(self._positions), epoch)
            ):
                return
            if self._clock() - max(began_at, self._heard_at or began_at) > DEAF_AFTER_S:
                self._disconnect()
                return

    def _disconnect(self) -> None:
        self._knows_beats = False
        self._bus.disconnect()

    def _take_all(self, channel: str, entries: Iterable[Entry], epoch: str, *, is_look: bool = False) -> bool:
        """Takes over what is of an epoch.

        Returns:
            False when another look at everything is needed, which tells whether there is a new epoch. What follows was
            not read then.
        """
        for entry in entries:
            # another green thread may have read on since these were fetched
            if entry.id <= self._positions.get(channel, FIRST):
                continue
            publication = entry.publication
            if not entry.id.is_possible:
                # behind it nothing could be read any more; whoever collects removes it
                self._refused.note(f"stream:{channel}", f"a position that cannot be: {entry.id}")
                green.sleep(RETRY_S)
                return False
            if publication is not None and publication.epoch != epoch:
                if not is_look:
                    return False
                if self._has_looked and not self._numbers.has_left(publication.epoch):
                    self._refused.note(f"stream:{channel}", "an epoch that nobody has begun")
            self._positions[channel] = entry.id
            if (
                publication is not None
                and publication.epoch == epoch
                and not self._numbers.take(publication, is_news=self._has_looked)
            ):
                self._refused.note(f"stream:{channel}", f"a number that cannot be: {publication.seq}")
        return True
