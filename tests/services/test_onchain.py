"""Onchain: what is published in every state of the sources, and what of their words is believed."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from tests.services.chain_support import NOW, Counter, Explorer, Node, Oracle, Plan, World, part_of, published
from websocket.chain_records import (
    BlockInfo,
    ChainStats,
    ContractEvent,
    ContractEvents,
    GasFees,
    NetworkActivity,
    ProtocolFees,
    Tvl,
)
from websocket.errors import AccessRefused, SettingsError
from websocket.records import to_rfc3339
from websocket.services.onchain import BITCOIN, ETHEREUM, OnchainService
from websocket.services.onchain_payload import Onchain

FIRST, SECOND = "ethereum:one.example", "ethereum:two.example"
HEIGHT = 26_463_000
NEWEST_READ = HEIGHT - 5
DAY = "2026-11-20"
FACTS = ("gas", "activity", "daily", "block_fees", "tvl", "application_fees", "events")


@pytest.fixture
def world() -> World:
    """Every source answers, but for the one that needs a key."""
    made = World(
        [
            Node(FIRST),
            Node(SECOND),
            Oracle("etherscan", 15),
            Oracle("blockscout", 60),
            Oracle("blockcypher", 120),
            Oracle("coinmetrics", 6 * 3600),
            Explorer("blockchair", 900),
            Explorer("mempool_space", 60),
            Counter("defillama", 600),
        ]
    )
    made.providers["etherscan"].is_configured = False
    for name in (FIRST, SECOND, "etherscan", "blockscout", "blockcypher"):
        made.say(name, "gas", lambda name=name: gas(made, name))
    for name in (FIRST, SECOND):
        made.say(name, "events", lambda: events(made, event(1, 1)))
    made.say("blockscout", "activity", lambda: [today(made)])
    made.say("coinmetrics", "activity", lambda: [day(BITCOIN), day(ETHEREUM)])
    for chain in (BITCOIN, ETHEREUM):
        made.say("blockchair", f"{chain}_stats", lambda chain=chain: stats(made, chain))
    made.say("mempool_space", "blocks", blocks())
    made.say("defillama", "tvl", lambda: tvl(made))
    made.say("defillama", "fees", lambda: application_fees(made))
    return made


@pytest.fixture
def service(world: World) -> OnchainService:
    return OnchainService(world.context)


def gas(world: World, source: str, **changes: Any) -> GasFees:
    fees = GasFees(
        chain=ETHEREUM,
        source=source,
        as_of=world.clock(),
        block=HEIGHT,
        base_fee_gwei=0.9,
        slow_gwei=0.95,
        average_gwei=1.0,
        fast_gwei=2.5,
        utilization_percent=51.237,
    )
    return msgspec.structs.replace(fees, **changes)


def event(block: int, index: int, amount: float = 250_000.0) -> ContractEvent:
    """A transfer in the block at that place below the newest that is asked for, counted from 0."""
    return ContractEvent(
        contract="0xdac17f958d2ee523a2206206994597c13d831ec7",
        symbol="USDT",
        kind="Transfer",
        sender="0x" + "a" * 40,
        receiver=None,
        amount=amount,
        block=NEWEST_READ - block,
        transaction="0x" + "28" * 32,
        log_index=index,
        time=NOW - 60 - 12 * block,
    )


def events(world: World, *found: ContractEvent) -> ContractEvents:
    return ContractEvents(events=found, as_of=world.clock() - 60)


def today(world: World, **changes: Any) -> NetworkActivity:
    activity = NetworkActivity(chain=ETHEREUM, source="blockscout", as_of=world.clock(), transactions=1_836_071)
    return msgspec.structs.replace(activity, **changes)


def day(chain: str, **changes: Any) -> NetworkActivity:
    activity = NetworkActivity(
        chain=chain, source="coinmetrics", as_of=NOW, day=DAY, active_addresses=600_000, transactions=400_000
    )
    return msgspec.structs.replace(activity, **changes)


def stats(world: World, chain: str, /, **changes: Any) -> ChainStats:
    figures = ChainStats(
        chain=chain, source="blockchair", as_of=world.clock(), transactions_24h=500_000, average_fee_usd_24h=2.0
    )
    return msgspec.structs.replace(figures, **changes)


def blocks(*fees: float | None) -> list[BlockInfo]:
    chosen = fees or (0.03, 0.01, 0.02)
    return [BlockInfo(chain=BITCOIN, height=976_700 - index, fees=fee) for index, fee in enumerate(chosen)]


def tvl(world: World, ethereum: float = 70e9, **more: float) -> list[Tvl]:
    chains = {"Ethereum": ethereum, "Bitcoin": 6e9, "Another": 1e9, **more}
    ids = {"Ethereum": 1}
    return [
        Tvl(chain=name, source="defillama", as_of=world.clock(), tvl_usd=value, chain_id=ids.get(name))
        for name, value in sorted(chains.items(), key=lambda item: -item[1])
    ]


def application_fees(world: World, **changes: Any) -> ProtocolFees:
    fees = ProtocolFees(chain=ETHEREUM, source="defillama", as_of=world.clock(), fees_usd_24h=25e6)
    return msgspec.structs.replace(fees, **changes)


def refresh_all(service: OnchainService) -> None:
    """One run of every job."""
    for fact in FACTS:
        getattr(service, f"refresh_{fact}")()
    for chain in (BITCOIN, ETHEREUM):
        service.refresh_fees(chain)


class TestLive:
    def test_documented_keys(self, world: World, service: OnchainService) -> None:
        """The flat keys are Ethereum's."""
        world.price("ETH", 4_000.0)
        refresh_all(service)
        payload = published(service)
        assert (payload["status"], payload["reason"]) == ("live", None)
        assert (payload["active_addresses"], payload["active_addresses_day"]) == (600_000, DAY)
        assert (payload["transaction_count"], payload["transaction_count_day"]) == (1_836_071, None)
        assert (payload["total_fees_usd"], payload["total_fees"]) == (1_000_000.0, 250.0)
        assert payload["gas_price"] == 1.0
        assert payload["network_utilization"] == 51.24
        assert payload["tvl"] == 77e9

    def test_chains(self, world: World, service: OnchainService) -> None:
        """Each with what it has."""
        world.price("BTC", 100_000.0)
        refresh_all(service)
        chains = published(service)["chains"]
        bitcoin, ethereum = chains[BITCOIN], chains[ETHEREUM]
        assert (bitcoin["transaction_count"], bitcoin["transaction_count_day"]) == (400_000, DAY)
        assert (bitcoin["total_fees_usd"], bitcoin["total_fees"]) == (1_000_000.0, 10.0)
        assert bitcoin["block_fees"] == {
            "blocks": 3, "last_block": 976_700, "total": 0.06, "per_block": 0.02, "total_usd": 6_000.0,
        }  # fmt: skip
        assert (bitcoin["gas"], bitcoin["gas_price"], bitcoin["network_utilization"]) == (None, None, None)
        assert (bitcoin["tvl"], ethereum["tvl"]) == (6e9, 70e9)
        assert ethereum["gas"] == {"base_fee": 0.9, "slow": 0.95, "average": 1.0, "fast": 2.5}
        assert ethereum["application_fees_usd"] == 25e6
        assert (ethereum["block_fees"], bitcoin["application_fees_usd"]) == (None, None)

    def test_value_locked_by_chain(self, world: World, service: OnchainService) -> None:
        """The largest ones, under the source's names."""
        world.say("defillama", "tvl", tvl(world, **{f"Chain {number}": 1e6 + number for number in range(30)}))
        refresh_all(service)
        by_chain = published(service)["tvl_by_chain"]
        assert len(by_chain) == 20
        assert list(by_chain)[:3] == ["Ethereum", "Bitcoin", "Another"]

    def test_a_day_is_dated_with_its_end(self, world: World, service: OnchainService) -> None:
        """The part says how old the figures are, and still is what it should be."""
        refresh_all(service)
        world.clock.advance(86_400)
        payload = published(service)
        assert payload["parts"]["ethereum_daily"] == {
            "status": "live", "as_of": "2026-11-21T00:00:00.000Z", "source": "coinmetrics", "reason": None,
        }  # fmt: skip

    def test_no_price_no_coins(self, world: World, service: OnchainService) -> None:
        """Dollars are what the source says; coins need a price that can be trusted."""
        world.price("ETH", 4_000.0)
        refresh_all(service)
        world.clock.advance(world.settings.prices.stale_after_s + 1)
        payload = published(service)
        assert (payload["total_fees_usd"], payload["total_fees"]) == (1_000_000.0, None)
        assert payload["chains"][BITCOIN]["block_fees"]["total_usd"] is None
        assert payload["chains"][BITCOIN]["block_fees"]["total"] == 0.06

    def test_the_payload_fits_its_schema(self, service: OnchainService) -> None:
        """Before and after the first answers."""
        msgspec.convert(published(service), Onchain)
        refresh_all(service)
        msgspec.convert(published(service), Onchain)


