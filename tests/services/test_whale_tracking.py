"""The service ``whale_tracking`` over stub chains: what clients get, in good times and bad."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from tests.services.doubles import NOW, Clock, DictCache, JobList, context_of, jobs_of, set_prices
from tests.services.whale_stubs import StubAlerts, StubExplorer, StubNode, block_of, hash_of, transfer_in
from websocket import codec
from websocket.chain_records import BlockInfo, Transfer
from websocket.errors import UpstreamStatus
from websocket.records import to_rfc3339
from websocket.services.whale_tracking import WhaleTracking, WhaleTrackingService
from websocket.settings import Settings, WhaleSettings

EXPLORERS = ("first_explorer", "second_explorer")

SETTINGS = dataclasses.replace(
    Settings(),
    whales=WhaleSettings(
        block_providers=EXPLORERS,
        transaction_providers=EXPLORERS,
        mempool_providers=EXPLORERS,
        transfer_providers=("alerts",),
    ),
)


class World:
    """The service and the chains that it looks at."""

    def __init__(self, clock: Clock, cache: DictCache) -> None:
        self.clock = clock
        self.cache = cache
        self.explorers = [StubExplorer(name) for name in EXPLORERS]
        self.nodes = [StubNode("ethereum:one"), StubNode("ethereum:two")]
        self.alerts = StubAlerts("alerts")
        self.tip = 800_000
        self.eth_tip = 20_000_000
        self.new_bitcoin_block()
        self.new_ethereum_block()
        self.start()

    def start(self) -> None:
        """Builds the service, as after a restart."""
        self.context = context_of(
            [*self.explorers, *self.nodes, self.alerts], self.clock, settings=SETTINGS, cache=self.cache
        )
        self.service = WhaleTrackingService(self.context)
        self.jobs: JobList = jobs_of(self.service)

    def new_bitcoin_block(
        self, *, branch: str = "a", parent: str | None = None, height: int | None = None
    ) -> BlockInfo:
        self.tip = height or self.tip + 1
        block = block_of("bitcoin", self.tip, self.clock() - 5, branch, parent)
        for explorer in self.explorers:
            explorer.add(block)
        return block

    def new_ethereum_block(
        self, *, branch: str = "a", parent: str | None = None, height: int | None = None
    ) -> BlockInfo:
        self.eth_tip = height or self.eth_tip + 1
        block = block_of("ethereum", self.eth_tip, self.clock() - 5, branch, parent)
        for node in self.nodes:
            node.add(block)
        return block

    def fill(self, block: BlockInfo, *transfers: Transfer, tokens: tuple[Transfer, ...] = ()) -> None:
        """Writes transfers into a block."""
        if block.chain == "bitcoin":
            for explorer in self.explorers:
                explorer.contents[block.hash or ""] = list(transfers)
        else:
            for node in self.nodes:
                node.add(block, *transfers, tokens=tokens)

    def run(self, *names: str) -> WhaleTracking:
        """Runs jobs, all refreshes unless some are named; gives what is published then."""
        chosen = names or ("bitcoin blocks", "bitcoin mempool", "bitcoin details", "ethereum")
        for name in chosen:
            self.jobs.jobs[f"whale_tracking_{name.replace(' ', '_')}_collection"]()
        return self.published()

    def published(self) -> WhaleTracking:
        """What clients get now; it is what its type says."""
        self.jobs.jobs["publish_whale_tracking"]()
        publication = self.context.broker.last("whale_tracking")
        assert publication is not None
        return msgspec.convert(codec.decode(publication.body), WhaleTracking)

    def fresh_prices(self) -> None:
        set_prices(self.context.book, self.clock, {"BTC": 60_000.0, "ETH": 3_000.0, "USDT": 1.0, "USDC": 1.0})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock, DictCache())


class TestNormalTimes:
    def test_interval_and_shape(self, world: World) -> None:
        """Published every 15 s, with the documented keys."""
        assert world.jobs.intervals["publish_whale_tracking"] == 15
        world.run()
        publication = world.context.broker.last("whale_tracking")
        assert publication is not None
        assert {"large_transactions", "whale_wallets", "total_volume", "alert_threshold"} <= publication.data.keys()
        assert publication.data["alert_threshold"] == 1_000_000

    def test_quiet_chains_are_live(self, world: World) -> None:
        """No large transactions are an empty list and a volume of zero, not a failure."""
        payload = world.run()
        assert (payload.status, payload.large_transactions, payload.total_volume) == ("live", [], 0.0)
        assert payload.parts["alerts"].status == "unconfigured"

    def test_nothing_yet_is_null(self, world: World) -> None:
        """Before the first block the volume is not known, and every part says why."""
        payload = world.published()
        assert (payload.status, payload.total_volume, payload.volume_since) == ("starting", None, None)

    def test_coins_and_tokens_of_ethereum(self, world: World) -> None:
        """Ether from the block, stablecoins from its events, both with the block's time."""
        block = world.new_ethereum_block()
        world.fill(
            block,
            transfer_in(block, "ether", "ETH", 1000.0, sender="0x28c6c06298d514db089934071355e5743bf21d60"),
            transfer_in(block, "dust", "ETH", 0.1),
            tokens=(transfer_in(block, "tether", "USDT", 2e6, index=4), transfer_in(block, "circle", "USDC", 999.0)),
        )
        payload = world.run("ethereum")
        found = {move.asset: move for move in payload.large_transactions}
        assert {asset: move.value for asset, move in found.items()} == {"ETH": 3e6, "USDT": 2e6}
        assert found["ETH"].from_label == "Binance 14"
        assert found["USDT"].timestamp == found["ETH"].timestamp == to_rfc3339(block.time or 0)
        assert payload.total_volume == 5e6

    def test_change_does_not_count(self, world: World) -> None:
        """A sum of outputs is looked into before anything is said about it."""
        block = world.new_bitcoin_block()
        world.fill(
            block,
            transfer_in(block, "real", "BTC", 100.0, includes_change=True),
            transfer_in(block, "change", "BTC", 500.0, includes_change=True),
            transfer_in(block, "own", "BTC", 300.0, includes_change=True),
            transfer_in(block, "small", "BTC", 1.0, includes_change=True),
        )
        world.explorers[0].transactions = {
            hash_of("real"): transfer_in(block, "real", "BTC", 90.0),
            hash_of("change"): transfer_in(block, "change", "BTC", 0.5),
        }
        payload = world.run("bitcoin blocks")
        assert (payload.large_transactions, payload.unverified) == ([], 3)
        payload = world.run("bitcoin details")
        assert [(move.hash, move.amount) for move in payload.large_transactions] == [(hash_of("real"), 90.0)]
        assert payload.unverified == 0
        world.run("bitcoin details")
        assert sum(asked.startswith("transaction/") for asked in world.explorers[0].asked) == 3

    def test_waiting_transaction_is_confirmed_once(self, world: World) -> None:
        """It is neither doubled nor looked into again when its block comes."""
        waiting = Transfer(chain="bitcoin", source="stub", hash=hash_of("wait"), asset="BTC", amount=50.0)
        world.explorers[0].waiting = [waiting]
        (move,) = world.run().large_transactions
        assert (move.confirmed, move.block) == (False, None)
        block = world.new_bitcoin_block()
        world.fill(block, transfer_in(block, "wait", "BTC", 70.0, includes_change=True))
        payload = world.run()
        (move,) = payload.large_transactions
        assert (move.confirmed, move.block, move.amount) == (True, block.height, 50.0)
        assert payload.total_volume == 3e6
        assert payload.unverified == 0

    def test_newest_first_and_bounded(self, world: World) -> None:
        """However many there are, a publication has at most the newest hundred."""
        block = world.new_ethereum_block()
        world.fill(block, *(transfer_in(block, f"n{number}", "ETH", 1000.0) for number in range(150)))
        world.run("ethereum")
        world.clock.advance(12)
        later = world.new_ethereum_block()
        world.fill(later, transfer_in(later, "newest", "ETH", 1000.0))
        moves = world.run("ethereum").large_transactions
        assert len(moves) == 100
        assert moves[0].hash == hash_of("newest")

    def test_publishing_asks_nobody(self, world: World) -> None:
        """Whatever the age of what is known."""
        world.clock.advance(10_000)
        world.published()
        assert all(provider.asked == [] for provider in (*world.explorers, *world.nodes))


