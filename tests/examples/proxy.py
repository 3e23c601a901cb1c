"""A network that can be cut: passes bytes on to a port of this machine."""

from __future__ import annotations

import contextlib
import socket
import threading

CHUNK = 65_536


class Proxy:
    """Listens on a port of its own and passes connections on.

    Args:
        target: port to which they are passed on.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._is_cut = False
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends all connections without a word, and takes no new ones."""
        self._is_cut = True
        for sock in self._sockets:
            _end(sock)
        self._sockets.clear()

    def mend(self) -> None:
        """Takes new connections again."""
        self._is_cut = False

    def close(self) -> None:
        """Ends everything."""
        self.cut()
        _end(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                self._listener.close()
                return
            if self._is_cut:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    # the other direction ends as well, and then each thread closes its own
    _end(sink)
    _end(source)
    source.close()


def _end(sock: socket.socket) -> None:
    """Wakes whoever reads from it; closing it here would pull it from under them."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
