"""JSON-RPC of the simulated EVM chains: methods, parameters, errors.

A node sees its chain up to a height of its own. Source: https://github.com/ethereum/execution-apis and recorded
answers, checked 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.evm import EvmChain, EvmTransaction
from simulator.evm_blocks import TRANSFER_TOPIC, block_row, log_row

_MAX_HISTORY = 1_024
_MAX_LOG_BLOCKS, _MAX_LOGS = 1_000, 10_000


class RpcError(Exception):
    """A call that fails, as it is told inside of an HTTP 200."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        """Keeps what the client is told."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


@dataclass(frozen=True)
class EvmNode:
    """What one node knows.

    Attributes:
        chain: Its chain.
        at: Up to when it has seen it, Unix seconds.
        height: The newest block it has.
        chain_id: What it claims to be.
        syncing: Whether it says that it is catching up.
        factor: By how much its prices of gas are wrong.
    """

    chain: EvmChain
    at: float
    height: int
    chain_id: int
    syncing: bool = False
    factor: float = 1.0

    def call(self, method: str, params: Sequence[Any]) -> Any:
        """Gives the result of one call.

        Raises:
            RpcError: When the method is unknown or its parameters make no sense.
        """
        if method not in _METHODS:
            raise RpcError(-32601, f"the method {method} does not exist/is not available")
        return _METHODS[method](self, params)

    def gas_price(self) -> int:
        """Gives the next base fee and a usual tip, wei."""
        return int((self.chain.base_fee(self.height + 1) + self.chain.spec.tip_wei) * self.factor)


def _syncing(node: EvmNode, params: Sequence[Any]) -> Any:
    if not node.syncing:
        return False
    highest = node.chain.height(node.at)
    return {"startingBlock": "0x0", "currentBlock": hex(node.height), "highestBlock": hex(highest)}


def _fee_history(node: EvmNode, params: Sequence[Any]) -> dict[str, Any]:
    """Gives base fees of some blocks and of the one after them, and how full the blocks were."""
    count = _quantity(_param(params, 0))
    newest = _height(node, _param(params, 1))
    percentiles = params[2] if len(params) > 2 else []
    if not 1 <= count <= _MAX_HISTORY or newest is None:
        raise RpcError(-32000, "request beyond head block" if newest is None else "invalid block count")
    if not isinstance(percentiles, list) or percentiles != sorted(percentiles):
        raise RpcError(-32000, "invalid reward percentile")
    chain = node.chain
    oldest = max(newest - count + 1, 0)
    heights = range(oldest, newest + 1)
    result: dict[str, Any] = {"oldestBlock": hex(oldest)}
    if percentiles:
        tips = [
            hex(int(chain.spec.tip_wei * (0.2 + 2.5 * (share / 100.0) ** 2) * node.factor)) for share in percentiles
        ]
        result["reward"] = [tips] * len(heights)
    fees = [int(chain.base_fee(height) * node.factor) for height in (*heights, newest + 1)]
    return {
        **result,
        "baseFeePerGas": [hex(fee) for fee in fees],
        "gasUsedRatio": [chain.gas_used_ratio(height) for height in heights],
        "baseFeePerBlobGas": ["0x1"] * (len(heights) + 1),
        "blobGasUsedRatio": [0.5] * len(heights),
    }


def _block_by_number(node: EvmNode, params: Sequence[Any]) -> Any:
    height = _height(node, _param(params, 0))
    return None if height is None else block_row(node.chain, height, node.at, full=bool(_param(params, 1)))


def _block_by_hash(node: EvmNode, params: Sequence[Any]) -> Any:
    height = node.chain.height_of(str(_param(params, 0)), node.at)
    if height is None or height > node.height:
        return None
    return block_row(node.chain, height, node.at, full=bool(_param(params, 1)))


