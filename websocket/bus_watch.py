"""Notices when this process does not hear any more of what another one collects."""

from __future__ import annotations

import logging
from collections.abc import Callable

from websocket.broker.base import Broker
from websocket.scheduler import Scheduler

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 1.0


class BusWatch:
    """Looks at the broker's own state; a process that collects itself cannot be deaf.

    Args:
        broker: whose state it is.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._last: str | None = None
        self._has_heard = False
        self._listeners: list[Callable[[], object]] = []

    def deaf(self) -> str | None:
        """Why nothing new can be known here at this moment, in words; None when that is not so."""
        status = self._broker.status()
        return None if self._broker.collecting or status.healthy else status.detail

    def on_change(self, listener: Callable[[], object]) -> None:
        """Calls ``listener`` when this process becomes deaf, and when it hears again. It must not block."""
        self._listeners.append(listener)

    def schedule(self, scheduler: Scheduler) -> None:
        """Plans the look, which every process takes."""
        scheduler.every(CHECK_INTERVAL_S, "bus_watch", self.check, deadline_s=CHECK_INTERVAL_S)

    def check(self) -> None:
        """Tells the listeners of a change."""
        deaf, last = self.deaf(), self._last
        self._last = deaf
        has_heard, self._has_heard = self._has_heard, self._has_heard or deaf is None
        if (deaf is None) == (last is None):
            return
        if deaf is None:
            logger.info("this process hears of updates")
        elif has_heard:
            logger.error("this process does not hear of updates any more reason=%s", deaf)
        else:
            logger.info("this process does not hear of updates yet reason=%s", deaf)
        for listener in self._listeners:
            try:
                listener()
            except Exception:
                # one listener's bug must not keep the change from the others
                logger.exception("listener failed")
