"""A WebSocket client made of bytes: it sends whatever a test wants, right or wrong, and reads what comes back."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import struct
from typing import Any, NamedTuple

from websocket import codec

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CONTINUATION = 0

WAIT_S = 20.0
"""No answer takes so long; a test that waits longer has failed."""

RFC_KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Frame(NamedTuple):
    """A frame from the server."""

    opcode: int
    payload: bytes
    fin: bool = True

    def json(self) -> Any:
        """The value of a text frame."""
        assert self.opcode == TEXT, self
        return codec.decode(self.payload)

    @property
    def code(self) -> int | None:
        """The code of a close frame; None when it has none."""
        assert self.opcode == CLOSE, self
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None


def masked(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = b"\x01\x02\x03\x04",
    length: int | None = None,
    wide: int | None = None,
) -> bytes:
    """A client's frame.

    Args:
        opcode: 0 to 15.
        payload: before masking.
        fin: last fragment.
        rsv: the three reserved bits, 0 to 7.
        mask: four bytes, or None for a frame that is wrongly not masked.
        length: what the header says, when it is to be a lie.
        wide: 16 or 64 bits for a length that needs fewer.
    """
    size = len(payload) if length is None else length
    flag = 0 if mask is None else 0x80
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if wide == 64 or (wide is None and size > 0xFFFF):
        head = struct.pack("!BBQ", first, flag | 127, size)
    elif wide == 16 or (wide is None and size > 125):
        head = struct.pack("!BBH", first, flag | 126, size)
    else:
        head = struct.pack("!BB", first, flag | size)
    if mask is None:
        return head + payload
    stretched = (mask * (len(payload) // 4 + 1))[: len(payload)]
    hidden = int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")
    return head + mask + hidden.to_bytes(len(payload), "big")


def close_payload(code: int, reason: bytes = b"") -> bytes:
    """What a close frame carries."""
    return struct.pack("!H", code) + reason


class HttpAnswer(NamedTuple):
    """What the server said to a handshake."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's value."""
        return codec.decode(self.body)


class RawClient:
    """One connection.

    Args:
        port: of a server on the loopback interface.
        receive_buffer: of the kernel; a small one makes a client that does not read block the server soon.
    """

    def __init__(self, port: int, *, receive_buffer: int | None = None, address: str = "127.0.0.1") -> None:
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(WAIT_S)
        self.sock.connect((address, port))
        self.port = port
        self.sees_pings = False
        self._buffer = b""

    def __del__(self) -> None:
        self.sock.close()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    # HTTP

    def request(
        self, path: str, *, method: str = "GET", headers: dict[str, str | None] | None = None, body: bytes = b""
    ) -> None:
        """Sends a valid handshake, but for the headers that are given; None leaves one out."""
        fields: dict[str, str | None] = {
            "Host": f"127.0.0.1:{self.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            **(headers or {}),
        }
        lines = [
            f"{method} {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields.items() if value is not None),
        ]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)

    def answer(self) -> HttpAnswer:
        """The server's answer to the handshake."""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", "0"))
        while len(self._buffer) < size:
            self._receive()
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return HttpAnswer(int(status.split()[1]), headers, body)

    def open(self, path: str, **headers: str | None) -> RawClient:
        """Opens a WebSocket; gives itself. Underscores in the names of headers stand for hyphens."""
        self.request(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = self.answer()
        assert answer.status == 101, answer
        return self

    # Frames

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.sock.sendall(data)

    def say(self, value: Any) -> None:
        """Sends a value as JSON, or text as it is."""
        self.send(masked(TEXT, value.encode() if isinstance(value, str) else codec.encode(value)))

    def frame(self) -> Frame:
        """The next frame; the server's pings, which come when they come, are passed over unless ``sees_pings``.

        Raises:
            EOFError: the server ended the connection.
            TimeoutError: nothing came.
        """
        while True:
            while (size := self._frame_size()) is None:
                self._receive()
            raw, self._buffer = self._buffer[: sum(size)], self._buffer[sum(size) :]
            assert not raw[1] & 0x80, "a server does not mask"
            assert not raw[0] & 0x70, "no extension was negotiated"
            frame = Frame(raw[0] & 15, raw[size[0] :], bool(raw[0] & 0x80))
            if frame.opcode != PING or self.sees_pings:
                return frame

    def hear(self) -> Any:
        """The value of the next text frame; answers of the protocol in between are passed over."""
        while True:
            frame = self.frame()
            if frame.opcode == TEXT:
                return frame.json()
            assert frame.opcode == PONG, frame

    def hear_type(self, kind: str) -> Any:
        """The next message of a type; others are passed over."""
        while True:
            message = self.hear()
            if message["type"] == kind:
                return message

    def text(self) -> str:
        """The text of the next text frame."""
        while True:
            frame = self.frame()
            if frame.opcode == TEXT:
                return frame.payload.decode()
            assert frame.opcode == PONG, frame

    def ask(self, value: Any) -> Any:
        """Sends a message; gives the next one that comes."""
        self.say(value)
        return self.hear()

    def silence(self, seconds: float = 0.3) -> bool:
        """True when nothing comes for so long."""
        self.sock.settimeout(seconds)
        try:
            self.frame()
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(WAIT_S)
        return False

    def end(self) -> int | None:
        """Reads until the server's close frame; answers it, and waits for the end. Gives the code.

        Raises:
            EOFError: there was no close frame.
        """
        while True:
            frame = self.frame()
            if frame.opcode == CLOSE:
                break
        with contextlib.suppress(OSError):
            self.send(masked(CLOSE, frame.payload))
        assert self.rest() == b"", "something came after the close frame"
        return frame.code

    def rest(self) -> bytes:
        """All bytes until the server ends the connection."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                self._receive()
        rest, self._buffer = self._buffer, b""
        return rest

    def leave(self, code: int = 1000) -> None:
        """Closes as the protocol wants it."""
        self.send(masked(CLOSE, close_payload(code)))
        self.end()

    def reset(self) -> None:
        """Ends the connection as a crash would, with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        """Ends the connection with FIN and no word."""
        self.sock.close()

    def _frame_size(self) -> tuple[int, int] | None:
        """Bytes of the next frame's head and payload, or None when it is not whole yet."""
        data = self._buffer
        if len(data) < 2:
            return None
        short = data[1] & 0x7F
        head = 2 + {126: 2, 127: 8}.get(short, 0)
        if len(data) < head:
            return None
        size = int.from_bytes(data[2:head], "big") if short > 125 else short
        return (head, size) if len(data) >= head + size else None

    def _receive(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self._buffer += data