def _logs(node: EvmNode, params: Sequence[Any]) -> list[dict[str, Any]]:
    """Gives the transfers of tokens in one block or a range of blocks which a filter lets through."""
    wanted = _param(params, 0)
    if not isinstance(wanted, dict):
        raise RpcError(-32602, "invalid argument 0: json: cannot unmarshal into filter")
    found: list[tuple[EvmTransaction, int, int]] = []
    for height in _log_heights(node, wanted):
        numbers = node.chain.numbers(height, node.at)
        for index, one in enumerate(map(node.chain.transaction, numbers)):
            if one.transfer is not None and _passes(one, wanted):
                found.append((one, height, index))
        if len(found) > _MAX_LOGS:
            raise RpcError(-32005, f"query returned more than {_MAX_LOGS} results")
    return [log_row(node.chain, one, height, node.at, index) for one, height, index in found]


def _log_heights(node: EvmNode, wanted: Mapping[str, Any]) -> range:
    if "blockHash" in wanted:
        height = node.chain.height_of(str(wanted["blockHash"]), node.at)
        if "fromBlock" in wanted or "toBlock" in wanted:
            raise RpcError(-32602, "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
        if height is None or height > node.height:
            raise RpcError(-32000, "unknown block")
        return range(height, height + 1)
    first, last = (_height(node, wanted.get(key, "latest"), beyond=True) for key in ("fromBlock", "toBlock"))
    if first is None or last is None or first > last:
        raise RpcError(-32000, "invalid block range params")
    if last - first >= _MAX_LOG_BLOCKS:
        raise RpcError(-32000, f"eth_getLogs is limited to a {_MAX_LOG_BLOCKS} blocks range")
    return range(first, min(last, node.height) + 1)


def _passes(one: EvmTransaction, wanted: Mapping[str, Any]) -> bool:
    """Tells whether a transfer has the address and the topics of a filter; an empty place lets everything through."""
    assert one.transfer is not None
    addresses, topics = wanted.get("address"), wanted.get("topics") or []
    actual = (TRANSFER_TOPIC, f"0x{one.sender[2:]:0>64}", f"0x{one.transfer.recipient[2:]:0>64}")
    if addresses and one.transfer.token.address not in _lower(addresses):
        return False
    return len(topics) <= len(actual) and all(
        not topic or have in _lower(topic) for topic, have in zip(topics, actual, strict=False)
    )


def _lower(value: Any) -> list[str]:
    return [str(item).lower() for item in (value if isinstance(value, list) else [value])]


def _param(params: Sequence[Any], place: int) -> Any:
    if place >= len(params):
        raise RpcError(-32602, f"missing value for required argument {place}")
    return params[place]


def _quantity(value: Any) -> int:
    try:
        return int(value, 16) if isinstance(value, str) and value.startswith("0x") else int(value)
    except (TypeError, ValueError):
        raise RpcError(-32602, "invalid argument: hex string without 0x prefix") from None


def _height(node: EvmNode, tag: Any, beyond: bool = False) -> int | None:
    """Gives the height of a tag or number; ``None`` above the node's own unless ``beyond`` is wanted."""
    # The last two epochs of 32 slots are not final yet.
    tags = {"latest": 0, "pending": 0, "safe": 32, "finalized": 64}
    if tag in tags:
        return node.height - tags[tag]
    if tag == "earliest":
        return 0
    height = _quantity(tag)
    return height if beyond or 0 <= height <= node.height else None


_METHODS: Mapping[str, Callable[[EvmNode, Sequence[Any]], Any]] = {
    "eth_blockNumber": lambda node, params: hex(node.height),
    "eth_chainId": lambda node, params: hex(node.chain_id),
    "net_version": lambda node, params: str(node.chain_id),
    "web3_clientVersion": lambda node, params: node.chain.spec.client,
    "eth_syncing": _syncing,
    "eth_gasPrice": lambda node, params: hex(node.gas_price()),
    "eth_maxPriorityFeePerGas": lambda node, params: hex(int(node.chain.spec.tip_wei * node.factor)),
    "eth_feeHistory": _fee_history,
    "eth_getBlockByNumber": _block_by_number,
    "eth_getBlockByHash": _block_by_hash,
    "eth_getLogs": _logs,
}
