"""Which blocks of a chain were replaced by others at the same heights, and when."""

from __future__ import annotations

import threading
from dataclasses import dataclass

MAX_VARIANTS = 1_024


@dataclass(frozen=True)
class Fork:
    """A replacement of the newest blocks.

    Attributes:
        first_height: The lowest replaced block.
        last_height: The highest, the tip of that moment.
        since: When it happened, Unix seconds.
    """

    first_height: int
    last_height: int
    since: float


class Forks:
    """The replacements of one chain. Safe to share between threads: the tuple is replaced, never changed."""

    def __init__(self) -> None:
        """Starts with none."""
        self._lock = threading.Lock()
        self._forks: tuple[Fork, ...] = ()

    def add(self, fork: Fork) -> None:
        """Replaces blocks; those seen before at these heights are gone from then on."""
        with self._lock:
            self._forks = (*self._forks[-MAX_VARIANTS + 2 :], fork)

    def clear(self) -> None:
        """Forgets every replacement; the first blocks are back."""
        with self._lock:
            self._forks = ()

    def variant(self, height: int, at: float) -> int:
        """Gives which block a height has at a time: 0 is the first that was there, 1 its replacement, and so on."""
        return sum(fork.first_height <= height <= fork.last_height and fork.since <= at for fork in self._forks)
