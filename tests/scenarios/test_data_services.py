"""What clients of the data services see while their providers are in trouble: the truth, its age, or nothing."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scenarios.data_world import POSITIVE, DataWorld
from tests.scenarios.internet import Internet
from tests.scenarios.world import UPSTREAM
from websocket.settings import UpstreamSettings

HOUR_S = 3600.0

FACTS = {
    **POSITIVE,
    "onchain": (*POSITIVE["onchain"], "contract_events"),
    "news": ("articles", "categories"),
    "sentiment": ("overall_sentiment", "sentiment_score", "social_volume", "trending_topics"),
    "whale_tracking": ("large_transactions", "whale_wallets", "total_volume", "volume_since"),
    "rpc_nodes": ("block_number", "nodes"),
    "huggingface": ("total_models", "total_datasets", "available_models", "available_datasets", "last_refresh"),
}
"""Keys that are filled when all is well."""

SERVICES = tuple(FACTS)

QUICK = ("explorers", "rpc_nodes", "news", "sentiment")
"""Those that have nothing to catch up."""

OLD_AFTER_S = 90 * HOUR_S
"""After so long without an answer, every part of every service is old."""

KEPT = {
    "explorers": ("latest_block", "block_hash", "network_hashrate", "difficulty", "mempool_size", "transactions_count"),
    "onchain": (
        "active_addresses",
        "gas_price",
        "network_utilization",
        "tvl",
        "contract_events",
        "total_fees_usd",
        "contract_events",
    ),
    "rpc_nodes": ("block_number", "total_nodes"),
    "whale_tracking": ("large_transactions", "alert_threshold"),
    "news": ("articles", "categories"),
    "sentiment": ("sentiment_score", "overall_sentiment"),
    "huggingface": ("total_models", "total_datasets", "available_models", "available_datasets"),
}
"""What is known goes on being shown, with its age."""

MUTE = ("outage", "rate_limited", "html_instead_of_json", "truncated", "geo_blocked")
"""Scenarios in which no provider of a data service brings anything."""

BEST = [
    ("explorers", "mempool_space", {"bitcoin_block", "bitcoin_mining", "bitcoin_mempool"}),
    ("explorers", "json_rpc", {"ethereum_block"}),
    ("explorers", "blockchair", {"bitcoin_transactions"}),
    ("onchain", "json_rpc", {"gas"}),
    ("whale_tracking", "mempool_space", {"bitcoin_blocks", "bitcoin_mempool", "bitcoin_details"}),
    ("whale_tracking", "blockchain_info", {"bitcoin_mempool"}),
    ("whale_tracking", "blockstream", {"bitcoin_details", "bitcoin_blocks"}),
]
"""Services, a provider of theirs, and the parts for which others stand behind it."""

HASTY = UpstreamSettings(connect_timeout_s=0.3, read_timeout_s=0.3, deadline_s=0.3, park_s=300)
"""For slow providers: waiting for them is what takes real time."""

FIRST_NODE = "ethereum:ethereum-rpc.publicnode.com"

MakeWorld = Callable[..., DataWorld]


@pytest.fixture
def make_data_world(internet: Internet) -> Iterator[MakeWorld]:
    """Makes worlds; in the end nothing wrong may have been published."""
    worlds: list[DataWorld] = []

    def make(*services: str, **arguments: Any) -> DataWorld:
        worlds.append(DataWorld(internet, *services, **arguments))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()
    assert [offence for world in worlds for offence in world.offences] == []


def started(make_data_world: MakeWorld, *services: str, **arguments: Any) -> DataWorld:
    """A world in which services are live and have everything."""
    world = make_data_world(*services, **arguments)
    world.run_until_live()
    for service in services:
        world.run_until(lambda service=service: all(world.last(service)[key] for key in FACTS[service]), 600)  # type: ignore[misc]
    world.run(45)
    world.forget()
    return world


def recover(world: DataWorld) -> None:
    """Lets every service become live again; what is asked for a few times a day may need some hours."""
    world.forget()
    world.internet.advance(UPSTREAM.park_s)
    # missed blocks are read a few at a time
    for pause_s in (100, 100, 150, 100, 100, 100):
        world.run(pause_s)
        if all("live" in world.states(service) for service in world.updates):
            return
        if "whale_tracking" not in world.updates or "live" in world.states("whale_tracking"):
            world.internet.advance(HOUR_S)
    pytest.fail(f"not live again: { {service: world.last(service)['reason'] for service in world.updates} }")


def not_live(world: DataWorld, service: str) -> dict[str, str]:
    """The parts that are wanted and are not live, with their states."""
    parts: dict[str, dict[str, str]] = world.last(service)["parts"]
    return {name: part["status"] for name, part in parts.items() if part["status"] not in ("live", "unconfigured")}


def settled(value: Any) -> Any:
    """A value without the transactions that wait for a block: those are forgotten after some hours."""
    if isinstance(value, list) and isinstance(value[0], dict):
        return [row for row in value if row.get("confirmed", True)]
    return value


def everybody(internet: Internet) -> list[str]:
    """Every provider of this internet."""
    return list(internet.requests())


# Silence


@pytest.mark.parametrize(("scenario", "services"), [(MUTE[0], SERVICES), *((scenario, QUICK) for scenario in MUTE[1:])])
def test_nobody_answers(
    make_data_world: MakeWorld, internet: Internet, scenario: str, services: tuple[str, ...]
) -> None:
    """Values stay with their time, parts and services are stale and say why; then everything is live again."""
    world = started(make_data_world, *services)
    internet.begin(scenario, *everybody(internet))
    world.run(35)
    before = {service: world.last(service) for service in services}
    internet.advance(OLD_AFTER_S)
    world.run(65)
    for service in services:
        shown = world.last(service)
        assert shown["status"] == "stale", service
        assert set(not_live(world, service).values()) == {"stale"}
        for name in not_live(world, service):
            assert shown["parts"][name]["as_of"] <= before[service]["timestamp"]
            assert shown["parts"][name]["source"]
            assert name in shown["reason"]
        for key in KEPT[service]:
            assert settled(shown[key]) == settled(before[service][key]), (service, key)
    internet.end()
    recover(world)


def test_nobody_answers_from_the_start(make_data_world: MakeWorld, internet: Internet) -> None:
    """Services that never heard anything are down, say why, and show nothing; then they fill themselves."""
    internet.begin("outage", *everybody(internet))
    world = make_data_world(*SERVICES)
    world.run(90)
    for service in SERVICES:
        shown = world.last(service)
        assert shown["status"] == "down", service
        assert set(not_live(world, service).values()) == {"down"}
        assert shown["reason"]
        for key in KEPT[service]:
            if key not in ("alert_threshold", "total_nodes", "block_number"):
                assert not shown[key], (service, key)
    internet.end()
    recover(world)


def test_everybody_drips(make_data_world: MakeWorld, internet: Internet) -> None:
    """Answers that never end are cut off: publication goes on, and the parts say what became of them."""
    services = ("rpc_nodes", "news")
    world = started(make_data_world, *services, upstream=HASTY)
    internet.begin("slow", *everybody(internet))
    internet.advance(2 * HOUR_S)
    world.run(65)
    for service in services:
        assert world.last(service)["status"] == "stale"
        assert len(world.updates[service]) >= 2
    internet.end()
    recover(world)


# One provider


@pytest.mark.parametrize(
    ("service", "provider", "parts", "scenario"),
    [(*one, "outage") for one in BEST] + [(*BEST[0], scenario) for scenario in MUTE[1:]],
)
def test_others_stand_in(
    make_data_world: MakeWorld, internet: Internet, service: str, provider: str, parts: set[str], scenario: str
) -> None:
    """While one provider fails in whatever way, the parts for which there are others stay live, from another source."""
    world = started(make_data_world, service)
    internet.begin(scenario, provider)
    if provider == "blockchair":
        # it is asked twice an hour
        internet.advance(HOUR_S)
    world.run(400)
    assert not set(not_live(world, service)) & parts
    sources = {name: world.part(service, name)["source"] for name in parts}
    told_by = {"json_rpc": "ethereum:"}.get(provider, provider)
    assert not [name for name, source in sources.items() if source.startswith(told_by)]
    internet.end()
    world.run_until(lambda: bool(world.last(service)["status"] == "live"), 2 * HOUR_S)


@pytest.mark.parametrize("provider", ["alternative_me", "coingecko"])
def test_mood_without_one_of_its_parts(make_data_world: MakeWorld, internet: Internet, provider: str) -> None:
    """A part that is old loses its weight to the others, whose score is shown as degraded."""
    world = started(make_data_world, "news", "sentiment")
    internet.begin("outage", provider)
    internet.advance(40 * HOUR_S)
    world.run(400)
    shown = world.last("sentiment")
    lost = {"alternative_me": {"fear_greed"}, "coingecko": {"votes", "trending"}}[provider]
    assert shown["status"] == "degraded"
    assert set(not_live(world, "sentiment")) == lost
    weights = {name: part["weight"] for name, part in shown["source_details"].items()}
    assert sum(weights.values()) == pytest.approx(1, abs=0.001)
    # the model is off without a token
    assert {name for name, weight in weights.items() if weight == 0} == (lost & set(weights)) | {"model"}


@pytest.mark.parametrize("scenario", [*MUTE, "nan", "null_fields", "one_source_wrong"])
def test_mood_with_a_language_model(make_data_world: MakeWorld, internet: Internet, scenario: str) -> None:
    """With a token headlines are judged by a model too; in trouble its part gets old, and the others go on."""
    world = make_data_world("news", "sentiment", token="hf_anything")

    def live() -> bool:
        return bool(world.updates["sentiment"]) and world.part("sentiment", "model")["status"] == "live"

    world.run_until(live, 2 * HOUR_S)
    part = world.last("sentiment")["source_details"]["model"]
    assert part["items"] >= 5
    assert 0 < part["score"] < 1
    assert part["weight"] > 0
    internet.begin(scenario, "huggingface_inference")
    internet.advance(4 * HOUR_S)
    world.run(400)
    shown = world.last("sentiment")
    assert set(not_live(world, "sentiment")) == {"model"}
    assert (shown["status"], shown["parts"]["model"]["status"]) == ("degraded", "stale")
    assert shown["source_details"]["model"]["weight"] == 0
    internet.end()
    internet.advance(HOUR_S)
    world.run_until(live, HOUR_S)


def test_models_of_a_hub_in_trouble(make_data_world: MakeWorld, internet: Internet) -> None:
    """Pages that break off leave the total as it was; figures that are none are null, and nothing ends."""
    world = started(make_data_world, "huggingface")
    before = world.last("huggingface")
    assert not before["models_capped"]
    for scenario in ("truncated", "nan"):
        internet.begin(scenario, "huggingface")
        internet.advance(2 * HOUR_S)
        world.run(400)
        assert world.last("huggingface")["status"] == "stale"
        assert world.last("huggingface")["total_models"] == before["total_models"]
        internet.end()
        internet.advance(HOUR_S)
        world.run_until(lambda: bool(world.last("huggingface")["status"] == "live"), HOUR_S)
    internet.begin("null_fields", "huggingface")
    internet.advance(HOUR_S)
    world.run(400)
    shown = world.last("huggingface")
    assert (shown["status"], shown["total_models"]) == ("live", before["total_models"])
    assert {row["downloads"] for row in shown["model_details"]} == {None}


@pytest.mark.parametrize(
    ("service", "provider", "from_the_start"),
    [
        ("explorers", "mempool_space", True),
        ("explorers", "mempool_space", False),
        ("explorers", "blockchain_info", False),
        ("explorers", "blockchair", False),
        ("onchain", "json_rpc", False),
        ("onchain", "blockscout", True),
        ("onchain", "defillama", False),
    ],
)
def test_one_wrong_source_is_not_shown(
    make_data_world: MakeWorld, internet: Internet, service: str, provider: str, from_the_start: bool
) -> None:
    """Figures that are wrong by ten are refused, and true ones of another source are shown; screens stay true."""
    if from_the_start:
        internet.begin("one_source_wrong", provider)
    world = make_data_world(service) if from_the_start else started(make_data_world, service)
    internet.begin("one_source_wrong", provider)
    world.run(200)
    assert not not_live(world, service)


def test_wrong_gas_after_a_failover(make_data_world: MakeWorld, internet: Internet) -> None:
    """What is known from a source without a base fee measures the next source as well."""
    world = started(make_data_world, "onchain")
    internet.begin("outage", "json_rpc")
    world.run(60)
    assert world.part("onchain", "gas")["source"] in ("blockscout", "blockcypher")
    internet.begin("one_source_wrong", "json_rpc")
    world.run(200)
    assert world.part("onchain", "gas")["status"] == "live"
    assert world.part("onchain", "gas")["source"] in ("blockscout", "blockcypher")


# Figures that are none


@pytest.mark.parametrize("scenario", ["nan", "null_fields"])
def test_figures_that_are_none(make_data_world: MakeWorld, internet: Internet, scenario: str) -> None:
    """NaN and null become neither 0 nor a smaller sum: what is known stays, and is called stale when it is old."""
    services = (*QUICK, "onchain")
    world = started(make_data_world, *services)
    tvl = world.last("onchain")["tvl"]
    internet.begin(scenario, *everybody(internet))
    internet.advance(2 * HOUR_S)
    world.run(150)
    for service in services:
        for key in FACTS[service]:
            assert world.last(service)[key], (service, key)
    assert world.last("onchain")["tvl"] == pytest.approx(tvl, rel=0.1)
    internet.end()
    recover(world)


@pytest.mark.parametrize("scenario", ["nan", "null_fields"])
def test_whales_of_which_little_is_known(make_data_world: MakeWorld, internet: Internet, scenario: str) -> None:
    """Figures that are none add nothing to the sums, and no move of 0 dollars."""
    world = started(make_data_world, "whale_tracking")
    internet.begin(scenario, *everybody(internet))
    world.run(70)
    assert world.last("whale_tracking")["large_transactions"]
    assert world.last("whale_tracking")["status"] == "live"


def test_half_of_the_chains_is_not_the_total(make_data_world: MakeWorld, internet: Internet) -> None:
    """A list of value locked that lacks large chains is refused as long as it lasts; the old total is called stale."""
    world = started(make_data_world, "onchain")
    before = world.last("onchain")["tvl"]
    internet.begin("null_fields", "defillama")
    internet.advance(HOUR_S)
    world.run(600)
    assert world.last("onchain")["tvl"] == before
    assert world.part("onchain", "tvl")["status"] == "stale"
    assert "missing" in world.part("onchain", "tvl")["reason"]


def test_clocks_that_stand_still(make_data_world: MakeWorld, internet: Internet) -> None:
    """Source times that stop never make anything look newer than it is, and end nothing."""
    world = started(make_data_world, *SERVICES)
    internet.begin("stuck_clock", *everybody(internet))
    world.run(200)
    for service in SERVICES:
        assert world.states(service) == ["live"]
        assert len(world.updates[service]) >= 4


# Chains


@pytest.mark.parametrize("depth", [1, 2])
def test_reorganised_chains(make_data_world: MakeWorld, internet: Internet, depth: int) -> None:
    """Replaced blocks are reported with their depth, and what they moved is counted once."""
    world = make_data_world("explorers", "whale_tracking")
    world.run_until_live()

    def stands_still(chain: str, times: Any, for_s: float) -> bool:
        height = world.true_height(chain)
        known = world.last("explorers")["chains"][chain]["latest_block"]
        return bool(known == height and times.time_of(height + 1) - internet.now() > for_s)

    bitcoin = world.truth.bitcoin
    after: dict[str, Any] = {"reorganisation": None}
    for _ in range(3):  # two blocks between two polls, as on a busy machine, hide what they have replaced
        world.run_until(lambda: stands_still("bitcoin", bitcoin.times, 40), 2 * HOUR_S)
        before = world.last("explorers")["chains"]["bitcoin"]
        internet.begin("reorg", chain="bitcoin", depth=depth)
        world.run(60)
        after = world.last("explorers")["chains"]["bitcoin"]
        if after["reorganisation"] is not None:
            break
    assert after["reorganisation"] is not None
    assert after["reorganisation"]["depth"] >= 1
    assert after["latest_block"] >= before["latest_block"]
    assert after["block_hash"] != before["block_hash"]

    internet.begin("reorg", chain="ethereum", depth=depth)
    world.run(400)
    assert world.states("whale_tracking")[-1] == "live"
    confirmed = [move for move in world.last("whale_tracking")["large_transactions"] if move["confirmed"]]
    keys = [(move["hash"], move["asset"], move["from"], move["to"], move["value"]) for move in confirmed]
    assert confirmed
    assert len(keys) == len(set(keys))


TROUBLES = [
    ({"blocks": 20}, "lagging"),
    ({"blocks": 0, "chain_id": 56}, "wrong_chain"),
    ({"blocks": 5, "syncing": 1}, "syncing"),
]


@pytest.mark.parametrize(
    ("params", "status", "from_the_start"), [*((*trouble, False) for trouble in TROUBLES), (*TROUBLES[1], True)]
)
def test_a_node_that_is_not_up_to_date(
    make_data_world: MakeWorld, internet: Internet, params: dict[str, float], status: str, from_the_start: bool
) -> None:
    """It is called what it is, counts as inactive, and no service takes its word; then it is healthy again."""
    services = ("rpc_nodes", "explorers", "onchain")
    if from_the_start:
        internet.begin("node_lagging", **params)
        world = make_data_world(*services)
    else:
        world = make_data_world(*services)
        world.run_until_live()
        world.run(60)
        internet.begin("node_lagging", **params)

    def first() -> dict[str, Any]:
        return next(node for node in world.last("rpc_nodes")["nodes"] if node["name"] == FIRST_NODE)

    world.run_until(lambda: bool(world.updates["rpc_nodes"]) and bool(first()["status"] == status), 200)
    world.run(65)
    assert first()["status"] == status
    assert first()["reason"]
    shown = world.last("rpc_nodes")
    assert (shown["active_nodes"], shown["total_nodes"]) == (2, 3)
    assert world.true_height("ethereum") - shown["block_number"]["ethereum"] <= 5
    for service, part in (("rpc_nodes", "ethereum"), ("explorers", "ethereum_block"), ("onchain", "gas")):
        assert world.part(service, part)["status"] == "live"
        assert world.part(service, part)["source"] != FIRST_NODE
    internet.end()
    world.run_until(lambda: bool(first()["status"] == "healthy"), 200)


# Feeds


@pytest.mark.parametrize("kind", ["broken_xml", "entity_bomb", "junk"])
def test_a_feed_that_is_none(make_data_world: MakeWorld, internet: Internet, kind: str) -> None:
    """The other feeds stand, what was read of the broken one stays, and it takes no more memory than an answer may."""
    world = started(make_data_world, "news")
    before = {article["id"] for article in world.last("news")["articles"] if article["source_id"] == "coindesk"}
    internet.begin("feed_broken", feed="coindesk", kind=kind)
    internet.advance(HOUR_S)
    if kind != "broken_xml":
        tracemalloc.start()
    world.run(65)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000
    shown = world.last("news")
    feeds = {feed["id"]: feed for feed in shown["source_details"]}
    assert {name for name, feed in feeds.items() if feed["status"] == "live"} >= {
        "cointelegraph", "decrypt", "cryptoslate", "bitcoin_magazine"
    }  # fmt: skip
    if kind == "broken_xml":
        assert before
    else:
        assert feeds["coindesk"]["status"] == "stale"
        assert feeds["coindesk"]["reason"]
        assert shown["status"] == "degraded"
        assert all(len(article["title"]) <= 300 for article in shown["articles"])
    internet.end()
    world.run_until(lambda: bool(world.last("news")["status"] == "live"), HOUR_S)
