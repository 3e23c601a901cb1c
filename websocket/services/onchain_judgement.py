"""What of the figures about chains can be believed. Computes only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from websocket.chain_records import BlockInfo, ChainStats, ContractEvent, GasFees, NetworkActivity, ProtocolFees, Tvl
from websocket.records import to_rfc3339
from websocket.services.onchain_payload import BlockFees
from websocket.services.part_refresh import within_factor

MOST_GWEI = 100_000.0
"""Some times the worst hour so far."""

MOST_IN_A_DAY = 1_000_000_000
MOST_FEES_USD = 1e9
MOST_BLOCK_FEES = 1_000.0
"""Bitcoin in one block; the record, a mistake of somebody, is 291."""

MOST_TVL_USD = 1e14
TVL_FACTOR = 3.0
"""More than this between two looks is a list with chains missing, or with one that is wrong by magnitudes."""

TVL_SHARE_MISSING = 0.3
"""A list that lacks chains with more than this share of what was known is no list of all chains, however old."""

BASE_FEE_STEP, BASE_FEE_BLOCK_S = 1.125, 12.0
"""By the rules of Ethereum (EIP-1559) the base fee changes at most by this factor from a block to the next."""

SPARE_BLOCKS = 3
"""So many more blocks may lie between two answers than the time between them tells."""

AVERAGE_FACTOR = 2.5
"""By which two sources may differ in what they call an average, tips included, beside the steps of the base fee."""

ACTIVITY_FACTOR = 4.0
"""Use of a chain changes from day to day, but not like this."""

FEES_FACTOR = 4.0
"""Of a window of 24 h that moved on by half an hour."""

OLDEST_DAY = timedelta(days=30)

MOST_TOKENS = 1e12
"""Several times all dollars that are on chains."""

LARGE_EVENT = 100_000.0
"""Tokens, which are dollars; on the real chain some ten in each block move as much."""

LISTED_EVENTS = 50


def wrong_gas(gas: GasFees, chain: str, held: GasFees | None) -> str | None:
    """Why prices of gas cannot be believed, or None.

    Args:
        gas: the prices.
        chain: the chain that they should be about.
        held: what is known and not old, or None.
    """
    if gas.chain != chain:
        return f"speaks of {gas.chain}"
    if gas.average_gwei is None:
        return "no price of gas in the answer"
    prices = [price for price in (gas.slow_gwei, gas.average_gwei, gas.fast_gwei) if price is not None]
    if any(not 0 < price <= MOST_GWEI for price in prices) or prices != sorted(prices):
        return "prices of gas that cannot be"
    if gas.base_fee_gwei is not None and not 0 <= gas.base_fee_gwei <= MOST_GWEI:
        return "a base fee that cannot be"
    if gas.utilization_percent is not None and not 0 <= gas.utilization_percent <= 100:
        return "a utilisation that cannot be"
    if held is not None:
        steps = BASE_FEE_STEP ** (abs(gas.as_of - held.as_of) / BASE_FEE_BLOCK_S + SPARE_BLOCKS)
        if held.base_fee_gwei and gas.base_fee_gwei:
            if not within_factor(gas.base_fee_gwei, held.base_fee_gwei, steps):
                return "a base fee that moved faster than it can"
        elif not within_factor(gas.average_gwei, held.average_gwei, AVERAGE_FACTOR * steps):
            # not every source tells the base fee
            return "a price of gas far off what is known"
    return None


def wrong_activity(activity: NetworkActivity, held: NetworkActivity | None, now: float) -> str | None:
    """Why the activity of a day cannot be believed, or None.

    Args:
        activity: of one day.
        held: what is known and not old, or None.
        now: Unix seconds.
    """
    counts = (activity.active_addresses, activity.transactions)
    if any(count is not None and not 0 < count <= MOST_IN_A_DAY for count in counts):
        return f"a number of addresses or transactions of {activity.chain} that cannot be"
    known = (None, None) if held is None else (held.active_addresses, held.transactions)
    if any(
        count is not None and not within_factor(count, before, ACTIVITY_FACTOR)
        for count, before in zip(counts, known, strict=True)
    ):
        return f"a number of addresses or transactions of {activity.chain} far off what is known"
    if activity.day is not None and not _is_recent_day(activity.day, now):
        return f"a day of {activity.chain} that cannot be"
    return None


def completed(activity: NetworkActivity, held: NetworkActivity | None) -> NetworkActivity:
    """The same day with what an earlier answer about it knew: a field that is missing now is not unknown for that."""
    if held is None or held.day != activity.day:
        return activity
    return msgspec.structs.replace(
        activity,
        active_addresses=held.active_addresses if activity.active_addresses is None else activity.active_addresses,
        transactions=held.transactions if activity.transactions is None else activity.transactions,
    )


def fees_usd_of(stats: ChainStats, chain: str, held: float | None) -> float | None:
    """What transactions paid in 24 h, US dollars: their number times their average.

    None without either, and where they cannot be.

    Args:
        stats: what an explorer says.
        chain: the chain that it should be about.
        held: what is known and not old, or None.
    """
    count, average = stats.transactions_24h, stats.average_fee_usd_24h
    if stats.chain != chain or count is None or average is None or not 0 < count <= MOST_IN_A_DAY:
        return None
    fees = count * average
    return fees if 0 < fees <= MOST_FEES_USD and within_factor(fees, held, FEES_FACTOR) else None


def block_fees_of(blocks: Sequence[BlockInfo]) -> BlockFees | None:
    """What transactions paid in some blocks, dollars left open; None where no block says it believably."""
    known = [(block.height, block.fees) for block in blocks if block.fees is not None]
    if not known or any(not 0 <= fees <= MOST_BLOCK_FEES for _, fees in known):
        return None
    total = math.fsum(fees for _, fees in known)
    return BlockFees(
        blocks=len(known),
        last_block=max(height for height, _ in known),
        total=round(total, 8),
        per_block=round(total / len(known), 8),
        total_usd=None,
    )


def wrong_application_fees(fees: ProtocolFees, chain: str) -> str | None:
    """Why fees of applications cannot be believed, or None."""
    if fees.chain != chain:
        return f"speaks of {fees.chain}"
    return None if 0 <= fees.fees_usd_24h <= MOST_FEES_USD else "fees that cannot be"


def wrong_tvl(rows: Sequence[Tvl], held: Sequence[Tvl] | None, known: Sequence[Tvl]) -> str | None:
    """Why values locked cannot be believed, or None.

    Args:
        rows: one a chain.
        held: what is known and not old, or None.
        known: what was known last, however old; may be empty.
    """
    if not rows:
        return "not one chain in the answer"
    if any(not 0 <= row.tvl_usd <= MOST_TVL_USD for row in rows):
        return "a value locked that cannot be"
    named = {row.chain for row in rows}
    if total_tvl([row for row in known if row.chain not in named]) > TVL_SHARE_MISSING * total_tvl(known):
        return "large chains are missing"
    total = total_tvl(rows)
    if not (total > 0 and within_factor(total, None if held is None else total_tvl(held), TVL_FACTOR)):
        return "a total value locked that cannot be"
    return None


def wrong_events(events: Sequence[ContractEvent]) -> str | None:
    """Why events of contracts cannot be believed, or None."""
    if any(event.amount > MOST_TOKENS for event in events):
        return "an event about more tokens than there are"
    return None


def newest_events(events: Sequence[ContractEvent], held: Sequence[ContractEvent], blocks: range) -> list[ContractEvent]:
    """The large ones of what was just read, then those of the blocks below; what was known about the blocks that were
    just read, and about higher ones, is forgotten: a reorganisation may have replaced them.
    """
    large = [event for event in events if event.amount >= LARGE_EVENT]
    older = [event for event in held if event.block < blocks[0]]
    return sorted([*large, *older], key=lambda event: (event.block, event.log_index), reverse=True)[:LISTED_EVENTS]


def total_tvl(rows: Sequence[Tvl]) -> float:
    """US dollars on all chains together."""
    return math.fsum(row.tvl_usd for row in rows)


def _is_recent_day(text: str, now: float) -> bool:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    today = date.fromisoformat(to_rfc3339(now)[:10])
    return today - OLDEST_DAY <= day <= today
