"""Blockstream: the public host of Esplora, a Bitcoin explorer without keys.

Documentation: https://github.com/Blockstream/esplora/blob/master/API.md, checked 2026-11-21.

Rate limit as published: none in numbers; 429 comes without a wait. Clients report that a request every 250 ms passes.

Quirks:
    - There is no hash rate; it is computed from the difficulty.
    - The transactions of a block come in pages of 25, with all inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

from websocket.chain_records import BlockInfo, Transfer
from websocket.providers.base import Answer, Budget, Request, parse_hash
from websocket.providers.esplora import Esplora

PAGE_SIZE = 25
MAX_PAGES = 120
"""Pages of one block that are asked for: 3,000 transactions, which nearly all blocks have less of."""


class Blockstream(Esplora):
    """The second source for Bitcoin: blocks, mempool, transactions."""

    name = "blockstream"
    title = "Blockstream"
    docs = "https://github.com/Blockstream/esplora/blob/master/API.md"
    api_path = ""

    @property
    def budget(self) -> Budget:
        """150 a minute is what a whole block needs, and well below the 240 that were seen to pass."""
        return Budget(per_minute=150, min_interval_s=60)

    def blocks_requests(self) -> Sequence[Request]:
        """The 10 newest blocks; their fees are not known."""
        return [Request(operation="blocks", path="/blocks")]

    def stats_requests(self, chain: str) -> Sequence[Request]:
        """Blocks and mempool."""
        return [*self.blocks_requests(), *self.mempool_requests()] if chain in self.chains else []

    def block_transactions_requests(self, block: BlockInfo) -> Sequence[Request]:
        """A request for every 25 transactions, at most ``MAX_PAGES``; only one where their number is not known."""
        hash = parse_hash(block.hash)
        if hash is None:
            return []
        count = min(block.transactions or 1, MAX_PAGES * PAGE_SIZE)
        return [
            Request(operation="block_transactions", path=f"/block/{hash}/txs/{start}")
            for start in range(0, count, PAGE_SIZE)
        ]

    def parse_block_transactions(self, block: BlockInfo, answers: Sequence[Answer]) -> list[Transfer]:
        """Reads lists of transactions as ``parse_transactions`` does single ones; change is left out.

        Raises:
            BadPayload: an answer is not a list.
        """
        transfers: dict[str, Transfer] = {}
        for answer in answers:
            if not isinstance(answer.payload, list):
                raise self.bad_payload(answer, "a list of transactions")
            for row in answer.payload:
                transfer = self._transfer(row, block) if isinstance(row, dict) else None
                if transfer is not None:
                    transfers.setdefault(transfer.hash, transfer)
        return list(transfers.values())
