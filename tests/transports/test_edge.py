"""The edge: origins, addresses and places, for both kinds of connection."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transports.conftest import StartServer
from tests.wire.raw_client import RawClient
from websocket.settings import EdgeSettings, ServerSettings
from websocket.transports.edge import Edge
from websocket.wire.handshake import HandshakeRefused

SOCKETIO = "/socket.io/?EIO=4&transport=websocket"
POLLING = "/socket.io/?EIO=4&transport=polling"
NO_UPGRADE: dict[str, str | None] = {"Upgrade": None, "Connection": None}

FOREIGN = "https://evil.example"
LISTED = "https://exchange.example"


def edge(**settings: Any) -> Edge:
    """With settings of the client's limits."""
    return Edge(ServerSettings(allowed_origins=(LISTED,)), EdgeSettings(**settings))


# Origins


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "a.example", True),
        (LISTED, "a.example", True),
        ("https://a.example", "a.example", True),
        ("http://a.example:8080", "a.example:8080", True),
        (FOREIGN, "a.example", False),
        ("null", "a.example", False),
        ("null", "", False),
        ("null", None, False),
        ("", "", False),
        ("http://[", "a.example", False),
        (LISTED + ".evil.example", "a.example", False),
        ("https://a.example.evil.example", "a.example", False),
        ("https://a.example:8080", "a.example", False),
        ("https://a.example@evil.example", "a.example", False),
    ],
)
def test_origins(origin: str | None, host: str | None, allowed: bool) -> None:
    """The listed ones, the page's own server, and programs that send none; nothing that only looks like them."""
    environ = {name: value for name, value in (("HTTP_ORIGIN", origin), ("HTTP_HOST", host)) if value is not None}
    if allowed:
        edge().check_origin(environ)
    else:
        with pytest.raises(HandshakeRefused, match="ALLOWED_ORIGINS"):
            edge().check_origin(environ)


def test_star_allows_every_page() -> None:
    """It is the default."""
    everywhere = Edge(ServerSettings(), EdgeSettings())
    for origin in (FOREIGN, "null", "http://[", ""):
        everywhere.check_origin({"HTTP_ORIGIN": origin})


@pytest.mark.parametrize(("path", "change"), [("/ws", {}), (SOCKETIO, {}), (POLLING, NO_UPGRADE)])
def test_foreign_page_is_refused_before_the_upgrade(
    start_server: StartServer, path: str, change: dict[str, str | None]
) -> None:
    """403, whatever the transport; the page's own server, a listed page and a program are let in."""
    server = start_server(server=ServerSettings(allowed_origins=(LISTED,)))
    for origin, expected in (
        (FOREIGN, 403),
        ("null", 403),
        (LISTED, 101),
        (f"http://127.0.0.1:{server.port}", 101),
        (None, 101),
    ):
        with RawClient(server.port) as client:
            client.request(path, headers={**change, "Origin": origin})
            answer = client.answer()
            assert answer.status == (200 if expected == 101 and path == POLLING else expected), origin
            if expected == 403:
                assert answer.json()["code"] == "forbidden"


# Addresses


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4", "10.0.0.1"),
        ("127.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("::1", "1.2.3.4", "1.2.3.4"),
        ("127.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("127.0.0.1", "6.6.6.6, 1.2.3.4, 127.0.0.1", "1.2.3.4"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", " , ,", "127.0.0.1"),
        ("127.0.0.1", "nonsense", "nonsense"),
        ("", "1.2.3.4", ""),
    ],
)
def test_address_is_what_trusted_proxies_say(peer: str, forwarded: str | None, address: str) -> None:
    """Read from the nearest to the farthest; what a client writes there itself counts for nothing."""
    environ = {"REMOTE_ADDR": peer, **({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})}
    assert edge().address_of(environ) == address


def test_networks_of_proxies() -> None:
    """Not only single addresses."""
    behind = edge(trusted_proxies=("10.0.0.0/8",))
    assert behind.address_of({"REMOTE_ADDR": "10.1.2.3", "HTTP_X_FORWARDED_FOR": "1.2.3.4, 10.9.9.9"}) == "1.2.3.4"


# Places


