"""The facts of the simulated EVM chains that do not move: identifiers, pace, size, usual fees."""

from __future__ import annotations

from dataclasses import dataclass

GWEI = 10**9
ETHER = 10**18


@dataclass(frozen=True)
class Token:
    """A token on a chain.

    Attributes:
        symbol: Upper case.
        address: Of its contract, lower case.
        decimals: Digits behind the point.
    """

    symbol: str
    address: str
    decimals: int


@dataclass(frozen=True)
class EvmSpec:
    """One chain.

    Attributes:
        name: As in the addresses of its nodes.
        chain_id: As wallets know it.
        slot_s: Seconds from one slot to the next.
        empty_slots: How many of 128 slots have no block.
        anchor_height: The height reached on 2026-11-21 00:00 UTC.
        gas_limit: Of one block.
        base_fee_wei: The level around which the base fee moves; 0 where none is asked.
        tip_wei: A usual priority fee.
        transactions: In a usual block.
        tokens: Whose transfers are simulated.
        client: What a node calls itself.
    """

    name: str
    chain_id: int
    slot_s: float
    empty_slots: int
    anchor_height: int
    gas_limit: int
    base_fee_wei: int
    tip_wei: int
    transactions: int
    tokens: tuple[Token, ...] = ()
    client: str = "Geth/v1.16.7-stable/linux-amd64/go1.25.3"


ETHEREUM = EvmSpec(
    "ethereum", 1, 12.0, 1, 26_463_000, 60_000_000, 9 * GWEI // 10, GWEI // 10, 200,
    (
        Token("USDT", "0xdac17f958d2ee523a2206206994597c13d831ec7", 6),
        Token("USDC", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", 6),
    ),
)  # fmt: skip

EVM_SPECS = (
    ETHEREUM,
    EvmSpec("bnb", 56, 0.75, 0, 109_400_000, 100_000_000, 0, GWEI // 20, 60, client="Geth/v1.6.2-5b2a5c3/linux-amd64"),
    EvmSpec("polygon", 137, 2.0, 0, 95_400_000, 60_000_000, 30 * GWEI, 25 * GWEI, 70, client="bor/v2.5.3/linux-amd64"),
    EvmSpec("arbitrum", 42_161, 0.25, 0, 527_000_000, 32_000_000, GWEI // 100, 0, 6, client="nitro/v3.8.0/linux-amd64"),
    EvmSpec("optimism", 10, 2.0, 0, 143_900_000, 40_000_000, GWEI // 1_000, GWEI // 1_000, 25, client="op-geth/v1.101"),
    EvmSpec("base", 8_453, 2.0, 0, 38_300_000, 150_000_000, GWEI // 200, GWEI // 1_000, 150, client="op-reth/v1.9.3"),
)  # fmt: skip

EXCHANGE_WALLETS = {
    "0xbe0eb53f46cd790cd13851d5eff43d12404d33e8": "binance",
    "0xf977814e90da44bfa03b6295a0616a897441acec": "binance",
    "0x28c6c06298d514db089934071355e5743bf21d60": "binance",
    "0xa9d1e08c7793af67e9d92fe308d5697fb81d3e43": "coinbase",
    "0x267be1c1d684f78cb4f6a176c4911b741e4ffdc0": "kraken",
    "0x742d35cc6634c0532925a3b844bc454e4438f44e": "bitfinex",
    "0xd24400ae8bfebb18ca49be86258a3c749cf46853": "gemini",
}
"""Public addresses of exchanges on Ethereum, lower case, with their owner."""
