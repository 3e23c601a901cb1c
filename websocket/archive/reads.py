"""Who may read the archive when: every reader in turn, so that one who asks for much makes nobody else wait for it."""

from __future__ import annotations

import time

from websocket import green
from websocket.errors import ArchiveUnavailable, TooManyReads

READS_AT_ONCE = 4
"""Native threads that search, all together: with more, the event loop waits for a processor on a machine with two."""

WAITING_PER_READER = 8
"""A page that opens several charts at once is served; whoever has more in the queue is one who does not wait."""

WAITING = 64
"""Of all readers. Each of them polls, and holds a connection of a client."""

WAIT_S = 6.0
"""How long a read waits for its turn: longer than a read may take, so that nobody is refused because of a dear one."""

POLL_INTERVAL_S = 0.02
"""Between two checks whether it has come. A read that nobody waits for ends in a native thread, which cannot wake a
green one.
"""


class Reads:
    """The reads that have not ended. A reader has one under way at a time; next is the first whose reader has none."""

    def __init__(self) -> None:
        self._under_way: dict[object, str] = {}
        self._waiting: dict[object, str] = {}

    def begin(self, reader: str) -> object:
        """Waits for a turn; gives what ``end`` wants.

        Args:
            reader: the client, by its address.

        Raises:
            TooManyReads: this reader has too many waiting, or its other reads took too long.
            ArchiveUnavailable: so had all others.
        """
        if list(self._waiting.values()).count(reader) >= WAITING_PER_READER:
            raise TooManyReads("Too many reads of the archive at once from your address; wait for the others.")
        if len(self._waiting) >= WAITING:
            raise ArchiveUnavailable("The archive is busy with other reads; try again.")
        turn = object()
        self._waiting[turn] = reader
        try:
            self._wait(turn, reader)
            self._under_way[turn] = reader
        finally:
            del self._waiting[turn]
        return turn

    def end(self, turn: object) -> None:
        """A read has ended. May be called in any thread, and twice."""
        self._under_way.pop(turn, None)

    def _wait(self, turn: object, reader: str) -> None:
        until = time.monotonic() + WAIT_S
        while turn is not self._next():
            if time.monotonic() >= until:
                if reader in self._readers():
                    raise TooManyReads("Your other reads of the archive take long; wait for them.")
                raise ArchiveUnavailable("The archive is busy with other reads; try again.")
            green.sleep(POLL_INTERVAL_S)

    def _next(self) -> object | None:
        readers = self._readers()
        if len(readers) >= READS_AT_ONCE:
            return None
        return next((turn for turn, reader in self._waiting.items() if reader not in readers), None)

    def _readers(self) -> list[str]:
        # a copy in one step: native threads take reads out at any moment
        return list(self._under_way.values())
