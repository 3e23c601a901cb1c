"""A server of WebSockets that say everything back: our own frames and connections, and nothing else of the service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.support.http_server import ServerInThisProcess
from websocket.http_server.connection import take_over
from websocket.wire.connection import Connection, Connections, WireLimits
from websocket.wire.frames import text_frame
from websocket.wire.handshake import accept_upgrade

MAX_MESSAGE = 17 * 1024 * 1024
"""The largest message of the suite has 16 MiB."""


class Echo:
    """Sends text back. Our reader drops what binary messages carry, so those are answered by an empty text."""

    def __init__(self) -> None:
        self._connection: Connection | None = None

    def start(self, connection: Connection) -> None:
        self._connection = connection

    def on_text(self, text: str) -> None:
        assert self._connection is not None
        self._connection.push(text_frame(text.encode()))

    def on_binary(self) -> None:
        self.on_text("")

    def on_refused(self, _text: str | None) -> None:
        raise AssertionError("nothing is refused here")

    def on_closed(self, _code: int) -> None:
        self._connection = None


class EchoServer:
    """Runs in this process."""

    def __init__(self) -> None:
        self.connections = Connections(
            WireLimits(
                max_message_bytes=MAX_MESSAGE,
                message_burst=1_000_000,
                max_queued_bytes=4 * MAX_MESSAGE,
                max_queued_bytes_together=16 * MAX_MESSAGE,
            )
        )
        self._http = ServerInThisProcess(self._open)
        self.port: int = self._http.port

    def stop(self) -> None:
        """Ends it and all connections."""
        for connection in list(self.connections.open):
            connection.abort()
        self._http.stop()

    def _open(self, environ: dict[str, Any], _start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = accept_upgrade(environ)
        Connection(take_over(environ), self.connections, Echo()).open(answer)
        return []
