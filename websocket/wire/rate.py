"""What one client may send and draw: tokens, which everything that it sends costs."""

from __future__ import annotations

from collections.abc import Callable

STRIKES = 10
"""Times that a client is refused before its connection is closed."""

BYTES_PER_TOKEN = 4096
"""A message pays one token, and one more for each time so many bytes that it has and brings together. With the default
rate of 20 tokens a second a client draws 80 KB a second in the long run; snapshots of all channels, some 160 KB, fit
into the default burst of 100 twice.
"""

SMALL_COST = 0.5
"""Of a control frame, of a fragment that ends no message, and of a read that ends no frame."""


class MessageRate:
    """A token bucket of one connection.

    Args:
        per_second: tokens that come back each second.
        burst: tokens that there can be.
        clock: monotonic seconds.
    """

    __slots__ = ("_burst", "_clock", "_per_second", "_strikes", "_tokens", "_updated", "refused")

    def __init__(self, per_second: float, burst: float, *, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._updated = clock()
        self._strikes = 0
        self.refused = False
        """Whether what was asked for last was refused."""

    def allows(self, cost: float = 1.0) -> bool:
        """Takes the tokens for something that was sent; False when there are too few, which counts as a strike."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._per_second)
        self._updated = now
        self.refused = self._tokens < cost
        if self.refused:
            self._strikes += 1
            return False
        self._tokens -= cost
        if self._tokens >= self._burst / 2:
            self._strikes = 0
        return True

    def charge_bytes(self, size: int) -> None:
        """Takes what a message and its answers cost by their size, also when there is less: the client then has to
        wait until it has paid.
        """
        self._tokens -= size // BYTES_PER_TOKEN

    @property
    def exhausted(self) -> bool:
        """True when the client was refused often enough."""
        return self._strikes > STRIKES

    @property
    def retry_after_s(self) -> float:
        """Seconds until one more message is allowed."""
        return round(max(0.0, (1 - self._tokens) / self._per_second), 3)
