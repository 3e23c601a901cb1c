"""RPC nodes: states of nodes, lag against the best of their chain, new blocks, and what is published of all that."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.services.chain_support import NOW, Explorer, Node, Plan, World, part_of, published
from websocket.chain_records import NodeProbe
from websocket.errors import (
    AccessRefused,
    BadPayload,
    BudgetSpent,
    RateLimited,
    UpstreamError,
    UpstreamStatus,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from websocket.services.rpc_nodes import RpcNodeService
from websocket.services.rpc_nodes_payload import BELIEVED_FOR_S, RpcNodes, unfit_nodes

ONE, TWO, THREE = (f"ethereum:{name}.example" for name in ("one", "two", "three"))
SOLANA = "solana:four.example"
HEIGHT = 26_463_000
SOLANA_HEIGHT = 438_900_000


class Chains:
    """The true heights, and what each node says."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.heights = {"ethereum": HEIGHT, "solana": SOLANA_HEIGHT}
        self.behind: dict[str, int] = {}
        for name in world.sources:
            self.well(name)

    def well(self, name: str, **changes: Any) -> None:
        """A node answers; changed fields are what it says otherwise."""
        if ":" in name:
            self.world.say(name, "probe", lambda: self.probe(name, **changes))
            self.world.say(name, "height", lambda: self.probe(name, whole=False, **changes))

    def fails(self, name: str, error: UpstreamError | None = None) -> None:
        """A node answers nothing, or with an error."""
        self.world.say(name, "probe", error)
        self.world.say(name, "height", error)

    def probe(self, name: str, *, whole: bool = True, **changes: Any) -> NodeProbe:
        chain, host = name.split(":")
        evm = chain != "solana"
        said: dict[str, Any] = {"height": self.heights[chain] - self.behind.get(name, 0)}
        if whole:
            said |= {"chain_id": 1, "right_chain": True} if evm else {"slot": said["height"] + 22_000_000}
            said |= {"syncing": False}
        return NodeProbe(node=name, chain=chain, host=host, as_of=self.world.clock(), **{**said, **changes})

    def move(self, seconds: float = 60) -> None:
        """Time passes, and with it blocks."""
        self.world.clock.advance(seconds)
        self.heights["ethereum"] += round(seconds / 12)
        self.heights["solana"] += round(seconds / 0.4)


@pytest.fixture
def world() -> World:
    return World([Explorer("mempool_space", 60), Node(ONE), Node(TWO), Node(THREE), Node(SOLANA)])


@pytest.fixture
def chains(world: World) -> Chains:
    return Chains(world)


@pytest.fixture
def service(world: World, chains: Chains) -> RpcNodeService:
    return RpcNodeService(world.context)


def check_all(service: RpcNodeService) -> None:
    """One run of every job."""
    for name, source in service.context.sources.items():
        if isinstance(source.provider, Node):
            service.check(source.provider.chain, name)
    for chain in ("ethereum", "solana"):
        service.refresh_height(chain)


def node(payload: Any, name: str) -> dict[str, Any]:
    """One row of ``nodes``."""
    (row,) = [row for row in payload["nodes"] if f"{row['chain']}:{row['host']}" == name]
    return row


def status(payload: Any, name: str) -> tuple[str, str | None]:
    row = node(payload, name)
    return row["status"], row["reason"]


