"""The runs of one job: none goes on for ever, none overlaps another, and what became of each is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.native_gate import NativeGate
from tests.support.processes import wait_until
from websocket import green, job_runs
from websocket.errors import NotCollecting, UpstreamTimeout
from websocket.job_runs import JobRuns, JobStatus

AMPLE_S = 30.0
SOON_S = 0.05


class Clock:
    """Real time, which can be moved ahead."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


class Watched:
    """A job with a journal of its changes."""

    def __init__(self, work: Callable[[], object], deadline_s: float = AMPLE_S) -> None:
        self.clock = Clock()
        self.changes: list[str] = []
        self.runs = JobRuns(
            "job",
            work,
            interval_s=10,
            deadline_s=deadline_s,
            on_change=lambda: self.changes.append(self.status().status),
            clock=self.clock,
        )

    def status(self, *, is_paused: bool = False) -> JobStatus:
        return self.runs.status(scheduler="all", is_paused=is_paused, next_run=None)

    def run(self) -> JobStatus:
        """One run, to its end."""
        self.runs.begin()
        wait_until(lambda: not self.runs.is_busy, "the end of the run")
        return self.status()


@pytest.fixture
def gate() -> Iterator[NativeGate]:
    """Frees native threads that a test blocks; at its end in any case."""
    gate = NativeGate()
    yield gate
    gate.open()


def test_end_of_the_turn_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """A job that finds out that another process collects is not to blame, and leaves no traceback."""

    def work() -> None:
        raise NotCollecting("news: another process collects")

    status = Watched(work).run()
    assert (status.status, status.failures, status.last_error) == ("scheduled", 0, None)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_before_the_first_run() -> None:
    """Nothing is claimed."""
    status = Watched(lambda: None).status()
    assert status.status == "scheduled"
    assert (status.last_run, status.last_duration_s, status.last_error, status.last_error_at) == (None,) * 4
    assert (status.runs, status.failures, status.interrupted, status.missed) == (0, 0, 0, 0)


def test_run_that_succeeds() -> None:
    """Its beginning in Unix time, how long it took, and that it was one."""
    before = time.time()
    status = Watched(lambda: green.sleep(SOON_S)).run()
    assert status.status == "scheduled"
    assert status.last_run is not None
    assert before <= status.last_run <= time.time()
    assert status.last_duration_s is not None
    assert status.last_duration_s >= SOON_S
    assert (status.runs, status.failures, status.interrupted) == (1, 0, 0)


def test_run_under_way() -> None:
    """It says so, and since when; the duration is that of the one before."""
    job = Watched(lambda: green.sleep(AMPLE_S))
    job.runs.begin()
    assert job.status().status == "running"
    assert job.status().last_run is not None
    assert job.status().last_duration_s is None
    job.runs.withdraw()


def test_failing_until_it_succeeds_again() -> None:
    """Both changes are told, and only they; the error stays readable after the success."""
    outcomes: list[Exception | None] = [UpstreamTimeout("kraken", "ticker", "no answer within 8 s")] * 2 + [None, None]

    def work() -> None:
        error = outcomes.pop(0)
        if error is not None:
            raise error

    job = Watched(work)
    assert job.run().status == "failing"
    assert job.run().status == "failing"
    status = job.run()
    assert status.status == "scheduled"
    job.run()
    assert job.changes == ["failing", "scheduled"]
    assert status.last_error == "kraken ticker: no answer within 8 s"
    assert status.last_error_at is not None
    assert (status.runs, status.failures, status.interrupted) == (3, 2, 0)


def test_text_of_an_unexpected_error_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Clients see the status, and a library's text can hold an address with its key."""

    def work() -> None:
        raise KeyError("https://api.example/?key=hidden")

    status = Watched(work).run()
    assert status.last_error == "unexpected KeyError; the log has more"
    assert "key=hidden" in caplog.text


def test_long_reason_is_cut() -> None:
    """Some errors repeat the whole answer of a provider."""

    def work() -> None:
        raise UpstreamTimeout("kraken", "ticker", "x" * 10_000)

    reason = Watched(work).run().last_error
    assert reason is not None
    assert len(reason) == job_runs.MAX_REASON


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), green.Killed()])
def test_nothing_that_a_job_raises_goes_further(error: BaseException) -> None:
    """It is a failure like any other."""

    def work() -> None:
        raise error

    assert Watched(work).run().failures == 1


def test_deadline_ends_a_run_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """It is no failure of its own kind: the one is a job that said why, the other one that hung."""
    status = Watched(lambda: green.sleep(AMPLE_S), deadline_s=SOON_S).run()
    assert status.status == "failing"
    assert (status.runs, status.failures, status.interrupted) == (1, 0, 1)
    assert status.last_error is not None
    assert status.last_error.startswith("interrupted after 0.")
    assert "job interrupted name=job" in caplog.text


def test_deadline_of_the_job_itself_is_a_failure() -> None:
    """What it gave a part of its work was too short; it was not the job that hung."""

    def work() -> None:
        with green.deadline(0.01):
            green.sleep(AMPLE_S)

    status = Watched(work).run()
    assert (status.failures, status.interrupted) == (1, 0)


