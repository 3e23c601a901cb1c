"""What ``pool_manager`` publishes. The docs of the fields become those of the JSON Schema."""

from __future__ import annotations

from typing import Literal

import msgspec

from websocket.services.base import Payload
from websocket.upstream.circuit import CircuitState
from websocket.upstream.verdict import ProviderStatus

PoolHealth = Literal["healthy", "degraded", "unhealthy", "idle", "unconfigured"]


class PoolInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One pool: sources that can stand in for each other. They are asked in their order, until one answers.

    Attributes:
        active_source: the source whose answers are used; null before the first answer and while nobody answers.
        candidates: all sources of the pool, best first.
        available_sources: those that can be asked now, best first.
        inactive_sources: those that cannot: not configured, or left alone for a while.
        health: ``healthy``: the best configured source is active and is well itself; ``degraded``: another stands in
            for it, or the active one is not well; ``unhealthy``: nobody answers; ``idle``: it was not asked anything
            yet; ``unconfigured``: none of its sources is configured.
        reason: why it is not ``healthy``, or null.
        better_source: the best source before the active one that is left alone for a while, or null. While nobody
            answers, the one that is tried first again.
        better_retry_at: when that may be asked again, RFC 3339 UTC; the pool does in its next round after that.
        failover_count: changes of the active source since the start, the way back included.
        last_failover: when the last of them was, RFC 3339 UTC.
    """

    active_source: str | None
    candidates: tuple[str, ...]
    available_sources: tuple[str, ...]
    inactive_sources: tuple[str, ...]
    health: PoolHealth
    reason: str | None
    better_source: str | None
    better_retry_at: str | None
    failover_count: int
    last_failover: str | None


class SourceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One source, in whichever pools it is; null is not known.

    Attributes:
        title: name for people.
        status: as ``health_checker`` says it.
        circuit: ``closed``: it is asked; ``open``: it failed and is left alone for a while; ``half_open``: one request
            may try it; ``parked``: it refused us and is left alone for long.
        retry_at: when it may be asked again, RFC 3339 UTC; null when it may be asked now.
        pools: names of the pools in which it is a candidate.
        active_in: names of the pools in which it is active.
        budget_per_minute: how much we allow ourselves in any minute: requests, or weight where they differ.
        minute_left: what is left of that.
        budget_per_month: requests that we allow ourselves in a calendar month (UTC); null where there is no such limit.
        month_left: what is left of that.
    """

    title: str
    status: ProviderStatus
    circuit: CircuitState
    retry_at: str | None
    pools: tuple[str, ...]
    active_in: tuple[str, ...]
    budget_per_minute: int
    minute_left: int | None
    budget_per_month: int | None
    month_left: int | None


class FailoverInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a pool's active source.

    Attributes:
        pool: name of the pool.
        from_source: who was active.
        to_source: who is active since.
        reason: in words.
        time: when, RFC 3339 UTC.
    """

    pool: str
    from_source: str = msgspec.field(name="from")
    to_source: str = msgspec.field(name="to")
    reason: str
    time: str


class PoolReport(Payload, frozen=True, kw_only=True):
    """The pools of this process. ``status`` is about the report itself; its parts are the pools and the budgets.

    Attributes:
        pools: every pool by its name.
        sources: every source that is in a pool, by the name under which others name it.
        active_sources: those that are active in some pool.
        inactive_sources: the others; ``sources`` tells why.
        failover_count: changes of an active source since the start, over all pools.
        failovers: the last of them, newest first.
    """

    pools: dict[str, PoolInfo]
    sources: dict[str, SourceInfo]
    active_sources: tuple[str, ...]
    inactive_sources: tuple[str, ...]
    failover_count: int
    failovers: tuple[FailoverInfo, ...]
