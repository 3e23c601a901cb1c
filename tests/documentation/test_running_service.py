"""What a running service sends is what is documented: every frame, event, acknowledgement and answer."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.documentation.conftest import StartService
from tests.documentation.contract import by_key, check, check_answer, check_frame, check_http_error
from tests.end_to_end.feed_client import FeedClient, python_client
from tests.support.plain_http import ask, get
from tests.support.processes import free_port, wait_until
from tests.support.service import CLOSED_PORT, ROOT, ServiceProcess
from websocket import codec
from websocket.catalogue import ALL, CHANNELS, CRYPTO_PRICES, ENDPOINTS, SERVICE_NAMES, EndpointInfo
from websocket.documentation import protocols
from websocket.documentation.codes import CLOSE_CODES, HANDSHAKE_ANSWERS, error_codes
from websocket.documentation.openapi import routes
from websocket.documentation.route_info import RouteInfo
from websocket.settings import describe_settings

pytestmark = pytest.mark.slow

QUIET_S = 1.2
"""Updates come more often than this, so everything that was asked for has come by then."""

BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS}
MASTER = ENDPOINTS[0]


def open_endpoint(service: ServiceProcess, endpoint: EndpointInfo) -> ClientConnection:
    """A connected client."""
    return connect(f"ws://127.0.0.1:{service.port}{endpoint.path}", compression=None, max_size=None)


def frames_of(connection: ClientConnection, for_s: float = QUIET_S) -> list[dict[str, Any]]:
    """What comes in the next moments, before anybody takes time to look at it."""
    frames: list[dict[str, Any]] = []
    until = time.monotonic() + for_s
    while (left := until - time.monotonic()) > 0:
        try:
            frames.append(json.loads(connection.recv(timeout=left)))
        except TimeoutError:
            break
    return frames


def requests_about(endpoint: EndpointInfo) -> list[Any]:
    """Every action in every form, and every mistake, on one endpoint."""
    first, last = endpoint.services[0], endpoint.services[-1]
    elsewhere = [service for service in SERVICE_NAMES if service not in endpoint.services]
    return [
        {"action": "get_status"},
        {"action": "subscribe", "service": first, "req_id": 1},
        {"action": "subscribe", "services": [first, last]},
        {"action": "unsubscribe", "service": first},
        {"action": "subscribe", "service": first, "since": {"epoch": "gone", "seq": 3}, "req_id": 2},
        {"action": "get_status", "req_id": 3},
        {"action": "ping", "data": [1, {"two": None}], "req_id": 4},
        {"action": "ping"},
        {"action": "unsubscribe", "services": [first, last]},
        {"action": "unsubscribe", "service": ALL},
        # after everything that ends a subscription, which forgets what a client has not read yet
        {"action": "subscribe", "service": ALL, "req_id": "a"},
        # mistakes
        "{",
        "[]",
        "7",
        "NaN",
        b"binary",
        "[" * 40 + "]" * 40,
        {"action": "ping", "data": json.loads("[" * 30 + "]" * 30)},
        {},
        {"action": 5},
        {"action": "dance", "req_id": 5},
        {"action": "subscribe", "req_id": 6},
        {"action": "subscribe", "service": 5},
        {"action": "subscribe", "service": None},
        {"action": "subscribe", "service": "weather"},
        {"action": "subscribe", "services": []},
        {"action": "subscribe", "services": "news"},
        {"action": "subscribe", "services": [first, 5]},
        {"action": "subscribe", "service": first, "services": [first]},
        {"action": "subscribe", "service": first, "since": 5},
        {"action": "subscribe", "service": first, "since": {"epoch": "x"}},
        {"action": "subscribe", "service": first, "since": {"epoch": "x", "seq": "1"}},
        {"action": "subscribe", "service": ALL, "since": {"epoch": "x", "seq": 1}},
        {"action": "ping", "req_id": ["list"]},
        {"action": "ping", "req_id": "x" * 129},
        *({"action": "subscribe", "service": service} for service in elsewhere[:1]),
    ]


def say(connection: ClientConnection, request: Any) -> None:
    """Sends a request; text and bytes as they are."""
    connection.send(request if isinstance(request, (str, bytes)) else json.dumps(request))


@pytest.mark.parametrize("path", BY_PATH)
def test_every_frame_is_documented(service: ServiceProcess, path: str) -> None:
    """Every action and every mistake on every endpoint; and every documented message was seen."""
    endpoint = BY_PATH[path]
    with open_endpoint(service, endpoint) as connection:
        for request in requests_about(endpoint):
            say(connection, request)
        seen = {check_frame(endpoint, frame) for frame in frames_of(connection)}
    assert seen == set(by_key(protocols.from_service(endpoint)))


AS_STATED = {"amount", "difficulty"}
"""What chains count and sources state is passed on digit by digit."""


def noisy(value: Any, key: str = "") -> Iterator[str]:
    """The numbers in a structure that have more digits than a computed number can mean."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from noisy(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from noisy(item, key)
    elif isinstance(value, float) and key not in AS_STATED:
        digits = repr(abs(value)).partition("e")[0].replace(".", "").strip("0")
        if len(digits) > 15:
            yield f"{key}: {value!r}"