def test_run_that_swallows_its_interruption_once_is_counted_all_the_same() -> None:
    """It took too long, whatever it says at the end."""

    def work() -> None:
        try:
            green.sleep(AMPLE_S)
        except BaseException:  # noqa: BLE001 - that is what is tried here
            return

    status = Watched(work, deadline_s=SOON_S).run()
    assert status.status == "failing"
    assert (status.runs, status.interrupted) == (1, 1)


def test_run_that_swallows_every_interruption_is_told_about_and_has_no_second(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It shows as failing while it goes on, is counted once, and is interrupted again and again until it ends."""
    swallowed: list[BaseException] = []

    def work() -> None:
        while len(swallowed) < 4:
            try:
                green.sleep(AMPLE_S)
            except BaseException as error:  # noqa: BLE001 - that is what is tried here
                swallowed.append(error)

    job = Watched(work, deadline_s=SOON_S)
    job.runs.begin()
    wait_until(lambda: len(swallowed) == 1, "the deadline")
    job.runs.insist()
    assert len(swallowed) == 1, "it has a moment to end"
    job.clock.ahead_s = job_runs.GRACE_S + 1
    job.runs.insist()
    job.runs.insist()
    assert len(swallowed) == 3
    assert job.runs.is_busy
    status = job.status()
    assert status.status == "failing"
    assert (status.runs, status.interrupted) == (1, 1)
    assert status.last_error is not None
    assert "although interrupted" in status.last_error
    assert caplog.text.count("job does not end name=job") == 1
    job.runs.insist()
    wait_until(lambda: not job.runs.is_busy, "its end")
    assert (job.status().runs, job.status().interrupted) == (1, 1)
    assert job.changes == ["failing"]


def test_call_in_a_native_thread_holds_back_the_next_run(gate: NativeGate) -> None:
    """The run is interrupted in time, but what blocks the native thread goes on, and must not do so twice."""
    green.run_in_native_thread(time.monotonic)  # the first call starts the threads, which takes a while
    job = Watched(lambda: green.run_in_native_thread(gate.wait), deadline_s=0.5)
    job.runs.begin()
    wait_until(gate.is_reached, "the call")
    wait_until(lambda: job.status().interrupted == 1, "the deadline")
    status = job.status()
    assert (status.status, job.runs.is_busy) == ("failing", True)
    assert status.last_error is not None
    assert status.last_error.endswith("and its call in a native thread goes on")
    gate.open()
    wait_until(lambda: not job.runs.is_busy, "the end of the call")


def test_native_calls_of_others_hold_nobody_back(gate: NativeGate) -> None:
    """Each run answers for its own."""
    green.spawn(green.run_in_native_thread, gate.wait)
    wait_until(gate.is_reached, "the call")
    assert Watched(lambda: green.run_in_native_thread(time.monotonic)).run().runs == 1


def test_withdrawn_run_does_not_count_and_is_owed() -> None:
    """A pause is no failure; what it cut short has to be made up for."""
    job = Watched(lambda: green.sleep(AMPLE_S))
    job.runs.begin()
    green.sleep(0)
    job.runs.withdraw()
    wait_until(lambda: not job.runs.is_busy, "its end")
    status = job.status()
    assert (status.status, status.runs, status.last_error) == ("scheduled", 0, None)
    owed_before = job.runs.is_owed
    job.runs.begin()
    assert (owed_before, job.runs.is_owed) == (True, False)
    job.runs.withdraw()


def test_withdrawn_before_it_had_its_first_turn() -> None:
    """It ends as well; a green thread that never ran must not hold the job for ever."""
    began: list[bool] = []
    job = Watched(lambda: began.append(True))
    job.runs.begin()
    job.runs.withdraw()
    wait_until(lambda: not job.runs.is_busy, "its end")
    assert began == []


def test_withdrawn_run_that_does_not_end_is_interrupted_again() -> None:
    """A process that is paused must not go on to collect."""
    swallowed: list[BaseException] = []

    def work() -> None:
        while len(swallowed) < 2:
            try:
                green.sleep(AMPLE_S)
            except BaseException as error:  # noqa: BLE001 - that is what is tried here
                swallowed.append(error)

    job = Watched(work)
    job.runs.begin()
    green.sleep(0)
    job.runs.withdraw()
    wait_until(lambda: swallowed, "the interruption")
    job.clock.ahead_s = job_runs.GRACE_S + 1
    job.runs.insist()
    wait_until(lambda: not job.runs.is_busy, "its end")
    assert (job.status().runs, job.status().status) == (0, "scheduled")


def test_paused_is_said_first() -> None:
    """What failed before a pause says nothing about now."""

    def work() -> None:
        raise ValueError

    job = Watched(work)
    job.run()
    assert job.status(is_paused=True).status == "paused"


def test_error_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """Once for each failure."""

    def work() -> None:
        raise ZeroDivisionError

    Watched(work).run()
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
