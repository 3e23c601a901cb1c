"""Idle providers are probed soon, one at a time, within a small share of their budgets; the busy ones not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.services.doubles import Clock, StubProvider, context_of
from websocket.errors import BadPayload, BudgetSpent, UpstreamError, UpstreamTimeout
from websocket.providers.base import Budget, HealthCheck
from websocket.services.provider_probes import MONTH_SHARE, ProviderProbes
from websocket.settings import MonitoringSettings, UpstreamSettings
from websocket.upstream.source import LONGEST_MONTH_S, Source

SETTINGS = MonitoringSettings()


class Probed(StubProvider):
    """A provider with a budget of the test's own, and one question."""

    def __init__(self, name: str, budget: Budget) -> None:
        super().__init__(name)
        self.published = budget

    @property
    def budget(self) -> Budget:
        return self.published

    def health_check(self) -> HealthCheck | None:
        def read(answers: Any) -> None:
            if answers[0].payload == "nonsense":
                raise BadPayload(self.name, "check", "nonsense")

        return HealthCheck(self.request("check"), read)


class Ward:
    """Some providers whom nobody asks, and whoever probes them."""

    def __init__(self, *providers: StubProvider) -> None:
        self.clock = Clock()
        self.context = context_of(providers, self.clock)
        self.sources = self.context.sources
        self.probes = ProviderProbes(self.sources, SETTINGS, UpstreamSettings(), clock=self.clock)

    def pass_on(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """A look every second."""
        for _ in range(round(seconds)):
            meanwhile()
            self.probes.run()
            self.clock.advance(1)


def provider(
    name: str = "acme", *, per_minute: int = 600, per_month: int | None = None, min_interval_s: float = 10
) -> Probed:
    return Probed(name, Budget(per_minute=per_minute, per_month=per_month, min_interval_s=min_interval_s))


def use(source: Source[Any]) -> None:
    """A service asks."""
    source.ask((), lambda _: [source.provider.request("work")], len)


def test_all_are_probed_one_a_second() -> None:
    """Nobody has to wait for a service that never comes."""
    everybody = [provider(f"p{number}") for number in range(40)]
    ward = Ward(*everybody)
    ward.pass_on(1)
    assert sum(len(one.asked) for one in everybody) == 1
    ward.pass_on(39)
    assert [len(one.asked) for one in everybody] == [1] * 40


@pytest.mark.parametrize(
    ("budget", "in_an_hour"),
    [
        ({}, 80),  # every 45 s
        ({"min_interval_s": 60}, 80),
        ({"min_interval_s": 21_600}, 12),  # figures of a day: every five minutes
        ({"per_minute": 3}, 27),  # 15 % of the budget
        ({"per_month": 20_000}, 1),
    ],
)
def test_pause_follows_the_budget(budget: dict[str, Any], in_an_hour: int) -> None:
    """The tighter it is, the fewer probes."""
    acme = provider(**budget)
    Ward(acme).pass_on(3600)
    assert abs(len(acme.asked) - in_an_hour) <= in_an_hour * 0.03 + 0.5


@pytest.mark.parametrize("is_down", [False, True])
def test_budget_of_a_month_lasts(is_down: bool) -> None:
    """Probes take 2 % of it at most, also while they fail."""
    acme = provider(per_month=20_000)
    acme.is_down = is_down
    ward = Ward(acme)
    days = 31
    for _ in range(days * 24 * 6):
        ward.probes.run()
        ward.clock.advance(600)
    assert 0.9 * MONTH_SHARE * 20_000 <= len(acme.asked) <= MONTH_SHARE * 20_000 + 1
    assert days * 86_400 <= LONGEST_MONTH_S


def test_whom_services_ask_is_left_alone() -> None:
    """Real traffic says more; a provider that is read every five minutes is not idle in between."""
    busy, feed = provider("busy"), provider("feed", min_interval_s=300)
    ward = Ward(busy, feed)
    for turn in range(7):
        if turn % 2 == 0:
            use(ward.sources["feed"])
        for _ in range(3):
            use(ward.sources["busy"])
            ward.pass_on(50)
    ward.pass_on(20)
    assert {asked.partition("/")[0] for asked in busy.asked + feed.asked} == {"work"}
    ward.pass_on(SETTINGS.idle_after_s + 2)
    assert any(asked.startswith("check") for asked in busy.asked)
    assert not any(asked.startswith("check") for asked in feed.asked)


def test_doubt_is_settled_soon() -> None:
    """After a probe that failed the next ones come quickly, until the circuit opens; then its pauses count."""
    acme = provider()
    acme.answers["check"] = "nonsense"
    ward = Ward(acme)
    ward.pass_on(35)
    assert len(acme.asked) == 3
    assert ward.sources["acme"].state in ("open", "half_open")
    acme.answers.clear()
    ward.pass_on(40)
    assert ward.sources["acme"].state == "closed"


def test_spent_budget_is_not_knocked_at_every_second() -> None:
    """A probe that could not be sent is one all the same."""
    acme, other = provider("acme"), provider("other")
    ward = Ward(acme, other)
    tried = 0

    def take(asked: StubProvider, request: object) -> None:
        nonlocal tried
        if asked is acme:
            tried += 1
            raise BudgetSpent("acme", "check", "the budget of this minute is spent", 60.0)

    ward.context.limiter.take = take  # type: ignore[assignment,method-assign]
    ward.pass_on(60)
    assert (acme.asked, tried) == ([], 2)
    assert len(other.asked) == 2


def test_who_cannot_be_asked_is_not() -> None:
    """Unconfigured, or without a question."""
    keyless, mute = provider("keyless"), StubProvider("mute")
    keyless.is_configured = False
    Ward(keyless, mute).pass_on(100)
    assert (keyless.asked, mute.asked) == ([], [])


@pytest.mark.parametrize("error", [UpstreamTimeout("acme", "check", "silent"), BadPayload("acme", "check", "odd")])
def test_failing_probe_is_the_providers_trouble_only(error: UpstreamError) -> None:
    """The others have their turn."""
    acme, other = provider("acme"), provider("other")
    acme.answers["check"] = error
    ward = Ward(acme, other)
    ward.pass_on(3)
    assert len(other.asked) == 1
    assert ward.sources["acme"].trouble == str(error)
