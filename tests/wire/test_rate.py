"""The allowance of one client."""

from __future__ import annotations

import pytest

from websocket.wire.rate import BYTES_PER_TOKEN, SMALL_COST, STRIKES, MessageRate


class Meter:
    """A rate with a clock that the test moves."""

    def __init__(self, per_second: float = 2.0, burst: int = 4) -> None:
        self.now = 100.0
        self.rate = MessageRate(per_second, burst, clock=lambda: self.now)

    def allowed(self, count: int) -> int:
        """How many of so many messages at once are allowed."""
        return sum(self.rate.allows() for _ in range(count))


@pytest.fixture
def meter() -> Meter:
    """Four at once, two per second."""
    return Meter()


def test_burst_is_allowed_at_once(meter: Meter) -> None:
    """And not one more."""
    assert meter.allowed(10) == 4


def test_allowance_comes_back_with_time_up_to_the_burst(meter: Meter) -> None:
    """As many per second as set; a long silence saves up no more than a burst."""
    meter.allowed(4)
    meter.now += 0.5
    assert meter.allowed(5) == 1
    meter.now += 3600
    assert meter.allowed(10) == 4


def test_retry_after_says_when(meter: Meter) -> None:
    """After exactly that time the next one is allowed."""
    assert meter.rate.retry_after_s == 0
    meter.allowed(5)
    wait = meter.rate.retry_after_s
    assert wait == 0.5
    meter.now += wait
    assert meter.rate.allows()


def test_refusals_are_counted_until_it_is_enough(meter: Meter) -> None:
    """So many are answered; then the connection is closed."""
    meter.allowed(4)
    for _ in range(STRIKES):
        assert not meter.rate.allows()
        assert not meter.rate.exhausted
    meter.rate.allows()
    assert meter.rate.exhausted


def test_good_behaviour_is_remembered(meter: Meter) -> None:
    """Who has slowed down begins anew; who sends as soon as it may has not."""
    meter.allowed(4 + STRIKES)
    meter.now += 0.5
    assert meter.rate.allows()
    meter.rate.allows()
    assert meter.rate.exhausted
    meter = Meter()
    meter.allowed(4 + STRIKES)
    meter.now += 2
    assert meter.allowed(5) == 4
    assert not meter.rate.exhausted


def test_small_things_cost_less(meter: Meter) -> None:
    """Two control frames are a message."""
    assert sum(meter.rate.allows(SMALL_COST) for _ in range(20)) == 8


def test_answers_are_paid_by_their_size(meter: Meter) -> None:
    """The first bytes are in the price of the message; what is more has to be paid before the next one, also what there
    were no tokens for.
    """
    meter.rate.charge_bytes(BYTES_PER_TOKEN - 1)
    assert meter.allowed(1) == 1
    meter.rate.charge_bytes(5 * BYTES_PER_TOKEN)
    assert not meter.rate.allows()
    assert meter.rate.refused
    assert meter.rate.retry_after_s == 1.5
    meter.now += 1.5
    assert meter.rate.allows()
    assert not meter.rate.refused


def test_clock_that_goes_back_gives_nothing(meter: Meter) -> None:
    """A monotonic clock does not; if it did, nobody would be let in for free."""
    meter.allowed(4)
    meter.now -= 10
    assert meter.allowed(3) == 0