class TestHealthy:
    def test_payload(self, world: World, service: RpcNodeService) -> None:
        """Everything that was documented."""
        world.internet.takes_s = 0.0375
        check_all(service)
        payload = published(service)
        assert (payload["status"], payload["reason"]) == ("live", None)
        assert (payload["active_nodes"], payload["total_nodes"]) == (4, 4)
        assert payload["average_latency"] == 37.5
        assert payload["block_number"] == {"ethereum": HEIGHT, "solana": SOLANA_HEIGHT}
        assert node(payload, ONE) == {
            "name": ONE,
            "chain": "ethereum",
            "host": "one.example",
            "status": "healthy",
            "reason": None,
            "latency_ms": 37.5,
            "height": HEIGHT,
            "slot": None,
            "lag": 0,
            "chain_id": 1,
            "last_check": "2026-11-21T00:00:00.000Z",
            "last_success": "2026-11-21T00:00:00.000Z",
        }
        assert node(payload, SOLANA)["slot"] == SOLANA_HEIGHT + 22_000_000
        assert node(payload, SOLANA)["chain_id"] is None

    def test_parts_are_the_chains(self, world: World, service: RpcNodeService) -> None:
        """With who told the height."""
        check_all(service)
        assert part_of(published(service), "ethereum") == ("live", ONE, None)

    def test_other_providers_are_no_nodes(self, service: RpcNodeService) -> None:
        """Only nodes are listed."""
        assert published(service)["total_nodes"] == 4

    def test_the_payload_fits_its_schema(self, service: RpcNodeService) -> None:
        """Before and after the first checks."""
        msgspec.convert(published(service), RpcNodes)
        check_all(service)
        msgspec.convert(published(service), RpcNodes)

    def test_before_the_first_check(self, world: World, service: RpcNodeService) -> None:
        """The nodes are there, nothing is known, and nobody is asked."""
        payload = published(service)
        assert payload["status"] == "starting"
        assert status(payload, ONE) == ("unchecked", "not checked yet")
        assert (payload["active_nodes"], payload["average_latency"]) == (0, None)
        assert payload["block_number"] == {"ethereum": None, "solana": None}
        assert world.asked() == []


class TestJobs:
    def test_plan(self, world: World, service: RpcNodeService) -> None:
        """A check of each node in a minute, a second apart; heights three times as often."""
        plan = Plan()
        service.schedule(plan)  # type: ignore[arg-type]
        assert plan.jobs["publish_rpc_nodes"][0] == 20
        checks = {name: job for name, job in plan.jobs.items() if "_check_" in name}
        assert [delay_s for _, _, delay_s in checks.values()] == [0, 1, 2, 3]
        assert {interval_s for interval_s, _, _ in checks.values()} == {60}
        assert plan.jobs["rpc_nodes_ethereum_collection"][0] == 20
        for job in plan.calls.values():
            job()
        assert published(service)["active_nodes"] == 4

    def test_one_node_a_chain_is_asked_for_the_height(self, world: World, service: RpcNodeService) -> None:
        """The others rest."""
        check_all(service)
        assert world.asked("height") == [ONE, SOLANA]


