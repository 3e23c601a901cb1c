"""Blockscout: an open-source explorer of Ethereum: price of gas, utilisation, numbers of transactions; no key.

Documentation: https://docs.blockscout.com/devs/apis/rest, checked 2026-11-21.

Rate limit as published: none in numbers that could be found; prices of gas are renewed every few seconds.

Quirks:
    - Counts and prices are strings; prices of gas are gwei, either numbers or null.
    - ``network_utilization_percentage`` is a percentage already, ``average_block_time`` milliseconds.
    - Every other chain that runs the software answers in the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from websocket.chain_records import GasFees, NetworkActivity
from websocket.providers.base import (
    Answer,
    Budget,
    Request,
    parse_amount,
    parse_count,
    parse_iso_time,
    parse_positive,
)
from websocket.providers.capabilities import ActivityProvider, GasOracle


class Blockscout(GasOracle, ActivityProvider):
    """Gas and activity of Ethereum, both from ``/api/v2/stats``."""

    name = "blockscout"
    title = "Blockscout"
    docs = "https://docs.blockscout.com/devs/apis/rest"
    gas_chain = "ethereum"

    @property
    def budget(self) -> Budget:
        """No number is known: one request in 10 s at most, and each figure once a minute, is our own pace."""
        return Budget(per_minute=6, min_interval_s=60)

    def gas_requests(self) -> Sequence[Request]:
        """One request for all figures."""
        return [Request(operation="stats", path="/api/v2/stats")]

    def parse_gas(self, answers: Sequence[Answer]) -> GasFees:
        """Reads ``{"gas_prices": {"slow": 0.57, "average": 0.9, "fast": 2.4}, ...}`` in gwei.

        Also: ``gas_price_updated_at``, ``network_utilization_percentage``.

        Raises:
            BadPayload: the answer is not an object.
        """
        stats, received_at = self._stats(answers)
        prices = stats.get("gas_prices")
        gas = prices if isinstance(prices, dict) else {}
        updated_at = parse_iso_time(stats.get("gas_price_updated_at"))
        used = parse_amount(stats.get("network_utilization_percentage"))
        return GasFees(
            chain=self.gas_chain,
            source=self.name,
            as_of=received_at if updated_at is None else min(updated_at, received_at),
            slow_gwei=parse_positive(gas.get("slow")),
            average_gwei=parse_positive(gas.get("average")),
            fast_gwei=parse_positive(gas.get("fast")),
            utilization_percent=used if used is not None and used <= 100 else None,
        )

    def activity_requests(self) -> Sequence[Request]:
        """The same request as for gas."""
        return self.gas_requests()

    def parse_activity(self, answers: Sequence[Answer]) -> list[NetworkActivity]:
        """Reads ``transactions_today``, ``total_transactions``, ``total_addresses``, ``average_block_time``.

        The day is not said: at midnight its count does not begin at zero.

        Raises:
            BadPayload: the answer is not an object.
        """
        stats, received_at = self._stats(answers)
        block_time_ms = parse_positive(stats.get("average_block_time"))
        return [
            NetworkActivity(
                chain=self.gas_chain,
                source=self.name,
                as_of=received_at,
                transactions=parse_count(stats.get("transactions_today")),
                transactions_total=parse_count(stats.get("total_transactions")),
                addresses_total=parse_count(stats.get("total_addresses")),
                average_block_time_s=None if block_time_ms is None else block_time_ms / 1000,
            )
        ]

    def _stats(self, answers: Sequence[Answer]) -> tuple[dict[str, Any], float]:
        answer = answers[-1]
        if not isinstance(answer.payload, dict):
            raise self.bad_payload(answer, "an object of figures")
        return answer.payload, answer.received_at
