"""What pool_manager tells: who is active, who stands behind, who took over from whom, and what is left to ask."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.services.doubles import Clock, JobList, StubProvider, context_of, jobs_of
from websocket.errors import AccessRefused, NoProviderAnswered
from websocket.services.pool_manager import PoolManagerService
from websocket.services.pool_manager_payload import PoolReport
from websocket.upstream.source import Source

NAMES = ("alpha", "beta", "gamma")


class Desk:
    """The service, and a pool of three."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.providers = {name: StubProvider(name) for name in NAMES}
        self.context = context_of(list(self.providers.values()), self.clock)
        self.service = PoolManagerService(self.context)
        # other services make their pools after this one was made
        self.pool = self.context.pool("things", NAMES, StubProvider, topic="things")
        self.jobs: JobList = jobs_of(self.service)

    def round(self, times: int = 1) -> None:
        """The pool is asked, each second."""
        for _ in range(times):
            self.clock.advance(1)
            try:
                self.pool.fetch(ask)
            except NoProviderAnswered:
                assert all(provider.is_down for provider in self.providers.values())

    def report(self) -> PoolReport:
        return self.service.payload()

    def updates(self) -> int:
        return self.context.broker.position("pool_manager")[1]


def ask(source: Source[Any]) -> int:
    return source.ask((), lambda _: [source.provider.request("work")], len_of)


def len_of(answers: Any) -> int:
    return len(answers)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_documented_keys(desk: Desk) -> None:
    """As clients of this API know them."""
    desk.round()
    report = msgspec.to_builtins(desk.report())
    assert {"pools", "active_sources", "inactive_sources", "failover_count", "status", "timestamp"} <= set(report)
    pool = report["pools"]["things"]
    assert (pool["active_source"], pool["health"]) == ("alpha", "healthy")
    assert pool["available_sources"] == NAMES
    assert (report["active_sources"], report["inactive_sources"]) == (("alpha",), ("beta", "gamma"))
    assert report["failover_count"] == 0


def test_pool_that_was_not_asked(desk: Desk) -> None:
    """Neither well nor ill."""
    pool = desk.report().pools["things"]
    assert (pool.active_source, pool.health, pool.reason) == (None, "idle", "it was not asked anything yet")


def test_failover_and_the_way_back(desk: Desk) -> None:
    """Who, from whom, why and when; and when the better one is tried again."""
    desk.round()
    desk.providers["alpha"].is_down = True
    desk.round(3)
    report = desk.report()
    pool = report.pools["things"]
    assert (pool.active_source, pool.health) == ("beta", "degraded")
    assert pool.reason == "beta stands in for alpha: work: no answer"
    assert (pool.inactive_sources, pool.better_source) == (("alpha",), "alpha")
    assert pool.better_retry_at == report.sources["alpha"].retry_at is not None
    desk.providers["alpha"].is_down = False
    desk.clock.advance(10)
    desk.round()
    report = desk.report()
    assert report.pools["things"].active_source == "alpha"
    assert report.pools["things"].better_source is None
    assert report.failover_count == report.pools["things"].failover_count == 2
    told = [msgspec.to_builtins(failover) for failover in report.failovers]
    assert [(row["pool"], row["from"], row["to"], row["reason"]) for row in told] == [
        ("things", "beta", "alpha", "a better source answers again"),
        ("things", "alpha", "beta", "no answer"),
    ]
    assert told[1]["time"] == "2026-09-21T14:13:22.000Z"
    assert report.pools["things"].last_failover == told[0]["time"]


def test_nobody_answers(desk: Desk) -> None:
    """Unhealthy, with what each one said, and who is tried first."""
    for provider in desk.providers.values():
        provider.is_down = True
    desk.round(3)
    pool = desk.report().pools["things"]
    assert (pool.active_source, pool.health, pool.available_sources) == (None, "unhealthy", ())
    assert pool.reason == "no source answers (" + "; ".join(f"{name}: work: no answer" for name in NAMES) + ")"
    assert pool.better_source in NAMES
    assert desk.report().active_sources == ()


def test_active_source_that_is_not_well(desk: Desk) -> None:
    """Somebody else's asks show it before this pool asks again."""
    desk.round()
    desk.providers["alpha"].answers["work"] = AccessRefused("alpha", "work", "HTTP 403", 403)
    with pytest.raises(AccessRefused):
        ask(desk.context.sources["alpha"])
    report = desk.report()
    assert (report.pools["things"].health, report.pools["things"].reason) == ("degraded", "alpha: work: HTTP 403")
    assert (report.sources["alpha"].status, report.sources["alpha"].circuit) == ("parked", "parked")


def test_unconfigured(desk: Desk) -> None:
    """A preferred source without its key is no reason to call a pool degraded; a pool of such only is unconfigured."""
    desk.providers["alpha"].is_configured = False
    desk.round()
    pool = desk.report().pools["things"]
    assert (pool.active_source, pool.health, pool.inactive_sources) == ("beta", "healthy", ("alpha",))
    for provider in desk.providers.values():
        provider.is_configured = False
    assert desk.report().pools["things"].health == "unconfigured"


def test_budgets_are_those_of_the_limiter(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Null until they were looked at; what is asked for in a payload is never looked up in it."""
    assert desk.report().sources["alpha"].minute_left is None
    assert desk.report().parts["budgets"].status == "starting"
    left = {"alpha": (12, 3_400), "beta": (0, 0), "gamma": (5, None)}
    monkeypatch.setattr(desk.context.limiter, "remaining", lambda provider: left[provider.name])
    desk.jobs.jobs["pool_manager_collection"]()
    monkeypatch.setattr(desk.context.limiter, "remaining", None)
    report = desk.report()
    assert {name: (info.minute_left, info.month_left) for name, info in report.sources.items()} == left
    assert report.sources["alpha"].budget_per_minute == 1000
    assert report.status == "live"
    desk.clock.advance(61)
    assert desk.report().parts["budgets"].status == "stale"


def test_change_goes_out_at_once(desk: Desk) -> None:
    """A failover is seen within a second, and only once."""
    desk.round()
    desk.service.publish()
    look = desk.jobs.jobs["pool_manager_changes"]
    desk.providers["alpha"].is_down = True
    desk.round()
    look()
    look()
    assert desk.updates() == 2
    last = desk.context.broker.last("pool_manager")
    assert last is not None
    assert last.data["failover_count"] == 1
    assert last.data["failovers"][0]["to"] == "beta"


def test_published_every_20_s(desk: Desk) -> None:
    """As documented, whatever happens."""
    assert desk.jobs.intervals["publish_pool_manager"] == 20


def test_memory_of_failovers_is_bounded(desk: Desk) -> None:
    """All are counted, the last fifty listed."""
    for turn in range(160):
        desk.providers["alpha"].is_down = turn % 2 == 1
        desk.clock.advance(70)
        desk.round()
    report = desk.report()
    assert report.failover_count == 159
    assert len(report.failovers) == 50
