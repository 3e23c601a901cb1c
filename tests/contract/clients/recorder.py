"""Listens on WebSocket endpoints and writes all that comes, a JSON object a line: ``{"path": ..., "message": ...}``.

Arguments: ``ws://host:port``, then paths. It asks for nothing. It is a program of its own because asyncio and green
threads do not go together in one process.
"""

from __future__ import annotations

import asyncio
import json
import sys

import websockets


async def listen(base: str, path: str) -> None:
    async with websockets.connect(base + path, max_size=None, proxy=None) as connection:
        async for message in connection:
            sys.stdout.write(json.dumps({"path": path, "message": json.loads(message)}) + "\n")
            sys.stdout.flush()


async def main() -> None:
    base, *paths = sys.argv[1:]
    await asyncio.gather(*(listen(base, path) for path in paths))


asyncio.run(main())
