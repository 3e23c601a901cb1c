"""Long tasks: one at a time, told about as they go on, ended with the service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventlet.patcher import original

from tests.support.processes import wait_until
from websocket import green
from websocket.archive.progress import Busy, Cancelled, Jobs, Progress, Report, Step
from websocket.errors import ArchiveError

native_threading = original("threading")


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    """For tasks that end when they are told to."""
    made = Jobs(clock=lambda: 1_763_942_400.0)
    yield made
    made.close()


class Work:
    """A task that goes on until ``finish()``; it waits as a disk would, in its native thread."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.thread: object = None
        self._finish = native_threading.Event()

    def finish(self) -> None:
        """Lets it end."""
        self._finish.set()

    def __call__(self, report: Report) -> Path:
        self.thread = native_threading.get_ident()
        done = 0
        while not self._finish.wait(0.01):
            report(Step(done=done, total=100, unit="rows"))
            done = min(done + 1, 99)
        report(Step(done=100, total=100, unit="rows"))
        self.file.write_text("whole")
        return self.file


def ended(jobs: Jobs) -> Progress:
    """The newest task, when it has ended."""
    wait_until(lambda: jobs.running is None, "the task has ended")
    return jobs.recent()[0]


def test_task_runs_beside_the_event_loop(jobs: Jobs, tmp_path: Path) -> None:
    """In a native thread; its progress is seen, then its file."""
    work = Work(tmp_path / "made.csv")
    heard: list[Progress] = []
    jobs.listen(heard.append)
    started = jobs.start("export", work)
    assert (started.id, started.task, started.state, started.total) == (1, "export", "running", None)
    assert started.started_at == "2025-11-24T00:00:00.000Z"
    wait_until(lambda: any(progress.done for progress in heard), "somebody heard of it")
    assert work.thread != threading.get_ident()
    assert jobs.running is not None
    work.finish()
    last = ended(jobs)
    assert (last.state, last.done, last.total, last.unit) == ("done", 100, 100, "rows")
    assert (last.file, last.size_bytes, last.reason) == ("made.csv", 5, None)
    assert heard[0] == started
    assert heard[-1] == last
    assert jobs.last("export") == last
    assert jobs.last("backup") is None


def test_second_task_is_refused_while_one_runs(jobs: Jobs, tmp_path: Path) -> None:
    """And told which one; afterwards it may."""
    work = Work(tmp_path / "made")
    running = jobs.start("backup", work)
    with pytest.raises(Busy) as refused:
        jobs.start("export", Work(tmp_path / "other"))
    assert refused.value.running.id == running.id
    work.finish()
    ended(jobs)
    again = Work(tmp_path / "made")
    again.finish()
    jobs.start("backup", again)
    assert ended(jobs).id == 2


def test_failure_is_told_in_words(jobs: Jobs) -> None:
    """Those of an expected error; of a bug only that there was one."""

    def fail(_report: Report) -> Path:
        raise ArchiveError("the disk is full")

    def stumble(_report: Report) -> Path:
        raise ZeroDivisionError("inner secret")

    jobs.start("backup", fail)
    first = ended(jobs)
    assert (first.state, first.file, first.reason) == ("failed", None, "the disk is full")
    assert first.finished_at is not None
    jobs.start("backup", stumble)
    second = ended(jobs)
    assert second.state == "failed"
    assert "secret" not in str(second.reason)


def test_close_ends_the_task(jobs: Jobs, tmp_path: Path) -> None:
    """And no other begins."""
    work = Work(tmp_path / "made")
    jobs.start("backup", work)
    wait_until(lambda: work.thread is not None, "it has begun")
    jobs.close()
    assert ended(jobs).state == "failed"
    assert not work.file.exists()
    with pytest.raises(Cancelled):
        jobs.start("backup", work)


def test_listener_that_fails_harms_nobody(jobs: Jobs, tmp_path: Path) -> None:
    """The others hear of it all the same."""
    heard: list[Progress] = []
    jobs.listen(lambda _progress: 1 / 0)
    jobs.listen(heard.append)
    work = Work(tmp_path / "made")
    work.finish()
    jobs.start("backup", work)
    assert ended(jobs).state == "done"
    green.sleep(0)
    assert heard[-1].state == "done"


def test_only_the_last_tasks_are_remembered(jobs: Jobs, tmp_path: Path) -> None:
    """The process runs for months."""
    work = Work(tmp_path / "made")
    work.finish()
    for _ in range(25):
        jobs.start("backup", work)
        ended(jobs)
    assert [progress.id for progress in jobs.recent()] == list(range(25, 5, -1))
