"""Blockchair's lists of transactions: which ones a query chooses, and how they look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from simulator.bitcoin_transactions import SATOSHI, BitcoinTransaction
from simulator.evm import TRANSFER_GAS, EvmBlock, EvmTransaction
from simulator.evm_specs import ETHER
from simulator.formats import plain_s
from simulator.market import DAY_S
from simulator.source_view import SourceView

Bounds = Mapping[str, tuple[float, float]]
"""The lowest and highest value of each field that a query names; times are Unix seconds."""

Select = Callable[[SourceView, Bounds], tuple[int, Iterator[dict[str, Any]]]]
"""Gives the height of a chain and the chosen rows, newest first."""

_CONDITION = re.compile(r"(output_total|output_total_usd|value_usd|block_id)\((\d*)(?:\.\.(\d*))?\)")
_TIME = r"(\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?)?"
_TIME_CONDITION = re.compile(rf"time\({_TIME}\.\.{_TIME}\)")
_EVERYTHING = (0.0, float("inf"))
# From these on only the transactions that move large sums need to be looked at.
_LARGE, _LARGE_WEI = 5 * SATOSHI, 100 * ETHER


def read_bounds(text: str) -> Bounds | None:
    """Gives the conditions of a query, such as ``output_total_usd(1000000..)``; ``None`` when it cannot be read."""
    bounds = {}
    for part in filter(None, text.split(",")):
        times = _TIME_CONDITION.fullmatch(part)
        if times is not None:
            try:
                bounds["time"] = _unix_s(times.group(1), 0.0), _unix_s(times.group(2), float("inf"))
            except ValueError:
                return None
            continue
        match = _CONDITION.fullmatch(part)
        if match is None:
            return None
        field, low, high = match.groups()
        if high is None:
            high = low
        bounds[field] = (float(low or 0), float(high or "inf"))
    return bounds


def confirmed_bitcoins(view: SourceView, bounds: Bounds) -> tuple[int, Iterator[dict[str, Any]]]:
    """Chooses among the transactions in the blocks of the last day."""
    chain, now = view.chains.bitcoin, view.as_of
    first, last = _heights(view, bounds, chain.height(now), chain.height)
    numbers = range(0)
    if first <= last:
        numbers = range(chain.block(first, now).numbers.start, chain.block(last, now).numbers.stop)
    return chain.height(now), _bitcoins(view, bounds, numbers)


def waiting_bitcoins(view: SourceView, bounds: Bounds) -> tuple[int, Iterator[dict[str, Any]]]:
    """Chooses among the transactions in the mempool."""
    chain = view.chains.bitcoin
    waiting = chain.waiting(view.as_of)
    first = max(waiting.start, chain.stream.arrived_by(bounds.get("time", _EVERYTHING)[0]))
    return chain.height(view.as_of), _bitcoins(view, bounds, range(first, waiting.stop))


def confirmed_ethers(view: SourceView, bounds: Bounds) -> tuple[int, Iterator[dict[str, Any]]]:
    """Chooses among the transactions in Ethereum's blocks of the last day, by the worth of the coins they move."""
    chain = view.chains.ethereum
    tip = chain.height(view.as_of)
    return tip, _ethers(view, bounds, range(*_heights(view, bounds, tip, chain.height)))


def _heights(view: SourceView, bounds: Bounds, tip: int, height_at: Callable[[float], int]) -> tuple[int, int]:
    """Gives the lowest and the highest block that can be meant."""
    since, until = bounds.get("time", _EVERYTHING)
    low, high = bounds.get("block_id", _EVERYTHING)
    first = max(int(low), height_at(max(since, view.as_of - DAY_S)) + 1)
    return first, min(height_at(min(until, view.as_of)), int(min(high, tip)))


