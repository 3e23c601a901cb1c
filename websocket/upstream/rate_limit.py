"""Our own budgets: how much we ask of each provider in any 60 seconds and in a calendar month (UTC).

Counted in memory, and where a Redis is given, in Redis for all processes together. Redis is a convenience here: when
it fails, this process goes on at once with its own count, which it has kept all the time.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Annotated

import msgspec
import redis
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from msgspec import Meta
from redis.backoff import NoBackoff
from redis.retry import Retry

from websocket import green
from websocket.cache.redis_connection import BoundedParser
from websocket.errors import BudgetSpent
from websocket.providers.base import Budget, Provider, Request
from websocket.refused import Refused
from websocket.settings import RedisSettings

logger = logging.getLogger(__name__)

SHARED_DEADLINE_S = 0.5
"""Longest that a request to a provider is held up by Redis, the resolver included."""

SHARED_PAUSE_S = 15.0
"""How long Redis is left alone after it failed."""

MONTH_MAX = 10_000_000
"""Requests to one provider in a month; nobody lets us ask so often, so a larger count is not ours."""

CLOCK_TOLERANCE_S = 60.0
"""How far the clock of another process may be ahead."""

Used = Annotated[int, Meta(ge=0, le=MONTH_MAX)]

SHARED_ERRORS = (StorageError, green.DeadlineExceeded, OSError, ValueError)
"""What a failing Redis shows itself by; a ValueError is a value under our keys that cannot be ours."""


def effective_budget(provider: Provider) -> Budget:
    """What the provider publishes, with the operator's own numbers where they are not 0."""
    published = provider.budget
    return Budget(
        per_minute=provider.settings.per_minute or published.per_minute,
        per_month=provider.settings.per_month or published.per_month,
        min_interval_s=published.min_interval_s,
    )


def redis_storage(settings: RedisSettings, *, demo: bool = False) -> RedisStorage:
    """A store of budgets that several processes share; it connects when it is first used.

    An empty host means this machine. Calls are not retried and time out within a second. What a simulated internet is
    asked must not be taken from the budgets of the real one, so ``demo`` has names of its own.
    """
    pool = redis.ConnectionPool(
        host=settings.host or "localhost",
        port=settings.port,
        username=settings.username or None,
        password=settings.password.reveal() or None,
        db=settings.db,
        socket_timeout=SHARED_DEADLINE_S,
        socket_connect_timeout=SHARED_DEADLINE_S,
        retry=Retry(NoBackoff(), 0),
        parser_class=BoundedParser,
        protocol=2,
    )
    prefix = f"{settings.prefix}{'demo:' if demo else ''}budget"
    return RedisStorage("redis://", connection_pool=pool, key_prefix=prefix, wrap_exceptions=True)


class _Month(msgspec.Struct, frozen=True):
    """A calendar month in UTC: its name, such as ``2026-11``, and the seconds until it ends."""

    name: str
    left_s: int

    @classmethod
    def at(cls, unix_s: float) -> _Month:
        now = datetime.fromtimestamp(unix_s, timezone.utc)
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (first + timedelta(days=32)).replace(day=1)
        return cls(f"{first:%Y-%m}", int((following - now).total_seconds()) + 1)


class _Ledger:
    """The counts in one storage, whichever it is."""

    def __init__(self, storage: MemoryStorage | RedisStorage) -> None:
        self._storage = storage
        self._window = MovingWindowRateLimiter(storage)

    def take_minute(self, provider: str, per_minute: int, cost: int) -> bool:
        """Atomic: takes the whole cost, or nothing and gives False."""
        return self._window.hit(_per_minute(per_minute), provider, cost=cost)

    def minute_left(self, provider: str, per_minute: int) -> tuple[int, float]:
        """What is left in the current 60 s, and the Unix time when the oldest entry leaves them.

        Raises:
            ValueError: that is not within the next 60 s.
        """
        stats = self._window.get_window_stats(_per_minute(per_minute), provider)
        if not stats.reset_time <= time.time() + 60 + CLOCK_TOLERANCE_S:
            raise ValueError(f"{provider}: a request of {stats.reset_time - 60:.0f}, which has not come")
        return max(0, stats.remaining), stats.reset_time

    def month_used(self, key: str) -> int:
        """Requests so far.

        Raises:
            ValueError: more than there can be.
        """
        return _believable(key, self._storage.get(key))

    def add_month(self, key: str, requests: int, expiry_s: int) -> int:
        """Atomic; gives the new total.

        Raises:
            ValueError: more than there can be.
        """
        return _believable(key, self._storage.incr(key, expiry_s, requests))


