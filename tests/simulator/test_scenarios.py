"""The book of scenarios: who is affected, for how long, and what is refused."""

import pytest

from simulator.faults import ALTERATIONS, REPLACEMENTS
from simulator.parameters import ScenarioError
from simulator.scenarios import SCENARIOS


@pytest.fixture
def book(world):
    return world.simulator.scenarios


def affected(world):
    held = {name: world.simulator.scenarios.for_provider(name) for name in world.simulator.providers}
    return {name: scenario.name for name, scenario in held.items() if scenario is not None}


def test_every_scenario_has_an_effect_somewhere():
    seen_by_the_source = {"one_source_wrong", "stuck_clock", "node_lagging", "feed_broken"}
    market_wide = {name for name, scenario in SCENARIOS.items() if scenario.market_wide}

    assert set(SCENARIOS) == {"normal", *REPLACEMENTS, *ALTERATIONS, *seen_by_the_source, *market_wide}


def test_the_defaults_name_who_is_affected(world, book):
    book.begin("outage")
    assert affected(world) == dict.fromkeys(world.simulator.providers, "outage")

    book.begin("geo_blocked")
    assert affected(world)["binance"] == "geo_blocked"
    book.begin("stuck_clock")
    assert affected(world)["coingecko"] == "stuck_clock"
    book.begin("node_lagging")
    assert affected(world)["json_rpc"] == "node_lagging"
    book.begin("feed_broken")
    assert affected(world)["rss"] == "feed_broken"
    assert affected(world)["kraken"] == "outage"


def test_different_providers_hold_different_scenarios_and_a_new_one_replaces_the_old(world, book):
    book.begin("outage", ["kraken", "binance"])
    book.begin("nan", ["binance"])
    assert affected(world) == {"kraken": "outage", "binance": "nan"}

    book.begin("normal", ["kraken"])
    assert affected(world) == {"binance": "nan"}
    book.begin("normal")
    assert affected(world) == {}


def test_a_scenario_ends_by_itself(world, book):
    book.begin("outage", ["kraken"], for_s=10)
    world.clock.advance(9.9)
    assert affected(world) == {"kraken": "outage"}
    assert book.active()[0]["until"] == pytest.approx(world.clock.now + 0.1)

    world.clock.advance(0.1)
    assert affected(world) == {}
    assert book.active() == []


def test_what_is_active_is_told_once_per_scenario(world, book):
    book.begin("flash_crash", params={"fall": 0.5})
    world.clock.advance(1)
    book.begin("rate_limited", ["kraken", "coinlore"], params={"retry_after_s": 5})

    crash, limit = book.active()

    assert (crash["scenario"], crash["providers"], crash["params"]) == ("flash_crash", None, {"fall": 0.5})
    assert crash["until"] == crash["since"] + 120
    assert (limit["providers"], limit["until"]) == (["coinlore", "kraken"], None)
    assert limit["params"] == {"retry_after_s": 5}


def test_normal_lets_the_market_recover_and_reset_puts_it_back_at_once(world, book):
    quiet = world.market.price("BTC", world.clock.now + 10)
    book.begin("flash_crash")
    world.clock.advance(10)
    assert world.market.price("BTC", world.clock.now) == pytest.approx(quiet * 0.7)

    book.begin("normal")
    assert book.active() == []
    assert world.market.price("BTC", world.clock.now + 5) < quiet * 0.9
    book.reset()
    assert world.market.price("BTC", world.clock.now) == quiet


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("storm",), "one_source_wrong"),
        (("outage", ["nobody"]), "coinpaprika"),
        (("outage", []), "coinpaprika"),
        (("flash_crash", ["kraken"]), "no providers"),
        (("outage", None, 0), "above 0"),
        (("outage", None, True), "above 0"),
        (("outage", None, float("nan")), "above 0"),
        (("outage", None, 10**400), "above 0"),
        (("normal", None, 5), "none with normal"),
        (("outage", None, None, {"factor": 2}), "none at all"),
        (("slow", None, None, {"speed": 2}), "piece_bytes, interval_s, limit_s"),
        (("slow", None, None, {"limit_s": 121}), "from 0 to 120"),
        (("one_source_wrong", None, None, {"factor": "10"}), "expected a number"),
        (("reorg", ["mempool_space"]), "no providers"),
        (("reorg", None, None, {"depth": 3}), "from 1 to 2"),
        (("reorg", None, None, {"chain": "solana"}), "one of both, bitcoin, ethereum"),
        (("feed_broken", ["kraken"]), "exists for rss alone"),
        (("feed_broken", None, None, {"feed": 1}), "one of coindesk, cointelegraph"),
        (("feed_broken", None, None, {"kind": ["junk"]}), "one of broken_xml"),
        (("node_lagging", ["rss"]), "exists for json_rpc alone"),
        (("node_lagging", None, None, {"chain": "bitcoin"}), "one of ethereum, bnb"),
        (("node_lagging", None, None, {"node": "https://eth.drpc.org"}), "name of a host"),
        (("node_lagging", None, None, {"blocks": -1}), "from 0 to"),
    ],
)
def test_refusals_name_what_was_expected_and_change_nothing(world, book, arguments, expected):
    book.begin("nan", ["kraken"])

    with pytest.raises(ScenarioError, match=expected):
        book.begin(*arguments)
    assert affected(world) == {"kraken": "nan"}