def _bitcoins(view: SourceView, bounds: Bounds, numbers: range) -> Iterator[dict[str, Any]]:
    chain, price = view.chains.bitcoin, view.price("BTC")
    lowest, highest = bounds.get("output_total", _EVERYTHING)
    lowest_usd, highest_usd = bounds.get("output_total_usd", _EVERYTHING)
    lowest, highest = max(lowest, lowest_usd / price * SATOSHI), min(highest, highest_usd / price * SATOSHI)
    newest_first = chain.stream.large_numbers(numbers.start, numbers.stop) if lowest >= _LARGE else reversed(numbers)
    for one in map(chain.transaction, newest_first):
        if lowest <= one.output_total <= highest:
            yield _bitcoin_row(view, one)


def _ethers(view: SourceView, bounds: Bounds, heights: range) -> Iterator[dict[str, Any]]:
    chain, price = view.chains.ethereum, view.price("ETH")
    lowest, highest = (usd / price * ETHER for usd in bounds.get("value_usd", _EVERYTHING))
    for height in range(heights.stop, heights.start - 1, -1):
        numbers = chain.numbers(height, view.as_of)
        chosen = chain.large_numbers(numbers) if lowest >= _LARGE_WEI else reversed(numbers)
        for one in map(chain.transaction, chosen):
            if lowest <= one.value <= highest:
                yield _ether_row(view, one, chain.block(height, view.as_of))


def _bitcoin_row(view: SourceView, one: BitcoinTransaction) -> dict[str, Any]:
    chain = view.chains.bitcoin
    block = chain.block_of(one.number, view.as_of)
    seen = plain_s(chain.stream.arrival(one.number) if block is None else block.time_s)
    usd = view.price("BTC") / SATOSHI
    per_kb, per_kwu = one.fee * 1_000 / one.size, one.fee * 1_000 / one.weight
    return {
        "block_id": -1 if block is None else block.height,
        "id": one.number,
        "hash": one.txid,
        "date": seen[:10],
        "time": seen,
        "size": one.size,
        "weight": one.weight,
        "version": 2,
        "lock_time": 0,
        "is_coinbase": False,
        "has_witness": True,
        "input_count": len(one.inputs),
        "output_count": len(one.outputs),
        "input_total": one.output_total + one.fee,
        "input_total_usd": round((one.output_total + one.fee) * usd, 4),
        "output_total": one.output_total,
        "output_total_usd": round(one.output_total * usd, 4),
        "fee": one.fee,
        "fee_usd": round(one.fee * usd, 7),
        "fee_per_kb": round(per_kb),
        "fee_per_kb_usd": round(per_kb * usd, 7),
        "fee_per_kwu": round(per_kwu),
        "fee_per_kwu_usd": round(per_kwu * usd, 7),
        "cdd_total": round(one.output_total / SATOSHI * 1.7, 12),
    }


def _ether_row(view: SourceView, one: EvmTransaction, block: EvmBlock) -> dict[str, Any]:
    """Gives a transaction of Ethereum; amounts are wei as text, addresses have their prefix and signatures none."""
    tip = int(view.chains.ethereum.spec.tip_wei * one.tip_share)
    gas_used = TRANSFER_GAS if one.input == "0x" else one.gas * 2 // 3
    fee = gas_used * (block.base_fee + tip)
    usd = view.price("ETH") / ETHER
    index = one.number - block.numbers.start
    value, seen, signature = str(one.value), plain_s(block.time_s), one.hash[2:]
    return {
        "block_id": block.height,
        "id": block.height * 1_000_000 + index,
        "index": index,
        "hash": one.hash,
        "date": seen[:10],
        "time": seen,
        "failed": False,
        "type": "create" if one.recipient is None else "call",
        "sender": one.sender,
        "recipient": one.recipient,
        "call_count": 1,
        "value": value,
        "value_usd": round(one.value * usd, 4),
        "internal_value": value,
        "internal_value_usd": round(one.value * usd, 4),
        "fee": str(fee),
        "fee_usd": round(fee * usd, 7),
        "gas_used": gas_used,
        "gas_limit": one.gas,
        "gas_price": block.base_fee + tip,
        "input_hex": one.input[2:],
        "nonce": str(one.number % 5_000),
        "v": "1",
        "r": signature[::-1],
        "s": signature[32:] + signature[:32],
    }


def _unix_s(text: str | None, default: float) -> float:
    """Gives a time in UTC as Unix seconds, or the default when there is none."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp() if text else default
