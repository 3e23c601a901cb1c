"""The first seconds of a service, when nothing is known yet: nothing wrong is shown, and nobody waits for long."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest

from tests.scenarios.internet import AGGREGATORS, PROVIDERS, Internet
from tests.scenarios.world import Box, World
from tests.support.processes import wait_until
from websocket.settings import PriceSettings

MakeWorld = Callable[..., World]

PATIENCE_S = 3.0
"""For what takes a tenth of a second on a machine that has nothing else to do."""


def all_but(*providers: str) -> tuple[str, ...]:
    """The other providers."""
    return tuple(name for name in PROVIDERS if name not in providers)


def test_ten_coins_are_shown_at_once(world: World) -> None:
    """When all providers answer, the first complete array is there as soon as the first round, unasked."""
    began_at = time.monotonic()
    rounds = world.begin_at_once()
    wait_until(lambda: world.screen.arrays and world.screen.last.complete, "ten coins", PATIENCE_S)
    assert time.monotonic() - began_at < PATIENCE_S
    for thread in rounds:
        thread.join()
    world.service.check_status()
    assert world.screen.states == ["live"]
    assert world.get("/health/ready")[0] == 200


@pytest.mark.parametrize("slow", ["coinbase_exchange", "coinlore", "coinpaprika"])
def test_one_slow_provider_does_not_hold_up_the_first_prices(world: World, internet: Internet, slow: str) -> None:
    """What is complete is shown before the slow one's deadline, not when its round ends."""
    internet.begin("slow", slow, interval_s=0.3)
    if slow != "coinbase_exchange":
        # only then are the other aggregators asked at all
        internet.begin("null_fields", "coingecko")
    world.begin_at_once()
    took = world.run_until(lambda: bool(world.screen.arrays) and world.screen.last.complete, 30)
    assert took < PATIENCE_S
    world.run(30)


@pytest.mark.parametrize("order", [("ticks", "settle", "snapshots"), ("snapshots", "settle", "ticks")])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_wrong_source_is_not_shown_even_once(
    make_world: MakeWorld, internet: Internet, provider: str, order: tuple[str, ...]
) -> None:
    """One provider is wrong from the beginning: whoever answers first, no array ever shows its prices."""
    for factor in (10.0, 1.5, 0.1):
        internet.begin("one_source_wrong", provider, factor=factor)
        world = make_world()
        jobs = {
            "ticks": world.service.refresh_ticks,
            "snapshots": world.service.refresh_snapshots,
            "settle": world.service.settle,
        }
        for name in order:
            jobs[name]()
        world.run(12)
        assert world.screen.last.complete
        assert world.status.status == "live"
        # the screen has compared each array with the truth; the keyed prices of market_data come from the same book
        for quote in world.book.quotes():
            assert quote.price == pytest.approx(internet.price(quote.symbol, quote.time), rel=0.005)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_wrong_source_is_not_shown_while_both_rounds_run_together(
    make_world: MakeWorld, internet: Internet, provider: str
) -> None:
    """The same with both pools asked side by side, as in earnest."""
    for factor in (10.0, 1.5, 0.1):
        internet.begin("one_source_wrong", provider, factor=factor)
        world = make_world()
        for thread in world.begin_at_once():
            thread.join()
        world.run(20)
        assert world.screen.last.complete


@pytest.mark.parametrize("provider", AGGREGATORS)
def test_lone_aggregator_is_shown_after_the_wait(world: World, internet: Internet, provider: str) -> None:
    """When nobody else answers, its prices are shown after CONFIRM_WAIT, marked as unconfirmed, and not before."""
    internet.begin("outage", *all_but(provider))
    took = world.run_until(lambda: bool(world.screen.arrays), 30)
    assert 8 <= took <= 8 + PATIENCE_S
    assert world.screen.last.complete
    world.run(1)
    assert "down" not in world.screen.states
    rows = world.get("/api/prices")[1]["data"]
    assert {row["confirmed"] for row in rows} == {False}
    assert {row["source"] for row in rows} == {provider}
    assert world.get("/health/ready")[0] == 200


@pytest.mark.parametrize("provider", ["kraken", "coinbase_exchange"])
def test_lone_exchange_is_not_completed_with_inventions(world: World, internet: Internet, provider: str) -> None:
    """Without an aggregator there is no volume and no cap: the array waits, the keyed prices do not."""
    internet.begin("outage", *all_but(provider))
    world.run(30)
    assert world.screen.arrays == []
    assert world.status.status == "starting"
    assert (world.status.reason or "").startswith("no coin has its volume, market cap and 24 h change yet")
    prices = {coin: row["price"] for coin, row in world.book.keyed().items()}
    assert prices["bitcoin"] == pytest.approx(internet.price("BTC", internet.now()), rel=0.005)
    internet.end("coinlore")
    world.run_until(lambda: bool(world.screen.arrays), 130)


def test_lone_source_that_speaks_often_is_believed_in_the_end(make_world: MakeWorld, internet: Internet) -> None:
    """A wait that is longer than the time between two answers ends all the same."""
    internet.begin("outage", *all_but("kraken"))
    world = make_world(prices=PriceSettings(confirm_wait_s=30))
    world.run(29)
    assert world.book.keyed() == {}
    world.run(15)
    assert len(world.book.keyed()) == 10


def test_binance_alone_is_not_taken_for_dollars(world: World, internet: Internet) -> None:
    """Nobody says what a USDT is worth, so nothing that is counted in it can be shown."""
    internet.begin("outage", *all_but("binance"))
    world.run(60)
    assert world.screen.arrays == []
    assert world.book.keyed() == {}
    assert world.status.status == "down"