def test_no_number_carries_binary_noise(service: ServiceProcess) -> None:
    """Neither in what is published, nor in the archive, nor in the figures of the operators."""
    with open_endpoint(service, BY_PATH["/ws/all"]) as connection:
        found = [noise for frame in frames_of(connection) for noise in noisy(frame)]
    for symbol in ("BTC", "ETH", "ADA", "XRP"):
        wait_until(
            lambda symbol=symbol: get(f"{service.url}/api/history/{symbol}?interval=1m").json()["data"]["rows"],
            f"a candle of {symbol}",
        )
        for interval in ("raw", "1m", "1h"):
            found += noisy(get(f"{service.url}/api/history/{symbol}?interval={interval}").json())
    for path in ("/health", "/ws/stats", "/api/prices", "/api/whales"):
        found += noisy(get(f"{service.url}{path}").json())
    assert found == []


def test_documented_requests_work(service: ServiceProcess) -> None:
    """No example of a request is answered with an error, on any endpoint."""
    for endpoint in ENDPOINTS:
        with open_endpoint(service, endpoint) as connection:
            for message in protocols.from_client(endpoint):
                for example in message.json_examples():
                    say(connection, example)
            kinds = {frame["type"] for frame in frames_of(connection, for_s=0.5)}
        assert "error" not in kinds, endpoint.path
        assert {"status", "pong", "subscription_confirmed", "unsubscription_confirmed"} <= kinds


def test_answers_are_the_documented_ones(service: ServiceProcess) -> None:
    """What comes with the ``req_id`` of a request is among the answers that are said to come."""
    with open_endpoint(service, MASTER) as connection:
        for message in protocols.from_client(MASTER):
            for number, example in enumerate(message.json_examples()):
                req_id = f"{message.key} {number}"
                say(connection, {**example, "req_id": req_id})
                answers = [frame for frame in frames_of(connection, for_s=0.3) if frame.get("req_id") == req_id]
                assert answers
                assert {check_frame(MASTER, answer) for answer in answers} <= set(message.answers)


def test_resume_is_documented(service: ServiceProcess) -> None:
    """Replayed updates look like all others."""
    with open_endpoint(service, MASTER) as connection:
        say(connection, {"action": "subscribe", "service": "market_data"})
        updates = [frame for frame in frames_of(connection, 2.5) if frame["type"] == "update"]
    with open_endpoint(service, MASTER) as connection:
        since = {key: updates[0][key] for key in ("epoch", "seq")}
        say(connection, {"action": "subscribe", "service": "market_data", "since": since, "req_id": 9})
        replayed = [frame for frame in frames_of(connection) if frame["type"] == "update"]
    assert len(updates) > 1
    for frame in replayed:
        check_frame(MASTER, frame)
    assert [frame["seq"] for frame in replayed[: len(updates) - 1]] == [frame["seq"] for frame in updates[1:]]


@pytest.fixture(scope="module")
def strict_service(start_service: StartService) -> ServiceProcess:
    """One whose limits are met soon."""
    limits = {"MAX_SUBSCRIPTIONS": "1", "MESSAGE_BURST": "5", "MESSAGES_PER_SECOND": "0.2", "MAX_MESSAGE_BYTES": "1000"}
    return start_service(limits)


def test_every_error_code_is_documented_and_met(
    service: ServiceProcess, strict_service: ServiceProcess, socketio_client: FeedClient
) -> None:
    """The codes that clients see are those that the documents list.

    ``internal`` needs a bug of ours, and ``shutting_down`` the end of the service.
    """
    met: set[str] = set()
    with open_endpoint(service, MASTER) as connection:
        for request in requests_about(MASTER):
            say(connection, request)
        met |= {frame["data"]["code"] for frame in frames_of(connection) if frame["type"] == "error"}
    with open_endpoint(strict_service, MASTER) as connection:
        say(connection, {"action": "subscribe", "service": ALL})
        for _ in range(8):
            say(connection, {"action": "ping"})
        for frame in frames_of(connection):
            check_frame(MASTER, frame)
            if frame["type"] == "error":
                met.add(frame["data"]["code"])
    met.add(socketio_client.send("subscribe", {"channel": "weather"})["code"])
    assert met == {error.code for error in error_codes()} - {"internal", "shutting_down"}


