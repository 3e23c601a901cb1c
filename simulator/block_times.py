"""When blocks come: height and time of a chain at any moment, without a state.

Time is cut into buckets of equal length with an equal number of blocks, so a height is a product and a look into
one bucket. Inside of a bucket proof of work spreads its blocks at random, which gives the uneven gaps of a Poisson
process, and a slot chain leaves a few slots empty.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from simulator.noise import Draws

ANCHOR_S = 1_795_219_200.0
"""2026-11-21 00:00 UTC in Unix seconds; heights are given for this moment."""

_WORK_BLOCKS = 144
_BUCKET_SLOTS = 128


class BlockTimes(Protocol):
    """The calendar of one chain; times are Unix seconds."""

    def height_at(self, at: float) -> int:
        """Gives the height of the newest block at a time."""

    def time_of(self, height: int) -> float:
        """Gives when a block came, also one that is still to come."""


class WorkTimes:
    """Blocks found by proof of work: on average every ``spacing_s`` seconds, with uneven gaps."""

    def __init__(self, draws: Draws, spacing_s: float, anchor_height: int) -> None:
        """Makes a calendar in which about ``anchor_height`` is reached at the anchor."""
        self._draws = draws
        self._bucket_s = spacing_s * _WORK_BLOCKS
        self._anchor_height = anchor_height
        self._offsets = lru_cache(maxsize=64)(self._draw_offsets)

    def height_at(self, at: float) -> int:
        bucket = math.floor((at - ANCHOR_S) / self._bucket_s)
        found = bisect_right(self._offsets(bucket), at - ANCHOR_S - bucket * self._bucket_s)
        return self._anchor_height + bucket * _WORK_BLOCKS + found - 1

    def time_of(self, height: int) -> float:
        bucket, place = divmod(height - self._anchor_height, _WORK_BLOCKS)
        return ANCHOR_S + bucket * self._bucket_s + self._offsets(bucket)[place]

    def _draw_offsets(self, bucket: int) -> Sequence[float]:
        """Gives the seconds from the beginning of a bucket to each of its blocks, ascending."""
        drawn = (self._draws.unit(bucket * _WORK_BLOCKS + place) for place in range(_WORK_BLOCKS))
        return sorted(self._bucket_s * share for share in drawn)


class SlotTimes:
    """Blocks in slots of equal length, a few of which stay empty."""

    def __init__(self, draws: Draws, slot_s: float, anchor_height: int, empty_slots: int) -> None:
        """Makes a calendar.

        Args:
            draws: Where the empty slots come from.
            slot_s: The length of a slot in seconds.
            anchor_height: The height reached at the anchor.
            empty_slots: How many of 128 slots have no block.
        """
        self._draws = draws
        self._slot_s = slot_s
        self._anchor_height = anchor_height
        self._empty_slots = empty_slots
        self._filled_count = _BUCKET_SLOTS - empty_slots
        self._filled = lru_cache(maxsize=256)(self._draw_filled)

    def slots_since_anchor(self, at: float) -> int:
        """Gives the number of the slot that runs at a time; the one that begins at the anchor is 0."""
        return math.floor((at - ANCHOR_S) / self._slot_s)

    def height_at(self, at: float) -> int:
        bucket, slot = divmod(self.slots_since_anchor(at), _BUCKET_SLOTS)
        return self._anchor_height + bucket * self._filled_count + bisect_right(self._filled(bucket), slot) - 1

    def time_of(self, height: int) -> float:
        bucket, place = divmod(height - self._anchor_height, self._filled_count)
        return ANCHOR_S + (bucket * _BUCKET_SLOTS + self._filled(bucket)[place]) * self._slot_s

    def _draw_filled(self, bucket: int) -> Sequence[int]:
        """Gives the slots of a bucket which have a block, ascending."""
        if not self._empty_slots:
            return range(_BUCKET_SLOTS)
        by_luck = sorted(range(_BUCKET_SLOTS), key=lambda slot: self._draws.unit(bucket * _BUCKET_SLOTS + slot))
        return sorted(by_luck[self._empty_slots :])
