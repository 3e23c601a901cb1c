"""The right to collect: one process at a time has it, and knows until when without asking."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import msgspec

from websocket.broker.bus import Bus, ClaimAnswer, Term

LEASE_S = 3.0
"""How long it lasts in Redis: when its holder dies, another process can have it that much later at most."""

RENEWALS = 3
"""In the time of one lease: two may fail before it ends."""

CLAIM_TIMEOUT_S = 0.5
"""Longest time of one claim."""

_MARGIN_S = 0.1
_LATE_AFTER_S = 1.0


def steady_clock() -> float:
    """Seconds that never go back, and that go on while the machine sleeps, as those of a Redis elsewhere do."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def unused_epoch() -> str:
    """A name for a run of numbers that no other has."""
    return uuid.uuid4().hex[:12]


class Claim(msgspec.Struct, frozen=True):
    """What came of a claim.

    Attributes:
        term: what we hold; None when we do not.
        taken: True when another process holds the lease.
        restarted: True when Redis was restarted since the last claim; what was written last may be lost then.
    """

    term: Term | None
    taken: bool
    restarted: bool


class Lease:
    """A lease in Redis, for one process.

    It counts from before the call that granted it, so it never lasts longer here than there. A process that was
    stopped for a while finds that it is over, without being told.

    Args:
        bus: used while ``claim`` or ``release`` run.
        clock: seconds that never go back.
        lease_s: how long it lasts.
    """

    def __init__(self, bus: Bus, *, clock: Callable[[], float] = steady_clock, lease_s: float = LEASE_S) -> None:
        self.token = uuid.uuid4().hex
        self._bus = bus
        self._clock = clock
        self._lease_s = lease_s
        self._valid_until = 0.0
        self._run = ""
        # clock of Redis minus ours, in milliseconds, as far as we know it
        self._ahead_ms: float | None = None

    @property
    def is_valid(self) -> bool:
        """True while nobody else can have it. When this is False somebody may, or may not."""
        return self._clock() < self._valid_until

    def claim(self, numbering: str) -> Claim:
        """Takes the lease if it is free, makes it longer if it is ours.

        Who does not number does not get it by the first claim after a restart of Redis, so that the one who does can
        come first.

        Args:
            numbering: the epoch in which we number, or empty.

        Raises:
            REDIS_FAILURES: nobody knows what came of it; the lease that we had is valid until its end.
        """
        asked_at = self._clock()
        answer = self._ask(numbering)
        if answer.outcome == "late":
            # The clock of Redis was set. Now that we know it the claim is not late any more, unless it took too long.
            asked_at = self._clock()
            answer = self._ask(numbering)
            if answer.outcome == "late":
                raise TimeoutError("the claim came too late")
        self._valid_until = 0.0 if answer.term is None else asked_at + self._lease_s - _MARGIN_S
        known_run, self._run = self._run, answer.run
        return Claim(answer.term, answer.outcome == "taken", known_run not in ("", answer.run))

    def release(self) -> None:
        """Gives it back, so that another process can have it at once."""
        self._valid_until = 0.0
        self._bus.release(self.token)

    def _ask(self, numbering: str) -> ClaimAnswer:
        sent_at_ms = self._clock() * 1000
        not_after = 0 if self._ahead_ms is None else round(sent_at_ms + self._ahead_ms + _LATE_AFTER_S * 1000)
        answer = self._bus.claim(
            self.token,
            lease_ms=round(self._lease_s * 1000),
            unused_epoch=unused_epoch(),
            our_epoch=numbering,
            our_run=self._run,
            not_after_ms=not_after,
            within_s=CLAIM_TIMEOUT_S,
        )
        self._ahead_ms = answer.time_ms - sent_at_ms
        return answer
