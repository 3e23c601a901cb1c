"""Whose turn it is to collect, and what is restored and saved then."""

from __future__ import annotations

import pytest

from tests.support.processes import wait_until
from websocket.collector import Collector
from websocket.scheduler import Scheduler


class Works:
    """A collector with one job, which notes what happens."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.scheduler = Scheduler("collecting")
        self.scheduler.every(0.05, "work", lambda: self.notes.append("work"), deadline_s=5)
        self.collector = Collector(
            self.scheduler,
            restore=[self._fail, lambda: self.notes.append("restore")],
            save=[self._fail, lambda: self.notes.append("save")],
        )

    @staticmethod
    def _fail() -> None:
        raise RuntimeError("a bug")

    def wait_for_work(self) -> None:
        """Until the job has run once more."""
        before = self.notes.count("work")
        wait_until(lambda: self.notes.count("work") > before, "the job runs")


@pytest.fixture
def works() -> Works:
    """Started, and not yet its turn."""
    works = Works()
    works.collector.start()
    return works


def test_nothing_runs_before_its_turn(works: Works) -> None:
    """Another process collects: here no job begins."""
    assert [job.status for job in works.scheduler.jobs()] == ["paused"]
    assert works.notes == []
    works.collector.stop()
    assert works.notes == []


def test_what_was_kept_is_there_before_the_first_job(works: Works, caplog: pytest.LogCaptureFixture) -> None:
    """A step that fails is logged, and keeps neither the others nor the jobs from going on."""
    works.collector.begin()
    works.wait_for_work()
    assert works.notes[:2] == ["restore", "work"]
    assert "step failed" in caplog.text
    works.collector.stop()
    assert works.notes[-1] == "save"


def test_turn_can_end_and_come_back(works: Works) -> None:
    """Whoever lost the turn saves nothing, which would overwrite what the other process keeps."""
    works.collector.begin()
    works.wait_for_work()
    works.collector.end()
    assert [job.status for job in works.scheduler.jobs()] == ["paused"]
    works.collector.begin()
    works.wait_for_work()
    assert works.notes.count("restore") == 2
    works.collector.end()
    works.collector.stop()
    assert "save" not in works.notes


def test_repeated_news_change_nothing(works: Works) -> None:
    """Restoring twice would bring old values back."""
    works.collector.begin()
    works.collector.begin()
    assert works.notes.count("restore") == 1
    works.collector.end()
    works.collector.end()
    works.collector.stop()
