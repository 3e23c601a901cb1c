"""Jobs at fixed intervals."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

import pytest

from tests.support.processes import wait_until
from websocket import green
from websocket.job_runs import JobStatus
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


class TwoClocks:
    """The wall clock of the scheduler and of APScheduler, which can be set; the monotonic one stays the real one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.step_s = 0.0
        clocks = self
        real = datetime.now

        class SetClock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return real(tz) + timedelta(seconds=clocks.step_s)

        monkeypatch.setattr("apscheduler.schedulers.base.datetime", SetClock)

    def wall(self) -> float:
        return time.time() + self.step_s


@pytest.mark.parametrize("interval_s", [0.02, 0.3])
@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_jobs_go_on_when_the_wall_clock_is_set(
    monkeypatch: pytest.MonkeyPatch, step_s: float, interval_s: float
) -> None:
    """A clock that is set back an hour must not silence the feed for an hour, nor one set forward flood it."""
    clocks = TwoClocks(monkeypatch)
    runs = 0

    def job() -> None:
        nonlocal runs
        runs += 1

    scheduler = Scheduler(wall=clocks.wall)
    scheduler.every(interval_s, "job", job, deadline_s=1)
    scheduler.start()
    try:
        wait_until(lambda: runs >= 2, "two runs")
        clocks.step_s = step_s
        before = runs
        wait_until(lambda: runs >= before + 5, "five more runs")
        assert runs < before + 50
        (status,) = scheduler.jobs()
        assert status.missed < 50
        assert status.next_run is not None
        assert abs(status.next_run - clocks.wall()) < 60
    finally:
        scheduler.stop()


def test_clock_that_was_years_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a battery starts in 1970; when its clock is set, no billion of turns is gone through."""
    clocks = TwoClocks(monkeypatch)
    clocks.step_s = -time.time() + 60
    runs: list[int] = []
    scheduler = Scheduler(wall=clocks.wall)
    scheduler.every(INTERVAL_S, "job", lambda: runs.append(1), deadline_s=1)
    scheduler.start()
    try:
        wait_until(lambda: len(runs) >= 2, "two runs")
        clocks.step_s = 0.0
        before = len(runs)
        wait_until(lambda: len(runs) >= before + 3, "three more runs")
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


def status_of(scheduler: Scheduler, name: str) -> JobStatus:
    """How a job stands."""
    return next(status for status in scheduler.jobs() if status.id == name)


class TestStatus:
    """What ``jobs()`` tells."""

    def test_plan_and_name(self) -> None:
        """In Unix time; nothing is planned before the start and after the stop."""
        scheduler = Scheduler("housekeeping")
        scheduler.every(60, "first", lambda: None, deadline_s=1, delay_s=20)
        scheduler.every(30, "second", lambda: None, deadline_s=1, delay_s=10)
        assert (scheduler.is_running, [status.next_run for status in scheduler.jobs()]) == (False, [None, None])
        scheduler.start()
        try:
            first, second = scheduler.jobs()
            assert (scheduler.is_running, first.id, first.scheduler, first.interval_s) == (
                True,
                "first",
                "housekeeping",
                60,
            )
            assert (second.id, second.status) == ("second", "scheduled")
            assert first.next_run is not None
            assert second.next_run is not None
            assert 5 < first.next_run - second.next_run < 15
            assert abs(first.next_run - time.time()) < 30
        finally:
            scheduler.stop()
        assert (scheduler.is_running, [status.next_run for status in scheduler.jobs()]) == (False, [None, None])

    def test_turns_that_a_long_run_leaves_out_are_missed(self, scheduler: Scheduler) -> None:
        """One for each turn that came due while it ran."""
        release: list[bool] = []

        def slow() -> None:
            while not release:
                green.sleep(0.005)

        scheduler.every(INTERVAL_S, "slow", slow, deadline_s=AMPLE_S)
        scheduler.start()
        wait_until(lambda: status_of(scheduler, "slow").missed >= 3, "three missed turns")
        assert status_of(scheduler, "slow").status == "running"
        release.append(True)
        wait_until(lambda: status_of(scheduler, "slow").runs >= 2, "another run")

    def test_turns_that_a_late_process_leaves_out_are_missed(self, scheduler: Scheduler) -> None:
        """Nobody ran while something held up all green threads."""
        runs: list[int] = []
        scheduler.every(INTERVAL_S, "job", lambda: runs.append(1), deadline_s=AMPLE_S)
        scheduler.start()
        wait_until(lambda: runs, "a run")
        held_up_until = time.monotonic() + 10 * INTERVAL_S
        while time.monotonic() < held_up_until:
            pass
        before = len(runs)
        wait_until(lambda: len(runs) > before, "the next run")
        assert status_of(scheduler, "job").missed >= 8

    def test_time_before_the_start_is_not_missed(self) -> None:
        """Building a service takes a moment."""
        scheduler = Scheduler()
        scheduler.every(0.01, "job", lambda: None, deadline_s=AMPLE_S)
        scheduler.every(AMPLE_S, "later", lambda: None, deadline_s=AMPLE_S, delay_s=AMPLE_S)
        green.sleep(1.0)
        scheduler.start()
        try:
            wait_until(lambda: status_of(scheduler, "job").runs >= 1, "a run")
            assert status_of(scheduler, "job").missed < 80
            assert status_of(scheduler, "later").runs == 0
        finally:
            scheduler.stop()

    def test_listeners_hear_of_failing_and_back(self, scheduler: Scheduler) -> None:
        """Also when one of them fails; and nothing else is told."""
        outcomes = [True, False, False, True, True, True]
        heard: list[str] = []

        def job() -> None:
            if outcomes and not outcomes.pop(0):
                raise ValueError

        def unlucky() -> None:
            raise ZeroDivisionError

        scheduler.on_change(unlucky)
        scheduler.on_change(lambda: heard.append(status_of(scheduler, "job").status))
        scheduler.every(INTERVAL_S, "job", job, deadline_s=AMPLE_S)
        scheduler.start()
        wait_until(lambda: not outcomes, "all runs")
        assert len(heard) == 2
        assert heard[0] == "failing"
        assert heard[1] != "failing"

    def test_job_that_swallows_its_interruptions_runs_again_when_it_has_ended(
        self, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The scheduler insists, and lets no second run begin beside it."""
        monkeypatch.setattr("websocket.scheduler.INSIST_INTERVAL_S", 0.02)
        monkeypatch.setattr("websocket.job_runs.GRACE_S", 0.02)
        swallowed: list[BaseException] = []
        under_way: list[int] = []

        def stubborn() -> None:
            under_way.append(1)
            assert len(under_way) == 1
            while len(swallowed) < 5:
                try:
                    green.sleep(AMPLE_S)
                except BaseException as error:  # noqa: BLE001 - that is what is tried here
                    swallowed.append(error)
            under_way.pop()

        scheduler.every(INTERVAL_S, "stubborn", stubborn, deadline_s=0.05)
        scheduler.start()
        wait_until(lambda: status_of(scheduler, "stubborn").runs >= 3, "later runs")
        status = status_of(scheduler, "stubborn")
        assert (status.interrupted, status.failures) == (1, 0)
        assert status.status != "failing"
        assert status.missed >= 1


