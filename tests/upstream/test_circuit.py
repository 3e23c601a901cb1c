"""When a provider may be asked."""

from __future__ import annotations

import logging
import random

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from websocket.errors import (
    AccessRefused,
    BudgetSpent,
    CircuitOpen,
    RateLimited,
    UnknownSymbol,
    UpstreamError,
    UpstreamTimeout,
)
from websocket.settings import UpstreamSettings
from websocket.upstream.circuit import Circuit

SETTINGS = UpstreamSettings(failures_to_open=3, backoff_max_s=60, park_s=3600, deadline_s=8)
FAILURE = UpstreamTimeout("acme", "all", "silent for 5 s")
REFUSED = AccessRefused("acme", "all", "HTTP 403", 403)
UNKNOWN = UnknownSymbol("acme", "all", "HTTP 404", ["MATIC"])
SPENT = BudgetSpent("acme", "all", "spent", 5.0)


def limited(retry_after_s: float | None) -> RateLimited:
    return RateLimited("acme", "all", "HTTP 429", 429, retry_after_s)


@pytest.fixture
def circuit(clock) -> Circuit:
    return Circuit("acme", SETTINGS, clock=clock, rng=random.Random(1))


def fail(circuit: Circuit, error: UpstreamError = FAILURE, times: int = 1) -> None:
    for _ in range(times):
        circuit.failed(circuit.admit("all"), error)


def test_it_opens_after_failures_in_a_row(circuit):
    """Two failures leave it closed, the third opens it for one to two seconds."""
    fail(circuit, times=2)
    assert circuit.state == "closed"
    fail(circuit)
    assert circuit.state == "open"
    assert 1 <= circuit.retry_in_s <= 2
    with pytest.raises(CircuitOpen) as refused:
        circuit.admit("all")
    assert refused.value.retry_after_s == circuit.retry_in_s
    assert refused.value.reason == "paused after silent for 5 s"


def test_a_success_forgets_earlier_failures(circuit):
    """Only failures in a row count."""
    fail(circuit, times=2)
    circuit.succeeded(circuit.admit("all"))
    fail(circuit, times=2)
    assert circuit.state == "closed"


def test_half_open_lets_one_trial_through(circuit, clock):
    """After the pause one ask goes through and a second one does not."""
    fail(circuit, times=3)
    clock.advance(2)
    assert circuit.state == "half_open"
    trial = circuit.admit("all")
    with pytest.raises(CircuitOpen, match="on trial"):
        circuit.admit("all")
    circuit.succeeded(trial)
    assert circuit.state == "closed"
    assert circuit.retry_in_s == 0


def test_a_lost_trial_expires(circuit, clock):
    """A trial that never reports blocks the next one for two deadlines, and its late report changes nothing."""
    fail(circuit, times=3)
    clock.advance(2)
    lost = circuit.admit("all")
    clock.advance(15.9)
    with pytest.raises(CircuitOpen):
        circuit.admit("all")
    clock.advance(0.1)
    circuit.admit("all")
    circuit.succeeded(lost)
    assert circuit.state == "half_open"


def test_a_trial_that_was_withdrawn_makes_room(circuit, clock):
    """A trial that was not sent, because the budget was spent, does not keep the next one waiting."""
    fail(circuit, times=3)
    clock.advance(2)
    fail(circuit, SPENT)
    circuit.succeeded(circuit.admit("all"))
    assert circuit.state == "closed"


def test_failed_trials_lengthen_the_pause_up_to_the_ceiling(circuit, clock):
    """However often the trial fails, the next one is at most a minute away."""
    fail(circuit, times=3)
    pauses = []
    for _ in range(12):
        clock.advance(circuit.retry_in_s)
        fail(circuit)
        pauses.append(circuit.retry_in_s)
    assert pauses[0] <= 4
    assert 30 <= pauses[-1] <= 60
    assert max(pauses) <= 60