def test_two_that_contradict_each_other_are_not_shown(world: World, internet: Internet) -> None:
    """Nobody can tell which of two is right; with a third the two that agree are shown."""
    internet.begin("outage", *all_but("kraken", "coingecko"))
    internet.begin("one_source_wrong", "kraken", factor=10)
    world.run(60)
    assert world.screen.arrays == []
    assert "sources disagree" in world.get("/health")[1]["reason"]
    internet.end("coinlore")
    world.run_until(lambda: bool(world.screen.arrays), 130)
    assert world.screen.last.complete


def test_nobody_answers_at_the_start(make_world: MakeWorld, internet: Internet) -> None:
    """Nothing is shown, every surface says why and names --demo; when the internet comes back, all is live."""
    internet.begin("outage", *PROVIDERS)
    world = make_world()
    world.run(120)
    assert world.screen.arrays == []
    assert world.screen.states == ["starting", "down"]
    reason = world.status.reason or ""
    assert "no price yet" in reason
    assert "--demo" in reason
    assert not any(name in reason for name in PROVIDERS)
    status, report = world.get("/health")
    assert (status, report["status"]) == (503, "unhealthy")
    assert report["reason"].startswith(reason)
    assert all(name in report["reason"] for name in PROVIDERS)
    assert world.get("/health/ready")[0] == 503
    assert world.get("/health/live")[0] == 200
    assert world.get("/api/prices")[1]["data"] == []
    internet.end()
    took = world.run_until(lambda: world.status.status == "live", 130)
    assert took <= 70 + PATIENCE_S, "the longest pause is 60 s, and rounds are 10 s apart"
    world.run(1)
    assert world.screen.states == ["starting", "down", "live"]


def test_network_comes_up_after_the_service(world: World, internet: Internet) -> None:
    """A machine that boots is not punished with the aggregators' whole minute."""
    internet.begin("outage", *PROVIDERS)
    world.run(15)
    internet.end()
    took = world.run_until(lambda: bool(world.screen.arrays) and world.screen.last.complete, 60)
    assert took <= 20 + PATIENCE_S


def test_demo_does_not_point_to_itself(make_world: MakeWorld, internet: Internet) -> None:
    """In demo mode the reason does not advise to start the demo, and every status says that it is one."""
    internet.begin("outage", *PROVIDERS)
    world = make_world(demo=True)
    world.run(5)
    assert "--demo" not in (world.status.reason or "")
    assert world.get("/health")[1]["demo"] is True
    assert all(status.demo for status in world.screen.statuses)


class TestRestart:
    """With what an earlier run left in the cache."""

    @staticmethod
    def kept_by_an_earlier_run(make_world: MakeWorld) -> Box:
        """The cache after a minute of life."""
        box = Box()
        make_world(cache=box).start_well()
        return box

    def test_last_prices_are_there_at_once_with_their_age(self, make_world: MakeWorld, internet: Internet) -> None:
        """After an hour without internet the screen is not empty, and says how old everything is."""
        box = self.kept_by_an_earlier_run(make_world)
        internet.begin("outage", *PROVIDERS)
        internet.advance(3600)
        world = make_world(cache=box)
        world.service.load()
        assert world.screen.last.complete
        assert world.screen.last.age("BTC") > 3500
        world.run(20)
        assert world.screen.states == ["stale"]
        assert world.get("/health")[0] == 503
        internet.end()
        world.run_until(lambda: world.status.status == "live", 70)

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_wrong_source_after_a_restart_is_not_shown(
        self, make_world: MakeWorld, internet: Internet, provider: str
    ) -> None:
        """What was kept is something to compare with."""
        box = self.kept_by_an_earlier_run(make_world)
        internet.advance(300)
        internet.begin("one_source_wrong", provider, factor=10)
        world = make_world(cache=box)
        world.service.load()
        world.run(40)
        assert world.status.status == "live"

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (("quote", "time"), -1e20),
            (("quote", "time"), 1e20),
            (("quote", "price"), 0.0),
            (("quote", "price"), 1e300),
            (("quote", "symbol"), "ETH"),
            (("price_24h_ago", "value"), 0.0),
            (("price_24h_ago", "value"), -5.0),
            (("price_24h_ago", "time"), 1e20),
            (("volume_24h", "value"), -1.0),
            (("volume_24h", "time"), 1e20),
            (("supply", "value"), 0.0),
            (("supply", "time"), 1e20),
        ],
    )
    def test_impossible_cache_neither_shows_nor_stops_anything(
        self, make_world: MakeWorld, place: tuple[str, str], value: float | str
    ) -> None:
        """A damaged value is passed over, and the coin is back with the first round."""
        box = self.kept_by_an_earlier_run(make_world)
        kept = msgspec.json.decode(box.values["prices"])
        kept["BTC"][place[0]][place[1]] = value
        box.values["prices"] = msgspec.json.encode(kept)
        world = make_world(cache=box)
        world.service.load()
        assert "BTC" not in world.screen.last.rows
        world.run(15)
        assert world.screen.last.complete
        assert world.status.status == "live"

    @pytest.mark.parametrize(
        "damage", [b"", b"{", b"[]", b'{"BTC": 1}', b"\xff\xfe", b'{"BTC":{"quote":{"price":1e999}}}']
    )
    def test_unreadable_cache_is_passed_over(self, make_world: MakeWorld, damage: bytes) -> None:
        """Whatever is in the file, the service starts as if there were none."""
        box = Box()
        box.values["prices"] = damage
        world = make_world(cache=box)
        world.service.load()
        assert world.screen.arrays == []
        world.run(15)
        assert world.screen.last.complete
