"""The large transactions of the last hour and some before, each once. Computes only.

A transaction may be told of several times: while it waits, in its block, by another source, and again in another block
after a reorganisation. The ledger recognises it, keeps the dollar value that it had at first sight, and gives sums.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum

import msgspec

from websocket.chain_records import Transfer
from websocket.records import Moment
from websocket.services.exchange_labels import EXCHANGE_LABELS

SUPPLY_MAX: Mapping[str, float] = {
    "BTC": 21e6,
    "ETH": 150e6,
    "BNB": 200e6,
    "SOL": 1e9,
    "MATIC": 15e9,
    "USDT": 1e12,
    "USDC": 1e12,
}
"""More of a coin than there is, or will be in the next years; nobody moves that."""

VALUE_MAX_USD = 1e12
"""For coins that are not listed above; the largest transactions ever seen moved a hundredth of that."""

FUTURE_TOLERANCE_S = 7200.0
"""How far a block's time may be ahead, as Bitcoin allows it; it is shown as now."""

OLDEST_S = 2 * 86_400.0
"""A transaction that is told of now is not believed to be older."""

KEPT_S = 4500.0
"""Longer than any time that is summed up..."""

KEPT_NEWEST = 500
"""...and so many of any age, for the list in quiet times..."""

KEPT_MOVES = 3000
"""...but never more than these. An hour of Ethereum's stablecoins alone has some hundreds."""

WAITING_KEPT_S = 6 * 3600.0
"""After this a waiting transaction has been replaced or dropped, most likely; nobody says so."""

PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9]{20,110}")
PLAIN_HASH = re.compile(r"[A-Za-z0-9]{40,110}")
PLAIN_NAME = re.compile(r"[A-Za-z0-9 ._-]{1,30}")


class Verdict(str, Enum):
    """What became of an offered transfer."""

    NEW = "new"
    CONFIRMED = "confirmed"
    KNOWN = "known"
    SMALL = "small"
    UNPRICED = "unpriced"
    REFUSED = "refused"


