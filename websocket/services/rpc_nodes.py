"""How public JSON-RPC nodes do: whether they answer, how fast, on which chain, and how far behind the best of it.

Each node is checked as a whole once a minute, the nodes of a chain right after one another, so that their heights can
be compared. In between one node of each chain is asked for the height, which brings the new blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from websocket.chain_records import NodeProbe
from websocket.errors import (
    AccessRefused,
    BadPayload,
    BudgetSpent,
    CircuitOpen,
    RateLimited,
    UpstreamError,
    UpstreamStatus,
)
from websocket.providers.base import Answer
from websocket.providers.capabilities import ChainNode
from websocket.records import to_rfc3339
from websocket.scheduler import Scheduler
from websocket.services.base import DataService, ServiceContext, told
from websocket.services.chain_heights import ChainHeight, Verdict, pace_of
from websocket.services.part_refresh import then_first_news
from websocket.services.rpc_nodes_payload import BlockEvent, NodeInfo, NodeStatus, RpcNodes
from websocket.upstream.source import Source

COMPARABLE_S = 5.0
"""A height that another node told so shortly after counts for the lag too; chains make few blocks in that time."""

STAGGER_S = 1.0
"""Between the first checks of two nodes; the grid of the scheduler keeps them apart from then on."""

REQUESTS_OF_A_CHECK = 3
HEIGHT_ROUNDS_TO_STALE = 3

UNUSABLE = ("syncing", "wrong_chain")
"""What a node in such a state says about the height is not about the chain's newest block."""


class _Node:
    """What is known about one node."""

    def __init__(self, source: Source[ChainNode]) -> None:
        self.source = source
        self.status: NodeStatus = "unchecked"
        self.reason: str | None = "not checked yet"
        self.latency_ms: float | None = None
        self.probe: NodeProbe | None = None
        self.probed_at = 0.0
        self.lag: int | None = None
        self.chain_id: int | None = None
        self.last_check: float | None = None
        self.last_success: float | None = None

    def judge(self, status: NodeStatus, reason: str | None) -> None:
        """Says how it stands, and why where that is not well."""
        self.status, self.reason = status, reason

    def compare(self, best: int | None, lag_limit: int) -> None:
        """Judges the height that it told last against the best of its chain."""
        height = None if self.probe is None else self.probe.height
        if height is None or self.status in UNUSABLE:
            return
        self.lag = None if best is None or height > best else best - height
        if self.lag is None:
            self.judge("ahead", f"claims a height of {height}, which no other node bears out")
        elif self.lag > lag_limit:
            self.judge("lagging", f"{self.lag} blocks behind the best node of its chain")
        else:
            self.judge("healthy", None)

    def info(self) -> NodeInfo:
        """As clients see it."""
        return NodeInfo(
            name=self.source.name,
            chain=self.source.provider.chain,
            host=self.source.provider.host,
            status=self.status,
            reason=self.reason,
            latency_ms=None if self.latency_ms is None else round(self.latency_ms, 1),
            height=None if self.probe is None else self.probe.height,
            slot=None if self.probe is None else self.probe.slot,
            lag=self.lag,
            chain_id=self.chain_id,
            last_check=None if self.last_check is None else to_rfc3339(self.last_check),
            last_success=None if self.last_success is None else to_rfc3339(self.last_success),
        )


class _Chain:
    """What is known about one chain, and its nodes."""

    def __init__(self, name: str, nodes: Sequence[_Node], clock: Callable[[], float]) -> None:
        self.name = name
        self.nodes = {node.source.name: node for node in nodes}
        self.pace = pace_of(name)
        self.height = ChainHeight(self.pace, clock)


