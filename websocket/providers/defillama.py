"""DefiLlama: value locked on chains, and what their users pay; no key.

Documentation: https://api-docs.defillama.com, checked 2026-11-21.

Rate limit as published: none in numbers for the free API; under load it answers with errors that are not JSON.

Quirks:
    - ``/protocols`` has several MB and is not asked for.
    - Both ``excludeTotalDataChart`` flags are required in practice: without them the answer has years of history.
    - ``gecko_id``, ``tokenSymbol`` and ``chainId`` may be null.
    - Fees of a chain come as a total, or only by protocol; then they are added up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from urllib.parse import quote

from websocket.chain_records import ProtocolFees, Tvl
from websocket.providers.base import (
    Answer,
    Budget,
    HealthCheck,
    Provider,
    Request,
    parse_amount,
    parse_count,
    parse_name,
    parse_number,
)


class DefiLlama(Provider):
    """Value locked by chain from ``/v2/chains``, fees of a chain from ``/overview/fees``."""

    name = "defillama"
    title = "DefiLlama"
    docs = "https://api-docs.defillama.com"

    @property
    def budget(self) -> Budget:
        """No number is published: ten a minute at most, and each of the two every ten minutes, is our own pace."""
        return Budget(per_minute=10, min_interval_s=600)

    def health_check(self) -> HealthCheck | None:
        """The value locked on all chains: all that it knows comes in one piece."""

        def read(answers: Sequence[Answer]) -> None:
            if not self.parse_tvl(answers):
                raise self.bad_payload(answers[-1], "a chain with its value locked")

        return HealthCheck(self.tvl_requests()[0], read)

    def tvl_requests(self) -> Sequence[Request]:
        """One request for all chains."""
        return [Request(operation="chains", path="/v2/chains")]

    def parse_tvl(self, answers: Sequence[Answer]) -> list[Tvl]:
        """Reads ``[{"name": "Ethereum", "tvl": 65998652431.4, "tokenSymbol": "ETH", "chainId": 1, ...}, ...]``.

        Largest first. Rows without a name or a value are left out.

        Raises:
            BadPayload: the answer is not a list.
        """
        found: dict[str, Tvl] = {}
        for answer in answers:
            if not isinstance(answer.payload, list):
                raise self.bad_payload(answer, "a list of chains")
            for row in answer.payload:
                chain = parse_name(row.get("name")) if isinstance(row, dict) else None
                tvl = parse_amount(row.get("tvl")) if isinstance(row, dict) else None
                if chain is None or tvl is None:
                    continue
                found.setdefault(
                    chain,
                    Tvl(
                        chain=chain,
                        source=self.name,
                        as_of=answer.received_at,
                        tvl_usd=tvl,
                        token=parse_name(row.get("tokenSymbol")),
                        chain_id=parse_count(row.get("chainId")),
                    ),
                )
        return sorted(found.values(), key=lambda tvl: tvl.tvl_usd, reverse=True)

    def fees_requests(self, chain: str = "ethereum") -> Sequence[Request]:
        """One request for what users paid on a chain."""
        return [
            Request(
                operation=f"fees_{chain}",
                path=f"/overview/fees/{quote(chain, safe='')}",
                params=(
                    ("excludeTotalDataChart", "true"),
                    ("excludeTotalDataChartBreakdown", "true"),
                    ("dataType", "dailyFees"),
                ),
            )
        ]

    def parse_fees(self, answers: Sequence[Answer]) -> ProtocolFees:
        """Reads ``{"total24h": 25000000, "change_1d": 12.5, "protocols": [{"name": "...", "total24h": ...}], ...}``.

        Raises:
            BadPayload: there is neither a total nor a fee of any protocol.
        """
        answer = answers[-1]
        overview = answer.payload if isinstance(answer.payload, dict) else {}
        total = parse_amount(overview.get("total24h"))
        change = parse_number(overview.get("change_1d"))
        if total is None:
            protocols = overview.get("protocols")
            rows = protocols if isinstance(protocols, list) else []
            fees = [parse_number(row.get("total24h")) for row in rows if isinstance(row, dict)]
            known = [fee for fee in fees if fee is not None]
            total = parse_amount(_sum(known)) if known else None
        if total is None:
            raise self.bad_payload(answer, "an object with fees in 'total24h'")
        return ProtocolFees(
            chain=answer.request.operation.removeprefix("fees_"),
            source=self.name,
            as_of=answer.received_at,
            fees_usd_24h=total,
            change_percent_1d=change,
        )


def _sum(numbers: Sequence[float]) -> float | None:
    try:
        return math.fsum(numbers)
    except OverflowError:
        return None