@pytest.mark.parametrize(("asked_s", "paused_s"), [(119, 119), (0, 1), (0.2, 1), (10**9, 3600), (float("inf"), 3600)])
def test_retry_after_is_obeyed_within_reason(circuit, asked_s, paused_s):
    """A rate limit opens at once for as long as the provider says, at least a second and at most the park time."""
    fail(circuit, limited(asked_s))
    assert circuit.state == "open"
    assert circuit.retry_in_s == paused_s


def test_a_rate_limit_without_a_wait_backs_off(circuit):
    """429 without Retry-After opens at once for the first pause."""
    fail(circuit, limited(None))
    assert circuit.state == "open"
    assert 1 <= circuit.retry_in_s <= 2


def test_refused_access_parks(circuit, clock):
    """A refusal parks for the park time, visibly; then one trial decides."""
    fail(circuit, REFUSED)
    assert circuit.state == "parked"
    assert circuit.retry_in_s == 3600
    with pytest.raises(CircuitOpen, match="parked after HTTP 403"):
        circuit.admit("all")
    clock.advance(3600)
    fail(circuit, REFUSED)
    assert circuit.state == "parked"


def test_unknown_symbols_and_spent_budgets_are_no_failures(circuit):
    """Neither opens the circuit, and an unknown symbol shows that the provider is well."""
    fail(circuit, SPENT, times=10)
    fail(circuit, times=2)
    fail(circuit, UNKNOWN)
    fail(circuit, times=2)
    assert circuit.state == "closed"


def test_late_reports_do_not_undo_a_pause(circuit):
    """Of two asks at a time, the slow success does not end the pause that the other's 429 brought."""
    slow, quick = circuit.admit("all"), circuit.admit("all")
    circuit.failed(quick, limited(60))
    circuit.succeeded(slow)
    assert circuit.state == "open"
    assert circuit.retry_in_s == 60


def test_one_log_line_per_change(circuit, clock, caplog):
    """Opening and parking warn once, closing informs once, and failing trials in between say nothing."""
    caplog.set_level(logging.INFO, "websocket.upstream.circuit")
    fail(circuit, times=3)
    for _ in range(5):
        clock.advance(circuit.retry_in_s)
        fail(circuit)
    clock.advance(circuit.retry_in_s)
    fail(circuit, REFUSED)
    clock.advance(3600)
    circuit.succeeded(circuit.admit("all"))
    lines = [(record.levelname, " ".join(record.getMessage().split()[:3])) for record in caplog.records]
    assert lines == [
        ("WARNING", "circuit opened provider=acme"),
        ("WARNING", "circuit parked provider=acme"),
        ("INFO", "circuit closed provider=acme"),
    ]
    assert "reason=all: silent for 5 s" in caplog.messages[0]


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens in whatever order, the promises below hold."""

    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.circuit = Circuit("acme", SETTINGS, clock=lambda: self.now, rng=random.Random(0))
        self.trial_since: float | None = None
        self.trial = -1

    @rule(seconds=st.integers(0, 4000))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(target=tickets)
    def ask(self) -> int:
        before = self.circuit.state
        running = self.trial_since is not None and self.now < self.trial_since + 16
        if before in ("open", "parked") or running:
            with pytest.raises(CircuitOpen) as refused:
                self.circuit.admit("all")
            assert refused.value.retry_after_s > 0
            return -1
        ticket = self.circuit.admit("all")
        if before == "half_open":
            self.trial_since, self.trial = self.now, ticket
        return ticket

    @rule(ticket=tickets)
    def succeed(self, ticket: int) -> None:
        self.circuit.succeeded(ticket)
        self._over(ticket)

    @rule(ticket=tickets, error=st.sampled_from([FAILURE, REFUSED, UNKNOWN, SPENT, limited(None), limited(1e12)]))
    def end_in_error(self, ticket: int, error: UpstreamError) -> None:
        self.circuit.failed(ticket, error)
        self._over(ticket)

    @invariant()
    def there_is_always_a_next_time(self) -> None:
        assert 0 <= self.circuit.retry_in_s <= SETTINGS.park_s

    def _over(self, ticket: int) -> None:
        if ticket == self.trial:
            self.trial_since = None


AnyHistory.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyHistory = AnyHistory.TestCase
