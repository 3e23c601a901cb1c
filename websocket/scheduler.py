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


class GreenExecutor(BaseExecutor):  # type: ignore[misc]
    """Runs each job in a green thread of its own."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        green.spawn(self._run, job, run_times)

    def _run(self, job: Any, run_times: list[datetime]) -> None:
        events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
        self._run_job_success(job.id, events)


class Scheduler:
    """Runs jobs at fixed intervals until ``stop()``.

    Runs are planned on a fixed grid, so the time that a run takes does not move the next one. A run that comes due
    while the job still runs is left out, not queued. A job that raises is logged and runs again at its next time.
    """

    def __init__(self) -> None:
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

    def stop(self) -> None:
        """Starts no more runs; those under way are left to end."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    @staticmethod
    def _guarded(name: str, job: Callable[[], object], deadline_s: float) -> None:
        started = time.monotonic()
        try:
            with green.deadline(deadline_s):
                job()
        except green.DeadlineExceeded:
            logger.error("job interrupted name=%s after_s=%.1f", name, time.monotonic() - started)
        except Exception:
            # the feed never dies: whatever went wrong, the job has its next turn
            logger.exception("job failed name=%s", name)