class TestChainsThatChange:
    def test_missed_blocks_are_read(self, world: World) -> None:
        """What came between two looks is found."""
        world.run()
        blocks = [world.new_ethereum_block() for _ in range(3)]
        for node in world.nodes:
            for block in blocks:
                node.add(block, transfer_in(block, f"in {block.height}", "ETH", 1000.0))
        assert len(world.run("ethereum").large_transactions) == 3

    def test_long_pause_is_caught_up_in_part_and_says_so(self, world: World) -> None:
        """Only the last blocks are read, over several rounds, and the volume says since when it is whole."""
        world.run()
        world.clock.advance(1800)
        world.fresh_prices()
        for _ in range(100):
            world.new_ethereum_block()
        assert world.run("ethereum").parts["ethereum_blocks"].status == "stale"
        for _ in range(3):
            payload = world.run("ethereum")
        read = {asked for asked in world.nodes[0].asked if asked.startswith("block/") and "latest" not in asked}
        assert len(read) == 11
        assert payload.parts["ethereum_blocks"].status == "live"
        assert payload.volume_since == to_rfc3339(world.clock())

    def test_blocks_that_no_source_lists_are_given_up(self, world: World) -> None:
        """They do not keep the part from being live, and the volume says since when it is whole."""
        world.run()
        world.clock.advance(1200)
        world.fresh_prices()
        for _ in range(11):
            world.new_bitcoin_block()
        for explorer in world.explorers:
            explorer.blocks = explorer.blocks[:5]
        for _ in range(2):
            world.run("bitcoin blocks")
        payload = world.run("bitcoin blocks")
        assert payload.parts["bitcoin_blocks"].status == "live"
        assert payload.volume_since == to_rfc3339(world.clock())

    def test_reorganisation_of_ethereum_counts_once(self, world: World) -> None:
        """Transactions of replaced blocks are dropped, or counted in their new block."""
        old = world.new_ethereum_block()
        world.fill(
            old,
            transfer_in(old, "kept", "ETH", 1000.0),
            transfer_in(old, "lost", "ETH", 2000.0),
            tokens=(transfer_in(old, "token", "USDC", 3e6, index=1),),
        )
        assert world.run("ethereum").total_volume == 12e6
        new = world.new_ethereum_block(branch="b", parent="a", height=old.height)
        world.fill(
            new,
            transfer_in(new, "kept", "ETH", 1000.0),
            tokens=(transfer_in(new, "token", "USDC", 3e6, index=9),),
        )
        payload = world.run("ethereum")
        assert payload.total_volume == 6e6
        assert {move.hash for move in payload.large_transactions} == {hash_of("kept"), hash_of("token")}

    def test_reorganisation_below_the_tip(self, world: World) -> None:
        """The replaced parent is found by what its child says, and read again."""
        old = world.new_ethereum_block()
        world.fill(old, transfer_in(old, "lost", "ETH", 2000.0))
        world.run("ethereum")
        new = world.new_ethereum_block(branch="b", parent="a", height=old.height)
        world.fill(new, transfer_in(new, "found", "ETH", 1000.0))
        world.new_ethereum_block(branch="b")
        payload = world.run("ethereum")
        assert [move.hash for move in payload.large_transactions] == [hash_of("found")]

    def test_reorganisation_of_bitcoin_counts_once(self, world: World) -> None:
        """Also a transaction whose details are known already comes again in its new block."""
        old = world.new_bitcoin_block()
        world.fill(old, transfer_in(old, "moved", "BTC", 100.0), transfer_in(old, "lost", "BTC", 100.0))
        world.run("bitcoin blocks")
        new = world.new_bitcoin_block(branch="b", parent="a", height=old.height)
        world.fill(new, transfer_in(new, "moved", "BTC", 100.0))
        payload = world.run("bitcoin blocks")
        assert [(move.hash, move.block) for move in payload.large_transactions] == [(hash_of("moved"), new.height)]

    def test_candidates_of_a_replaced_block_come_again(self, world: World) -> None:
        """Looked into before or not, they are counted in the block that stays."""
        old = world.new_bitcoin_block()
        world.fill(old, transfer_in(old, "gross", "BTC", 100.0, includes_change=True))
        world.explorers[0].transactions[hash_of("gross")] = transfer_in(old, "gross", "BTC", 80.0)
        world.run("bitcoin blocks", "bitcoin details")
        new = world.new_bitcoin_block(branch="b", parent="a", height=old.height)
        world.fill(new, transfer_in(new, "gross", "BTC", 100.0, includes_change=True))
        assert world.run("bitcoin blocks").large_transactions == []
        world.explorers[0].transactions[hash_of("gross")] = transfer_in(new, "gross", "BTC", 80.0)
        (move,) = world.run("bitcoin details").large_transactions
        assert move.block == new.height

    def test_restart_goes_on(self, world: World) -> None:
        """Transactions are there at once; blocks that came meanwhile are read; nothing is read twice."""
        block = world.new_ethereum_block()
        world.fill(block, transfer_in(block, "before", "ETH", 1000.0))
        world.run()
        world.jobs.jobs["save_whale_tracking"]()
        missed = [world.new_ethereum_block() for _ in range(2)]
        for node in world.nodes:
            node.asked.clear()
            for info in missed:
                node.add(info, transfer_in(info, f"in {info.height}", "ETH", 1000.0))
        world.start()
        assert [move.hash for move in world.published().large_transactions] == [hash_of("before")]
        assert len(world.run("ethereum").large_transactions) == 3
        assert not any(f"block/{block.height}" in asked for asked in world.nodes[0].asked)

    def test_unreadable_state_is_passed_over(self, world: World) -> None:
        """A damaged cache costs the history, not the service."""
        world.cache.values["whale_tracking"] = b'{"moves": [1, 2]}'
        world.start()
        assert world.run().status == "live"


