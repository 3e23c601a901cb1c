"""What is remembered of the asks to one provider: the last ones by their time, all of them by number.

An ask may take several requests. An ask has an outcome, a request has a response time; both are kept for an hour, and
at most ``KEPT`` of each, so that the memory is bounded however busy a provider is.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable

import msgspec

from websocket.errors import BudgetSpent, UnknownSymbol, UpstreamError

HOUR_S = 3600.0

KEPT = 1000
"""Outcomes, and response times, that are kept; of a busier provider the window is shorter than asked for."""


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How the asks of a while ended.

    Attributes:
        asks: how many ended in that time, with or without a usable answer.
        failed: those that ended with an error of the provider's; running out of our own budget is none.
        success_rate: share of the asks that did not fail, 0 to 1; None when nothing was asked.
        p95_ms: 95 of 100 answers took no longer, milliseconds; None without an answer. Requests without one, such as
            those that timed out, have no response time: they show in the success rate.
    """

    asks: int
    failed: int
    success_rate: float | None
    p95_ms: float | None


class TrackRecord:
    """The record of one source.

    Green threads may share it: nothing in here waits.

    Args:
        clock: monotonic seconds.
        wall: Unix seconds.
    """

    def __init__(self, *, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        self._clock = clock
        self._wall = wall
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=KEPT)
        self._answers: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._checked_at = -math.inf
        self.errors: Counter[str] = Counter()
        """How many asks ended with each kind of error, also when nothing was sent."""
        self.succeeded = 0
        self.failed = 0
        self.last_check: float | None = None
        self.last_success: float | None = None
        self.last_error: str | None = None
        self.last_error_at: float | None = None
        self.last_failure: UpstreamError | None = None
        """The last error that counts against the provider; it stays after a success."""
        self.response_time_ms: float | None = None

    # Taking note

    def note_request(self) -> None:
        """A request is about to be sent."""
        self.last_check = self._wall()
        self._checked_at = self._clock()

    def note_response_time(self, ms: float, *, answered: bool) -> None:
        """A request has ended, with an answer or without."""
        self.response_time_ms = ms
        if answered:
            self._answers.append((self._clock(), ms))

    def note_success(self, began_wall: float) -> None:
        """An ask brought everything that was asked for; it began at that time (Unix seconds)."""
        self.succeeded += 1
        self.last_success = began_wall
        self._outcomes.append((self._clock(), True))

    def note_error(self, error: UpstreamError) -> None:
        """An ask ended with an error. A coin that the provider does not know is none of its failures."""
        self.note_unsent(error)
        self.last_error = str(error)
        self.last_error_at = self._wall()
        if isinstance(error, BudgetSpent):
            return
        is_well = isinstance(error, UnknownSymbol)
        self._outcomes.append((self._clock(), is_well))
        if not is_well:
            self.failed += 1
            self.last_failure = error

    def note_unsent(self, error: UpstreamError) -> None:
        """An ask ended before anything was sent."""
        self.errors[error.kind] += 1

    # Looking back

    @property
    def last_ok(self) -> bool | None:
        """Whether the last ask went well; None before the first has ended."""
        return self._outcomes[-1][1] if self._outcomes else None

    @property
    def unchecked_s(self) -> float:
        """Seconds since a request was last sent; infinite before the first."""
        return self._clock() - self._checked_at

    def score(self, seconds: float = HOUR_S) -> Score:
        """How the asks of the last so many seconds ended; an hour at most."""
        since = self._clock() - min(seconds, HOUR_S)
        outcomes = [ok for at, ok in self._outcomes if at >= since]
        times = sorted(ms for at, ms in self._answers if at >= since)
        succeeded = sum(outcomes)
        return Score(
            asks=len(outcomes),
            failed=len(outcomes) - succeeded,
            success_rate=succeeded / len(outcomes) if outcomes else None,
            # the nearest rank: the smallest time that 95 of 100 do not exceed
            p95_ms=times[math.ceil(0.95 * len(times)) - 1] if times else None,
        )
