"""Work on many rows in native threads that leaves the interpreter to the event loop.

A native thread that computes keeps the interpreter for 5 ms each time, and the event loop gives it away with every
packet that it sends: with six readers of ten thousand rows each, others' messages were 0.1 s late. So one thread at a
time computes, and rests as long as it computed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from websocket import green

ROWS_AT_ONCE = 50
"""At most half a millisecond for most kinds of row and of work."""

COMPUTE_S = 0.0005
REST_S = 0.0005

T = TypeVar("T")
R = TypeVar("R")

_computing = green.native_lock()


def in_slices(rows: Sequence[T], work: Callable[[Sequence[T]], R]) -> Iterator[R]:
    """What ``work`` makes of some rows at a time. For native threads only, which it blocks."""
    computed_s = 0.0
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        with _computing:
            begun = time.perf_counter()
            made = work(rows[begin : begin + ROWS_AT_ONCE])
            computed_s += time.perf_counter() - begun
            if computed_s >= COMPUTE_S:
                # nobody else computes meanwhile
                green.native_sleep(REST_S)
                computed_s = 0.0
        yield made
