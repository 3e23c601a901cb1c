"""Explorers: what is published in every state of the sources, and what of their words is believed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.services.chain_support import NOW, Explorer, Node, Plan, World, part_of, published
from websocket.chain_records import BlockInfo, ChainStats, FeeRates
from websocket.errors import RateLimited, UpstreamTimeout
from websocket.services.explorers import BITCOIN, ETHEREUM, ExplorerService
from websocket.services.explorers_payload import Explorers
from websocket.services.rpc_nodes_payload import NodeInfo

HEIGHT = 976_700
ETHEREUM_HEIGHT = 26_463_000
DIFFICULTY = 1.2e14
HASH_RATE = DIFFICULTY * 2**32 / 600

FIRST, SECOND = "ethereum:one.example", "ethereum:two.example"


def block(height: int = HEIGHT, branch: str = "a", time: float | None = NOW - 100, **more: Any) -> BlockInfo:
    """A block of Bitcoin, on one of the same branch."""
    names = {"hash": f"{branch}{height}", "previous_hash": f"{branch}{height - 1}"}
    return BlockInfo(chain=BITCOIN, height=height, time=time, **{**names, **more})


@pytest.fixture
def world() -> World:
    """Every source answers."""
    made = World(
        [
            Explorer("mempool_space", 60, [BITCOIN]),
            Explorer("blockstream", 60, [BITCOIN]),
            Explorer("blockchain_info", 30, [BITCOIN]),
            Explorer("blockchair", 900),
            Explorer("blockcypher", 120),
            Node(FIRST),
            Node(SECOND),
            Node("bnb:three.example"),
        ]
    )
    for name in ("mempool_space", "blockstream", "blockchain_info", "blockchair"):
        made.say(name, "bitcoin_stats", lambda name=name: bitcoin(made, name))
        made.say(name, "blocks", lambda: [block(transactions=3000), block(HEIGHT - 1)])
        made.say(name, "fee_rates", lambda name=name: rates(made, name))
    for name in (FIRST, SECOND, "blockchair", "blockcypher"):
        made.say(name, "ethereum_stats", lambda name=name: ethereum(made, name))
    return made


@pytest.fixture
def service(world: World) -> ExplorerService:
    return ExplorerService(world.context)


def bitcoin(world: World, source: str, **changes: Any) -> ChainStats:
    """Everything about Bitcoin, as one source says it now."""
    stats = ChainStats(
        chain=BITCOIN,
        source=source,
        as_of=world.clock(),
        latest_block=block(transactions=3000, size_bytes=1_500_000),
        hash_rate=HASH_RATE,
        difficulty=DIFFICULTY,
        mempool_transactions=40_000,
        mempool_vbytes=25_000_000,
        transactions_24h=420_000,
        average_fee_usd_24h=1.25,
    )
    return msgspec.structs.replace(stats, **changes)


def ethereum(world: World, source: str, height: int = ETHEREUM_HEIGHT, **changes: Any) -> ChainStats:
    """Ethereum, as one source says it now."""
    stats = ChainStats(
        chain=ETHEREUM,
        source=source,
        as_of=world.clock(),
        latest_block=BlockInfo(chain=ETHEREUM, height=height, hash=f"0x{height}", time=world.clock() - 5),
        transactions_24h=1_800_000,
        average_fee_usd_24h=0.3,
    )
    return msgspec.structs.replace(stats, **changes)


def rates(world: World, source: str, *values: float | None) -> FeeRates:
    """Fee rates, fastest first."""
    names = ("fastest", "half_hour", "hour", "economy", "minimum")
    chosen = dict(zip(names, values or (9.0, 7.0, 5.0, 2.0, 1.0), strict=True))
    return FeeRates(source=source, as_of=world.clock(), **chosen)


def refresh_all(service: ExplorerService) -> None:
    """One run of every job."""
    service.refresh_bitcoin()
    service.refresh_bitcoin_tip()
    service.refresh_ethereum()
    service.refresh_fee_rates()
    for chain in (BITCOIN, ETHEREUM):
        service.refresh_day(chain)


class TestLive:
    def test_documented_keys(self, world: World, service: ExplorerService) -> None:
        """The flat keys are Bitcoin's."""
        refresh_all(service)
        payload = published(service)
        assert (payload["status"], payload["reason"], payload["demo"]) == ("live", None, False)
        assert payload["latest_block"] == HEIGHT
        assert payload["network_hashrate"] == HASH_RATE
        assert payload["difficulty"] == DIFFICULTY
        assert payload["mempool_size"] == 40_000
        assert payload["mempool_vbytes"] == 25_000_000
        assert payload["transactions_count"] == 420_000
        assert payload["block_time"] == "2026-11-20T23:58:20.000Z"
        assert payload["timestamp"] == "2026-11-21T00:00:00.000Z"

    def test_chains(self, world: World, service: ExplorerService) -> None:
        """Each with what it has; null where a chain has no such thing."""
        refresh_all(service)
        chains = published(service)["chains"]
        assert list(chains) == [BITCOIN, ETHEREUM]
        assert chains[BITCOIN]["block_transactions"] == 3000
        assert chains[BITCOIN]["block_size"] == 1_500_000
        assert chains[BITCOIN]["hashrate_estimated"] is False
        assert chains[BITCOIN]["average_fee_usd"] == 1.25
        assert chains[BITCOIN]["fee_rates"] == {"fastest": 9, "half_hour": 7, "hour": 5, "economy": 2, "minimum": 1}
        assert chains[ETHEREUM]["latest_block"] == ETHEREUM_HEIGHT
        assert chains[ETHEREUM]["transactions_count"] == 1_800_000
        assert chains[ETHEREUM]["network_hashrate"] is None
        assert chains[ETHEREUM]["fee_rates"] is None

    def test_parts_name_their_sources(self, world: World, service: ExplorerService) -> None:
        """And since when their data stand."""
        refresh_all(service)
        payload = published(service)
        assert part_of(payload, "bitcoin_mining") == ("live", "mempool_space", None)
        assert part_of(payload, "bitcoin_block") == ("live", "blockstream", None)
        assert part_of(payload, "bitcoin_transactions") == ("live", "blockchair", None)
        assert part_of(payload, "ethereum_block") == ("live", FIRST, None)
        assert payload["parts"]["bitcoin_mempool"]["as_of"] == "2026-11-21T00:00:00.000Z"

    def test_only_the_best_sources_are_asked(self, world: World, service: ExplorerService) -> None:
        """The others have budgets to keep."""
        refresh_all(service)
        assert sorted(set(world.asked())) == ["blockchair", "blockstream", FIRST, "mempool_space"]

    def test_an_estimated_hash_rate_says_so(self, world: World, service: ExplorerService) -> None:
        """Some sources know the difficulty alone."""
        world.say("mempool_space", "bitcoin_stats", bitcoin(world, "mempool_space", hash_rate_estimated=True))
        service.refresh_bitcoin()
        assert published(service)["chains"][BITCOIN]["hashrate_estimated"] is True

    def test_the_payload_fits_its_schema(self, world: World, service: ExplorerService) -> None:
        """What is documented is what is sent, before and after the first answers."""
        msgspec.convert(published(service), Explorers)
        refresh_all(service)
        msgspec.convert(published(service), Explorers)

    def test_demo(self, world: World, service: ExplorerService) -> None:
        """A simulated internet is named as one."""
        world.context.demo = True
        assert published(service)["demo"] is True


