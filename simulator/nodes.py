"""The public JSON-RPC nodes of the simulated chains, each with its own pace."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.noise import Draws

HOSTS = {
    "ethereum": ("ethereum-rpc.publicnode.com", "eth.drpc.org", "eth.merkle.io"),
    "bnb": ("bsc-dataseed.bnbchain.org", "bsc-rpc.publicnode.com", "bsc.drpc.org"),
    "polygon": ("polygon-bor-rpc.publicnode.com", "polygon.drpc.org"),
    "arbitrum": ("arb1.arbitrum.io", "arbitrum-one-rpc.publicnode.com", "arbitrum.drpc.org"),
    "optimism": ("mainnet.optimism.io", "optimism-rpc.publicnode.com", "optimism.drpc.org"),
    "base": ("base-rpc.publicnode.com", "base.drpc.org"),
    "solana": ("api.mainnet-beta.solana.com", "solana-rpc.publicnode.com"),
}
"""Well-known hosts by chain, the usual first choice first. Any other host answers too."""

FIRST_NODE = "first"

_LEAST_LATENCY_S, _LATENCY_SPREAD_S = 0.004, 0.045
_LARGEST_DELAY_S = 0.9


@dataclass(frozen=True)
class NodeTrouble:
    """What is wrong with one node.

    Attributes:
        chain: Its chain.
        node: Its host, or ``first`` for the first of its chain.
        blocks: How many blocks it is behind.
        chain_id: What it claims as its chain; 0 means the truth.
        syncing: Whether it says that it is catching up.
    """

    chain: str
    node: str
    blocks: int
    chain_id: int
    syncing: bool

    def concerns(self, chain: str, host: str) -> bool:
        """Tells whether a node is the one."""
        return chain == self.chain and host == (HOSTS[chain][0] if self.node == FIRST_NODE else self.node)


@dataclass(frozen=True)
class Pace:
    """How fast a node is: seconds until it answers, and seconds until it has seen a new block."""

    latency_s: float
    delay_s: float


def pace(seed: int, host: str) -> Pace:
    """Gives the pace of a host; a long way makes both slow."""
    luck = Draws(seed, f"node/{host}").unit(0)
    return Pace(_LEAST_LATENCY_S + _LATENCY_SPREAD_S * luck, _LARGEST_DELAY_S * luck)
