"""What nodes of Ethereum and its kin answer: blocks, events of tokens, the history of fees. Computes only.

Documentation: https://ethereum.github.io/execution-apis/, checked 2026-11-21.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from websocket.chain_records import BlockInfo, ChainBlock, GasFees, Transfer
from websocket.providers.base import parse_count, parse_hash, parse_hex, parse_number, parse_unix_time

WEI_PER_COIN = 10**18
WEI_PER_GWEI = 10**9

NATIVE_ASSETS: Mapping[str, str] = {"ethereum": "ETH", "bnb": "BNB", "polygon": "MATIC"}
"""The chains' own coins, under our symbols; that of all others is ETH."""


class Token(msgspec.Struct, frozen=True):
    """A token: its symbol, and how many decimals its amounts have."""

    symbol: str
    decimals: int


TOKENS: Mapping[str, Mapping[str, Token]] = {
    "ethereum": {
        "0xdac17f958d2ee523a2206206994597c13d831ec7": Token("USDT", 6),
        "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": Token("USDC", 6),
    }
}
"""Contracts of the tokens whose transfers are of interest, by chain."""

TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""Keccak-256 of ``Transfer(address,address,uint256)``."""

ADDRESS = re.compile(r"0x[0-9a-f]{40}")


def read_block(result: Any, *, chain: str, source: str, asset: str) -> ChainBlock | None:
    """The block in a result of ``eth_getBlockByNumber``; None when it is none."""
    height = parse_count(parse_hex(result.get("number"))) if isinstance(result, dict) else None
    if height is None:
        return None
    rows = result.get("transactions")
    transactions = rows if isinstance(rows, list) else []
    info = BlockInfo(
        chain=chain,
        height=height,
        hash=parse_hash(result.get("hash")),
        previous_hash=parse_hash(result.get("parentHash")),
        time=parse_unix_time(parse_hex(result.get("timestamp"))),
        transactions=len(transactions) if isinstance(rows, list) else None,
        size_bytes=parse_count(parse_hex(result.get("size"))),
    )
    found = [_coin_transfer(row, info, source=source, asset=asset) for row in transactions if isinstance(row, dict)]
    base_fee = parse_hex(result.get("baseFeePerGas"))
    used, limit = parse_hex(result.get("gasUsed")), parse_hex(result.get("gasLimit"))
    return ChainBlock(
        info=info,
        transfers=tuple(transfer for transfer in found if transfer is not None),
        base_fee_gwei=None if base_fee is None else base_fee / WEI_PER_GWEI,
        gas_used_percent=used / limit * 100 if used is not None and limit and used <= limit else None,
    )


def read_token_transfers(result: Sequence[Any], *, chain: str, source: str) -> list[Transfer]:
    """The transfers in a result of ``eth_getLogs``."""
    tokens = TOKENS.get(chain, {})
    transfers = []
    for row in result:
        if not isinstance(row, dict) or row.get("removed") is True:
            continue
        address, topics = row.get("address"), row.get("topics")
        token = tokens.get(address.lower()) if isinstance(address, str) else None
        hash, amount = parse_hash(row.get("transactionHash")), parse_hex(row.get("data"))
        if token is None or hash is None or not amount or not isinstance(topics, list) or len(topics) != 3:
            continue
        if topics[0] != TRANSFER_TOPIC:
            continue
        transfers.append(
            Transfer(
                chain=chain,
                source=source,
                hash=hash,
                index=parse_count(parse_hex(row.get("logIndex"))),
                asset=token.symbol,
                amount=amount / 10**token.decimals,
                sender=_address_in_word(topics[1]),
                receiver=_address_in_word(topics[2]),
                time=parse_unix_time(parse_hex(row.get("blockTimestamp"))),
                block_height=parse_count(parse_hex(row.get("blockNumber"))),
                block_hash=parse_hash(row.get("blockHash")),
            )
        )
    return transfers


def read_fee_history(result: Any, *, chain: str, source: str, received_at: float) -> GasFees | None:
    """The price of gas in a result of ``eth_feeHistory``; None when it has no base fees."""
    fees = result.get("baseFeePerGas") if isinstance(result, dict) else None
    base_fee = parse_hex(fees[-1]) if isinstance(fees, list) and fees else None
    if base_fee is None:
        return None
    ratios = result.get("gasUsedRatio")
    used = [number for ratio in _list(ratios) if (number := parse_number(ratio)) is not None and 0 <= number <= 1]
    oldest = parse_count(parse_hex(result.get("oldestBlock")))
    slow, average, fast = _tips(result.get("reward"))
    return GasFees(
        chain=chain,
        source=source,
        as_of=received_at,
        block=oldest + len(_list(ratios)) - 1 if oldest is not None and _list(ratios) else None,
        base_fee_gwei=base_fee / WEI_PER_GWEI,
        slow_gwei=None if slow is None else (base_fee + slow) / WEI_PER_GWEI,
        average_gwei=None if average is None else (base_fee + average) / WEI_PER_GWEI,
        fast_gwei=None if fast is None else (base_fee + fast) / WEI_PER_GWEI,
        utilization_percent=math.fsum(used) / len(used) * 100 if used else None,
    )


def _tips(rewards: Any) -> tuple[float | None, float | None, float | None]:
    """Of three percentiles, the middle of all blocks, in wei; None each where a block has no three tips."""
    rows = [[parse_hex(tip) for tip in row] for row in _list(rewards) if isinstance(row, list)]
    whole = [row for row in rows if len(row) == 3 and None not in row]
    if not whole:
        return None, None, None
    slow, average, fast = (
        statistics.median(tip for tip in column if tip is not None) for column in zip(*whole, strict=True)
    )
    return slow, average, fast


def _coin_transfer(row: dict[str, Any], block: BlockInfo, *, source: str, asset: str) -> Transfer | None:
    hash, wei = parse_hash(row.get("hash")), parse_hex(row.get("value"))
    if hash is None or not wei:
        return None
    return Transfer(
        chain=block.chain,
        source=source,
        hash=hash,
        asset=asset,
        amount=wei / WEI_PER_COIN,
        sender=_address(row.get("from")),
        receiver=_address(row.get("to")),
        time=block.time,
        block_height=block.height,
        block_hash=block.hash,
    )


def _address(value: Any) -> str | None:
    lower = value.lower() if isinstance(value, str) else ""
    return lower if ADDRESS.fullmatch(lower) else None


def _address_in_word(word: Any) -> str | None:
    """An address that is padded to 32 bytes."""
    return _address(f"0x{word[-40:]}") if isinstance(word, str) and len(word) == 66 else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