class RpcNodeService(DataService):
    """Publishes ``rpc_nodes`` about every node among the sources.

    Args:
        context: what it is built from.
    """

    name = "rpc_nodes"
    payload_type = RpcNodes

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        by_chain: dict[str, list[_Node]] = {}
        for source in context.sources.values():
            if isinstance(source.provider, ChainNode):
                by_chain.setdefault(source.provider.chain, []).append(_Node(source))
        self._chains = {name: _Chain(name, nodes, context.clock) for name, nodes in by_chain.items()}
        max_age_s = HEIGHT_ROUNDS_TO_STALE * context.settings.chains.node_height_interval_s
        self._heights = {name: self.part(name, int, max_age_s=max_age_s) for name in self._chains}
        self._pools = {
            name: context.pool(f"rpc_nodes_{name}", list(chain.nodes), ChainNode, topic="height")
            for name, chain in self._chains.items()
        }
        self._events: dict[str, BlockEvent] = {}

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        settings, upstream = self.context.settings.chains, self.context.settings.upstream
        index = 0
        for name, chain in self._chains.items():
            for node in chain.nodes:
                scheduler.every(
                    settings.node_probe_interval_s,
                    _check_name(index + 1, node),
                    then_first_news(self, self._check_of(name, node)),
                    deadline_s=(REQUESTS_OF_A_CHECK + 1) * upstream.deadline_s,
                    delay_s=(index * STAGGER_S) % settings.node_probe_interval_s,
                )
                index += 1
            scheduler.every(
                settings.node_height_interval_s,
                f"rpc_nodes_{name}_collection",
                then_first_news(self, self._refresh_of(name)),
                deadline_s=(len(chain.nodes) + 1) * upstream.deadline_s,
                delay_s=settings.node_height_interval_s / 2 + index * STAGGER_S / 2,
            )

    def _check_of(self, chain: str, node: str) -> Callable[[], None]:
        return lambda: self.check(chain, node)

    def _refresh_of(self, chain: str) -> Callable[[], None]:
        return lambda: self.refresh_height(chain)

    # Checking nodes

    def check(self, chain_name: str, name: str) -> None:
        """Checks one node as a whole. Only the node itself can answer that, so no other is asked in its place."""
        chain = self._chains[chain_name]
        node = chain.nodes[name]
        provider = node.source.provider
        latencies: list[float | None] = []

        def read(answers: Sequence[Answer]) -> NodeProbe:
            # nothing can come between the answer and this look, so it is the time of this very answer
            latencies.append(node.source.status().response_time_ms)
            return provider.parse_probe(answers)

        began_at = self.context.clock()
        try:
            probe = node.source.ask((), lambda _: provider.probe_requests(), read, topic="check")
        except UpstreamError as error:
            _note_failure(node, error, began_at)
            return
        node.last_check = node.last_success = began_at
        node.latency_ms = latencies[-1]
        self._note_probe(chain, node, probe)

    def _note_probe(self, chain: _Chain, node: _Node, probe: NodeProbe) -> None:
        node.probe, node.probed_at, node.lag = probe, self.context.clock(), None
        if probe.chain_id is not None:
            node.chain_id = probe.chain_id
        if probe.right_chain is False or probe.chain != chain.name:
            node.judge("wrong_chain", f"serves the chain {probe.chain_id}")
        elif probe.syncing:
            behind = "" if probe.behind is None else f", {probe.behind} blocks behind"
            node.judge("syncing", f"says that it is catching up{behind}")
        elif probe.height is None:
            node.judge("failing", "does not say its height")
        else:
            node.judge("healthy", None)
            self._offer(chain, node, probe.height)
            node.compare(chain.height.best, chain.pace.lag_limit)

    # Heights

    def refresh_height(self, chain_name: str) -> None:
        """Asks the nodes of a chain for its height, best first, until one is up to date."""
        chain, pool = self._chains[chain_name], self._pools[chain_name]
        is_known = False

        def ask(source: Source[ChainNode]) -> None:
            nonlocal is_known
            provider, node = source.provider, chain.nodes[source.name]
            # what is raised here is told to the pool alone: that a node is behind, or elsewhere, is for us to show,
            # not for its circuit to hide
            if node.status in UNUSABLE:
                raise BadPayload(source.name, "height", f"not asked: {node.reason}")
            probe = source.ask((), lambda _: provider.height_requests(), provider.parse_probe, topic=pool.topic)
            if probe.height is None:
                raise BadPayload(source.name, "height", "does not say its height")
            verdict = self._offer(chain, node, probe.height)
            best = chain.height.best
            if verdict == "refused" or best is None:
                raise BadPayload(source.name, "height", f"a height of {probe.height}, far off what is known")
            if best - probe.height > chain.pace.lag_limit:
                raise BadPayload(source.name, "height", f"{best - probe.height} blocks behind")
            is_known = True

        attempts = pool.fetch_until(ask, lambda: is_known)
        if not is_known and attempts:
            self._heights[chain_name].fail(told(attempts))

    def _offer(self, chain: _Chain, node: _Node, height: int) -> Verdict:
        """Judges a height. A new best one shows who of the nodes that were checked a moment ago was behind by then."""
        before = chain.height.best
        verdict = chain.height.offer(node.source.name, height)
        now, best = self.context.clock(), chain.height.best
        if verdict in ("refused", "behind") or best is None:
            return verdict
        self._hold_height(chain, node.source.name, best)
        if verdict == "same" or before is None:
            return verdict
        self._note_event(chain, best, best - before, is_correction=verdict == "overruled")
        for other in chain.nodes.values():
            if other is not node and (verdict == "overruled" or now - other.probed_at <= COMPARABLE_S):
                other.compare(best, chain.pace.lag_limit)
        return verdict

    def _hold_height(self, chain: _Chain, node: str, best: int) -> None:
        now, risen_at = self.context.clock(), chain.height.risen_at
        if risen_at is not None and now - risen_at > chain.pace.silence_s:
            self._heights[chain.name].fail(f"no new block for {now - risen_at:.0f} s")
        else:
            self._heights[chain.name].hold(best, source=node, as_of=now)

    def _note_event(self, chain: _Chain, height: int, blocks: int, *, is_correction: bool) -> None:
        pending = self._events.get(chain.name)
        self._events[chain.name] = BlockEvent(
            kind="correction" if is_correction or (pending and pending.kind == "correction") else "new_blocks",
            chain=chain.name,
            height=height,
            blocks=blocks + (pending.blocks if pending else 0),
            time=to_rfc3339(self.context.clock()),
        )

    # Publishing

    def publish(self) -> None:
        """Publishes what is known, and begins to collect events for the next update."""
        payload = self.payload()
        self._events = {}
        self.context.broker.publish(self.name, payload)

    def payload(self) -> RpcNodes:
        nodes = [node for chain in self._chains.values() for node in chain.nodes.values()]
        latencies = [node.latency_ms for node in nodes if node.latency_ms is not None]
        return RpcNodes(
            nodes=[node.info() for node in nodes],
            active_nodes=sum(node.status == "healthy" for node in nodes),
            total_nodes=len(nodes),
            average_latency=round(sum(latencies) / len(latencies), 1) if latencies else None,
            events=list(self._events.values()),
            block_number={name: part.value for name, part in self._heights.items()},
            **self.standing(),
        )


