"""Real clients get their prices through nginx from three processes, also while one of them dies."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.conftest import PER_ADDRESS, PROCESSES, Cluster
from tests.deploy.nginx_server import NginxServer
from tests.end_to_end.conftest import Connect
from tests.support.plain_http import Reply, get
from tests.support.processes import wait_until
from tests.support.service import ROOT
from tests.transports.engine_client import WEBSOCKET as SESSION
from tests.transports.engine_client import PollingClient
from tests.wire.raw_client import RawClient
from websocket.coins import SYMBOLS

StartNginx = Callable[[Sequence[str]], NginxServer]

WEBSOCKET = {"transports": ["websocket"]}
POLLING = {"transports": ["polling"]}
UPGRADING = {"transports": ["polling", "websocket"]}

ANOTHER_ADDRESS = "127.0.0.9"
"""Loopback has many."""

SOMEBODY = "203.0.113.7"
"""An address of the public internet."""


def plain_client(port: int, **headers: str | None) -> RawClient:
    """A plain WebSocket that is greeted."""
    client = RawClient(port).open("/ws", **headers)
    assert client.hear()["type"] == "connection_established"
    return client


def client_over(sock: socket.socket) -> RawClient:
    """A client whose connection was made in a way of its own."""
    client = RawClient(int(sock.getpeername()[1]))
    client.sock.close()
    client.sock = sock
    return client


def handshake_from(address: str, port: int, **headers: str) -> RawClient:
    """Sends a handshake from an address of this machine; the answer is not read."""
    client = client_over(socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(address, 0)))
    client.request("/ws", headers=dict(headers))
    return client


def is_refused_by_nginx(reply: Reply) -> bool:
    """The service refuses with JSON."""
    return reply.status == 403 and reply.headers.get_content_type() == "text/html"


# Clients


@pytest.mark.parametrize("listens_on", [80, 5000, 7860])
def test_plain_client_gets_prices(nginx: NginxServer, listens_on: int) -> None:
    """On the port of web pages and on those that clients of a single process know."""
    with plain_client(nginx.ports[listens_on]) as client:
        client.say({"action": "subscribe", "service": "market_data"})
        # the first may have been published before the cluster had its first prices
        while len(client.hear_type("update")["data"]["prices"]) < len(SYMBOLS):
            continue
        for _ in range(2):
            assert len(client.hear_type("update")["data"]["prices"]) == len(SYMBOLS)


def test_plain_client_reaches_nginx_over_ipv6(nginx: NginxServer) -> None:
    """Where the machine has it."""
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 on this machine")
    with client_over(socket.create_connection(("::1", nginx.ports[80]), timeout=30)) as client:
        client.open("/ws")
        assert client.hear()["type"] == "connection_established"


def test_plain_clients_are_spread(cluster: Cluster, nginx: NginxServer) -> None:
    """Each goes where the fewest are, whatever its address."""
    clients = [plain_client(nginx.ports[80]) for _ in range(2 * PROCESSES)]
    counts = [get(f"{process.url}/ws/stats").json()["data"]["active_connections"] for process in cluster.processes]
    assert counts == [2] * PROCESSES
    for client in clients:
        client.sock.close()


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING, UPGRADING], ids=["websocket", "polling", "upgrading"])
def test_npm_client_gets_prices(nginx: NginxServer, connect_node: Connect, transports: dict[str, Any]) -> None:
    """Over WebSocket, by polling without cookies, and with the upgrade from one to the other."""
    client = connect_node(nginx, **transports)
    if transports is UPGRADING:
        assert client.wait_for("#upgrade") == ["websocket"]
    assert client.subscribe()["ok"] is True
    for rows in client.wait_for_more("crypto-prices", 3):
        assert [row["symbol"] for row in rows] == list(SYMBOLS)
    assert client.received("#disconnect") == []


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING, UPGRADING], ids=["websocket", "polling", "upgrading"])
def test_python_client_gets_prices(nginx: NginxServer, connect: Connect, transports: dict[str, Any]) -> None:
    """The same for python-socketio's own client."""
    client = connect(nginx, **transports)
    assert client.subscribe()["ok"] is True
    for rows in client.wait_for_more("crypto-prices", 3):
        assert [row["symbol"] for row in rows] == list(SYMBOLS)
    assert client.received("#disconnect") == []


# Stickiness


def test_polls_of_one_address_find_their_own_processes(cluster: Cluster, nginx: NginxServer) -> None:
    """Clients behind one address are spread over all processes, and each of their requests reaches the right one."""
    clients = [PollingClient(nginx.ports[80]).join() for _ in range(2 * PROCESSES)]
    assert {cluster.owner(client.sid).port for client in clients} == set(cluster.ports)
    for client in clients:
        for _ in range(3):
            status, packets = client.get()
            assert status == 200, packets
            if "2" in packets:
                assert client.post("3") == 200


