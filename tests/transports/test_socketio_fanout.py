"""Socket.IO's engine on our own connections: polling, upgrades, pings, ends, and what a hostile client sends."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.support.plain_http import get
from tests.support.processes import wait_until
from tests.transports.conftest import StartServer
from tests.transports.engine_client import (
    POLLING,
    WEBSOCKET,
    PollingClient,
    emit,
    join,
    joined,
    open_websocket,
    packet,
    put,
)
from tests.transports.live_server import LiveServer
from tests.wire.raw_client import BINARY, CLOSE, CONTINUATION, TEXT, RawClient, masked
from websocket import codec, green
from websocket.settings import EdgeSettings, ServerSettings
from websocket.transports import socketio_fanout
from websocket.wire.connection import WireLimits

PRICES = [{"symbol": "BTC", "price": 1.5}]


def rows(n: int) -> list[dict[str, Any]]:
    """A payload that can be told from others."""
    return [{"symbol": "BTC", "price": n}]


def prices(text: str) -> Any:
    """The first row's price of a broadcast."""
    assert text.startswith('42["crypto-prices"'), text
    return codec.decode(text[2:])[1][0]["price"]


def next_of(websocket: RawClient) -> str:
    """The next packet that says something; an upgrade may leave a "6", which means nothing, behind."""
    while (text := packet(websocket)) == "6":
        pass
    return text


def subscribe(client: RawClient, channel: str = "crypto-prices") -> None:
    """Subscribes and reads until the acknowledgement."""
    emit(client, "subscribe", {"channel": channel}, 1)
    while not packet(client).startswith("431["):
        pass


def counted(server: LiveServer) -> int:
    """Connections as the edge counts them."""
    assert sum(server.edge._by_address.values()) == server.edge._total
    return server.edge._total


# The ordinary ways


def test_packet_that_comes_in_chunks_is_handled(server: LiveServer) -> None:
    """Like any other; it is not answered with 200 and thrown away."""
    client = PollingClient(server.port).join()
    assert client.post_in_chunks('4217["ping",{"data":"whole"}]') == 200
    (answer,) = client.get()[1]
    assert answer.startswith('4317[{"ok":true,"data":"whole"')


def test_session_over_websocket(server: LiveServer) -> None:
    """Greeting, subscription, acknowledgement, broadcast."""
    client = open_websocket(server.port)
    join(client)
    server.publish("crypto-prices", PRICES)
    assert packet(client) == '42["crypto-prices",[{"symbol":"BTC","price":1.5}]]'
    emit(client, "subscribe", {"channel": "crypto-prices"}, 7)
    assert prices(packet(client)) == 1.5
    ack = codec.decode(packet(client).removeprefix("437"))
    epoch, seq = server.broker.position("crypto-prices")
    assert ack == [{"ok": True, "channel": "crypto-prices", "epoch": epoch, "seq": seq}]
    server.publish("crypto-prices", rows(2))
    assert prices(packet(client)) == 2


def test_opening_packet_offers_what_there_is(server: LiveServer) -> None:
    """The interval of pings is part of the contract; the limit of messages is told."""
    opening = RawClient(server.port).open(WEBSOCKET).text()
    said = codec.decode(opening[1:])
    assert (said["pingInterval"], said["maxPayload"], said["upgrades"]) == (10_000, 16_384, [])
    status, (polled,) = PollingClient.get(PollingClient(server.port), POLLING)
    assert (status, codec.decode(polled[1:])["upgrades"]) == (200, ["websocket"])


@pytest.mark.parametrize(("settings", "route"), [({"ports": (5003, 7860)}, "5003"), ({"route_name": "b-2"}, "b-2")])
def test_session_ids_begin_with_the_route(start_server: StartServer, settings: dict[str, Any], route: str) -> None:
    """A load balancer finds the process of a session by them, also while it has only the first port to go by."""
    server = start_server(server=ServerSettings(**settings))
    clients = [PollingClient(server.port).join() for _ in range(2)]
    assert [client.sid.partition(".")[0] for client in clients] == [route, route]
    assert clients[0].sid != clients[1].sid
    assert set(server.engine.sockets) == {client.sid for client in clients}


