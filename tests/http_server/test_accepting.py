"""Accepting goes on, whatever the system says and however many come."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.http_server import ServerInThisProcess
from tests.support.processes import wait_until
from websocket import green
from websocket.http_server.places import GRACE_S, PlaceLimits

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Made = Callable[..., ServerInThisProcess]


def hello(_environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    """Answers everything alike."""
    start("200 OK", [("Content-Length", "5")])
    return [b"hello"]


@pytest.fixture
def make_any() -> Iterator[Made]:
    made: list[ServerInThisProcess] = []

    def make(app: Any, **options: Any) -> ServerInThisProcess:
        made.append(ServerInThisProcess(app, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def make(make_any: Made) -> Made:
    return lambda **options: make_any(hello, **options)


def connect(server: ServerInThisProcess) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port))
    client.settimeout(20)
    return client


def status(client: socket.socket, *, sends: bytes = GET) -> int | None:
    """Of one request; None when the connection is closed instead."""
    try:
        client.sendall(sends)
        answer = client.recv(4096)
    except ConnectionError:
        return None
    return int(answer.split()[1]) if answer else None


@pytest.mark.parametrize("kind", ["idle after an answer", "silent"])
def test_idle_connections_never_keep_others_out(make: Made, kind: str) -> None:
    """Many times as many as there are places."""
    server = make(places=PlaceLimits(total=20, http=20, http_per_address=20))
    idle = []
    for _ in range(100):
        client = connect(server)
        idle.append(client)
        if kind == "idle after an answer":
            assert status(client) == 200
    if kind == "silent":
        # a newcomer may be told to come back, at once; it is not kept waiting
        with connect(server) as newcomer:
            assert status(newcomer) in {200, 503}
        green.sleep(1.1)
    with connect(server) as newcomer:
        assert status(newcomer) == 200
    assert len(server.places) <= 20
    for client in idle:
        client.close()


def test_polls_that_take_every_place_give_way(make_any: Callable[..., ServerInThisProcess]) -> None:
    """One that has waited for long; its application has not noticed yet."""
    is_over = green.Event()

    def polls(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"] == "/poll":
            is_over.wait(60)
        return hello(environ, start)

    server = make_any(polls, places=PlaceLimits(total=5, http=5, http_per_address=5))
    pollers = [connect(server) for _ in range(5)]
    for poller in pollers:
        poller.sendall(b"GET /poll HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: server.places.counts.accepted == 5, "all polls")
    green.sleep(GRACE_S + 0.1)
    with connect(server) as newcomer:
        assert status(newcomer) == 200
    assert server.places.counts.evicted == {"application": 1}
    is_over.set()
    assert sorted(poller.recv(100)[:12] for poller in pollers) == [b"", *[b"HTTP/1.1 200"] * 4]
    wait_until(lambda: len(server.places) == 4, "the end of the one that gave way")


def test_no_place_is_said_at_once(make: Made) -> None:
    """With 503 in the shape of every error, and when to come back."""
    server = make(places=PlaceLimits(total=1, http=1, http_per_address=1), websockets=lambda: 1)
    with connect(server) as client:
        client.sendall(GET)
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 5\r\n" in answer
    assert b'"temporary":true' in answer
    assert server.places.counts.refused == {"full": 1}


class FailingListener:
    """Its ``accept`` fails as the system may, then works."""

    def __init__(self, real: socket.socket, failures: list[int]) -> None:
        self._real = real
        self.failures = failures

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures:
            number = self.failures.pop()
            raise OSError(number, os.strerror(number))
        return self._real.accept()

    def fileno(self) -> int:
        return self._real.fileno()

    def setblocking(self, is_blocking: bool) -> None:
        self._real.setblocking(is_blocking)


class BrokenListener(FailingListener):
    """Its ``accept`` never works again."""

    def accept(self) -> tuple[socket.socket, Any]:
        raise OSError(errno.EINVAL, "broken")


@pytest.mark.parametrize(
    "number", [errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM]
)
def test_accepting_survives_what_accept_may_fail_with(make: Made, number: int) -> None:
    server = make()
    second = green.listen("127.0.0.1", 0)
    failing = FailingListener(green.real_socket(second), [number] * 3)
    server.server.start(failing)
    with socket.create_connection(second.getsockname()) as client:
        client.settimeout(20)
        wait_until(lambda: not failing.failures, "the failures")
        # with a short supply of descriptors it may have been told to come back
        assert status(client) in {200, 503, None}
    with socket.create_connection(second.getsockname()) as client:
        client.settimeout(20)
        assert status(client) == 200
    server.server.stop()
    second.close()


def test_listener_that_fails_for_ever_holds_nobody_up(make: Made) -> None:
    """The other port is served meanwhile."""
    server = make()
    second = green.listen("127.0.0.1", 0)
    server.server.start(BrokenListener(green.real_socket(second), []))
    with connect(server) as client:
        assert status(client) == 200
    server.server.stop()
    second.close()


def test_accepting_goes_on_after_descriptors_have_run_out(make: Made) -> None:
    """Those who come meanwhile are refused rather than left to wait."""
    server = make()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    clients = [socket.socket() for _ in range(10)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 500), hard))
    others: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                others.append(os.open(os.devnull, os.O_RDONLY))
        for client in clients:
            client.settimeout(20)
            client.connect(("127.0.0.1", server.port))
        wait_until(lambda: server.places.counts.refused["descriptors"] > 0, "the first refusal")
    finally:
        for other in others:
            os.close(other)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for client in clients:
        client.close()
    with connect(server) as client:
        assert status(client) == 200
