"""A Socket.IO client that speaks the wire itself, over one WebSocket: what it gets is what a browser gets.

The client of the Socket.IO library imports the PyPI package ``websocket``, whose name our own package has.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import Any

from websockets.sync.client import connect


class SocketIoClient:
    """Connected to the default namespace; answers pings while it is read from.

    Args:
        url: of the service, ``http://...``.
    """

    def __init__(self, url: str) -> None:
        address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self._open = ExitStack()
        self._connection = self._open.enter_context(
            connect(address, open_timeout=10, max_size=2**22, compression=None, proxy=None)
        )
        assert str(self._connection.recv(10))[0] == "0"
        self._connection.send("40")
        assert str(self._connection.recv(10)).startswith("40")
        self.events: list[tuple[float, str, Any]] = []
        """(Unix seconds of arrival, event, payload)."""

    def emit(self, event: str, payload: Any) -> None:
        """Sends an event."""
        self._connection.send("42" + json.dumps([event, payload]))

    def read(self, seconds: float) -> None:
        """Takes in what arrives in this time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                frame = str(self._connection.recv(left))
            except TimeoutError:
                return
            if frame == "2":
                self._connection.send("3")
            elif frame.startswith("42"):
                event, *payload = json.loads(frame[2:], parse_constant=_refuse)
                self.events.append((time.time(), event, payload[0] if payload else None))

    def payloads(self, event: str) -> list[Any]:
        """Everything that came with one event."""
        return [payload for _, name, payload in self.events if name == event]

    def close(self) -> None:
        """Leaves."""
        self._open.close()


def _refuse(token: str) -> None:
    raise ValueError(f"{token} is not JSON")