def test_session_by_polling(server: LiveServer) -> None:
    """Broadcasts wait for the next poll, in order."""
    client = PollingClient(server.port).join()
    assert client.post('421["subscribe",{"channel":"crypto-prices"}]') == 200
    assert client.get()[1][-1].startswith('431[{"ok":true')
    for n in range(3):
        server.publish("crypto-prices", rows(n))
    assert [prices(text) for text in client.get()[1]] == [0, 1, 2]


def test_broadcast_ends_a_poll_that_waits(server: LiveServer) -> None:
    """It does not wait for the ping."""
    client = PollingClient(server.port).join()
    answers: list[Any] = []
    green.spawn(lambda: answers.append(client.get()))
    green.sleep(0.1)
    server.publish("crypto-prices", PRICES)
    wait_until(lambda: answers, "the poll was answered")
    assert [prices(text) for text in answers[0][1]] == [1.5]


def test_every_client_gets_every_broadcast_once(server: LiveServer) -> None:
    """Whatever its transport."""
    sockets = [joined(server.port) for _ in range(10)]
    for client in sockets:
        subscribe(client)
    pollers = [PollingClient(server.port).join() for _ in range(3)]
    for n in range(20):
        server.publish("crypto-prices", rows(n))
    for client in sockets:
        assert [prices(packet(client)) for _ in range(20)] == list(range(20))
    for poller in pollers:
        assert [prices(text) for text in poller.get()[1]] == list(range(20))


def test_unsubscription_stops_at_once(server: LiveServer) -> None:
    """Nothing of the channel comes after the acknowledgement."""
    client = joined(server.port)
    subscribe(client)
    emit(client, "unsubscribe", {"channel": "crypto-prices"}, 2)
    assert packet(client).startswith("432[")
    server.publish("crypto-prices", PRICES)
    emit(client, "ping", {}, 3)
    assert packet(client).startswith("433[")


# Upgrades


def test_upgrade_loses_and_doubles_nothing(server: LiveServer) -> None:
    """What is published before, during and after it arrives once and in order, over one transport or the other."""
    client = PollingClient(server.port).join()
    got: list[float] = []

    def poll() -> None:
        got.extend(prices(text) for text in client.get()[1] if text != "6")
        polls.append(True)

    polls: list[bool] = []
    server.publish("crypto-prices", rows(0))
    poll()
    green.spawn(poll)
    green.sleep(0.05)
    websocket = client.upgrade()
    server.publish("crypto-prices", rows(1))
    wait_until(lambda: len(polls) == 2, "the poll was answered although a WebSocket is open")
    green.spawn(poll)
    green.sleep(0.05)
    put(websocket, "2probe")
    assert websocket.text() == "3probe"
    wait_until(lambda: len(polls) == 3, "the poll was ended by the probe")
    for n in (2, 3, 4):
        server.publish("crypto-prices", rows(n))
    put(websocket, "5")
    server.publish("crypto-prices", rows(5))
    while len(got) < 6:
        text = packet(websocket)
        if text != "6":
            got.append(prices(text))
    server.publish("crypto-prices", rows(6))
    assert prices(packet(websocket)) == 6
    assert got == [0, 1, 2, 3, 4, 5]
    assert client.get()[0] == 400
    assert counted(server) == 1


def test_second_poll_at_the_same_time_ends_the_session(server: LiveServer) -> None:
    """As in the protocol's reference: one session could take all places for HTTP connections."""
    poller = PollingClient(server.port).join('{"defaults":false}')
    ended: list[int] = []
    for _ in range(5):
        green.spawn(lambda: ended.append(poller.get()[0]))
    wait_until(lambda: len(ended) == 5, "the end of all polls")
    assert sorted(ended) == [200, 400, 400, 400, 400]
    assert poller.get()[0] == 400


