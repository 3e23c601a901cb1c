"""All chains of the simulated world, and the replacement of their newest blocks."""

from __future__ import annotations

from simulator.bitcoin import BitcoinChain
from simulator.block_times import SlotTimes
from simulator.evm import EvmChain
from simulator.evm_specs import EVM_SPECS
from simulator.noise import Draws

DEFAULT_BLOCK_SPEED = 10.0
"""Bitcoin's blocks come every minute, so that somebody who watches for some minutes sees a few."""

SOLANA = "solana"

_SOLANA_SLOT_S = 0.4
_SOLANA_SLOT, _SOLANA_HEIGHT = 460_900_000, 438_900_000
_SOLANA_EMPTY_SLOTS = 4


class SolanaChain:
    """Solana, of which only the pace is simulated."""

    def __init__(self, seed: int) -> None:
        """Draws the empty slots of this seed."""
        self.times = SlotTimes(Draws(seed, SOLANA), _SOLANA_SLOT_S, _SOLANA_HEIGHT, _SOLANA_EMPTY_SLOTS)

    def slot(self, at: float) -> int:
        """Gives the slot that runs; more of them than blocks, because some stay empty."""
        return _SOLANA_SLOT + self.times.slots_since_anchor(at)

    def height(self, at: float) -> int:
        """Gives the height of the newest block."""
        return self.times.height_at(at)


class Chains:
    """Every chain of one seed. Safe to share between threads."""

    def __init__(self, seed: int, block_speed: float = DEFAULT_BLOCK_SPEED) -> None:
        """Makes the chains.

        Args:
            seed: Chains with one seed and speed agree at every moment.
            block_speed: How many times more often than in reality Bitcoin's blocks come.
        """
        self.seed = seed
        self.bitcoin = BitcoinChain(seed, block_speed)
        self.evm = {spec.name: EvmChain(seed, spec) for spec in EVM_SPECS}
        self.solana = SolanaChain(seed)

    @property
    def ethereum(self) -> EvmChain:
        """Gives Ethereum."""
        return self.evm["ethereum"]

    def reorganise(self, names: tuple[str, ...], depth: int, since: float) -> None:
        """Replaces the newest blocks of Bitcoin, Ethereum or both by others at the same heights, for good.

        Args:
            names: ``bitcoin`` and ``ethereum``, or one of them.
            depth: How many blocks.
            since: When, Unix seconds.
        """
        for name in names:
            chain = self.bitcoin if name == "bitcoin" else self.evm[name]
            chain.reorganise(depth, since)

    def clear(self) -> None:
        """Forgets every replacement, as if it had never been."""
        self.bitcoin.forks.clear()
        for chain in self.evm.values():
            chain.forks.clear()
