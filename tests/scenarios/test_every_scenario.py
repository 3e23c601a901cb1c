"""Every fault of a provider, for one provider, for half of them and for all: what clients see, and who takes over.

What every screen is held to besides (true prices, eight keys, no step back in time) is in ``screen.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.internet import AGGREGATORS, EXCHANGES, PROVIDERS, Internet
from tests.scenarios.world import IMPATIENT, UPSTREAM, World
from websocket.coins import SYMBOLS

MUTE = ("outage", "rate_limited", "slow", "html_instead_of_json", "truncated", "nan", "geo_blocked")
"""Scenarios in which a provider brings no price at all."""

HALF = SYMBOLS[1::2]
"""The coins that lack a price under ``null_fields``."""

OUTAGE_S = 100.0
WAY_BACK_S = 400.0
"""The longest pause of these tests, after which a provider that refused us is asked again, and some rounds."""

MakeWorld = Callable[..., World]


def begin(make_world: MakeWorld, internet: Internet, scenario: str, *providers: str) -> World:
    """A service that was well until some of its providers were struck."""
    world = make_world(upstream=IMPATIENT if scenario == "slow" else UPSTREAM)
    world.start_well()
    internet.begin(scenario, *providers)
    return world


def see_the_way_back(world: World, internet: Internet) -> None:
    """When the trouble is over, the best sources feed the service again, and the feed is live."""
    internet.end()
    world.run_until(
        lambda: (
            world.status.status == "live"
            and world.ticks.active == "binance"
            and world.snapshots.active == "coingecko"
            and set(world.shown_sources().values()) == {"binance", "kraken"}
        ),
        WAY_BACK_S,
    )
    world.run(20)
    assert world.screen.last.complete
    assert world.screen.last.age("BTC") < 15


def sources_of(world: World) -> set[str]:
    """Who the shown prices come from."""
    return set(world.shown_sources().values())


@pytest.mark.parametrize("scenario", [*MUTE, "one_source_wrong", "stuck_clock"])
def test_next_exchange_takes_over_from_the_best(make_world: MakeWorld, internet: Internet, scenario: str) -> None:
    """While Binance fails in whatever way, Kraken feeds the screens and nobody sees a gap; then Binance is back."""
    world = begin(make_world, internet, scenario, "binance")
    world.run(OUTAGE_S)
    assert world.screen.states == ["live"]
    assert len(world.screen.arrays) >= OUTAGE_S / 10
    assert all(shown.complete for shown in world.screen.arrays)
    assert max(shown.age(symbol) for shown in world.screen.arrays for symbol in SYMBOLS) < 35
    assert "binance" not in sources_of(world)
    if scenario != "stuck_clock":
        assert world.ticks.active == "kraken"
        assert world.provider_report("binance")["last_error"] is not None
    see_the_way_back(world, internet)


@pytest.mark.parametrize("scenario", [*MUTE, "one_source_wrong", "stuck_clock"])
def test_next_aggregator_takes_over_from_the_best(make_world: MakeWorld, internet: Internet, scenario: str) -> None:
    """While CoinGecko fails, prices are not touched and another aggregator keeps the figures; then it is back."""
    world = begin(make_world, internet, scenario, "coingecko")
    world.run(OUTAGE_S)
    assert world.screen.states == ["live"]
    assert all(shown.complete for shown in world.screen.arrays)
    assert sources_of(world) <= set(EXCHANGES)
    if scenario != "stuck_clock":
        assert world.snapshots.active == "coinlore"
    see_the_way_back(world, internet)


@pytest.mark.parametrize("scenario", [*MUTE, "stuck_clock"])
def test_aggregators_alone_keep_prices_going(make_world: MakeWorld, internet: Internet, scenario: str) -> None:
    """While no exchange answers, prices of aggregators are shown, called delayed when they are, never stale."""
    world = begin(make_world, internet, scenario, *EXCHANGES)
    world.run(OUTAGE_S)
    assert set(world.screen.states) <= {"live", "delayed"}
    assert all(shown.complete for shown in world.screen.arrays)
    if scenario == "stuck_clock":
        assert sources_of(world) == {"kraken"}, "Kraken gives no time, so it is dated by its arrival"
    else:
        assert sources_of(world) <= set(AGGREGATORS)
        assert world.ticks.active is None
        assert world.get("/health")[0] == 200
    see_the_way_back(world, internet)


@pytest.mark.parametrize("scenario", [*MUTE, "stuck_clock"])
def test_exchanges_alone_keep_prices_going(make_world: MakeWorld, internet: Internet, scenario: str) -> None:
    """While no aggregator answers, prices stay live, and the last known figures stand beside them."""
    world = begin(make_world, internet, scenario, *AGGREGATORS)
    world.run(OUTAGE_S)
    assert world.screen.states == ["live"]
    assert all(shown.complete for shown in world.screen.arrays)
    assert sources_of(world) <= set(EXCHANGES)
    see_the_way_back(world, internet)


@pytest.mark.parametrize("scenario", MUTE)
def test_nobody_answers_for_a_while(make_world: MakeWorld, internet: Internet, scenario: str) -> None:
    """The last prices go on being published with their true age, called delayed and then stale; then all is live."""
    world = begin(make_world, internet, scenario, *PROVIDERS)
    began_at = internet.now()
    world.run(OUTAGE_S)
    assert world.screen.states == ["live", "delayed"]
    world.run(120)
    assert world.screen.states == ["live", "delayed", "stale"]
    assert len(world.screen.arrays) >= (OUTAGE_S + 120) / 10
    assert all(shown.complete for shown in world.screen.arrays)
    # nothing was renewed since, whatever the providers sent
    assert world.screen.last.age("BTC") >= internet.now() - began_at - 25
    assert world.status.reason == "all prices older than 180 s"
    # live, then delayed and stale: first the coins that are late first, then all of them
    assert len(world.screen.statuses) <= 5
    status, report = world.get("/health")
    assert (status, report["status"]) == (503, "unhealthy")
    assert report["reason"].startswith(world.status.reason)
    for name in PROVIDERS[:4]:
        assert name in report["reason"]
    see_the_way_back(world, internet)
    assert world.get("/health")[1]["status"] == "healthy"


def test_everybody_has_a_stuck_clock(make_world: MakeWorld, internet: Internet) -> None:
    """Sources that move their prices but not their time bring no news; Kraken, which gives no time, goes on alone."""
    world = begin(make_world, internet, "stuck_clock", *PROVIDERS)
    world.run(OUTAGE_S)
    assert sources_of(world) == {"kraken"}
    assert world.screen.states == ["live"]
    see_the_way_back(world, internet)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nulls_of_one_provider_are_filled_from_others(make_world: MakeWorld, internet: Internet, provider: str) -> None:
    """Coins that one provider gives as null come from another; the rest goes on from where it came."""
    world = begin(make_world, internet, "null_fields", provider)
    world.run(OUTAGE_S)
    assert world.screen.states == ["live"]
    assert all(shown.complete for shown in world.screen.arrays)
    for symbol, source in world.shown_sources().items():
        if symbol == "USDT" or (provider == "binance" and symbol in HALF):
            assert source in ("kraken", "coinbase_exchange"), symbol
        else:
            assert source == "binance", symbol
    see_the_way_back(world, internet)


def test_nulls_of_everybody_age_only_their_coins(make_world: MakeWorld, internet: Internet) -> None:
    """Half of the coins get old and are named, the other half stays fresh; nothing disappears."""
    world = begin(make_world, internet, "null_fields", *PROVIDERS)
    world.run(200)
    assert world.screen.states == ["live", "delayed", "stale"]
    assert (world.status.reason or "").startswith("ETH, ADA, DOT, USDC, MATIC older than 180 s")
    assert world.screen.last.complete
    for symbol in SYMBOLS:
        assert (world.screen.last.age(symbol) > 180) == (symbol in HALF), symbol
    assert world.get("/health")[0] == 200
    see_the_way_back(world, internet)


@pytest.mark.parametrize("factor", [10.0, 1.5, 0.1])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_one_wrong_source_is_never_shown(
    make_world: MakeWorld, internet: Internet, provider: str, factor: float
) -> None:
    """Whoever is wrong, and however: the others outvote it, and the feed stays live."""
    world = begin(make_world, internet, "one_source_wrong", provider)
    internet.begin("one_source_wrong", provider, factor=factor)
    world.run(70)
    assert world.screen.states == ["live"]
    assert provider not in sources_of(world)
    see_the_way_back(world, internet)


def test_normal_life_is_quiet(make_world: MakeWorld, internet: Internet) -> None:
    """With all providers well, five minutes bring an array every ten seconds, one state, and the best sources."""
    world = begin(make_world, internet, "normal")
    world.run(300)
    assert len(world.screen.arrays) in (30, 31)
    assert world.screen.states == ["live"]
    assert sources_of(world) == {"binance", "kraken"}
    assert max(shown.age(symbol) for shown in world.screen.arrays for symbol in SYMBOLS) < 12
    assert world.book.refusals() == {}
    assert world.ticks.status().failover_count == world.snapshots.status().failover_count == 0
