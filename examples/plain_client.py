"""Follows the market data over a plain WebSocket: python plain_client.py [address].

Needs: pip install websockets
"""

import asyncio
import contextlib
import json
import sys

from websockets.asyncio.client import connect

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "ws://localhost:7860/ws"


async def main():
    """Subscribes after the greeting, then prints what comes."""
    async with connect(ADDRESS) as websocket:
        message = json.loads(await websocket.recv())
        print("connected as", message["data"]["client_id"])
        await websocket.send(json.dumps({"action": "subscribe", "service": "market_data"}))
        async for text in websocket:
            message = json.loads(text)
            data = message["data"]
            if message["type"] == "update":
                print("update", message["seq"], data["status"], data["prices"])
            elif message["type"] == "error":
                print("error", data["code"], data["message"])


with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main())
