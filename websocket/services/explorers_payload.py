"""What ``explorers`` publishes. The docs of the fields become those of the JSON Schema."""

from __future__ import annotations

import msgspec

from websocket.chain_records import FeeRates
from websocket.records import to_rfc3339
from websocket.services.base import Payload
from websocket.services.chain_heights import Reorganisation


class FeeRateInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a Bitcoin transaction should pay, in satoshi per virtual byte; null is not known.

    Attributes:
        fastest: to be in the next block.
        half_hour: to be in a block within half an hour.
        hour: within an hour.
        economy: some day.
        minimum: what nodes accept at all.
    """

    fastest: float | None
    half_hour: float | None
    hour: float | None
    economy: float | None
    minimum: float | None

    @classmethod
    def of(cls, rates: FeeRates) -> FeeRateInfo:
        """As clients see it."""
        return cls(
            fastest=rates.fastest,
            half_hour=rates.half_hour,
            hour=rates.hour,
            economy=rates.economy,
            minimum=rates.minimum,
        )


class ReorganisationInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The last time that blocks of a chain were replaced by others; the only reason for a height to fall.

    Attributes:
        height: of the chain after it.
        depth: how many blocks were replaced, at least.
        source: who reported it.
        time: when we learned of it, RFC 3339 UTC.
    """

    height: int
    depth: int
    source: str
    time: str

    @classmethod
    def of(cls, seen: Reorganisation) -> ReorganisationInfo:
        """As clients see it."""
        return cls(height=seen.height, depth=seen.depth, source=seen.source, time=to_rfc3339(seen.at))


class ChainOverview(msgspec.Struct, frozen=True, kw_only=True):
    """One chain; null is not known, or does not exist there.

    Attributes:
        latest_block: height of the newest block.
        block_hash: its hash, hexadecimal.
        block_time: when its producer says that it was made, RFC 3339 UTC.
        block_transactions: how many transactions it holds.
        block_size: its size, bytes.
        network_hashrate: of all miners, hashes a second (H/s). Null on chains without mining.
        hashrate_estimated: true when the hash rate was computed from the difficulty, for want of a measured one.
        difficulty: of mining, without unit. Null on chains without mining.
        mempool_size: transactions that wait for a block.
        mempool_vbytes: their size, virtual bytes.
        transactions_count: transactions confirmed in the last 24 hours.
        average_fee_usd: what a transaction paid on average in the last 24 hours, US dollars.
        fee_rates: what a transaction should pay. Bitcoin only.
        reorganisation: the last one since the start of this process.
    """

    latest_block: int | None
    block_hash: str | None
    block_time: str | None
    block_transactions: int | None
    block_size: int | None
    network_hashrate: float | None
    hashrate_estimated: bool | None
    difficulty: float | None
    mempool_size: int | None
    mempool_vbytes: int | None
    transactions_count: int | None
    average_fee_usd: float | None
    fee_rates: FeeRateInfo | None
    reorganisation: ReorganisationInfo | None


class Explorers(Payload, frozen=True, kw_only=True):
    """Payload of ``explorers``. The flat keys are Bitcoin's and the same as in ``chains``; null is not known.

    Attributes:
        latest_block: height of Bitcoin's newest block.
        block_hash: its hash, hexadecimal.
        block_time: when its miner says that it was made, RFC 3339 UTC.
        network_hashrate: of all miners of Bitcoin, hashes a second (H/s).
        difficulty: of mining Bitcoin, without unit.
        mempool_size: Bitcoin transactions that wait for a block.
        mempool_vbytes: their size, virtual bytes.
        transactions_count: Bitcoin transactions confirmed in the last 24 hours.
        chains: the same and more by chain: ``bitcoin``, ``ethereum``.
    """

    latest_block: int | None
    block_hash: str | None
    block_time: str | None
    network_hashrate: float | None
    difficulty: float | None
    mempool_size: int | None
    mempool_vbytes: int | None
    transactions_count: int | None
    chains: dict[str, ChainOverview]
