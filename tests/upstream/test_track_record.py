"""What is remembered of the asks to a provider."""

from __future__ import annotations

import math

import pytest

from websocket.errors import BudgetSpent, UnknownSymbol, UpstreamTimeout
from websocket.upstream.track_record import KEPT, TrackRecord


@pytest.fixture
def record(clock) -> TrackRecord:
    return TrackRecord(clock=clock, wall=clock)


def fail(record: TrackRecord) -> None:
    record.note_error(UpstreamTimeout("acme", "one", "silent"))


def test_nothing_asked_nothing_known(record):
    """Absent, not zero and not one."""
    score = record.score()
    assert (score.asks, score.failed, score.success_rate, score.p95_ms) == (0, 0, None, None)
    assert (record.last_ok, record.unchecked_s) == (None, math.inf)


def test_rate_of_the_asks_of_the_window(record, clock):
    """Older ones are forgotten, failures as well as successes."""
    fail(record)
    clock.advance(601)
    for _ in range(3):
        record.note_success(clock())
    fail(record)
    assert record.score(600).success_rate == 0.75
    assert record.score().success_rate == 0.6
    clock.advance(3000)
    assert (record.score().asks, record.score().success_rate) == (4, 0.75)
    clock.advance(601)
    assert record.score().asks == 0
    assert (record.succeeded, record.failed) == (3, 2)


@pytest.mark.parametrize(("times", "p95"), [([7], 7), (range(1, 21), 19), (range(100, 0, -1), 95), ([1, 1, 50], 50)])
def test_p95_is_the_time_that_95_of_100_do_not_exceed(record, times, p95):
    """By nearest rank: a time that really was measured."""
    for ms in times:
        record.note_response_time(float(ms), answered=True)
    assert record.score().p95_ms == p95


def test_requests_without_an_answer_have_no_response_time(record):
    """An outage must not make a provider look quick; its last wait is told all the same."""
    record.note_response_time(400.0, answered=True)
    for _ in range(50):
        record.note_response_time(1.0, answered=False)
    assert record.score().p95_ms == 400
    assert record.response_time_ms == 1


def test_our_own_budget_is_none_of_its_failures(record):
    """It is told as the last error, and changes neither the rate nor the last outcome."""
    record.note_success(0.0)
    record.note_error(BudgetSpent("acme", "one", "spent", 3.0))
    assert (record.last_ok, record.score().asks, record.failed) == (True, 1, 0)
    assert record.last_error == "acme one: spent"
    assert record.last_failure is None


def test_unknown_coin_is_an_answer(record):
    """The provider is well."""
    record.note_error(UnknownSymbol("acme", "one", "HTTP 404", ("XYZ",)))
    assert (record.last_ok, record.score().success_rate, record.failed) == (True, 1.0, 0)


def test_memory_is_bounded(record, clock):
    """However busy a provider is."""
    for _ in range(3 * KEPT):
        record.note_success(clock())
        record.note_response_time(1.0, answered=True)
    assert record.score().asks == KEPT
    assert record.succeeded == 3 * KEPT
