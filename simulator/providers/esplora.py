"""What mempool.space and blockstream.info have in common: the Esplora paths.

Source: https://github.com/Blockstream/esplora/blob/master/API.md, checked 2026-11. Amounts are satoshi, times Unix
seconds. Errors are plain text.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.bitcoin import COINBASE_SIZE, COINBASE_WEIGHT, BitcoinBlock, BitcoinChain
from simulator.bitcoin_transactions import BitcoinTransaction, Piece
from simulator.noise import Draws
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView

PAGE = 25

_RECENT = 10
_BLOCKS = 10
_MESSAGE_SCRIPT = "6a0d73696d756c61746564206f6e65"
_PLAIN = "text/plain; charset=utf-8"


class Esplora(Provider):
    """An explorer with these paths under ``/api``."""

    def esplora_routes(self) -> Mapping[str, Handler]:
        """Gives the common paths."""
        return {
            "/api/blocks/tip/height": self._tip_height,
            "/api/blocks/tip/hash": self._tip_hash,
            "/api/blocks": self._blocks,
            "/api/blocks/{start}": self._blocks,
            "/api/block-height/{height}": self._hash_at,
            "/api/block/{block_hash}": self._block,
            "/api/block/{block_hash}/txids": self._txids,
            "/api/block/{block_hash}/txs": self._block_transactions,
            "/api/block/{block_hash}/txs/{start}": self._block_transactions,
            "/api/tx/{txid}": self._transaction,
            "/api/mempool": self._mempool,
            "/api/mempool/recent": self._recent,
        }

    def error(self, status: int, message: str) -> Answer:
        """Gives an error in plain text."""
        return plain(message, status)

    def _tip_height(self, request: Request, view: SourceView) -> Answer:
        return plain(str(view.chains.bitcoin.height(view.as_of)))

    def _tip_hash(self, request: Request, view: SourceView) -> Answer:
        chain = view.chains.bitcoin
        return plain(chain.hash(chain.height(view.as_of), view.as_of))

    def _hash_at(self, request: Request, view: SourceView, height: str) -> Answer:
        chain = view.chains.bitcoin
        if not height.isdecimal() or int(height) > chain.height(view.as_of):
            return plain("Block not found", 404)
        return plain(chain.hash(int(height), view.as_of))

    def _blocks(self, request: Request, view: SourceView, start: str = "") -> Answer:
        """Answers the ten newest blocks from a height on downwards."""
        newest = newest_height(view, start)
        if newest is None:
            return plain("Invalid height", 400)
        chain = view.chains.bitcoin
        heights = range(newest, max(newest - _BLOCKS, 0), -1)
        return Answer([block_row(chain, chain.block(height, view.as_of)) for height in heights])

    def _block(self, request: Request, view: SourceView, block_hash: str) -> Answer:
        block = view.chains.bitcoin.block_by_hash(block_hash, view.as_of)
        return plain("Block not found", 404) if block is None else Answer(block_row(view.chains.bitcoin, block))

    def _txids(self, request: Request, view: SourceView, block_hash: str) -> Answer:
        chain = view.chains.bitcoin
        block = chain.block_by_hash(block_hash, view.as_of)
        if block is None:
            return plain("Block not found", 404)
        return Answer([chain.coinbase_txid(block), *(chain.transaction(number).txid for number in block.numbers)])

    def _block_transactions(self, request: Request, view: SourceView, block_hash: str, start: str = "0") -> Answer:
        """Answers 25 transactions of a block; the miner's own is the first."""
        chain = view.chains.bitcoin
        block = chain.block_by_hash(block_hash, view.as_of)
        if block is None:
            return plain("Block not found", 404)
        if not start.isdecimal() or int(start) % PAGE:
            return plain(f"start index must be a multipication of {PAGE}", 400)
        if int(start) >= block.tx_count:
            return plain("start index out of range", 400)
        rows = [coinbase_row(chain, block)] if start == "0" else []
        first = block.numbers.start + max(int(start) - 1, 0)
        stop = min(block.numbers.start + int(start) - 1 + PAGE, block.numbers.stop)
        rows += [transaction_row(chain, chain.transaction(number), block) for number in range(first, stop)]
        return Answer(rows)

    def _transaction(self, request: Request, view: SourceView, txid: str) -> Answer:
        """Answers one transaction, confirmed or waiting; those that are still to come are not found."""
        chain = view.chains.bitcoin
        number = chain.stream.number_of(txid)
        if number is not None and number < chain.stream.arrived_by(view.as_of):
            return Answer(transaction_row(chain, chain.transaction(number), chain.block_of(number, view.as_of)))
        block = chain.coinbase_block(txid, view.as_of) if number is None else None
        return plain("Transaction not found", 404) if block is None else Answer(coinbase_row(chain, block))

    def _mempool(self, request: Request, view: SourceView) -> Answer:
        mempool = view.chains.bitcoin.mempool(view.as_of)
        body = {
            "count": mempool.count,
            "vsize": mempool.vsize,
            "total_fee": mempool.total_fee,
            "fee_histogram": [list(step) for step in mempool.histogram],
        }
        return Answer(body, rows=[PricedRow(None, body, ("vsize", "count", "total_fee"))])

    def _recent(self, request: Request, view: SourceView) -> Answer:
        """Answers the ten transactions that came last, newest first; ``value`` has the change in it."""
        chain = view.chains.bitcoin
        newest = chain.stream.arrived_by(view.as_of) - 1
        chosen = [chain.transaction(number) for number in range(newest, newest - _RECENT, -1)]
        return Answer(
            [{"txid": one.txid, "fee": one.fee, "vsize": one.vsize, "value": one.output_total} for one in chosen]
        )


