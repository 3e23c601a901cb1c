"""Socket.IO spoken by hand: packets as text, over a WebSocket or by polling."""

from __future__ import annotations

import http.client
from typing import Any

from tests.wire.raw_client import TEXT, RawClient, masked
from websocket import codec

WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
POLLING = "/socket.io/?EIO=4&transport=polling"
SEPARATOR = "\x1e"


def open_websocket(port: int, *, receive_buffer: int | None = None) -> RawClient:
    """A session whose first transport is WebSocket; its opening packet is read."""
    client = RawClient(port, receive_buffer=receive_buffer).open(WEBSOCKET)
    assert client.text().startswith("0{")
    return client


def put(client: RawClient, packet: str) -> None:
    """Sends a packet over a WebSocket."""
    client.send(masked(TEXT, packet.encode()))


def join(client: RawClient, auth: str = "") -> RawClient:
    """Connects to the namespace and reads the greeting."""
    put(client, "40" + auth)
    assert client.text().startswith('40{"sid":')
    assert client.text().startswith('42["connected"')
    assert client.text().startswith('42["message"')
    return client


def joined(port: int, **options: Any) -> RawClient:
    """A client in the namespace that gets nothing without asking."""
    return join(open_websocket(port, **options), '{"defaults":false}')


def emit(client: RawClient, event: str, data: Any, ack: int) -> None:
    """Sends an event that asks for an acknowledgement."""
    put(client, f"42{ack}{codec.dumps([event, data])}")


def packet(client: RawClient) -> str:
    """The next packet that is no ping; pings are answered."""
    while (text := client.text()) == "2":
        put(client, "3")
    return text


class PollingClient:
    """A session that polls.

    Args:
        port: of the server.
        headers: of every request.
    """

    def __init__(self, port: int, **headers: str) -> None:
        self.port = port
        self._headers = headers
        status, (opening,) = self.get(POLLING)
        assert status == 200, opening
        self.sid: str = codec.decode(opening[1:])["sid"]

    @property
    def path(self) -> str:
        """Of the requests of this session."""
        return f"{POLLING}&sid={self.sid}"

    def get(self, path: str | None = None) -> tuple[int, list[str]]:
        """A poll: status and packets."""
        status, body = self._request("GET", path or self.path, None)
        return status, body.split(SEPARATOR)

    def post(self, *packets: str | bytes) -> int:
        """Sends packets; gives the status."""
        encoded = [packet.encode() if isinstance(packet, str) else packet for packet in packets]
        return self._request("POST", self.path, SEPARATOR.encode().join(encoded))[0]

    def post_in_chunks(self, packet: str) -> int:
        """Sends a packet whose length is not announced; gives the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            halves = (packet[:5].encode(), packet[5:].encode())
            connection.request("POST", self.path, iter(halves), self._headers, encode_chunked=True)
            return connection.getresponse().status
        finally:
            connection.close()

    def join(self, auth: str = "") -> PollingClient:
        """Connects to the namespace and reads the greeting."""
        assert self.post("40" + auth) == 200
        greeting: list[str] = []
        while len(greeting) < 3:
            greeting += self.get()[1]
        assert greeting[0].startswith("40{")
        return self

    def upgrade(self) -> RawClient:
        """Opens the WebSocket that the session is to be upgraded to."""
        return RawClient(self.port).open(f"{WEBSOCKET}&sid={self.sid}")

    def _request(self, method: str, path: str, body: bytes | None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, self._headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()