def open_sessions(port: int, count: int) -> set[str]:
    """The names of the processes that Socket.IO clients without polling are sent to."""
    names = set()
    for _ in range(count):
        client = RawClient(port).open(SESSION)
        names.add(client.text().partition('"sid":"')[2].partition(".")[0])
        client.sock.close()
    return names


def test_websocket_only_clients_are_spread(cluster: Cluster, nginx: NginxServer) -> None:
    """They have no session yet when they connect."""
    assert open_sessions(nginx.ports[80], 3 * PROCESSES) == {str(port) for port in cluster.ports}


def test_upgrade_reaches_the_process_of_the_session(nginx: NginxServer) -> None:
    """Two out of three would refuse it."""
    for _ in range(PROCESSES):
        client = PollingClient(nginx.ports[80]).join()
        with client.upgrade() as websocket:
            websocket.say("2probe")
            assert websocket.text() == "3probe"


def test_session_that_nobody_knows_is_refused_at_once(nginx: NginxServer) -> None:
    """A made-up name leads nowhere it should not, and the client is told to begin anew."""
    client = PollingClient(nginx.ports[80])
    for sid in ("nobody.abc", "abc", "10.0.0.1:80.abc", f"{client.sid}x"):
        client.sid = sid
        status, _ = client.get()
        assert status == 400, sid


# Who the client is


def test_address_of_the_client_reaches_the_service(nginx: NginxServer) -> None:
    """An address that has its share is refused, others behind the same nginx are not. Forged headers change nothing."""
    port = nginx.ports[80]
    clients = [handshake_from(ANOTHER_ADDRESS, port) for _ in range(PER_ADDRESS * PROCESSES)]
    assert {client.answer().status for client in clients} == {101}
    for forged in ({}, {"X-Forwarded-For": SOMEBODY}, {"X-Real-IP": SOMEBODY, "Forwarded": f"for={SOMEBODY}"}):
        with handshake_from(ANOTHER_ADDRESS, port, **forged) as refused:
            assert refused.answer().status == 429
    plain_client(port).sock.close()
    for client in clients:
        client.sock.close()


def test_page_of_the_same_host_is_recognised(nginx: NginxServer) -> None:
    """The service sees the host and port that the browser used, not its own."""
    answer = get(f"{nginx.url}/ws/endpoints")
    assert answer.status == 200
    with RawClient(nginx.ports[80]) as client:
        client.open("/ws", Origin=nginx.url)
    with RawClient(nginx.ports[80]) as stranger:
        stranger.request("/ws", headers={"Origin": "https://elsewhere.example"})
        assert stranger.answer().status == 403


OPERATORS_ROUTES = """
    /health /health/ //health /%68ealth /x/../health /health/live/more /metrics /metrics/
    /api/archive/tasks /api/archive/backup /ws/stats /ws/stats/ /ws//stats
"""


@pytest.mark.parametrize("path", OPERATORS_ROUTES.split())
def test_operators_routes_are_not_for_the_public(start_nginx: StartNginx, path: str) -> None:
    """However they are written; and behind a further load balancer the client's own address counts."""
    nginx = start_nginx(["cdn"])
    assert is_refused_by_nginx(get(nginx.url + path, **{"X-Forwarded-For": SOMEBODY}))
    assert is_refused_by_nginx(get(nginx.url + path, **{"X-Forwarded-For": f"10.0.0.1, {SOMEBODY}"}))
    assert not is_refused_by_nginx(get(nginx.url + path, **{"X-Forwarded-For": "192.168.1.5"}))


def test_public_routes_are_for_everybody(start_nginx: StartNginx) -> None:
    """Also the two by which load balancers and monitors look at the service."""
    nginx = start_nginx(["cdn"])
    for path in ("/health/live", "/health/ready", "/api/prices", "/test-websocket", "/docs", "/ws/services"):
        assert get(nginx.url + path, **{"X-Forwarded-For": SOMEBODY}).status == 200, path
    assert get(f"{nginx.url}/health").json()["demo"] is True


# What passes


def test_files_pass_unchanged(nginx: NginxServer) -> None:
    """Larger ones as well."""
    path = "static/vendor/socket.io/socket.io.min.js"
    assert get(f"{nginx.url}/{path}").body == (ROOT / path).read_bytes()


def test_too_large_requests_are_stopped_by_nginx(nginx: NginxServer) -> None:
    """They cost the processes nothing."""
    assert get(f"{nginx.url}/", **{"X-Large": "x" * 9000}).status == 400
    connection = http.client.HTTPConnection("127.0.0.1", nginx.ports[80], timeout=30)
    connection.request("POST", "/socket.io/?EIO=4&transport=polling", b"x" * 33_000)
    assert connection.getresponse().status == 413
    connection.close()


