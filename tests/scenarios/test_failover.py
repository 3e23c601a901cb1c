"""How providers in trouble are treated: asked no more than they allow, given up for no longer than needed."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import greenlet  # type: ignore[import-untyped]
import pytest

from tests.scenarios.internet import AGGREGATORS, EXCHANGES, PROVIDERS, Internet
from tests.scenarios.world import IMPATIENT, World
from websocket.coins import SYMBOLS
from websocket.providers import provider_classes
from websocket.providers.base import Request

MakeWorld = Callable[..., World]


def requests_during(world: World, internet: Internet, seconds: float) -> dict[str, int]:
    """How many requests each provider gets in a while."""
    before = internet.requests()
    world.run(seconds)
    return {name: count - before[name] for name, count in internet.requests().items()}


def test_retry_after_is_obeyed(world: World, internet: Internet) -> None:
    """A provider that says when to come back is not asked before, and is asked soon after."""
    world.start_well()
    internet.begin("rate_limited", *PROVIDERS[:4], retry_after_s=150)
    world.run(70)
    assert world.provider_report("binance")["state"] == "open"
    asked = requests_during(world, internet, 75)
    assert [asked[name] for name in PROVIDERS[:4]] == [0, 0, 0, 0]
    internet.end(*PROVIDERS)
    world.run_until(lambda: world.ticks.active == "binance", 30)


@pytest.mark.parametrize("provider", ["binance", "kraken", "coingecko"])
def test_provider_that_refuses_us_is_parked(world: World, internet: Internet, provider: str) -> None:
    """Nobody knocks every ten seconds where the door is shut, and it is tried again after the park time."""
    world.start_well()
    internet.begin("geo_blocked", provider)
    world.run(65)
    assert world.provider_report(provider)["state"] == "parked"
    assert requests_during(world, internet, 230)[provider] == 0
    internet.end()
    world.run_until(lambda: bool(world.provider_report(provider)["state"] == "closed"), 140)


def test_dead_provider_is_asked_ever_more_rarely(world: World, internet: Internet) -> None:
    """In ten minutes of outage a provider gets a handful of trials, at most a minute apart, and never none."""
    world.start_well()
    internet.begin("outage", "binance")
    world.run(60)
    asked = requests_during(world, internet, 600)["binance"]
    assert 9 <= asked <= 20


def test_everybody_slow_holds_a_round_for_the_deadlines_only(make_world: MakeWorld, internet: Internet) -> None:
    """A round through all sources takes their deadlines in sum, and leaves nothing running behind."""
    world = make_world(upstream=IMPATIENT)
    world.run(1)
    internet.advance(31)
    internet.begin("slow", *PROVIDERS, interval_s=0.1)
    gc.collect()
    threads, greenlets = threading.active_count(), running_greenlets()
    for refresh, sources in ((world.service.refresh_ticks, EXCHANGES), (world.service.refresh_snapshots, AGGREGATORS)):
        began_at = time.monotonic()
        refresh()
        assert time.monotonic() - began_at < IMPATIENT.deadline_s * len(sources) + 1.0
    gc.collect()
    assert threading.active_count() <= threads
    assert running_greenlets() <= greenlets


def running_greenlets() -> int:
    """How many green threads there are that have begun and not ended."""
    return sum(1 for item in gc.get_objects() if isinstance(item, greenlet.greenlet) and item and not item.dead)


@pytest.mark.parametrize("provider", EXCHANGES)
def test_unknown_symbol_is_left_out_only_there(
    make_world: MakeWorld, internet: Internet, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    """A coin that one provider has delisted comes from another; the provider goes on with the rest."""
    provider_class: Any = provider_classes()[provider]
    monkeypatch.setattr(provider_class, "market_ids", {**provider_class.market_ids, "DOT": "NONEXIST"})
    # with the preferred ones away the provider is asked for everything
    internet.begin("outage", *EXCHANGES[: EXCHANGES.index(provider)] or ["coinlore"])
    world = make_world()
    world.run(100)
    report = world.provider_report(provider)
    assert report["disabled_symbols"] == ["DOT"]
    assert report["state"] == "closed"
    assert world.screen.last.complete
    assert world.shown_sources()["DOT"] != provider
    assert world.shown_sources()["BTC"] == provider
    for name in PROVIDERS:
        if name != provider:
            assert world.provider_report(name)["disabled_symbols"] == []
    assert set(world.screen.states) <= {"live", "delayed"}


def test_coin_that_no_aggregator_knows_is_left_out(
    world: World, internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its price is known, but nobody tells its volume: nine coins are shown, and the status names the tenth."""
    provider_class: Any = provider_classes()["coinpaprika"]
    monkeypatch.setattr(provider_class, "market_ids", {**provider_class.market_ids, "DOT": "dot-nonexist"})
    internet.begin("outage", "coingecko", "coinlore")
    world.run(60)
    assert world.provider_report("coinpaprika")["disabled_symbols"] == ["DOT"]
    assert list(world.screen.last.rows) == [symbol for symbol in SYMBOLS if symbol != "DOT"]
    assert world.status.status == "delayed"
    assert (world.status.reason or "").startswith("DOT not known yet")
    assert world.book.keyed()["polkadot"]["price"] == pytest.approx(internet.price("DOT", internet.now()), rel=0.005)


