"""What goes over the wire is counted: broadcasts where they are fanned out, everything else where it is sent."""

from __future__ import annotations

from tests.support.processes import wait_until
from tests.transports.engine_client import PollingClient, emit, join, joined, open_websocket, packet, put
from tests.transports.live_server import LiveServer
from websocket.transports.json_session import update_frame


def test_broadcasts_count_for_each_connection(server: LiveServer) -> None:
    """By protocol; whoever is not subscribed has no part in it."""
    plain = [server.connect("/ws/news") for _ in range(3)]
    for client in plain:
        client.hear_type("subscription_confirmed")
    idle = server.connect("/ws"), joined(server.port)
    idle[0].hear_type("welcome")
    socketio = joined(server.port)
    emit(socketio, "subscribe", {"channel": "news"}, 1)
    packet(socketio)
    manager = server.socketio.server.manager
    wait_until(lambda: server.namespace.count("news") == 1, "the subscription")
    server.publish("news")
    plain[0].hear_type("update")
    packet(socketio)
    last = server.broker.last("news")
    assert last is not None
    assert server.hub.traffic.frames == 3
    assert server.hub.traffic.bytes == 3 * len(update_frame(last))
    assert manager.traffic.frames == 1
    assert manager.traffic.bytes > len(last.body)
    server.publish("news")
    wait_until(lambda: server.hub.traffic.frames == 6, "the second broadcast")


def test_answers_and_messages_are_counted(server: LiveServer) -> None:
    """With their bytes."""
    client = server.connect("/ws")
    client.hear_type("welcome")
    connections = server.connections
    pushed, pushed_bytes, received, received_bytes = (
        connections.pushed,
        connections.pushed_bytes,
        connections.received,
        connections.received_bytes,
    )
    assert pushed == 3, "the handshake, and two messages"
    for _ in range(5):
        assert client.ask({"action": "ping"})["type"] == "pong"
    assert (connections.pushed - pushed, connections.received - received) == (5, 5)
    assert connections.pushed_bytes - pushed_bytes > 5 * len('{"type":"pong"}')
    assert connections.received_bytes - received_bytes > 5 * len('{"action": "ping"}')


def test_clients_by_transport(server: LiveServer) -> None:
    """A client that polls is none of the WebSockets until it has upgraded."""
    manager = server.socketio.server.manager
    assert manager.transports() == {"websocket": 0, "polling": 0}
    polling = PollingClient(server.port).join()
    plain, _socketio = server.connect("/ws"), joined(server.port)
    plain.hear_type("welcome")
    assert manager.transports() == {"websocket": 1, "polling": 1}
    assert server.websockets.clients == 1
    upgraded = polling.upgrade()
    put(upgraded, "2probe")
    assert packet(upgraded) == "3probe"
    put(upgraded, "5")
    wait_until(lambda: manager.transports() == {"websocket": 2, "polling": 0}, "the upgrade")


def test_default_room_counts_as_its_channel(server: LiveServer) -> None:
    """Clients that never said what they want get the prices."""
    _other, client = join(open_websocket(server.port)), join(open_websocket(server.port))
    wait_until(lambda: server.namespace.count("crypto-prices") == 2, "both clients")
    emit(client, "subscribe", {"channel": "crypto-prices"}, 1)
    packet(client)
    assert server.namespace.count("crypto-prices") == 2
    emit(client, "unsubscribe", {"channel": "crypto-prices"}, 2)
    packet(client)
    wait_until(lambda: server.namespace.count("crypto-prices") == 1, "the end of the subscription")
