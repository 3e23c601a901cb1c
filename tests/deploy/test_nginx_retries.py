"""When nginx asks another process, and when it must not. The processes are stand-ins that fail on purpose."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.deploy.nginx_server import PROCESS_PORTS, NginxServer, require_nginx
from tests.support.plain_http import get

CLIENT_SOCKETS = ("/ws/market_data", "/socket.io/")


class StandIn:
    """Answers as a process that lives and is not ready; ``is_full`` and ``breaks_off`` as one with more trouble."""

    def __init__(self) -> None:
        self.is_full = False
        self.breaks_off = False
        self.asked: Counter[str] = Counter()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stand_in.answer(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                stand_in.answer(self)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """To one request."""
        self.asked[f"{request.command} {request.path}"] += 1
        is_client = request.path.startswith(CLIENT_SOCKETS)
        if is_client and self.breaks_off:
            request.close_connection = True
            return
        unavailable = request.path == "/health/ready" or (is_client and self.is_full)
        request.send_response(503 if unavailable else 200)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def processes() -> Iterator[list[StandIn]]:
    require_nginx()
    stand_ins = [StandIn() for _ in PROCESS_PORTS]
    yield stand_ins
    for stand_in in stand_ins:
        stand_in.stop()


@pytest.fixture
def nginx(processes: list[StandIn], tmp_path: Path) -> Iterator[NginxServer]:
    server = NginxServer(tmp_path, [process.port for process in processes])
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("path", CLIENT_SOCKETS)
def test_full_process_is_passed_over(processes: list[StandIn], nginx: NginxServer, path: str) -> None:
    """Clients never see the 503 of one while another has room."""
    processes[0].is_full = True
    assert [get(nginx.url + path).status for _ in range(12)] == [200] * 12
    assert processes[0].asked[f"GET {path}"] >= 1


def test_process_that_breaks_off_is_passed_over(processes: list[StandIn], nginx: NginxServer) -> None:
    """As one does that is killed in the middle of a request."""
    processes[1].breaks_off = True
    assert [get(f"{nginx.url}/ws/market_data").status for _ in range(12)] == [200] * 12
    assert processes[1].asked["GET /ws/market_data"] >= 1


def test_processes_that_are_not_ready_keep_their_clients(processes: list[StandIn], nginx: NginxServer) -> None:
    """However often a monitor asks: old prices are better than none, and say how old they are."""
    assert [get(f"{nginx.url}/health/ready").status for _ in range(20)] == [503] * 20
    assert sum(process.asked["GET /health/ready"] for process in processes) == 20
    assert [get(f"{nginx.url}/ws/market_data").status for _ in range(6)] == [200] * 6


def test_what_a_client_sends_is_never_sent_twice(processes: list[StandIn], nginx: NginxServer) -> None:
    """It may have been heard already."""
    for process in processes:
        process.breaks_off = True
    connection = http.client.HTTPConnection("127.0.0.1", nginx.ports[80], timeout=30)
    connection.request("POST", "/socket.io/", b"40")
    assert connection.getresponse().status == 502
    connection.close()
    assert sum(process.asked["POST /socket.io/"] for process in processes) == 1
