"""mempool.space: the open-source Bitcoin explorer with blocks, fees, mining and mempool; no key.

Documentation: https://mempool.space/docs/api/rest, checked 2026-11-21.

Rate limit as published: there is one but no number; 429 comes with an HTML page, and who goes on is banned.

Quirks:
    - Paths below ``/api`` are those of Esplora, those below ``/api/v1`` its own.
    - ``currentHashrate`` is in H/s and beyond 2^53, so it is read as a float.
    - ``/block/:hash/summary`` has all transactions of a block at once, each with the sum of its outputs only.
"""

from __future__ import annotations

from collections.abc import Sequence

from websocket.chain_records import BlockInfo, FeeRates, Transfer
from websocket.providers.base import Answer, Budget, Request, parse_hash, parse_positive
from websocket.providers.esplora import Esplora


class MempoolSpace(Esplora):
    """The first source for Bitcoin: blocks with their fees, hash rate, mempool, fee rates, transactions."""

    name = "mempool_space"
    title = "mempool.space"
    docs = "https://mempool.space/docs/api/rest"
    api_path = "/api"

    @property
    def budget(self) -> Budget:
        """No number is published; four a minute over the day is our own measure of politeness.

        A refresh of the statistics takes three requests a minute. Ten leave room for a new block, which comes every ten
        minutes and takes one request and one for each of its largest transactions.
        """
        return Budget(per_minute=10, min_interval_s=60)

    def blocks_requests(self) -> Sequence[Request]:
        """The 15 newest blocks with their fees."""
        return [Request(operation="blocks", path="/api/v1/blocks")]

    def hash_rate_requests(self) -> Sequence[Request]:
        """The hash rate of the last three days and now."""
        return [Request(operation="hash_rate", path="/api/v1/mining/hashrate/3d")]

    def stats_requests(self, chain: str) -> Sequence[Request]:
        """Blocks, mempool and hash rate."""
        if chain not in self.chains:
            return []
        return [*self.blocks_requests(), *self.mempool_requests(), *self.hash_rate_requests()]

    def _hash_rate(self, answer: Answer) -> float | None:
        """Reads ``{"currentHashrate": 252033247355212300000, "currentDifficulty": 3.1e13, ...}``."""
        return parse_positive(self._object(answer, "an object with the hash rate").get("currentHashrate"))

    def fee_rates_requests(self) -> Sequence[Request]:
        """What a transaction should pay at present."""
        return [Request(operation="fees_recommended", path="/api/v1/fees/recommended")]

    def parse_fee_rates(self, answers: Sequence[Answer]) -> FeeRates:
        """Reads ``{"fastestFee": 7, "halfHourFee": 6, "hourFee": 5, "economyFee": 4, "minimumFee": 2}`` in sat/vB.

        Raises:
            BadPayload: the answer is not an object.
        """
        answer = answers[-1]
        fees = self._object(answer, "an object of fee rates")
        return FeeRates(
            source=self.name,
            as_of=answer.received_at,
            fastest=parse_positive(fees.get("fastestFee")),
            half_hour=parse_positive(fees.get("halfHourFee")),
            hour=parse_positive(fees.get("hourFee")),
            economy=parse_positive(fees.get("economyFee")),
            minimum=parse_positive(fees.get("minimumFee")),
        )

    def block_transactions_requests(self, block: BlockInfo) -> Sequence[Request]:
        """One request for the whole block."""
        hash = parse_hash(block.hash)
        return [Request(operation="block_summary", path=f"/api/v1/block/{hash}/summary")] if hash else []

    def parse_block_transactions(self, block: BlockInfo, answers: Sequence[Answer]) -> list[Transfer]:
        """Reads ``[{"txid": "4b...", "fee": 18277, "vsize": 2585, "value": 4972029, ...}, ...]``: sums, no addresses.

        The first row, which pays no fee, is the reward of the miner and left out.

        Raises:
            BadPayload: the answer is not a list.
        """
        transfers: list[Transfer] = []
        for answer in answers:
            rows = answer.payload
            if isinstance(rows, list) and rows and isinstance(rows[0], dict) and rows[0].get("fee") == 0:
                reward = parse_hash(rows[0].get("txid"))
                transfers += [transfer for transfer in self._sums(answer, block) if transfer.hash != reward]
            else:
                transfers += self._sums(answer, block)
        return transfers
