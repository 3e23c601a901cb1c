"""Blockchain.com (blockchain.info): figures of Bitcoin, and its waiting transactions with their addresses; no key.

Documentation: https://www.blockchain.com/explorer/api/charts_api and .../api/blockchain_api, checked 2026-11-21.

Rate limit as published: none in numbers; after a 429 its own advice to clients is to wait 10 s between calls.

Quirks:
    - ``hash_rate`` is in GH/s. ``timestamp`` is in milliseconds, sometimes as a float.
    - The fee and revenue fields cannot be used: since 2026 ``total_fees_btc`` is minus the mined coins, in satoshi, and
      ``miners_revenue_usd`` is zero. They are not read.
    - Outputs that are notes (``OP_RETURN``) have no ``addr``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from websocket.chain_records import BlockInfo, ChainStats, Transfer
from websocket.providers.base import (
    Answer,
    Budget,
    Request,
    parse_count,
    parse_hash,
    parse_number,
    parse_positive,
    parse_unix_time,
)
from websocket.providers.capabilities import ChainExplorer, MempoolTransfers
from websocket.providers.esplora import bitcoin_transfer

HASHES_PER_GIGAHASH = 10**9


class BlockchainInfo(ChainExplorer, MempoolTransfers):
    """Figures from ``/stats``, waiting transactions from ``/unconfirmed-transactions``."""

    name = "blockchain_info"
    title = "Blockchain.com"
    docs = "https://www.blockchain.com/explorer/api/charts_api"
    chains = ("bitcoin",)

    @property
    def budget(self) -> Budget:
        """A request every 10 s is what it asks of clients that went too fast; 30 s is our own pace."""
        return Budget(per_minute=6, min_interval_s=30)

    def stats_requests(self, chain: str) -> Sequence[Request]:
        """One request for all figures."""
        return [Request(operation="stats", path="/stats", params=(("format", "json"),))] if chain in self.chains else []

    def parse_stats(self, answers: Sequence[Answer]) -> ChainStats:
        """Reads ``{"timestamp": 1780730885000.0, "hash_rate": 932513615580.6, "n_blocks_total": 952583, ...}``.

        Also: ``difficulty``, ``n_tx`` (confirmed in 24 h). The latest block has nothing but its height.

        Raises:
            BadPayload: the answer is not an object.
        """
        answer = answers[-1]
        stats = answer.payload
        if not isinstance(stats, dict):
            raise self.bad_payload(answer, "an object of figures")
        height = parse_count(stats.get("n_blocks_total"))
        giga = parse_positive(stats.get("hash_rate"))
        as_of = parse_unix_time(stats.get("timestamp"), ticks_per_second=1000)
        return ChainStats(
            chain="bitcoin",
            source=self.name,
            as_of=answer.received_at if as_of is None else min(as_of, answer.received_at),
            latest_block=None if height is None else BlockInfo(chain="bitcoin", height=height),
            hash_rate=None if giga is None else parse_number(giga * HASHES_PER_GIGAHASH),
            difficulty=parse_positive(stats.get("difficulty")),
            transactions_24h=parse_count(stats.get("n_tx")),
        )

    def mempool_transfers_requests(self, min_usd: float) -> Sequence[Request]:
        """The newest waiting transactions, however small."""
        return [Request(operation="unconfirmed", path="/unconfirmed-transactions", params=(("format", "json"),))]

    def parse_mempool_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        """Reads ``{"txs": [{"hash": "eb...", "time": 1729677861, "inputs": [...], "out": [...]}, ...]}``.

        ``inputs[].prev_out`` and ``out[]`` have ``addr`` and ``value`` in satoshi. Change is left out.

        Raises:
            BadPayload: the answer has no list in ``txs``.
        """
        transfers: list[Transfer] = []
        for answer in answers:
            rows = answer.payload.get("txs") if isinstance(answer.payload, dict) else None
            if not isinstance(rows, list):
                raise self.bad_payload(answer, "an object with a list in 'txs'")
            found = [self._transfer(row) for row in rows if isinstance(row, dict)]
            transfers += [transfer for transfer in found if transfer is not None]
        return transfers

    def _transfer(self, row: dict[str, Any]) -> Transfer | None:
        inputs = row.get("inputs")
        previous = (
            [item.get("prev_out") for item in inputs if isinstance(item, dict)] if isinstance(inputs, list) else []
        )
        outputs = row.get("out")
        outs = outputs if isinstance(outputs, list) else []
        return bitcoin_transfer(
            source=self.name,
            hash=parse_hash(row.get("hash")),
            paid_in=[(item.get("addr"), item.get("value")) for item in previous if isinstance(item, dict)],
            paid_out=[(item.get("addr"), item.get("value")) for item in outs if isinstance(item, dict)],
            time=parse_unix_time(row.get("time")),
            block_height=parse_count(row.get("block_height")),
            block_hash=None,
        )
