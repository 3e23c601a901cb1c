"""Scheduler: what is published about the jobs of a process, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest

from tests.services.chain_support import NOW, World, published
from tests.support.processes import wait_until
from websocket import green
from websocket.broker.base import Publication
from websocket.records import to_rfc3339
from websocket.scheduler import Scheduler
from websocket.services.scheduler_jobs import SchedulerJobs, SchedulerService

AMPLE_S = 30.0
INTERVAL_S = 0.05


class Process:
    """Two schedulers and the service that reports on them."""

    def __init__(self) -> None:
        self.world = World([])
        self.collecting, self.housekeeping = Scheduler("collecting"), Scheduler("housekeeping")
        self.world.context.schedulers = (self.collecting, self.housekeeping)
        self.publications: list[Publication] = []
        self.world.context.broker.listen(self.publications.append)
        self.service = SchedulerService(self.world.context)
        self.service.schedule_refreshes(self.collecting)

    def start(self) -> None:
        self.collecting.start()
        self.housekeeping.start()

    def stop(self) -> None:
        self.collecting.stop()
        self.housekeeping.stop()

    def job(self, work: Callable[[], object], *, deadline_s: float = AMPLE_S) -> None:
        self.collecting.every(INTERVAL_S, "job", work, deadline_s=deadline_s)


@pytest.fixture
def process() -> Iterator[Process]:
    process = Process()
    yield process
    process.stop()


def test_documented_keys(process: Process) -> None:
    """Of the payload, and of each job; the jobs of all schedulers are there."""
    process.job(lambda: None)
    process.housekeeping.every(3600, "sweep", lambda: None, deadline_s=AMPLE_S, delay_s=1800)
    process.start()
    payload = msgspec.to_builtins(process.service.payload())
    assert {"running", "total_jobs", "active_jobs", "jobs"} <= payload.keys()
    assert (payload["running"], payload["total_jobs"], payload["active_jobs"]) == (True, 2, 2)
    first, second = payload["jobs"]
    assert {"id", "next_run", "status"} <= first.keys()
    assert (first["id"], first["scheduler"]) == ("job", "collecting")
    assert (second["id"], second["scheduler"], second["status"]) == ("sweep", "housekeeping", "scheduled")
    assert second["next_run"].endswith("Z")
    assert second["last_run"] is None
    assert (payload["status"], payload["reason"]) == ("live", None)
    assert payload["timestamp"] == to_rfc3339(NOW)


def test_runs_are_counted(process: Process) -> None:
    """With times that clients can read."""
    process.job(lambda: None)
    process.start()
    wait_until(lambda: process.service.payload().jobs[0].runs >= 2, "two runs")
    job = process.service.payload().jobs[0]
    assert job.last_run is not None
    assert job.last_run.endswith("Z")
    assert job.last_duration_s is not None
    assert job.last_duration_s >= 0
    assert (job.failures, job.interrupted, job.last_error, job.last_error_at) == (0, 0, None, None)


def test_failing_job_degrades_the_payload(process: Process) -> None:
    """The reason names the job and says why; the text of an unexpected error stays in the log."""

    def fail() -> None:
        raise ValueError("https://api.example/?key=hidden")

    process.job(fail)
    process.start()
    wait_until(lambda: process.service.payload().status == "degraded", "the failure")
    payload = process.service.payload()
    assert payload.reason == "jobs: job: unexpected ValueError; the log has more"
    assert (payload.parts["jobs"].status, payload.parts["schedulers"].status) == ("stale", "live")
    assert payload.jobs[0].status == "failing"
    assert payload.jobs[0].failures >= 1


def test_failing_and_back_are_published_at_once(process: Process) -> None:
    """The publication at the interval may be 15 s away."""
    fails = [True]

    def work() -> None:
        if fails:
            green.sleep(AMPLE_S)

    process.job(work, deadline_s=0.05)
    process.start()
    wait_until(lambda: process.publications, "the first publication")
    assert process.publications[0].channel == "scheduler"
    assert process.publications[0].data["status"] == "degraded"
    assert process.publications[0].data["reason"].startswith("jobs: job: interrupted after")
    fails.clear()
    wait_until(lambda: len(process.publications) == 2, "the second")
    assert process.publications[1].data["status"] == "live"
    assert process.publications[1].data["jobs"][0]["last_error"].startswith("interrupted after")


def test_many_jobs_that_fail_together_are_one_publication(process: Process) -> None:
    """One cause can let all of them fail."""

    def fail() -> None:
        raise ValueError

    for number in range(30):
        process.collecting.every(3600, f"job {number}", fail, deadline_s=AMPLE_S)
    process.start()
    wait_until(lambda: process.publications, "a publication")
    wait_until(lambda: all(job.failures for job in process.service.payload().jobs), "all failures")
    green.sleep(0.3)
    assert len(process.publications) <= 3
    assert sum(job["failures"] for job in process.publications[-1].data["jobs"]) == 30


def test_process_that_does_not_publish_keeps_its_changes_to_itself(process: Process) -> None:
    """Another one publishes on the channel."""

    def fail() -> None:
        raise ValueError

    process.housekeeping.every(3600, "sweep", fail, deadline_s=AMPLE_S)
    process.collecting.pause()
    process.start()
    wait_until(lambda: process.service.payload().status == "degraded", "the failure")
    green.sleep(0.3)
    assert process.publications == []


def test_paused_scheduler_is_no_trouble(process: Process) -> None:
    """Another process does its work; its jobs say so."""
    process.job(lambda: None)
    process.housekeeping.every(3600, "sweep", lambda: None, deadline_s=AMPLE_S, delay_s=1800)
    process.start()
    process.collecting.pause()
    payload = process.service.payload()
    assert (payload.status, payload.running, payload.total_jobs, payload.active_jobs) == ("live", True, 2, 1)
    assert (payload.jobs[0].status, payload.jobs[0].next_run) == ("paused", None)


def test_nothing_runs(process: Process) -> None:
    """Before the start, and when every scheduler is paused."""
    assert not process.service.payload().running
    process.start()
    process.collecting.pause()
    process.housekeeping.pause()
    assert not process.service.payload().running


def test_published_payload_is_of_the_documented_type(process: Process) -> None:
    """Nothing is added, nothing left out."""
    process.job(lambda: None)
    process.start()
    data = published(process.service)
    assert msgspec.convert(data, SchedulerJobs).total_jobs == 1
    assert set(data) == {field.encode_name for field in msgspec.structs.fields(SchedulerJobs)}
