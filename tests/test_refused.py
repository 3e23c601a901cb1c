"""What is refused is counted, and said in at most one line a second."""

from __future__ import annotations

import logging

import pytest

from websocket.refused import Refused, Throttle


class ManualClock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_one_line_a_second_counts_those_since_the_last(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    refused = Refused("the bus", clock)
    for _ in range(100):
        refused.note("stream:news", "no JSON")
    clock.now += 1
    refused.note("stream:news", "too long")
    assert [record.getMessage() for record in caplog.records] == [
        "refused what is not ours place=the bus count=1 what=stream:news: no JSON",
        "refused what is not ours place=the bus count=100 what=stream:news: too long",
    ]
    assert (refused.count, refused.last) == (101, "stream:news: too long")


@pytest.mark.parametrize("said", ["a\nb", "a\rb\x1b[2J", "ü\x00", "\ud800", "x" * 10_000])
def test_what_was_written_neither_breaks_nor_fills_the_line(said: str, caplog: pytest.LogCaptureFixture) -> None:
    Refused("the bus").note("stream:news", said)
    (record,) = caplog.records
    assert record.getMessage().isprintable()
    assert len(record.getMessage()) < 300


def test_bug_has_its_traceback_once(caplog: pytest.LogCaptureFixture) -> None:
    """And a line a second while it stays the same."""
    clock = ManualClock()
    bugs = Throttle(clock)
    for _ in range(20):
        try:
            raise KeyError("x")
        except KeyError as error:
            bugs.exception(logging.getLogger("test"), "it failed", error)
        clock.now += 0.25
    assert len(caplog.records) == 5
    assert [bool(record.exc_info) for record in caplog.records] == [True, False, False, False, False]
