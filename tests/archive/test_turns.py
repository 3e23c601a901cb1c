"""One after the other on the writer's connection, whoever is interrupted."""

from __future__ import annotations

import logging

import pytest

from websocket import green
from websocket.archive.turns import Turns


def test_one_at_a_time_in_their_order() -> None:
    """The next begins when the one before it has ended."""
    turns, log = Turns(), []

    def job(name: str) -> None:
        log.append(f"{name} begins")
        green.sleep(0.01)
        log.append(f"{name} ends")

    done = [turns.begin(lambda name=name: job(name)) for name in "abc"]  # type: ignore[misc]
    for event in done:
        event.wait()
    assert log == ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]


def test_who_waits_may_be_interrupted() -> None:
    """The job goes on, and is not disturbed by the next."""
    turns, log = Turns(), []

    def slow() -> None:
        green.sleep(0.1)
        log.append("slow")

    with pytest.raises(green.DeadlineExceeded), green.deadline(0.01):
        turns.begin(slow).wait()
    turns.begin(lambda: log.append("next")).wait()
    assert log == ["slow", "next"]


def test_a_job_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Who waits for it is let go, and the next has its turn."""
    turns, log = Turns(), []
    with caplog.at_level(logging.ERROR):
        turns.begin(lambda: log.append(1 // 0)).wait()
    assert "ZeroDivisionError" in caplog.text
    turns.begin(lambda: log.append(1)).wait()
    assert log == [1]
