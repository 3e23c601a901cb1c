"""Answers that are made once a second for everybody."""

from __future__ import annotations

import itertools

import pytest

from websocket import green
from websocket.transports import recent
from websocket.transports.recent import MAX_VARIANTS, Recent


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """That of the module."""
    clock = Clock()
    monkeypatch.setattr(recent, "time", clock)
    return clock


def test_made_once_a_second(clock: Clock) -> None:
    """However many ask; and after a second everybody gets a new one."""
    numbers = itertools.count()
    answer = Recent(lambda: next(numbers))
    assert {answer.get() for _ in range(100)} == {0}
    clock.now += 1.0
    assert {answer.get() for _ in range(100)} == {1}


def test_variants_are_kept_apart(clock: Clock) -> None:
    """Nobody gets what another one asked for; and clients cannot make them too many."""
    answer = Recent(lambda offset, limit: (offset, limit))
    assert answer.get(0, 10) == (0, 10)
    assert answer.get(10, 10) == (10, 10)
    for offset in range(10_000):
        assert answer.get(offset, 1) == (offset, 1)
    assert len(answer._made) == MAX_VARIANTS


def test_asked_for_while_it_is_made(clock: Clock) -> None:
    """Those who come meanwhile wait for the same one, also when making it lets others run."""
    made: list[int] = []

    def make() -> int:
        made.append(len(made))
        green.sleep(0.01)
        return made[-1]

    answer, got = Recent(make), []
    for _ in range(50):
        green.spawn(lambda: got.append(answer.get()))
    with green.deadline(30):
        while len(got) < 50:
            green.sleep(0.01)
    assert (made, set(got)) == ([0], {0})


def test_failure_is_not_kept(clock: Clock) -> None:
    """The next one who asks has it made again."""
    results = iter([ZeroDivisionError(), 5])

    def make() -> int:
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    answer = Recent(make)
    with pytest.raises(ZeroDivisionError):
        answer.get()
    assert answer.get() == 5
