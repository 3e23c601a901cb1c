"""The newest publications of each channel in memory, and the listeners that are told of each."""

from __future__ import annotations

import logging
from collections import deque

from websocket.broker.base import Listener, Publication

logger = logging.getLogger(__name__)

HISTORY = 64
"""Publications kept per channel: at the fastest channel's 5 s more than five minutes, for a page that was away."""


class History:
    """What was published last on each channel, without a hole: what is behind one is forgotten.

    Args:
        epoch: that of channels on which nothing was published yet.
        size: publications kept per channel.
    """

    def __init__(self, epoch: str, size: int) -> None:
        self.epoch = epoch
        self._size = size
        self._channels: dict[str, deque[Publication]] = {}

    def add(self, publication: Publication) -> bool:
        """Adds the next publication of a channel; False when it, or a newer one of its epoch, is there already.

        Whatever it does not follow directly, by its epoch and number, is forgotten first.
        """
        held = self._channels.setdefault(publication.channel, deque(maxlen=self._size))
        if held:
            newest = held[-1]
            is_same_epoch = newest.epoch == publication.epoch
            if is_same_epoch and publication.seq <= newest.seq:
                return False
            if not is_same_epoch or publication.seq != newest.seq + 1:
                held.clear()
        held.append(publication)
        return True

    def channels(self) -> list[str]:
        """The channels on which something was published."""
        return [channel for channel, held in self._channels.items() if held]

    def last(self, channel: str) -> Publication | None:
        """The newest publication of a channel, or None."""
        held = self._channels.get(channel)
        return held[-1] if held else None

    def position(self, channel: str) -> tuple[str, int]:
        """Epoch and newest ``seq`` of a channel."""
        held = self._channels.get(channel)
        return (held[-1].epoch, held[-1].seq) if held else (self.epoch, 0)

    def since(self, channel: str, epoch: str, seq: int) -> list[Publication] | None:
        """As ``Broker.since``."""
        current_epoch, newest = self.position(channel)
        if epoch != current_epoch or not 0 <= seq <= newest:
            return None
        held = self._channels.get(channel, ())
        missed = newest - seq
        if missed > len(held):
            return None
        return list(held)[len(held) - missed :]

    def newer_than(self, channel: str, seq: int) -> list[Publication]:
        """What is still there of the publications after ``seq``, oldest first."""
        return [publication for publication in self._channels.get(channel, ()) if publication.seq > seq]


class Listeners:
    """Those who are told of every publication."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def add(self, listener: Listener) -> None:
        """As ``Broker.listen``."""
        self._listeners.append(listener)

    def tell(self, publication: Publication) -> None:
        """Tells all of them."""
        for listener in self._listeners:
            try:
                listener(publication)
            except Exception:
                # one listener's bug must not keep the others, or the next publication, from going out
                logger.exception("listener failed channel=%s seq=%s", publication.channel, publication.seq)
