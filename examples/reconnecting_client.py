"""Follows services over a plain WebSocket for good: python reconnecting_client.py [address] [service ...].

After a lost connection it comes back with exponential back-off and jitter, and resumes with ``since``: what it missed
is replayed. When that is not possible (it was away for long, or the service was restarted), it tells you of the gap.

Needs: pip install websockets
"""

import asyncio
import contextlib
import json
import random
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "ws://localhost:7860/ws"
SERVICES = sys.argv[2:] or ["market_data"]

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0


class ReconnectingClient:
    """Calls ``on_update(message, is_gap)`` with every update, and keeps the connection up."""

    def __init__(self, address, services, on_update):
        self.address = address
        self.services = services
        self.on_update = on_update
        self.positions = {}  # service -> {"epoch", "seq"} of its last update
        self.recovered = set()  # services of which the next update follows the last, whatever its number
        self.failures = 0
        self.asked_wait_s = None

    async def run(self):
        """Connects again and again; never returns."""
        while True:
            try:
                # a connection that dies in silence is found by the pings of the library
                async with connect(self.address) as websocket:
                    await self.subscribe(websocket)
                    async for text in websocket:
                        self.failures = 0
                        self.handle(json.loads(text))
            except (OSError, asyncio.TimeoutError, WebSocketException) as error:
                print("connection lost:", error)
            # jitter, or all clients of a restarted service would come back in the same moment
            delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(self.failures, 10)) * random.uniform(0.5, 1)
            self.failures += 1
            await asyncio.sleep(self.asked_wait_s or delay_s)
            self.asked_wait_s = None

    async def subscribe(self, websocket):
        """Subscribes to every service, from where we stood."""
        for service in self.services:
            request = {"action": "subscribe", "service": service}
            if service in self.positions:
                request["since"] = self.positions[service]
            await websocket.send(json.dumps(request))

    def handle(self, message):
        """Takes one message."""
        if message["type"] == "update":
            before = self.positions.get(message["service"])
            position = {"epoch": message["epoch"], "seq": message["seq"]}
            self.positions[message["service"]] = position
            expected = before and {"epoch": before["epoch"], "seq": before["seq"] + 1}
            follows = expected is None or position == expected or message["service"] in self.recovered
            self.recovered.discard(message["service"])
            self.on_update(message, not follows)
        elif message["type"] == "subscription_confirmed":
            if message["data"].get("recovered"):
                self.recovered.add(message["data"]["service"])
        elif message["type"] == "error":
            print("error", message["data"]["code"], message["data"]["message"])
            if message["data"]["code"] == "shutting_down":
                self.asked_wait_s = message["data"]["reconnect_in_ms"] / 1000


def show(message, is_gap):
    """Prints one update."""
    print("update", message["service"], message["epoch"], message["seq"], "after a gap" if is_gap else "")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(ReconnectingClient(ADDRESS, SERVICES, show).run())
