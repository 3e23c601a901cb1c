"""A thousand clients that come and vanish leave nothing behind: no descriptor, no green thread, no memory."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import greenlet  # type: ignore[import-untyped]
import pytest

from tests.support.processes import wait_until
from tests.transports.engine_client import WEBSOCKET, PollingClient, join, open_websocket, put
from tests.transports.live_server import LiveServer
from tests.wire.raw_client import RawClient
from websocket.transports.json_session import JsonSession
from websocket.transports.socketio_fanout import EngineSession, FanoutSocket
from websocket.wire.connection import Connection

ROUNDS = 1000
BATCH = 50
KEPT = (Connection, JsonSession, EngineSession, FanoutSocket)


def open_descriptors() -> int:
    """Of this process, which is client and server."""
    return len(list(Path("/proc/self/fd").iterdir()))


def alive() -> Counter[str]:
    """Objects of a connection, and green threads that have not ended."""
    gc.collect()
    found = Counter(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, KEPT))
    found["greenlets"] = sum(isinstance(thing, greenlet.greenlet) and not thing.dead for thing in gc.get_objects())
    return found


def resident_kib() -> int:
    """Memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def plain(server: LiveServer, n: int) -> RawClient:
    """A subscriber of everything, or one that has not read its greeting."""
    client = server.connect("/ws/all" if n % 2 else "/ws")
    if n % 3:
        client.hear()
    return client


def socketio(server: LiveServer, n: int) -> RawClient:
    """In the namespace, or not yet, or after an upgrade that is under way or done."""
    if n % 10 < 8:
        client = open_websocket(server.port)
        return join(client) if n % 2 else client
    client = PollingClient(server.port).upgrade()
    put(client, "2probe")
    client.text()
    if n % 2:
        put(client, "5")
    return client


@pytest.mark.parametrize("connect", [plain, socketio], ids=["plain", "socketio"])
def test_thousand_clients_that_vanish_leave_nothing(
    server: LiveServer, connect: Callable[[LiveServer, int], RawClient], caplog: pytest.LogCaptureFixture
) -> None:
    """Half by RST, half by FIN, while publications go out."""

    def come_and_go(count: int) -> None:
        for start in range(0, count, BATCH):
            clients = [connect(server, n) for n in range(start, start + BATCH)]
            server.publish("news", {"text": "x" * 1000})
            server.publish("crypto-prices", [{"symbol": "BTC"}])
            for n, client in enumerate(clients):
                if n % 2:
                    client.reset()
                else:
                    client.close()
        for socket in list(server.engine.sockets.values()):
            if socket.connection is None:  # those whose upgrade was never done go on polling
                socket.close()
        server.wait_until_empty()
        # the server's own green threads for these connections end in the next turns of the loop
        wait_until(lambda: open_descriptors() <= descriptors, "descriptors are closed")

    descriptors = open_descriptors()
    come_and_go(2 * BATCH)  # what is made once and kept
    # sessions that are closed are forgotten by the pinger when their next ping would have been due
    server.engine.fanout.pinger._to_ping.clear()
    before, memory = alive(), resident_kib()
    come_and_go(ROUNDS)
    server.engine.fanout.pinger._to_ping.clear()
    server.engine.fanout.pinger._upgrades.clear()
    after = alive()
    # there may be fewer: others in this process end as well
    assert all(count <= before[kind] + 3 for kind, count in after.items()), (before, after)
    assert open_descriptors() <= descriptors
    assert resident_kib() - memory < 20_000
    stats = server.stats()
    assert (stats["active_connections"], stats["total_subscriptions"], stats["stalled_connections"]) == (0, 0, 0)
    assert server.edge._total == 0
    assert not server.edge._by_address
    assert not server.socketio.server.manager.rooms
    assert not server.socketio.server.environ
    assert "Traceback" not in caplog.text


def test_half_open_requests_leave_nothing(server: LiveServer) -> None:
    """Clients that vanish before, in and right after their request."""
    descriptors = open_descriptors()
    for n in range(300):
        client = RawClient(server.port)
        if n % 3 == 1:
            client.send(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgr")
        elif n % 3 == 2:
            client.request(WEBSOCKET if n % 2 else "/ws/all")
        if n % 2:
            client.reset()
        else:
            client.close()
    server.connect().leave()
    server.wait_until_empty()
    wait_until(lambda: open_descriptors() <= descriptors, "descriptors are closed")
    assert server.edge._total == 0
    assert server.stats()["total_subscriptions"] == 0
