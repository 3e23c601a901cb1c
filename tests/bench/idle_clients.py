"""Clients in a process of their own, so that what they cost is not counted as the server's.

``python idle_clients.py PORT COUNT plain|socketio``: connects, subscribes, and reads until it is ended.
"""

from __future__ import annotations

import select
import socket
import sys

PATHS = {"plain": "/ws/market_data", "socketio": "/socket.io/?EIO=4&transport=websocket"}
REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
NO_MASK = bytes(4)


def connect(port: int, protocol: str) -> socket.socket:
    """A client that is subscribed, or soon will be."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(REQUEST.format(path=PATHS[protocol]).encode())
    client.recv(65_536)  # what is sent before the answer would be lost
    if protocol == "socketio":
        for text in (b"40", b'42["subscribe",{"channel":"market_data"}]'):
            client.sendall(bytes([0x81, 0x80 | len(text)]) + NO_MASK + text)
    return client


def main(port: int, count: int, protocol: str) -> None:
    """Connects and reads for ever."""
    clients = [connect(port, protocol) for _ in range(count)]
    while True:
        for client in select.select(clients, [], [])[0]:
            if not client.recv(65_536):
                return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
