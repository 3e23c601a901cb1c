"""Real moves of the market, which look like faults at first: clients see them soon, and never a false one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.internet import AGGREGATORS, EXCHANGES, Internet
from tests.scenarios.world import World
from websocket.coins import COINS

MakeWorld = Callable[..., World]

STABLE = [coin.symbol for coin in COINS if coin.stable]
MOVING = [coin.symbol for coin in COINS if not coin.stable]

TICK_S = 10.0
PUBLISHED_AFTER_S = 1.5
FALL_S = 3.0


def true_share(world: World, symbol: str) -> float:
    """The shown price as a share of the true one of this moment."""
    return world.screen.last.price(symbol) / world.internet.price(symbol, world.screen.last.at)


@pytest.mark.parametrize("phase_s", [0, 5, 6, 7, 7.5, 8, 8.5, 9, 9.5])
def test_crash_that_all_see_is_shown_within_one_round(world: World, internet: Internet, phase_s: float) -> None:
    """Whenever between two rounds it begins, the first array after the next round shows it, and no refusal lasts."""
    world.start_well()
    world.run(phase_s)
    internet.begin("flash_crash", for_s=100)
    world.run(FALL_S)
    world.run(TICK_S + PUBLISHED_AFTER_S)
    for symbol in MOVING:
        assert true_share(world, symbol) == pytest.approx(1, abs=0.005), symbol
    for _ in range(6):
        world.run(TICK_S)
        assert max(world.screen.last.age(symbol) for symbol in MOVING) < TICK_S + PUBLISHED_AFTER_S
    assert world.book.refusals() == {}
    # it recovers within thirty seconds of which no round misses more than the way that is left
    world.run(75)
    for symbol in MOVING:
        assert true_share(world, symbol) == pytest.approx(1, abs=0.005), symbol
    assert world.screen.states == ["live"]
    assert {status.source for status in world.screen.statuses} <= {"binance", "kraken", "coinbase_exchange"}


@pytest.mark.parametrize("fall", [0.08, 0.12, 0.5, 0.9])
def test_crash_of_any_size_is_shown(world: World, internet: Internet, fall: float) -> None:
    """Also one that is hardly more than what a source may say alone, and one that looks like a fault by ten."""
    world.start_well()
    internet.begin("flash_crash", for_s=60, fall=fall)
    world.run(FALL_S + TICK_S + PUBLISHED_AFTER_S)
    assert true_share(world, "BTC") == pytest.approx(1, abs=0.005)
    world.run(110)
    assert true_share(world, "BTC") == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("wrong", EXCHANGES)
def test_crash_and_a_wrong_source_at_once(world: World, internet: Internet, wrong: str) -> None:
    """The crash is shown, the prices that are wrong by ten are not."""
    world.start_well()
    internet.begin("one_source_wrong", wrong)
    internet.begin("flash_crash", for_s=60)
    world.run(60)
    assert true_share(world, "BTC") == pytest.approx(1, abs=0.005)
    assert wrong not in world.shown_sources().values()


def test_crash_that_only_aggregators_can_tell(world: World, internet: Internet) -> None:
    """Without exchanges the second aggregator is asked in the same round, not when the prices have grown stale."""
    world.start_well()
    internet.begin("outage", *EXCHANGES)
    world.run(65)
    internet.begin("flash_crash", for_s=600)
    world.run(150)
    assert true_share(world, "BTC") == pytest.approx(1, abs=0.005)
    assert set(world.screen.states) <= {"live", "delayed"}


@pytest.mark.parametrize("phase_s", [0, 5, 8, 9])
@pytest.mark.parametrize("price", [0.9, 0.93, 0.97, 1.08])
def test_depeg_moves_usdt_and_nothing_else(
    make_world: MakeWorld, internet: Internet, price: float, phase_s: float
) -> None:
    """USDT is shown at its price after a round, and what Binance counts in it stays right in dollars all the time."""
    world = make_world()
    # in the three seconds of the fall two sources ask at different moments
    world.screen.tolerance = 0.012
    world.start_well()
    world.run(phase_s)
    internet.begin("depeg", price=price)
    world.run(FALL_S + TICK_S + PUBLISHED_AFTER_S)
    assert true_share(world, "USDT") == pytest.approx(1, abs=0.002)
    world.screen.tolerance = 0.005
    for _ in range(6):
        world.run(TICK_S)
        for symbol in [*MOVING, *STABLE]:
            assert true_share(world, symbol) == pytest.approx(1, abs=0.005), symbol
    assert world.screen.states == ["live"]
    assert world.shown_sources()["BTC"] == "binance"
    world.screen.tolerance = 0.012
    internet.end()
    world.run(60)
    assert true_share(world, "USDT") == pytest.approx(1, abs=0.002)
    assert true_share(world, "BTC") == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("away", ["kraken", "coinbase_exchange"])
def test_depeg_while_one_dollar_exchange_is_away(world: World, internet: Internet, away: str) -> None:
    """The other one tells it, and an aggregator bears it out; until then nothing is converted at a doubted rate."""
    world.screen.tolerance = 0.012
    world.start_well()
    internet.begin("outage", away)
    world.run(60)
    internet.begin("depeg", price=0.9)
    world.run(90)
    assert true_share(world, "USDT") == pytest.approx(1, abs=0.002)
    assert true_share(world, "BTC") == pytest.approx(1, abs=0.005)


def test_depeg_from_the_start(world: World, internet: Internet) -> None:
    """A service that starts during a depeg shows the true prices of everything."""
    internet.begin("depeg", price=0.9)
    internet.advance(60)
    world.run(30)
    assert world.screen.last.complete
    assert world.screen.last.price("USDT") == pytest.approx(0.9, abs=0.001)
    assert true_share(world, "BTC") == pytest.approx(1, abs=0.005)


def test_binance_goes_on_when_no_dollar_exchange_does(world: World, internet: Internet) -> None:
    """A quote rate from an aggregator is older, but better than none: prices go on from Binance after a short wait."""
    world.start_well()
    internet.begin("outage", "kraken", "coinbase_exchange")
    world.run(150)
    assert world.shown_sources()["BTC"] == "binance"
    assert max(shown.age("BTC") for shown in world.screen.arrays) < 35
    assert world.shown_sources()["USDT"] in AGGREGATORS
