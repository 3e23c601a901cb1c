"""Health checker: how every provider is doing, by what became of our asks to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any, Literal

import msgspec

from websocket.records import to_rfc3339
from websocket.scheduler import Scheduler
from websocket.services.base import DataService, Payload, ServiceContext
from websocket.services.change_watch import ChangeWatch
from websocket.services.provider_probes import ProviderProbes
from websocket.upstream.circuit import CircuitState
from websocket.upstream.source import Source
from websocket.upstream.verdict import ProviderStatus, Verdict, judge

OverallHealth = Literal["healthy", "degraded", "unhealthy", "unconfigured"]

PART_MAX_AGE_S = 90.0

OUT_OF_ORDER: tuple[ProviderStatus, ...] = ("unhealthy", "parked")


class ProviderInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One provider, as this process has found it; null is not known.

    Attributes:
        title: name for people.
        status: ``healthy``; ``degraded``: it answers, but some asks of the last ten minutes failed, or it is slow, or
            asks us to slow down, or was not checked yet; ``unhealthy``: it fails; ``parked``: it refuses us and is left
            alone for long; ``unconfigured``: a key or the like is missing, so it is never asked.
        reason: why it is not ``healthy``, or null.
        circuit: ``closed``: it is asked; ``open``: it failed and is left alone for a while; ``half_open``: one request
            may try it; ``parked``.
        retry_at: when it may be asked again, RFC 3339 UTC; null when it may be asked now.
        in_use: true when a service asked it in the last minutes; else it is probed now and then.
        response_time_ms: of the last request, whether it succeeded or not, milliseconds.
        p95_ms: 95 of 100 answers of the last hour took no longer, milliseconds; null when there were none.
        success_rate: share of the asks of the last hour that did not fail, 0 to 1; null when there were none.
        asks_last_hour: how many asks these were; one ask may take several requests.
        last_check: when it was last asked, RFC 3339 UTC.
        last_success: when it was last asked with success, RFC 3339 UTC.
        last_error: what went wrong last, in words. It stays after a success.
        last_error_at: when that was, RFC 3339 UTC.
    """

    title: str
    status: ProviderStatus
    reason: str | None
    circuit: CircuitState
    retry_at: str | None
    in_use: bool
    response_time_ms: float | None
    p95_ms: float | None
    success_rate: float | None
    asks_last_hour: int
    last_check: str | None
    last_success: str | None
    last_error: str | None
    last_error_at: str | None


class ProviderHealthReport(Payload, frozen=True, kw_only=True):
    """How the providers of this process are doing. ``status`` is about the report itself, not about them.

    Its parts are ``providers``, the figures, and ``probes``, by which those are known that no service asks; it is not
    live until everybody was asked once.

    Attributes:
        overall_health: ``healthy``: all providers are that are configured; ``unhealthy``: at least half of them are
            unhealthy or parked; ``degraded``: else; ``unconfigured``: none is configured.
        healthy_count: providers that are healthy.
        unhealthy_count: providers that are not: degraded, unhealthy or parked.
        degraded_count: of these, those that are degraded.
        parked_count: of these, those that are parked.
        unconfigured_count: providers that are not configured; they count for nothing else.
        total_providers: the healthy and the unhealthy together.
        providers: every provider, node and feed, by the name under which others name it as a source.
    """

    overall_health: OverallHealth
    healthy_count: int
    unhealthy_count: int
    degraded_count: int
    parked_count: int
    unconfigured_count: int
    total_providers: int
    providers: dict[str, ProviderInfo]


class HealthCheckerService(DataService):
    """Publishes the health of all sources; at once when that of one changes. Probes those that nobody asks."""

    name = "health_checker"
    payload_type = ProviderHealthReport

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        settings = context.settings
        self._settings = settings.monitoring
        self._report = self.part("providers", int, max_age_s=PART_MAX_AGE_S)
        self._probing = self.part("probes", int, max_age_s=PART_MAX_AGE_S)
        self._probes = ProviderProbes(context.sources, settings.monitoring, settings.upstream, clock=context.clock)
        self._watch = ChangeWatch(self.name, fingerprint=self._fingerprint, publish=self.publish, clock=context.clock)

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        self._probes.schedule(scheduler)
        self._watch.schedule(scheduler)

    def publish(self) -> None:
        """Publishes what is known."""
        self._watch.note()
        super().publish()

    def payload(self) -> ProviderHealthReport:
        verdicts = self._verdicts()
        counts = Counter(verdict.status for verdict in verdicts.values())
        total = len(verdicts) - counts["unconfigured"]
        self._report.hold(len(verdicts), source="this process", as_of=self.context.clock())
        self._judge_probing()
        return ProviderHealthReport(
            overall_health=overall_health(verdict.status for verdict in verdicts.values()),
            healthy_count=counts["healthy"],
            unhealthy_count=total - counts["healthy"],
            degraded_count=counts["degraded"],
            parked_count=counts["parked"],
            unconfigured_count=counts["unconfigured"],
            total_providers=total,
            providers={name: self._info(self.context.sources[name], verdict) for name, verdict in verdicts.items()},
            **self.standing(),
        )

    def _judge_probing(self) -> None:
        """The report is complete when probing goes on and everybody has been asked once."""
        outstanding = self._probes.outstanding()
        if outstanding:
            providers = "1 provider was" if len(outstanding) == 1 else f"{len(outstanding)} providers were"
            self._probing.lack(f"{providers} not checked yet")
        elif self._probes.looked_at is not None:
            self._probing.hold(len(self.context.sources), source="this process", as_of=self._probes.looked_at)

    def _verdicts(self) -> dict[str, Verdict]:
        slow_ms = self._settings.slow_after_s * 1000
        return {name: judge(source, slow_ms=slow_ms) for name, source in self.context.sources.items()}

    def _fingerprint(self) -> Hashable:
        """That the pause of a failing provider is over is no news: what its trial brings is."""
        return tuple(
            (verdict.status, self.context.sources[name].state in ("open", "half_open"))
            for name, verdict in self._verdicts().items()
        )

    def _info(self, source: Source[Any], verdict: Verdict) -> ProviderInfo:
        status = source.status()
        return ProviderInfo(
            title=status.title,
            status=verdict.status,
            reason=verdict.reason,
            circuit=status.state,
            retry_at=_time(status.retry_at),
            in_use=not self._probes.is_idle(source),
            response_time_ms=status.response_time_ms,
            p95_ms=status.p95_ms,
            success_rate=status.success_rate,
            asks_last_hour=status.asks_last_hour,
            last_check=_time(status.last_check),
            last_success=_time(status.last_success),
            last_error=status.last_error,
            last_error_at=_time(status.last_error_at),
        )


def overall_health(statuses: Iterable[ProviderStatus]) -> OverallHealth:
    """One word for all providers together; those that are not configured do not count."""
    wanted = [status for status in statuses if status != "unconfigured"]
    if not wanted:
        return "unconfigured"
    if 2 * sum(status in OUT_OF_ORDER for status in wanted) >= len(wanted):
        return "unhealthy"
    return "healthy" if all(status == "healthy" for status in wanted) else "degraded"


def _time(unix_s: float | None) -> str | None:
    return None if unix_s is None else to_rfc3339(unix_s)
