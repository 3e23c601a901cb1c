"""How long to wait after a failure. Who waits, and for what, is decided elsewhere."""

from __future__ import annotations

import random

MAX_DOUBLINGS = 62
"""Beyond this the ceiling has long been reached; it keeps the power of two within a float."""


class Backoff:
    """Pauses that double up to a ceiling, each shortened by up to half at random.

    The jitter keeps many processes that failed together from coming back together.
    """

    def __init__(self, *, first_s: float = 2.0, max_s: float, rng: random.Random) -> None:
        self._first_s = first_s
        self._max_s = max_s
        self._rng = rng

    def delay_s(self, failures: int) -> float:
        """Seconds to wait after ``failures`` (1 or more) failures in a row."""
        doublings = min(max(failures - 1, 0), MAX_DOUBLINGS)
        whole = min(self._first_s * 2.0**doublings, self._max_s)
        return whole * self._rng.uniform(0.5, 1.0)
