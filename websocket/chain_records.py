"""Typed, frozen records about chains: blocks, transfers, nodes, gas, activity. Made by providers, used by services.

None means not known, never zero. Times are Unix seconds (UTC), and every number is finite. Sources are registry names
of providers. Chains have lower-case names: ``bitcoin``, ``ethereum``, ``bnb``, ``polygon``, ``arbitrum``, ``optimism``,
``base``, ``solana``. Hashes and addresses of Ethereum and its kin begin with ``0x`` and are in lower case.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class BlockInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One block of a chain.

    Attributes:
        chain: name of the chain.
        height: number of the block; the first block is 0.
        hash: of the block, hexadecimal, or None.
        previous_hash: of the block before it, or None.
        time: when its producer says that it was made, or None.
        transactions: how many it holds, or None.
        size_bytes: its size, or None.
        fees: what its transactions paid the producer, in the chain's coin, or None.
    """

    chain: str
    height: int
    hash: str | None = None
    previous_hash: str | None = None
    time: float | None = None
    transactions: int | None = None
    size_bytes: int | None = None
    fees: float | None = None


class ChainStats(msgspec.Struct, frozen=True, kw_only=True):
    """How a chain stands, as far as one source knows it.

    Attributes:
        chain: name of the chain.
        source: who says so.
        as_of: when the source says that it stood; the moment of receipt where it does not say.
        latest_block: the newest block, or None.
        hash_rate: of all miners, hashes a second, or None. None on chains without mining.
        hash_rate_estimated: True when it was computed from the difficulty, which knows only the pace of 10 minutes.
        difficulty: of mining, without unit, or None. None on chains without mining.
        mempool_transactions: how many wait for a block, or None.
        mempool_vbytes: their size in virtual bytes, or None.
        transactions_24h: confirmed in the last 24 h, or None.
        average_fee_usd_24h: US dollars a transaction, or None.
    """

    chain: str
    source: str
    as_of: float
    latest_block: BlockInfo | None = None
    hash_rate: float | None = None
    hash_rate_estimated: bool = False
    difficulty: float | None = None
    mempool_transactions: int | None = None
    mempool_vbytes: int | None = None
    transactions_24h: int | None = None
    average_fee_usd_24h: float | None = None


class FeeRates(msgspec.Struct, frozen=True, kw_only=True):
    """What a Bitcoin transaction should pay, in satoshi per virtual byte.

    Attributes:
        source: who says so.
        as_of: moment of receipt.
        fastest: to be in the next block, or None.
        half_hour: to be in a block within half an hour, or None.
        hour: within an hour, or None.
        economy: some day, or None.
        minimum: what nodes accept at all, or None.
    """

    source: str
    as_of: float
    fastest: float | None
    half_hour: float | None
    hour: float | None
    economy: float | None
    minimum: float | None


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Money that moved, or is about to.

    A Bitcoin transaction may pay many. It is one transfer: from the address that put in the most to the address that
    got the most, and its amount is what all receivers got together. What went back to an address of the inputs is
    change and does not count; change that went to a fresh address cannot be told apart.

    Attributes:
        chain: name of the chain.
        source: who says so.
        hash: of the transaction.
        index: position of the event inside the block, where one transaction can hold several transfers; else None.
        asset: symbol of what moved, for example ``BTC``, ``ETH``, ``USDT``.
        amount: how much, in units of the asset (not satoshi or wei).
        amount_usd: US dollars at the source's price, or None where the source does not say.
        sender: address, or None.
        receiver: address, or None; None also when a contract was made.
        sender_owner: who is behind the address, where the source says so, for example an exchange.
        receiver_owner: the same for the receiver.
        time: of the block, or when the source first saw the transaction; None when it does not say.
        block_height: of the block that holds it; None while it waits, or where the source does not say.
        block_hash: the same.
        includes_change: True when the source shows only the sum of all outputs, so that ``amount`` may be far too
            large; ``BlockTransactions.transaction_requests`` brings the truth.
    """

    chain: str
    source: str
    hash: str
    index: int | None = None
    asset: str
    amount: float
    amount_usd: float | None = None
    sender: str | None = None
    receiver: str | None = None
    sender_owner: str | None = None
    receiver_owner: str | None = None
    time: float | None = None
    block_height: int | None = None
    block_hash: str | None = None
    includes_change: bool = False


class ContractEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What the contract of a token wrote to the log of its chain.

    Attributes:
        contract: address of the contract.
        symbol: of the token.
        kind: ``Transfer``; ``Mint``: tokens that did not exist before; ``Burn``: tokens that no longer exist.
        sender: address that gave them up; None where the event does not say.
        receiver: address that got them; None where the event does not say.
        amount: in units of the token.
        block: height of its block.
        transaction: hash of its transaction.
        log_index: its place in the block.
        time: of its block.
    """

    contract: str
    symbol: str
    kind: Literal["Transfer", "Mint", "Burn"]
    sender: str | None
    receiver: str | None
    amount: float
    block: int
    transaction: str
    log_index: int
    time: float


