"""The market: determinism, plausibility, disturbances."""

import pytest

from simulator.coins import COINS, MAIN_SYMBOLS
from simulator.market import DAY_S, Market, MarketEvent

from .world import START, StandingClock

MOVING = [symbol for symbol in MAIN_SYMBOLS if not COINS[symbol].stable]
STABLE = [symbol for symbol in MAIN_SYMBOLS if COINS[symbol].stable]


@pytest.fixture
def clock():
    return StandingClock()


@pytest.fixture
def market(clock):
    return Market(7, clock)


def test_one_seed_is_one_market_and_another_seed_is_another():
    prices = [[Market(seed, StandingClock()).price(symbol, START) for symbol in MAIN_SYMBOLS] for seed in (1, 1, 2)]

    assert prices[0] == prices[1]
    assert all(one != other for one, other in zip(prices[0], prices[2], strict=True))


def test_a_price_depends_on_the_time_asked_for_and_not_on_what_was_asked_before(market):
    first = market.price("BTC", START)
    market.price("BTC", START + 5_000)
    market.low_and_high("BTC", START - DAY_S, START)

    assert market.price("BTC", START) == first


@pytest.mark.parametrize("symbol", MOVING)
def test_prices_move_a_little_in_ten_seconds_and_some_percent_in_a_day(market, symbol):
    def mean_move(step_s, every_s):
        moves = [
            abs(market.price(symbol, START + offset + step_s) / market.price(symbol, START + offset) - 1)
            for offset in range(0, 60 * every_s, every_s)
        ]
        return sum(moves) / len(moves)

    assert 0.00005 < mean_move(10, 10) < 0.001
    assert 0.004 < mean_move(86_400, 86_400) < 0.08


@pytest.mark.parametrize("symbol", STABLE)
def test_stablecoins_stay_within_a_tenth_of_a_percent_of_one(market, symbol):
    assert all(abs(market.price(symbol, START + hour * 3_600) - 1) < 0.001 for hour in range(2_000))


@pytest.mark.parametrize("symbol", MAIN_SYMBOLS)
def test_low_and_high_enclose_the_prices_between(market, symbol):
    low, high = market.low_and_high(symbol, START - DAY_S, START)

    assert low <= market.price(symbol, START) <= high
    assert low <= market.price(symbol, START - DAY_S) <= high
    assert low < high < low * 1.3


def test_a_window_without_a_sample_inside_still_has_its_ends(market):
    low, high = market.low_and_high("BTC", START, START + 1)

    assert {low, high} == {market.price("BTC", START), market.price("BTC", START + 1)}


def test_a_flash_crash_falls_in_three_seconds_stays_and_recovers(market):
    quiet = Market(7, StandingClock())
    market.begin_event(MarketEvent("flash_crash", 0.3, START, START + 120))

    def left(symbol, after_s):
        return market.price(symbol, START + after_s) / quiet.price(symbol, START + after_s)

    assert left("BTC", 0) == 1
    assert 0.7 < left("BTC", 1.5) < 1
    assert left("ETH", 3) == left("ETH", 120) == pytest.approx(0.7)
    assert 0.7 < left("BTC", 135) < 1
    assert left("BTC", 150) == pytest.approx(1)
    assert left("USDT", 60) == left("USDC", 60) == 1


def test_a_crash_between_two_samples_is_in_the_low_of_the_day(market, clock):
    market.begin_event(MarketEvent("flash_crash", 0.3, START, START + 120))
    clock.advance(900)

    low, _ = market.low_and_high("BTC", clock.now - DAY_S, clock.now)

    assert low < market.price("BTC", clock.now) * 0.75


def test_two_crashes_on_top_of_each_other_are_one(market):
    quiet = Market(7, StandingClock())
    market.begin_event(MarketEvent("flash_crash", 0.3, START, START + 120))
    market.begin_event(MarketEvent("flash_crash", 0.3, START + 10, START + 120))

    for after_s in (10, 12, 14, 30):
        assert market.price("BTC", START + after_s) >= quiet.price("BTC", START + after_s) * 0.6999


def test_a_depeg_moves_usdt_alone(market):
    quiet = Market(7, StandingClock())
    market.begin_event(MarketEvent("depeg", 0.9, START))

    assert market.price("USDT", START + 3) == pytest.approx(0.9)
    for symbol in MAIN_SYMBOLS:
        if symbol != "USDT":
            assert market.price(symbol, START + 3) == quiet.price(symbol, START + 3)


def test_ended_events_recover_as_if_their_time_had_come(market, clock):
    market.begin_event(MarketEvent("depeg", 0.9, START))
    clock.advance(60)
    market.end_events()

    assert market.price("USDT", clock.now) == pytest.approx(0.9)
    assert 0.9 < market.price("USDT", clock.now + 15) < 0.99
    assert market.price("USDT", clock.now + 30) == pytest.approx(1, abs=0.001)


def test_a_pin_holds_from_now_on_and_leaves_the_past(market, clock):
    before = market.price("BTC", START - 60)
    market.pin({"BTC": 50_000.0})
    clock.advance(3_600)

    assert market.price("BTC", clock.now) == 50_000
    assert market.price("BTC", START - 60) == before
    assert market.last_price("BTC", START - 60) == 50_000
    assert market.pinned_usd() == {"BTC": 50_000}

    market.release(["BTC", "ETH"])
    assert market.pinned_usd() == {}
    assert market.price("BTC", clock.now) != 50_000


def test_clear_forgets_all_disturbances(market):
    quiet = market.price("BTC", START + 60)
    market.begin_event(MarketEvent("flash_crash", 0.3, START))
    market.pin({"ETH": 1.0})
    market.clear()

    assert market.price("BTC", START + 60) == quiet
    assert market.pinned_usd() == {}


def test_volumes_are_of_the_size_of_the_coin(market):
    for symbol in MAIN_SYMBOLS:
        assert 0.6 < market.volume_usd(symbol, START) / COINS[symbol].volume_usd < 1.6


def test_sources_differ_by_a_few_hundredths_of_a_percent(market):
    factors = {market.source_factor(source, "BTC") for source in ("kraken", "coingecko", "coinlore")}

    assert len(factors) == 3
    assert all(abs(factor - 1) <= 0.0002 for factor in factors)


def test_the_low_of_a_quiet_day_is_not_kept_over_a_disturbance(market):
    quiet_low, _ = market.low_and_high("BTC", START - DAY_S, START)
    market.begin_event(MarketEvent("flash_crash", 0.3, START - 7_200, START - 3_600))
    low, _ = market.low_and_high("BTC", START - DAY_S, START)
    market.clear()

    assert low < quiet_low * 0.75
    assert market.low_and_high("BTC", START - DAY_S, START)[0] == quiet_low
