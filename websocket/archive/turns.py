"""One after the other: what uses the writer's connection."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from websocket import green

logger = logging.getLogger(__name__)


class Turns:
    """Runs jobs one at a time, each in a green thread of its own.

    A job that was begun comes to its end also when the one who asked for it is interrupted: a native thread cannot be,
    and nobody else may touch what it uses. An exception of a job is logged.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def begin(self, job: Callable[[], None]) -> threading.Event:
        """Has a job run as soon as those before it are done; gives what is set at its end."""
        done = threading.Event()
        green.spawn(self._run, job, done)
        return done

    def _run(self, job: Callable[[], None], done: threading.Event) -> None:
        with self._turn:
            try:
                job()
            except Exception:
                logger.exception("work of the archive failed")
            finally:
                done.set()
