"""The edge: origins, addresses and places, for both kinds of connection."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transports.conftest import StartServer
from tests.wire.raw_client import RawClient
from websocket.settings import EdgeSettings, ServerSettings
from websocket.transports import request_rate
from websocket.transports.edge import PROXY_FACTOR, Edge, RequestEdge, client_network
from websocket.transports.request_rate import BURST_S
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


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2001:db8:0:1:aaaa:bbbb:cccc:dddd", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "not:an:address"),
        ("x" * 5000, "x" * 64),
    ],
)
def test_one_client_is_an_ipv4_address_or_a_network_of_ipv6(address: str, network: str) -> None:
    """Of IPv6 a single machine has 2 ** 64 addresses."""
    assert client_network(address) == network


def test_proxy_written_as_an_ipv6_address_is_one() -> None:
    """As a listener of both families sees it."""
    assert edge().address_of({"REMOTE_ADDR": "::ffff:127.0.0.1", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}) == "1.2.3.4"


# Requests


class Clock:
    """Monotonic seconds that the test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def rated(per_second: float) -> tuple[Edge, Clock]:
    """An edge with a limit of requests."""
    clock = Clock()
    return Edge(ServerSettings(), EdgeSettings(requests_per_second=per_second), clock=clock), clock


def allowed(edge: Edge, address: str, tokens: float = 1.0, tries: int = 10_000) -> int:
    """How many requests pass until one is refused."""
    for number in range(tries):
        try:
            edge.check_request(address, tokens)
        except HandshakeRefused:
            return number
    return tries


def test_requests_of_one_address_are_limited_and_others_are_not() -> None:
    rated_edge, _ = rated(10)
    assert allowed(rated_edge, "1.1.1.1") == 10 * BURST_S
    assert allowed(rated_edge, "2.2.2.2", tokens=10) == BURST_S


def test_tokens_come_back_with_time() -> None:
    rated_edge, clock = rated(10)
    allowed(rated_edge, "1.1.1.1")
    with pytest.raises(HandshakeRefused) as refused:
        rated_edge.check_request("1.1.1.1", 5)
    assert ("Retry-After", "1") in refused.value.headers
    clock.now += 1
    assert allowed(rated_edge, "1.1.1.1") == 10


def test_proxy_has_the_requests_of_many_clients() -> None:
    rated_edge, _ = rated(10)
    assert allowed(rated_edge, "127.0.0.1") == 10 * BURST_S * PROXY_FACTOR


@pytest.mark.parametrize("per_second", [0.0, 0.001])
def test_request_that_costs_more_than_there_can_be_still_passes_once(per_second: float) -> None:
    """And 0 is no limit."""
    rated_edge, _ = rated(per_second)
    assert allowed(rated_edge, "1.1.1.1", tokens=50, tries=3) == (3 if not per_second else 1)


def test_addresses_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_rate, "MAX_ADDRESSES", 10)
    rated_edge, _ = rated(1)
    for number in range(100):
        rated_edge.check_request(f"1.1.1.{number}", 1)
    assert len(rated_edge._requests._buckets) == 10


def ask(edge: Edge, path: str, **environ: str) -> str:
    """The status that the middleware answers a request with."""
    said: list[str] = []
    app = RequestEdge(
        lambda _environ, start: (start("200 OK", []), [])[1], edge, cost_of=lambda path: 7.0 if path == "/dear" else 1.0
    )
    list(app({"PATH_INFO": path, **environ}, lambda status, _headers: said.append(status)))
    return said[0][:3]


def test_each_request_costs_what_its_route_does() -> None:
    rated_edge, _ = rated(1)
    remote = {"REMOTE_ADDR": "1.1.1.1"}
    assert [ask(rated_edge, "/dear", **remote) for _ in range(3)] == ["200", "200", "429"]
    assert [ask(rated_edge, "/cheap", **remote) for _ in range(7)] == ["200"] * 6 + ["429"]
    assert ask(rated_edge, "/ws", HTTP_UPGRADE="websocket", **remote) == "429"


def test_upgrade_that_nobody_answers_makes_no_route_cheaper() -> None:
    """Neither for a client nor for a silent proxy."""
    rated_edge, _ = rated(1)
    for address in ("1.1.1.1", "127.0.0.1"):
        statuses = [ask(rated_edge, "/dear", HTTP_UPGRADE="websocket", REMOTE_ADDR=address) for _ in range(30)]
        assert "429" in statuses


def test_sessions_poll_for_little_and_upgrades_of_a_proxy_for_nothing() -> None:
    rated_edge, _ = rated(1)
    polls = [
        ask(rated_edge, "/socket.io/", QUERY_STRING="EIO=4&transport=polling&sid=x", REMOTE_ADDR="1.1.1.1")
        for _ in range(81)
    ]
    assert polls == ["200"] * 80 + ["429"]
    upgrades = {ask(rated_edge, "/ws", HTTP_UPGRADE="websocket", REMOTE_ADDR="127.0.0.1") for _ in range(500)}
    assert upgrades == {"200"}


# Places


def test_default_share_of_an_address_is_a_twentieth_and_does_not_count_for_a_silent_proxy() -> None:
    """Which would otherwise keep out everybody behind it; a number that the operator chose counts for everybody."""
    by_default = Edge(ServerSettings(max_connections=100), EdgeSettings())
    for _ in range(5):
        for address in ("1.1.1.1", "127.0.0.1"):
            by_default.check_room(address)
            by_default.enter(address)
    by_default.check_room("127.0.0.1")
    by_default.check_room("2.2.2.2")
    with pytest.raises(HandshakeRefused, match="your address"):
        by_default.check_room("1.1.1.1")
    chosen = Edge(ServerSettings(), EdgeSettings(max_connections_per_address=1))
    chosen.enter("127.0.0.1")
    with pytest.raises(HandshakeRefused, match="your address"):
        chosen.check_room("127.0.0.1")


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
