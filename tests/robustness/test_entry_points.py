"""The same promises from outside, under both servers and on every port."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.robustness.conftest import QUICK, Start, assert_no_traceback
from tests.support.plain_http import get
from tests.support.processes import free_port, wait_until
from tests.support.service import ServiceProcess
from tests.transports.engine_client import POLLING, WEBSOCKET, PollingClient, emit, joined, packet, put
from tests.wire.raw_client import TEXT, RawClient, masked
from websocket import codec
from websocket.catalogue import ENDPOINTS

NO_UPGRADE: dict[str, str | None] = {"Upgrade": None, "Connection": None}


def development(ports: list[int]) -> list[str]:
    """``start_service.py`` in demo mode."""
    numbers = [str(port) for port in ports]
    return [sys.executable, "start_service.py", "--demo", "--host", "127.0.0.1", "--port", *numbers]


def production(ports: list[int]) -> list[str]:
    """gunicorn, as the README says, with the ports of the test."""
    beside = Path(sys.executable).with_name("gunicorn")
    gunicorn = str(beside) if beside.exists() else shutil.which("gunicorn")
    assert gunicorn is not None
    binds = [part for port in ports for part in ("--bind", f"127.0.0.1:{port}")]
    return [gunicorn, "-k", "eventlet", "-w", "1", *binds, "app:app"]


Command = Callable[[list[int]], list[str]]
SETTINGS = {"DEMO": "1", "APP_SECRET": "a-secret-of-the-robustness-tests"}


@pytest.fixture(scope="module", params=[development, production], ids=["start_service", "gunicorn"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Both ports of a service; in the end its log has no traceback."""
    ports = (free_port(), free_port())
    service = ServiceProcess(
        tmp_path_factory.mktemp("service"), {**QUICK, **SETTINGS}, command=request.param(list(ports)), port=ports[0]
    )
    service.start()
    try:
        service.wait_until_live()
        with RawClient(ports[1]).open("/ws/market_data") as client:
            client.hear_type("update")  # from now on there is something to begin with
        yield ports
        assert_no_traceback(service)
    finally:
        service.stop()


@pytest.fixture(params=[0, 1], ids=["first_port", "second_port"])
def port(request: pytest.FixtureRequest, served: tuple[int, int]) -> int:
    """One of the two, which serve the same."""
    return served[request.param]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_endpoints_greet(port: int, endpoint: Any) -> None:
    """And confirm what they subscribe by themselves; the snapshot of what is known follows."""
    client = RawClient(port).open(endpoint.path)
    first = client.hear()
    assert first["type"] == "connection_established"
    assert first["data"]["available_services"] == [*endpoint.services, "all"]
    if endpoint.welcomes:
        assert client.hear()["type"] == "welcome"
    if endpoint.subscribes:
        assert client.hear()["type"] == "subscription_confirmed"
        snapshot = client.hear()
        assert (snapshot["type"], snapshot["snapshot"], snapshot["data"]["demo"]) == ("update", True, True)
        assert {"status", "reason", "timestamp"} <= set(snapshot["data"])
    client.leave()


def test_resume_over_a_new_connection(port: int) -> None:
    """What was missed comes, each number once."""
    client = RawClient(port).open("/ws/market_data")
    update = client.hear_type("update")
    client.reset()
    again = RawClient(port).open("/ws")
    again.hear_type("welcome")
    wait_until(lambda: status_seq(again) >= update["seq"] + 3, "the feed went on")
    since = {"epoch": update["epoch"], "seq": update["seq"]}
    again.say({"action": "subscribe", "service": "market_data", "since": since})
    for seq in range(update["seq"] + 1, update["seq"] + 6):
        missed = again.hear_type("update")
        assert missed["seq"] == seq
        assert "snapshot" not in missed


def status_seq(client: RawClient) -> int:
    """The newest number of market_data."""
    seq: int = client.ask({"action": "get_status"})["data"]["services"]["market_data"]["seq"]
    return seq


def test_socketio_with_its_transports(port: int) -> None:
    """WebSocket, polling, and the upgrade from one to the other."""
    client = joined(port)
    emit(client, "subscribe", {"channel": "crypto-prices"}, 1)
    rows = codec.decode(packet(client)[2:])[1]
    assert len(rows) == 10
    poller = PollingClient(port).join()
    websocket = poller.upgrade()
    put(websocket, "2probe")
    assert websocket.text() == "3probe"
    put(websocket, "5")
    while not packet(websocket).startswith('42["crypto-prices"'):
        pass