class ContractEvents(msgspec.Struct, frozen=True, kw_only=True):
    """The events of some blocks in a row.

    Attributes:
        events: in no particular order.
        as_of: time of the newest of the blocks.
    """

    events: tuple[ContractEvent, ...]
    as_of: float


class ChainBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A block with what is in it.

    Attributes:
        info: the block.
        transfers: of the chain's own coin, those of nothing left out; empty when the block came without its
            transactions.
        base_fee_gwei: price of gas in this block, or None on chains that have none.
        gas_used_percent: used gas in percent of the block's limit, or None.
    """

    info: BlockInfo
    transfers: tuple[Transfer, ...] = ()
    base_fee_gwei: float | None = None
    gas_used_percent: float | None = None


class NodeProbe(msgspec.Struct, frozen=True, kw_only=True):
    """How one JSON-RPC node stands. How fast it answers is in ``Source.status().response_time_ms``.

    Attributes:
        node: registry name, for example ``ethereum:eth.drpc.org``.
        chain: name of the chain that it should serve.
        host: where it runs.
        as_of: moment of receipt.
        height: its newest block; of Solana the block height, not the slot. None when it did not say.
        slot: Solana only.
        chain_id: the chain that it says it serves; None on Solana, or when it did not say.
        right_chain: whether that is the expected one; None when it did not say.
        syncing: True while it is still catching up; None when it did not say.
        behind: blocks (Solana: slots) that it says it is behind, or None.
    """

    node: str
    chain: str
    host: str
    as_of: float
    height: int | None = None
    slot: int | None = None
    chain_id: int | None = None
    right_chain: bool | None = None
    syncing: bool | None = None
    behind: int | None = None


class GasFees(msgspec.Struct, frozen=True, kw_only=True):
    """What gas costs on a chain, in gwei a unit: base fee and tip together.

    Attributes:
        chain: name of the chain.
        source: who says so.
        as_of: when the source says that it stood; the moment of receipt where it does not say.
        block: the newest block that it is based on, or None.
        base_fee_gwei: of the next block, or None.
        slow_gwei: enough for some day, or None.
        average_gwei: enough for one of the next blocks, or None.
        fast_gwei: enough for the next block, or None.
        utilization_percent: used gas in percent of the limit; 50 is what Ethereum aims at. None when not known.
    """

    chain: str
    source: str
    as_of: float
    block: int | None = None
    base_fee_gwei: float | None = None
    slow_gwei: float | None = None
    average_gwei: float | None = None
    fast_gwei: float | None = None
    utilization_percent: float | None = None


class NetworkActivity(msgspec.Struct, frozen=True, kw_only=True):
    """How much a chain was used on one day.

    Attributes:
        chain: name of the chain.
        source: who says so.
        as_of: end of the day where that is known, else the moment of receipt.
        day: the day in UTC, ``2026-11-20``; None where the source calls it today or does not say.
        active_addresses: different addresses that sent or received, or None.
        transactions: of that day, or None.
        transactions_total: since the chain began, or None.
        addresses_total: addresses that ever took part, or None.
        average_block_time_s: between two blocks, or None.
    """

    chain: str
    source: str
    as_of: float
    day: str | None = None
    active_addresses: int | None = None
    transactions: int | None = None
    transactions_total: int | None = None
    addresses_total: int | None = None
    average_block_time_s: float | None = None


class Tvl(msgspec.Struct, frozen=True, kw_only=True):
    """Total value locked in the contracts of a chain.

    Attributes:
        chain: the chain's name as the source writes it, for example ``Ethereum``.
        source: who says so.
        as_of: moment of receipt.
        tvl_usd: US dollars.
        token: symbol of the chain's coin, or None.
        chain_id: EIP-155 number, or None.
    """

    chain: str
    source: str
    as_of: float
    tvl_usd: float
    token: str | None = None
    chain_id: int | None = None


class ProtocolFees(msgspec.Struct, frozen=True, kw_only=True):
    """What the users of a chain paid.

    Attributes:
        chain: name of the chain.
        source: who says so.
        as_of: moment of receipt.
        fees_usd_24h: what users paid to all applications on the chain in 24 h, US dollars.
        change_percent_1d: against the day before, or None.
    """

    chain: str
    source: str
    as_of: float
    fees_usd_24h: float
    change_percent_1d: float | None = None