class TestPublishing:
    def test_it_never_asks(self, world: World, service: ExplorerService) -> None:
        """Whatever is missing."""
        published(service)
        assert world.asked() == []

    def test_jobs(self, world: World, service: ExplorerService) -> None:
        """The documented interval for the payload, the sources' pace for the rest."""
        plan = Plan()
        service.schedule(plan)  # type: ignore[arg-type]
        assert plan.jobs["publish_explorers"][0] == 10
        assert plan.jobs["explorers_bitcoin_collection"][0] == 60
        assert plan.jobs["explorers_bitcoin_tip_collection"] == (
            60,
            plan.jobs["explorers_bitcoin_tip_collection"][1],
            30,
        )
        assert plan.jobs["explorers_ethereum_collection"][0] == 15
        for job in plan.calls.values():
            job()
        assert published(service)["status"] == "live"

    def test_a_day_of_it_stays_within_the_budgets(self, world: World, service: ExplorerService) -> None:
        """The points of whoever counts the day are few."""
        for _ in range(24 * 20):
            for chain in (BITCOIN, ETHEREUM):
                service.refresh_day(chain)
            world.clock.advance(180)
        asked = world.asked()
        assert asked.count("blockchair") <= 2 * 24 * 4


class TestTrouble:
    def test_nothing_has_come(self, service: ExplorerService) -> None:
        """No zeros, no silence."""
        payload = published(service)
        assert payload["status"] == "starting"
        assert "nothing has come yet" in payload["reason"]
        assert payload["latest_block"] is payload["network_hashrate"] is payload["mempool_size"] is None
        assert payload["chains"][ETHEREUM]["latest_block"] is None

    def test_everybody_is_silent(self, world: World, service: ExplorerService) -> None:
        """The reason has every source's own words."""
        world.internet.words.clear()
        refresh_all(service)
        payload = published(service)
        assert payload["status"] == "down"
        reason = part_of(payload, "bitcoin_mempool")[2]
        assert reason is not None
        assert all(name in reason for name in ("mempool_space", "blockstream", "blockchain_info", "blockchair"))

    def test_one_part_is_missing(self, world: World, service: ExplorerService) -> None:
        """The rest is as good as ever."""
        world.say("mempool_space", "fee_rates", None)
        refresh_all(service)
        payload = published(service)
        assert payload["status"] == "degraded"
        assert payload["reason"].startswith("bitcoin_fee_rates: mempool_space fee_rates: no answer in time")
        assert payload["latest_block"] == HEIGHT
        assert payload["chains"][BITCOIN]["fee_rates"] is None

    def test_what_is_old_says_so(self, world: World, service: ExplorerService) -> None:
        """The last values stay, with their age and the reason."""
        refresh_all(service)
        world.internet.words.clear()
        world.clock.advance(6000)
        refresh_all(service)
        payload = published(service)
        assert payload["status"] == "stale"
        assert payload["latest_block"] == HEIGHT
        assert payload["parts"]["bitcoin_block"]["as_of"] == "2026-11-21T00:00:00.000Z"
        assert "no answer in time" in payload["parts"]["bitcoin_block"]["reason"]

    def test_recovery(self, world: World, service: ExplorerService) -> None:
        """From down to live with the first good round."""
        words, world.internet.words = world.internet.words, {}
        refresh_all(service)
        assert published(service)["status"] == "down"
        world.internet.words = words
        world.clock.advance(120)
        refresh_all(service)
        assert published(service)["status"] == "live"

    def test_failover_and_back(self, world: World, service: ExplorerService) -> None:
        """The next explorer stands in until the first is back."""
        word = world.internet.words["mempool_space", "bitcoin_stats"]
        service.refresh_bitcoin()
        world.clock.advance(60)
        world.say("mempool_space", "bitcoin_stats", RateLimited("mempool_space", "blocks", "slow down", 429, 30))
        service.refresh_bitcoin()
        assert part_of(published(service), "bitcoin_mining")[:2] == ("live", "blockstream")
        world.say("mempool_space", "bitcoin_stats", word)
        world.clock.advance(60)
        service.refresh_bitcoin()
        assert part_of(published(service), "bitcoin_mining")[:2] == ("live", "mempool_space")
        assert world.context.pools["explorers_bitcoin"].status().failover_count == 2

    def test_explorers_stand_in_for_nodes(self, world: World, service: ExplorerService) -> None:
        """Ethereum's height comes from wherever it can."""
        world.say(FIRST, "ethereum_stats", None)
        world.say(SECOND, "ethereum_stats", None)
        service.refresh_ethereum()
        assert part_of(published(service), "ethereum_block")[:2] == ("live", "blockchair")

    def test_another_source_completes_an_answer(self, world: World, service: ExplorerService) -> None:
        """One request of several failed."""
        world.say("mempool_space", "bitcoin_stats", bitcoin(world, "mempool_space", mempool_transactions=None))
        service.refresh_bitcoin()
        payload = published(service)
        assert part_of(payload, "bitcoin_mining")[1] == "mempool_space"
        assert part_of(payload, "bitcoin_mempool")[1] == "blockstream"

    def test_the_expensive_source_is_not_asked_every_minute(self, world: World, service: ExplorerService) -> None:
        """When all others are down, its pace is kept, and what it said stands."""
        for name in ("mempool_space", "blockstream", "blockchain_info"):
            world.say(name, "bitcoin_stats", None)
        for _ in range(30):
            service.refresh_bitcoin()
            world.clock.advance(60)
        assert world.asked().count("blockchair") == 2

    def test_a_source_that_only_some_chains_have(self, world: World, service: ExplorerService) -> None:
        """It is not asked about the others."""
        service.refresh_day(ETHEREUM)
        assert [source.name for source in world.context.pools["explorers_ethereum_day"].sources] == ["blockchair"]

    def test_a_node_that_was_found_unfit(self, world: World, service: ExplorerService) -> None:
        """What the checks of nodes published is heeded."""
        row = dict.fromkeys(NodeInfo.__struct_fields__) | {"name": FIRST, "chain": ETHEREUM, "host": "one.example"}
        world.broker.publish("rpc_nodes", {"nodes": [row | {"status": "wrong_chain", "reason": "serves another"}]})
        service.refresh_ethereum()
        assert part_of(published(service), "ethereum_block")[:2] == ("live", SECOND)
        assert world.asked() == [SECOND]

    def test_an_outsider_speaks_of_another_chain(self, world: World, service: ExplorerService) -> None:
        """A node that serves the wrong chain is passed over."""
        world.say(FIRST, "ethereum_stats", bitcoin(world, FIRST))
        service.refresh_ethereum()
        assert part_of(published(service), "ethereum_block")[1] == SECOND


