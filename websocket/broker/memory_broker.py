"""The broker of a single process: everything in memory, a new epoch at every start."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from websocket import codec
from websocket.broker.base import Broker, Listener, Publication

logger = logging.getLogger(__name__)

HISTORY = 64
"""Publications kept per channel: at the fastest channel's 5 s more than five minutes, for a page that was away."""


class MemoryBroker(Broker):
    """Keeps the last publications of each channel in memory.

    Args:
        clock: wall clock, Unix seconds.
        history: publications kept per channel.
    """

    def __init__(self, *, clock: Callable[[], float], history: int = HISTORY) -> None:
        self._clock = clock
        self._epoch = uuid.uuid4().hex[:12]
        self._history_size = history
        self._history: dict[str, deque[Publication]] = {}
        self._listeners: list[Listener] = []

    def publish(self, channel: str, data: Any) -> Publication:
        body = codec.encode(data)
        epoch, seq = self.position(channel)
        publication = Publication(channel, epoch, seq + 1, self._clock(), msgspec.to_builtins(data), body)
        self._history.setdefault(channel, deque(maxlen=self._history_size)).append(publication)
        for listener in self._listeners:
            try:
                listener(publication)
            except Exception:
                # one listener's bug must not keep the others, or the next publication, from going out
                logger.exception("listener failed channel=%s seq=%s", channel, publication.seq)
        return publication

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def last(self, channel: str) -> Publication | None:
        history = self._history.get(channel)
        return history[-1] if history else None

    def since(self, channel: str, epoch: str, seq: int) -> list[Publication] | None:
        current_epoch, newest = self.position(channel)
        if epoch != current_epoch or not 0 <= seq <= newest:
            return None
        history = self._history.get(channel, ())
        missed = newest - seq
        if missed > len(history):
            return None
        return list(history)[len(history) - missed :]

    def position(self, channel: str) -> tuple[str, int]:
        history = self._history.get(channel)
        return self._epoch, history[-1].seq if history else 0