class TestStates:
    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (UpstreamTimeout(ONE, "eth_blockNumber", "no answer in time"), "unreachable"),
            (UpstreamUnreachable(ONE, "eth_blockNumber", "no connection"), "unreachable"),
            (RateLimited(ONE, "eth_blockNumber", "slow down"), "rate_limited"),
            (AccessRefused(ONE, "eth_blockNumber", "tenant disabled", 403), "refused"),
            (UpstreamStatus(ONE, "eth_blockNumber", "HTTP 500", 500), "failing"),
            (BadPayload(ONE, "eth_blockNumber", "expected a number"), "failing"),
        ],
    )
    def test_failures(
        self, world: World, chains: Chains, service: RpcNodeService, error: UpstreamError, expected: str
    ) -> None:
        """Each by its kind, with the reason; what is not known any more is null."""
        check_all(service)
        chains.move()
        chains.fails(ONE, error)
        check_all(service)
        payload = published(service)
        row = node(payload, ONE)
        assert (row["status"], row["reason"]) == (expected, f"eth_blockNumber: {error.reason}")
        assert (row["latency_ms"], row["height"], row["lag"]) == (None, None, None)
        assert row["last_check"] == "2026-11-21T00:01:00.000Z"
        assert row["last_success"] == "2026-11-21T00:00:00.000Z"
        assert payload["active_nodes"] == 3
        assert payload["status"] == "live"

    def test_a_node_that_is_not_asked_because_it_failed(
        self, world: World, chains: Chains, service: RpcNodeService
    ) -> None:
        """Its state stays, and says that it is paused."""
        chains.fails(ONE, AccessRefused(ONE, "eth_blockNumber", "tenant disabled", 403))
        check_all(service)
        chains.move()
        chains.well(ONE)
        service.check("ethereum", ONE)
        payload = published(service)
        assert status(payload, ONE)[0] == "refused"
        assert "parked after" in str(status(payload, ONE)[1])
        assert node(payload, ONE)["last_check"] == "2026-11-21T00:00:00.000Z"

    def test_a_node_that_failed_for_somebody_else(self, world: World, chains: Chains, service: RpcNodeService) -> None:
        """Its circuit is shared; a check that could not be made is no sign of health."""
        check_all(service)
        source = world.sources[ONE]
        world.say(ONE, "gas", UpstreamStatus(ONE, "eth_feeHistory", "HTTP 500", 500))
        for _ in range(3):
            with pytest.raises(UpstreamStatus):
                source.ask((), lambda _: source.provider.gas_requests(), lambda answers: answers)
        service.check("ethereum", ONE)
        assert status(published(service), ONE)[0] == "failing"

    def test_our_own_budget_says_nothing_about_a_node(
        self, world: World, chains: Chains, service: RpcNodeService
    ) -> None:
        """What was found last still stands."""
        check_all(service)
        chains.move()
        chains.fails(ONE, BudgetSpent(ONE, "eth_blockNumber", "the budget of this minute is spent", 10))
        service.check("ethereum", ONE)
        assert status(published(service), ONE) == ("healthy", None)

    def test_wrong_chain(self, chains: Chains, service: RpcNodeService) -> None:
        """Its height is that of another chain, and does not count."""
        chains.well(ONE, chain_id=56, right_chain=False, height=109_400_000)
        check_all(service)
        payload = published(service)
        assert status(payload, ONE) == ("wrong_chain", "serves the chain 56")
        assert payload["block_number"]["ethereum"] == HEIGHT
        assert part_of(payload, "ethereum") == ("live", TWO, None)

    def test_syncing(self, chains: Chains, service: RpcNodeService) -> None:
        """As it says itself."""
        chains.well(ONE, syncing=True, behind=1234, height=HEIGHT - 1234)
        check_all(service)
        assert status(published(service), ONE) == ("syncing", "says that it is catching up, 1234 blocks behind")
        chains.well(ONE)
        chains.move()
        check_all(service)
        assert status(published(service), ONE) == ("healthy", None)

    def test_no_height(self, chains: Chains, service: RpcNodeService) -> None:
        """Half an answer is no health."""
        chains.well(ONE, height=None)
        check_all(service)
        payload = published(service)
        assert status(payload, ONE) == ("failing", "does not say its height")
        assert payload["block_number"]["ethereum"] == HEIGHT

    def test_a_chain_that_is_not_said(self, chains: Chains, service: RpcNodeService) -> None:
        """Not every node answers every question; what it said before stays."""
        check_all(service)
        chains.move()
        chains.well(ONE, chain_id=None, right_chain=None, syncing=None)
        check_all(service)
        row = node(published(service), ONE)
        assert (row["status"], row["chain_id"]) == ("healthy", 1)