class TestTrouble:
    def test_one_chain_down_is_degraded_with_the_reason(self, world: World) -> None:
        """The other goes on."""
        world.run()
        for node in world.nodes:
            node.is_down = True
        world.clock.advance(300)
        world.new_bitcoin_block()
        payload = world.run()
        assert payload.status == "degraded"
        assert payload.parts["ethereum_blocks"].status == "stale"
        assert "no answer" in (payload.reason or "")
        assert payload.parts["bitcoin_blocks"].status == "live"

    def test_all_down_is_stale_and_recovers(self, world: World) -> None:
        """What is held stays, with its age; everything is live again as soon as somebody answers."""
        world.run()
        providers = [*world.explorers, *world.nodes]
        for provider in providers:
            provider.is_down = True
        world.clock.advance(600)
        assert world.run().status == "stale"
        for provider in providers:
            provider.is_down = False
        world.clock.advance(600)
        world.fresh_prices()
        world.new_bitcoin_block()
        world.new_ethereum_block()
        assert world.run().status == "live"

    def test_all_down_from_the_start_is_down(self, world: World) -> None:
        """Never zeros."""
        for provider in [*world.explorers, *world.nodes]:
            provider.is_down = True
        payload = world.run()
        assert (payload.status, payload.total_volume) == ("down", None)
        assert "no answer" in (payload.reason or "")

    def test_second_source_stands_in(self, world: World) -> None:
        """A failing explorer or node is replaced without a word to clients."""
        world.explorers[0].is_down = world.nodes[0].is_down = True
        payload = world.run()
        assert payload.status == "live"
        assert payload.parts["bitcoin_blocks"].source == "second_explorer"

    @pytest.mark.parametrize("height", [10**12, 800_500])
    def test_absurd_height_is_refused(self, world: World, height: int) -> None:
        """The next source is asked instead."""
        world.run()
        world.explorers[0].blocks = [block_of("bitcoin", height, world.clock())]
        world.run("bitcoin blocks")
        assert "far above" in (world.context.sources["first_explorer"].trouble or "")
        assert world.published().parts["bitcoin_blocks"].source == "second_explorer"

    def test_node_that_stopped_is_replaced(self, world: World) -> None:
        """An old newest block is no newest block."""
        world.clock.advance(1000)
        world.fresh_prices()
        info = world.new_ethereum_block()
        world.nodes[0].chain_blocks = {1: world.nodes[0].chain_blocks[info.height - 1]}
        payload = world.run("ethereum")
        assert payload.parts["ethereum_blocks"].source == "ethereum:two"

    def test_without_a_price_blocks_wait(self, world: World) -> None:
        """They are read when there is one, and until then the reason is told."""
        world.run()
        world.clock.advance(7200)
        block = world.new_ethereum_block()
        world.fill(block, transfer_in(block, "late", "ETH", 1000.0))
        assert "no recent dollar price of ETH" in (world.run("ethereum").reason or "")
        world.fresh_prices()
        assert len(world.run("ethereum").large_transactions) == 1

    def test_token_without_a_price_is_told_of(self, world: World) -> None:
        """It is not counted, and the service is not live."""
        world.clock.advance(7200)
        set_prices(world.context.book, world.clock, {"BTC": 60_000.0, "ETH": 3_000.0, "USDC": 1.0})
        world.new_bitcoin_block()
        block = world.new_ethereum_block()
        world.fill(block, tokens=(transfer_in(block, "tether", "USDT", 5e6, index=1),))
        payload = world.run()
        assert (payload.status, payload.total_volume) == ("degraded", 0.0)
        assert "lack of a dollar price: USDT" in (payload.reason or "")

    def test_failed_events_are_asked_for_again(self, world: World) -> None:
        """The block's coins are counted at once, its tokens when they come."""
        block = world.new_ethereum_block()
        world.fill(
            block,
            transfer_in(block, "ether", "ETH", 1000.0),
            tokens=(transfer_in(block, "tether", "USDT", 5e6, index=1),),
        )
        for node in world.nodes:
            node.answers["tokens"] = UpstreamStatus(node.name, "tokens", "too many events", 502)
        payload = world.run("ethereum")
        assert payload.total_volume == 3e6
        assert "too many events" in (payload.parts["ethereum_tokens"].reason or "")
        for node in world.nodes:
            node.answers.clear()
        assert world.run("ethereum").total_volume == 8e6

    def test_unknown_transaction_does_not_block_the_others(self, world: World) -> None:
        """After some trials it is left out."""
        block = world.new_bitcoin_block()
        world.fill(
            block,
            transfer_in(block, "gone", "BTC", 900.0, includes_change=True),
            transfer_in(block, "there", "BTC", 100.0, includes_change=True),
        )
        for explorer in world.explorers:
            explorer.answers[f"transaction/{hash_of('gone')}"] = UpstreamStatus(explorer.name, "tx", "not found", 404)
            explorer.transactions[hash_of("there")] = transfer_in(block, "there", "BTC", 100.0)
        world.run("bitcoin blocks")
        for _ in range(4):
            world.clock.advance(120)
            payload = world.run("bitcoin details")
        assert [move.hash for move in payload.large_transactions] == [hash_of("there")]
        assert payload.unverified == 0


