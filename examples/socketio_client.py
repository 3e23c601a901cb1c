"""Follows the exchange's prices over Socket.IO: python socketio_client.py [address].

Needs: pip install "python-socketio[asyncio_client]"
"""

import asyncio
import contextlib
import sys

import socketio

ADDRESS = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:5000"

client = socketio.AsyncClient()


@client.on("connect")
async def subscribe():
    """Comes after every reconnect, too."""
    await client.emit("subscribe", {"channel": "crypto-prices"}, callback=show_answer)


def show_answer(answer):
    """The acknowledgement of the subscription."""
    print("subscribed" if answer["ok"] else "refused", answer)


@client.on("crypto-prices")
async def show_prices(coins):
    """The prices, at once and then every ten seconds."""
    for coin in coins:
        print("price", coin["symbol"], coin["price"], coin["changePercent24h"], coin["lastUpdated"])


@client.on("feed-status")
async def show_status(feed):
    """Whether the prices can be trusted."""
    print("feed", feed["status"], feed["reason"] or "")


@client.on("error")
async def show_error(error):
    """What could not be done."""
    print("error", error["code"], error["message"])


async def main():
    """Connects, and stays; the library reconnects by itself."""
    await client.connect(ADDRESS)
    await client.wait()


# the library turns Ctrl-C into a cancellation
with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
    asyncio.run(main())
