"""The broker of a single process: everything in memory, a new epoch at every start."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

from websocket.broker.base import Broker, BusStatus, Listener, Publication, RoleChange, encoded
from websocket.broker.history import HISTORY, History, Listeners

logger = logging.getLogger(__name__)


class MemoryBroker(Broker):
    """Keeps the last publications of each channel in memory. Its process always collects.

    Args:
        clock: wall clock, Unix seconds.
        history: publications kept per channel.
    """

    def __init__(self, *, clock: Callable[[], float], history: int = HISTORY) -> None:
        self._clock = clock
        self._history = History(uuid.uuid4().hex[:12], history)
        self._listeners = Listeners()
        self._gained: RoleChange | None = None

    def start(self) -> None:
        if self._gained is not None:
            try:
                self._gained()
            except Exception:
                logger.exception("taking up the role of the collector failed")

    def stop(self) -> None:
        """There is nothing to hand over."""

    def on_role_change(self, *, gained: RoleChange, lost: RoleChange) -> None:
        self._gained = gained

    @property
    def collecting(self) -> bool:
        return True

    def status(self) -> BusStatus:
        return BusStatus(
            role="single",
            healthy=True,
            detail="publications stay in this process",
            silence_s=None,
            outbox=0,
            last_error=None,
            epoch=self._history.epoch,
        )

    def publish(self, channel: str, data: Any) -> Publication:
        body = encoded(data)
        epoch, seq = self.position(channel)
        publication = Publication(channel, epoch, seq + 1, self._clock(), body)
        self._history.add(publication)
        self._listeners.tell(publication)
        return publication

    def listen(self, listener: Listener) -> None:
        self._listeners.add(listener)

    def last(self, channel: str) -> Publication | None:
        return self._history.last(channel)

    def history(self, channel: str) -> list[Publication]:
        return self._history.newer_than(channel, 0)

    def since(self, channel: str, epoch: str, seq: int) -> list[Publication] | None:
        return self._history.since(channel, epoch, seq)

    def position(self, channel: str) -> tuple[str, int]:
        return self._history.position(channel)
