"""How fast one client may send."""

from __future__ import annotations

from collections.abc import Callable

STRIKES = 10
"""Messages over the limit that are answered with an error before the connection is closed."""


class MessageRate:
    """A token bucket of one connection.

    Args:
        per_second: tokens that come back each second.
        burst: tokens that there can be.
        clock: monotonic seconds.
    """

    __slots__ = ("_burst", "_clock", "_per_second", "_strikes", "_tokens", "_updated")

    def __init__(self, per_second: float, burst: int, *, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._clock = clock
        self._tokens = float(burst)
        self._updated = clock()
        self._strikes = 0

    def allows(self) -> bool:
        """Takes a token for one message; False when there is none, which counts as a strike."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._per_second)
        self._updated = now
        if self._tokens >= 1:
            self._tokens -= 1
            if self._tokens >= self._burst / 2:
                self._strikes = 0
            return True
        self._strikes += 1
        return False

    @property
    def exhausted(self) -> bool:
        """True when the client was told often enough."""
        return self._strikes > STRIKES

    @property
    def retry_after_s(self) -> float:
        """Seconds until one more message is allowed."""
        return round(max(0.0, (1 - self._tokens) / self._per_second), 3)
