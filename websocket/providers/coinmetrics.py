"""Coin Metrics (community): active addresses and transactions of Bitcoin and Ethereum, day by day; no key.

Documentation: https://docs.coinmetrics.io/api/v4, checked 2026-11-21. The data are CC BY-NC 4.0.

Rate limit as published: 10 requests in any 6 s for an address.

Quirks:
    - All values are strings. Times have nine decimals; a row is dated with the beginning of its day.
    - The newest day is one or two days back.
    - One metric that is not for the community fails the whole request, so only the free ones are asked for.
    - Further pages (``next_page_url``) hold older days and are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from websocket.chain_records import NetworkActivity
from websocket.errors import AccessRefused, UpstreamError, UpstreamStatus
from websocket.providers.base import Answer, Budget, Request, parse_count, parse_iso_time
from websocket.providers.capabilities import ActivityProvider
from websocket.records import to_rfc3339

CHAINS = {"btc": "bitcoin", "eth": "ethereum"}
DAY_S = 86_400.0


class CoinMetrics(ActivityProvider):
    """Activity of the newest complete day from ``/timeseries/asset-metrics``."""

    name = "coinmetrics"
    title = "Coin Metrics"
    docs = "https://docs.coinmetrics.io/api/v4"

    @property
    def budget(self) -> Budget:
        """100 requests a minute are published; the data change once a day, so every six hours is often enough."""
        return Budget(per_minute=10, min_interval_s=6 * 3600)

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors of the shape ``{"error": {"type": "forbidden", "message": "..."}}``."""
        error = payload.get("error") if isinstance(payload, dict) else None
        if not isinstance(error, dict):
            return None
        kind = error.get("type")
        if kind in ("forbidden", "unauthorized"):
            reason = "a metric is not, or no longer, in the community's data"
            return AccessRefused(self.name, request.operation, reason, status if status >= 400 else 403)
        if status < 400:
            return UpstreamStatus(self.name, request.operation, f"an error in an answer with status {status}", 400)
        return None

    def activity_requests(self) -> Sequence[Request]:
        """One request for the newest day of both chains."""
        return [
            Request(
                operation="asset_metrics",
                path="/timeseries/asset-metrics",
                params=(
                    ("assets", ",".join(CHAINS)),
                    ("metrics", "AdrActCnt,TxCnt"),
                    ("frequency", "1d"),
                    ("limit_per_asset", "1"),
                ),
            )
        ]

    def parse_activity(self, answers: Sequence[Answer]) -> list[NetworkActivity]:
        """Reads ``{"data": [{"asset": "btc", "time": "2026-02-17T00:00:00.000000000Z", "AdrActCnt": "595445", ...}]}``.

        Also in each row: ``TxCnt``. Rows without a day or without either number are left out; of several days of a
        chain, the newest counts.

        Raises:
            BadPayload: an answer has no list in ``data``.
        """
        newest: dict[str, NetworkActivity] = {}
        for answer in answers:
            rows = answer.payload.get("data") if isinstance(answer.payload, dict) else None
            if not isinstance(rows, list):
                raise self.bad_payload(answer, "an object with a list in 'data'")
            for row in rows:
                activity = self._activity(row, answer.received_at) if isinstance(row, dict) else None
                if activity is None:
                    continue
                held = newest.get(activity.chain)
                if held is None or (held.day or "") < (activity.day or ""):
                    newest[activity.chain] = activity
        return list(newest.values())

    def _activity(self, row: dict[str, Any], received_at: float) -> NetworkActivity | None:
        asset = row.get("asset")
        chain = CHAINS.get(asset) if isinstance(asset, str) else None
        begin = parse_iso_time(row.get("time"))
        addresses, transactions = parse_count(row.get("AdrActCnt")), parse_count(row.get("TxCnt"))
        if chain is None or begin is None or begin > received_at or (addresses is None and transactions is None):
            return None
        return NetworkActivity(
            chain=chain,
            source=self.name,
            as_of=min(begin + DAY_S, received_at),
            day=to_rfc3339(begin)[:10],
            active_addresses=addresses,
            transactions=transactions,
        )