class Move(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A large transaction.

    Attributes:
        chain: name of the chain.
        source: who said so first.
        hash: of the transaction.
        index: of the event in its block, where one transaction can hold several; else None.
        asset: symbol of what moved.
        amount: in units of the asset.
        value_usd: US dollars at the price when it was first seen.
        sender: address, or None.
        receiver: address, or None.
        sender_label: the exchange behind it, or None.
        receiver_label: the same.
        time: of its block; while it waits, when it was first seen. Unix seconds, never in the future.
        seen_at: when we first heard of it, Unix seconds.
        confirmed: whether it is in a block.
        block_height: of its block, or None.
        block_hash: of its block, or None.
    """

    chain: str
    source: str
    hash: str
    index: int | None = None
    asset: str
    amount: float
    value_usd: float
    sender: str | None
    receiver: str | None
    sender_label: str | None
    receiver_label: str | None
    time: Moment
    seen_at: Moment
    confirmed: bool
    block_height: int | None = None
    block_hash: str | None = None


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """What one address moved in large confirmed transactions within some time.

    Attributes:
        address: on its chain.
        chain: name of the chain.
        label: the exchange behind it, or None.
        sent: US dollars.
        received: US dollars.
        transactions: how many.
    """

    address: str
    chain: str
    label: str | None
    sent: float
    received: float
    transactions: int


_Name = tuple[str, str, str]
"""Chain, hash, asset: what every source says about a transfer."""


class WhaleLedger:
    """Keeps large transactions.

    Args:
        threshold_usd: least value.
        price: dollars for a unit of an asset, or None while that is not known.
        priced: the assets that ``price`` can know. Of others the source's own value counts.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self,
        *,
        threshold_usd: float,
        price: Callable[[str], float | None],
        priced: Collection[str],
        clock: Callable[[], float],
    ) -> None:
        self.complete_since: float | None = None
        """Older ones may have been dropped because they were too many; None when that never happened."""
        self._threshold_usd = threshold_usd
        self._price = price
        self._priced = priced
        self._clock = clock
        self._moves: dict[_Name, list[Move]] = {}
        self._count = 0
        self._unpriced_at: dict[str, float] = {}

    def offer(self, transfer: Transfer, *, confirmed: bool | None = None) -> Verdict:
        """Judges a transfer whose amount is the truth (no change in it), and keeps it when it is large and new.

        Args:
            transfer: as a provider gave it.
            confirmed: whether it is in a block, where the source knows that without naming the block.
        """
        in_block = transfer.block_height is not None if confirmed is None else confirmed
        if not self._is_possible(transfer):
            return Verdict.REFUSED
        held = self._same(transfer)
        if held is not None:
            return self._learn(held, transfer, in_block=in_block)
        value = self._value(transfer)
        if value is None:
            self._unpriced_at[transfer.asset] = self._clock()
            return Verdict.UNPRICED
        if not 0 < value <= VALUE_MAX_USD:
            return Verdict.REFUSED
        if value < self._threshold_usd:
            return Verdict.SMALL
        now = self._clock()
        sender, receiver = _address(transfer.sender), _address(transfer.receiver)
        self._put(
            Move(
                chain=transfer.chain,
                source=transfer.source,
                hash=transfer.hash,
                index=transfer.index,
                asset=transfer.asset,
                amount=transfer.amount,
                value_usd=value,
                sender=sender,
                receiver=receiver,
                sender_label=_label(sender, transfer.sender_owner),
                receiver_label=_label(receiver, transfer.receiver_owner),
                time=_believable(transfer.time, now),
                seen_at=now,
                confirmed=in_block,
                block_height=transfer.block_height,
                block_hash=transfer.block_hash,
            )
        )
        return Verdict.NEW

    def has_price(self, asset: str) -> bool:
        """Whether transfers of an asset can be valued at this moment."""
        return self._price(asset) is not None

    def confirm(self, transfer: Transfer) -> bool:
        """Whether the transfer is known already; then it is noted as being in its block, if it is."""
        held = self._same(transfer)
        if held is None:
            return False
        self._learn(held, transfer, in_block=transfer.block_height is not None)
        return True

    def may_be_large(self, transfer: Transfer) -> bool | None:
        """Whether a transfer that includes change reaches the threshold; None when its asset has no price."""
        if not self._is_possible(transfer):
            return False
        value = self._value(transfer)
        if value is None:
            self._unpriced_at[transfer.asset] = self._clock()
            return None
        return self._threshold_usd <= value <= VALUE_MAX_USD

    def drop_blocks(self, chain: str, hashes: Collection[str]) -> None:
        """Forgets what was in blocks that have been replaced; what is in other blocks now will be told again."""
        for move in self._all():
            if move.chain == chain and move.block_hash in hashes:
                self._remove(move)

    def newest(self, count: int) -> list[Move]:
        """The newest transactions first."""
        self._prune()
        return sorted(self._all(), key=lambda move: move.time, reverse=True)[:count]

    def volume(self, within_s: float) -> float:
        """US dollars of the confirmed transactions of that time."""
        return math.fsum(move.value_usd for move in self._recent(within_s))

    def wallets(self, within_s: float, count: int) -> list[Wallet]:
        """The addresses that moved most in that time, largest first."""
        sums: dict[tuple[str, str], tuple[str | None, float, float, int]] = {}
        for move in self._recent(within_s):
            for address, label, sent, received in (
                (move.sender, move.sender_label, move.value_usd, 0.0),
                (move.receiver, move.receiver_label, 0.0, move.value_usd),
            ):
                if address is not None:
                    known, so_far, got, times = sums.get((move.chain, address), (None, 0.0, 0.0, 0))
                    sums[move.chain, address] = (known or label, so_far + sent, got + received, times + 1)
        ranked = sorted(sums.items(), key=lambda item: item[1][1] + item[1][2], reverse=True)
        return [
            Wallet(address=address, chain=chain, label=label, sent=sent, received=received, transactions=times)
            for (chain, address), (label, sent, received, times) in ranked[:count]
        ]

    def unpriced(self, within_s: float) -> list[str]:
        """Assets whose transfers could not be counted in that time, for lack of a price."""
        horizon = self._clock() - within_s
        return sorted(asset for asset, at in self._unpriced_at.items() if at >= horizon)

    def dump(self) -> list[Move]:
        """What is kept, newest first."""
        return self.newest(KEPT_MOVES)

    def restore(self, moves: Iterable[Move]) -> None:
        """Takes over what an earlier run kept; what is impossible (a file may be edited) is passed over."""
        latest = self._clock() + FUTURE_TOLERANCE_S
        for move in moves:
            if 0 < move.value_usd <= VALUE_MAX_USD and 0 < move.amount < math.inf and move.time <= latest:
                self._put(move)
        self._prune()

    def _recent(self, within_s: float) -> list[Move]:
        horizon = self._clock() - within_s
        return [move for move in self._all() if move.confirmed and move.time >= horizon]

    def _learn(self, held: Move, transfer: Transfer, *, in_block: bool) -> Verdict:
        """Takes over what is new about a known transaction. A block is never taken back here: see ``drop_blocks``."""
        sender = held.sender or _address(transfer.sender)
        receiver = held.receiver or _address(transfer.receiver)
        named_block = transfer.block_height is not None and in_block
        learned = msgspec.structs.replace(
            held,
            index=transfer.index if held.index is None else held.index,
            sender=sender,
            receiver=receiver,
            sender_label=held.sender_label or _label(sender, transfer.sender_owner),
            receiver_label=held.receiver_label or _label(receiver, transfer.receiver_owner),
            time=_believable(transfer.time, self._clock()) if in_block and not held.confirmed else held.time,
            confirmed=held.confirmed or in_block,
            block_height=transfer.block_height if named_block else held.block_height,
            block_hash=(transfer.block_hash or held.block_hash) if named_block else held.block_hash,
        )
        if learned == held:
            return Verdict.KNOWN
        self._remove(held)
        self._put(learned)
        return Verdict.KNOWN if held.confirmed or not in_block else Verdict.CONFIRMED

    def _same(self, transfer: Transfer) -> Move | None:
        """The held transaction that a transfer speaks of. A source that gives no index means any of that asset."""
        moves = self._moves.get((transfer.chain, transfer.hash, transfer.asset), [])
        if transfer.index is None:
            return moves[0] if moves else None
        return next(
            (move for move in moves if move.index == transfer.index),
            next((move for move in moves if move.index is None), None),
        )

    def _value(self, transfer: Transfer) -> float | None:
        if transfer.asset not in self._priced:
            told = transfer.amount_usd
            return told if told is not None and math.isfinite(told) else None
        price = self._price(transfer.asset)
        return None if price is None else round(transfer.amount * price, 2)

    def _all(self) -> list[Move]:
        return [move for moves in self._moves.values() for move in moves]

    def _put(self, move: Move) -> None:
        self._moves.setdefault((move.chain, move.hash, move.asset), []).append(move)
        self._count += 1
        if self._count > KEPT_MOVES + KEPT_MOVES // 10:
            self._prune()

    def _remove(self, move: Move) -> None:
        name = (move.chain, move.hash, move.asset)
        self._moves[name].remove(move)
        self._count -= 1
        if not self._moves[name]:
            del self._moves[name]

    def _prune(self) -> None:
        now = self._clock()
        moves = sorted(self._all(), key=lambda move: move.time, reverse=True)
        for rank, move in enumerate(moves):
            if rank >= KEPT_MOVES and now - move.time <= KEPT_S:
                self.complete_since = max(self.complete_since or 0.0, move.time)
            given_up = not move.confirmed and now - move.seen_at > WAITING_KEPT_S
            old = rank >= KEPT_NEWEST and move.confirmed and now - move.time > KEPT_S
            if given_up or old or rank >= KEPT_MOVES:
                self._remove(move)

    @staticmethod
    def _is_possible(transfer: Transfer) -> bool:
        most = SUPPLY_MAX.get(transfer.asset, math.inf)
        return (
            math.isfinite(transfer.amount)
            and 0 < transfer.amount <= most
            and PLAIN_HASH.fullmatch(transfer.hash) is not None
            and PLAIN_NAME.fullmatch(transfer.asset) is not None
            and PLAIN_NAME.fullmatch(transfer.chain) is not None
        )


def _believable(time: float | None, now: float) -> float:
    """The time of a transaction; when it was seen, where the source says none or one that cannot be."""
    if time is None or not now - OLDEST_S <= time <= now + FUTURE_TOLERANCE_S:
        return now
    return min(time, now)


def _address(value: str | None) -> str | None:
    return value if value is not None and PLAIN_ADDRESS.fullmatch(value) else None


def _label(address: str | None, owner: str | None) -> str | None:
    """The name that we know, else the one that the source gives."""
    known = EXCHANGE_LABELS.get(address) if address is not None else None
    return known or (owner if owner is not None and PLAIN_NAME.fullmatch(owner) else None)