class TestContractEvents:
    def test_large_ones_are_listed_newest_first(self, world: World, service: OnchainService) -> None:
        """By block and by their place in it; what is small is left out."""
        world.say(FIRST, "events", events(world, event(2, 9), event(0, 3), event(0, 4), event(1, 1, 99_999.0)))
        refresh_all(service)
        payload = published(service)
        assert [(row["block"], row["log_index"]) for row in payload["contract_events"]] == [
            (NEWEST_READ, 4), (NEWEST_READ, 3), (NEWEST_READ - 2, 9),
        ]  # fmt: skip
        assert payload["contract_events"][0] == {
            "contract": "0xdac17f958d2ee523a2206206994597c13d831ec7",
            "symbol": "USDT",
            "event": "Transfer",
            "from": "0x" + "a" * 40,
            "to": "",
            "value": 250_000.0,
            "block": NEWEST_READ,
            "transaction": "0x" + "28" * 32,
            "log_index": 4,
            "timestamp": to_rfc3339(NOW - 60),
        }
        assert part_of(payload, "contract_events")[:2] == ("live", FIRST)

    def test_blocks_that_are_read_again_replace_what_was_known(self, world: World, service: OnchainService) -> None:
        """As after a reorganisation; what is below them stays, up to a limit."""
        world.say(FIRST, "events", events(world, event(3, 1), event(4, 1), event(0, 5)))
        refresh_all(service)
        world.clock.advance(30)
        world.say(FIRST, "events", events(world, *(event(0, number) for number in range(47))))
        service.refresh_events()
        rows = published(service)["contract_events"]
        # the newest four blocks are read
        assert [row["block"] for row in rows] == [NEWEST_READ] * 47 + [NEWEST_READ - 4]
        world.clock.advance(30)
        world.say(FIRST, "events", events(world, *(event(0, number) for number in range(3000))))
        service.refresh_events()
        assert [row["log_index"] for row in published(service)["contract_events"]] == list(range(2999, 2949, -1))

    def test_more_tokens_than_there_are_count_against_the_node(self, world: World, service: OnchainService) -> None:
        """The next node is asked."""
        world.say(FIRST, "events", events(world, event(0, 1, 2.0**200)))
        refresh_all(service)
        payload = published(service)
        assert part_of(payload, "contract_events")[:2] == ("live", SECOND)
        assert world.sources[FIRST].status().failed == 1
        assert "more tokens" in (world.sources[FIRST].trouble or "")

    def test_nothing_is_asked_before_the_height_is_known(self, world: World, service: OnchainService) -> None:
        service.refresh_events()
        assert world.asked() == []
        assert part_of(published(service), "contract_events") == (
            "down", None, "the height of the chain is not known yet"
        )  # fmt: skip

    def test_a_node_that_dates_its_block_in_the_future_is_refused(self, world: World, service: OnchainService) -> None:
        """It would hide every later answer."""
        world.say(FIRST, "events", ContractEvents(events=(), as_of=NOW + 3600))
        refresh_all(service)
        assert part_of(published(service), "contract_events")[:2] == ("live", SECOND)