class TestHostileContent:
    @pytest.mark.parametrize("amount", [float("nan"), float("inf"), 1e30, -1.0])
    def test_absurd_amounts_are_left_out(self, world: World, amount: float) -> None:
        """One lie does not spoil the rest."""
        block = world.new_ethereum_block()
        world.fill(block, transfer_in(block, "lie", "ETH", amount), transfer_in(block, "true", "ETH", 1000.0))
        payload = world.run("ethereum")
        assert [move.hash for move in payload.large_transactions] == [hash_of("true")]
        assert payload.total_volume == 3e6

    def test_markup_never_comes_out(self, world: World) -> None:
        """Neither as an address nor as an owner or an asset."""
        world.alerts.is_configured = True
        world.start()
        evil = "<script>alert(1)</script>"
        facts: dict[str, Any] = {
            "source": "alerts",
            "amount": 5e6,
            "amount_usd": 5e6,
            "sender": evil,
            "sender_owner": evil,
        }
        world.alerts.transfers = [
            Transfer(chain="solana", hash="a" * 64, asset="SOL2", **facts),
            Transfer(chain="solana", hash="b" * 64, asset=evil, **facts),
            Transfer(chain=evil, hash="c" * 64, asset="SOL2", **facts),
        ]
        payload = world.run("alerts")
        assert [move.hash for move in payload.large_transactions] == ["a" * 64]
        assert b"<script" not in codec.encode(payload)

    def test_events_of_another_block_are_refused(self, world: World) -> None:
        """They would be counted twice."""
        block = world.new_ethereum_block()
        other = block_of("ethereum", 5, NOW, "z")
        world.fill(block, tokens=(transfer_in(other, "token", "USDC", 5e6, index=1),))
        payload = world.run("ethereum")
        assert "events of another block" in (payload.parts["ethereum_tokens"].reason or "")
        assert payload.large_transactions == []


class TestAlerts:
    def test_keyed_source_adds_chains_and_doubles_nothing(self, world: World) -> None:
        """What the chains told already is recognised."""
        world.alerts.is_configured = True
        world.start()
        block = world.new_ethereum_block()
        world.fill(block, tokens=(transfer_in(block, "token", "USDC", 5e6, index=1),))
        world.run()
        world.alerts.transfers = [
            Transfer(
                chain="ethereum",
                source="alerts",
                hash=hash_of("token"),
                asset="USDC",
                amount=5e6,
                sender="0x" + "1" * 40,
                sender_owner="okx",
            ),
            Transfer(chain="tron", source="alerts", hash="d" * 64, asset="TRX", amount=1e8, amount_usd=2e7),
        ]
        payload = world.run("alerts")
        assert payload.total_volume == 25e6
        assert {move.from_label for move in payload.large_transactions} == {"okx", None}
        assert payload.parts["alerts"].status == "live"
