"""What stands in Redis or in a file and cannot be ours: left out, counted, and said in at most one line a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

SAY_INTERVAL_S = 1.0
"""Between two lines about the same."""

_REASON_MAX = 200


class Throttle:
    """Keeps what fails again and again from filling the log.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said_at: float | None = None
        self._last_bug: str | None = None

    def allows(self) -> bool:
        """Whether a line may be written now: at most one a second."""
        now = self._clock()
        if self._said_at is not None and now - self._said_at < SAY_INTERVAL_S:
            return False
        self._said_at = now
        return True

    def exception(self, logger: logging.Logger, message: str, error: Exception) -> None:
        """Logs a bug with its traceback when it is another than the last one, else in one line."""
        bug = repr(error)
        if self.allows():
            logger.error("%s reason=%s", message, bug, exc_info=bug != self._last_bug)
            self._last_bug = bug


class Refused:
    """Counts what one part of this process refused. Does not yield.

    Args:
        place: where it was found.
        clock: seconds that never go back.
    """

    def __init__(self, place: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self.last: str | None = None
        """The newest in words; None when there was none."""
        self._place = place
        self._lines = Throttle(clock)
        self._said = 0

    def note(self, where: str, reason: object) -> None:
        """Counts one more.

        Args:
            where: which key or channel.
            reason: why it cannot be ours.
        """
        self.count += 1
        # what somebody else wrote must not break the line, nor make it long
        self.last = f"{where}: {reason}".encode("unicode_escape").decode()[:_REASON_MAX]
        if self._lines.allows():
            count = self.count - self._said
            logger.warning("refused what is not ours place=%s count=%d what=%s", self._place, count, self.last)
            self._said = self.count
