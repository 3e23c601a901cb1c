"""A client that does not read: it costs a bounded amount, delays nobody, and is closed with 4008."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.processes import wait_until
from tests.transports.conftest import StartServer
from tests.transports.engine_client import emit, joined, packet
from tests.transports.live_server import LiveServer
from tests.wire.raw_client import PING, TEXT, RawClient, masked
from websocket import codec
from websocket.settings import EdgeSettings

TEXT_OF_AN_UPDATE = "x" * 20_000


class Clock:
    """Monotonic seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def follow(server: LiveServer, *, slow: bool = False, services: tuple[str, ...] = ("news",)) -> RawClient:
    """A subscriber; a slow one has a small buffer and is never read from by itself."""
    client = server.connect("/ws", receive_buffer=4096 if slow else None)
    client.hear_type("welcome")
    client.ask({"action": "subscribe", "services": list(services)})
    for _ in services[1:]:
        client.hear()
    return client


def publish_until_stalled(server: LiveServer, channel: str = "news") -> int:
    """Publishes more than the kernel takes for one who does not read; gives the last number."""
    for _ in range(1000):
        seq = server.publish(channel, {"text": TEXT_OF_AN_UPDATE})
        if server.connections.stalled and server.connections.merged > 20:
            return seq
    raise AssertionError("the kernel takes everything")


def test_slow_client_gets_the_newest_and_nobody_waits(server: LiveServer) -> None:
    """The fast one gets every update; the slow one, when it reads again, some old ones in order, then the newest."""
    fast, slow = follow(server), follow(server, slow=True)
    seen: list[int] = []
    for _ in range(200):
        last = server.publish("news", {"text": TEXT_OF_AN_UPDATE})
        seen.append(fast.hear()["seq"])
    assert seen == list(range(1, last + 1))
    late = [slow.hear()["seq"]]
    while late[-1] != last:
        late.append(slow.hear()["seq"])
    assert late == sorted(set(late))
    assert len(late) < 60
    assert server.publish("news") == slow.hear()["seq"]


def test_slow_client_keeps_one_slot_a_channel(server: LiveServer) -> None:
    """What waits for it does not grow with time."""
    services = ("news", "onchain", "sentiment")
    slow = follow(server, slow=True, services=services)
    for _ in range(100):
        for service in services:
            server.publish(service, {"text": TEXT_OF_AN_UPDATE})
    (connection,) = server.connections.stalled
    assert connection._slots is not None
    assert connection._queue is not None
    assert set(connection._slots) <= set(services)
    assert len(connection._queue) <= 1 + len(services)
    newest: dict[str, int] = {}
    while len(newest) < 3 or set(newest.values()) != {100}:
        update = slow.hear()
        assert update["seq"] > newest.get(update["service"], 0)
        newest[update["service"]] = update["seq"]


def test_answers_to_a_slow_client_are_never_replaced(server: LiveServer) -> None:
    """Each of its requests is answered, in order, although updates were left out."""
    slow = follow(server, slow=True)
    publish_until_stalled(server)
    for n in range(40):
        slow.say({"action": "ping", "req_id": n})
    wait_until(lambda: server.stats()["messages_received"] == 41, "all were read")
    answers: list[Any] = []
    while len(answers) < 40:
        message = slow.hear()
        if message["type"] == "pong":
            answers.append(message["req_id"])
    assert answers == list(range(40))


def test_unsubscription_of_a_slow_client_drops_what_waits(server: LiveServer) -> None:
    """After the confirmation nothing comes, and before it nothing that was not on its way."""
    slow = follow(server, slow=True)
    last = publish_until_stalled(server)
    slow.say({"action": "unsubscribe", "service": "news"})
    wait_until(lambda: server.hub.count("news") == 0, "it was read")
    while (message := slow.hear())["type"] == "update":
        assert message["seq"] < last
    assert message["type"] == "unsubscription_confirmed"
    server.publish("news")
    assert slow.ask({"action": "ping"})["type"] == "pong"


def test_client_that_takes_nothing_is_closed_with_4008(start_server: StartServer) -> None:
    """After its time, and is then counted out; one that takes something stays."""
    clock = Clock()
    server = start_server(clock=clock)
    stuck, slow = follow(server, slow=True), follow(server, slow=True)
    publish_until_stalled(server)
    wait_until(lambda: len(server.connections.stalled) == 2, "both are stalled")
    clock.now += 29
    before = max(connection.stalled_since for connection in server.connections.stalled)
    for _ in range(5):
        slow.hear()
    wait_until(
        lambda: any(connection.stalled_since > before for connection in server.connections.open), "it made progress"
    )
    clock.now += 2
    wait_until(lambda: server.connections.closing, "the sweeper came round")
    assert len(server.connections.closing) == 1
    assert stuck.end() == 4008
    wait_until(lambda: server.stats()["active_connections"] == 1, "it is counted out")
    assert server.stats()["closed"] == {"4008": 1}


def test_client_that_floods_and_never_reads_is_closed(start_server: StartServer) -> None:
    """Its answers pile up to a limit."""
    server = start_server(edge=EdgeSettings(max_queued_bytes=65_536, send_buffer_bytes=4096, message_burst=1000))
    client = follow(server, slow=True)
    publish_until_stalled(server)
    client.sock.settimeout(20)
    client.send(masked(PING, b"x" * 125) * 600)
    wait_until(lambda: server.connections.closing, "it was closed")
    assert client.end() == 4008


def test_slow_socketio_client_gets_the_newest(server: LiveServer) -> None:
    """The same over Socket.IO: the fast one gets all, the slow one the newest, and its acknowledgements."""
    fast, slow = joined(server.port), joined(server.port, receive_buffer=4096)
    for client in (fast, slow):
        emit(client, "subscribe", {"channel": "news"}, 1)
        assert packet(client).startswith("431[")
    for n in range(1, 201):
        server.publish("news", {"text": TEXT_OF_AN_UPDATE})
        assert codec.decode(packet(fast)[2:])[1]["seq"] == n
    emit(slow, "ping", {"data": "hello"}, 2)
    seen: list[int] = []
    is_answered = False
    while not is_answered or seen[-1] != 200:
        text = packet(slow)
        if text.startswith("432["):
            is_answered = True
        else:
            seen.append(codec.decode(text[2:])[1]["seq"])
    assert seen == sorted(set(seen))
    assert len(seen) < 60


@pytest.mark.parametrize("size", [10, 30_000, 200_000])
def test_frames_are_never_cut_by_others(server: LiveServer, size: int) -> None:
    """Pongs, answers and updates of several channels, to a client that reads in small pieces."""
    client = follow(server, slow=True, services=("news", "onchain"))
    said = 0
    for n in range(30):
        server.publish("news", {"text": "n" * size})
        client.send(masked(PING, b"%d" % n) + masked(TEXT, b'{"action":"ping","req_id":%d}' % n))
        server.publish("onchain", {"text": "o" * size})
    newest = {"news": 0, "onchain": 0}
    while said < 30 or set(newest.values()) != {30}:
        message = client.hear()  # fails on anything that is no whole frame with JSON
        if message["type"] == "pong":
            assert message["req_id"] == said
            said += 1
        else:
            assert message["seq"] > newest[message["service"]]
            assert set(message["data"]["text"]) == {message["service"][0]}
            newest[message["service"]] = message["seq"]
