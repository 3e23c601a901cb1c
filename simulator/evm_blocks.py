"""Blocks, transactions and logs of EVM chains as nodes write them: hexadecimal, lower case."""

from __future__ import annotations

from typing import Any

from simulator.evm import EvmChain, EvmTransaction
from simulator.noise import Draws

TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""The first topic of a token's Transfer event."""

_NO_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
_BUILDERS = (
    ("titanbuilder.xyz", "0x4838b106fce9647bdf1e7877bf73ce8b0bad5f97"),
    ("beaverbuild.org", "0x95222290dd7278aa3ddd389cc1e1d165cc4bafe5"),
)
_WITHDRAWALS = 16


def block_row(chain: EvmChain, height: int, at: float, full: bool) -> dict[str, Any]:
    """Gives a block, its transactions whole or as hashes."""
    block = chain.block(height, at)
    draws = Draws(0, block.hash)
    transactions = [chain.transaction(number) for number in block.numbers]
    builder, miner = _BUILDERS[height % len(_BUILDERS)]
    return {
        "baseFeePerGas": hex(block.base_fee),
        "blobGasUsed": hex(131_072 * (height % 7)),
        "difficulty": "0x0",
        "excessBlobGas": "0x0",
        "extraData": f"0x{builder.encode().hex()}",
        "gasLimit": hex(chain.spec.gas_limit),
        "gasUsed": hex(block.gas_used),
        "hash": block.hash,
        "logsBloom": f"0x{'0' * 512}",
        "miner": miner,
        "mixHash": f"0x{draws.hexadecimal(0)}",
        "nonce": "0x0000000000000000",
        "number": hex(height),
        "parentBeaconBlockRoot": f"0x{draws.hexadecimal(1)}",
        "parentHash": block.parent_hash,
        "receiptsRoot": f"0x{draws.hexadecimal(2)}",
        "sha3Uncles": _NO_UNCLES,
        "size": hex(600 + 420 * len(transactions)),
        "stateRoot": f"0x{draws.hexadecimal(3)}",
        "timestamp": hex(block.time_s),
        "transactions": [
            _transaction_row(chain, one, block.hash, height, index, block.base_fee) if full else one.hash
            for index, one in enumerate(transactions)
        ],
        "transactionsRoot": f"0x{draws.hexadecimal(4)}",
        "uncles": [],
        "withdrawals": [_withdrawal(chain, height, place) for place in range(_WITHDRAWALS)],
        "withdrawalsRoot": f"0x{draws.hexadecimal(5)}",
    }


def log_row(chain: EvmChain, one: EvmTransaction, height: int, at: float, index: int) -> dict[str, Any]:
    """Gives the event of a token's transfer; ``index`` is the place of its transaction in the block."""
    assert one.transfer is not None
    return {
        "address": one.transfer.token.address,
        "topics": [TRANSFER_TOPIC, f"0x{one.sender[2:]:0>64}", f"0x{one.transfer.recipient[2:]:0>64}"],
        "data": f"0x{one.transfer.amount:064x}",
        "blockNumber": hex(height),
        "transactionHash": one.hash,
        "transactionIndex": hex(index),
        "blockHash": chain.hash(height, at),
        "blockTimestamp": hex(int(chain.times.time_of(height))),
        "logIndex": hex(index),
        "removed": False,
    }


def _transaction_row(
    chain: EvmChain, one: EvmTransaction, block_hash: str, height: int, index: int, base_fee: int
) -> dict[str, Any]:
    tip = int(chain.spec.tip_wei * one.tip_share)
    signature = one.hash[2:]
    return {
        "blockHash": block_hash,
        "blockNumber": hex(height),
        "from": one.sender,
        "gas": hex(one.gas),
        "gasPrice": hex(base_fee + tip),
        "maxFeePerGas": hex(base_fee * 2 + tip),
        "maxPriorityFeePerGas": hex(tip),
        "hash": one.hash,
        "input": one.input,
        "nonce": hex(one.number % 5_000),
        "to": one.recipient,
        "transactionIndex": hex(index),
        "value": hex(one.value),
        "type": "0x2",
        "accessList": [],
        "chainId": hex(chain.spec.chain_id),
        "v": "0x1",
        "yParity": "0x1",
        "r": f"0x{signature[::-1]}",
        "s": f"0x{signature[32:]}{signature[:32]}",
    }


def _withdrawal(chain: EvmChain, height: int, place: int) -> dict[str, str]:
    number = height * _WITHDRAWALS + place
    return {
        "address": chain.wallet(100 + number % 500),
        "amount": hex(16_000_000 + number % 3_000_000),
        "index": hex(number),
        "validatorIndex": hex(number % 1_000_000),
    }
