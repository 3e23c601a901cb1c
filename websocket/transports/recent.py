"""Answers that many ask for, and that are made once a second for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_AGE_S = 1.0
"""How old an answer may be. Whoever polls a figure that changes does so once a second or less often."""

MAX_VARIANTS = 32
"""Answers that are kept of one kind; clients choose the variant, so there must be an end to them."""


class Recent(Generic[T]):
    """What was made within the last second. However many ask, and however often, it is made once in that time.

    Args:
        make: gets the variant that is asked for. It may let other green threads run; those who ask meanwhile wait.
    """

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._made: dict[tuple[Hashable, ...], tuple[float, T]] = {}
        self._making = threading.Lock()

    def get(self, *variant: Hashable) -> T:
        """The answer, at most ``MAX_AGE_S`` old. What ``make`` raises comes through, and is not kept."""
        if (found := self._find(variant)) is not None:
            return found[1]
        with self._making:
            # somebody else may have made it while this one waited
            if (found := self._find(variant)) is not None:
                return found[1]
            answer = self._make(*variant)
            self._made.pop(variant, None)
            if len(self._made) >= MAX_VARIANTS:
                del self._made[next(iter(self._made))]
            self._made[variant] = (time.monotonic(), answer)
            return answer

    def _find(self, variant: tuple[Hashable, ...]) -> tuple[float, T] | None:
        found = self._made.get(variant)
        return found if found is not None and time.monotonic() - found[0] < MAX_AGE_S else None
