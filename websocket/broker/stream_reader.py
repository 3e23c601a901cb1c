"""Follows what a collector writes, through every interruption, and notices when it hears nothing any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from websocket import green
from websocket.broker.bus import FIRST, Bus, Entry, EntryId
from websocket.broker.numbering import Numbering
from websocket.cache.redis_connection import REDIS_FAILURES, describe_failure

logger = logging.getLogger(__name__)

DEAF_AFTER_S = 5.0
"""Without a heartbeat for so long, what is held may be old. The connection is made anew: it may be the reason."""

RETRY_S = 0.5


class StreamReader:
    """Reads the streams of all channels, each entry once and in order.

    Args:
        bus: used by ``run`` alone.
        numbers: takes over what is read.
        clock: seconds that never go back.
    """

    def __init__(self, bus: Bus, numbers: Numbering, *, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._numbers = numbers
        self._clock = clock
        self._positions: dict[str, EntryId] = {}
        self._beats = FIRST
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
                self._bus.disconnect()
                green.sleep(RETRY_S)
            except Exception:
                logger.exception("following the bus failed")
                self._bus.disconnect()
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
        if not view.confirmed or self._numbers.has_left(view.epoch):
            return False
        newest = bus.newest(view.channels)
        for channel in view.channels:
            last = newest[channel].id if channel in newest else FIRST
            if self._positions.setdefault(channel, FIRST) > last:
                # the stream was deleted, or written by a Redis whose clock was behind
                self._positions[channel] = FIRST
            position = self._positions[channel]
            entries = bus.entries_after(channel, position) if last > position else []
            if switches != self._switches:
                return True
            self._take_all(channel, entries, view.epoch)
        for gone in self._positions.keys() - set(view.channels):
            del self._positions[gone]
        self._numbers.enter(view.epoch)
        self._has_looked = True
        return True

    def _look(self) -> bool:
        """Reads what came while nobody followed; False when there is nothing to follow yet."""
        self._beats = self._bus.last_beat()
        return self.catch_up(self._bus) if self._reads_channels else True

    def _follow(self) -> None:
        """Waits for news until something calls for another look at everything."""
        switches, began_at = self._switches, self._clock()
        while True:
            news = self._bus.wait_for_news(self._positions if self._reads_channels else {}, self._beats)
            if news.beats is not None:
                self._beats, channels = news.beats
                self._heard_at = self._clock()
            if switches != self._switches:
                return
            for channel, entries in news.entries.items():
                self._take_all(channel, entries)
            if self._reads_channels and news.beats is not None and channels != len(self._positions):
                return
            if self._clock() - max(began_at, self._heard_at or began_at) > DEAF_AFTER_S:
                self._bus.disconnect()
                return

    def _take_all(self, channel: str, entries: Iterable[Entry], epoch: str | None = None) -> None:
        for entry in entries:
            # another green thread may have read on since these were fetched
            if entry.id <= self._positions.get(channel, FIRST):
                continue
            self._positions[channel] = entry.id
            if entry.publication is not None and epoch in (None, entry.publication.epoch):
                self._numbers.take(entry.publication, is_news=self._has_looked)
