"""An honest client that notes how it fares: its pings, the updates that it gets, and whether others get in."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import socketio

PING_INTERVAL_S = 0.05
NEWCOMER_INTERVAL_S = 0.5
PATIENCE_S = 20.0

HELLO = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Fared(msgspec.Struct, kw_only=True):
    """What the client noticed.

    Attributes:
        pings_ms: how long each ping took.
        updates: that it got.
        missed: numbers that it did not get although later ones came.
        newcomers: others that asked ``/health/live`` on a new connection.
        refused: of these, those that were told to come back later.
        unanswered: of these, those that got no answer within ``PATIENCE_S``.
        newcomers_ms: how long each of them took.
    """

    pings_ms: list[float] = msgspec.field(default_factory=list)
    updates: int = 0
    missed: int = 0
    newcomers: int = 0
    refused: int = 0
    unanswered: int = 0
    newcomers_ms: list[float] = msgspec.field(default_factory=list)


async def watch(port: int, seconds: float) -> Fared:
    """Uses the service for so many seconds.

    Raises:
        socketio.exceptions.ConnectionError: it was not let in.
        socketio.exceptions.TimeoutError: a ping was not answered at all.
    """
    fared = Fared()
    last: int | None = None
    client = socketio.AsyncClient(reconnection=False)

    def on_update(message: dict[str, Any]) -> None:
        nonlocal last
        if last is not None:
            fared.missed += message["seq"] - last - 1
        last = message["seq"]
        fared.updates += 1

    client.on("market_data", on_update)
    await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"], auth={"defaults": False})
    until = time.monotonic() + seconds
    try:
        await client.emit("subscribe", {"channel": "market_data"})
        newcomers = asyncio.create_task(_send_newcomers(port, until, fared))
        while time.monotonic() < until:
            began_at = time.perf_counter()
            await client.call("ping", {"data": 1}, timeout=PATIENCE_S)
            fared.pings_ms.append((time.perf_counter() - began_at) * 1000)
            await asyncio.sleep(PING_INTERVAL_S)
        await newcomers
    finally:
        await client.disconnect()
    return fared


async def _send_newcomers(port: int, until: float, fared: Fared) -> None:
    while time.monotonic() < until:
        fared.newcomers += 1
        began_at = time.perf_counter()
        try:
            status = await asyncio.wait_for(_ask(port), PATIENCE_S)
            fared.newcomers_ms.append((time.perf_counter() - began_at) * 1000)
            fared.refused += status != 200
        except (OSError, ValueError, IndexError, asyncio.TimeoutError):
            fared.unanswered += 1
        await asyncio.sleep(NEWCOMER_INTERVAL_S)


async def _ask(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(HELLO)
        return int((await reader.read()).split()[1])
    finally:
        writer.close()