class TestLag:
    def test_a_little_is_normal(self, chains: Chains, service: RpcNodeService) -> None:
        """A block or two take their way."""
        chains.behind[TWO] = 5
        check_all(service)
        row = node(published(service), TWO)
        assert (row["status"], row["lag"]) == ("healthy", 5)

    def test_too_much(self, chains: Chains, service: RpcNodeService) -> None:
        """And back."""
        chains.behind[TWO] = 6
        check_all(service)
        payload = published(service)
        assert status(payload, TWO) == ("lagging", "6 blocks behind the best node of its chain")
        assert (payload["active_nodes"], node(payload, TWO)["lag"]) == (3, 6)
        chains.behind.clear()
        chains.move()
        check_all(service)
        assert status(published(service), TWO) == ("healthy", None)

    def test_the_first_node_is_the_slow_one(self, chains: Chains, service: RpcNodeService) -> None:
        """What the next one says a moment later shows it."""
        chains.behind[ONE] = 20
        check_all(service)
        assert status(published(service), ONE)[0] == "lagging"

    def test_a_check_of_long_ago_is_not_compared(self, chains: Chains, service: RpcNodeService) -> None:
        """In the meantime the chain moved on, and so perhaps did the node."""
        service.check("ethereum", ONE)
        chains.move(240)
        service.check("ethereum", TWO)
        assert status(published(service), ONE) == ("healthy", None)

    def test_a_slow_node_is_not_asked_for_the_height(
        self, world: World, chains: Chains, service: RpcNodeService
    ) -> None:
        """It is passed over in the pool, without its circuit being opened."""
        check_all(service)
        chains.behind[ONE] = 30
        for _ in range(5):
            chains.move(20)
            service.refresh_height("ethereum")
        assert published(service)["block_number"]["ethereum"] == chains.heights["ethereum"]
        assert world.context.pools["rpc_nodes_ethereum"].active == TWO
        assert world.sources[ONE].state == "closed"

    def test_a_node_that_lies(self, chains: Chains, service: RpcNodeService) -> None:
        """Its height makes nobody else a laggard."""
        check_all(service)
        chains.move()
        chains.behind[ONE] = -20_000_000
        check_all(service)
        payload = published(service)
        assert status(payload, ONE)[0] == "ahead"
        assert node(payload, ONE)["lag"] is None
        assert status(payload, TWO) == ("healthy", None)
        assert payload["block_number"]["ethereum"] == chains.heights["ethereum"]

    def test_a_node_that_lies_from_the_start(self, chains: Chains, service: RpcNodeService) -> None:
        """The others outvote it."""
        chains.behind[ONE] = -20_000_000
        check_all(service)
        payload = published(service)
        assert status(payload, ONE)[0] == "ahead"
        assert [status(payload, name)[0] for name in (TWO, THREE)] == ["healthy", "healthy"]
        assert payload["block_number"]["ethereum"] == HEIGHT
        assert payload["events"][0]["kind"] == "correction"

    def test_heights_do_not_go_backwards(self, chains: Chains, service: RpcNodeService) -> None:
        """The best node went away, the others are a few blocks behind."""
        chains.behind = {TWO: 3, THREE: 3}
        check_all(service)
        chains.fails(ONE)
        chains.world.clock.advance(20)
        check_all(service)
        assert published(service)["block_number"]["ethereum"] == HEIGHT


class TestEvents:
    def test_new_blocks(self, chains: Chains, service: RpcNodeService) -> None:
        """One event a chain and update."""
        check_all(service)
        assert published(service)["events"] == []
        chains.move(24)
        service.refresh_height("ethereum")
        assert published(service)["events"] == [
            {
                "kind": "new_blocks",
                "chain": "ethereum",
                "height": HEIGHT + 2,
                "blocks": 2,
                "time": "2026-11-21T00:00:24.000Z",
            }
        ]
        assert published(service)["events"] == []

    def test_several_looks_are_one_event(self, chains: Chains, service: RpcNodeService) -> None:
        """Of the newest height."""
        check_all(service)
        for _ in range(3):
            chains.move(12)
            service.refresh_height("ethereum")
        (event,) = published(service)["events"]
        assert (event["height"], event["blocks"]) == (HEIGHT + 3, 3)

    def test_looking_at_the_payload_takes_nothing_away(self, chains: Chains, service: RpcNodeService) -> None:
        """Only a publication does."""
        check_all(service)
        chains.move(12)
        service.refresh_height("ethereum")
        assert service.payload().events == service.payload().events != []