def test_poll_that_waits_when_the_upgrade_is_done_does_not_end_the_session(
    start_server: StartServer,
) -> None:
    """A client that sends probe and upgrade at once, without waiting for its poll, stays connected."""
    server = start_server(ping_interval_s=1, ping_timeout_s=1)
    client = PollingClient(server.port).join()
    polled: list[Any] = []
    green.spawn(lambda: polled.append(client.get()))
    green.sleep(0.05)
    websocket = client.upgrade()
    websocket.send(masked(TEXT, b"2probe") + masked(TEXT, b"5"))
    assert websocket.text() == "3probe"
    wait_until(lambda: polled, "the poll has ended")
    pings = 0
    while pings < 4:  # longer than interval and time-out together
        if websocket.text() == "2":
            put(websocket, "3")
            pings += 1
    server.publish("crypto-prices", PRICES)
    assert prices(packet(websocket)) == 1.5


@pytest.mark.parametrize("how", ["reset", "close", "leave"])
@pytest.mark.parametrize("probed", [False, True])
def test_aborted_upgrade_leaves_polling_alive(server: LiveServer, how: str, probed: bool) -> None:
    """Before or after the probe; what was published meanwhile comes by polling; a second upgrade may succeed."""
    client = PollingClient(server.port).join()
    websocket = client.upgrade()
    if probed:
        put(websocket, "2probe")
        assert websocket.text() == "3probe"
    server.publish("crypto-prices", PRICES)
    getattr(websocket, how)()
    wait_until(lambda: not server.connections.open, "the WebSocket is gone")
    assert [prices(text) for text in client.get()[1] if text != "6"] == [1.5]
    assert counted(server) == 1
    again = client.upgrade()
    put(again, "2probe")
    assert again.text() == "3probe"
    put(again, "5")
    server.publish("crypto-prices", rows(2))
    assert prices(next_of(again)) == 2