def _note_failure(node: _Node, error: UpstreamError, began_at: float) -> None:
    """Notes why a check brought nothing. What is not known any more becomes null."""
    if isinstance(error, BudgetSpent):
        # we did not ask, and nothing speaks against the node: what was found last still stands
        return
    if isinstance(error, CircuitOpen):
        # not asked either, but because it failed, perhaps when somebody else asked it for something else
        was_well = node.status in ("unchecked", "healthy", "lagging", "ahead")
        node.judge("refused" if node.source.state == "parked" else "failing" if was_well else node.status, error.reason)
    else:
        node.judge(_status_of(error), f"{error.operation}: {error.reason}")
        node.last_check = began_at
    node.latency_ms = node.probe = node.lag = None


def _status_of(error: UpstreamError) -> NodeStatus:
    if isinstance(error, RateLimited):
        return "rate_limited"
    if isinstance(error, AccessRefused):
        return "refused"
    if isinstance(error, (UpstreamStatus, BadPayload)):
        return "failing"
    return "unreachable"


def _check_name(number: int, node: str) -> str:
    """Name of the job that checks a node, such as ``rpc_nodes_check_2_ethereum_eth_drpc_org``.

    The number keeps hosts apart that only differ in their punctuation.
    """
    return f"rpc_nodes_check_{number}_{re.sub('[^a-z0-9]+', '_', node.lower())}"
