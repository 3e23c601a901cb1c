"""Publishes at once what changed, in services that watch this process."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable

from websocket.scheduler import Scheduler

LOOK_INTERVAL_S = 1.0
"""Between two looks, and so between two publications of changes, however often something goes up and down."""

TOLERANCE_S = 0.25
"""So that looks which are due every second are not put off by their own jitter."""


class ChangeWatch:
    """Looks once a second whether something changed since the last publication.

    Args:
        name: of the service.
        fingerprint: what has to be published when it differs; cheap.
        publish: publishes, and calls ``note()``.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        fingerprint: Callable[[], Hashable],
        publish: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._fingerprint = fingerprint
        self._publish = publish
        self._clock = clock
        self._published: Hashable = None
        self._published_at = -math.inf

    def schedule(self, scheduler: Scheduler) -> None:
        """Plans the looks."""
        scheduler.every(
            LOOK_INTERVAL_S,
            f"{self._name}_changes",
            self.look,
            deadline_s=10 * LOOK_INTERVAL_S,
            delay_s=LOOK_INTERVAL_S,
        )

    def note(self) -> None:
        """What is the case now is being published."""
        self._published = self._fingerprint()
        self._published_at = self._clock()

    def look(self) -> None:
        """Publishes if something changed, but not within a second of any other publication: then the next look does."""
        # a clock that was set back is no reason to wait longer
        if 0 <= self._clock() - self._published_at < LOOK_INTERVAL_S - TOLERANCE_S:
            return
        if self._fingerprint() != self._published:
            self._publish()