def plain(text: str, status: int = 200) -> Answer:
    """Gives an answer in plain text."""
    return Answer(text, status=status, content_type=_PLAIN)


def newest_height(view: SourceView, start: str) -> int | None:
    """Gives the height a list begins with, the tip unless a lower one is named; ``None`` when it is no height."""
    tip = view.chains.bitcoin.height(view.as_of)
    if not start:
        return tip
    return min(int(start), tip) if start.isdecimal() else None


def block_row(chain: BitcoinChain, block: BitcoinBlock) -> dict[str, Any]:
    """Gives a block with the keys both explorers know."""
    sums = chain.sums(block.numbers)
    draws = Draws(0, block.hash)
    return {
        "id": block.hash,
        "height": block.height,
        "version": 536_870_912,
        "timestamp": block.time_s,
        "bits": compact_bits(block.difficulty),
        "nonce": draws.words(0)[0] >> 32,
        "difficulty": block.difficulty,
        "merkle_root": draws.hexadecimal(1),
        "tx_count": block.tx_count,
        "size": sums.size,
        "weight": sums.weight,
        "previousblockhash": block.previous_hash,
        # The time in the middle of the last eleven blocks.
        "mediantime": int(chain.times.time_of(block.height - 5)),
    }


def compact_bits(difficulty: float) -> int:
    """Gives a difficulty in the short form in which blocks carry their target."""
    target = int((0xFFFF << 208) / difficulty)
    size = (target.bit_length() + 7) // 8
    mantissa = target >> 8 * (size - 3)
    if mantissa & 0x800000:
        mantissa, size = mantissa >> 8, size + 1
    return size << 24 | mantissa


def header(row: Mapping[str, Any]) -> str:
    """Gives the eighty bytes of a block's header as hexadecimal digits."""
    links = bytes.fromhex(row["previousblockhash"])[::-1] + bytes.fromhex(row["merkle_root"])[::-1]
    numbers = struct.pack("<3I", row["timestamp"], row["bits"], row["nonce"])
    return (struct.pack("<I", row["version"]) + links + numbers).hex()


def transaction_row(chain: BitcoinChain, one: BitcoinTransaction, block: BitcoinBlock | None) -> dict[str, Any]:
    """Gives a transaction; ``block`` is the one that holds it."""
    draws = Draws(0, one.txid)
    inputs = []
    for place, piece in enumerate(one.inputs):
        witness = draws.hexadecimal(place)
        inputs.append(
            {
                "txid": witness[::-1],
                "vout": place,
                "prevout": _output(chain, piece),
                "scriptsig": "",
                "scriptsig_asm": "",
                "witness": [f"3044{witness}{witness}01", f"02{witness}"],
                "is_coinbase": False,
                "sequence": 4_294_967_293,
            }
        )
    return {
        "txid": one.txid,
        "version": 2,
        "locktime": 0,
        "vin": inputs,
        "vout": [_output(chain, piece) for piece in one.outputs],
        "size": one.size,
        "weight": one.weight,
        "sigops": len(one.inputs),
        "fee": one.fee,
        "status": _status(block),
    }


def coinbase_row(chain: BitcoinChain, block: BitcoinBlock) -> dict[str, Any]:
    """Gives the transaction that pays a block's miner; it has no inputs that anybody owned."""
    return {
        "txid": chain.coinbase_txid(block),
        "version": 2,
        "locktime": 0,
        "vin": [
            {
                "txid": "0" * 64,
                "vout": 4_294_967_295,
                "prevout": None,
                "scriptsig": coinbase_script(block),
                "scriptsig_asm": f"OP_PUSHBYTES_3 {coinbase_script(block)[2:8]}",
                "witness": ["0" * 64],
                "is_coinbase": True,
                "sequence": 4_294_967_295,
            }
        ],
        "vout": [_output(chain, Piece(miner_wallet(block), chain.reward(block)))],
        "size": COINBASE_SIZE,
        "weight": COINBASE_WEIGHT,
        "sigops": 1,
        "fee": 0,
        "status": _status(block),
    }


def coinbase_script(block: BitcoinBlock) -> str:
    """Gives what the miner wrote: the height, and a greeting."""
    return f"03{block.height.to_bytes(3, 'little').hex()}2f73696d756c6174652f"


def miner_wallet(block: BitcoinBlock) -> int:
    """Gives the number of the wallet a block pays, one of the large holders."""
    return 3 + int(block.hash[-4:], 16) % 8


def _output(chain: BitcoinChain, piece: Piece) -> dict[str, Any]:
    if piece.wallet is None:
        words = f"OP_RETURN OP_PUSHBYTES_13 {_MESSAGE_SCRIPT[4:]}"
        return {
            "scriptpubkey": _MESSAGE_SCRIPT,
            "scriptpubkey_asm": words,
            "scriptpubkey_type": "op_return",
            "value": 0,
        }
    wallet = chain.wallets.wallet(piece.wallet)
    return {
        "scriptpubkey": wallet.script,
        "scriptpubkey_asm": wallet.assembly,
        "scriptpubkey_type": wallet.kind,
        "scriptpubkey_address": wallet.address,
        "value": piece.value,
    }


def _status(block: BitcoinBlock | None) -> dict[str, Any]:
    if block is None:
        return {"confirmed": False}
    return {
        "confirmed": True,
        "block_height": block.height,
        "block_hash": block.hash,
        "block_time": block.time_s,
    }
