"""When things run: jobs at fixed intervals, drift-free, one job never twice at once.

APScheduler keeps the clock; this module gives it green threads to run jobs in, a deadline for each job, and the rule
that no failure ends a job's schedule.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler

from websocket import green

logger = logging.getLogger(__name__)


CLOCK_CHECK_S = 1.0
"""How often it is looked whether the wall clock was set."""

CLOCK_STEP_S = 0.5
"""A smaller step than this is how clocks are corrected all the time."""


class GreenExecutor(BaseExecutor):  # type: ignore[misc]
    """Runs each job in a green thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._running: set[green.Task] = set()

    def shutdown(self, wait: bool = True) -> None:
        """Interrupts what runs: a job that goes on would use what is being closed."""
        for task in list(self._running):
            task.kill()

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        task = green.start(self._run, job, run_times)
        self._running.add(task)
        task.on_end(self._running.discard)

    def _run(self, job: Any, run_times: list[datetime]) -> None:
        events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
        self._run_job_success(job.id, events)


class Scheduler:
    """Runs jobs at fixed intervals until ``stop()``.

    Runs are planned on a fixed grid, so the time that a run takes does not move the next one. A run that comes due
    while the job still runs is left out, not queued. A job that raises is logged and runs again at its next time.
    APScheduler goes by the wall clock; when somebody sets that, all plans are moved along with it.

    Args:
        clock: monotonic seconds.
        wall: Unix seconds, as APScheduler reads them.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._wall = wall
        self._scheduler = BackgroundScheduler(
            executors={"default": GreenExecutor()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=timezone.utc,
        )
        # APScheduler warns about every run that it leaves out; a slow provider would fill the log with that
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

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
        """
        self._scheduler.add_job(
            self._guarded,
            "interval",
            (name, job, deadline_s),
            seconds=interval_s,
            id=name,
            next_run_time=datetime.now(timezone.utc) + timedelta(seconds=delay_s),
        )

    def start(self) -> None:
        """Begins to run the jobs."""
        self._scheduler.start()
        green.spawn(self._follow_clock)

    def stop(self) -> None:
        """Starts no more runs, and interrupts those under way."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _follow_clock(self) -> None:
        offset_s = self._wall() - self._clock()
        while self._scheduler.running:
            green.sleep(CLOCK_CHECK_S)
            step_s = self._wall() - self._clock() - offset_s
            if abs(step_s) > CLOCK_STEP_S:
                offset_s += step_s
                logger.warning("wall clock was set step_s=%.1f", step_s)
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=job.next_run_time + timedelta(seconds=step_s))

    @staticmethod
    def _guarded(name: str, job: Callable[[], object], deadline_s: float) -> None:
        started = time.monotonic()
        try:
            with green.deadline(deadline_s):
                job()
        except green.Killed:
            logger.debug("job ended by stop name=%s", name)
        except green.DeadlineExceeded:
            logger.error("job interrupted name=%s after_s=%.1f", name, time.monotonic() - started)
        except Exception:
            # the feed never dies: whatever went wrong, the job has its next turn
            logger.exception("job failed name=%s", name)
