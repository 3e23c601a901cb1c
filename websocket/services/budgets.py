"""Keeps what was used of the monthly budgets across restarts: providers go on counting while we are away."""

from __future__ import annotations

from websocket import codec
from websocket.cache.base import Cache
from websocket.scheduler import Scheduler
from websocket.upstream.rate_limit import RateLimiter, Used

SAVE_INTERVAL_S = 60.0


class BudgetKeeper:
    """Saves the month's usage to the cache and restores it.

    Args:
        limiter: counts the usage.
        cache: where it is kept.
        cache_key: under which name.
    """

    def __init__(self, limiter: RateLimiter, cache: Cache, *, cache_key: str) -> None:
        self._limiter = limiter
        self._cache = cache
        self._cache_key = cache_key

    def schedule(self, scheduler: Scheduler) -> None:
        """Plans the saving."""
        scheduler.every(SAVE_INTERVAL_S, "save_budgets", self.save, deadline_s=10, delay_s=SAVE_INTERVAL_S)

    def save(self) -> None:
        """Keeps the usage so far."""
        self._cache.put(self._cache_key, codec.encode(self._limiter.month_usage()))

    def load(self) -> None:
        """Takes over the usage of earlier runs."""
        kept = self._cache.load(self._cache_key, dict[str, Used])
        if kept is not None:
            self._limiter.restore_month_usage(kept)