@pytest.mark.parametrize("place", ["parse_tickers", "ticker_requests", "error_in"])
@pytest.mark.parametrize("provider", ["binance", "coingecko"])
def test_bug_in_one_provider_does_not_end_its_pool(
    world: World, monkeypatch: pytest.MonkeyPatch, provider: str, place: str
) -> None:
    """An exception of our own making, in whatever part of a provider, costs us that provider and nobody else."""

    def fail(*_: object) -> None:
        raise TypeError("a bug of ours")

    world.start_well()
    monkeypatch.setattr(provider_classes()[provider], place, fail)
    world.run(150)
    assert world.screen.states == ["live"]
    assert world.ticks.active == ("kraken" if provider == "binance" else "binance")
    assert world.snapshots.active == ("coinlore" if provider == "coingecko" else "coingecko")
    monkeypatch.undo()
    world.run_until(lambda: (world.ticks.active, world.snapshots.active) == ("binance", "coingecko"), 130)


def test_provider_that_is_not_there_at_all(make_world: MakeWorld) -> None:
    """Ports on which nobody listens are passed over from the first moment."""
    world = make_world(urls={"binance": "http://127.0.0.1:1", "coingecko": "http://127.0.0.1:1"})
    took = world.run_until(lambda: bool(world.screen.arrays) and world.screen.last.complete, 30)
    assert took < 3
    world.run(60)
    assert set(world.shown_sources().values()) <= {"kraken", "coinbase_exchange"}


def test_answer_about_other_coins_is_no_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A best source that answers well about nothing that was asked counts as failed."""

    def ask_for_nothing_of_ours(_: object, symbols: Collection[str]) -> Sequence[Request]:
        params = (("symbols", '["USDCUSDT"]'),)
        return [Request(operation="ticker_24hr", path="/api/v3/ticker/24hr", params=params, symbols=tuple(symbols))]

    world.start_well()
    monkeypatch.setattr(provider_classes()["binance"], "ticker_requests", ask_for_nothing_of_ours)
    world.run(60)
    assert world.screen.states == ["live"]
    assert max(world.screen.last.age(symbol) for symbol in SYMBOLS) < 35


@pytest.mark.parametrize("leader", ["binance", "coingecko"])
def test_stuck_clock_on_the_leading_source(world: World, internet: Internet, leader: str) -> None:
    """Its prices count as old as it says, so others are asked; its time never makes an old price look new."""
    world.start_well()
    others = AGGREGATORS if leader == "binance" else EXCHANGES
    internet.begin("outage", *others)
    internet.begin("stuck_clock", leader)
    world.run(260)
    assert leader not in world.shown_sources().values()
    assert "stale" not in world.screen.states


def test_our_own_clock_is_set_back(make_world: MakeWorld, internet: Internet) -> None:
    """After a correction of an hour the feed goes on at once, instead of waiting an hour for its own future."""
    world = make_world()
    world.start_well()
    internet.advance(-3600)
    try:
        world.service.check_status()
        assert world.screen.states[-1] == "stale", "nobody knows how old these prices are"
        world.service.refresh_ticks()
        internet.advance(10)
        world.service.refresh_ticks()
        world.service.check_status()
        assert world.screen.states[-1] == "live"
        world.service.publish_prices()
        assert world.screen.last.age("BTC") < 15
    finally:
        # the times have gone back, as they had to
        world.screen.offences[:] = [offence for offence in world.screen.offences if "went back" not in offence]
        internet.advance(3600)
