"""Asks idle providers something small now and then, so that it is known whether they could stand in.

Providers that services ask are left alone: their real traffic says more. A probe is an ask like any other, within
budget and circuit; all probes together take at most ``MINUTE_SHARE`` of a provider's budget of a minute and
``MONTH_SHARE`` of that of a month.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from websocket.errors import UpstreamError
from websocket.scheduler import Scheduler
from websocket.settings import MonitoringSettings, UpstreamSettings
from websocket.upstream.rate_limit import effective_budget
from websocket.upstream.source import LONGEST_MONTH_S, Source

logger = logging.getLogger(__name__)

LOOK_INTERVAL_S = 1.0
"""One probe at a time, and not more than one a second."""

FIRST_LOOK_S = 20.0
"""Until then the services ask whom they need; the rest is probed within the first minute."""

DOUBT_S = 15.0
"""Pause after a probe that failed, if there is no budget of a month: it may have been an accident."""

RARE_S = 300.0
"""Providers whose data change more rarely than this are probed so often."""

IN_USE_PACES = 1.25
"""A provider that is asked at its own pace, give or take some jitter, is not idle in between."""

MINUTE_SHARE = 0.15
MONTH_SHARE = 0.02


class ProviderProbes:
    """Probes idle providers one after the other.

    Args:
        sources: every provider, by registry name.
        settings: when a provider is idle, and how often it is probed.
        upstream: how long an answer may take.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self,
        sources: Mapping[str, Source[Any]],
        settings: MonitoringSettings,
        upstream: UpstreamSettings,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.looked_at: float | None = None
        """When it was last looked who has to be probed; None before the first time."""
        self._sources = sources
        self._settings = settings
        self._clock = clock
        self._deadline_s = 2 * upstream.deadline_s

    def schedule(self, scheduler: Scheduler) -> None:
        """Plans the probes."""
        scheduler.every(
            LOOK_INTERVAL_S, "health_checker_collection", self.run, deadline_s=self._deadline_s, delay_s=FIRST_LOOK_S
        )

    def run(self) -> None:
        """Probes the provider that nobody has asked for the longest time, if any is due."""
        self.looked_at = self._clock()
        due = [source for source in self._sources.values() if self._is_due(source)]
        if not due:
            return
        source = max(due, key=_known_for_s)
        try:
            source.probe()
        except UpstreamError as error:
            # the source has taken note of it; the status of the provider is where it is told
            logger.debug("probe failed provider=%s reason=%s", source.name, error)

    def outstanding(self) -> list[str]:
        """Names of the providers that could be asked and were not yet."""
        return [
            name
            for name, source in self._sources.items()
            if source.configured and source.record.last_ok is None and source.provider.health_check() is not None
        ]

    def is_idle(self, source: Source[Any]) -> bool:
        """Whether no service asks it. One that is asked every few minutes is not idle in between."""
        pace_s = min(effective_budget(source.provider).min_interval_s, RARE_S)
        return source.unused_s >= max(self._settings.idle_after_s, IN_USE_PACES * pace_s)

    def pause_s(self, source: Source[Any]) -> float:
        """Least seconds between two probes of a provider."""
        budget, check = effective_budget(source.provider), source.provider.health_check()
        cost = check.request.cost if check is not None else 1
        pauses = [60.0 * cost / (MINUTE_SHARE * budget.per_minute)]
        if budget.per_month is not None:
            pauses.append(LONGEST_MONTH_S / (MONTH_SHARE * budget.per_month))
        elif source.record.last_ok is False:
            return max(DOUBT_S, *pauses)
        if budget.min_interval_s >= RARE_S:
            pauses.append(RARE_S)
        return max(self._settings.probe_interval_s, *pauses)

    def _is_due(self, source: Source[Any]) -> bool:
        if not source.configured or source.retry_in_s > 0 or not self.is_idle(source):
            return False
        return source.provider.health_check() is not None and _known_for_s(source) >= self.pause_s(source)


def _known_for_s(source: Source[Any]) -> float:
    """Seconds since it was asked last, or would have been but for the budget."""
    return min(source.record.unchecked_s, source.unprobed_s)
