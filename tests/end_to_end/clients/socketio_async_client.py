"""A Socket.IO client that a test drives: a JSON object a line on standard output, commands on standard input.

Arguments: the address, and as JSON ``{"transports": [...], "auth": {...}, "reconnection": false}``. It is a program of
its own because asyncio and green threads do not go together in one process. It is run by its path, so that its own
folder begins the search path and not the project's, whose package ``websocket`` is not the one that Socket.IO libraries
look for.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import socketio


def tell(name: str, data: Any = None) -> None:
    sys.stdout.write(json.dumps({"name": name, "data": data}) + "\n")
    sys.stdout.flush()


async def main() -> None:
    url, options = sys.argv[1], json.loads(sys.argv[2])
    client = socketio.AsyncClient(reconnection=options.get("reconnection", False))
    client.on("connect", lambda: tell("#connect", client.transport()))
    client.on("disconnect", lambda *reason: tell("#disconnect", *reason))
    client.on("*", tell)
    await client.connect(url, transports=options.get("transports"), auth=options.get("auth"))
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        await client.emit(command["event"], command.get("data"), callback=lambda answer: tell("#ack", answer))
    if client.connected:
        await client.disconnect()


asyncio.run(main())
