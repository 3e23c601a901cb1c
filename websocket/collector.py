"""Whether this process collects: asks providers and publishes. The broker says whose turn it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from websocket.scheduler import Scheduler

logger = logging.getLogger(__name__)


class Collector:
    """Switches the collecting jobs of this process on and off.

    Args:
        scheduler: runs the jobs; paused until ``begin()``.
        restore: take over what another process, or an earlier run, kept; called in this order.
        save: keep what is worth it.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        restore: Sequence[Callable[[], object]],
        save: Sequence[Callable[[], object]],
    ) -> None:
        self._scheduler = scheduler
        self._restore = restore
        self._save = save
        self._has_turn = False
        scheduler.pause()

    def start(self) -> None:
        """Gets ready; ``begin()`` may have come already."""
        self._scheduler.start()

    def begin(self) -> None:
        """It is this process's turn. Idempotent."""
        if self._has_turn:
            return
        logger.info("this process collects")
        self._has_turn = True
        self._call_all(self._restore)
        self._scheduler.resume()

    def end(self) -> None:
        """It is another's turn, who keeps what is worth it from now on. Idempotent."""
        if not self._has_turn:
            return
        logger.warning("this process does not collect any more")
        self._has_turn = False
        self._scheduler.pause()

    def stop(self) -> None:
        """The process ends: ends the jobs, and saves if it was its turn."""
        self._scheduler.stop()
        if self._has_turn:
            self._has_turn = False
            self._call_all(self._save)

    @staticmethod
    def _call_all(steps: Sequence[Callable[[], object]]) -> None:
        for step in steps:
            try:
                step()
            except Exception:
                # a bug in one of them must not keep the others from it, nor the feed from going on
                logger.exception("step failed name=%s", getattr(step, "__qualname__", step))
