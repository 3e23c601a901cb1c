"""Etherscan: price of gas and height of Ethereum; needs a key.

Documentation: https://docs.etherscan.io/etherscan-v2, checked 2026-11-21.

Rate limit as published: 3 requests a second and 100,000 a day on the free plan, on some chains only (Ethereum is one).
More than five requests with a wrong key in 30 s throttle the address.

Quirks:
    - All errors come with HTTP 200, as ``{"status": "0", "message": "NOTOK", "result": "..."}``; calls of
      ``module=proxy`` answer as a node does, or in that form too. "No transactions found" is an empty list, no error.
    - Prices of gas are gwei, in strings, and below 1 most of the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from websocket.chain_records import GasFees
from websocket.errors import AccessRefused, RateLimited, UpstreamError, UpstreamStatus
from websocket.providers.base import Answer, Budget, Request, parse_amount, parse_count, parse_hex, parse_positive
from websocket.providers.capabilities import GasOracle
from websocket.settings import KeyedProviderSettings

CHAIN_ID = "1"
REFUSALS = ("api key", "apikey", "not supported", "deprecated", "upgrade your api plan")
LIMITS = ("rate limit", "temporarily unavailable", "too many")


class Etherscan(GasOracle):
    """Gas from ``gasoracle``, height from ``eth_blockNumber``; off without a key."""

    name = "etherscan"
    title = "Etherscan"
    docs = "https://docs.etherscan.io/etherscan-v2"
    gas_chain = "ethereum"
    settings: KeyedProviderSettings

    @property
    def budget(self) -> Budget:
        """3 requests a second and 100,000 a day are published; 15 s is little more than one block."""
        return Budget(per_minute=60, per_month=2_800_000, min_interval_s=15)

    @property
    def configured(self) -> bool:
        """False without a key: nothing is answered then."""
        return bool(self.settings.api_key)

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors in either form, with HTTP 200."""
        if not isinstance(payload, dict):
            return None
        error = payload.get("error")
        failed = payload.get("status") == "0" and payload.get("result") != []
        if not failed and not isinstance(error, dict):
            return None
        said = error.get("message") if isinstance(error, dict) else payload.get("result") or payload.get("message")
        lower = said.lower() if isinstance(said, str) else ""
        if any(words in lower for words in LIMITS):
            return RateLimited(self.name, request.operation, "the rate limit is reached, or free access is paused")
        if any(words in lower for words in REFUSALS):
            reason = "the key, or the plan of the key, does not allow it: check ETHERSCAN_API_KEY"
            return AccessRefused(self.name, request.operation, reason, 403)
        reason = f"an error in an answer with status {status}"
        return UpstreamStatus(self.name, request.operation, reason, status if status >= 400 else 502)

    def gas_requests(self) -> Sequence[Request]:
        """One request for the oracle's word."""
        return [self._request("gas_oracle", "gastracker", "gasoracle")]

    def parse_gas(self, answers: Sequence[Answer]) -> GasFees:
        """Reads ``{"status": "1", "result": {"LastBlock": "23467872", "SafeGasPrice": "0.496839934", ...}}``.

        Also in ``result``: ``ProposeGasPrice``, ``FastGasPrice``, ``suggestBaseFee``, and ``gasUsedRatio`` of the last
        five blocks as ``"0.40,0.78,0.50,0.71,0.45"``.

        Raises:
            BadPayload: the answer has no object in ``result``.
        """
        answer = answers[-1]
        result = answer.payload.get("result") if isinstance(answer.payload, dict) else None
        if not isinstance(result, dict):
            raise self.bad_payload(answer, "an object with prices of gas in 'result'")
        return GasFees(
            chain=self.gas_chain,
            source=self.name,
            as_of=answer.received_at,
            block=parse_count(result.get("LastBlock")),
            base_fee_gwei=parse_positive(result.get("suggestBaseFee")),
            slow_gwei=parse_positive(result.get("SafeGasPrice")),
            average_gwei=parse_positive(result.get("ProposeGasPrice")),
            fast_gwei=parse_positive(result.get("FastGasPrice")),
            utilization_percent=_mean_percent(result.get("gasUsedRatio")),
        )

    def block_number_requests(self) -> Sequence[Request]:
        """One request for the height."""
        return [self._request("block_number", "proxy", "eth_blockNumber")]

    def parse_block_number(self, answers: Sequence[Answer]) -> int:
        """Reads ``{"jsonrpc": "2.0", "result": "0x29ddd94", "id": 83}``.

        Raises:
            BadPayload: the answer has no hexadecimal number in ``result``.
        """
        answer = answers[-1]
        height = parse_hex(answer.payload.get("result")) if isinstance(answer.payload, dict) else None
        if parse_count(height) is None or height is None:
            raise self.bad_payload(answer, "a hexadecimal number in 'result'")
        return height

    def _request(self, operation: str, module: str, action: str) -> Request:
        return Request(
            operation=operation,
            path="/api",
            params=(
                ("chainid", CHAIN_ID),
                ("module", module),
                ("action", action),
                ("apikey", self.settings.api_key.reveal()),
            ),
        )


def _mean_percent(ratios: Any) -> float | None:
    if not isinstance(ratios, str):
        return None
    parts = [parse_amount(part) for part in ratios.split(",")[:20]]
    known = [part for part in parts if part is not None and part <= 1]
    return math.fsum(known) / len(known) * 100 if known and len(known) == len(parts) else None