def test_other_upgrades_are_not_passed_on(nginx: NginxServer) -> None:
    """A request that asks for anything but WebSocket is an ordinary one for the service."""
    with RawClient(nginx.ports[80]) as client:
        client.request("/ws", headers={"Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"})
        assert client.answer().status == 426


def test_log_holds_no_session_ids(nginx: NginxServer) -> None:
    """Who knows one could take the session's messages."""
    client = PollingClient(nginx.ports[80]).join()
    client.upgrade().sock.close()
    get(f"{nginx.url}/docs")
    wait_until(lambda: '"GET /docs" 200' in nginx.access_log.read_text(), "the log is written")
    said = nginx.access_log.read_text() + nginx.errors()
    assert client.sid not in said
    assert "sid=" not in said


def test_tls_as_in_the_comments(cluster: Cluster, tmp_path: Path) -> None:
    """The lines for TLS work as they stand, once there is a certificate."""
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    files = ["-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem")]
    subprocess.run([*make, *files], check=True, capture_output=True, timeout=60)
    nginx = NginxServer(tmp_path, cluster.ports, options=["tls"])
    nginx.start()
    try:
        context = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
        context.check_hostname = False
        with (
            socket.create_connection(("127.0.0.1", nginx.ports[443]), timeout=30) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as secured,
        ):
            client = client_over(secured)
            client.open("/ws/market_data")
            assert client.hear_type("update")["data"]["prices"]
    finally:
        nginx.stop()


# A process dies


def test_clients_of_a_killed_process_go_on_at_another(
    cluster: Cluster, nginx: NginxServer, connect: Connect, connect_node: Connect
) -> None:
    """All kinds reconnect through nginx by themselves; those of other processes notice nothing."""
    again = {"reconnection": True}
    clients = [
        start(nginx, **transports, **again)
        for transports in (POLLING, WEBSOCKET)
        for start in (connect, connect_node)
        for _ in range(PROCESSES)
    ]
    for client in clients:
        client.wait_for("crypto-prices")
    cluster.processes[0].kill()
    hit = [client for client in clients if client.wait_for_more("crypto-prices", 4) and client.received("#disconnect")]
    assert 1 <= len(hit) < len(clients)
    for client in hit:
        client.wait_for("#connect", 2)
        assert len(client.wait_for_more("crypto-prices", 2)[-1]) == len(SYMBOLS)


def test_plain_client_of_a_killed_process_finds_another(cluster: Cluster, nginx: NginxServer) -> None:
    """The connection ends at once, and the very next attempts succeed: none is sent to the dead process in vain."""
    clients = [plain_client(nginx.ports[80]) for _ in range(PROCESSES)]
    cluster.processes[1].kill()
    ended = 0
    for client in clients:
        client.say({"action": "subscribe", "service": "market_data"})
        try:
            client.hear_type("update")
        except (EOFError, ConnectionError):
            ended += 1
    assert ended == 1
    for _ in range(3 * PROCESSES):
        plain_client(nginx.ports[80]).sock.close()


def test_poll_of_a_dead_session_fails_at_once(cluster: Cluster, nginx: NginxServer) -> None:
    """The client is told, and opens a new session elsewhere."""
    client = PollingClient(nginx.ports[80]).join()
    cluster.owner(client.sid).kill()
    assert client.get()[0] == 502
    for _ in range(PROCESSES):
        PollingClient(nginx.ports[80]).join()


def test_process_that_is_back_gets_clients_again(cluster: Cluster, nginx: NginxServer) -> None:
    """Nginx tries it again after a while, without being told."""
    process = cluster.processes[2]
    process.kill()
    name = str(process.port)
    assert name not in open_sessions(nginx.ports[80], 3 * PROCESSES)
    cluster.start()
    wait_until(lambda: name in open_sessions(nginx.ports[80], 1), "it gets a new session")


def test_stopped_process_sends_its_clients_elsewhere(cluster: Cluster, nginx: NginxServer) -> None:
    """The rolling restart: a plain client is told when to come back, and finds another process."""
    clients = [plain_client(nginx.ports[80]) for _ in range(PROCESSES)]
    cluster.processes[0].stop()
    goodbyes: list[Any] = []

    def listen() -> list[Any]:
        for client in clients:
            client.sock.settimeout(0.1)
            with contextlib.suppress(TimeoutError, EOFError):
                message = client.hear()
                goodbyes.extend([message] if message["type"] == "error" else [])
        return goodbyes

    wait_until(listen, "a goodbye")
    assert [goodbye["data"]["code"] for goodbye in goodbyes] == ["shutting_down"]
    for _ in range(PROCESSES):
        plain_client(nginx.ports[80]).sock.close()