class TestPublishing:
    def test_it_never_asks(self, world: World, service: OnchainService) -> None:
        """Whatever is missing."""
        published(service)
        assert world.asked() == []

    def test_jobs(self, world: World, service: OnchainService) -> None:
        """The documented interval for the payload, the sources' pace for the rest."""
        plan = Plan()
        service.schedule(plan)  # type: ignore[arg-type]
        assert plan.jobs["publish_onchain"][0] == 30
        assert plan.jobs["onchain_gas_collection"][0] == 15
        for job in plan.calls.values():
            job()
        assert published(service)["status"] == "live"

    def test_first_news_are_published_at_once(self, world: World, service: OnchainService) -> None:
        """Nobody waits half a minute for what is here; from then on the interval is kept."""
        plan = Plan()
        service.schedule(plan)  # type: ignore[arg-type]
        plan.calls["onchain_gas_collection"]()
        assert world.broker.last("onchain") is None
        plan.calls["publish_onchain"]()
        plan.calls["onchain_tvl_collection"]()
        last = world.broker.last("onchain")
        assert last is not None
        assert (last.seq, last.data["tvl"]) == (2, 77e9)
        world.clock.advance(600)
        for job in ("onchain_gas_collection", "onchain_tvl_collection"):
            plan.calls[job]()
        assert world.broker.position("onchain")[1] == 2

    def test_slow_figures_are_asked_for_slowly(self, world: World, service: OnchainService) -> None:
        """Six hours of all jobs."""
        plan = Plan()
        service.schedule(plan)  # type: ignore[arg-type]
        for second in range(0, 6 * 3600, 15):
            for name, (interval_s, _, _) in plan.jobs.items():
                if second % interval_s == 0:
                    plan.calls[name]()
            world.clock.advance(15)
        asked = world.asked()
        assert asked.count("coinmetrics") == 1
        assert asked.count("blockchair") == 2 * 12
        assert asked.count("defillama") == 2 * 36
        assert asked.count("mempool_space") == 72
        assert asked.count(FIRST) == 6 * (240 + 120)


