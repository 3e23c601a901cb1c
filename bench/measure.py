"""The three measurements: idle connections, broadcasts, and broadcasts while some clients never read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers import REPOSITORY, SERVICE, Peer, Workshop, environ_for
from bench.processes import Load, Server, free_port

QUIET_INTERVAL_S = 3600.0
"""A server with this interval broadcasts nothing while it is measured."""

SETTLE_S = 2.0
IDLE_WINDOW_S = 10.0
"""As long as Socket.IO's interval of pings, so that each client is pinged once."""

IN_FLIGHT = 40
"""Handshakes under way at a time."""

STALL_WINDOW_S = 60.0
SAMPLE_INTERVAL_S = 2.0


@dataclass(frozen=True)
class Idle:
    """What connections cost that get nothing.

    Attributes:
        kb_per_connection: resident memory.
        accepted_per_s: handshakes, up to the client's subscription.
        cpu_us_per_accept: processor time of one.
        cpu_percent: what all of them use while nothing is sent but pings, with the server's own work; of one core.
        failed: connections that were not accepted.
    """

    kb_per_connection: float
    accepted_per_s: float
    cpu_us_per_accept: float
    cpu_percent: float
    failed: int


@dataclass(frozen=True)
class Broadcasts:
    """What broadcasts cost.

    Attributes:
        us_per_message: processor time of the whole server for each delivered message.
        messages_per_s: how many.
        message_bytes: size of one.
        spread_ms: from the first to the last client of one broadcast: median.
        spread_max_ms: the longest of them.
        delay_p99_ms: how long after the first client a client gets a broadcast: 99th percentile.
        complete: share of broadcasts that every client got.
        lost: connections that ended.
    """

    us_per_message: float
    messages_per_s: float
    message_bytes: float
    spread_ms: float
    spread_max_ms: float
    delay_p99_ms: float
    complete: float
    lost: int


@dataclass(frozen=True)
class Stalled:
    """What clients that never read do to the others; before is the same process while everybody reads.

    Attributes:
        before: figures of the readers.
        during: the same after some have stopped.
        growth_kb: most resident memory during, above that of before.
    """

    before: Broadcasts
    during: Broadcasts
    growth_kb: int


class Bench:
    """Measures servers, each in a process of its own.

    Args:
        workshop: where the programs are.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def idle(self, peer: Peer, clients: int) -> Idle:
        """Connects clients to a server that broadcasts nothing."""
        with self._server(peer, QUIET_INTERVAL_S) as (server, port):
            memory_before, cpu_before = server.resident_kb(), server.cpu_s()
            with self._load(peer, port, clients) as load:
                cpu_s = server.cpu_s() - cpu_before
                time.sleep(SETTLE_S)
                grown_kb = server.resident_kb() - memory_before
                cpu_before, began = server.cpu_s(), time.monotonic()
                time.sleep(IDLE_WINDOW_S)
                share = (server.cpu_s() - cpu_before) / (time.monotonic() - began)
                opened = load.ready["open"]
                return Idle(
                    kb_per_connection=grown_kb / opened,
                    accepted_per_s=load.ready["per_s"],
                    cpu_us_per_accept=cpu_s / opened * 1e6,
                    cpu_percent=share * 100,
                    failed=load.ready["failed"],
                )

    def broadcasts(self, peer: Peer, clients: int, interval_s: float, window_s: float) -> Broadcasts:
        """Measures one window of broadcasts."""
        with self._server(peer, interval_s) as (server, port), self._load(peer, port, clients) as load:
            return _window(server, load, window_s)

    def stalled(self, peer: Peer, clients: int, stalling: int, interval_s: float) -> Stalled:
        """Measures a window, tells some of the clients to stop reading, and measures another."""
        with self._server(peer, interval_s) as (server, port), self._load(peer, port, clients, stalling) as load:
            before = _window(server, load, STALL_WINDOW_S)
            memory_before = server.resident_kb()
            load.stall()
            memory: list[int] = []
            during = _window(server, load, STALL_WINDOW_S, memory)
            return Stalled(before, during, max(memory) - memory_before)

    @contextmanager
    def _server(self, peer: Peer, interval_s: float) -> Iterator[tuple[Server, int]]:
        port = free_port()
        folder = REPOSITORY if peer.title == SERVICE else self._workshop.folder
        log = self._workshop.folder / "servers.log"
        server = Server(peer.command(port), environ_for(peer, self._workshop, port, interval_s), port, folder, log)
        try:
            # the service's first prices take a second or two to arrive
            time.sleep(SETTLE_S)
            yield server, port
        finally:
            server.stop()

    @contextmanager
    def _load(self, peer: Peer, port: int, clients: int, stalling: int = 0) -> Iterator[Load]:
        load = Load(_load_command(self._workshop.load_generator, peer, port, clients, stalling))
        try:
            yield load
        finally:
            load.stop()


def _load_command(program: Path, peer: Peer, port: int, clients: int, stalling: int) -> list[str | Path]:
    command: list[str | Path] = [program, "--port", str(port), "--clients", str(clients)]
    command += ["--stalling", str(stalling), "--in-flight", str(IN_FLIGHT)]
    command += ["--match", '"type":"update"' if peer.same_as == "plain" else '42["crypto-prices"']
    if peer.protocol == "plain":
        return [*command, "--path", "/ws/market_data"]
    subscribe = '42["subscribe",{"channel":"crypto-prices"}]'
    return [*command, "--socketio", "--path", "/socket.io/?EIO=4&transport=websocket", "--subscribe", subscribe]


def _window(server: Server, load: Load, seconds: float, memory: list[int] | None = None) -> Broadcasts:
    """One window.

    Args:
        server: what is measured.
        load: its clients.
        seconds: about how long; it ends in the pause after a broadcast.
        memory: gets samples of the server's resident memory.
    """
    load.begin_window(seconds)
    cpu_before, began = server.cpu_s(), time.monotonic()
    if memory is not None:
        while time.monotonic() < began + seconds - SAMPLE_INTERVAL_S:
            time.sleep(SAMPLE_INTERVAL_S)
            memory.append(server.resident_kb())
    load.wait_for("end")
    cpu_s = server.cpu_s() - cpu_before
    figures = load.end_window()
    messages = figures["messages"]
    return Broadcasts(
        us_per_message=cpu_s / messages * 1e6,
        messages_per_s=messages / figures["seconds"],
        message_bytes=figures["bytes"] / messages,
        spread_ms=figures["spread_p50_ms"],
        spread_max_ms=figures["spread_max_ms"],
        delay_p99_ms=figures["delay_p99_ms"],
        complete=figures["complete"] / figures["broadcasts"],
        lost=figures["lost"],
    )
