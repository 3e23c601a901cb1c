"""What was found in Redis and cannot be ours: it is left out, counted, and said in at most one line a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from websocket.logs import Throttle

logger = logging.getLogger(__name__)

_REASON_MAX = 200


class Refused:
    """Counts what one part of this process refused. Does not yield.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self.last: str | None = None
        """The newest in words; None when there was none."""
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
            logger.warning("refused what is not ours in Redis count=%d what=%s", self.count - self._said, self.last)
            self._said = self.count