class TestTrouble:
    def test_nothing_has_come(self, service: OnchainService) -> None:
        """No zeros, no silence."""
        payload = published(service)
        assert payload["status"] == "starting"
        numbers = ("active_addresses", "transaction_count", "total_fees", "gas_price", "network_utilization", "tvl")
        assert [payload[name] for name in numbers] == [None] * 6
        assert payload["tvl_by_chain"] == {}

    def test_everybody_is_silent(self, world: World, service: OnchainService) -> None:
        """Each part says who said what."""
        world.internet.words.clear()
        refresh_all(service)
        payload = published(service)
        assert payload["status"] == "down"
        reason = part_of(payload, "gas")[2]
        assert reason is not None
        assert all(name in reason for name in (FIRST, SECOND, "blockscout", "blockcypher"))
        assert "etherscan" not in reason

    def test_one_part_is_missing(self, world: World, service: OnchainService) -> None:
        """The rest is as good as ever."""
        refused = AccessRefused("blockchair", "ethereum_stats", "the points of this day are used up", 402)
        world.say("blockchair", "ethereum_stats", refused)
        refresh_all(service)
        payload = published(service)
        assert payload["status"] == "degraded"
        assert payload["reason"] == ("ethereum_fees: blockchair ethereum_stats: the points of this day are used up")
        assert payload["total_fees_usd"] is None
        assert payload["gas_price"] == 1.0

    def test_what_is_old_says_so(self, world: World, service: OnchainService) -> None:
        """The last values stay, with their age."""
        refresh_all(service)
        world.internet.words.clear()
        world.clock.advance(30 * 86_400)
        refresh_all(service)
        payload = published(service)
        assert payload["status"] == "stale"
        assert payload["gas_price"] == 1.0
        assert payload["active_addresses_day"] == DAY

    def test_recovery(self, world: World, service: OnchainService) -> None:
        """From down to live with the first good round."""
        words, world.internet.words = world.internet.words, {}
        refresh_all(service)
        assert published(service)["status"] == "down"
        world.internet.words = words
        world.clock.advance(60)
        refresh_all(service)
        assert published(service)["status"] == "live"

    def test_oracles_stand_in_for_nodes(self, world: World, service: OnchainService) -> None:
        """The one with a key is passed over while it has none."""
        world.say(FIRST, "gas", None)
        world.say(SECOND, "gas", None)
        service.refresh_gas()
        assert part_of(published(service), "gas")[:2] == ("live", "blockscout")
        world.providers["etherscan"].is_configured = True
        world.clock.advance(120)
        service.refresh_gas()
        assert part_of(published(service), "gas")[:2] == ("live", "etherscan")

    def test_whole_days_stand_in_for_today(self, world: World, service: OnchainService) -> None:
        """And say which day it is."""
        refresh_all(service)
        world.say("blockscout", "activity", None)
        world.clock.advance(3600)
        service.refresh_activity()
        payload = published(service)
        assert (payload["transaction_count"], payload["transaction_count_day"]) == (400_000, DAY)
        assert part_of(payload, "ethereum_transactions")[0] == "stale"

    def test_today_without_whole_days(self, world: World, service: OnchainService) -> None:
        """An old count is better than none, and its part says that it is old."""
        service.refresh_activity()
        world.clock.advance(3600)
        payload = published(service)
        assert (payload["transaction_count"], payload["active_addresses"]) == (1_836_071, None)

    def test_one_chain_is_missing(self, world: World, service: OnchainService) -> None:
        """Its part alone is down."""
        world.say("coinmetrics", "activity", [day(BITCOIN)])
        service.refresh_daily()
        payload = published(service)
        assert part_of(payload, "bitcoin_daily")[0] == "live"
        assert part_of(payload, "ethereum_daily") == ("down", None, "no source has anything newer")

    def test_a_wrong_setting_shows_at_the_start(self, world: World) -> None:
        """And not as a failing job every minute."""
        chains = dataclasses.replace(world.settings.chains, onchain_tvl_providers=("mempool_space",))
        world.context.settings = dataclasses.replace(world.settings, chains=chains)
        with pytest.raises(SettingsError, match=r"pool 'onchain_tvl': 'mempool_space' .* no TvlSource"):
            OnchainService(world.context)


