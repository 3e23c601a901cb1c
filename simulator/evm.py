"""The simulated EVM chains: blocks, fees and transactions at any moment, from seed and time alone.

The base fee is drawn, and how full a block is follows from it by the rule of EIP-1559, so both agree. As in
``bitcoin_transactions.py`` transactions are one numbered stream of which each block takes a range, and one of each
hundred moves a large sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from simulator.block_times import SlotTimes
from simulator.evm_specs import ETHER, EXCHANGE_WALLETS, EvmSpec, Token
from simulator.forks import MAX_VARIANTS, Fork, Forks
from simulator.noise import Draws, node, noise, noise_key, unit

TRANSFER_GAS = 21_000

_GROUP = 100
_LARGE_HOLDERS, _OTHERS = 60, 20_000
_EXCHANGES = tuple(EXCHANGE_WALLETS)
# Of the routers and applications that are called without sending a coin.
_CONTRACTS = 40
_JITTER = 0.05
_COUNT_JITTER, _COUNT_DRIFT, _DRIFT_BLOCKS = 0.3, 100.0, 2_400.0
_TRANSFER_SELECTOR = "a9059cbb"


@dataclass(frozen=True)
class TokenTransfer:
    """What a transaction moves of a token; ``amount`` in the token's smallest unit."""

    token: Token
    recipient: str
    amount: int


@dataclass(frozen=True)
class EvmTransaction:
    """One transaction; addresses and hash as ``0x`` and lower case.

    Attributes:
        number: Its place in the stream of its chain.
        hash: Its identifier.
        sender: Who signed it.
        recipient: A person or a contract; ``None`` when it creates a contract.
        value: Coins sent, wei.
        gas: The most it may use.
        input: What is told to the contract.
        tip_share: Its priority fee in parts of the usual one.
        transfer: The tokens it moves, if any.
    """

    number: int
    hash: str
    sender: str
    recipient: str | None
    value: int
    gas: int
    input: str
    tip_share: float
    transfer: TokenTransfer | None


@dataclass(frozen=True)
class EvmBlock:
    """One block.

    Attributes:
        height: Its height.
        hash: Its identifier.
        parent_hash: The identifier of the block below.
        time_s: Whole Unix seconds.
        numbers: The transactions in it.
        base_fee: Wei per gas.
        gas_used: Gas.
    """

    height: int
    hash: str
    parent_hash: str
    time_s: int
    numbers: range
    base_fee: int
    gas_used: int


