"""The development server: several ports, one application, until a signal ends it. Production uses gunicorn."""

from __future__ import annotations

import errno
import logging
import signal
import socket
from collections.abc import Callable, Sequence

from websocket import green
from websocket.errors import InUse, StartError
from websocket.http_server.server import HttpServer
from websocket.process import listener_of

logger = logging.getLogger(__name__)

DRAIN_S = 2.0
"""How long answers that are under way may take."""


def listen_on(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """Listening sockets, one a port.

    Raises:
        InUse: a port is taken.
        StartError: the address is not ours, or a port is not allowed to us.
    """
    listeners: list[socket.socket] = []
    for port in ports:
        try:
            listeners.append(green.listen(host, port))
        except OSError as error:
            for listener in listeners:
                listener.close()
            if error.errno == errno.EADDRINUSE:
                user = listener_of(port)
                raise InUse(
                    f"Port {port} is in use{f' by process {user}' if user else ''};"
                    " stop the program that uses it, or choose others with --port or PORT."
                ) from error
            raise StartError(
                f"Cannot listen on {host} port {port} ({error.strerror}); choose others with --host and --port."
            ) from error
    return listeners


def serve_until_signalled(
    server: HttpServer, listeners: Sequence[socket.socket], *, on_end: Callable[[], None]
) -> None:
    """Serves on every listener; after SIGTERM or SIGINT calls ``on_end``, waits for what is under way, and returns."""
    for listener in listeners:
        host, port = listener.getsockname()[:2]
        logger.info("listening host=%s port=%s", host, port)
        server.start(listener)
    name = green.wait_for_signal(signal.SIGTERM, signal.SIGINT)
    logger.info("stopping signal=%s", name)
    on_end()
    server.stop(drain_s=DRAIN_S)
    for listener in listeners:
        listener.close()
