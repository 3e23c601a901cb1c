"""How a provider is judged: one word that follows from its asks."""

from __future__ import annotations

import random
from contextlib import nullcontext

import pytest

from websocket.errors import AccessRefused, RateLimited, UpstreamError, UpstreamTimeout
from websocket.providers.base import Answer
from websocket.settings import UpstreamSettings
from websocket.upstream.circuit import Circuit
from websocket.upstream.rate_limit import RateLimiter
from websocket.upstream.source import Source
from websocket.upstream.verdict import NOT_CHECKED, RECENT_S, judge

SETTINGS = UpstreamSettings(failures_to_open=3, deadline_s=8)


class Wire:
    """Stands for ``HttpClient``: answers after ``takes_s``, or raises."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.takes_s = 0.1
        self.error: UpstreamError | None = None

    def fetch(self, provider, request) -> Answer:
        self.clock.advance(self.takes_s)
        if self.error is not None:
            raise self.error
        return Answer(request=request, payload={}, received_at=self.clock())


@pytest.fixture
def wire(clock) -> Wire:
    return Wire(clock)


@pytest.fixture
def source(make_provider, wire, clock) -> Source:
    circuit = Circuit("acme", SETTINGS, clock=clock, rng=random.Random(1))
    return Source(make_provider(), wire, RateLimiter(), circuit, clock=clock, wall=clock)


@pytest.fixture
def ask(source, wire, clock):
    """Asks some times, ten seconds apart."""

    def ask(error: UpstreamError | None = None, times: int = 1) -> None:
        wire.error = error
        for _ in range(times):
            with nullcontext() if error is None else pytest.raises(UpstreamError):
                source.ask(["BTC"], source.provider.plan, len)
            clock.advance(10)

    return ask


def timeout() -> UpstreamError:
    return UpstreamTimeout("acme", "all", "silent for 5 s")


def word(source: Source) -> str:
    return judge(source, slow_ms=2000).status


def test_well_provider_is_healthy(source, ask):
    """And there is nothing to explain."""
    ask(times=3)
    verdict = judge(source, slow_ms=2000)
    assert (verdict.status, verdict.reason) == ("healthy", None)


def test_nobody_is_called_healthy_unasked(source):
    """Nor unhealthy: it is said that nobody has looked yet."""
    verdict = judge(source, slow_ms=2000)
    assert (verdict.status, verdict.reason) == ("degraded", NOT_CHECKED)


def test_without_its_key_it_is_unconfigured(source):
    """Whatever else."""
    source.provider.is_configured = False
    assert word(source) == "unconfigured"


def test_one_failure_degrades_and_an_open_circuit_is_unhealthy(source, ask):
    """The reason is what went wrong, without the provider's name, which everybody sees."""
    ask(times=30)
    ask(timeout())
    verdict = judge(source, slow_ms=2000)
    assert (verdict.status, verdict.reason) == ("degraded", "all: silent for 5 s")
    ask(timeout(), times=2)
    assert (source.state in ("open", "half_open"), word(source)) == (True, "unhealthy")


def test_first_ask_that_fails_is_unhealthy(source, ask):
    """Nothing speaks for it."""
    ask(timeout())
    assert word(source) == "unhealthy"


def test_way_back(source, ask, clock):
    """The first success ends unhealthy; ten minutes without failures later it is healthy."""
    ask(times=5)
    ask(timeout(), times=3)
    clock.advance(60)
    ask()
    verdict = judge(source, slow_ms=2000)
    assert verdict.status == "degraded"
    assert "3 of 9 asks failed" in verdict.reason
    for _ in range(10):
        clock.advance(RECENT_S / 10)
        ask()
    assert word(source) == "healthy"


def test_one_accident_in_twenty_asks_is_forgiven(source, ask):
    """As soon as the next ask succeeds."""
    ask(times=30)
    ask(timeout())
    ask()
    assert word(source) == "healthy"


def test_rate_limit_degrades_as_long_as_something_comes(source, ask, clock):
    """Its circuit is open, but it is not broken; when it goes on for ten minutes it is of no use."""
    limited = RateLimited("acme", "all", "HTTP 429", 429, 30.0)
    ask(times=10)
    ask(limited)
    assert (source.state, word(source)) == ("open", "degraded")
    clock.advance(RECENT_S)
    ask(limited)
    assert word(source) == "unhealthy"


def test_refusal_parks(source, ask, clock):
    """Until it is tried again, and then it is as unhealthy as it was."""
    ask(AccessRefused("acme", "all", "HTTP 451", 451))
    verdict = judge(source, slow_ms=2000)
    assert (verdict.status, verdict.reason) == ("parked", "all: HTTP 451")
    clock.advance(SETTINGS.park_s)
    assert (source.state, word(source)) == ("half_open", "unhealthy")


def test_slow_answers_degrade(source, ask, wire):
    """At once for the last one; also for some time when more than one in twenty was slow."""
    ask(times=30)
    wire.takes_s = 2.5
    ask()
    assert "last answer took 2.5 s" in (judge(source, slow_ms=2000).reason or "")
    wire.takes_s = 0.1
    ask()
    assert word(source) == "healthy"
    wire.takes_s = 2.5
    ask(times=4)
    wire.takes_s = 0.1
    ask()
    verdict = judge(source, slow_ms=2000)
    assert (verdict.status, verdict.reason) == ("degraded", "slow: 1 answer in 20 takes 2.5 s or longer")
