"""The simulated Bitcoin chain: blocks, mempool, difficulty and hash rate at any moment.

Every answer is a function of seed and time, and of the replacements that were asked for (``forks.py``). All
explorers read it here, so they see the same blocks and transactions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from simulator.bitcoin_transactions import SATOSHI, BitcoinStream, BitcoinTransaction
from simulator.bitcoin_wallets import BitcoinWallets
from simulator.block_times import WorkTimes
from simulator.forks import MAX_VARIANTS, Fork, Forks
from simulator.noise import Draws, noise, noise_key

REAL_SPACING_S = 600.0
RETARGET_BLOCKS = 2_016
HASH_ZERO_BYTES = 10
COINBASE_SIZE, COINBASE_WEIGHT = 320, 1_172

_ANCHOR_HEIGHT = 976_700
_DIFFICULTY = 1.31e14
_HALVING_BLOCKS = 210_000
# A transaction that arrived within the last seconds is not yet in the work of any miner.
_SETTLE_S = 5.0
_HASHES_PER_DIFFICULTY = 2.0**32
_BACKLOG, _BACKLOG_VSIZE = 21_000, 420
_HISTOGRAM = ((9.0, 0.01), (5.0, 0.03), (3.0, 0.06), (2.0, 0.12), (1.4, 0.2), (1.0, 0.58))


@dataclass(frozen=True)
class BitcoinBlock:
    """One block.

    Attributes:
        height: Its height.
        hash: Its identifier, 64 hexadecimal digits.
        previous_hash: The identifier of the block below.
        time_s: When it was found, whole Unix seconds.
        numbers: The transactions in it, without the miner's own.
        variant: 0, or more when it replaced another.
        difficulty: How hard it was to find.
    """

    height: int
    hash: str
    previous_hash: str
    time_s: int
    numbers: range
    variant: int
    difficulty: float

    @property
    def tx_count(self) -> int:
        """Gives the number of transactions, the miner's own included."""
        return len(self.numbers) + 1


@dataclass(frozen=True)
class BlockSums:
    """What the transactions of a block add up to, the miner's own left out of all but size and weight."""

    fees: int
    size: int
    weight: int
    inputs: int
    outputs: int
    output_total: int
    fee_rates: tuple[float, ...]
    fee_amounts: tuple[int, ...]


@dataclass(frozen=True)
class Mempool:
    """What waits for a block.

    Attributes:
        count: Transactions.
        vsize: Virtual bytes.
        total_fee: Satoshi.
        histogram: Lower ends of ranges of fee rates, highest first, each with the virtual bytes that pay in it.
    """

    count: int
    vsize: int
    total_fee: int
    histogram: tuple[tuple[float, int], ...]


