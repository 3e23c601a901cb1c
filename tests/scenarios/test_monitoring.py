"""What the monitoring services tell while providers are in trouble: it shows within two intervals, and its end too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scenarios.data_world import DataWorld
from tests.scenarios.internet import Internet
from tests.scenarios.world import World
from websocket.errors import UpstreamError
from websocket.services.health_checker import HealthCheckerService
from websocket.services.pool_manager import PoolManagerService
from websocket.settings import UpstreamSettings
from websocket.upstream.source import Source

HEALTH_S, POOLS_S = 30.0, 20.0
"""Intervals of the two services."""

MONITORING = ("health_checker", "pool_manager")

RECENT_S = 600.0
"""For so long a failure is held against a provider."""

HASTY = UpstreamSettings(connect_timeout_s=0.3, read_timeout_s=0.3, deadline_s=0.3, park_s=300)
"""For slow providers: waiting for them is what takes real time."""

WORDS = {"healthy", "degraded", "unhealthy", "parked", "unconfigured"}

FIRST_NODE = "ethereum:ethereum-rpc.publicnode.com"

MakeWorld = Callable[..., DataWorld]


@pytest.fixture
def make_data_world(internet: Internet) -> Iterator[MakeWorld]:
    """Makes worlds; in the end nothing wrong may have been published."""
    worlds: list[DataWorld] = []

    def make(*services: str, **arguments: Any) -> DataWorld:
        worlds.append(DataWorld(internet, *services, *MONITORING, **arguments))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()
    assert [offence for world in worlds for offence in world.offences] == []


@pytest.fixture
def world(make_data_world: MakeWorld) -> DataWorld:
    """Explorers and nodes, two minutes after their start."""
    world = make_data_world("explorers", "rpc_nodes")
    world.run(120)
    return world


def provider(world: DataWorld, name: str) -> dict[str, Any]:
    """What was published last about a provider."""
    found: dict[str, Any] = world.last("health_checker")["providers"][name]
    return found


def pool(world: DataWorld, name: str) -> dict[str, Any]:
    """What was published last about a pool."""
    found: dict[str, Any] = world.last("pool_manager")["pools"][name]
    return found


def words(world: DataWorld) -> dict[str, str]:
    """The word for each provider that is configured."""
    rows = world.last("health_checker")["providers"].items()
    return {name: row["status"] for name, row in rows if row["status"] != "unconfigured"}


def expected(source: Source[Any]) -> str:
    """The word for a provider in an internet in which all is well, of which these services do not ask everything."""
    if not source.configured:
        return "unconfigured"
    return "healthy" if source.provider.health_check() is not None else "degraded"


def check_sums(world: DataWorld) -> None:
    """Every publication agrees with itself."""
    for told in world.updates["health_checker"]:
        statuses = [row["status"] for row in told["providers"].values()]
        assert set(statuses) <= WORDS
        counts = {word: told[f"{word}_count"] for word in WORDS}
        counts["unhealthy"] -= counts["degraded"] + counts["parked"]  # they are among them
        assert {word: statuses.count(word) for word in WORDS} == counts
        assert told["healthy_count"] + told["unhealthy_count"] == told["total_providers"]
        assert told["total_providers"] + told["unconfigured_count"] == len(statuses) == len(world.sources)
    for told in world.updates["pool_manager"]:
        assert told["failover_count"] == sum(row["failover_count"] for row in told["pools"].values())
        active = {row["active_source"] for row in told["pools"].values()} - {None}
        assert set(told["active_sources"]) == active
        assert set(told["active_sources"]).isdisjoint(told["inactive_sources"])
        for name, row in told["pools"].items():
            assert sorted(row["available_sources"] + row["inactive_sources"]) == sorted(row["candidates"]), name


def test_all_is_well(world: DataWorld) -> None:
    """Every provider that is configured was asked, by a service or by a probe, and is healthy."""
    report = world.last("health_checker")
    told = {name: row["status"] for name, row in report["providers"].items()}
    assert told == {name: expected(source) for name, source in world.sources.items()}
    assert all(row["last_success"] for row in report["providers"].values() if row["status"] == "healthy")
    assert {row["health"] for row in world.last("pool_manager")["pools"].values()} == {"healthy"}
    check_sums(world)


def test_every_probe_is_answered(make_data_world: MakeWorld) -> None:
    """Each configured provider has a question of its own, and the stand-in internet knows its answer."""
    world = make_data_world(chains=("ethereum", "solana"))
    for source in world.sources.values():
        if expected(source) == "healthy":
            assert source.probe() is True, source.name
            assert source.record.last_ok is True, source.name


@pytest.mark.parametrize("scenario", ["outage", "html_instead_of_json", "truncated", "rate_limited", "geo_blocked"])
def test_probes_find_trouble(make_data_world: MakeWorld, internet: Internet, scenario: str) -> None:
    """An answer that cannot be used is a failure, whatever its status says."""
    world = make_data_world()
    internet.begin(scenario, *internet.requests())
    for source in world.sources.values():
        if expected(source) == "healthy":
            with pytest.raises(UpstreamError):
                pytest.fail(f"{source.name} says that all is well: {source.probe()}")


@pytest.mark.parametrize(
    ("scenario", "health"),
    [
        ("outage", {"unhealthy", "degraded"}),
        ("rate_limited", {"degraded"}),
        ("html_instead_of_json", {"unhealthy", "degraded"}),
        ("truncated", {"unhealthy", "degraded"}),
        ("geo_blocked", {"parked"}),
    ],
)
def test_provider_in_use(world: DataWorld, internet: Internet, scenario: str, health: set[str]) -> None:
    """Health and pools show it within two intervals of theirs; the better source comes back, and so does its health."""
    world.forget()
    internet.begin(scenario, "mempool_space")
    world.run_until(lambda: provider(world, "mempool_space")["status"] in health, 2 * HEALTH_S + 5)
    row = provider(world, "mempool_space")
    assert row["reason"] is not None
    assert row["last_error"].startswith("mempool_space")
    world.run_until(lambda: pool(world, "explorers_bitcoin")["active_source"] == "blockstream", 2 * POOLS_S + 25)
    assert pool(world, "explorers_bitcoin")["health"] == "degraded"
    failover = next(row for row in world.last("pool_manager")["failovers"] if row["pool"] == "explorers_bitcoin")
    assert (failover["from"], failover["to"]) == ("mempool_space", "blockstream")
    assert failover["reason"]

    internet.end()
    if scenario == "geo_blocked":
        retry_at = pool(world, "explorers_bitcoin")["better_retry_at"]
        assert retry_at == provider(world, "mempool_space")["retry_at"] is not None
        internet.advance(300)
    world.run_until(lambda: pool(world, "explorers_bitcoin")["active_source"] == "mempool_space", 180)
    assert provider(world, "mempool_space")["status"] in ("degraded", "healthy")
    internet.advance(RECENT_S)
    world.run(90)
    assert provider(world, "mempool_space")["status"] == "healthy"
    assert pool(world, "explorers_bitcoin")["health"] == "healthy"
    check_sums(world)


@pytest.mark.parametrize(("name", "within_s"), [("coinlore", 2 * HEALTH_S), ("coinbase_exchange", 2 * HEALTH_S)])
def test_idle_provider(world: DataWorld, internet: Internet, name: str, within_s: float) -> None:
    """Nobody asks it; a probe finds out, the next ones confirm it, and one finds that it is over."""
    internet.begin("outage", name)
    world.run_until(lambda: provider(world, name)["status"] != "healthy", within_s)
    world.run_until(lambda: provider(world, name)["status"] == "unhealthy", 60)
    assert provider(world, name)["in_use"] is False
    internet.end()
    world.run_until(lambda: provider(world, name)["circuit"] == "closed", 2 * HEALTH_S + 20)
    assert provider(world, name)["status"] == "degraded"
    check_sums(world)


def test_slow_provider(make_data_world: MakeWorld, internet: Internet) -> None:
    """Answers that drip in are none; it is left alone after three of them."""
    world = make_data_world("rpc_nodes", upstream=HASTY)
    world.run(100)
    assert provider(world, FIRST_NODE)["status"] == "healthy"
    internet.begin("slow", "json_rpc", interval_s=0.1)
    world.run_until(lambda: provider(world, FIRST_NODE)["status"] != "healthy", 2 * HEALTH_S + 5)
    world.run_until(lambda: pool(world, "rpc_nodes_ethereum")["health"] == "unhealthy", 2 * POOLS_S + 5)
    row = provider(world, FIRST_NODE)
    assert "deadline" in row["last_error"] or "silent" in row["last_error"] or "no whole answer" in row["last_error"]
    internet.end()
    world.run_until(lambda: pool(world, "rpc_nodes_ethereum")["active_source"] == FIRST_NODE, 150)
    check_sums(world)


@pytest.mark.parametrize("scenario", ["one_source_wrong", "nan", "outage", "rate_limited", "geo_blocked"])
def test_best_exchange(
    make_world: Callable[..., World], make_data_world: MakeWorld, internet: Internet, scenario: str
) -> None:
    """Also where an exchange answers quickly, but with prices that nobody can believe."""
    world, context = make_world(), make_data_world().context
    context.sources = world.sources
    context.pools = {pool.name: pool for pool in (world.ticks, world.snapshots)}
    health, pools = HealthCheckerService(context), PoolManagerService(context)
    world.start_well()
    assert health.payload().providers["binance"].status == "healthy"
    assert pools.payload().pools["market_data"].health == "healthy"
    internet.begin(scenario, "binance")
    world.run(2 * POOLS_S)
    shown = pools.payload()
    assert (shown.pools["market_data"].active_source, shown.pools["market_data"].health) == ("kraken", "degraded")
    assert shown.failovers[0].from_source == "binance"
    world.run(2 * HEALTH_S - 2 * POOLS_S)
    assert health.payload().providers["binance"].status in ("degraded", "unhealthy", "parked")
    assert health.payload().providers["kraken"].status == "healthy"


def test_everything_fails(world: DataWorld, internet: Internet) -> None:
    """The monitoring goes on: everybody in use is named within two intervals, nothing is healthy after five minutes."""
    internet.begin("outage", *internet.requests())
    world.run(2 * HEALTH_S + 5)
    in_use = {name for name, row in world.last("health_checker")["providers"].items() if row["in_use"]}
    assert in_use
    assert not [name for name in in_use & set(words(world)) if words(world)[name] == "healthy" and name in IN_ROUNDS]
    world.run(300)
    assert world.last("health_checker")["overall_health"] == "unhealthy"
    assert world.last("health_checker")["status"] == "live"
    assert {row["health"] for row in world.last("pool_manager")["pools"].values()} <= {"unhealthy", "degraded"}
    internet.end()
    internet.advance(RECENT_S)
    world.run(120)
    internet.advance(RECENT_S)
    world.run(120)
    report = world.last("health_checker")
    assert report["unhealthy_count"] == report["degraded_count"]
    check_sums(world)


IN_ROUNDS = {"mempool_space", FIRST_NODE}
"""Providers that are asked at least once a minute."""


def test_probing_costs_little(world: DataWorld, internet: Internet) -> None:
    """Nobody gets more than a request in half a minute for it; who has a budget of a month gets hardly any."""
    idle = ("coinlore", "coinbase_exchange", "kraken", "binance", "coinpaprika", "alternative_me", "coinmetrics")
    before = internet.requests()
    world.run(600)
    asked = {name: internet.requests()[name] - before[name] for name in idle}
    assert 11 <= asked["coinlore"] <= 14
    assert 11 <= asked["binance"] <= 14
    assert asked["alternative_me"] <= 3
    assert asked["coinpaprika"] == 0