class RateLimiter:
    """The budgets of all providers.

    Green threads, and with a shared storage processes, may take at the same time: a budget is never exceeded by
    that. Without the shared storage each process has the whole budget to itself.

    Args:
        shared: what ``redis_storage()`` gives, or None.
        clock: monotonic seconds, for the pauses of a failing Redis.
        wall: Unix seconds, for the month. The 60 seconds are measured by ``time.time`` in any case.
    """

    def __init__(
        self,
        shared: RedisStorage | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._own = _Ledger(MemoryStorage())
        self._shared = _Ledger(shared) if shared is not None else None
        self._clock = clock
        self._wall = wall
        self.refused = Refused("Redis")
        """Counts what stands for shared budgets in Redis and cannot be ours; then this process counts alone."""
        self._shared_failed = False
        self._shared_pause_until = 0.0
        self._known: set[str] = set()
        """Month keys that were counted or restored, for the export."""
        self._unshared: defaultdict[str, int] = defaultdict(int)
        """Requests by month key that Redis does not know of yet, because it was away."""

    def take(self, provider: Provider, request: Request) -> None:
        """Book one request before it is sent. Nothing is booked when either budget has no room for it.

        Raises:
            BudgetSpent: with the seconds until there is room again. Nothing else is ever raised.
        """
        budget = effective_budget(provider)
        if request.cost > budget.per_minute:
            reason = f"costs {request.cost}, more than the budget of a minute ({budget.per_minute})"
            raise BudgetSpent(provider.name, request.operation, reason, 60.0)
        ledger = self._available_shared()
        if ledger is not None:
            try:
                with green.deadline(SHARED_DEADLINE_S):
                    self._take_from(ledger, provider.name, request, budget)
            except SHARED_ERRORS as error:
                self._shared_is_away(error)
            except BudgetSpent:
                self._shared_is_back()
                raise
            else:
                self._shared_is_back()
                self._own.take_minute(provider.name, budget.per_minute, request.cost)
                return
        self._take_from(self._own, provider.name, request, budget)

    def remaining(self, provider: Provider) -> tuple[int, int | None]:
        """Cost left for the current 60 s, and requests left this month (None where no month budget is set)."""
        budget = effective_budget(provider)
        ledger = self._available_shared()
        if ledger is not None:
            try:
                with green.deadline(SHARED_DEADLINE_S):
                    left = self._remaining_in(ledger, provider.name, budget)
            except SHARED_ERRORS as error:
                self._shared_is_away(error)
            else:
                self._shared_is_back()
                return left
        return self._remaining_in(self._own, provider.name, budget)

    def remaining_here(self, provider: Provider) -> tuple[int, int | None]:
        """The same as far as this process knows; asks nobody."""
        return self._remaining_in(self._own, provider.name, effective_budget(provider))

    def month_usage(self) -> dict[str, int]:
        """Requests of this month, to be kept over a restart: ``{"2026-11:example": 4211}``."""
        month = _Month.at(self._wall())
        self._known = {key for key in self._known if key.startswith(month.name)}
        return {key: self._own.month_used(key) for key in sorted(self._known)}

    def restore_month_usage(self, usage: Mapping[str, int]) -> None:
        """Take up what an earlier ``month_usage()`` said. Other months are ignored; counts never go down."""
        month = _Month.at(self._wall())
        for key, used in usage.items():
            if key.startswith(f"{month.name}:"):
                self._raise_own(key, used, month)

    def _take_from(self, ledger: _Ledger, name: str, request: Request, budget: Budget) -> None:
        month = _Month.at(self._wall())
        key = f"{month.name}:{name}"
        if budget.per_month is not None and self._month_used(ledger, key) >= budget.per_month:
            raise BudgetSpent(name, request.operation, "the budget of this month is spent", month.left_s)
        if not ledger.take_minute(name, budget.per_minute, request.cost):
            _, room_at = ledger.minute_left(name, budget.per_minute)
            wait_s = min(max(room_at - self._wall(), 0.1), 60.0)
            raise BudgetSpent(name, request.operation, "the budget of this minute is spent", wait_s)
        if budget.per_month is None:
            return
        if ledger is self._own:
            self._known.add(key)
            if self._shared is not None:
                self._unshared[key] += 1
            total = ledger.add_month(key, 1, month.left_s)
        else:
            unshared = self._unshared.get(key, 0)
            total = ledger.add_month(key, 1 + unshared, month.left_s)
            self._unshared[key] -= unshared
            self._raise_own(key, max(total, self._own.month_used(key) + 1), month)
        if total > budget.per_month:
            # another green thread or process was faster between the look and the booking
            raise BudgetSpent(name, request.operation, "the budget of this month is spent", month.left_s)

    def _remaining_in(self, ledger: _Ledger, name: str, budget: Budget) -> tuple[int, int | None]:
        minute_left, _ = ledger.minute_left(name, budget.per_minute)
        if budget.per_month is None:
            return minute_left, None
        key = f"{_Month.at(self._wall()).name}:{name}"
        return minute_left, max(0, budget.per_month - self._month_used(ledger, key))

    def _month_used(self, ledger: _Ledger, key: str) -> int:
        """The larger of both counts: a Redis that was emptied knows less than we do."""
        own = self._own.month_used(key)
        if ledger is self._own:
            return own
        return max(own, ledger.month_used(key) + self._unshared.get(key, 0))

    def _raise_own(self, key: str, total: int, month: _Month) -> None:
        missing = total - self._own.month_used(key)
        if missing > 0:
            self._known.add(key)
            self._own.add_month(key, missing, month.left_s)

    def _available_shared(self) -> _Ledger | None:
        return self._shared if self._clock() >= self._shared_pause_until else None

    def _shared_is_away(self, error: Exception) -> None:
        self._shared_pause_until = self._clock() + SHARED_PAUSE_S
        if isinstance(error, ValueError) or "WRONGTYPE" in str(error):
            self.refused.note("budget", error)
        if not self._shared_failed:
            self._shared_failed = True
            logger.warning("shared budgets lost, counting alone cause=%s", type(error).__name__)

    def _shared_is_back(self) -> None:
        if self._shared_failed:
            self._shared_failed = False
            logger.info("shared budgets back")


def _believable(key: str, used: int) -> int:
    if used > MONTH_MAX:
        raise ValueError(f"{key}: {used} requests in a month")
    return used


def _per_minute(amount: int) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(amount, namespace="minute")
