"""What nodes of Ethereum and its kin answer: blocks, events of tokens, the history of fees. Computes only.

Documentation: https://ethereum.github.io/execution-apis/, checked 2026-11-21.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from websocket.chain_records import BlockInfo, ChainBlock, ContractEvent, GasFees, Transfer
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
"""Keccak-256 of ``Transfer(address,address,uint256)``. From or to nobody it is a mint or a burn (ERC-20)."""

ISSUE_TOPIC = "0xcb8241adb0c3fdb35b70c24ce35c5eb0c17af7431c99f827d44a445ca624176a"
REDEEM_TOPIC = "0x702d5967f45f6513a38ffc42d6ba9bf230bd40e8f53b16363c7eb4fd2deb9a44"
"""Of ``Issue(uint256)`` and ``Redeem(uint256)``, by which USDT mints and burns; it writes no transfer then."""

EVENT_TOPICS = (TRANSFER_TOPIC, ISSUE_TOPIC, REDEEM_TOPIC)

NOBODY = f"0x{'0' * 40}"
"""The address that tokens come from when they are made, and go to when they are destroyed."""

MOST_EVENTS = 10_000
"""In one answer; some blocks of the two tokens have a tenth of that."""

OLDEST_EVENT_S = 3600.0
"""Before the newest block; ranges are far shorter, even when many slots stay empty."""

SLOT_S = 12.0
"""From one block of Ethereum to the next, unless a slot stays empty."""

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
    logs = (_token_log(row, chain) for row in result)
    return [
        Transfer(
            chain=chain,
            source=source,
            hash=log.transaction,
            index=log.index,
            asset=log.token.symbol,
            amount=log.amount,
            sender=_somebody(log.topics[1]),
            receiver=_somebody(log.topics[2]),
            time=log.time,
            block_height=log.block,
            block_hash=log.block_hash,
        )
        for log in logs
        if log is not None and log.amount and log.topics[0] == TRANSFER_TOPIC and len(log.topics) == 3
    ]


def read_contract_events(result: Sequence[Any], newest: BlockInfo, *, blocks: range) -> list[ContractEvent]:
    """The events in a result of ``eth_getLogs`` about a range of blocks. One that cannot be spoils the whole answer:
    whoever gives it is no witness for the others.

    Args:
        result: a list.
        newest: the last of the blocks.
        blocks: the heights that were asked for.

    Raises:
        ValueError: what is wrong with it.
    """
    if len(result) > MOST_EVENTS:
        raise ValueError(f"more than {MOST_EVENTS} events")
    events: dict[tuple[int, int], ContractEvent] = {}
    for row in result:
        log = _token_log(row, newest.chain)
        if log is None or log.index is None or log.block is None or log.block_hash is None:
            raise ValueError("an event that cannot be read, is not of the contracts asked for, or was removed")
        if log.block not in blocks:
            raise ValueError(f"an event of block {log.block}, which was not asked for")
        if log.block == newest.height and log.block_hash != newest.hash:
            raise ValueError("an event of another branch")
        if (log.block, log.index) in events:
            raise ValueError("the same event twice")
        events[log.block, log.index] = _contract_event(log, newest)
    return list(events.values())


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


class _TokenLog(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a known token as a node gives it; None is missing or cannot be read."""

    token: Token
    contract: str
    topics: list[Any]
    amount: float
    transaction: str
    index: int | None
    block: int | None
    block_hash: str | None
    time: float | None


def _token_log(row: Any, chain: str) -> _TokenLog | None:
    """One row of ``eth_getLogs``; None for what cannot be read and for what a reorganisation removed."""
    if not isinstance(row, dict) or row.get("removed") not in (None, False):
        return None
    address, topics = row.get("address"), row.get("topics")
    contract = address.lower() if isinstance(address, str) else ""
    token = TOKENS.get(chain, {}).get(contract)
    transaction, amount = parse_hash(row.get("transactionHash")), parse_hex(row.get("data"))
    if token is None or transaction is None or amount is None or not isinstance(topics, list) or not topics:
        return None
    return _TokenLog(
        token=token,
        contract=contract,
        topics=topics,
        amount=amount / 10**token.decimals,
        transaction=transaction,
        index=parse_count(parse_hex(row.get("logIndex"))),
        block=parse_count(parse_hex(row.get("blockNumber"))),
        block_hash=parse_hash(row.get("blockHash")),
        time=parse_unix_time(parse_hex(row.get("blockTimestamp"))),
    )


def _contract_event(log: _TokenLog, newest: BlockInfo) -> ContractEvent:
    """The event in words.

    Raises:
        ValueError: it is none of those that were asked for, or it cannot have come when it says.
    """
    sender: str | None = None
    receiver: str | None = None
    kind: Literal["Transfer", "Mint", "Burn"]
    if log.topics[0] == TRANSFER_TOPIC and len(log.topics) == 3:
        sender, receiver = _address_in_word(log.topics[1]), _address_in_word(log.topics[2])
        if sender is None or receiver is None:
            raise ValueError("a transfer without an address")
        kind = "Mint" if sender == NOBODY else "Burn" if receiver == NOBODY else "Transfer"
    elif log.topics == [ISSUE_TOPIC]:
        kind, sender = "Mint", NOBODY
    elif log.topics == [REDEEM_TOPIC]:
        kind, receiver = "Burn", NOBODY
    else:
        raise ValueError("an event of another kind")
    assert log.block is not None
    assert log.index is not None
    assert newest.time is not None
    time = newest.time - SLOT_S * (newest.height - log.block) if log.time is None else log.time
    if not newest.time - OLDEST_EVENT_S <= time <= newest.time:
        raise ValueError("an event at a time that cannot be")
    return ContractEvent(
        contract=log.contract,
        symbol=log.token.symbol,
        kind=kind,
        sender=sender,
        receiver=receiver,
        amount=log.amount,
        block=log.block,
        transaction=log.transaction,
        log_index=log.index,
        time=time,
    )


def _address(value: Any) -> str | None:
    lower = value.lower() if isinstance(value, str) else ""
    return lower if ADDRESS.fullmatch(lower) else None


def _somebody(word: Any) -> str | None:
    """An address that is somebody's: what is minted comes from nobody, and what is burnt goes to nobody."""
    address = _address_in_word(word)
    return None if address == NOBODY else address


def _address_in_word(word: Any) -> str | None:
    """An address that is padded to 32 bytes."""
    return _address(f"0x{word[-40:]}") if isinstance(word, str) and len(word) == 66 else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
