"""What ``rpc_nodes`` publishes. The docs of the fields become those of the JSON Schema."""

from __future__ import annotations

from typing import Literal

import msgspec

from websocket.broker.base import Broker
from websocket.services.base import Payload

NodeStatus = Literal[
    "unchecked",
    "healthy",
    "lagging",
    "ahead",
    "syncing",
    "wrong_chain",
    "rate_limited",
    "refused",
    "failing",
    "unreachable",
]

UNFIT: tuple[NodeStatus, ...] = ("lagging", "ahead", "syncing", "wrong_chain")
"""What such a node says is not about the newest block of its chain, however well it answers."""

BELIEVED_FOR_S = 300.0
"""How long a publication says something about the nodes, should no further one come."""


class NodeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One node as of its last check; null is not known.

    Attributes:
        name: under which the parts of this and other services name it as a source.
        chain: the chain that it should serve.
        host: where it runs.
        status: ``unchecked`` before the first check; ``healthy``; ``lagging``: further behind the best of its chain
            than nodes usually are; ``ahead``: claims a height that no other node bears out; ``syncing``: says itself
            that it is catching up; ``wrong_chain``: serves another chain; ``rate_limited``; ``refused``: does not serve
            us (any more); ``failing``: answers with errors or with nonsense; ``unreachable``.
        reason: why it is not ``healthy``, or null.
        latency_ms: how long the last answer took, milliseconds; null when there was none.
        height: its newest block.
        slot: Solana only: its newest slot.
        lag: blocks behind the best node of its chain.
        chain_id: the chain that it says it serves (EIP-155); null on Solana.
        last_check: when it was last asked, RFC 3339 UTC.
        last_success: when it last answered, RFC 3339 UTC.
    """

    name: str
    chain: str
    host: str
    status: NodeStatus
    reason: str | None
    latency_ms: float | None
    height: int | None
    slot: int | None
    lag: int | None
    chain_id: int | None
    last_check: str | None
    last_success: str | None


class BlockEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a chain since the last update.

    Attributes:
        kind: ``new_blocks``; or ``correction``: the height known so far turned out to be wrong, and this is it.
        chain: name of the chain.
        height: of the newest block.
        blocks: how many blocks are new; negative when a correction led downwards.
        time: when we saw it, RFC 3339 UTC.
    """

    kind: Literal["new_blocks", "correction"]
    chain: str
    height: int
    blocks: int
    time: str


class RpcNodes(Payload, frozen=True, kw_only=True):
    """Payload of ``rpc_nodes``. Its parts are the heights of the chains.

    Attributes:
        nodes: every node, chain by chain, those that are preferred first.
        active_nodes: how many of them are healthy.
        total_nodes: how many there are.
        average_latency: of the nodes that answered at their last check, milliseconds; null when none did.
        events: the chains that moved since the last update, one event each; empty when nothing happened.
        block_number: the height of each chain, as far as it is known. Of Solana the block height, not the slot.
    """

    nodes: list[NodeInfo]
    active_nodes: int
    total_nodes: int
    average_latency: float | None
    events: list[BlockEvent]
    block_number: dict[str, int | None]


def unfit_nodes(broker: Broker, *, now: float) -> dict[str, str]:
    """The nodes that answer but are not to be believed, with the reason; as last published.

    Args:
        broker: where the services publish.
        now: Unix seconds.
    """
    last = broker.last("rpc_nodes")
    if last is None or now - last.time > BELIEVED_FOR_S or "nodes" not in last.data:
        return {}
    rows: list[NodeInfo] = msgspec.convert(last.data["nodes"], list[NodeInfo])
    return {row.name: f"{row.status}: {row.reason}" for row in rows if row.status in UNFIT}