@pytest.mark.parametrize(
    ("path", "change", "method", "status"),
    [
        ("/ws/unknown", {}, "GET", 404),
        ("/ws", NO_UPGRADE, "GET", 426),
        ("/ws", {}, "POST", 405),
        ("/ws", {"Sec-WebSocket-Key": "x"}, "GET", 400),
        ("/ws", {"Sec-WebSocket-Version": "8"}, "GET", 426),
        (WEBSOCKET, {"Sec-WebSocket-Key": "x"}, "GET", 400),
        (WEBSOCKET, {"Connection": "close"}, "GET", 400),
    ],
)
def test_handshakes_are_refused(port: int, path: str, change: Any, method: str, status: int) -> None:
    """With their status, as HTTP."""
    client = RawClient(port)
    client.request(path, method=method, headers=change)
    answer = client.answer()
    assert (answer.status, set(answer.json())) == (status, {"code", "message", "temporary"})


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (masked(TEXT, b"x", rsv=4), 1002),
        (masked(TEXT, b"\xff"), 1007),
        (masked(TEXT, b"x" * 20_000), 1009),
        (masked(TEXT, b"x") * 200, 1008),
        (masked(8, b"\x0f\xa0"), 4000),
    ],
)
def test_connections_end_with_their_code(port: int, said: bytes, code: int) -> None:
    """The close frame arrives, also behind input that was not read."""
    client = RawClient(port).open("/ws")
    client.send(said)
    assert client.end() == code


def test_stats_after_abrupt_ends(served: tuple[int, int]) -> None:
    """Both ports are counted together, and nobody stays behind."""
    url = f"http://127.0.0.1:{served[0]}/ws/stats"
    for n in range(20):
        client = RawClient(served[n % 2]).open("/ws/all")
        if n % 2:
            client.hear()
        if n % 3:
            client.reset()
        else:
            client.close()
    stats = wait_until(
        lambda: (found := get(url).json()["data"])["active_connections"] == 0 and found, "everybody has left"
    )
    assert stats["total_subscriptions"] == 0
    assert stats["clients"] == []


@pytest.mark.parametrize("command", [development, production], ids=["start_service", "gunicorn"])
def test_limits_are_settings(start_service: Start, command: Command) -> None:
    """Origins, addresses, places, the time for a request, and the size of messages."""
    port = free_port()
    service = start_service(
        {
            **SETTINGS,
            "ALLOWED_ORIGINS": "https://exchange.example",
            "MAX_CONNECTIONS_PER_ADDRESS": "2",
            "MAX_CONNECTIONS": "3",
            "HANDSHAKE_TIMEOUT": "0.5",
            "MAX_MESSAGE_BYTES": "200",
            "MAX_NESTING": "3",
            "MAX_SUBSCRIPTIONS": "1",
            "MESSAGE_BURST": "6",
            "MESSAGES_PER_SECOND": "0.01",
        },
        command=command([port]),
        port=port,
    )

    def status(path: str, **headers: str | None) -> tuple[int, RawClient]:
        client = RawClient(port)
        client.request(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return client.answer().status, client

    for path, change in (("/ws", {}), (WEBSOCKET, {}), (POLLING, NO_UPGRADE)):
        assert status(path, Origin="https://evil.example", **change)[0] == 403
    first = status("/ws", Origin="https://exchange.example")
    second = status(WEBSOCKET, Origin=f"http://127.0.0.1:{port}")
    assert (first[0], second[0]) == (101, 101)
    assert status("/ws")[0] == 429
    third = status("/ws", X_Forwarded_For="9.9.9.9")
    assert third[0] == 101
    assert status(POLLING, X_Forwarded_For="8.8.8.8", **NO_UPGRADE)[0] == 503

    client = first[1]
    client.hear_type("welcome")
    assert client.ask({"action": "ping", "data": {"a": [[]]}})["data"]["code"] == "bad_request"
    assert (
        client.ask({"action": "subscribe", "services": ["news", "onchain"]})["data"]["code"] == "too_many_subscriptions"
    )
    for _ in range(4):
        assert client.ask({"action": "ping"})["type"] == "pong"
    assert client.ask({"action": "ping"})["data"]["code"] == "rate_limited"
    third[1].say("x" * 201)
    assert third[1].end() == 1009

    for said in (b"", b"GET /ws HTTP/1.1\r\nHost"):
        with RawClient(port) as silent:
            silent.send(said)
            silent.rest()
    assert client.ask({"action": "ping"})["data"]["code"] == "rate_limited"
    assert_no_traceback(service)


@pytest.mark.parametrize("command", [development, production], ids=["start_service", "gunicorn"])
def test_too_slow_is_4008(start_service: Start, command: Command) -> None:
    """After the time that is set, under the service's own sweeper."""
    port = free_port()
    service = start_service(
        {**SETTINGS, "SLOW_CLIENT_TIMEOUT": "1", "SEND_BUFFER": "4096"}, command=command([port]), port=port
    )
    client = RawClient(port, receive_buffer=2048).open("/ws/all")

    def ended() -> dict[str, int]:
        stats: dict[str, Any] = get(f"{service.url}/ws/stats").json()["data"]
        return stats["closed"] if stats["active_connections"] == 0 else {}

    assert wait_until(ended, "it was closed") == {"4008": 1}
    client.close()
    assert_no_traceback(service)
