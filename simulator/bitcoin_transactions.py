"""The stream of Bitcoin transactions: number n, what it moves, when it arrives.

Transactions arrive in the order of their numbers, and blocks take them in that order. So the content of a block
and of the mempool is a range of numbers. One of each hundred moves a large sum, and one more only seems to: it
pays a little and sends a large rest back to where it came from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from simulator.bitcoin_wallets import EXCHANGES, LARGE_HOLDERS, OTHERS
from simulator.noise import Draws, noise, noise_key, unit

SATOSHI = 100_000_000
"""One bitcoin in its smallest unit."""

PER_S = 4.0
"""Transactions per second in the long run."""

_WARP_S, _WARP_PERIOD_S = 1_500.0, 10_800.0
_GROUP = 100
_FEE_STEP = 256


@dataclass(frozen=True)
class Piece:
    """An input or output: ``value`` satoshi of the wallet with this number; no wallet means a message on the chain."""

    wallet: int | None
    value: int


@dataclass(frozen=True)
class BitcoinTransaction:
    """One transaction; amounts in satoshi, sizes in bytes.

    Attributes:
        number: Its place in the stream.
        txid: Its identifier, 64 hexadecimal digits.
        inputs: Where the money comes from.
        outputs: Where it goes, change included.
        fee: The difference between both.
        size: With the witness.
        weight: In weight units, four to a virtual byte.
    """

    number: int
    txid: str
    inputs: tuple[Piece, ...]
    outputs: tuple[Piece, ...]
    fee: int
    size: int
    weight: int

    @property
    def vsize(self) -> int:
        """Gives the size in virtual bytes."""
        return math.ceil(self.weight / 4)

    @property
    def output_total(self) -> int:
        """Gives the sum of the outputs, change included."""
        return sum(piece.value for piece in self.outputs)

    @property
    def moved(self) -> int:
        """Gives what reaches somebody else: the outputs without those to a wallet it comes from."""
        own = {piece.wallet for piece in self.inputs}
        return sum(piece.value for piece in self.outputs if piece.wallet not in own)


class BitcoinStream:
    """All transactions of one seed, past and to come. Safe to share between threads."""

    def __init__(self, seed: int) -> None:
        """Draws the transactions of this seed."""
        self._draws = Draws(seed, "bitcoin/transaction")
        self._groups = Draws(seed, "bitcoin/group")
        self._pace_key = noise_key(seed, "bitcoin/pace")
        self._fee_keys = (noise_key(seed, "bitcoin/fee"), noise_key(seed, "bitcoin/fee/short"))
        self.transaction = lru_cache(maxsize=16_384)(self._draw)
        self._level = lru_cache(maxsize=4_096)(self._fee_level)

    def arrived_by(self, at: float) -> int:
        """Gives how many transactions have arrived at a time: the number of the next one."""
        return int(PER_S * (at + self._ahead_s(at)))

    def arrival(self, number: int) -> float:
        """Gives when a transaction arrives, Unix seconds."""
        target = (number + 1) / PER_S
        # The pace changes by less than half, so each step at least halves the error; 30 reach microseconds.
        at = target
        for _ in range(30):
            at = target - self._ahead_s(at)
        return at

    def number_of(self, txid: str) -> int | None:
        """Gives the number of the transaction with an identifier; ``None`` when there is none."""
        return self._draws.number_of(txid)

    def large_numbers(self, first: int, stop: int) -> Iterator[int]:
        """Gives, newest first, the transactions of a range which move or seem to move large sums."""
        for group in range((stop - 1) // _GROUP, first // _GROUP - 1, -1):
            for number in sorted(self._large_of_group(group), reverse=True):
                if first <= number < stop:
                    yield number

    def fee_rate(self, number: int) -> float:
        """Gives the usual fee around a transaction, in satoshi per virtual byte, at least 1."""
        return self._level(number // _FEE_STEP)

    def _ahead_s(self, at: float) -> float:
        """Gives by how many seconds the stream is ahead of an even one; its slope stays below one half."""
        return _WARP_S * noise(self._pace_key, at / _WARP_PERIOD_S)

    def _large_of_group(self, group: int) -> tuple[int, int]:
        """Gives the one which moves a large sum, and the one which only seems to."""
        real, seeming, *_ = self._groups.words(group)
        place = real % _GROUP
        return group * _GROUP + place, group * _GROUP + (place + 1 + seeming % (_GROUP - 1)) % _GROUP

    def _fee_level(self, step: int) -> float:
        position = step * _FEE_STEP / PER_S
        slow, fast = (
            noise(key, position / period) for key, period in zip(self._fee_keys, (14_400, 1_800), strict=True)
        )
        return max(2.6 * math.exp(0.9 * slow + 0.35 * fast), 1.0)

    def _draw(self, number: int) -> BitcoinTransaction:
        words = self._draws.words(number)
        real, seeming = self._large_of_group(number // _GROUP)
        if number == real:
            pieces = self._large_move(words)
        elif number == seeming:
            pieces = self._large_change(words)
        else:
            pieces = self._small_move(words)
        (sender, spent_in), outputs = pieces
        size, weight = _sizes(spent_in, len(outputs))
        fee = math.ceil(self.fee_rate(number) * (0.75 + 1.6 * unit(words[3], 16) ** 2) * weight / 4)
        total = sum(piece.value for piece in outputs) + fee
        inputs = tuple(Piece(sender, share) for share in _split(total, spent_in))
        return BitcoinTransaction(number, self._draws.identifier(number), inputs, outputs, fee, size, weight)

    def _large_move(self, words: tuple[int, int, int, int]) -> tuple[tuple[int, int], tuple[Piece, ...]]:
        """Gives the sender, the number of its inputs and the outputs: a large sum, and often change to the sender."""
        sender = _large_wallet(words[1])
        receiver = _large_wallet(words[1] >> 32)
        if receiver == sender:
            receiver = len(EXCHANGES) + (sender + 1) % LARGE_HOLDERS
        amount = int(20.0 * math.exp(unit(words[0]) ** 2 * math.log(90.0)) * SATOSHI)
        outputs = [Piece(receiver, amount)]
        if words[2] % 5 < 3:
            outputs.append(Piece(sender, int(amount * (0.05 + 2.0 * unit(words[2] >> 8, 32)))))
        return (sender, 1 + words[3] % 3), tuple(outputs)

    def _large_change(self, words: tuple[int, int, int, int]) -> tuple[tuple[int, int], tuple[Piece, ...]]:
        """Gives small payments out of a large wallet, whose rest goes back to it."""
        sender = _large_wallet(words[1])
        payments = [
            Piece(_other_wallet(words[2] >> 20 * place), int(SATOSHI * (0.02 + unit(words[0] >> 16 * place, 16))))
            for place in range(1 + words[3] % 3)
        ]
        rest = int(100.0 * math.exp(unit(words[0] >> 24, 40) * math.log(20.0)) * SATOSHI)
        return (sender, 1), (*payments, Piece(sender, rest))

    def _small_move(self, words: tuple[int, int, int, int]) -> tuple[tuple[int, int], tuple[Piece, ...]]:
        """Gives a payment of up to three bitcoins with change to a new address; one of twenty carries a message."""
        sender = _other_wallet(words[1])
        amount = int(0.0005 * math.exp(unit(words[0]) * math.log(6_000.0)) * SATOSHI)
        outputs = [Piece(_other_wallet(words[1] >> 20), amount)]
        if words[2] % 4:
            outputs.append(Piece(_other_wallet(words[1] >> 40), int(amount * unit(words[2] >> 8, 32)) + 1_000))
        if words[3] % 20 == 0:
            outputs.append(Piece(None, 0))
        return (sender, 1 + (words[3] >> 8) % 3), tuple(outputs)


def _large_wallet(word: int) -> int:
    """Gives an exchange in one third of the cases, else a large holder."""
    if word % 3 == 0:
        return (word >> 8) % len(EXCHANGES)
    return len(EXCHANGES) + (word >> 8) % LARGE_HOLDERS


def _other_wallet(word: int) -> int:
    return len(EXCHANGES) + LARGE_HOLDERS + word % OTHERS


def _split(total: int, count: int) -> list[int]:
    """Gives ``count`` parts of a sum, each half of what is left, the last all of it."""
    parts = []
    for _ in range(count - 1):
        parts.append(total // 2)
        total -= parts[-1]
    return [*parts, total]


def _sizes(inputs: int, outputs: int) -> tuple[int, int]:
    """Gives size in bytes and weight of a transaction between witness addresses."""
    stripped = 10 + 41 * inputs + 31 * outputs
    size = stripped + 2 + 107 * inputs
    return size, 3 * stripped + size