def close_code_after(service: ServiceProcess, mischief: Callable[[ClientConnection], Any]) -> int:
    """With what code the connection ends."""

    def read_on(connection: ClientConnection) -> None:
        while True:
            connection.recv(timeout=5)

    with open_endpoint(service, MASTER) as connection:
        mischief(connection)
        with pytest.raises(ConnectionClosed) as closed:
            read_on(connection)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_close_codes_are_documented(strict_service: ServiceProcess) -> None:
    """Those that a client can bring about."""
    too_often = [json.dumps({"action": "ping"})] * 40
    codes = [
        close_code_after(strict_service, lambda connection: connection.socket.sendall(b"\xff\xff\xff\xff\xff\xff")),
        close_code_after(strict_service, lambda connection: connection.send(b"\xff\xfe", text=True)),
        close_code_after(strict_service, lambda connection: [connection.send(text) for text in too_often]),
        close_code_after(strict_service, lambda connection: connection.send("x" * 1001)),
    ]
    assert codes == [1002, 1007, 1008, 1009]
    assert set(codes) <= {close.code for close in CLOSE_CODES}


# Socket.IO


@pytest.fixture
def socketio_client(service: ServiceProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedClient]:
    """A connected client."""
    client = python_client(service.url, {"transports": ["websocket"]}, tmp_path_factory.mktemp("client"))
    client.wait_for("message")
    yield client
    client.close()


def test_every_event_and_acknowledgement_is_documented(socketio_client: FeedClient) -> None:
    """All channels, all events that a client may send, and mistakes; every documented event was seen."""
    acks = by_key(protocols.socketio_acks())
    for channel in CHANNELS:
        check(acks["subscribe_ack"].type, socketio_client.subscribe(channel))
    for data in ({"data": [1, None]}, {}, None):
        check(acks["ping_ack"].type, socketio_client.send("ping", data))
    for event, data in (
        *(("subscribe", data) for data in (None, 5, "x", {}, {"channel": 5}, {"channel": "weather"})),
        ("unsubscribe", {"channel": "weather"}),
        ("dance", None),
    ):
        check(acks["refused_ack"].type, socketio_client.send(event, data))
    socketio_client.wait_for(CRYPTO_PRICES, 3)
    socketio_client.wait_for("market_data", 3)
    check(acks["unsubscribe_ack"].type, socketio_client.send("unsubscribe", {"channel": CRYPTO_PRICES}))
    documented = by_key(protocols.socketio_from_service())
    seen = [(name, data) for name, data in socketio_client.events() if not name.startswith("#")]
    for name, data in seen:
        assert name in documented
        check(documented[name].type, data)
    assert {name for name, _ in seen} == set(documented)


def test_documented_events_work(socketio_client: FeedClient) -> None:
    """No example is refused, and its acknowledgement is one of those that are said to come."""
    acks = by_key(protocols.socketio_acks())
    for event in protocols.socketio_from_client():
        for example in event.json_examples():
            ack = socketio_client.send(event.name, example)
            assert ack["ok"] is True
            check(acks[event.answers[0]].type, ack)


# HTTP


@pytest.fixture(scope="module")
def lost_service(start_service: StartService) -> ServiceProcess:
    """One that reaches no provider and has no archive."""
    port = free_port()
    addresses = [info.name for info in describe_settings() if info.name.endswith("_URL")]
    nowhere = dict.fromkeys(addresses, f"http://127.0.0.1:{CLOSED_PORT}")
    command = [sys.executable, str(ROOT / "start_service.py"), "--host", "127.0.0.1", "--port", str(port)]
    return start_service({**nowhere, "ARCHIVE_ENABLED": "0"}, command=command, port=port)


PUBLIC = [route for route in routes() if not route.for_operator]


@pytest.mark.parametrize("route", PUBLIC, ids=lambda route: route.path)
def test_every_answer_is_documented(service: ServiceProcess, route: RouteInfo) -> None:
    """While a client is connected, so that there is something to tell."""
    with open_endpoint(service, MASTER) as connection:
        say(connection, {"action": "subscribe", "service": "market_data"})
        reply = get(f"{service.url}{route.address}")
    check_answer(route, reply.status, reply.body)
    media_type = next(answer.media_type for answer in route.answers if answer.status == reply.status)
    if media_type is not None:
        assert reply.headers.get_content_type() == media_type


