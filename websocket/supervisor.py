"""Keeps long-lived green threads running: none of them ends unnoticed.

Whoever starts a green thread that has to run as long as the process, or as long as a part of the service, starts it
with ``supervise``. ``green.spawn`` and ``green.start`` are for work that ends by itself.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from websocket import green

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.1
"""Before a thread is started again after its first end; doubled with each further one."""

MAX_PAUSE_S = 5.0

STEADY_S = 60.0
"""A thread that has run for so long begins again with the first pause."""

LOG_INTERVAL_S = 1.0
"""Ends of one name are logged no more often than this; all of them are counted."""


class ThreadStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The supervised threads of one name.

    Attributes:
        name: what was given to ``supervise``.
        ends: how often one of them ended although it should have run on, since the start of the process.
        down: True while one of them waits to be started again.
        last_end: when one ended last, Unix seconds; None when none ever did.
        reason: how it ended, without the text of an exception, which may be confidential; None when none ever did.
    """

    name: str
    ends: int
    down: bool
    last_end: float | None
    reason: str | None


class Supervised:
    """A thread under supervision."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._task: green.Task | None = None

    def run_in(self, task: green.Task) -> None:
        """Names the green thread that it runs in."""
        self._task = task

    def stop(self) -> None:
        """Ends it at its next cooperative wait; this counts as a clean stop. Idempotent.

        Called by the thread itself, it only has no successor: the thread must return.
        """
        self.is_stopped = True
        if self._task is not None:
            self._task.kill()


class _Record:
    """What is known of one name."""

    def __init__(self) -> None:
        self.ends = 0
        self.down = 0  # how many threads of the name wait to be started again
        self.last_end: float | None = None
        self.reason: str | None = None
        self.logged_at: float | None = None  # monotonic seconds


class Supervisor:
    """Runs functions that must not end, and starts them again when they do. For green threads only.

    The service uses one for the whole process, ``PROCESS``; tests make their own.

    Args:
        clock: wall clock, Unix seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._records: dict[str, _Record] = {}

    def supervise(
        self, name: str, function: Callable[..., object], *args: Any, may_end: Callable[[], bool] = lambda: False
    ) -> Supervised:
        """Runs ``function(*args)`` in a green thread of its own, and again whenever it ends although it should not.

        There are two clean ends, which are neither counted nor followed by another start: ``stop()`` of what this
        returns, and any end while ``may_end()`` is true. Every other end, be it a return, an exception or a kill by
        somebody else, is logged (an exception with its traceback; one line a second for each name), counted, and makes
        the process not ready until the function runs again: after 0.1 s at first, later after up to 5 s. Only
        ``SystemExit`` and ``KeyboardInterrupt`` pass, because they end the process.

        The function is called anew with the same arguments, so it must get along with what its last run left behind:
        it closes in a ``finally`` what it opens, and takes its work from where it lies (a listening socket, a queue).
        A failure of one item of its work is better handled inside of it: here it costs a pause.

        For example ``supervise("accept 5000", accept_loop, listener, may_end=lambda: stopping)``.

        Args:
            name: for the log, ``/health/ready`` and the label of a metric: from a small fixed set, without addresses
                of clients. Several threads may share one.
            function: called in the green thread.
            args: passed to it.
            may_end: asked after each end; true when the function was to end. It must neither wait nor raise.
        """
        supervised = Supervised()
        self._records.setdefault(name, _Record())  # at once: a counter that appears later has no rate
        supervised.run_in(
            green.start(self.run, name, lambda: function(*args), lambda: supervised.is_stopped or may_end())
        )
        return supervised

    def run(self, name: str, function: Callable[[], object], may_end: Callable[[], bool]) -> None:
        """Does the same in the calling thread, for one that a library has started; returns after a clean end."""
        record = self._records.setdefault(name, _Record())
        pause_s = FIRST_PAUSE_S
        while True:
            began_at = time.monotonic()
            error = _end_of(function)
            if may_end() or sys.is_finalizing():
                if error is not None and not isinstance(error, green.Killed):
                    logger.error("thread failed while it stopped name=%s", name, exc_info=error)
                return
            if time.monotonic() - began_at >= STEADY_S:
                pause_s = FIRST_PAUSE_S
            self._note_end(name, record, error)
            del error  # its traceback holds everything that the function had in hand
            record.down += 1
            _end_of(lambda: green.sleep(pause_s))  # noqa: B023 - it is called at once
            record.down -= 1
            if may_end():
                return
            pause_s = min(2 * pause_s, MAX_PAUSE_S)

    def status(self) -> list[ThreadStatus]:
        """All names, in the order in which they came."""
        return [
            ThreadStatus(
                name=name, ends=record.ends, down=record.down > 0, last_end=record.last_end, reason=record.reason
            )
            for name, record in self._records.items()
        ]

    def _note_end(self, name: str, record: _Record, error: BaseException | None) -> None:
        record.ends += 1
        record.last_end = self._clock()
        record.reason = "returned" if error is None else f"ended by {type(error).__name__}"
        now = time.monotonic()
        if record.logged_at is None or now - record.logged_at >= LOG_INTERVAL_S:
            record.logged_at = now
            logger.error(
                "thread ended, it is started again name=%s ends=%d reason=%s",
                name,
                record.ends,
                record.reason,
                exc_info=error,
            )


def _end_of(function: Callable[[], object]) -> BaseException | None:
    """Calls it; gives what ended it, None when it returned."""
    try:
        function()
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - a kill or a time-out that went astray is an end like any other
        return error
    return None


PROCESS = Supervisor()
"""That of this process. It is made before gunicorn's fork, and nothing may be supervised before that."""

supervise = PROCESS.supervise
