"""Whether a provider may be asked now.

    closed ──failures_to_open failures, or RateLimited──▶ open ──pause over──▶ half_open ──success──▶ closed
       └───────────────AccessRefused──▶ parked ──park_s over──▶ half_open ──failure──▶ open or parked

A circuit never gives up: however often a provider fails, its next trial is at most ``park_s`` away.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Literal

from websocket.errors import AccessRefused, BudgetSpent, CircuitOpen, RateLimited, UnknownSymbol, UpstreamError
from websocket.settings import UpstreamSettings
from websocket.upstream.retry import Backoff

logger = logging.getLogger(__name__)

CircuitState = Literal["closed", "open", "half_open", "parked"]

MIN_PAUSE_S = 1.0
"""Shortest pause after a rate limit, also where the provider says ``Retry-After: 0``."""


class Circuit:
    """The circuit of one provider.

    Each ask begins with ``admit()``, which gives a ticket, and reports with it exactly once: ``succeeded()``,
    ``failed()`` or ``withdrawn()``. A report whose ticket is from before the last change of state is ignored, since
    what it knows is older than what was decided on: a slow success must not end a pause that a 429 asked for.

    Green threads may share it: nothing in here waits.
    """

    def __init__(
        self,
        provider: str,
        settings: UpstreamSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._clock = clock
        self._backoff = Backoff(max_s=settings.backoff_max_s, rng=rng or random.Random())
        self._state: CircuitState = "closed"
        self._announced: CircuitState = "closed"
        self._ticket = 0
        self._failures = 0
        self._openings = 0
        self._until = 0.0
        """End of the pause while open or parked; end of the trial's time while half open."""
        self._cause = ""

    @property
    def state(self) -> CircuitState:
        """The state as it is now; ``half_open`` as soon as a pause is over."""
        if self._state in ("open", "parked") and self._clock() >= self._until:
            return "half_open"
        return self._state

    @property
    def retry_in_s(self) -> float:
        """Seconds until ``admit()`` lets somebody through; 0 when it does so now."""
        return 0.0 if self._state == "closed" else max(0.0, self._until - self._clock())

    def admit(self, operation: str) -> int:
        """Lets an ask through, or not. While half open, one at a time.

        A trial that has not reported after twice the deadline of one answer is taken for lost, and the next is let
        through.

        Args:
            operation: what is about to be asked, for the error.

        Returns:
            The ticket to report with.

        Raises:
            CircuitOpen: with the seconds until the next trial.
        """
        if self._state != "closed":
            wait_s = self.retry_in_s
            if wait_s > 0:
                standing = {"half_open": "on trial", "parked": "parked"}.get(self._state, "paused")
                raise CircuitOpen(self._provider, operation, f"{standing} after {self._cause}", wait_s)
            self._state = "half_open"
            self._ticket += 1
            self._until = self._clock() + 2 * self._settings.deadline_s
        return self._ticket

    def succeeded(self, ticket: int) -> None:
        """The ask brought an answer that can be used: closes the circuit."""
        if ticket != self._ticket:
            return
        self._failures = 0
        self._openings = 0
        if self._state != "closed":
            self._state = "closed"
            self._ticket += 1
            self._announce("")

    def failed(self, ticket: int, error: UpstreamError) -> None:
        """The ask ended with ``error``.

        ``UnknownSymbol`` counts as a success, since the provider is well; ``BudgetSpent`` says nothing about it.
        """
        if isinstance(error, UnknownSymbol):
            self.succeeded(ticket)
        elif isinstance(error, BudgetSpent):
            self.withdrawn(ticket)
        elif ticket == self._ticket:
            self._count(error)

    def withdrawn(self, ticket: int) -> None:
        """The ask ended before it showed anything about the provider: the next trial may begin at once."""
        if ticket == self._ticket and self._state == "half_open":
            self._until = self._clock()

    def _count(self, error: UpstreamError) -> None:
        self._failures += 1
        if isinstance(error, AccessRefused):
            self._pause("parked", self._settings.park_s, error)
        elif isinstance(error, RateLimited) and error.retry_after_s is not None:
            # a hostile or broken provider may ask for years
            pause_s = min(max(error.retry_after_s, MIN_PAUSE_S), self._settings.park_s)
            self._pause("open", pause_s, error)
        elif (
            isinstance(error, RateLimited)
            or self._state == "half_open"
            or self._failures >= self._settings.failures_to_open
        ):
            self._pause("open", self._backoff.delay_s(self._openings + 1), error)

    def _pause(self, state: Literal["open", "parked"], pause_s: float, error: UpstreamError) -> None:
        self._state = state
        self._ticket += 1
        self._failures = 0
        self._openings += 1
        self._until = self._clock() + pause_s
        self._cause = error.reason
        self._announce(f"{error.operation}: {error.reason}", pause_s)

    def _announce(self, reason: str, pause_s: float = 0.0) -> None:
        """One line per change; a trial that fails leaves an open circuit open, which is none."""
        if self._state == self._announced:
            return
        self._announced = self._state
        if self._state == "closed":
            logger.info("circuit closed provider=%s", self._provider)
        else:
            change = "parked" if self._state == "parked" else "opened"
            logger.warning("circuit %s provider=%s for_s=%.1f reason=%s", change, self._provider, pause_s, reason)
