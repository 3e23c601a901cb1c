"""Pauses after failures."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from websocket.upstream.retry import Backoff


class Upper(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return b


def test_pauses_double_up_to_the_ceiling():
    """Without jitter the pauses are 2, 4, 8, ... and never more than the ceiling."""
    backoff = Backoff(max_s=60, rng=Upper())
    assert [backoff.delay_s(n) for n in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]


def test_a_ceiling_below_the_first_pause_holds():
    """The ceiling wins over the first pause."""
    assert Backoff(first_s=2, max_s=0.5, rng=Upper()).delay_s(1) == 0.5


@given(failures=st.integers(0, 10**9), seed=st.integers(), max_s=st.floats(0.1, 1e6))
def test_jitter_takes_at_most_half(failures: int, seed: int, max_s: float):
    """Any pause lies between half and the whole of its step, for any number of failures."""
    whole = Backoff(max_s=max_s, rng=Upper()).delay_s(failures)
    assert whole / 2 <= Backoff(max_s=max_s, rng=random.Random(seed)).delay_s(failures) <= whole <= max_s
