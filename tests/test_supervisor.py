"""Long-lived green threads do not end unnoticed."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import wait_until
from websocket import green, supervisor
from websocket.supervisor import Supervised, Supervisor, ThreadStatus

ROOT = Path(__file__).resolve().parents[1]

NOW = 1_790_000_000.0

ENDS_BY_ITSELF = {
    ("archive/progress.py", "start"): "a backup or an export, and what reports how far it is",
    ("archive/turns.py", "begin"): "one piece of the archive's work",
    ("job_runs.py", "begin"): "one run of a job, with a deadline",
    ("services/base.py", "_on_first_value"): "one publication",
    ("services/scheduler_jobs.py", "_publish_soon"): "one publication",
    ("supervisor.py", "supervise"): "supervised",
    ("http_server/server.py", "_admit"): "one connection",
    ("http_server/server.py", "_say_farewell"): "one connection that found no place",
}
"""Where green threads are started without supervision, and why that is right. ``green.py`` has the functions for it."""


class Worker:
    """A function that ends as often as it is told to, and then runs on."""

    def __init__(self, *ends: BaseException | None) -> None:
        self.ends = list(ends)
        self.runs = 0

    def __call__(self) -> None:
        self.runs += 1
        if self.ends:
            end = self.ends.pop(0)
            if end is not None:
                raise end
            return
        while True:
            green.sleep(60)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """Starts again without delay."""
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(supervisor, "MAX_PAUSE_S", 0.002)
    return Supervisor(clock=lambda: NOW)


@pytest.fixture
def stopping() -> Iterator[list[Supervised]]:
    """What is put in is stopped at the end."""
    supervised: list[Supervised] = []
    yield supervised
    for one in supervised:
        one.stop()


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (None, "returned"),
        (KeyError("secret"), "ended by KeyError"),
        (OSError(24, "Too many open files"), "ended by OSError"),
        (green.Killed(), "ended by GreenletExit"),
    ],
)
def test_thread_that_ends_is_counted_and_started_again(
    threads: Supervisor,
    stopping: list[Supervised],
    caplog: pytest.LogCaptureFixture,
    end: BaseException | None,
    reason: str,
) -> None:
    """The log has the traceback; the status has no text of the exception."""
    worker = Worker(end)
    stopping.append(threads.supervise("worker", worker))
    wait_until(lambda: worker.runs == 2, "the second start")
    assert threads.status() == [ThreadStatus(name="worker", ends=1, down=False, last_end=NOW, reason=reason)]
    (line,) = [record for record in caplog.records if record.name == "websocket.supervisor"]
    assert line.getMessage() == f"thread ended, it is started again name=worker ends=1 reason={reason}"
    assert (line.exc_info or (None, None))[1] is end


def test_thread_that_is_killed_by_a_stranger_is_started_again(threads: Supervisor, stopping: list[Supervised]) -> None:
    """The kill of another library, for example."""
    caught: list[green.Task] = []
    begun: list[int] = []

    def run() -> None:
        begun.append(1)
        green.sleep(60)

    real_start = green.start

    def start(*args: object) -> green.Task:
        caught.append(real_start(*args))  # type: ignore[arg-type]
        return caught[-1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(green, "start", start)
        stopping.append(threads.supervise("worker", run))
    wait_until(lambda: len(begun) == 1, "the start")
    caught[0].kill()
    wait_until(lambda: len(begun) == 2, "the second start")
    assert threads.status()[0].ends == 1


def test_status_says_that_it_is_down_until_it_runs_again(
    monkeypatch: pytest.MonkeyPatch, stopping: list[Supervised]
) -> None:
    """It is not, between its end and the next start."""
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 60.0)
    threads = Supervisor(clock=lambda: NOW)
    stopping.append(threads.supervise("worker", Worker(None)))
    wait_until(lambda: threads.status()[0].ends, "its end")
    assert threads.status()[0].down
    stopping[0].stop()
    assert not threads.status()[0].down


def test_many_ends_are_one_line_in_the_log(
    threads: Supervisor, stopping: list[Supervised], caplog: pytest.LogCaptureFixture
) -> None:
    """All of them are counted."""
    worker = Worker(*[KeyError()] * 20)
    stopping.append(threads.supervise("worker", worker))
    wait_until(lambda: worker.runs == 21, "twenty ends")
    assert threads.status()[0].ends == 20
    assert len([record for record in caplog.records if record.name == "websocket.supervisor"]) < 5


def test_stop_is_not_an_end(threads: Supervisor, caplog: pytest.LogCaptureFixture) -> None:
    """Neither counted nor followed by another start; it may come twice."""
    caplog.set_level(logging.INFO)
    worker = Worker()
    supervised = threads.supervise("worker", worker)
    wait_until(lambda: worker.runs, "the start")
    supervised.stop()
    supervised.stop()
    green.sleep(0.02)
    assert worker.runs == 1
    assert threads.status() == [ThreadStatus(name="worker", ends=0, down=False, last_end=None, reason=None)]
    assert caplog.records == []


def test_stop_before_the_start_means_that_it_never_runs(threads: Supervisor) -> None:
    """A service that is stopped at once."""
    worker = Worker()
    threads.supervise("worker", worker).stop()
    green.sleep(0.02)
    assert worker.runs == 0


def test_thread_can_stop_itself(threads: Supervisor) -> None:
    """It then has to return by itself."""
    handles: list[Supervised] = []
    ran: list[int] = []

    def run() -> None:
        ran.append(1)
        handles[0].stop()
        ran.append(2)

    handles.append(threads.supervise("worker", run))
    wait_until(lambda: 2 in ran, "its end")
    green.sleep(0.02)
    assert ran == [1, 2]
    assert threads.status()[0].ends == 0


def test_end_that_was_wanted_is_not_counted(threads: Supervisor) -> None:
    """``may_end`` says so; before that, the same return is an end."""
    worker = Worker(None, None)
    threads.supervise("worker", worker, may_end=lambda: worker.runs == 2)
    wait_until(lambda: worker.runs == 2, "the second start")
    green.sleep(0.02)
    assert worker.runs == 2
    assert threads.status()[0].ends == 1


def test_failure_at_the_end_is_logged_though_the_end_was_wanted(
    threads: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception is never lost."""
    threads.supervise("worker", Worker(KeyError()), may_end=lambda: True)
    wait_until(lambda: caplog.records, "the line")
    assert caplog.records[0].getMessage() == "thread failed while it stopped name=worker"
    assert threads.status()[0].ends == 0


def test_deadline_that_went_astray_ends_nothing(threads: Supervisor, stopping: list[Supervised]) -> None:
    """It is no ``Exception``, and handlers for these let it through."""
    begun: list[int] = []
    forgotten = green.deadline(0.001)

    def run() -> None:
        begun.append(1)
        if len(begun) == 1:
            forgotten.__enter__()
        green.sleep(60)

    stopping.append(threads.supervise("worker", run))
    wait_until(lambda: len(begun) == 2, "the second start")
    assert threads.status()[0].ends == 1


def test_every_long_lived_thread_is_supervised() -> None:
    """Whoever starts one another way has to say here why it ends by itself. Nobody makes threads of another kind."""
    started = set()
    files = [file for file in (ROOT / "websocket").rglob("*.py") if file.name != "green.py"]
    for file in [*files, *ROOT.glob("*.py")]:
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.FunctionDef) and file.name != "test_crypto_service.py":
                calls = [ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)]
                assert not {"threading.Thread", "threading.Timer", "start_new_thread"} & set(calls), file
                if {"green.spawn", "green.start"} & set(calls):
                    started.add((str(file.relative_to(ROOT)).removeprefix("websocket/"), function.name))
    assert started == ENDS_BY_ITSELF.keys()