class TestHeights:
    def test_they_do_not_go_backwards(self, world: World, service: ExplorerService) -> None:
        """The stand-in is two blocks behind."""
        service.refresh_bitcoin()
        world.say("mempool_space", "bitcoin_stats", None)
        late = bitcoin(world, "blockstream", latest_block=block(HEIGHT - 2))
        world.say("blockstream", "bitcoin_stats", late)
        world.clock.advance(60)
        service.refresh_bitcoin()
        payload = published(service)
        assert payload["latest_block"] == HEIGHT
        assert part_of(payload, "bitcoin_mempool")[1] == "blockstream"

    def test_a_new_block_between_two_full_looks(self, world: World, service: ExplorerService) -> None:
        """The other host tells it."""
        service.refresh_bitcoin()
        world.clock.advance(30)
        world.say("blockstream", "blocks", [block(HEIGHT + 1), block()])
        service.refresh_bitcoin_tip()
        payload = published(service)
        assert (payload["latest_block"], payload["block_hash"]) == (HEIGHT + 1, f"a{HEIGHT + 1}")
        assert part_of(payload, "bitcoin_block")[1] == "blockstream"

    def test_a_height_that_cannot_be(self, world: World, service: ExplorerService) -> None:
        """One source is wrong by ten; the next one is asked."""
        service.refresh_bitcoin()
        world.clock.advance(60)
        world.say("mempool_space", "bitcoin_stats", bitcoin(world, "mempool_space", latest_block=block(HEIGHT * 10)))
        service.refresh_bitcoin()
        payload = published(service)
        assert payload["latest_block"] == HEIGHT
        assert part_of(payload, "bitcoin_block")[:2] == ("live", "blockstream")
        assert "far off what is known" in (world.sources["mempool_space"].trouble or "")

    def test_a_first_height_that_cannot_be(self, world: World, service: ExplorerService) -> None:
        """There is nothing to compare it with but the calendar."""
        world.say("mempool_space", "bitcoin_stats", bitcoin(world, "mempool_space", latest_block=block(HEIGHT * 10)))
        service.refresh_bitcoin()
        assert published(service)["latest_block"] == HEIGHT
        assert part_of(published(service), "bitcoin_block")[1] == "blockstream"

    def test_a_reorganisation_is_reported(self, world: World, service: ExplorerService) -> None:
        """The newest block is another one now."""
        service.refresh_bitcoin()
        assert published(service)["chains"][BITCOIN]["reorganisation"] is None
        world.clock.advance(60)
        replaced = bitcoin(world, "mempool_space", latest_block=block(branch="b", previous_hash=f"a{HEIGHT - 1}"))
        world.say("mempool_space", "bitcoin_stats", replaced)
        service.refresh_bitcoin()
        payload = published(service)
        assert payload["block_hash"] == f"b{HEIGHT}"
        assert payload["chains"][BITCOIN]["reorganisation"] == {
            "height": HEIGHT,
            "depth": 1,
            "source": "mempool_space",
            "time": "2026-11-21T00:01:00.000Z",
        }

    def test_a_source_that_hangs(self, world: World, service: ExplorerService) -> None:
        """It still answers, but its newest block is hours old."""
        world.say(
            "mempool_space", "bitcoin_stats", bitcoin(world, "mempool_space", latest_block=block(time=NOW - 4 * 3600))
        )
        service.refresh_bitcoin()
        assert part_of(published(service), "bitcoin_block")[1] == "blockstream"
        assert "240 minutes old" in (world.sources["mempool_space"].trouble or "")

    def test_a_chain_that_halts(self, world: World, service: ExplorerService) -> None:
        """All sources agree, and still it is not live."""
        service.refresh_ethereum()
        made_at = world.clock()
        for name in (FIRST, SECOND, "blockchair", "blockcypher"):
            newest = BlockInfo(chain=ETHEREUM, height=ETHEREUM_HEIGHT, time=made_at)
            world.say(name, "ethereum_stats", ethereum(world, name, latest_block=newest))
        world.clock.advance(600)
        service.refresh_ethereum()
        status, _, reason = part_of(published(service), "ethereum_block")
        assert status == "stale"
        assert "10 minutes old" in (reason or "")

    @pytest.mark.parametrize("time", [NOW + 10**6, -1.0, 0.0])
    def test_a_block_of_a_time_that_cannot_be(self, world: World, service: ExplorerService, time: float) -> None:
        """Then its time is not known."""
        world.say("mempool_space", "bitcoin_stats", bitcoin(world, "mempool_space", latest_block=block(time=time)))
        service.refresh_bitcoin()
        payload = published(service)
        assert (payload["latest_block"], payload["block_time"]) == (HEIGHT, None)


