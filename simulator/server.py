"""The simulator on a loopback port, over HTTP/1.1 with connections that stay open."""

from __future__ import annotations

import io
import ipaddress
import socket
import threading
from types import TracebackType
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app

from simulator.application import Simulator

_IDLE_S = 120.0


class NotLoopback(ValueError):
    """The address would be reachable from other machines."""


class SimulatorServer:
    """A running simulator; also a context manager.

    ``with SimulatorServer(Simulator(seed=1)) as server: fetch(server.url + "/kraken/0/public/Ticker")``
    """

    def __init__(self, simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> None:
        """Takes the port, so that a client may connect at once, and answers from ``start`` on.

        Args:
            simulator: What to serve.
            host: A loopback address or ``localhost``.
            port: 0 means any free one.

        Raises:
            NotLoopback: When the host is anything else.
            OSError: When the port cannot be taken.
        """
        self.simulator = simulator
        listener = _listen(host, port)
        with listener:
            address: tuple[Any, ...] = listener.getsockname()
            self._server = make_server(
                address[0], address[1], simulator, threaded=True, request_handler=_Handler, fd=listener.fileno()
            )
        shown_host = f"[{address[0]}]" if ":" in address[0] else address[0]
        self.url = f"http://{shown_host}:{address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        """Begins to answer, in threads of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Takes no more connections and gives the port back; open ones end with their clients."""
        self._server.shutdown()
        self._thread.join()

    def __enter__(self) -> SimulatorServer:
        """Starts."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops."""
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    """Gives a listening socket on loopback.

    Werkzeug would do it too, but it prints its own report and ends the process when the port is taken.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise NotLoopback(f"{host!r} is not a loopback address; expected 127.0.0.1, ::1 or localhost") from None
    if not address.is_loopback:
        raise NotLoopback(f"{host!r} is not a loopback address; expected 127.0.0.1, ::1 or localhost")
    listener = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(address), port))
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


class _Handler(WSGIRequestHandler):
    """Serves many requests over one connection, which Werkzeug's own handler never does, and writes no log."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    disable_nagle_algorithm = True
    # Headers and body of a small answer leave in one packet.
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answers one request; any broken connection, wanted or not, ends in closing it."""
        environ = self.environ = self.make_environ()
        # The whole body must be read, or its rest would be taken for the next request.
        if not environ.get("wsgi.input_terminated"):
            announced = self.headers.get("Content-Length") or "0"
            if not announced.isdecimal():
                self.send_error(400)
                return
            environ["wsgi.input"] = io.BytesIO(self.rfile.read(int(announced)))
        try:
            chunks, status, headers = run_wsgi_app(self.server.app, environ)
            code, _, phrase = status.partition(" ")
            self.send_response(int(code), phrase)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            for chunk in chunks:
                self.wfile.write(chunk)
                self.wfile.flush()
            self.wfile.flush()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Writes nothing: the counts of the control interface say more."""