class BitcoinChain:
    """The Bitcoin chain of one seed. Safe to share between threads."""

    def __init__(self, seed: int, speed: float) -> None:
        """Makes a chain.

        Args:
            seed: Two chains with one seed and speed agree at every moment.
            speed: How many times more often than every ten minutes a block comes.
        """
        self.spacing_s = REAL_SPACING_S / speed
        self.stream = BitcoinStream(seed)
        self.wallets = BitcoinWallets(seed)
        self.forks = Forks()
        self.times = WorkTimes(Draws(seed, "bitcoin/times"), self.spacing_s, _ANCHOR_HEIGHT)
        self._hashes = Draws(seed, "bitcoin/block")
        self._coinbases = Draws(seed, "bitcoin/coinbase")
        self._shares = Draws(seed, "bitcoin/fork")
        self._keys = {name: noise_key(seed, f"bitcoin/{name}") for name in ("difficulty", "rate", "backlog")}
        self._sums = lru_cache(maxsize=512)(self._add_up)

    def height(self, at: float) -> int:
        """Gives the height of the newest block."""
        return self.times.height_at(at)

    def hash(self, height: int, at: float) -> str:
        """Gives the identifier of the block at a height, as it is at a time."""
        return self._hashes.identifier(height * MAX_VARIANTS + self.forks.variant(height, at), HASH_ZERO_BYTES)

    def block(self, height: int, at: float) -> BitcoinBlock:
        """Gives the block at a height, as it is at a time."""
        numbers = range(self._cut(height - 1, at), self._cut(height, at))
        return BitcoinBlock(
            height,
            self.hash(height, at),
            self.hash(height - 1, at),
            int(self.times.time_of(height)),
            numbers,
            self.forks.variant(height, at),
            self.difficulty(height),
        )

    def block_by_hash(self, block_hash: str, at: float) -> BitcoinBlock | None:
        """Gives the block with an identifier; ``None`` when the chain has none such now, or no longer."""
        number = self._hashes.number_of(block_hash, HASH_ZERO_BYTES)
        height = -1 if number is None else number // MAX_VARIANTS
        if not 0 < height <= self.height(at) or self.hash(height, at) != block_hash:
            return None
        return self.block(height, at)

    def sums(self, numbers: range) -> BlockSums:
        """Gives what the transactions of a block add up to."""
        return self._sums(numbers)

    def reward(self, block: BitcoinBlock) -> int:
        """Gives what a block's miner got, fees included."""
        return self.subsidy(block.height) + self.sums(block.numbers).fees

    def coinbase_txid(self, block: BitcoinBlock) -> str:
        """Gives the identifier of the transaction that pays a block's miner."""
        return self._coinbases.identifier(block.height * MAX_VARIANTS + block.variant)

    def coinbase_block(self, txid: str, at: float) -> BitcoinBlock | None:
        """Gives the block whose miner a transaction pays; ``None`` when there is none such."""
        number = self._coinbases.number_of(txid)
        if number is None or not 0 < number // MAX_VARIANTS <= self.height(at):
            return None
        block = self.block(number // MAX_VARIANTS, at)
        return block if block.variant == number % MAX_VARIANTS else None

    def transaction(self, number: int) -> BitcoinTransaction:
        """Gives a transaction of the stream, whether it has arrived or not."""
        return self.stream.transaction(number)

    def waiting(self, at: float) -> range:
        """Gives the transactions which have arrived and are in no block."""
        first = self._cut(self.height(at), at)
        return range(first, max(self.stream.arrived_by(at), first))

    def block_of(self, number: int, at: float) -> BitcoinBlock | None:
        """Gives the block which holds a transaction; ``None`` while it waits."""
        tip = self.height(at)
        if number >= self._cut(tip, at):
            return None
        height = min(self.height(self.stream.arrival(number) + _SETTLE_S), tip)
        while self._cut(height, at) <= number:
            height += 1
        while self._cut(height - 1, at) > number:
            height -= 1
        return self.block(height, at)

    def mempool(self, at: float) -> Mempool:
        """Gives the size of the mempool: what arrived since the last block, and a backlog that pays next to nothing."""
        drift = math.exp(
            0.8 * noise(self._keys["backlog"], at / 7_200.0) + 0.1 * noise(self._keys["backlog"], at / 300)
        )
        backlog, fresh = int(_BACKLOG * drift), len(self.waiting(at))
        rate = self.stream.fee_rate(self.stream.arrived_by(at))
        vsize = backlog * _BACKLOG_VSIZE + fresh * 220
        histogram = tuple((round(rate * times, 2), int(vsize * share)) for times, share in _HISTOGRAM)
        fee = int(backlog * _BACKLOG_VSIZE * 1.05 + fresh * 220 * rate)
        return Mempool(backlog + fresh, sum(size for _, size in histogram), fee, histogram)

    def difficulty(self, height: int) -> float:
        """Gives the difficulty at a height; it changes by a few percent every 2016 blocks."""
        return round(_DIFFICULTY * math.exp(0.2 * noise(self._keys["difficulty"], height // RETARGET_BLOCKS / 6.0)), 2)

    def hash_rate(self, at: float) -> float:
        """Gives the hashes per second of all miners: what the difficulty makes of blocks every ten minutes.

        A faster chain keeps this relation, because clients know of no other.
        """
        usual = self.difficulty(self.height(at)) * _HASHES_PER_DIFFICULTY / REAL_SPACING_S
        return usual * (1.0 + 0.04 * noise(self._keys["rate"], at / 21_600.0))

    def subsidy(self, height: int) -> int:
        """Gives the new satoshi of a block."""
        return 50 * SATOSHI >> height // _HALVING_BLOCKS

    def supply(self, height: int) -> int:
        """Gives all satoshi up to a height."""
        halvings, rest = divmod(height + 1, _HALVING_BLOCKS)
        full = sum(_HALVING_BLOCKS * (50 * SATOSHI >> halving) for halving in range(halvings))
        return full + rest * (50 * SATOSHI >> halvings)

    def reorganise(self, depth: int, since: float) -> None:
        """Replaces the newest ``depth`` blocks by others at the same heights."""
        tip = self.height(since)
        self.forks.add(Fork(tip - depth + 1, tip, since))

    def _cut(self, height: int, at: float) -> int:
        """Gives the first transaction that is not in the blocks up to a height."""
        cut = self.stream.arrived_by(self.times.time_of(height) - _SETTLE_S)
        variant = self.forks.variant(height, at)
        if not variant:
            return cut
        # A replacement takes less of the stream than the first block did, the next block takes the rest. So most
        # transactions are in both, some move one block up, and none is lost.
        below = self.stream.arrived_by(self.times.time_of(height - 1) - _SETTLE_S)
        return cut - int((cut - below) * (0.1 + 0.3 * self._shares.unit(height * MAX_VARIANTS + variant)))

    def _add_up(self, numbers: range) -> BlockSums:
        chosen = [self.stream.transaction(number) for number in numbers]
        return BlockSums(
            fees=sum(one.fee for one in chosen),
            size=sum(one.size for one in chosen) + COINBASE_SIZE,
            weight=sum(one.weight for one in chosen) + COINBASE_WEIGHT,
            inputs=sum(len(one.inputs) for one in chosen),
            outputs=sum(len(one.outputs) for one in chosen),
            output_total=sum(one.output_total for one in chosen),
            fee_rates=tuple(sorted(one.fee * 4 / one.weight for one in chosen)),
            fee_amounts=tuple(sorted(one.fee for one in chosen)),
        )
