"""Scheduler: the jobs of this process, their runs, and which of them fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from websocket import green
from websocket.job_runs import JobStatus
from websocket.records import to_rfc3339
from websocket.scheduler import Scheduler
from websocket.services.base import DataService, PartInfo, Payload, ServiceContext, summarise

GATHER_S = 0.1
"""What else changes within this time is in the same publication: one cause can let many jobs fail."""


class JobInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One job and its runs since the start of the process; null is not known, or not yet.

    Attributes:
        id: its name.
        scheduler: who runs it: ``collecting`` in the one process that collects, ``housekeeping`` in each.
        status: ``failing`` from a run that raised or took too long until one that succeeds; ``paused`` while another
            process does its work; ``running``; ``scheduled`` between two runs.
        interval_s: seconds between two planned starts.
        next_run: next planned start, RFC 3339 UTC; null while paused.
        last_run: when the last run began, RFC 3339 UTC.
        last_duration_s: seconds that the last run took that has ended.
        last_error: what went wrong last, in words. It stays after a success.
        last_error_at: when that was, RFC 3339 UTC.
        runs: runs that have ended, failures and interrupted ones included.
        failures: runs that raised.
        interrupted: runs that took longer than their deadline.
        missed: turns that were left out because the job still ran, or the process was late.
    """

    id: str
    scheduler: str
    status: Literal["scheduled", "running", "paused", "failing"]
    interval_s: float
    next_run: str | None
    last_run: str | None
    last_duration_s: float | None
    last_error: str | None
    last_error_at: str | None
    runs: int
    failures: int
    interrupted: int
    missed: int


class SchedulerJobs(Payload, frozen=True, kw_only=True):
    """The jobs of the process that published this. The part ``jobs`` is ``stale`` while some of them fail.

    Attributes:
        running: false when nothing is run at present: all schedulers are paused.
        total_jobs: all jobs.
        active_jobs: those of them that are not paused.
        jobs: every job, in the order in which they were planned.
    """

    running: bool
    total_jobs: int
    active_jobs: int
    jobs: tuple[JobInfo, ...]


class SchedulerService(DataService):
    """Publishes how the jobs of this process are doing; at once when one begins to fail, or succeeds again."""

    name = "scheduler"
    payload_type = SchedulerJobs

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._publisher: Scheduler | None = None
        self._will_publish = False
        for scheduler in context.schedulers:
            scheduler.on_change(self._publish_soon)

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        """There is nothing to fetch: the schedulers are in this process."""
        self._publisher = scheduler

    def _publish_soon(self) -> None:
        """Publishes what changed, unless another process publishes."""
        if self._publisher is not None and self._publisher.is_running and not self._will_publish:
            self._will_publish = True
            green.spawn(self._publish_changes)

    def _publish_changes(self) -> None:
        green.sleep(GATHER_S)
        self._will_publish = False
        if self._publisher is not None and self._publisher.is_running:
            self.publish()

    def payload(self) -> SchedulerJobs:
        """How they are doing at this moment."""
        schedulers = self.context.schedulers
        statuses = [job for scheduler in schedulers for job in scheduler.jobs()]
        now = to_rfc3339(self.context.clock())
        parts = {"schedulers": _part(now, None), "jobs": _part(now, _trouble(statuses))}
        status, reason = summarise(parts)
        return SchedulerJobs(
            status=status,
            reason=reason,
            parts=parts,
            demo=self.context.demo,
            timestamp=now,
            running=any(scheduler.is_running for scheduler in schedulers),
            total_jobs=len(statuses),
            active_jobs=sum(job.status != "paused" for job in statuses),
            jobs=tuple(_info(job) for job in statuses),
        )


def _part(now: str, trouble: str | None) -> PartInfo:
    return PartInfo(status="stale" if trouble else "live", as_of=now, source="this process", reason=trouble)


def _trouble(statuses: Sequence[JobStatus]) -> str | None:
    failing = [f"{status.id}: {status.last_error}" for status in statuses if status.status == "failing"]
    return "; ".join(failing) or None


def _info(status: JobStatus) -> JobInfo:
    return JobInfo(
        id=status.id,
        scheduler=status.scheduler,
        status=status.status,
        interval_s=status.interval_s,
        next_run=_time(status.next_run),
        last_run=_time(status.last_run),
        last_duration_s=None if status.last_duration_s is None else round(status.last_duration_s, 3),
        last_error=status.last_error,
        last_error_at=_time(status.last_error_at),
        runs=status.runs,
        failures=status.failures,
        interrupted=status.interrupted,
        missed=status.missed,
    )


def _time(unix_s: float | None) -> str | None:
    return None if unix_s is None else to_rfc3339(unix_s)