class TestHostileValues:
    @pytest.mark.parametrize(
        ("changes", "part"),
        [
            ({"hash_rate": 0.0}, "bitcoin_mining"),
            ({"hash_rate": -1.0}, "bitcoin_mining"),
            ({"hash_rate": HASH_RATE / 1e9}, "bitcoin_mining"),
            ({"hash_rate": HASH_RATE * 10}, "bitcoin_mining"),
            ({"difficulty": 0.0, "hash_rate": None}, "bitcoin_mining"),
            ({"difficulty": -5.0}, "bitcoin_mining"),
            ({"mempool_transactions": -1}, "bitcoin_mempool"),
            ({"mempool_transactions": 10**12}, "bitcoin_mempool"),
            ({"as_of": NOW + 3600}, "bitcoin_mempool"),
            ({"latest_block": block(-5)}, "bitcoin_block"),
        ],
    )
    def test_the_next_source_is_asked_instead(
        self, world: World, service: ExplorerService, changes: dict[str, Any], part: str
    ) -> None:
        """What cannot be never shows."""
        world.say("mempool_space", "bitcoin_stats", bitcoin(world, "mempool_space", **changes))
        service.refresh_bitcoin()
        payload = published(service)
        assert part_of(payload, part) == ("live", "blockstream", None)
        assert payload["network_hashrate"] == HASH_RATE
        assert payload["mempool_size"] == 40_000
        assert world.sources["mempool_space"].status().failed == 1

    def test_both_figures_of_mining_wrong_by_ten(self, world: World, service: ExplorerService) -> None:
        """They fit each other, but not what is known."""
        service.refresh_bitcoin()
        world.clock.advance(60)
        wrong = bitcoin(world, "mempool_space", hash_rate=HASH_RATE * 10, difficulty=DIFFICULTY * 10)
        world.say("mempool_space", "bitcoin_stats", wrong)
        service.refresh_bitcoin()
        payload = published(service)
        assert payload["difficulty"] == DIFFICULTY
        assert part_of(payload, "bitcoin_mining")[:2] == ("live", "blockstream")

    def test_a_wrong_first_figure_does_not_last(self, world: World, service: ExplorerService) -> None:
        """What is held is no measure any more once it is old."""
        wrong = bitcoin(world, "mempool_space", hash_rate=HASH_RATE * 10, difficulty=DIFFICULTY * 10)
        world.say("mempool_space", "bitcoin_stats", wrong)
        service.refresh_bitcoin()
        world.say("mempool_space", "bitcoin_stats", lambda: bitcoin(world, "mempool_space"))
        for _ in range(40):
            world.clock.advance(60)
            service.refresh_bitcoin()
        assert published(service)["difficulty"] == DIFFICULTY

    @pytest.mark.parametrize("count", [0, -1, 10**15])
    def test_a_day_that_cannot_be(self, world: World, service: ExplorerService, count: int) -> None:
        """Chains do not pause for a day."""
        world.say("blockchair", "bitcoin_stats", bitcoin(world, "blockchair", transactions_24h=count))
        service.refresh_day(BITCOIN)
        assert part_of(published(service), "bitcoin_transactions")[1] == "blockchain_info"

    def test_a_day_far_off_the_last_one(self, world: World, service: ExplorerService) -> None:
        """Wrong by ten; whoever counts too is asked instead."""
        service.refresh_day(BITCOIN)
        world.clock.advance(1800)
        world.say("blockchair", "bitcoin_stats", bitcoin(world, "blockchair", transactions_24h=4_200_000))
        service.refresh_day(BITCOIN)
        payload = published(service)
        assert payload["transactions_count"] == 420_000
        assert part_of(payload, "bitcoin_transactions")[1] == "blockchain_info"

    def test_a_fee_that_cannot_be_is_not_known(self, world: World, service: ExplorerService) -> None:
        """The number of transactions beside it is."""
        world.say("blockchair", "bitcoin_stats", bitcoin(world, "blockchair", average_fee_usd_24h=1e9))
        service.refresh_day(BITCOIN)
        overview = published(service)["chains"][BITCOIN]
        assert (overview["transactions_count"], overview["average_fee_usd"]) == (420_000, None)

    @pytest.mark.parametrize(
        "values",
        [
            (None, None, None, None, None),
            (1.0, 2.0, 3.0, 4.0, 5.0),
            (-1.0, None, None, None, None),
            (1e9, 7.0, 5.0, 2.0, 1.0),
        ],
    )
    def test_fee_rates_that_cannot_be(self, world: World, service: ExplorerService, values: tuple[Any, ...]) -> None:
        """Nobody is told to pay a fortune, or less for more."""
        world.say("mempool_space", "fee_rates", rates(world, "mempool_space", *values))
        service.refresh_fee_rates()
        payload = published(service)
        assert payload["chains"][BITCOIN]["fee_rates"] is None
        assert part_of(payload, "bitcoin_fee_rates")[0] == "down"

    def test_some_fee_rates_are_enough(self, world: World, service: ExplorerService) -> None:
        """The others are not known."""
        world.say("mempool_space", "fee_rates", rates(world, "mempool_space", 9.0, None, 5.0, None, None))
        service.refresh_fee_rates()
        assert published(service)["chains"][BITCOIN]["fee_rates"]["half_hour"] is None

    def test_an_empty_list_of_blocks(self, world: World, service: ExplorerService) -> None:
        """The other host is asked."""
        world.say("blockstream", "blocks", [])
        service.refresh_bitcoin_tip()
        assert part_of(published(service), "bitcoin_block")[1] == "mempool_space"

    def test_partial_answers_of_everybody(self, world: World, service: ExplorerService) -> None:
        """What is known is shown, what is not is null and says why."""
        for name in ("mempool_space", "blockstream", "blockchain_info", "blockchair"):
            world.say(name, "bitcoin_stats", bitcoin(world, name, hash_rate=None, difficulty=None))
        service.refresh_bitcoin()
        payload = published(service)
        assert payload["network_hashrate"] is None
        assert part_of(payload, "bitcoin_mining") == ("down", None, "no source has anything newer")
        assert payload["mempool_size"] == 40_000


def test_errors_count_once(world: World, service: ExplorerService) -> None:
    """A source that fails is one failure, however many parts lack."""
    world.say("mempool_space", "bitcoin_stats", UpstreamTimeout("mempool_space", "blocks", "too slow"))
    service.refresh_bitcoin()
    assert world.sources["mempool_space"].status().failed == 1
