"""Pool manager: who is active in every pool, who stands behind, and who took over from whom."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from websocket.records import to_rfc3339
from websocket.scheduler import Scheduler
from websocket.services.base import DataService, ServiceContext
from websocket.services.change_watch import ChangeWatch
from websocket.services.pool_manager_payload import FailoverInfo, PoolHealth, PoolInfo, PoolReport, SourceInfo
from websocket.upstream.failover import Pool, PoolStatus
from websocket.upstream.rate_limit import effective_budget
from websocket.upstream.source import Source
from websocket.upstream.verdict import Verdict, judge

BUDGET_INTERVAL_S = 10.0
PART_MAX_AGE_S = 60.0

LISTED_FAILOVERS = 50

Budgets = dict[str, tuple[int, int | None]]
"""What is left of the minute and of the month, by source."""


class PoolManagerService(DataService):
    """Publishes the state of all pools; at once when it changes."""

    name = "pool_manager"
    payload_type = PoolReport

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._report = self.part("pools", int, max_age_s=PART_MAX_AGE_S)
        self._budgets = self.part("budgets", Budgets, max_age_s=PART_MAX_AGE_S)
        self._watch = ChangeWatch(self.name, fingerprint=self._fingerprint, publish=self.publish, clock=context.clock)

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        scheduler.every(
            BUDGET_INTERVAL_S, "pool_manager_collection", self.refresh_budgets, deadline_s=BUDGET_INTERVAL_S
        )
        self._watch.schedule(scheduler)

    def refresh_budgets(self) -> None:
        """Looks how much of the budgets is left. They may be counted in Redis, so this may wait."""
        left = {name: self.context.limiter.remaining(source.provider) for name, source in self._members().items()}
        self._budgets.hold(left, source="this process", as_of=self.context.clock())

    def publish(self) -> None:
        """Publishes what is known."""
        self._watch.note()
        super().publish()

    def payload(self) -> PoolReport:
        statuses = {name: pool.status() for name, pool in self.context.pools.items()}
        members = self._members()
        active = {status.active_source for status in statuses.values()}
        failovers = sorted(
            (failover for status in statuses.values() for failover in status.failovers),
            key=lambda failover: failover.at,
            reverse=True,
        )
        self._report.hold(len(statuses), source="this process", as_of=self.context.clock())
        return PoolReport(
            pools={name: self._pool_info(self.context.pools[name], status) for name, status in statuses.items()},
            sources={name: self._source_info(source, statuses) for name, source in members.items()},
            active_sources=tuple(name for name in members if name in active),
            inactive_sources=tuple(name for name in members if name not in active),
            failover_count=sum(status.failover_count for status in statuses.values()),
            failovers=tuple(
                FailoverInfo(
                    pool=failover.pool,
                    from_source=failover.previous,
                    to_source=failover.active,
                    reason=failover.reason,
                    time=to_rfc3339(failover.at),
                )
                for failover in failovers[:LISTED_FAILOVERS]
            ),
            **self.standing(),
        )

    def _members(self) -> dict[str, Source[Any]]:
        """The sources that are in some pool, in the order of all sources."""
        named = {source.name for pool in self.context.pools.values() for source in pool.sources}
        return {name: source for name, source in self.context.sources.items() if name in named}

    def _verdict(self, source: Source[Any]) -> Verdict:
        return judge(source, slow_ms=self.context.settings.monitoring.slow_after_s * 1000)

    def _fingerprint(self) -> Hashable:
        """That the pause of a failing source is over is no news: what its trial brings is."""
        members = self._members()
        verdicts = {name: self._verdict(source) for name, source in members.items()}
        statuses = [(pool, pool.status()) for pool in self.context.pools.values()]
        return (
            tuple((status.active_source, status.silent, status.failover_count) for _, status in statuses),
            tuple((verdicts[name].status, source.state in ("open", "half_open")) for name, source in members.items()),
        )

    def _pool_info(self, pool: Pool[Any], status: PoolStatus) -> PoolInfo:
        health, reason = self._health(pool, status)
        return PoolInfo(
            active_source=status.active_source,
            candidates=tuple(source.name for source in pool.sources),
            available_sources=status.available_sources,
            inactive_sources=status.inactive_sources,
            health=health,
            reason=reason,
            better_source=status.better_source,
            better_retry_at=None if status.retry_at is None else to_rfc3339(status.retry_at),
            failover_count=status.failover_count,
            last_failover=to_rfc3339(status.failovers[-1].at) if status.failovers else None,
        )

    def _health(self, pool: Pool[Any], status: PoolStatus) -> tuple[PoolHealth, str | None]:
        configured = [source for source in pool.sources if source.configured]
        if not configured:
            return "unconfigured", "none of its sources is configured"
        if status.silent:
            said = "; ".join(f"{source.name}: {self._verdict(source).reason or 'nothing'}" for source in configured)
            return "unhealthy", f"no source answers ({said})"
        if status.active_source is None:
            return "idle", "it was not asked anything yet"
        best = configured[0]
        if status.active_source != best.name:
            why = self._verdict(best).reason or "it has nothing to offer now"
            return "degraded", f"{status.active_source} stands in for {best.name}: {why}"
        verdict = self._verdict(best)
        return ("healthy", None) if verdict.status == "healthy" else ("degraded", f"{best.name}: {verdict.reason}")

    def _source_info(self, source: Source[Any], pools: Mapping[str, PoolStatus]) -> SourceInfo:
        budget = effective_budget(source.provider)
        minute_left, month_left = (self._budgets.value or {}).get(source.name, (None, None))
        retry_in_s = source.retry_in_s
        return SourceInfo(
            title=source.provider.title,
            status=self._verdict(source).status,
            circuit=source.state,
            retry_at=to_rfc3339(self.context.clock() + retry_in_s) if retry_in_s > 0 else None,
            pools=tuple(name for name in pools if source in self.context.pools[name].sources),
            active_in=tuple(name for name, status in pools.items() if status.active_source == source.name),
            budget_per_minute=budget.per_minute,
            minute_left=minute_left,
            budget_per_month=budget.per_month,
            month_left=month_left,
        )