class TestPause:
    """Another process does the work for a while."""

    def test_runs_end_and_none_begins(self, scheduler: Scheduler) -> None:
        """Nothing of it counts as a failure."""
        began: list[int] = []
        ended: list[int] = []

        def job() -> None:
            began.append(1)
            green.sleep(AMPLE_S)
            ended.append(1)

        scheduler.every(INTERVAL_S, "job", job, deadline_s=AMPLE_S)
        scheduler.start()
        wait_until(lambda: began, "a run")
        scheduler.pause()
        scheduler.pause()
        assert not scheduler.is_running
        green.sleep(5 * INTERVAL_S)
        assert (len(began), ended) == (1, [])
        (status,) = scheduler.jobs()
        assert (status.status, status.next_run) == ("paused", None)
        assert (status.runs, status.failures, status.interrupted) == (0, 0, 0)

    def test_resume_runs_once_what_came_due_and_goes_on_with_the_grid(self, scheduler: Scheduler) -> None:
        """No turn of the pause is made up for, and none of them is a missed one."""
        runs: list[float] = []
        scheduler.every(0.05, "job", lambda: runs.append(time.monotonic()), deadline_s=AMPLE_S)
        planned = scheduler._scheduler.get_jobs()[0].next_run_time
        scheduler.start()
        wait_until(lambda: runs, "a run")
        scheduler.pause()
        before = len(runs)
        green.sleep(1.0)
        assert len(runs) == before
        scheduler.resume()
        resumed_at = time.monotonic()
        wait_until(lambda: len(runs) >= before + 3, "three runs")
        assert len(runs) <= before + 2 + (time.monotonic() - resumed_at) / 0.05
        turns = (scheduler._scheduler.get_job("job").next_run_time - planned).total_seconds() / 0.05
        assert abs(turns - round(turns)) < 1e-3
        assert status_of(scheduler, "job").missed < 15

    def test_resume_runs_what_a_pause_cut_short(self, scheduler: Scheduler) -> None:
        """Its next turn would be far away."""
        began: list[int] = []

        def job() -> None:
            began.append(1)
            green.sleep(AMPLE_S if len(began) == 1 else 0)

        scheduler.every(3600, "job", job, deadline_s=AMPLE_S)
        scheduler.every(3600, "not due", lambda: began.append(2), deadline_s=AMPLE_S, delay_s=1800)
        scheduler.start()
        wait_until(lambda: began, "a run")
        scheduler.pause()
        scheduler.resume()
        wait_until(lambda: status_of(scheduler, "job").runs == 1, "the run that was cut short")
        assert began == [1, 1]
        assert status_of(scheduler, "job").missed == 0

    def test_what_ended_before_the_pause_is_not_owed(self, scheduler: Scheduler) -> None:
        """It has its next turn when that comes."""
        runs: list[int] = []
        scheduler.every(3600, "job", lambda: runs.append(1), deadline_s=AMPLE_S)
        scheduler.start()
        wait_until(lambda: status_of(scheduler, "job").runs == 1, "a run")
        scheduler.pause()
        scheduler.resume()
        green.sleep(0.2)
        assert runs == [1]

    def test_started_paused(self) -> None:
        """A process that joins others begins in the second row."""
        runs: list[int] = []
        scheduler = Scheduler("collecting")
        scheduler.every(INTERVAL_S, "job", lambda: runs.append(1), deadline_s=AMPLE_S)
        scheduler.pause()
        scheduler.start()
        try:
            green.sleep(5 * INTERVAL_S)
            assert (runs, status_of(scheduler, "job").status) == ([], "paused")
            scheduler.resume()
            wait_until(lambda: len(runs) >= 2, "two runs")
        finally:
            scheduler.stop()

    def test_resume_without_a_pause_does_nothing(self, scheduler: Scheduler) -> None:
        """Nor before the start."""
        scheduler.resume()
        scheduler.every(3600, "job", lambda: None, deadline_s=AMPLE_S, delay_s=1800)
        scheduler.start()
        scheduler.resume()
        assert status_of(scheduler, "job").runs == 0
        assert scheduler.is_running

    def test_one_scheduler_pauses_another(self) -> None:
        """As the job does that finds out that another process collects."""
        collecting, housekeeping = Scheduler("collecting"), Scheduler("housekeeping")
        runs: list[int] = []
        collecting.every(INTERVAL_S, "collect", lambda: runs.append(1), deadline_s=AMPLE_S)
        housekeeping.every(3600, "look", collecting.pause, deadline_s=AMPLE_S, delay_s=0.2)
        collecting.start()
        housekeeping.start()
        try:
            wait_until(lambda: not collecting.is_running, "the pause")
            before = len(runs)
            green.sleep(5 * INTERVAL_S)
            assert len(runs) == before
            assert housekeeping.is_running
        finally:
            collecting.stop()
            housekeeping.stop()

    def test_wall_clock_that_is_set_during_a_pause(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Back by an hour, the jobs would otherwise sleep for an hour after it."""
        clocks = TwoClocks(monkeypatch)
        runs: list[int] = []
        scheduler = Scheduler(wall=clocks.wall)
        scheduler.every(INTERVAL_S, "job", lambda: runs.append(1), deadline_s=AMPLE_S)
        scheduler.start()
        try:
            wait_until(lambda: runs, "a run")
            scheduler.pause()
            clocks.step_s = -3600.0
            before = len(runs)
            scheduler.resume()
            wait_until(lambda: len(runs) >= before + 3, "more runs")
        finally:
            scheduler.stop()


def test_clockwork_that_fails_goes_on(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """APScheduler's own thread would end without a word, and with it all jobs."""
    runs: list[int] = []
    scheduler.every(INTERVAL_S, "job", lambda: runs.append(1), deadline_s=AMPLE_S)
    failures = [RuntimeError("a bug")]
    follow_clock = scheduler._scheduler._before_each_look

    def fail_once() -> None:
        if runs and failures:
            raise failures.pop()
        follow_clock()

    monkeypatch.setattr(scheduler._scheduler, "_before_each_look", fail_once)
    scheduler.start()
    wait_until(lambda: not failures, "the failure")
    before = len(runs)
    wait_until(lambda: len(runs) > before + 1, "the runs after it")


def test_watchdog_that_fails_goes_on(monkeypatch: pytest.MonkeyPatch, scheduler: Scheduler) -> None:
    """It is what interrupts jobs that do not end."""
    monkeypatch.setattr("websocket.scheduler.INSIST_INTERVAL_S", 0.01)
    failures, insisted = [RuntimeError("a bug")], list[int]()

    def insist(_runs: object) -> None:
        if failures:
            raise failures.pop()
        insisted.append(1)

    monkeypatch.setattr("websocket.job_runs.JobRuns.insist", insist)
    scheduler.every(AMPLE_S, "job", int, deadline_s=AMPLE_S)
    scheduler.start()
    wait_until(lambda: insisted, "its next turn")
