"""Clients that stay connected whatever happens: they resume, obey waits, and go on to the next process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import socketio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from chaos.witness import Witness, unix_s

CONNECT_TIMEOUT_S = 3.0

SILENCE_S = 6.0
"""A client that hears nothing for so long, where an update comes every second, goes to another process."""

RETRY_S = (0.1, 0.6)


class Freshness:
    """How long it has been since a client got a price that is newer than all before."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._newest = 0.0
        self._since = time.monotonic()

    def begin(self) -> None:
        """Counts from now."""
        self._since = time.monotonic()

    def saw(self, moments: Sequence[str]) -> None:
        """Prices of these times came."""
        newest = max((unix_s(moment) for moment in moments), default=0.0)
        if newest > self._newest:
            self._newest = newest
            self.look()
            self._since = time.monotonic()

    def look(self) -> None:
        """Notes how long it has been by now."""
        self._witness.note_gap(self.age_s)

    @property
    def age_s(self) -> float:
        """Seconds since the last news."""
        return time.monotonic() - self._since


class Trail:
    """The numbers that one client got on one channel.

    Args:
        witness: is told what was missed, or came twice.
    """

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._made = 0.0
        self.position: tuple[str, int] | None = None

    def follow(self, epoch: str, seq: int, made: float, *, is_snapshot: bool) -> None:
        """One more; ``made``: when it was, Unix seconds."""
        last, self.position = self.position, (epoch, seq)
        since, self._made = self._made, made
        if last is None:
            return
        if epoch != last[0]:
            self._witness.renumbered += 1
            self._witness.unrecovered += is_snapshot
            if not is_snapshot:
                self._witness.note_change(epoch, seq, since)
        elif seq <= last[1]:
            self._witness.repeated += 0 if is_snapshot and seq == last[1] else 1
        else:
            self._witness.missed += seq - last[1] - 1


class PlainClient:
    """Follows ``market_data`` on a plain WebSocket.

    Args:
        ports: of the processes, the one to begin with first.
        witness: is told everything.
    """

    def __init__(self, ports: Sequence[int], witness: Witness) -> None:
        self._home = tuple(ports)
        self._ports = itertools.cycle(ports)
        self._witness = witness
        self._trail = Trail(witness)
        self._recovered: bool | None = None
        self._resumed_at = 0.0
        self._wait_s: float | None = None
        self.freshness = Freshness(witness)
        self.is_connected = False
        self.stalls_until = 0.0
        self.vanishes = False

    def go_home(self) -> None:
        """Leaves with the next update, and connects to the process that it began with."""
        self._ports = itertools.cycle(self._home)
        self.vanishes = True

    async def run(self) -> None:
        """Until it is cancelled."""
        is_first = True
        while True:
            try:
                await self._stay(is_first)
            except ConnectionClosed:
                self._witness.unannounced += self.is_connected and self._wait_s is None
            except (OSError, TimeoutError, WebSocketException):
                pass
            if self.is_connected:
                self.is_connected = False
                self._witness.reconnects += 1
            is_first = is_first and self._trail.position is None
            await asyncio.sleep(random.uniform(*RETRY_S) if self._wait_s is None else self._wait_s)
            self._wait_s = None

    async def _stay(self, is_first: bool) -> None:
        url = f"ws://127.0.0.1:{next(self._ports)}/ws/data"
        async with connect(url, open_timeout=CONNECT_TIMEOUT_S, close_timeout=1, compression=None) as socket:
            subscribe: dict[str, Any] = {"action": "subscribe", "service": "market_data"}
            if self._trail.position is not None:
                epoch, seq = self._trail.position
                subscribe["since"] = {"epoch": epoch, "seq": seq}
            await socket.send(msgspec.json.encode(subscribe).decode())
            if is_first:
                self.freshness.begin()
            while True:
                await self._maybe_misbehave(socket)
                await self._hear(await asyncio.wait_for(socket.recv(), SILENCE_S))

    async def _hear(self, text: str | bytes) -> None:
        message = msgspec.json.decode(text)
        kind, data = message["type"], message["data"]
        if kind == "subscription_confirmed":
            self.is_connected = True
            self._recovered, self._resumed_at = data.get("recovered"), time.time()
        elif kind == "error" and data["code"] == "shutting_down":
            self._witness.goodbyes += 1
            self._wait_s = data["reconnect_in_ms"] / 1000
        elif kind == "update":
            epoch, seq, made = message["epoch"], message["seq"], unix_s(data["timestamp"])
            self._witness.judge(epoch, seq, data)
            self._trail.follow(epoch, seq, made, is_snapshot="snapshot" in message)
            if self._recovered and made < self._resumed_at:
                self._witness.replayed += 1
            self.freshness.saw(list(data["last_updated"].values()))

    async def _maybe_misbehave(self, socket: ClientConnection) -> None:
        if self.vanishes:
            self.vanishes = False
            socket.transport.abort()
        while time.monotonic() < self.stalls_until:
            await asyncio.sleep(0.1)


