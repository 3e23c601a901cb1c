"""How many HTTP requests an address may send."""

from __future__ import annotations

from collections.abc import Callable

BURST_S = 20.0
"""An address may send at once what it may send in so many seconds: a page with all its parts, or everybody in an office
who comes back after a restart.
"""

MAX_ADDRESSES = 20_000
"""More are not remembered; who was heard of the longest ago is forgotten, and begins with a full bucket."""


class RequestRates:
    """A token bucket for each address.

    Args:
        per_second: tokens that come back each second; 0 for no limit.
        clock: monotonic seconds.
    """

    def __init__(self, per_second: float, *, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = per_second * BURST_S
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # address -> tokens left, and when that was so

    def take(self, address: str, tokens: float) -> float:
        """Takes tokens; gives the seconds to wait until there are so many, 0 when they were taken."""
        if not self._per_second or not tokens:
            return 0.0
        tokens = min(tokens, self._burst)
        now = self._clock()
        left, since = self._buckets.pop(address, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        is_allowed = left >= tokens
        # popped and set again, so that the first one is always the one that was heard of the longest ago
        self._buckets[address] = (left - tokens if is_allowed else left, now)
        if len(self._buckets) > MAX_ADDRESSES:
            del self._buckets[next(iter(self._buckets))]
        return 0.0 if is_allowed else (tokens - left) / self._per_second
