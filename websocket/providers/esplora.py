"""What Esplora, the open-source Bitcoin explorer, answers; several hosts run it or speak its shapes.

Documentation: https://github.com/Blockstream/esplora/blob/master/API.md, checked 2026-11-21.

Amounts are whole satoshi. ``value`` of a row in ``/mempool/recent`` is the sum of all outputs, change included.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from websocket.chain_records import BlockInfo, ChainStats, Transfer
from websocket.providers.base import (
    Answer,
    Request,
    parse_amount,
    parse_count,
    parse_hash,
    parse_name,
    parse_positive,
    parse_unix_time,
)
from websocket.providers.capabilities import BlockExplorer, BlockTransactions, ChainExplorer, MempoolTransfers

SATOSHI = 100_000_000
"""In a bitcoin."""

MOST_SATOSHI = 21_000_000 * SATOSHI


class Esplora(ChainExplorer, BlockExplorer, BlockTransactions, MempoolTransfers):
    """Blocks, mempool and transactions of Bitcoin; the base of the providers that speak so."""

    chains = ("bitcoin",)

    api_path: ClassVar[str]
    """Where the paths of Esplora begin, below the base address."""

    @abstractmethod
    def blocks_requests(self) -> Sequence[Request]:
        """One request, with ``blocks`` as its operation."""

    def parse_blocks(self, answers: Sequence[Answer]) -> list[BlockInfo]:
        """Reads ``[{"id": "00...", "height": 890448, "timestamp": 1743541850, "tx_count": 2229, ...}, ...]``.

        Also in each row: ``size`` in bytes, ``previousblockhash``, and with some hosts ``extras.totalFees``.

        Raises:
            BadPayload: the answer is not a list, or not one row in it is a block.
        """
        blocks: dict[int, BlockInfo] = {}
        for answer in answers:
            rows = self._block_rows(answer)
            blocks |= {height: self._block(row, height) for height, row in rows.items()}
        return [blocks[height] for height in sorted(blocks, reverse=True)]

    def mempool_requests(self) -> Sequence[Request]:
        """One request for the size of the mempool."""
        return [Request(operation="mempool", path=f"{self.api_path}/mempool")]

    def mempool_transfers_requests(self, min_usd: float) -> Sequence[Request]:
        """The ten newest transactions, however small: at about five a second most are missed between two polls."""
        return [Request(operation="mempool_recent", path=f"{self.api_path}/mempool/recent")]

    def parse_mempool_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        """Reads ``[{"txid": "4b...", "fee": 18277, "vsize": 2585, "value": 4972029}, ...]``: sums, no addresses.

        Raises:
            BadPayload: the answer is not a list.
        """
        return [transfer for answer in answers for transfer in self._sums(answer, None)]

    def transaction_requests(self, hashes: Collection[str]) -> Sequence[Request]:
        """One request a transaction; what is no hash is passed over."""
        known = [parse_hash(hash) for hash in hashes]
        return [Request(operation="transaction", path=f"{self.api_path}/tx/{hash}") for hash in known if hash]

    def parse_transactions(self, answers: Sequence[Answer]) -> list[Transfer]:
        """Reads one transaction an answer, ``{"txid": "b6...", "vin": [...], "vout": [...], "status": {...}}``.

        ``vin[].prevout`` and ``vout[]`` have ``scriptpubkey_address`` and ``value``; ``status`` has ``confirmed``, and
        then ``block_height``, ``block_hash`` and ``block_time``.

        Raises:
            BadPayload: an answer is not a transaction.
        """
        transfers = []
        for answer in answers:
            if not isinstance(answer.payload, dict) or parse_hash(answer.payload.get("txid")) is None:
                raise self.bad_payload(answer, "a transaction")
            transfer = self._transfer(answer.payload)
            if transfer is not None:
                transfers.append(transfer)
        return transfers

    def parse_stats(self, answers: Sequence[Answer]) -> ChainStats:
        """Reads the answers to ``blocks``, ``mempool`` and ``hash_rate``, whichever there are.

        Raises:
            BadPayload: an answer does not have its shape.
        """
        latest: BlockInfo | None = None
        difficulty = hash_rate = None
        mempool: Mapping[str, Any] = {}
        estimated = False
        for answer in answers:
            if answer.request.operation == "blocks":
                rows = self._block_rows(answer)
                height = max(rows)
                latest, difficulty = self._block(rows[height], height), parse_positive(rows[height].get("difficulty"))
            elif answer.request.operation == "hash_rate":
                hash_rate = self._hash_rate(answer)
            else:
                mempool = self._object(answer, "an object about the mempool")
        if hash_rate is None and difficulty is not None:
            hash_rate, estimated = hash_rate_from(difficulty), True
        return ChainStats(
            chain="bitcoin",
            source=self.name,
            as_of=max(answer.received_at for answer in answers),
            latest_block=latest,
            hash_rate=hash_rate,
            hash_rate_estimated=estimated,
            difficulty=difficulty,
            mempool_transactions=parse_count(mempool.get("count")),
            mempool_vbytes=parse_count(mempool.get("vsize")),
        )

    def _hash_rate(self, answer: Answer) -> float | None:
        """Esplora itself has no such endpoint."""
        return None

    def _object(self, answer: Answer, expected: str) -> dict[str, Any]:
        if not isinstance(answer.payload, dict):
            raise self.bad_payload(answer, expected)
        return answer.payload

    def _block_rows(self, answer: Answer) -> dict[int, dict[str, Any]]:
        rows = answer.payload if isinstance(answer.payload, list) else []
        found = {
            height: row
            for row in rows
            if isinstance(row, dict) and (height := parse_count(row.get("height"))) is not None
        }
        if not found:
            raise self.bad_payload(answer, "a list of blocks")
        return found

    def _block(self, row: dict[str, Any], height: int) -> BlockInfo:
        extras = row.get("extras")
        fees = parse_amount(extras.get("totalFees")) if isinstance(extras, dict) else None
        return BlockInfo(
            chain="bitcoin",
            height=height,
            hash=parse_hash(row.get("id")),
            previous_hash=parse_hash(row.get("previousblockhash")),
            time=parse_unix_time(row.get("timestamp")),
            transactions=parse_count(row.get("tx_count")),
            size_bytes=parse_count(row.get("size")),
            fees=None if fees is None else fees / SATOSHI,
        )

    def _sums(self, answer: Answer, block: BlockInfo | None) -> list[Transfer]:
        """Transfers from rows with ``txid`` and ``value``, in a block or waiting."""
        if not isinstance(answer.payload, list):
            raise self.bad_payload(answer, "a list of transactions")
        return [
            Transfer(
                chain="bitcoin",
                source=self.name,
                hash=hash,
                asset="BTC",
                amount=value / SATOSHI,
                time=block.time if block else None,
                block_height=block.height if block else None,
                block_hash=block.hash if block else None,
                includes_change=True,
            )
            for row in answer.payload
            if isinstance(row, dict)
            and (hash := parse_hash(row.get("txid"))) is not None
            and (value := _satoshi(row.get("value"))) is not None
        ]

    def _transfer(self, transaction: dict[str, Any], block: BlockInfo | None = None) -> Transfer | None:
        """None for a transaction that makes new coins, or pays nobody but its senders."""
        inputs, outputs = _dicts(transaction.get("vin")), _dicts(transaction.get("vout"))
        previous = [row["prevout"] for row in inputs if isinstance(row.get("prevout"), dict)]
        status = transaction.get("status")
        confirmed = isinstance(status, dict) and status.get("confirmed") is True
        facts = status if isinstance(status, dict) and confirmed else {}
        height, time = parse_count(facts.get("block_height")), parse_unix_time(facts.get("block_time"))
        return bitcoin_transfer(
            source=self.name,
            hash=parse_hash(transaction.get("txid")),
            paid_in=[(row.get("scriptpubkey_address"), row.get("value")) for row in previous],
            paid_out=[(row.get("scriptpubkey_address"), row.get("value")) for row in outputs],
            time=block.time if block and block.time is not None else time,
            block_height=block.height if block else height,
            block_hash=block.hash if block else parse_hash(facts.get("block_hash")),
        )


def hash_rate_from(difficulty: float) -> float | None:
    """Hashes a second at which miners find a block every ten minutes, as they are meant to."""
    return parse_positive(difficulty * 2**32 / 600)


def bitcoin_transfer(
    *,
    source: str,
    hash: str | None,
    paid_in: Sequence[tuple[Any, Any]],
    paid_out: Sequence[tuple[Any, Any]],
    time: float | None,
    block_height: int | None,
    block_hash: str | None,
) -> Transfer | None:
    """What a transaction moved: see ``Transfer`` for what counts.

    Args:
        source: registry name of who says so.
        hash: of the transaction.
        paid_in: address and satoshi of each input, as they came.
        paid_out: the same of each output. Outputs without an address (bare scripts, notes) count, but name nobody.
        time: Unix seconds.
        block_height: of its block.
        block_hash: of its block.

    Returns:
        None without inputs that are known (new coins), and where nothing goes to anybody but the senders.
    """
    senders = _sums_by_address(paid_in)
    receivers = _sums_by_address(paid_out)
    amount = sum(value for address, value in receivers.items() if address is None or address not in senders)
    if hash is None or not senders or amount <= 0:
        return None
    named = {address: value for address, value in receivers.items() if address is not None and address not in senders}
    known = {address: value for address, value in senders.items() if address is not None}
    return Transfer(
        chain="bitcoin",
        source=source,
        hash=hash,
        asset="BTC",
        amount=amount / SATOSHI,
        sender=max(known, key=known.__getitem__) if known else None,
        receiver=max(named, key=named.__getitem__) if named else None,
        time=time,
        block_height=block_height,
        block_hash=block_hash,
    )


def _satoshi(value: Any) -> float | None:
    """An amount of satoshi that can be: not negative, and not more than there will ever be."""
    amount = parse_amount(value)
    return amount if amount is not None and amount <= MOST_SATOSHI else None


def _sums_by_address(rows: Sequence[tuple[Any, Any]]) -> dict[str | None, float]:
    sums: dict[str | None, float] = {}
    for address, value in rows:
        satoshi = _satoshi(value)
        if satoshi is not None:
            name = parse_name(address)
            sums[name] = sums.get(name, 0.0) + satoshi
    return sums


def _dicts(rows: Any) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
