"""What hostile clients do, each from a process of its own: ``python -m attacks.attackers NAME PORT SECONDS``.

All of it goes to the loopback interface, and ends by itself.
"""

from __future__ import annotations

import itertools
import os
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable, Sequence

LOOPBACK = "127.0.0.1"

GET = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = (
    b"GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
SOCKETIO = b"/socket.io/?EIO=4&transport=websocket"
POLLING = b"/socket.io/?EIO=4&transport=polling"

TEXT, PING, PONG = 1, 9, 10

DEAR_ROUTES = (
    *(b"/docs", b"/docs/asyncapi.json", b"/docs/openapi.json", b"/metrics", b"/ws/stats", b"/ws/services"),
    *(b"/health", b"/api/prices", b"/dashboard", b"/api/history/BTC?interval=raw", b"/api/news?q=bitcoin"),
)

HOSTILE_REQUESTS = (
    b"GET /api/news?q=\xe9 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/news?q=%E9 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/history/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
)


class Crowd:
    """Many connections of one attacker, none of which waits for another.

    Args:
        port: of the service.
        until: when to stop, monotonic seconds.
    """

    def __init__(self, port: int, until: float) -> None:
        self._port = port
        self._until = until
        self.sockets: list[socket.socket] = []

    @property
    def goes_on(self) -> bool:
        """False when the time is over."""
        return time.monotonic() < self._until

    def connect(self, says: bytes = b"", *, receive_buffer: int | None = None) -> socket.socket | None:
        """One more connection that has said something; None when it was not let in."""
        sock = socket.socket()
        sock.settimeout(2)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            sock.connect((LOOPBACK, self._port))
            sock.sendall(says)
        except OSError:
            sock.close()
            return None
        sock.setblocking(False)
        self.sockets.append(sock)
        return sock

    def keep(self, most: int) -> None:
        """Closes the oldest until so many are left."""
        while len(self.sockets) > most:
            self.sockets.pop(0).close()

    def send(self, sock: socket.socket, data: bytes) -> bool:
        """Sends what the kernel takes; False, and it is forgotten, when the service has ended the connection."""
        try:
            sock.send(data)
        except BlockingIOError:
            return True
        except OSError:
            self._forget(sock)
            return False
        return True

    def read(self) -> None:
        """Reads and drops what has come."""
        with selectors.DefaultSelector() as selector:
            for sock in self.sockets:
                selector.register(sock, selectors.EVENT_READ)
            readable = {key.fd for key, _ in selector.select(0.01)}
            for sock in [sock for sock in self.sockets if sock.fileno() in readable]:
                try:
                    if not sock.recv(262_144):
                        self._forget(sock)
                except BlockingIOError:
                    continue
                except OSError:
                    self._forget(sock)

    def at_rate(self, per_second: float) -> Iterable[int]:
        """Numbers from 0, so many a second, until the time is over."""
        began_at = time.monotonic()
        for number in itertools.count():
            pause = began_at + number / per_second - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            if not self.goes_on:
                return
            yield number

    def _forget(self, sock: socket.socket) -> None:
        sock.close()
        if sock in self.sockets:
            self.sockets.remove(sock)


def frame(opcode: int, payload: bytes = b"", *, final: bool = True) -> bytes:
    """A masked frame; the mask is of zeros, so that it costs the attacker nothing."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
    return bytes([(0x80 if final else 0) | opcode]) + length + bytes(4) + payload


IN_AND_OUT = b"".join(
    frame(TEXT, b'{"action":"%s","service":"all"}' % action) for action in (b"subscribe", b"unsubscribe")
)
"""Subscribes to everything, and unsubscribes again."""


def idle_connections(crowd: Crowd) -> None:
    """800 a second ask once and stay."""
    for _ in crowd.at_rate(800):
        crowd.connect(GET % b"/health/live")
        crowd.keep(4000)


def silent_connections(crowd: Crowd) -> None:
    """800 a second say nothing at all."""
    for _ in crowd.at_rate(800):
        crowd.connect()
        crowd.keep(4000)


def slow_bodies(crowd: Crowd) -> None:
    """500 send a byte of their body every other second."""
    head = b"POST %s&sid=x HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n" % POLLING
    while crowd.goes_on:
        while len(crowd.sockets) < 500 and crowd.goes_on:
            if not crowd.connect(head):
                break
        for sock in list(crowd.sockets):
            crowd.send(sock, b"x")
        time.sleep(2)


def slow_readers(crowd: Crowd) -> None:
    """300 ask for long answers and do not read them."""
    while crowd.goes_on:
        while len(crowd.sockets) < 300 and crowd.goes_on:
            if not crowd.connect((GET % b"/docs/asyncapi.json") * 20, receive_buffer=4096):
                break
        time.sleep(1)
        for sock in list(crowd.sockets):
            crowd.send(sock, GET % b"/docs")


def control_frames(crowd: Crowd) -> None:
    """20 send pings, pongs and empty fragments as fast as they can, and connect again when they are closed."""
    flood = (frame(PING) + frame(PONG) + frame(TEXT, final=False) + frame(0)) * 100
    _flood(crowd, b"/ws", [flood])


def engine_packets(crowd: Crowd) -> None:
    """The same with Engine.IO's pongs."""
    _flood(crowd, SOCKETIO, [frame(TEXT, b"3") * 400])


def subscriptions(crowd: Crowd) -> None:
    """30 subscribe to everything and unsubscribe, again and again, and read what comes."""
    _flood(crowd, b"/ws", [IN_AND_OUT], clients=30, per_second=10)


def unread_subscriptions(crowd: Crowd) -> None:
    """300 do the same and never read."""
    while crowd.goes_on:
        while len(crowd.sockets) < 300 and crowd.goes_on:
            if not crowd.connect(UPGRADE % b"/ws", receive_buffer=4096):
                break
        for sock in list(crowd.sockets):
            crowd.send(sock, IN_AND_OUT)
        time.sleep(0.2)


def polling_sessions(crowd: Crowd) -> None:
    """New sessions with as many headers as are let in, which stay."""
    headers = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 900) for number in range(30))
    for _ in crowd.at_rate(100):
        crowd.connect(b"GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (POLLING, headers))
        crowd.keep(1000)


def dear_routes(crowd: Crowd) -> None:
    """Eight ask for the dearest routes in a loop."""
    _ask_in_a_loop(crowd, [GET % path for path in DEAR_ROUTES], clients=8)


def heads(crowd: Crowd) -> None:
    """Eight send HEAD requests to what answers outside of Flask."""
    _ask_in_a_loop(crowd, [b"HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in (b"/ws", POLLING)], clients=8)


def hostile_requests(crowd: Crowd) -> None:
    """500 a second are no requests, or bytes where text was expected."""
    requests = itertools.cycle(HOSTILE_REQUESTS)
    for _ in crowd.at_rate(500):
        crowd.connect(next(requests))
        crowd.keep(50)


def huge_bodies(crowd: Crowd) -> None:
    """50 send bodies of a gigabyte."""
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n" % POLLING
    while crowd.goes_on:
        while len(crowd.sockets) < 50 and crowd.connect(head):
            pass
        for sock in list(crowd.sockets):
            crowd.send(sock, b"x" * 65536)


def archive_searches(crowd: Crowd) -> None:
    """Six search the archive in a loop."""
    paths = (b"/api/news?q=the&limit=1000", b"/api/whales?limit=1000", b"/api/history/ETH?interval=raw")
    _ask_in_a_loop(crowd, [GET % path for path in paths], clients=6)


def _ask_in_a_loop(crowd: Crowd, requests: Sequence[bytes], *, clients: int) -> None:
    in_turn = itertools.cycle(requests)
    while crowd.goes_on:
        while len(crowd.sockets) < clients and crowd.connect(next(in_turn)):
            pass
        crowd.read()
        for sock in list(crowd.sockets):
            crowd.send(sock, next(in_turn))


def _flood(
    crowd: Crowd, path: bytes, said: Sequence[bytes], *, clients: int = 20, per_second: float | None = None
) -> None:
    pause = 0.0 if per_second is None else 1 / per_second
    while crowd.goes_on:
        while len(crowd.sockets) < clients and crowd.connect(UPGRADE % path):
            pass
        crowd.read()
        for sock in list(crowd.sockets):
            for data in said:
                crowd.send(sock, data)
        time.sleep(pause)


ATTACKS: dict[str, Callable[[Crowd], None]] = {
    attack.__name__: attack
    for attack in (
        *(idle_connections, silent_connections, slow_bodies, slow_readers, control_frames, engine_packets),
        *(subscriptions, unread_subscriptions, polling_sessions, dear_routes, heads, hostile_requests, huge_bodies),
        archive_searches,
    )
}


def main(name: str, port: int, seconds: float) -> None:
    """Plays one attack, and closes all that is open."""
    crowd = Crowd(port, time.monotonic() + seconds)
    ATTACKS[name](crowd)
    crowd.keep(0)


if __name__ == "__main__":
    os.nice(5)  # the attacker is another machine; here it must not take the processor of the one that is measured
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
