"""Jobs at fixed intervals."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

import pytest

from tests.support.processes import wait_until
from websocket import green
from websocket.scheduler import Scheduler

INTERVAL_S = 0.03
AMPLE_S = 30.0


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler()
    yield scheduler
    scheduler.stop()
    # its thread sees that it has to end
    green.sleep(0.01)


def test_job_runs_again_and_again(scheduler: Scheduler) -> None:
    """From the start on."""
    runs: list[int] = []
    scheduler.every(INTERVAL_S, "job", lambda: runs.append(1), deadline_s=AMPLE_S)
    assert runs == []
    scheduler.start()
    wait_until(lambda: len(runs) >= 5, "five runs")


def test_first_run_can_be_delayed(scheduler: Scheduler) -> None:
    """Nothing is published before there was time to collect something."""
    order: list[str] = []
    scheduler.every(AMPLE_S, "second", lambda: order.append("second"), deadline_s=AMPLE_S, delay_s=0.2)
    scheduler.every(AMPLE_S, "first", lambda: order.append("first"), deadline_s=AMPLE_S)
    scheduler.every(AMPLE_S, "never", lambda: order.append("never"), deadline_s=AMPLE_S, delay_s=AMPLE_S)
    scheduler.start()
    wait_until(lambda: len(order) == 2, "two jobs")
    assert order == ["first", "second"]


def test_job_that_raises_runs_again(scheduler: Scheduler, caplog: pytest.LogCaptureFixture) -> None:
    """Each failure is in the log with its traceback; none ends the schedule."""
    runs: list[int] = []

    def fail() -> None:
        runs.append(1)
        raise ZeroDivisionError("on purpose")

    scheduler.every(INTERVAL_S, "unlucky", fail, deadline_s=AMPLE_S)
    scheduler.start()
    wait_until(lambda: len(runs) >= 4, "four runs")
    records = [record for record in caplog.records if "job failed name=unlucky" in record.message]
    assert len(records) >= 3
    assert records[0].levelno == logging.ERROR
    assert records[0].exc_info is not None


def test_job_that_takes_too_long_is_interrupted_and_runs_again(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    """A hanging provider costs one run."""
    runs: list[int] = []

    def hang() -> None:
        runs.append(1)
        green.sleep(AMPLE_S)

    scheduler.every(INTERVAL_S, "slow", hang, deadline_s=0.05)
    scheduler.start()
    wait_until(lambda: len(runs) >= 3, "three runs")
    assert "job interrupted name=slow" in caplog.text


def test_job_never_runs_twice_at_once(scheduler: Scheduler) -> None:
    """However late it is."""
    under_way: list[int] = []
    most = 0
    runs = 0

    def slow() -> None:
        nonlocal most, runs
        under_way.append(1)
        most = max(most, len(under_way))
        green.sleep(5 * INTERVAL_S)
        under_way.pop()
        runs += 1

    scheduler.every(INTERVAL_S, "slow", slow, deadline_s=AMPLE_S)
    scheduler.start()
    wait_until(lambda: runs >= 3, "three runs")
    assert most == 1


def test_missed_runs_are_left_out_and_not_made_up_for(scheduler: Scheduler) -> None:
    """After a long run the job is due once, not once for each turn that it missed."""
    release: list[bool] = []
    quick: list[int] = []
    runs: list[int] = []

    def first_is_slow() -> None:
        runs.append(len(quick))
        while not release:
            green.sleep(0.005)

    scheduler.every(INTERVAL_S, "slow at first", first_is_slow, deadline_s=AMPLE_S)
    scheduler.every(INTERVAL_S, "quick", lambda: quick.append(1), deadline_s=AMPLE_S)
    scheduler.start()
    wait_until(lambda: len(quick) >= 10, "ten turns")
    assert len(runs) == 1
    release.append(True)
    at_release = len(quick)
    wait_until(lambda: len(quick) >= at_release + 5, "five more turns")
    # one run for each of the turns after it, give or take the one under way
    assert len(runs) - 1 <= len(quick) - at_release + 1


def test_slow_job_holds_up_no_other(scheduler: Scheduler) -> None:
    """The broadcast goes on while a provider hangs."""
    runs: list[int] = []
    scheduler.every(INTERVAL_S, "hanging", lambda: green.sleep(AMPLE_S), deadline_s=AMPLE_S)
    scheduler.every(INTERVAL_S, "quick", lambda: runs.append(1), deadline_s=AMPLE_S)
    scheduler.start()
    wait_until(lambda: len(runs) >= 10, "ten runs of the quick job")


def test_starts_are_on_a_fixed_grid(scheduler: Scheduler) -> None:
    """The time that runs take does not add up: each planned start is a whole number of intervals after the first."""
    runs: list[int] = []

    def take_a_while() -> None:
        green.sleep(0.01)
        runs.append(1)

    scheduler.every(0.05, "job", take_a_while, deadline_s=AMPLE_S)
    job = scheduler._scheduler.get_jobs()[0]
    first = job.next_run_time
    scheduler.start()
    wait_until(lambda: len(runs) >= 8, "eight runs")
    turns = (scheduler._scheduler.get_job("job").next_run_time - first).total_seconds() / 0.05
    assert abs(turns - round(turns)) < 1e-3
    assert turns >= 8


def test_nothing_runs_after_stop(scheduler: Scheduler) -> None:
    """Nothing new begins; stopping again does nothing."""
    runs: list[int] = []

    def job() -> None:
        runs.append(1)
        green.sleep(0.05)

    scheduler.every(INTERVAL_S, "job", job, deadline_s=AMPLE_S)
    scheduler.start()
    wait_until(lambda: runs, "a run")
    scheduler.stop()
    started = len(runs)
    green.sleep(4 * INTERVAL_S)
    assert len(runs) == started
    scheduler.stop()


def test_stop_before_start_does_nothing() -> None:
    """A start that failed half-way can be undone."""
    Scheduler().stop()


def test_names_are_unique(scheduler: Scheduler) -> None:
    """Two jobs of one name are a mistake, which shows at once."""
    scheduler.every(AMPLE_S, "job", lambda: None, deadline_s=AMPLE_S)
    scheduler.start()
    with pytest.raises(KeyError, match="job"):
        scheduler.every(AMPLE_S, "job", lambda: None, deadline_s=AMPLE_S)


def test_left_out_runs_are_no_lines_in_the_log(scheduler: Scheduler, caplog: pytest.LogCaptureFixture) -> None:
    """A slow provider would fill it."""
    turns: list[int] = []
    scheduler.every(INTERVAL_S, "hanging", lambda: green.sleep(AMPLE_S), deadline_s=AMPLE_S)
    scheduler.every(INTERVAL_S, "clock", lambda: turns.append(1), deadline_s=AMPLE_S)
    scheduler.start()
    wait_until(lambda: len(turns) >= 8, "eight turns")
    assert caplog.records == []


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_jobs_go_on_when_the_wall_clock_is_set(monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    """A clock that is set back an hour must not silence the feed for an hour, nor one set forward flood it."""
    step = 0.0
    real = datetime.now

    class SetClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return real(tz) + timedelta(seconds=step)

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", SetClock)
    monkeypatch.setattr("websocket.scheduler.CLOCK_CHECK_S", 0.05)
    runs = 0

    def job() -> None:
        nonlocal runs
        runs += 1

    scheduler = Scheduler(wall=lambda: time.time() + step)
    scheduler.every(0.05, "job", job, deadline_s=1)
    scheduler.start()
    try:
        wait_until(lambda: runs >= 2, "two runs")
        step = step_s
        before = runs
        wait_until(lambda: runs >= before + 5, "five more runs")
        assert runs < before + 50
    finally:
        scheduler.stop()


def test_stop_interrupts_what_runs() -> None:
    """A job must not use what is closed after the scheduler has stopped."""
    began, ended = [], []

    def job() -> None:
        began.append(True)
        green.sleep(30)
        ended.append(True)

    scheduler = Scheduler()
    scheduler.every(60, "job", job, deadline_s=60)
    scheduler.start()
    wait_until(lambda: bool(began), "the job")
    scheduler.stop()
    green.sleep(0.05)
    assert not ended
    assert not scheduler._scheduler.running
