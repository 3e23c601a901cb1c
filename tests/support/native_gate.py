"""Something for native threads to wait for, which a green thread can open."""

from __future__ import annotations

from eventlet import patcher

LONGEST_WAIT_S = 30.0


class NativeGate:
    """Closed at first. It is the system's own event: one of eventlet's cannot be waited for in a native thread."""

    def __init__(self) -> None:
        self._opened = patcher.original("threading").Event()
        self._reached = patcher.original("threading").Event()

    def wait(self) -> None:
        """Blocks the calling thread, with all green threads that it has, until the gate is open."""
        self._reached.set()
        self._opened.wait(LONGEST_WAIT_S)

    def is_reached(self) -> bool:
        """True as soon as somebody waits."""
        return bool(self._reached.is_set())

    def open(self) -> None:
        """Lets all through."""
        self._opened.set()
