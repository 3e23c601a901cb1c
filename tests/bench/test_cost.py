"""What a broadcast and a connection cost, counted and not timed, so that a slow machine finds the same."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import greenlet  # type: ignore[import-untyped]
import pytest

from tests.support.processes import wait_until
from tests.transports.live_server import LiveServer
from websocket import green
from websocket.hub import OFFERS_PER_TURN

CHANNEL = "market_data"
CLIENTS = 100
PROTOCOLS = ("plain", "socketio")
PAYLOAD = {"status": "live", "reason": None, "prices": {f"coin-{number}": number * 1.5 for number in range(100)}}

ALLOCATED_PER_CLIENT = 100
"""Bytes at the peak of a broadcast, beside what does not grow with the clients; lists and dictionaries of them."""

TRACKED_PER_CONNECTION = {"plain": 34, "socketio": 46}
"""Objects that the garbage collector has to visit; 29 and 39 when this was written."""


class Counter:
    """Calls another function, and counts."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.calls = 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        return self._function(*args)


class NotSearched(dict[str, Any]):
    """The rooms of a namespace, of which every client has one: nobody may go through all of them."""

    def items(self) -> Any:
        raise AssertionError("all rooms were searched")

    def copy(self) -> Any:
        raise AssertionError("all rooms were searched")


@pytest.fixture
def server() -> Iterator[LiveServer]:
    """A server whose clients are not pinged while a test counts."""
    live = LiveServer(ping_interval_s=3600, clock=lambda: 0.0)
    yield live
    live.stop()


@contextlib.contextmanager
def clients(server: LiveServer, protocol: str, count: int) -> Iterator[None]:
    """So many subscribed clients more, in another process."""
    program = Path(__file__).with_name("idle_clients.py")
    before = subscribed(server, protocol)
    process = subprocess.Popen([sys.executable, str(program), str(server.port), str(count), protocol])
    try:
        wait_until(lambda: subscribed(server, protocol) == before + count, "everybody is subscribed")
        yield
    finally:
        process.kill()
        process.wait()
        wait_until(lambda: subscribed(server, protocol) == before, "they have left")


def subscribed(server: LiveServer, protocol: str) -> int:
    """How many clients get the channel."""
    if protocol == "plain":
        return server.hub.count(CHANNEL)
    return len(server.socketio.server.manager.rooms.get("/", {}).get(CHANNEL, ()))


def green_threads() -> int:
    """Green threads that have not ended."""
    gc.collect()
    return sum(isinstance(one, greenlet.greenlet) and not one.dead for one in gc.get_objects())


def broadcast(server: LiveServer) -> None:
    """Publishes, and returns when everybody was offered it."""
    server.publish(CHANNEL, PAYLOAD)
    green.sleep(0.01)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_broadcast_is_one_send_for_each_client_and_starts_one_green_thread(
    server: LiveServer, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clients(server, protocol, CLIENTS):
        broadcast(server)
        sends = []
        for connection in server.connections.open:
            connection._send = Counter(connection._send)
            sends.append(connection._send)
        spawn, start = Counter(green.spawn), Counter(green.start)
        monkeypatch.setattr(green, "spawn", spawn)
        monkeypatch.setattr(green, "start", start)
        for _ in range(3):
            broadcast(server)
        assert [send.calls for send in sends] == [3] * CLIENTS
        assert spawn.calls + start.calls == 3


def allocated_by_a_broadcast(server: LiveServer) -> int:
    """Bytes at its peak, above what was there before."""
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    broadcast(server)
    return tracemalloc.get_traced_memory()[1] - before


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_a_broadcast_allocates_hardly_grows_with_the_clients(server: LiveServer, protocol: str) -> None:
    few, many = 20, 420
    assert many < OFFERS_PER_TURN
    peaks = []
    for count in (few, many):
        with clients(server, protocol, count):
            broadcast(server)
            tracemalloc.start()
            try:
                broadcast(server)
                # the least of some: what else runs in the process may allocate meanwhile
                peaks.append(min(allocated_by_a_broadcast(server) for _ in range(5)))
            finally:
                tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / (many - few) < ALLOCATED_PER_CLIENT


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_broadcast_leaves_nothing_for_the_garbage_collector(server: LiveServer, protocol: str) -> None:
    with clients(server, protocol, CLIENTS):
        broadcast(server)
        gc.collect()
        gc.disable()
        try:
            before = len(gc.get_objects())
            for _ in range(10):
                broadcast(server)
            # the broker keeps the publications themselves
            assert len(gc.get_objects()) - before < CLIENTS
        finally:
            gc.enable()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_idle_connection_has_few_objects_and_no_green_thread(server: LiveServer, protocol: str) -> None:
    with clients(server, protocol, 1):
        threads_before = green_threads()
        objects_before = len(gc.get_objects())
        with clients(server, protocol, CLIENTS):
            assert green_threads() <= threads_before  # those of earlier tests may end meanwhile
            assert (len(gc.get_objects()) - objects_before) / CLIENTS <= TRACKED_PER_CONNECTION[protocol]


def test_joining_and_leaving_do_not_look_into_the_room_of_every_other_client(
    server: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    with clients(server, "socketio", 2):
        rooms = server.socketio.server.manager.rooms
        rooms["/"] = NotSearched(rooms["/"])
        with clients(server, "socketio", 1):
            rooms_of_three = set(rooms["/"])
        assert len(rooms_of_three) == len(rooms["/"]) + 1
        assert not caplog.records
