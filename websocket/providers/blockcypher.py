"""BlockCypher: the head of Bitcoin and Ethereum in one request each; no key.

Documentation: https://www.blockcypher.com/dev/bitcoin/#chain-endpoint and .../dev/ethereum/, checked 2026-11-21.

Rate limit without a token: 3 requests a second and 100 an hour; ``x-ratelimit-remaining`` counts down.

Quirks:
    - Hashes of Ethereum come without ``0x``.
    - Prices of gas are in wei, fees of Bitcoin in satoshi per kilobyte.
    - ``time`` has nine decimals and is when the host saw the block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from websocket.chain_records import BlockInfo, ChainStats, GasFees
from websocket.providers.base import (
    Answer,
    Budget,
    Request,
    parse_count,
    parse_hash,
    parse_iso_time,
    parse_positive,
)
from websocket.providers.capabilities import ChainExplorer, GasOracle

PATHS = {"bitcoin": "/btc/main", "ethereum": "/eth/main"}
WEI_PER_GWEI = 10**9


class BlockCypher(ChainExplorer, GasOracle):
    """Latest block and number of waiting transactions; on Ethereum the price of gas too."""

    name = "blockcypher"
    title = "BlockCypher"
    docs = "https://www.blockcypher.com/dev/bitcoin/#chain-endpoint"
    chains = ("bitcoin", "ethereum")
    gas_chain = "ethereum"

    @property
    def budget(self) -> Budget:
        """100 requests an hour are published; the heads of two chains and gas every two minutes take 90 of them."""
        return Budget(per_minute=3, min_interval_s=120)

    def stats_requests(self, chain: str) -> Sequence[Request]:
        """One request for the head of the chain."""
        return [Request(operation=f"{chain}_head", path=PATHS[chain])] if chain in PATHS else []

    def parse_stats(self, answers: Sequence[Answer]) -> ChainStats:
        """Reads ``{"height": 20281809, "hash": "23...", "previous_hash": "00...", "unconfirmed_count": 563, ...}``.

        Raises:
            BadPayload: the answer is not an object with a height.
        """
        answer = answers[-1]
        head, height = self._head(answer)
        chain = answer.request.operation.removesuffix("_head")
        time = parse_iso_time(head.get("time"))
        latest = BlockInfo(
            chain=chain,
            height=height,
            hash=_hash(chain, head.get("hash")),
            previous_hash=_hash(chain, head.get("previous_hash")),
            time=time,
        )
        return ChainStats(
            chain=chain,
            source=self.name,
            as_of=answer.received_at,
            latest_block=latest,
            mempool_transactions=parse_count(head.get("unconfirmed_count")),
        )

    def gas_requests(self) -> Sequence[Request]:
        """The same request as for the head of Ethereum."""
        return self.stats_requests("ethereum")

    def parse_gas(self, answers: Sequence[Answer]) -> GasFees:
        """Reads ``low_gas_price``, ``medium_gas_price``, ``high_gas_price`` and ``base_fee``, all in wei.

        Raises:
            BadPayload: the answer is not an object with a height.
        """
        answer = answers[-1]
        head, height = self._head(answer)
        return GasFees(
            chain="ethereum",
            source=self.name,
            as_of=answer.received_at,
            block=height,
            base_fee_gwei=_gwei(head.get("base_fee")),
            slow_gwei=_gwei(head.get("low_gas_price")),
            average_gwei=_gwei(head.get("medium_gas_price")),
            fast_gwei=_gwei(head.get("high_gas_price")),
        )

    def _head(self, answer: Answer) -> tuple[dict[str, Any], int]:
        head = answer.payload if isinstance(answer.payload, dict) else {}
        height = parse_count(head.get("height"))
        if height is None:
            raise self.bad_payload(answer, "an object with the height of the chain")
        return head, height


def _hash(chain: str, value: Any) -> str | None:
    hash = parse_hash(value)
    if hash is None or chain == "bitcoin":
        return hash
    return hash if hash.startswith("0x") else f"0x{hash}"


def _gwei(wei: Any) -> float | None:
    price = parse_positive(wei)
    return None if price is None else price / WEI_PER_GWEI