class EvmChain:
    """One EVM chain of one seed. Safe to share between threads."""

    def __init__(self, seed: int, spec: EvmSpec) -> None:
        """Draws the chain of this seed."""
        self.spec = spec
        self.forks = Forks()
        self.draws = Draws(seed, spec.name)
        times = Draws(seed, f"{spec.name}/times")
        self.times = SlotTimes(times, spec.slot_s, spec.anchor_height, spec.empty_slots)
        self._blocks = Draws(seed, f"{spec.name}/block")
        self._stream = Draws(seed, f"{spec.name}/transaction")
        self._wallets = Draws(seed, "evm/wallet")
        self._keys = {name: noise_key(seed, f"{spec.name}/{name}") for name in ("fee", "fee/short", "jitter", "count")}
        self.transaction = lru_cache(maxsize=8_192)(self._draw)
        self.wallet = lru_cache(maxsize=_OTHERS)(self._invent_wallet)

    def height(self, at: float) -> int:
        """Gives the height of the newest block."""
        return self.times.height_at(at)

    def hash(self, height: int, at: float) -> str:
        """Gives the identifier of the block at a height, as it is at a time; zeros below the first block."""
        if height < 0:
            return f"0x{'0' * 64}"
        return "0x" + self._blocks.identifier(height * MAX_VARIANTS + self.forks.variant(height, at))

    def height_of(self, block_hash: str, at: float) -> int | None:
        """Gives the height of the block with an identifier; ``None`` when the chain has none such now."""
        number = self._blocks.number_of(block_hash.removeprefix("0x").lower())
        height = -1 if number is None else number // MAX_VARIANTS
        found = 0 < height <= self.height(at) and self.hash(height, at) == block_hash.lower()
        return height if found else None

    def block(self, height: int, at: float) -> EvmBlock:
        """Gives the block at a height, as it is at a time."""
        return EvmBlock(
            height,
            self.hash(height, at),
            self.hash(height - 1, at),
            int(self.times.time_of(height)),
            self.numbers(height, at),
            self.base_fee(height),
            int(self.gas_used_ratio(height) * self.spec.gas_limit),
        )

    def numbers(self, height: int, at: float) -> range:
        """Gives the transactions of a block."""
        return range(self._cut(height - 1, at), self._cut(height, at)) if height > 0 else range(0)

    def base_fee(self, height: int) -> int:
        """Gives the base fee of a block in wei per gas; it is known one block ahead."""
        hours = height * self.spec.slot_s / 3_600.0
        drift = 0.5 * noise(self._keys["fee"], hours / 6.0) + 0.15 * noise(self._keys["fee/short"], hours / 0.5)
        return round(self.spec.base_fee_wei * math.exp(drift + _JITTER * self._jitter(height)))

    def gas_used_ratio(self, height: int) -> float:
        """Gives which part of its gas a block used, from 0 to 1.

        By EIP-1559 the base fee rises by an eighth after a full block and falls by an eighth after an empty one.
        Where no base fee is asked, the jitter that would move it stands in.
        """
        if self.spec.base_fee_wei:
            change = self.base_fee(height + 1) / self.base_fee(height) - 1.0
        else:
            change = _JITTER * (self._jitter(height + 1) - self._jitter(height))
        return min(max(0.5 + 4.0 * change, 0.0), 1.0)

    def transactions_until(self, height: int, at: float) -> int:
        """Gives how many transactions all blocks up to a height have."""
        return self._cut(height, at)

    def large_numbers(self, numbers: range) -> list[int]:
        """Gives the transactions of a range which move large sums, newest first."""
        groups = range((numbers.stop - 1) // _GROUP, numbers.start // _GROUP - 1, -1)
        return [number for number in map(self._large_of_group, groups) if number in numbers]

    def reorganise(self, depth: int, since: float) -> None:
        """Replaces the newest ``depth`` blocks by others at the same heights."""
        tip = self.height(since)
        self.forks.add(Fork(tip - depth + 1, tip, since))

    def _jitter(self, height: int) -> float:
        return node(self._keys["jitter"], height)

    def _cut(self, height: int, at: float) -> int:
        """Gives the first transaction that is not in the blocks up to a height."""
        cut = self._first_cut(height)
        variant = self.forks.variant(height, at)
        if not variant:
            return cut
        share = 0.1 + 0.3 * unit(self._blocks.words(height * MAX_VARIANTS + variant)[0])
        return cut - int((cut - self._first_cut(height - 1)) * share)

    def _first_cut(self, height: int) -> int:
        """Gives the cut of the first block at a height.

        The jitter is that of the next base fee: a block with more transactions also used more gas.
        """
        usual = self.spec.transactions
        drift = _COUNT_DRIFT * noise(self._keys["count"], height / _DRIFT_BLOCKS) + _COUNT_JITTER * self._jitter(
            height + 1
        )
        return usual * height + int(usual * drift)

    def _large_of_group(self, group: int) -> int:
        return group * _GROUP + self._stream.words(-1 - group)[0] % _GROUP

    def _invent_wallet(self, number: int) -> str:
        """Gives the address of a wallet: first the exchanges, then large holders, contracts and all others."""
        if number < len(_EXCHANGES):
            return _EXCHANGES[number]
        return "0x" + self._wallets.hexadecimal(number, 20)

    def _draw(self, number: int) -> EvmTransaction:
        words = self._stream.words(number)
        tip_share = 0.2 + 2.5 * unit(words[3], 16) ** 2
        hash_ = "0x" + self._stream.identifier(number)
        if number == self._large_of_group(number // _GROUP):
            sender, recipient = self._large_wallet(words[1]), self._large_wallet(words[1] >> 32)
            size = unit(words[0]) ** 2
            kind = words[2] % 4
            if kind < 2 or not self.spec.tokens:
                value = int(700.0 * math.exp(size * math.log(60.0)) * ETHER)
                return EvmTransaction(number, hash_, sender, recipient, value, TRANSFER_GAS, "0x", tip_share, None)
            amount = 1_200_000.0 * math.exp(size * math.log(100.0))
            return self._token_transfer(number, hash_, sender, recipient, kind % 2, amount, tip_share)
        sender, recipient = self._other_wallet(words[1]), self._other_wallet(words[1] >> 32)
        kind = words[2] % 100
        if kind < 40:
            value = int(0.001 * math.exp(unit(words[0]) * math.log(20_000.0)) * ETHER)
            return EvmTransaction(number, hash_, sender, recipient, value, TRANSFER_GAS, "0x", tip_share, None)
        if kind < 72 and self.spec.tokens:
            amount = 10.0 * math.exp(unit(words[0]) * math.log(20_000.0))
            return self._token_transfer(number, hash_, sender, recipient, kind % 3 // 2, amount, tip_share)
        code = "0x" + self._stream.hexadecimal(number)
        if kind > 97:
            return EvmTransaction(number, hash_, sender, None, 0, 1_500_000, f"0x60806040{code[2:]}", tip_share, None)
        contract = self.wallet(len(_EXCHANGES) + _LARGE_HOLDERS + words[1] % _CONTRACTS)
        gas = 60_000 + words[0] % 400_000
        return EvmTransaction(number, hash_, sender, contract, 0, gas, code, tip_share, None)

    def _token_transfer(
        self, number: int, hash_: str, sender: str, recipient: str, place: int, amount: float, tip_share: float
    ) -> EvmTransaction:
        token = self.spec.tokens[place]
        units = int(amount * 10**token.decimals)
        told = f"0x{_TRANSFER_SELECTOR}{recipient[2:]:0>64}{units:064x}"
        transfer = TokenTransfer(token, recipient, units)
        return EvmTransaction(number, hash_, sender, token.address, 0, 65_000, told, tip_share, transfer)

    def _large_wallet(self, word: int) -> str:
        """Gives an exchange in two of five cases, else a large holder."""
        if word % 5 < 2:
            return self.wallet((word >> 8) % len(_EXCHANGES))
        return self.wallet(len(_EXCHANGES) + (word >> 8) % _LARGE_HOLDERS)

    def _other_wallet(self, word: int) -> str:
        return self.wallet(len(_EXCHANGES) + _LARGE_HOLDERS + _CONTRACTS + word % _OTHERS)