class TestHostileValues:
    @pytest.mark.parametrize(
        "changes",
        [
            {"average_gwei": None},
            {"average_gwei": 0.0},
            {"average_gwei": -1.0},
            {"average_gwei": 1e9},
            {"slow_gwei": 5.0},
            {"fast_gwei": 0.5},
            {"base_fee_gwei": -1.0},
            {"utilization_percent": 101.0},
            {"utilization_percent": -0.1},
            {"chain": "bnb"},
            {"block": 109_400_000},
            {"as_of": NOW + 3600},
        ],
    )
    def test_gas_that_cannot_be(self, world: World, service: OnchainService, changes: dict[str, Any]) -> None:
        """The next node is asked instead."""
        world.say(FIRST, "gas", gas(world, FIRST, **changes))
        service.refresh_gas()
        payload = published(service)
        assert part_of(payload, "gas") == ("live", SECOND, None)
        assert payload["gas_price"] == 1.0

    def test_all_nodes_wrong_by_ten(self, world: World, service: OnchainService) -> None:
        """The base fee cannot move so fast; what was known stays, until it is old and says so."""
        service.refresh_gas()
        for name in (FIRST, SECOND):
            world.say(name, "gas", lambda name=name: gas(
                world, name, base_fee_gwei=9.0, slow_gwei=9.5, average_gwei=10.0, fast_gwei=25.0,
            ))  # fmt: skip
        world.say("blockscout", "gas", None)
        world.say("blockcypher", "gas", None)
        world.clock.advance(15)
        service.refresh_gas()
        assert published(service)["gas_price"] == 1.0
        assert "moved faster than it can" in (world.sources[FIRST].trouble or "")

    def test_a_base_fee_that_rises_as_fast_as_it_may(self, world: World, service: OnchainService) -> None:
        """By an eighth a block, for an hour of full blocks."""
        base_fee = 0.9
        for _ in range(240):
            service.refresh_gas()
            world.clock.advance(15)
            base_fee *= 1.125**1.25
            if base_fee > 9_000:
                break
            risen = gas(
                world, FIRST, base_fee_gwei=base_fee, slow_gwei=base_fee, average_gwei=base_fee, fast_gwei=base_fee
            )
            world.say(FIRST, "gas", risen)
            service.refresh_gas()
            assert published(service)["gas_price"] == base_fee

    def test_a_node_that_hangs(self, world: World, service: OnchainService) -> None:
        """Its gas is that of old blocks."""
        service.refresh_gas()
        world.clock.advance(120)
        world.say(FIRST, "gas", gas(world, FIRST, block=HEIGHT + 10))
        service.refresh_gas()
        world.clock.advance(120)
        world.say(FIRST, "gas", gas(world, FIRST, block=HEIGHT))
        world.say(SECOND, "gas", gas(world, SECOND, block=HEIGHT + 20))
        service.refresh_gas()
        assert part_of(published(service), "gas")[1] == SECOND
        assert "10 blocks behind" in (world.sources[FIRST].trouble or "")

    def test_utilisation_that_is_not_known(self, world: World, service: OnchainService) -> None:
        """Null, while the price of gas is there."""
        world.say(FIRST, "gas", gas(world, FIRST, utilization_percent=None, slow_gwei=None, block=None))
        service.refresh_gas()
        payload = published(service)
        assert (payload["gas_price"], payload["network_utilization"]) == (1.0, None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"active_addresses": 0},
            {"transactions": -1},
            {"transactions": 10**12},
            {"day": "2026-11-22"},
            {"day": "2020-01-01"},
            {"day": "yesterday"},
        ],
    )
    def test_a_day_that_cannot_be(self, world: World, service: OnchainService, changes: dict[str, Any]) -> None:
        """The other chain of the same answer is held."""
        world.say("coinmetrics", "activity", [day(ETHEREUM, **changes), day(BITCOIN), day("dogecoin", transactions=0)])
        service.refresh_daily()
        payload = published(service)
        assert payload["active_addresses"] is None
        assert part_of(payload, "ethereum_daily")[0] == "down"
        assert payload["chains"][BITCOIN]["active_addresses"] == 600_000

    def test_a_day_far_off_the_last_one(self, world: World, service: OnchainService) -> None:
        """Wrong by ten."""
        service.refresh_daily()
        world.clock.advance(86_400)
        world.say("coinmetrics", "activity", [day(ETHEREUM, day="2026-11-21", active_addresses=6_000_000)])
        service.refresh_daily()
        payload = published(service)
        assert (payload["active_addresses"], payload["active_addresses_day"]) == (600_000, DAY)

    def test_a_day_keeps_what_was_known_of_it(self, world: World, service: OnchainService) -> None:
        """A later answer about it may have a hole."""
        service.refresh_daily()
        world.clock.advance(6 * 3600)
        world.say("coinmetrics", "activity", [day(ETHEREUM, active_addresses=None), day(BITCOIN, transactions=None)])
        service.refresh_daily()
        payload = published(service)
        assert payload["active_addresses"] == 600_000
        assert payload["chains"][BITCOIN]["transaction_count"] == 400_000

    def test_fees_far_off_the_last_ones(self, world: World, service: OnchainService) -> None:
        """Half an hour later they cannot be ten times as much."""
        service.refresh_fees(ETHEREUM)
        world.clock.advance(1800)
        world.say("blockchair", "ethereum_stats", stats(world, ETHEREUM, average_fee_usd_24h=20.0))
        service.refresh_fees(ETHEREUM)
        assert published(service)["total_fees_usd"] == 1_000_000.0

    def test_an_older_day_does_not_replace_a_newer_one(self, world: World, service: OnchainService) -> None:
        """Whoever counts may answer from an old copy."""
        service.refresh_daily()
        world.clock.advance(6 * 3600)
        older = day(ETHEREUM, day="2026-11-18", as_of=NOW - 2 * 86_400, active_addresses=1)
        world.say("coinmetrics", "activity", [older])
        service.refresh_daily()
        assert published(service)["active_addresses"] == 600_000

    @pytest.mark.parametrize(
        "changes",
        [
            {"transactions_24h": None},
            {"transactions_24h": 0},
            {"average_fee_usd_24h": None},
            {"average_fee_usd_24h": 0.0},
            {"average_fee_usd_24h": -2.0},
            {"average_fee_usd_24h": 1e6},
            {"chain": BITCOIN},
        ],
    )
    def test_fees_that_cannot_be(self, world: World, service: OnchainService, changes: dict[str, Any]) -> None:
        """Then they are not known."""
        world.say("blockchair", "ethereum_stats", stats(world, ETHEREUM, **changes))
        refresh_all(service)
        payload = published(service)
        assert (payload["total_fees_usd"], payload["status"]) == (None, "degraded")

    @pytest.mark.parametrize("fees", [(None,), (-1.0, 0.1), (5_000.0,)])
    def test_block_fees_that_cannot_be(self, world: World, service: OnchainService, fees: tuple[float | None]) -> None:
        """A host that does not know them is no source for them."""
        world.say("mempool_space", "blocks", blocks(*fees))
        service.refresh_block_fees()
        assert published(service)["chains"][BITCOIN]["block_fees"] is None

    def test_blocks_without_fees_are_not_counted(self, world: World, service: OnchainService) -> None:
        """The average is that of the others."""
        world.say("mempool_space", "blocks", blocks(0.03, None, 0.01))
        service.refresh_block_fees()
        fees = published(service)["chains"][BITCOIN]["block_fees"]
        assert (fees["blocks"], fees["per_block"]) == (2, 0.02)

    @pytest.mark.parametrize("ethereum", [-1.0, 1e16, 700e9, 1.0])
    def test_value_locked_that_cannot_be(self, world: World, service: OnchainService, ethereum: float) -> None:
        """What was known stays."""
        service.refresh_tvl()
        world.clock.advance(600)
        world.say("defillama", "tvl", tvl(world, ethereum))
        service.refresh_tvl()
        assert published(service)["tvl"] == 77e9

    def test_a_large_change_is_believed_in_the_end(self, world: World, service: OnchainService) -> None:
        """When what was known is old, it is no measure any more."""
        service.refresh_tvl()
        world.say("defillama", "tvl", lambda: tvl(world, 700e9))
        for _ in range(4):
            world.clock.advance(600)
            service.refresh_tvl()
        assert published(service)["tvl"] == 707e9

    @pytest.mark.parametrize("rows", [[], [0.0]])
    def test_no_value_locked_at_all(self, world: World, service: OnchainService, rows: list[float]) -> None:
        """An empty list is no total of zero."""
        answer = [Tvl(chain="Ethereum", source="defillama", as_of=NOW, tvl_usd=value) for value in rows]
        world.say("defillama", "tvl", answer)
        service.refresh_tvl()
        assert published(service)["tvl"] is None

    @pytest.mark.parametrize("changes", [{"fees_usd_24h": -1.0}, {"fees_usd_24h": 1e12}, {"chain": "base"}])
    def test_application_fees_that_cannot_be(
        self, world: World, service: OnchainService, changes: dict[str, Any]
    ) -> None:
        """Then they are not known."""
        world.say("defillama", "fees", application_fees(world, **changes))
        service.refresh_application_fees()
        assert published(service)["chains"][ETHEREUM]["application_fees_usd"] is None
