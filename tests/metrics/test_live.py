"""What is read from the parts: each figure is that of the part, and clients cannot choose labels."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import msgspec
import pytest

import app
from tests.metrics.conftest import samples
from tests.test_app import Built, _own_handlers  # noqa: F401 - the fixture is for every test here
from websocket.catalogue import CHANNELS
from websocket.errors import BudgetSpent, UpstreamTimeout
from websocket.metrics.parts import LiveParts
from websocket.metrics.registry import Metrics
from websocket.providers.base import Request
from websocket.records import Ticker
from websocket.upstream.source import Source


@pytest.fixture
def parts(built: Built, monkeypatch: pytest.MonkeyPatch) -> LiveParts:
    """Those of a service that is built and not started."""
    seen: list[LiveParts] = []

    class Seen(Metrics):
        def __init__(self, parts: LiveParts) -> None:
            seen.append(parts)
            super().__init__(parts)

    monkeypatch.setattr(app, "Metrics", Seen)
    built()
    return seen[0]


def families(parts: LiveParts, **changes: Any) -> dict[str, Any]:
    """The figures of these parts, some of them replaced."""
    changed = dataclasses.replace(parts, **changes)
    return {family.name: family for family in Metrics(changed).registry.collect()}


def ticker(symbol: str, price: float, source: str = "kraken") -> Ticker:
    """What a provider says about a coin, of 20 s ago."""
    now = time.time()
    return Ticker(symbol=symbol, source=source, price=price, source_time=now - 20, received_at=now)


def test_prices_that_were_offered(parts: LiveParts) -> None:
    """By who offered them, and what became of them."""
    parts.book.offer_all([ticker("BTC", 97_000.0), ticker("ETH", -1.0), ticker("ETH", -1.0)])
    assert samples(families(parts)["dwt_prices_judged"])[("kraken", "not_positive")] == 2


def test_price_that_is_held(parts: LiveParts) -> None:
    """By symbol; coins without a price have no sample."""
    for source in ("kraken", "binance"):
        parts.book.offer(ticker("BTC", 97_000.0, source))
    (((symbol,), age),) = samples(families(parts)["dwt_price_age_seconds"]).items()
    assert symbol == "BTC"
    assert 20 <= age < 60


def test_last_publication(parts: LiveParts) -> None:
    """By channel, in Unix time; none before the first."""
    before = time.time()
    parts.broker.publish("news", {"status": "live"})
    found = samples(families(parts)["dwt_last_publication_timestamp_seconds"])
    assert before <= found[("news",)] <= time.time()
    assert ("crypto-prices",) not in found


def test_hostile_close_codes_are_one_label(parts: LiveParts) -> None:
    """A client may send any code between 3000 and 4999; each would be a time series for ever."""
    codes = parts.connections.closed_codes
    codes.update(dict.fromkeys(range(3000, 5000), 1))
    codes[1000] = 7
    found = samples(families(parts)["dwt_disconnects"])
    assert found == {("1000",): 7, ("1006",): 0, ("4008",): 1, ("other",): 1999}


def test_asks_of_providers(parts: LiveParts) -> None:
    """By their result; those without their key are left out."""
    kraken = parts.sources["kraken"]
    kraken.record.note_success(time.time())
    kraken.record.note_error(UpstreamTimeout("kraken", "ticker", "no answer"))
    kraken.record.note_unsent(BudgetSpent("kraken", "ticker", "spent", 10.0))
    kraken.record.note_response_time(250.0, answered=True)
    found = families(parts)
    asks = samples(found["dwt_provider_asks"])
    assert asks[("kraken", "success")] == 1
    assert asks[("kraken", UpstreamTimeout.kind)] == 1
    assert asks[("kraken", BudgetSpent.kind)] == 1
    assert samples(found["dwt_provider_response_seconds"]) == {("kraken",): 0.25}
    assert samples(found["dwt_provider_available"])[("kraken",)] == 1
    assert not parts.sources["cryptopanic"].configured
    assert not [labels for name in found for labels in samples(found[name]) if "cryptopanic" in labels]


def test_provider_that_is_left_alone(parts: LiveParts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open or parked; a trial is an ask."""
    kraken = parts.sources["kraken"]
    for state, available in (("open", 0), ("parked", 0), ("half_open", 1), ("closed", 1)):
        monkeypatch.setattr(Source, "state", state)
        assert samples(families(parts)["dwt_provider_available"])[(kraken.name,)] == available


def test_budget_that_is_left(parts: LiveParts) -> None:
    """As a share, of the minute and where there is one of the month."""
    limited = next(each.provider for each in parts.sources.values() if each.provider.budget.per_month is not None)
    per_month = limited.budget.per_month
    assert per_month is not None
    assert set(samples(families(parts)["dwt_provider_budget_left_ratio"]).values()) == {1.0}
    parts.limiter.take(limited, Request(operation="ping", path="/ping"))
    found = samples(families(parts)["dwt_provider_budget_left_ratio"])
    assert found[(limited.name, "minute")] == pytest.approx(1 - 1 / limited.budget.per_minute)
    assert found[(limited.name, "month")] == pytest.approx(1 - 1 / per_month)
    assert ("kraken", "month") not in found


def test_pools(parts: LiveParts) -> None:
    """Who answers, and how often that changed; a pool that lacks its only key is left out."""
    pool = parts.pools["market_data"]
    pool.fetch(lambda source: source.name)
    found = families(parts)
    first = pool.sources[0].name
    assert samples(found["dwt_pool_has_source"])[("market_data",)] == 1
    assert samples(found["dwt_pool_active_source"]) == {("market_data", first): 1}

    def second(source: Source[Any]) -> str:
        if source.name == first:
            raise UpstreamTimeout(first, "ticker", "no answer")
        return source.name

    pool.fetch(second)
    found = families(parts)
    assert samples(found["dwt_pool_failovers"])[("market_data",)] == 1
    assert samples(found["dwt_pool_active_source"]) == {("market_data", pool.sources[1].name): 1}


def test_jobs(parts: LiveParts) -> None:
    """Every job of every scheduler, from the beginning; no label has a name of Prometheus's own."""
    found = families(parts)
    known = {(status.id, status.scheduler) for scheduler in parts.schedulers for status in scheduler.jobs()}
    assert samples(found["dwt_job_failing"]).keys() == known
    assert len(samples(found["dwt_job_runs"])) == 3 * len(known)
    labels = {label for family in found.values() for each in family.samples for label in each.labels}
    assert not labels & {"job", "instance", "__name__"}


def test_subscriptions(parts: LiveParts) -> None:
    """Of both protocols on every channel."""
    found = samples(families(parts)["dwt_subscriptions"])
    assert {channel for channel, _ in found} == set(CHANNELS)
    assert {protocol for _, protocol in found} == {"json", "socketio"}


def test_archive(parts: LiveParts) -> None:
    """Times only after they were."""
    status = msgspec.structs.replace(parts.archive(), healthy=False, failed_writes=3, pending=12, last_backup=1.5e9)
    found = families(parts, archive=lambda: status)
    assert samples(found["dwt_archive_healthy"]) == {(): 0}
    assert samples(found["dwt_archive_failed_writes"]) == {(): 3}
    assert samples(found["dwt_archive_pending_rows"]) == {(): 12}
    assert samples(found["dwt_archive_last_backup_timestamp_seconds"]) == {(): 1.5e9}


def test_number_of_series_is_bounded(parts: LiveParts) -> None:
    """By what we configure; a thousand more would be seen in the time of a scrape."""
    assert sum(len(family.samples) for family in families(parts).values()) < 2500
