"""What health_checker tells: every provider, judged by what became of the asks, and changes at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.doubles import Clock, JobList, StubProvider, context_of, jobs_of
from websocket.errors import AccessRefused, RateLimited, UpstreamError
from websocket.providers.base import HealthCheck
from websocket.services.health_checker import HealthCheckerService, ProviderHealthReport, overall_health

NAMES = ("alpha", "beta", "gamma")


class Desk:
    """The service and three providers."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.providers = {name: StubProvider(name) for name in NAMES}
        self.context = context_of(list(self.providers.values()), self.clock)
        self.service = HealthCheckerService(self.context)
        self.jobs: JobList = jobs_of(self.service)

    def use(self, name: str, times: int = 1) -> None:
        """A service asks, each second."""
        source = self.context.sources[name]
        for _ in range(times):
            self.clock.advance(1)
            try:
                source.ask((), lambda _: [source.provider.request("work")], len_of)
            except UpstreamError:
                assert self.providers[name].is_down or self.providers[name].answers

    def report(self) -> ProviderHealthReport:
        return self.service.payload()

    def updates(self) -> int:
        return self.context.broker.position("health_checker")[1]


def len_of(answers: Any) -> int:
    return len(answers)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_documented_keys(desk: Desk) -> None:
    """As clients of this API know them."""
    desk.use("alpha")
    desk.service.publish()
    last = desk.context.broker.last("health_checker")
    assert last is not None
    keys = {"overall_health", "healthy_count", "unhealthy_count", "total_providers", "providers", "status", "timestamp"}
    assert keys <= set(last.data)
    assert {"status", "response_time_ms", "last_check"} <= set(last.data["providers"]["alpha"])
    assert last.data["total_providers"] == 3


def test_before_anything_was_asked(desk: Desk) -> None:
    """Nobody is called healthy, nothing is made up."""
    report = desk.report()
    assert (report.healthy_count, report.degraded_count) == (0, 3)
    info = report.providers["alpha"]
    assert (info.status, info.reason) == ("degraded", "not checked yet")
    figures = (info.response_time_ms, info.p95_ms, info.success_rate, info.last_check, info.last_success)
    assert figures == (None,) * 5
    assert info.asks_last_hour == 0


def test_report_is_complete_when_everybody_was_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how many are lacking, and later whether the probing goes on."""
    for provider in desk.providers.values():
        check = HealthCheck(provider.request("check"), len_of)
        monkeypatch.setattr(provider, "health_check", lambda check=check: check)
    report = desk.report()
    assert (report.status, report.reason) == ("starting", "probes: 3 providers were not checked yet")
    for _ in NAMES:
        desk.jobs.jobs["health_checker_collection"]()
    assert (desk.report().status, desk.report().reason) == ("live", None)
    desk.clock.advance(91)
    report = desk.report()
    assert (report.status, report.parts["probes"].status, report.parts["providers"].status) == (
        "degraded",
        "stale",
        "live",
    )


def test_five_words(desk: Desk) -> None:
    """Each provider has one, and the counts add up."""
    desk.use("alpha", 5)
    desk.providers["beta"].is_down = True
    desk.use("beta", 3)
    desk.providers["gamma"].answers["work"] = AccessRefused("gamma", "work", "HTTP 451", 451)
    desk.use("gamma")
    report = desk.report()
    assert {name: info.status for name, info in report.providers.items()} == {
        "alpha": "healthy",
        "beta": "unhealthy",
        "gamma": "parked",
    }
    assert (report.healthy_count, report.unhealthy_count, report.parked_count, report.total_providers) == (1, 2, 1, 3)
    assert report.overall_health == "unhealthy"
    assert report.providers["beta"].reason == "work: no answer"
    assert report.providers["beta"].retry_at is not None
    assert report.providers["gamma"].retry_at == "2026-09-21T15:13:29.000Z"
    desk.providers["gamma"].is_configured = False
    assert desk.report().providers["gamma"].status == "unconfigured"
    report = desk.report()
    assert (report.healthy_count, report.unhealthy_count, report.unconfigured_count, report.total_providers) == (
        1,
        1,
        1,
        2,
    )


def test_figures_are_those_of_the_last_hour(desk: Desk) -> None:
    """Rate, number, and words of the last error with its time."""
    desk.use("alpha", 3)
    desk.providers["alpha"].answers["work"] = RateLimited("alpha", "work", "HTTP 429", 429, 1.0)
    desk.use("alpha")
    info = desk.report().providers["alpha"]
    assert (info.success_rate, info.asks_last_hour, info.in_use) == (0.75, 4, True)
    assert (info.last_error, info.last_error_at) == ("alpha work: HTTP 429", "2026-09-21T14:13:24.000Z")
    assert info.last_success == "2026-09-21T14:13:23.000Z"
    desk.clock.advance(3601)
    info = desk.report().providers["alpha"]
    assert (info.success_rate, info.p95_ms, info.asks_last_hour, info.in_use) == (None, None, 0, False)
    assert info.last_error == "alpha work: HTTP 429"


@pytest.mark.parametrize(
    ("statuses", "overall"),
    [
        ([], "unconfigured"),
        (["unconfigured", "unconfigured"], "unconfigured"),
        (["healthy", "unconfigured"], "healthy"),
        (["healthy", "healthy", "degraded"], "degraded"),
        (["healthy", "healthy", "unhealthy"], "degraded"),
        (["healthy", "parked"], "unhealthy"),
        (["degraded", "unhealthy", "parked", "healthy"], "unhealthy"),
    ],
)
def test_one_word_for_all(statuses: list[Any], overall: str) -> None:
    """Half of them out of order is unhealthy; who is not configured does not count."""
    assert overall_health(statuses) == overall


def test_change_goes_out_at_once(desk: Desk) -> None:
    """Within a second of the ask that showed it, once, and the way back too."""
    desk.use("alpha", 5)
    desk.service.publish()
    look = desk.jobs.jobs["health_checker_changes"]
    assert desk.jobs.intervals["health_checker_changes"] == 1
    look()
    assert desk.updates() == 1
    desk.providers["alpha"].is_down = True
    desk.use("alpha")
    look()
    look()
    assert desk.updates() == 2
    last = desk.context.broker.last("health_checker")
    assert last is not None
    assert last.data["providers"]["alpha"]["status"] == "degraded"


def test_published_every_30_s(desk: Desk) -> None:
    """As documented, whatever happens."""
    assert desk.jobs.intervals["publish_health_checker"] == 30