@pytest.mark.parametrize("route", PUBLIC, ids=lambda route: route.path)
def test_every_answer_of_a_service_without_prices_is_documented(lost_service: ServiceProcess, route: RouteInfo) -> None:
    """Where 503 is documented, it is met here."""
    reply = get(f"{lost_service.url}{route.address}")
    check_answer(route, reply.status, reply.body)
    statuses = {answer.status for answer in route.answers}
    assert reply.status == (503 if 503 in statuses else min(statuses))


def test_parameters_are_those_of_the_route(service: ServiceProcess) -> None:
    """Each that is documented is known, with its default; and no other one is."""
    for route in PUBLIC:
        given = [parameter for parameter in route.parameters if parameter.place == "query"]
        for parameter in given:
            value = parameter.schema.get("default", parameter.schema.get("examples", ["1"])[0])
            reply = get(f"{service.url}{route.address}?{parameter.name}={value}")
            if parameter.name == "after":
                assert "cursor" in check_http_error(reply.body)["message"]
            else:
                assert reply.status == 200, (route.name, parameter.name, reply.body)
        if given:
            said = check_http_error(get(f"{service.url}{route.address}?unknown=1").body)["message"]
            assert said.endswith(", ".join(parameter.name for parameter in given))


def test_operator_gets_documented_answers(start_service: StartService) -> None:
    """Every route and every refusal."""
    token = "sixteen-characters-and-more"
    closed, served = start_service(), start_service({"ADMIN_TOKEN": token})
    admitted = {"Authorization": f"Bearer {token}"}
    for route in (route for route in routes() if route.for_operator):
        body = None if route.body is None else codec.encode(route.body.example)
        for url, headers, sent, status in (
            (closed.url, admitted, body, 403),
            (served.url, {}, body, 401),
            (served.url, {"Authorization": "Bearer wrong"}, body, 401),
            (served.url, admitted, b"{", 400),
            (served.url, admitted, b"x" * 5000, 413),
            (served.url, admitted, body, 202),
        ):
            if route.method == "GET" and status in (400, 413):
                continue
            reply = ask(route.method, f"{url}{route.address}", sent, **headers)
            assert reply.status == (200 if (route.method, status) == ("GET", 202) else status), (route.name, reply)
            check_answer(route, reply.status, reply.body)
        wait_until(lambda: newest_task(served, admitted)["state"] == "done", "the task is done")


def newest_task(service: ServiceProcess, headers: dict[str, str]) -> dict[str, Any]:
    """The last backup or export, by an answer that must be as documented."""
    reply = get(f"{service.url}{OPERATOR_TASKS.path}", **headers)
    check_answer(OPERATOR_TASKS, reply.status, reply.body)
    newest: dict[str, Any] = reply.json()["data"]["tasks"][0]
    return newest


OPERATOR_TASKS = next(route for route in routes() if route.path == "/api/archive/tasks")


def test_errors_have_the_documented_shape(service: ServiceProcess) -> None:
    """Whatever the route."""
    for path, status in (("/nothing", 404), ("/docs/nothing", 404), ("/ws/nothing", 404)):
        reply = get(f"{service.url}{path}")
        assert reply.status == status, path
        check_http_error(reply.body)


def test_refused_handshakes_are_documented(service: ServiceProcess) -> None:
    """Status and code go together as the table says."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    documented = {answer.status: answer.code for answer in HANDSHAKE_ANSWERS}
    for path, headers, status in (
        ("/ws", {}, 426),
        ("/ws", {**upgrade, "Sec-WebSocket-Version": "8"}, 426),
        ("/ws", {**upgrade, "Sec-WebSocket-Key": "short"}, 400),
        ("/ws/weather", upgrade, 404),
    ):
        reply = get(f"{service.url}{path}", **headers)
        assert reply.status == status
        assert check_http_error(reply.body)["code"] == documented[status]


def test_full_service_refuses_as_documented(start_service: StartService) -> None:
    """Origin, share of an address, and room in the process."""
    documented = {answer.status: answer.code for answer in HANDSHAKE_ANSWERS}
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade["Sec-WebSocket-Key"] = "AAAAAAAAAAAAAAAAAAAAAA=="
    for env, headers, status in (
        ({"ALLOWED_ORIGINS": "https://example.org"}, {"Origin": "https://example.com"}, 403),
        ({"MAX_CONNECTIONS_PER_ADDRESS": "1"}, {}, 429),
        ({"MAX_CONNECTIONS": "1"}, {}, 503),
    ):
        full = start_service(env)
        with open_endpoint(full, MASTER):
            reply = get(f"{full.url}/ws", **upgrade, **headers)
        assert reply.status == status
        assert check_http_error(reply.body)["code"] == documented[status]