class TestOtherServices:
    def test_they_learn_which_nodes_to_leave_out(self, world: World, chains: Chains, service: RpcNodeService) -> None:
        """Those that answer well, but about something else than the newest block."""
        assert unfit_nodes(world.broker, now=NOW) == {}
        chains.behind[TWO] = 20
        chains.well(ONE, chain_id=56, right_chain=False)
        chains.fails(SOLANA)
        check_all(service)
        published(service)
        assert unfit_nodes(world.broker, now=NOW) == {
            ONE: "wrong_chain: serves the chain 56",
            TWO: "lagging: 20 blocks behind the best node of its chain",
        }

    def test_not_for_ever(self, world: World, chains: Chains, service: RpcNodeService) -> None:
        """Should the checks stop, an old verdict says nothing."""
        chains.well(ONE, chain_id=56, right_chain=False)
        check_all(service)
        published(service)
        world.clock.advance(BELIEVED_FOR_S + 1)
        assert unfit_nodes(world.broker, now=world.clock()) == {}

    def test_a_service_that_is_switched_off(self, world: World, chains: Chains) -> None:
        """Its publication has no nodes."""
        world.broker.publish("rpc_nodes", {"status": "unconfigured", "reason": "no source"})
        assert unfit_nodes(world.broker, now=NOW) == {}


class TestTrouble:
    def test_all_nodes_of_a_chain_are_away(self, chains: Chains, service: RpcNodeService) -> None:
        """The chain's part says why; the other chains are as good as ever."""
        check_all(service)
        for name in (ONE, TWO, THREE):
            chains.fails(name)
        chains.move(120)
        check_all(service)
        payload = published(service)
        assert payload["status"] == "degraded"
        assert payload["block_number"]["ethereum"] == HEIGHT
        state, _, reason = part_of(payload, "ethereum")
        assert state == "stale"
        assert reason is not None
        assert all(name in reason for name in (ONE, TWO, THREE))
        assert payload["active_nodes"] == 1

    def test_no_network(self, world: World, chains: Chains, service: RpcNodeService) -> None:
        """From the start: down, with every node's reason."""
        world.internet.words.clear()
        check_all(service)
        payload = published(service)
        assert payload["status"] == "down"
        assert {row["status"] for row in payload["nodes"]} == {"unreachable"}
        assert payload["average_latency"] is None

    def test_recovery(self, world: World, chains: Chains, service: RpcNodeService) -> None:
        """With the first good round."""
        words, world.internet.words = world.internet.words, {}
        for _ in range(5):
            check_all(service)
            chains.move()
        world.internet.words = words
        chains.move()
        check_all(service)
        payload = published(service)
        assert (payload["status"], payload["active_nodes"]) == ("live", 4)

    def test_failover_of_heights(self, world: World, chains: Chains, service: RpcNodeService) -> None:
        """The next node of the chain tells them."""
        check_all(service)
        chains.fails(ONE)
        chains.move(20)
        service.refresh_height("ethereum")
        payload = published(service)
        assert part_of(payload, "ethereum")[:2] == ("live", TWO)
        assert payload["block_number"]["ethereum"] == HEIGHT + 2

    def test_a_chain_that_halts(self, chains: Chains, service: RpcNodeService) -> None:
        """All nodes agree on a height that does not move."""
        check_all(service)
        for _ in range(20):
            chains.world.clock.advance(20)
            check_all(service)
        state, _, reason = part_of(published(service), "ethereum")
        assert (state, reason) == ("stale", "no new block for 400 s")

    def test_a_wrong_chain_is_not_asked_for_the_height(
        self, world: World, chains: Chains, service: RpcNodeService
    ) -> None:
        """Its height would be believed, as the answer does not say of which chain it is."""
        chains.well(SOLANA, right_chain=False, chain_id=56)
        service.check("solana", SOLANA)
        world.asked()
        service.refresh_height("solana")
        assert world.asked() == []
        assert "not asked: serves the chain 56" in str(part_of(published(service), "solana")[2])

    def test_last_check_follows_the_clock(self, chains: Chains, service: RpcNodeService) -> None:
        """It is when the node was asked."""
        chains.move(90)
        check_all(service)
        assert node(published(service), ONE)["last_check"] == "2026-11-21T00:01:30.000Z"
        assert chains.world.clock() == NOW + 90