def test_upgrade_that_never_begins_is_ended(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A WebSocket on which nothing is said is closed after a while; polling goes on all the time."""
    monkeypatch.setattr(socketio_fanout, "UPGRADE_TIMEOUT_S", 0.5)
    client = PollingClient(server.port).join()
    websocket = client.upgrade()
    server.publish("crypto-prices", PRICES)
    assert [prices(text) for text in client.get()[1]] == [1.5]
    assert websocket.end() == 1008
    server.publish("crypto-prices", PRICES)
    assert [prices(text) for text in client.get()[1]] == [1.5]


@pytest.mark.parametrize("said", ["5", "2", "2prob", "40", "", "3probe", "x"])
def test_upgrade_without_the_probe_is_refused(server: LiveServer, said: str) -> None:
    """The WebSocket is closed; the session goes on polling."""
    client = PollingClient(server.port).join()
    websocket = client.upgrade()
    put(websocket, said)
    assert websocket.end() == 1002
    server.publish("crypto-prices", PRICES)
    assert prices(client.get()[1][-1]) == 1.5


def test_second_websocket_of_a_session_is_refused(server: LiveServer) -> None:
    """While an upgrade is under way and after it; neither harms the session."""
    client = PollingClient(server.port).join()
    websocket = client.upgrade()

    def try_again() -> int:
        with RawClient(server.port) as other:
            other.request(f"{WEBSOCKET}&sid={client.sid}")
            return other.answer().status

    assert try_again() == 400
    put(websocket, "2probe")
    websocket.text()
    assert try_again() == 400
    put(websocket, "5")
    server.publish("crypto-prices", PRICES)
    assert prices(next_of(websocket)) == 1.5
    assert try_again() == 400
    server.publish("crypto-prices", PRICES)
    assert prices(next_of(websocket)) == 1.5


@pytest.mark.parametrize(
    ("change", "status"),
    [({"Sec-WebSocket-Key": "x"}, 400), ({"Sec-WebSocket-Version": "7"}, 426), ({"Connection": "close"}, 400)],
    ids=str,
)
@pytest.mark.parametrize("is_upgrade", [False, True])
def test_bad_handshake_is_refused(
    server: LiveServer, change: dict[str, str], status: int, is_upgrade: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """As on the plain WebSocket; a session that polls is not harmed, a new one is not there."""
    client = PollingClient(server.port).join() if is_upgrade else None
    with RawClient(server.port) as raw:
        raw.request(WEBSOCKET + (f"&sid={client.sid}" if client else ""), headers=dict(change))
        answer = raw.answer()
    assert (answer.status, set(answer.json())) == (status, {"code", "message", "temporary"})
    assert "Traceback" not in caplog.text
    assert counted(server) == (1 if client else 0)
    if client:
        server.publish("crypto-prices", PRICES)
        assert prices(client.get()[1][-1]) == 1.5


def test_session_that_ends_during_an_upgrade_takes_the_websocket_along(server: LiveServer) -> None:
    """There is nothing to upgrade any more."""
    client = PollingClient(server.port).join()
    websocket = client.upgrade()
    client.post("1")
    assert websocket.end() == 1000
    server.wait_until_empty()
    assert counted(server) == 0


# Ends


def test_silent_client_is_closed_and_counted_out(start_server: StartServer) -> None:
    """One that does not answer pings, by WebSocket or polling."""
    server = start_server(ping_interval_s=1, ping_timeout_s=1)
    websocket = join(open_websocket(server.port))
    PollingClient(server.port).join()
    assert counted(server) == 2
    assert websocket.text() == "2"
    assert websocket.text() == "1"
    assert websocket.end() == 1000
    server.wait_until_empty()
    assert counted(server) == 0
    assert not server.socketio.server.manager.rooms


def test_client_that_answers_pings_stays(start_server: StartServer) -> None:
    """As long as it does."""
    server = start_server(ping_interval_s=1, ping_timeout_s=1)
    client = join(open_websocket(server.port))
    for _ in range(4):
        assert client.text() == "2"
        put(client, "3")
    emit(client, "ping", {}, 1)
    assert packet(client).startswith("431[")


def test_client_leaves_the_namespace(server: LiveServer) -> None:
    """It gets nothing more but keeps its connection, and may come back."""
    client = join(open_websocket(server.port))
    put(client, "41")
    wait_until(lambda: not server.socketio.server.manager.rooms, "it has left")
    server.publish("crypto-prices", PRICES)
    join(client)
    server.publish("crypto-prices", rows(2))
    assert prices(packet(client)) == 2
    assert counted(server) == 1


def test_client_closes_the_engine(server: LiveServer) -> None:
    """Then the WebSocket is closed, normally."""
    client = join(open_websocket(server.port))
    put(client, "1")
    assert client.end() == 1000
    server.wait_until_empty()
    assert counted(server) == 0


def test_client_closes_by_polling(server: LiveServer) -> None:
    """The session is gone at once."""
    client = PollingClient(server.port).join()
    assert client.post("1") == 200
    assert client.get()[0] == 400
    assert counted(server) == 0
    assert not server.engine.sockets


def test_server_disconnects_a_client(server: LiveServer) -> None:
    """From the namespace, by its sid."""
    client = open_websocket(server.port)
    put(client, "40")
    sid = codec.decode(client.text()[2:])["sid"]
    client.text(), client.text()
    server.socketio.server.disconnect(sid)
    assert packet(client) == "41"
    server.publish("crypto-prices", PRICES)
    assert client.silence()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_server_closes_a_session(server: LiveServer, transport: str) -> None:
    """Without waiting for a client that does not poll."""
    if transport == "websocket":
        websocket = join(open_websocket(server.port))
    else:
        PollingClient(server.port).join()
    (eio_sid,) = server.engine.sockets
    with green.deadline(5):
        server.engine.disconnect(eio_sid)
    if transport == "websocket":
        assert packet(websocket) == "1"
        assert websocket.end() == 1000
    server.wait_until_empty()
    assert counted(server) == 0


@pytest.mark.parametrize(
    ("stage", "how"),
    [
        ("request", "reset"),
        ("request", "close"),
        *(
            (stage, how)
            for stage in ("open", "joining", "joined", "subscribing")
            for how in ("reset", "close", "leave")
        ),
    ],
)
def test_vanishing_client_leaves_nothing(
    server: LiveServer, stage: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At whatever moment, and however: no room, no session, no place stays behind."""
    server.publish("crypto-prices", [{"symbol": "x" * 10_000, "price": 1}])
    for _ in range(10):
        if stage == "request":
            client = RawClient(server.port)
            client.request(WEBSOCKET)
        else:
            client = open_websocket(server.port)
        if stage == "joining":
            put(client, "40")
        elif stage in {"joined", "subscribing"}:
            join(client)
        if stage == "subscribing":
            put(client, '421["subscribe",{"channel":"crypto-prices"}]')
        getattr(client, how)()
    join(open_websocket(server.port)).leave()
    server.wait_until_empty()
    assert counted(server) == 0
    manager = server.socketio.server.manager
    assert not manager.rooms
    assert not manager.pending_connect
    assert not server.socketio.server.environ
    assert "Traceback" not in caplog.text


def test_reconnect_storm_comes_back_to_zero(server: LiveServer) -> None:
    """Each session is counted in once and out once, whatever its transport and end."""
    for n in range(60):
        kind = n % 4
        if kind == 0:
            join(open_websocket(server.port)).reset()
        elif kind == 1:
            put(join(open_websocket(server.port)), "1")
        elif kind == 2:
            PollingClient(server.port).join().post("1")
        else:
            client = PollingClient(server.port).join()
            websocket = client.upgrade()
            put(websocket, "2probe")
            websocket.text()
            put(websocket, "5")
            websocket.reset()
    server.wait_until_empty()
    assert counted(server) == 0
    assert not server.socketio.server.manager.rooms


# What a hostile client sends

MALFORMED = [
    "42[]", '42{"a":1}', "42", "4", "42[", "42nonsense", "4[1]", "4null", "4true", '4{"a":1}', "44",
    '44{"x":1}', "49[]", "4x",
    "x", "b", "bAAA", "b4", "é", "7", "2", "0", "6", "42" + "[" * 5000, "42" + "1" * 200 + '["ping"]',
    "430", '43[]', "43x[]", "40[", '451-["a"]', '450-["a"]', '45999999999-["a"]', '4599999999999-["a"]',
    '451-/,["a",{"_placeholder":true,"num":0}]', '461-["a"]', "²", "٣x",
]  # fmt: skip


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: text[:24])
def test_malformed_packet_ends_its_session_only(
    server: LiveServer, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With a code of ours, or a refusal by polling; without a traceback, and nobody else notices."""
    watcher = joined(server.port)
    subscribe(watcher)
    client, poller = joined(server.port), PollingClient(server.port).join('{"defaults":false}')
    put(client, text)
    put(client, '4288["ping",{}]')
    frame = client.frame()
    if frame.opcode == CLOSE:
        assert frame.code in {1002, 1003}
    else:
        assert frame.payload.startswith(b"4388[") or frame.payload.startswith(b'42["error"')
    assert poller.post(text) in {200, 400}
    server.publish("crypto-prices", PRICES)
    assert prices(packet(watcher)) == 1.5
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "text",
    ["40/unknown,", "40/unknown", '42/unknown,["x"]', "41/unknown,", "40", "40null", '40"x"', "40[1]", "43999[1]",
     "430[]",
     '42["x"]', "42[1]", "42[null]", "42[[]]", '42["subscribe"]', '42["subscribe",{"channel":"x"},1,2,3]', '42"abc"',
     '4299999999999999999999["ping"]', '42["__class__"]', '40/?a=b,{"x":1}'],
)  # fmt: skip
def test_odd_packet_is_answered_or_ignored(server: LiveServer, text: str, caplog: pytest.LogCaptureFixture) -> None:
    """The session stays."""
    client = joined(server.port)
    put(client, text)
    emit(client, "ping", {"data": 5}, 77)
    while not (answer := packet(client)).startswith("4377["):
        assert answer.startswith(("44", "42[", "43", "40"))
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("depth", [10, 100, 250, 300, 400, 900, 2000, 8000])
def test_depth_of_a_message_is_survived(server: LiveServer, depth: int, caplog: pytest.LogCaptureFixture) -> None:
    """It is echoed or refused."""
    client = joined(server.port)
    put(client, '421["ping",{"data":' + "[" * depth + "]" * depth + "}]")
    frame = client.frame()
    assert frame.opcode == TEXT or frame.code == 1002
    assert "Traceback" not in caplog.text


def test_binary_messages_are_refused(server: LiveServer) -> None:
    """No event of ours has attachments; nothing is collected for them."""
    client = joined(server.port)
    client.send(masked(BINARY, b"\x00"))
    assert client.end() == 1003
    other = joined(server.port)
    put(other, '45999-["a"]')
    assert other.end() == 1003
    poller = PollingClient(server.port).join()
    poller.post("b" + base64.b64encode(b"x").decode())
    assert poller.get()[0] == 400
    assert not server.socketio.server._binary_packet


@pytest.mark.parametrize("body", [b"\xff\xfe", b"d=", b"d=4", b"", b"\x1e", b"\x1e" * 20, b"4\x1e" * 17, b"{}", b"d"])
def test_malformed_poll_bodies_are_refused(server: LiveServer, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """With an HTTP status, at once, without a traceback; the session is gone or as it was."""
    client = PollingClient(server.port).join()
    assert client.post(body) in {200, 400}
    assert client.post("1") in {200, 400}
    server.wait_until_empty()
    assert counted(server) == 0
    assert "Traceback" not in caplog.text


def test_too_large_messages_are_refused(server: LiveServer) -> None:
    """1009 over the WebSocket, over all fragments; 400 by polling."""
    client = joined(server.port)
    put(client, '421["ping",{"data":"' + "x" * 16_400 + '"}]')
    assert client.end() == 1009
    client = joined(server.port)
    client.send(masked(TEXT, b"4" * 9000, fin=False) + masked(CONTINUATION, b"4" * 9000))
    assert client.end() == 1009
    poller = PollingClient(server.port).join()
    assert poller.post("42" + "x" * 17_000) == 400


@pytest.mark.parametrize("text", ["42[1]", "40", "41", "40/unknown,", '42["disconnect"]'])
def test_flood_is_ended(start_server: StartServer, text: str) -> None:
    """Whatever it consists of."""
    server = start_server(edge=EdgeSettings(messages_per_second=1, message_burst=10))
    client = joined(server.port)
    client.send(masked(TEXT, text.encode()) * 60)
    assert client.end() == 1008
    client.reset()  # it would be waited for, a few seconds
    server.wait_until_empty()
    assert counted(server) == 0


def test_flood_by_polling_is_ended(start_server: StartServer) -> None:
    """The session ends."""
    server = start_server(edge=EdgeSettings(messages_per_second=1, message_burst=10))
    client = PollingClient(server.port).join()
    statuses = [client.post(*["42[1]"] * 16) for _ in range(4)]
    assert statuses[0] == 200
    assert statuses[-1] == 400
    assert counted(server) == 0


def test_flood_is_told_then_closed(start_server: StartServer) -> None:
    """The acknowledgement says why and when to try again; who goes on is closed with 1008."""
    server = start_server(edge=EdgeSettings(messages_per_second=0.1, message_burst=10))
    client = joined(server.port)
    for n in range(30):
        emit(client, "ping", {}, n)
    said: list[str] = []
    while (frame := client.frame()).opcode == TEXT:
        said.append(frame.payload.decode())
    assert frame.code == 1008
    acks = [codec.decode(text[text.index("[") :])[0] for text in said if text.startswith("43")]
    assert [ack["ok"] for ack in acks] == [True] * 9 + [False] * 10
    assert all(ack["code"] == "rate_limited" and ack["retry_after_s"] > 0 for ack in acks[9:])


@pytest.mark.parametrize("text", ["3", "43[1]", "2"])
def test_packets_around_the_messages_cost_as_well(start_server: StartServer, text: str) -> None:
    """Also the answer to a ping, when there was none."""
    server = start_server(edge=EdgeSettings(messages_per_second=0.1, message_burst=10))
    client = joined(server.port)
    client.send(masked(TEXT, text.encode()) * 30)
    assert client.end() in {1008, 1002}
    poller = PollingClient(server.port).join()
    statuses = [poller.post(*[text] * 10) for _ in range(3)]
    assert statuses[-1] == 400
    client.reset()
    server.wait_until_empty()


def test_answer_to_a_ping_counts_without_a_token(start_server: StartServer) -> None:
    """A client that has to wait until it has paid is not taken for dead meanwhile."""
    server = start_server(
        edge=EdgeSettings(messages_per_second=0.01, message_burst=2), ping_interval_s=0.3, ping_timeout_s=0.6
    )
    client = joined(server.port)
    emit(client, "ping", {}, 1)
    assert packet(client).startswith("431[")
    for _ in range(5):
        assert client.text() == "2"
        put(client, "3")
    assert counted(server) == 1


def test_answers_are_paid_by_their_bytes(start_server: StartServer) -> None:
    """Snapshots as well, over both transports."""
    server = start_server(edge=EdgeSettings(messages_per_second=0.1, message_burst=40))
    server.publish("news", {"text": "x" * 100_000})
    client = joined(server.port)
    for n in range(4):
        emit(client, "subscribe" if n % 2 == 0 else "unsubscribe", {"channel": "news"}, n)
    said = [packet(client) for _ in range(7)]
    assert [text[:3] for text in said] == ["42[", "430", "431", "42[", "432", "42[", "433"]
    assert '"code":"rate_limited"' in said[-1]
    poller = PollingClient(server.port).join()
    for n in range(4):
        poller.post(f'42{n}["{"subscribe" if n % 2 == 0 else "unsubscribe"}",{{"channel":"news"}}]')
    polled = [text for _ in range(1) for text in poller.get()[1]]
    assert [text[:3] for text in polled] == ["42[", "430", "431", "42[", "432", "42[", "433"]
    assert '"code":"rate_limited"' in polled[-1]


def test_unread_snapshots_are_replaced(server: LiveServer) -> None:
    """Over the WebSocket they wait as broadcasts do, and are forgotten with the subscription."""
    for n in range(3):
        server.publish("news", {"text": "x" * 120_000, "n": n})
    clients = [joined(server.port, receive_buffer=4096) for _ in range(2)]
    for client in clients:
        for _ in range(2):
            emit(client, "subscribe", {"channel": "news"}, 1)
            emit(client, "unsubscribe", {"channel": "news"}, 2)
    wait_until(lambda: server.connections.received == 2 * 5, "all were read")
    assert all(not connection._slots for connection in server.connections.stalled)
    for client in clients:
        emit(client, "subscribe", {"channel": "news"}, 3)
    wait_until(lambda: server.connections.received == 2 * 6, "all were read")
    first, second = server.connections.stalled
    assert first._slots is not None
    assert second._slots is not None
    assert first._slots["news"] is second._slots["news"]
    assert server.connections.queued_bytes < 10_000


def test_publication_is_encoded_once_for_all(server: LiveServer) -> None:
    """For broadcasts, for snapshots, and for polls."""
    server.publish("news", {"n": 1})
    clients = [joined(server.port) for _ in range(2)]
    for client in clients:
        subscribe(client, "news")
    manager = server.socketio.server.manager
    snapshot = manager._newest["news"]
    subscribe(joined(server.port), "news")
    assert manager._newest["news"] is snapshot
    server.publish("news", {"n": 2})
    assert codec.decode(packet(clients[0])[2:])[1]["data"] == {"n": 2}
    broadcast = manager._newest["news"]
    subscribe(joined(server.port), "news")
    assert manager._newest["news"] is broadcast


def test_what_waits_for_polls_counts_with_the_rest(server: LiveServer) -> None:
    """And is not counted any more when it was polled, or the session has ended or moved to a WebSocket."""
    polled, ended, upgraded = [PollingClient(server.port).join() for _ in range(3)]
    assert server.connections.queued_bytes == 0
    server.publish("crypto-prices", [{"symbol": "x" * 10_000, "price": 1}])
    assert 30_000 < server.connections.queued_bytes < 31_000
    assert len(server.connections.polled) == 3
    polled.get()
    ended.post("1")
    websocket = upgraded.upgrade()
    put(websocket, "2probe")
    put(websocket, "5")
    while not websocket.text().startswith("42["):
        pass
    assert server.connections.queued_bytes == 0
    assert not server.connections.polled


def test_fullest_poll_is_given_up_when_it_is_too_much_together(server: LiveServer) -> None:
    """Among all that waits in the process."""
    server.connections.limits = WireLimits(max_queued_bytes_together=50_000)
    clients = [PollingClient(server.port).join() for _ in range(3)]
    assert clients[0].post('421["ping",{"data":"' + "x" * 12_000 + '"}]') == 200
    server.publish("crypto-prices", [{"symbol": "x" * 15_000, "price": 1}])
    assert server.connections.queued_bytes < 50_000
    assert [client.post("3") for client in clients] == [400, 200, 200]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_request_is_not_kept(server: LiveServer, transport: str) -> None:
    """Its headers would stay in memory as long as the client is connected."""
    headers = {f"X-Filler-{n}": "x" * 1000 for n in range(20)} | {"User-Agent": "y" * 5000}
    if transport == "polling":
        PollingClient(server.port, **headers)
    else:
        RawClient(server.port).open(WEBSOCKET, **headers).text()
    (environ,) = server.socketio.server.environ.values()
    assert environ["HTTP_USER_AGENT"].startswith("yyy")
    assert len(repr({name: value for name, value in environ.items() if isinstance(value, str)})) < 2000
    assert set(environ) <= set(socketio_fanout.KEPT_ENVIRON)


def test_client_that_does_not_poll_is_ended_before_it_takes_much_memory(start_server: StartServer) -> None:
    """Although it answers pings that it has never read."""
    server = start_server(edge=EdgeSettings(max_queued_bytes=65_536))
    client = PollingClient(server.port).join()
    (socket,) = server.engine.sockets.values()
    for n in range(20):
        server.publish("crypto-prices", [{"symbol": "x" * 10_000, "price": n}])
        client.post("3")
    assert counted(server) == 0
    assert not server.engine.sockets
    assert socket.queue.qsize() < 10


def test_garbage_collects_nothing_of_a_session_without_a_namespace(server: LiveServer) -> None:
    """A client that never says 40 is pinged and counted like any other, and leaves nothing."""
    open_websocket(server.port).reset()
    PollingClient(server.port).post("1")
    server.wait_until_empty()
    assert counted(server) == 0
    assert not server.socketio.server.environ


def test_same_origin_may_connect_although_others_are_listed(start_server: StartServer) -> None:
    """The library's own check knows only the list."""
    server = start_server(server=ServerSettings(allowed_origins=("https://exchange.example",)))
    origin = f"http://127.0.0.1:{server.port}"
    client = PollingClient(server.port, Origin=origin).join()
    reply = get(f"http://127.0.0.1:{server.port}/socket.io/", Origin=origin)
    assert reply.status == 400  # no version of the protocol, not the origin
    assert client.post("1") == 200
    assert RawClient(server.port).open(WEBSOCKET, Origin=origin).text().startswith("0")


@pytest.mark.parametrize("event", ["connect", "disconnect"])
def test_names_of_the_library_are_unknown_events(server: LiveServer, event: str) -> None:
    """A client's event of that name is no connection and no end of one: nothing is greeted, joined or reset."""
    client = joined(server.port)
    emit(client, event, {}, 1)
    assert packet(client).startswith('42["error",{"code":"bad_request"')
    assert packet(client).startswith('431[{"ok":false,')
    server.publish("crypto-prices", [])
    emit(client, "ping", {"data": 1}, 2)
    assert packet(client).startswith('432[{"ok":true,')
