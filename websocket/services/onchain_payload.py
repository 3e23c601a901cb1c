"""What ``onchain`` publishes. The docs of the fields become those of the JSON Schema."""

from __future__ import annotations

from typing import Literal

import msgspec

from websocket.chain_records import ContractEvent
from websocket.records import to_rfc3339
from websocket.services.base import Payload


class GasPrices(msgspec.Struct, frozen=True, kw_only=True):
    """What gas costs, gwei a unit, base fee and tip together; null is not known.

    Attributes:
        base_fee: of the next block, without a tip.
        slow: enough for some day.
        average: enough for one of the next blocks.
        fast: enough for the next block.
    """

    base_fee: float | None
    slow: float | None
    average: float | None
    fast: float | None


class BlockFees(msgspec.Struct, frozen=True, kw_only=True):
    """What transactions paid in the newest blocks.

    Attributes:
        blocks: how many blocks these are.
        last_block: height of the newest of them.
        total: their fees together, in the chain's coin.
        per_block: the same by block.
        total_usd: US dollars at the price of now; null while that is not known.
    """

    blocks: int
    last_block: int
    total: float
    per_block: float
    total_usd: float | None


class ChainActivity(msgspec.Struct, frozen=True, kw_only=True):
    """One chain; null is not known, or does not exist there.

    Attributes:
        active_addresses: different addresses that sent or received on ``active_addresses_day``.
        active_addresses_day: the UTC day, for example ``2026-11-20``; the newest that is counted, one or two days back.
        transaction_count: transactions of ``transaction_count_day``.
        transaction_count_day: the UTC day; null where the source calls it today or the last 24 hours.
        total_fees: what transactions paid in the last 24 hours, in the chain's coin (BTC, ETH): ``total_fees_usd`` at
            the price of now.
        total_fees_usd: the same in US dollars, as the source counts it.
        block_fees: what transactions paid in the newest blocks. Bitcoin only.
        application_fees_usd: what users paid to all applications on the chain in 24 hours, US dollars. Ethereum only.
        gas_price: average of ``gas``, gwei. Ethereum only.
        gas: what gas costs. Ethereum only.
        network_utilization: used gas in percent of the blocks' limit, 0 to 100; 50 is what the chain aims at. Ethereum
            only.
        tvl: total value locked in its contracts, US dollars.
    """

    active_addresses: int | None = None
    active_addresses_day: str | None = None
    transaction_count: int | None = None
    transaction_count_day: str | None = None
    total_fees: float | None = None
    total_fees_usd: float | None = None
    block_fees: BlockFees | None = None
    application_fees_usd: float | None = None
    gas_price: float | None = None
    gas: GasPrices | None = None
    network_utilization: float | None = None
    tvl: float | None = None


class ContractEventInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A large event of a well-known contract on Ethereum: USDT and USDC.

    Attributes:
        contract: address of the contract.
        symbol: of its token.
        event: ``Transfer``; ``Mint``: tokens that did not exist before; ``Burn``: tokens that no longer exist.
        from_address: ``from`` on the wire: the address that gave them up, all zeros for a mint; empty where the event
            does not say.
        to: the address that got them, all zeros for a burn; empty where the event does not say.
        value: how many, in units of the token.
        block: height of its block.
        transaction: hash of its transaction.
        log_index: its place in the block; block and place together name it.
        timestamp: of its block; where the node does not say, counted from the newest block by 12 s each. RFC 3339 UTC.
    """

    contract: str
    symbol: str
    event: Literal["Transfer", "Mint", "Burn"]
    from_address: str = msgspec.field(name="from")
    to: str
    value: float
    block: int
    transaction: str
    log_index: int
    timestamp: str

    @classmethod
    def of(cls, event: ContractEvent) -> ContractEventInfo:
        """As clients see it."""
        return cls(
            contract=event.contract,
            symbol=event.symbol,
            event=event.kind,
            from_address=event.sender or "",
            to=event.receiver or "",
            value=event.amount,
            block=event.block,
            transaction=event.transaction,
            log_index=event.log_index,
            timestamp=to_rfc3339(event.time),
        )


class Onchain(Payload, frozen=True, kw_only=True):
    """Payload of ``onchain``. The flat keys are Ethereum's, but for ``tvl``; null is not known.

    Attributes:
        active_addresses: different addresses that sent or received on ``active_addresses_day``.
        active_addresses_day: the UTC day, for example ``2026-11-20``; the newest that is counted, one or two days back.
        transaction_count: transactions of ``transaction_count_day``.
        transaction_count_day: the UTC day; null where the source calls it today or the last 24 hours.
        total_fees: what transactions paid in the last 24 hours, ETH, at the price of now.
        total_fees_usd: the same in US dollars, as the source counts it.
        gas_price: enough for one of the next blocks, gwei.
        network_utilization: used gas in percent of the blocks' limit, 0 to 100; 50 is what Ethereum aims at.
        tvl: total value locked on all chains, US dollars.
        tvl_by_chain: the same of the 20 largest chains, largest first, by the name that the source gives them.
        chains: the same and more by chain: ``bitcoin``, ``ethereum``.
        contract_events: large events of well-known contracts (100,000 tokens or more), newest first; at most 50. Read
            five blocks (a minute) behind the newest, so that they are hardly ever taken back.
    """

    active_addresses: int | None
    active_addresses_day: str | None
    transaction_count: int | None
    transaction_count_day: str | None
    total_fees: float | None
    total_fees_usd: float | None
    gas_price: float | None
    network_utilization: float | None
    tvl: float | None
    tvl_by_chain: dict[str, float]
    chains: dict[str, ChainActivity]
    contract_events: list[ContractEventInfo]