class SocketIoClient:
    """Follows ``crypto-prices`` over Socket.IO, by polling or on a WebSocket, and ``market_data`` for its numbers. It
    cannot resume, but may miss nothing while it is connected.

    Args:
        ports: of the processes, the one to begin with first.
        witness: is told everything.
        transport: ``websocket`` or ``polling``.
    """

    def __init__(self, ports: Sequence[int], witness: Witness, transport: str) -> None:
        self._ports = itertools.cycle(ports)
        self._witness = witness
        self._transport = transport
        self.freshness = Freshness(witness)
        self.is_connected = False

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            client = socketio.AsyncClient(reconnection=False)
            client.on("crypto-prices", self._on_prices)
            client.on("market_data", self._counting())
            try:
                await asyncio.wait_for(self._stay(client), None)
            except (socketio.exceptions.SocketIOError, OSError, TimeoutError, ValueError):
                pass
            finally:
                with contextlib.suppress(Exception):
                    await client.disconnect()
            if self.is_connected:
                self.is_connected = False
                self._witness.reconnects += 1
            await asyncio.sleep(random.uniform(*RETRY_S))

    async def _stay(self, client: Any) -> None:
        url = f"http://127.0.0.1:{next(self._ports)}"
        await client.connect(url, transports=[self._transport], wait_timeout=CONNECT_TIMEOUT_S)
        answer = await client.call("subscribe", {"channel": "crypto-prices"}, timeout=CONNECT_TIMEOUT_S)
        await client.call("subscribe", {"channel": "market_data"}, timeout=CONNECT_TIMEOUT_S)
        self.is_connected = answer["ok"]
        while client.connected and self.freshness.age_s < 2 * SILENCE_S:
            await asyncio.sleep(0.2)

    def _counting(self) -> Callable[[dict[str, Any]], Awaitable[None]]:
        """Follows the numbers of one connection."""
        trail = Trail(self._witness)

        async def on_market_data(message: dict[str, Any]) -> None:
            epoch, seq, data = message["epoch"], message["seq"], message["data"]
            self._witness.judge(epoch, seq, data)
            trail.follow(epoch, seq, unix_s(data["timestamp"]), is_snapshot=False)

        return on_market_data

    async def _on_prices(self, rows: list[dict[str, Any]]) -> None:
        self._witness.judge_rows(rows)
        self.freshness.saw([row["lastUpdated"] for row in rows])


class Crowd:
    """All clients of a run.

    Args:
        ports: of the processes.
        witness: is told everything.
        plain: how many plain clients.
        socketio_clients: how many of Socket.IO, every third of them polling.
    """

    def __init__(self, ports: Sequence[int], witness: Witness, *, plain: int, socketio_clients: int) -> None:
        starts = [tuple(ports[n:]) + tuple(ports[:n]) for n in range(len(ports))]
        self.plain = [PlainClient(starts[n % len(starts)], witness) for n in range(plain)]
        self.socketio = [
            SocketIoClient(starts[n % len(starts)], witness, "polling" if n % 3 == 2 else "websocket")
            for n in range(socketio_clients)
        ]
        self.everybody: list[PlainClient | SocketIoClient] = [*self.plain, *self.socketio]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connects them, not all at the same moment."""
        for client in self.everybody:
            self._tasks.append(asyncio.create_task(client.run()))
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Ends them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def spread(self) -> None:
        """Distributes the plain clients over the processes again, as they were in the beginning."""
        for client in self.plain:
            client.go_home()
        await asyncio.sleep(2)

    def begin_to_count(self) -> None:
        """For the next fault."""
        for client in self.everybody:
            client.freshness.begin()

    def look(self) -> None:
        """Notes how long each has been without news."""
        for client in self.everybody:
            client.freshness.look()

    def all_are_well(self, within_s: float) -> bool:
        """Whether everybody is connected and has got news in that time."""
        return all(client.is_connected and client.freshness.age_s < within_s for client in self.everybody)
