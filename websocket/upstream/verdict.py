"""How a provider is doing, in one word: judged by what became of the asks, and by nothing else.

unconfigured   a key or the like is missing, so it is never asked
parked         it refuses us and is left alone for long
unhealthy      the last ask failed, and: its circuit is not closed, or most of the last ten minutes' asks failed, or
               none of them succeeded. A provider that only asks us to slow down is unhealthy after ten minutes of it
degraded       it answers, but more than one ask in twenty failed in the last ten minutes, or the last one did;
               or it is slow; or it asks us to slow down; or nobody has asked it yet
healthy        else
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from websocket.errors import RateLimited
from websocket.upstream.source import Source
from websocket.upstream.track_record import Score, TrackRecord

ProviderStatus = Literal["healthy", "degraded", "unhealthy", "parked", "unconfigured"]

RECENT_S = 600.0
"""What a provider did longer ago is not held against it."""

WELL_FROM, ILL_BELOW = 0.95, 0.5
"""Success rates."""

NOT_CHECKED = "not checked yet"


class Verdict(msgspec.Struct, frozen=True):
    """How a provider is doing, and why it is not healthy (None when it is)."""

    status: ProviderStatus
    reason: str | None


def judge(source: Source[Any], *, slow_ms: float) -> Verdict:
    """How a provider is doing; computes only.

    Args:
        source: the provider as we use it.
        slow_ms: response time from which it counts as slow, milliseconds.
    """
    if not source.configured:
        return Verdict("unconfigured", "a key or another setting that it needs is missing")
    record = source.record
    failure = f"{record.last_failure.operation}: {record.last_failure.reason}" if record.last_failure else None
    if source.state == "parked":
        return Verdict("parked", failure)
    if record.last_ok is None:
        return Verdict("degraded", NOT_CHECKED)
    recent = record.score(RECENT_S)
    if not record.last_ok:
        return Verdict("unhealthy" if _is_ill(source, recent) else "degraded", failure)
    if recent.success_rate is not None and recent.success_rate < WELL_FROM:
        return Verdict("degraded", f"{recent.failed} of {recent.asks} asks failed in ten minutes, last {failure}")
    slow = _slowness(record, recent, slow_ms)
    return Verdict("healthy" if slow is None else "degraded", slow)


def _is_ill(source: Source[Any], recent: Score) -> bool:
    """Whether a provider whose last ask failed can be called out of order."""
    if recent.success_rate is None or recent.success_rate < ILL_BELOW:
        return True
    return source.state != "closed" and not isinstance(source.record.last_failure, RateLimited)


def _slowness(record: TrackRecord, recent: Score, slow_ms: float) -> str | None:
    last_ms = record.response_time_ms
    if last_ms is not None and last_ms > slow_ms:
        return f"slow: the last answer took {last_ms / 1000:.1f} s"
    if recent.p95_ms is not None and recent.p95_ms > slow_ms:
        return f"slow: 1 answer in 20 takes {recent.p95_ms / 1000:.1f} s or longer"
    return None
