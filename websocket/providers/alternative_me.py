"""Alternative.me: the Fear & Greed index of the crypto market, one value a day; no key.

Documentation: https://alternative.me/crypto/fear-and-greed-index/#api, checked 2026-11-21. The source must be named
where the value is shown.

Rate limit as published: 60 requests a minute, measured over ten minutes.

Quirks:
    - All values are strings. The newest row comes first, and only it has ``time_until_update``, in seconds.
    - The value changes at midnight UTC and is dated with that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from websocket.errors import UpstreamError, UpstreamStatus
from websocket.news_records import FearGreed
from websocket.providers.base import (
    Answer,
    Budget,
    HealthCheck,
    Provider,
    Request,
    parse_amount,
    parse_number,
    parse_unix_time,
)

LABELS = {
    "extreme fear": "Extreme Fear",
    "fear": "Fear",
    "neutral": "Neutral",
    "greed": "Greed",
    "extreme greed": "Extreme Greed",
}

LONGEST_WAIT_S = 2 * 86_400.0


class AlternativeMe(Provider):
    """The index from ``/fng/``."""

    name = "alternative_me"
    title = "Alternative.me"
    docs = "https://alternative.me/crypto/fear-and-greed-index/#api"

    @property
    def budget(self) -> Budget:
        """60 requests a minute are published; the value changes once a day, so every hour is often enough."""
        return Budget(per_minute=10, min_interval_s=3600)

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors of the shape ``{"data": [], "metadata": {"error": "..."}}``, with any status."""
        metadata = payload.get("metadata") if isinstance(payload, dict) else None
        if status < 400 and isinstance(metadata, dict) and metadata.get("error"):
            return UpstreamStatus(self.name, request.operation, f"an error in an answer with status {status}", 502)
        return None

    def health_check(self) -> HealthCheck | None:
        """The newest value."""
        return HealthCheck(self.fear_greed_requests()[0], self.parse_fear_greed)

    def fear_greed_requests(self) -> Sequence[Request]:
        """One request for the newest value."""
        return [Request(operation="fng", path="/fng/", params=(("limit", "1"), ("format", "json")))]

    def parse_fear_greed(self, answers: Sequence[Answer]) -> FearGreed:
        """Reads ``{"data": [{"value": "25", "value_classification": "Extreme Fear", "timestamp": "1639958400"}]}``.

        Raises:
            BadPayload: there is no row with a value of 0 to 100 and a time that has come.
        """
        answer = answers[-1]
        rows = answer.payload.get("data") if isinstance(answer.payload, dict) else None
        row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
        value, time = parse_amount(row.get("value")), parse_unix_time(row.get("timestamp"))
        if value is None or value > 100 or time is None or time > answer.received_at:
            raise self.bad_payload(answer, "a row with a value of 0 to 100 and its time")
        wait_s = parse_number(row.get("time_until_update"))
        label = row.get("value_classification")
        return FearGreed(
            source=self.name,
            value=value,
            label=LABELS.get(label.strip().lower(), _label(value)) if isinstance(label, str) else _label(value),
            time=time,
            next_update_at=answer.received_at + wait_s if wait_s and 0 < wait_s <= LONGEST_WAIT_S else None,
        )


def _label(value: float) -> str:
    """Words for a value that comes without its own; the bounds are as recorded values show them."""
    bounds = ((25, "Extreme Fear"), (46, "Fear"), (54, "Neutral"), (75, "Greed"))
    return next((label for bound, label in bounds if value <= bound), "Extreme Greed")