def status_of(client: RawClient, path: str, address: str = "1.1.1.1") -> int:
    """Of the answer to a handshake from an address."""
    change = NO_UPGRADE if path == POLLING else {}
    client.request(path, headers={**change, "X-Forwarded-For": address})
    answer = client.answer()
    if answer.status not in {101, 200}:
        assert answer.json()["temporary"] is True
        assert answer.status != 503 or "retry-after" in answer.headers
    return answer.status


@pytest.mark.parametrize("path", ["/ws", SOCKETIO, POLLING])
def test_connections_of_one_address_are_limited(start_server: StartServer, path: str) -> None:
    """429; others are not affected, and a place is free again when a connection is gone."""
    server = start_server(edge=EdgeSettings(max_connections_per_address=2))
    first, second, third = (RawClient(server.port) for _ in range(3))
    assert status_of(first, "/ws") == 101
    assert status_of(second, SOCKETIO) == 101
    assert status_of(third, path) == 429
    with RawClient(server.port) as other:
        assert status_of(other, path, "2.2.2.2") in {101, 200}
    first.reset()
    server_wait = RawClient(server.port)
    while (status := status_of(server_wait, path)) == 429:
        server_wait.close()
        server_wait = RawClient(server.port)
    assert status in {101, 200}


@pytest.mark.parametrize("path", ["/ws", SOCKETIO, POLLING])
def test_connections_in_all_are_limited(start_server: StartServer, path: str) -> None:
    """503 with Retry-After, for every kind."""
    server = start_server(server=ServerSettings(max_connections=2))
    first, second, third = (RawClient(server.port) for _ in range(3))
    assert status_of(first, "/ws", "1.1.1.1") == 101
    assert status_of(second, POLLING, "2.2.2.2") == 200
    assert status_of(third, path, "3.3.3.3") == 503


def test_requests_of_a_session_need_no_second_place(start_server: StartServer) -> None:
    """A full server still answers the polls and the upgrade of those who are in."""
    server = start_server(server=ServerSettings(max_connections=1))
    client = RawClient(server.port)
    client.request(POLLING, headers=NO_UPGRADE)
    sid = client.answer().body.decode().partition('"sid":"')[2].partition('"')[0]
    with RawClient(server.port) as upgrade:
        upgrade.request(f"{SOCKETIO}&sid={sid}")
        assert upgrade.answer().status == 101


def test_refused_handshakes_take_no_place(start_server: StartServer) -> None:
    """Neither of the plain protocol nor of Socket.IO."""
    server = start_server()
    for path, change in (
        ("/ws", {"Sec-WebSocket-Key": "x"}),
        (SOCKETIO, {"Sec-WebSocket-Key": "x"}),
        (SOCKETIO, {"Connection": None}),
        (SOCKETIO, {"Sec-WebSocket-Version": "7"}),
    ):
        with RawClient(server.port) as client:
            client.request(path, headers=dict(change))
            assert client.answer().status in {400, 426}
    assert server.edge._total == 0
    assert not server.engine.sockets


@pytest.mark.parametrize("said", [b"", b"GET /ws HTTP/1.1\r\nHost: x\r\n"])
def test_client_that_does_not_finish_its_request_is_dropped(start_server: StartServer, said: bytes) -> None:
    """Without a word, after a while; also when it stopped half-way."""
    server = start_server(edge=EdgeSettings(handshake_timeout_s=0.3))
    with RawClient(server.port) as client:
        client.send(said)
        assert client.rest() in {b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"}


def test_request_byte_by_byte_does_not_take_for_ever(start_server: StartServer) -> None:
    """The time is for the whole request, not for each byte."""
    server = start_server(edge=EdgeSettings(handshake_timeout_s=0.5))
    with RawClient(server.port) as client:
        client.sock.settimeout(0.05)
        client.send(b"GET /ws HTTP/1.1\r\nX-Long: ")
        for _ in range(400):
            try:
                client.send(b"x")
                assert client.sock.recv(1) == b""
                break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("it was never dropped")


def test_connection_that_is_open_has_no_such_limit(start_server: StartServer) -> None:
    """A client that only listens stays."""
    server = start_server(edge=EdgeSettings(handshake_timeout_s=0.2))
    client = server.connect("/ws")
    client.hear_type("welcome")
    assert client.silence(0.5)
    assert client.ask({"action": "ping"})["type"] == "pong"
