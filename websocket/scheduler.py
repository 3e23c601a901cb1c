"""When things run: jobs at fixed intervals, drift-free, one job never twice at once.

APScheduler keeps the clock; this module gives it green threads to run jobs in, a deadline for each job, and the rule
that no failure ends a job's schedule.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from apscheduler.executors.base import BaseExecutor, MaxInstancesReachedError
from apscheduler.schedulers.background import BackgroundScheduler

from websocket import green
from websocket.job_runs import JobRuns, JobStatus
from websocket.supervisor import PROCESS, supervise

logger = logging.getLogger(__name__)

INSIST_INTERVAL_S = 1.0
"""How often it is looked for runs that go on although they were interrupted."""

CLOCK_STEP_S = 0.5
"""A smaller step than this is how clocks are corrected all the time."""


class GreenExecutor(BaseExecutor):  # type: ignore[misc]
    """Runs each job in a green thread of its own, and counts the turns that are left out.

    Args:
        jobs: by name.
    """

    def __init__(self, jobs: Mapping[str, JobRuns]) -> None:
        super().__init__()
        self._jobs = jobs

    def submit_job(self, job: Any, run_times: list[datetime]) -> None:
        """Begins a run.

        Raises:
            MaxInstancesReachedError: the one before has not ended.
        """
        runs = self._jobs[job.id]
        # all turns since the one that was planned are folded into the last of them
        late = (run_times[-1] - job.next_run_time).total_seconds()
        runs.missed += round(late / runs.interval_s)
        if runs.is_busy:
            runs.missed += 1
            raise MaxInstancesReachedError(job)
        self._do_submit_job(job, run_times)

    def _do_submit_job(self, job: Any, _run_times: list[datetime]) -> None:
        self._jobs[job.id].begin()

    def shutdown(self, wait: bool = True) -> None:
        """Interrupts what runs: a job that goes on would use what is being closed."""
        for runs in list(self._jobs.values()):
            runs.withdraw()


class _Clockwork(BackgroundScheduler):  # type: ignore[misc]
    """APScheduler, which calls back before it looks what is due, and whose thread is supervised."""

    def __init__(self, name: str, before_each_look: Callable[[], object], **options: Any) -> None:
        super().__init__(**options)
        self._name = name
        self._before_each_look = before_each_look

    def _main_loop(self) -> None:
        # the thread is one of APScheduler's own, which its shutdown waits for
        PROCESS.run(self._name, self._process_until_shutdown, may_end=lambda: not self.running)

    def _process_until_shutdown(self) -> None:
        self.wakeup()  # the loop waits before it looks for the first time, after a failure as after the start
        super()._main_loop()

    def _process_jobs(self) -> float | None:
        self._before_each_look()
        wait_s: float | None = super()._process_jobs()
        return wait_s


class Scheduler:
    """Runs jobs at fixed intervals until ``stop()``.

    Runs are planned on a fixed grid, so the time that a run takes does not move the next one. A run that comes due
    while the job still runs is left out, not queued. A job that raises is logged and runs again at its next time.
    APScheduler goes by the wall clock; when somebody sets that, all plans are moved along with it.

    Args:
        name: of this scheduler, for those who look at several.
        clock: monotonic seconds.
        wall: Unix seconds, as APScheduler reads them.
    """

    def __init__(
        self,
        name: str = "jobs",
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._clock = clock
        self._wall = wall
        self._jobs: dict[str, JobRuns] = {}
        self._listeners: list[Callable[[], object]] = []
        self._is_paused = False
        self._scheduler = _Clockwork(
            f"scheduler {name}",
            self._follow_clock,
            executors={"default": GreenExecutor(self._jobs)},
            job_defaults={"coalesce": True, "misfire_grace_time": None},
            timezone=timezone.utc,
        )
        self._clock_offset_s = wall() - clock()
        # APScheduler warns about every run that it leaves out; a slow provider would fill the log with that
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    @property
    def is_running(self) -> bool:
        """True between ``start()`` and ``stop()``, but for the time of a pause."""
        return bool(self._scheduler.running) and not self._is_paused

    @property
    def is_paused(self) -> bool:
        """True between ``pause()`` and ``resume()``, whether it was started or not."""
        return self._is_paused

    def every(
        self, interval_s: float, name: str, job: Callable[[], object], *, deadline_s: float, delay_s: float = 0.0
    ) -> None:
        """Plans a job.

        Args:
            interval_s: time between two planned starts.
            name: for logs; unique.
            job: called without arguments.
            deadline_s: a run that takes longer is interrupted.
            delay_s: time until the first run.

        Raises:
            KeyError: there is a job of that name.
        """
        if name in self._jobs:
            raise KeyError(f"there is a job {name} already")
        self._jobs[name] = JobRuns(
            name,
            job,
            interval_s=interval_s,
            deadline_s=deadline_s,
            on_change=self._tell_listeners,
            clock=self._clock,
            wall=self._wall,
        )
        self._scheduler.add_job(
            job,
            "interval",
            seconds=interval_s,
            id=name,
            next_run_time=self._now() + timedelta(seconds=delay_s),
        )

    def start(self) -> None:
        """Begins to run the jobs; after ``pause()`` it only gets ready to."""
        self._leave_out_the_past()
        self._scheduler.start(paused=self._is_paused)
        supervise(f"scheduler {self.name} watchdog", self._insist, may_end=lambda: not self._scheduler.running)

    def stop(self) -> None:
        """Starts no more runs, and interrupts those under way."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def pause(self) -> None:
        """Starts no more runs until ``resume()``, and interrupts those under way. Idempotent.

        A job that pauses its own scheduler is given a second to end.
        """
        if self._is_paused:
            return
        self._is_paused = True
        if self._scheduler.running:
            self._scheduler.pause()
        for runs in list(self._jobs.values()):
            runs.withdraw()

    def resume(self) -> None:
        """Runs once at once whatever came due or was interrupted, and then all jobs on their grids. Idempotent."""
        if not self._is_paused:
            return
        self._is_paused = False
        if self._scheduler.running:
            self._leave_out_the_past()
            self._scheduler.resume()

    def jobs(self) -> list[JobStatus]:
        """All jobs in the order of their planning; computes only."""
        plans = {job.id: job.next_run_time for job in self._scheduler.get_jobs()} if self.is_running else {}
        return [
            runs.status(
                scheduler=self.name,
                is_paused=self._is_paused,
                next_run=plans[name].timestamp() if name in plans else None,
            )
            for name, runs in self._jobs.items()
        ]

    def on_change(self, listener: Callable[[], object]) -> None:
        """Calls ``listener`` when a job begins to fail, and when it succeeds again. It must not wait."""
        self._listeners.append(listener)

    def _tell_listeners(self) -> None:
        for listener in self._listeners:
            try:
                listener()
            except Exception:
                # who listens must not disturb the jobs
                logger.exception("listener failed scheduler=%s", self.name)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), timezone.utc)

    def _insist(self) -> None:
        while self._scheduler.running:
            green.sleep(INSIST_INTERVAL_S)
            for runs in list(self._jobs.values()):
                runs.insist()

    def _follow_clock(self) -> None:
        """Moves all plans along with a wall clock that was set, before anybody acts on them."""
        step_s = self._wall() - self._clock() - self._clock_offset_s
        if abs(step_s) <= CLOCK_STEP_S:
            return
        self._clock_offset_s += step_s
        logger.warning("wall clock was set scheduler=%s step_s=%.1f", self.name, step_s)
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=job.next_run_time + timedelta(seconds=step_s))

    def _leave_out_the_past(self) -> None:
        """Folds all turns that have come due into one, of now; gives a run that was cut short one as well.

        They were left out on purpose, and are no missed ones.
        """
        self._follow_clock()
        now = self._now()
        for job in self._scheduler.get_jobs():
            runs = self._jobs[job.id]
            interval = timedelta(seconds=runs.interval_s)
            turns = (now - job.next_run_time) // interval
            if turns < 0 and runs.is_owed:
                turns = -1
            if turns >= 0 or runs.is_owed:
                job.modify(next_run_time=job.next_run_time + turns * interval)
