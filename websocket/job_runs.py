"""One planned job: its runs, one at a time and none without end, and what became of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from websocket import green
from websocket.errors import NotCollecting, ServiceError

logger = logging.getLogger(__name__)

State = Literal["scheduled", "running", "paused", "failing"]

GRACE_S = 1.0
"""How long a run may take to end after it was interrupted, before it is interrupted again."""

MAX_REASON = 300
"""Characters of an error that are kept; some repeat the whole answer of a provider."""


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A job at one moment, and its runs since the start of the process. Times are Unix seconds.

    Attributes:
        id: name of the job.
        scheduler: name of the scheduler that it belongs to.
        status: ``paused`` when its scheduler is; ``failing`` from a run that raised or took too long until one that
            succeeds; ``running`` while a run is under way; otherwise ``scheduled``.
        interval_s: time between two planned starts.
        next_run: the next planned start; None while paused or stopped.
        last_run: when the last run began, whether it has ended or not; None before the first.
        last_duration_s: of the last run that ended; None before.
        last_error: what went wrong last, in words, or None. It stays after a success.
        last_error_at: when that was, or None.
        runs: runs that ended by themselves or by their deadline. Those that a pause or the stop ended do not count.
        failures: those of them that raised.
        interrupted: those of them that took longer than their deadline.
        missed: turns that were left out because the job still ran, or because the process was late.
    """

    id: str
    scheduler: str
    status: State
    interval_s: float
    next_run: float | None
    last_run: float | None
    last_duration_s: float | None
    last_error: str | None
    last_error_at: float | None
    runs: int
    failures: int
    interrupted: int
    missed: int


class _Run:
    """One run: a green thread, and whatever it left behind in native threads."""

    def __init__(self, began_at: float, must_end_at: float) -> None:
        self.began_at = began_at
        self.must_end_at = must_end_at
        self.task: green.Task | None = None
        self.native_calls = green.NativeCalls()
        self.is_withdrawn = False
        """Nobody wants its result any more: paused or stopped."""
        self.is_counted = False
        self.has_ended = False
        self.error: BaseException | None = None


class JobRuns:
    """Runs one job, and counts.

    A run that takes too long is interrupted; one that goes on all the same is interrupted again and again, and is
    counted and told about at once. What it does in a native thread cannot be interrupted. As long as anything of a run
    goes on there is no other.

    Args:
        name: of the job.
        work: called without arguments.
        interval_s: time between two planned starts.
        deadline_s: how long a run may take.
        on_change: called when the job begins to fail, and when it succeeds again.
        clock: monotonic seconds.
        wall: Unix seconds.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        *,
        interval_s: float,
        deadline_s: float,
        on_change: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.interval_s = interval_s
        self.missed = 0
        """Turns that were left out; counted by whoever plans them."""
        self.is_owed = False
        """A pause has cut the last run short."""
        self._work = work
        self._deadline_s = deadline_s
        self._on_change = on_change
        self._clock = clock
        self._wall = wall
        self._run: _Run | None = None
        self._is_failing = False
        self._runs = self._failures = self._interrupted = 0
        self._last_run: float | None = None
        self._last_duration_s: float | None = None
        self._last_error: str | None = None
        self._last_error_at: float | None = None

    @property
    def is_busy(self) -> bool:
        """True while anything of a run goes on."""
        return self._run is not None and not (self._run.has_ended and self._run.native_calls.under_way == 0)

    def begin(self) -> None:
        """Begins a run in a green thread of its own; none must be under way."""
        assert not self.is_busy
        now = self._clock()
        run = self._run = _Run(now, now + self._deadline_s)
        self._last_run = self._wall()
        self.is_owed = False
        run.task = green.start(self._do, run)
        run.task.on_end(lambda _task: self._ended(run))

    def withdraw(self) -> None:
        """Ends a run that is under way; it counts as if it had not been."""
        run = self._run
        if run is not None and not run.has_ended:
            run.is_withdrawn = True
            run.must_end_at = self._clock()
            self.is_owed = True
            assert run.task is not None
            run.task.kill()

    def insist(self) -> None:
        """Interrupts once more what should have ended. To be called about once a second."""
        run = self._run
        if run is None or run.has_ended or self._clock() < run.must_end_at + GRACE_S:
            return
        if not run.is_counted and not run.is_withdrawn:
            self._count_too_long(run, f"goes on after {self._clock() - run.began_at:.1f} s although interrupted")
            logger.error("job does not end name=%s after_s=%.1f", self.name, self._clock() - run.began_at)
        assert run.task is not None
        run.task.kill()

    def status(self, *, scheduler: str, is_paused: bool, next_run: float | None) -> JobStatus:
        """How it stands; computes only."""
        state: State = "scheduled"
        if is_paused:
            state = "paused"
        elif self._is_failing:
            state = "failing"
        elif self.is_busy:
            state = "running"
        return JobStatus(
            id=self.name,
            scheduler=scheduler,
            status=state,
            interval_s=self.interval_s,
            next_run=next_run,
            last_run=self._last_run,
            last_duration_s=self._last_duration_s,
            last_error=self._last_error,
            last_error_at=self._last_error_at,
            runs=self._runs,
            failures=self._failures,
            interrupted=self._interrupted,
            missed=self.missed,
        )

    def _do(self, run: _Run) -> None:
        try:
            with green.deadline(self._deadline_s), green.noting_native_calls(run.native_calls):
                self._work()
        except BaseException as error:  # noqa: BLE001 - the feed never dies: whatever went wrong, there is a next turn
            run.error = error

    def _ended(self, run: _Run) -> None:
        run.has_ended = True
        duration_s = self._clock() - run.began_at
        if run.is_withdrawn:
            logger.debug("job ended from outside name=%s", self.name)
            return
        self._last_duration_s = duration_s
        if run.is_counted:
            return
        if duration_s >= self._deadline_s:
            logger.error("job interrupted name=%s after_s=%.1f", self.name, duration_s)
            blocked = ", and its call in a native thread goes on" if run.native_calls.under_way else ""
            self._count_too_long(run, f"interrupted after {duration_s:.1f} s{blocked}")
        elif isinstance(run.error, NotCollecting):
            logger.info("job ended, another process collects name=%s", self.name)
        elif run.error is not None:
            logger.error("job failed name=%s", self.name, exc_info=run.error)
            self._runs += 1
            self._failures += 1
            self._fail(_in_words(run.error))
        else:
            self._runs += 1
            self._set_failing(False)
        run.error = None  # its traceback holds everything that the job had in hand

    def _count_too_long(self, run: _Run, reason: str) -> None:
        run.is_counted = True
        self._runs += 1
        self._interrupted += 1
        self._fail(reason)

    def _fail(self, reason: str) -> None:
        self._last_error = reason[:MAX_REASON]
        self._last_error_at = self._wall()
        self._set_failing(True)

    def _set_failing(self, is_failing: bool) -> None:
        if self._is_failing != is_failing:
            self._is_failing = is_failing
            self._on_change()


def _in_words(error: BaseException) -> str:
    """What clients may know of it: the text of a library's error can hold an address with its key."""
    if isinstance(error, ServiceError):
        return str(error)
    return f"unexpected {type(error).__name__}; the log has more"
