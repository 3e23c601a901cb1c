"""Frames of the server, and the reading of a client's messages.

A server does not mask its frames, so one frame is the same bytes for every client. Reading is left to wsproto; what is
added here is the limit over a whole message, however many fragments it comes in.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

import msgspec
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed

CLOSE_REASON_MAX = 123
"""A control frame carries at most 125 bytes, two of which are the code."""


class ProtocolFault(Exception):
    """The client broke the protocol, or a limit of ours; the connection ends with this code.

    Attributes:
        code: close code: 1002, 1007 or 1009.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Incoming(msgspec.Struct, frozen=True):
    """A whole frame that the client sent: the message that it ends, a control frame, or a fragment that ends nothing.

    Attributes:
        kind: what it is.
        text: of a text message.
        payload: of a ping, to be sent back.
        code: of a close frame; None when it had none.
    """

    kind: Literal["text", "binary", "fragment", "ping", "pong", "close"]
    text: str = ""
    payload: bytes = b""
    code: int | None = None


class MessageReader:
    """Makes messages out of the bytes of one client.

    Args:
        max_bytes: limit of one message over all its fragments, before decoding.
    """

    __slots__ = ("_max_bytes", "_parts", "_protocol", "_size")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._protocol = FrameProtocol(client=False, extensions=[])
        self._parts: list[str] | None = None
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Incoming]:
        """The frames that became whole with these bytes, in order, however they were split. Do not feed after a close.

        Raises:
            ProtocolFault: after what came before the fault; nothing after it counts. Do not feed again.
        """
        self._protocol.receive_bytes(data)
        try:
            for frame in self._protocol.received_frames():
                incoming = self._take(frame)
                if incoming is not None:
                    yield incoming
        except ParseFailed as error:
            raise ProtocolFault(int(error.code), str(error)) from error

    def _take(self, frame: Frame) -> Incoming | None:
        payload = frame.payload
        if frame.opcode is Opcode.PING:
            assert isinstance(payload, bytes)
            return Incoming("ping", payload=payload)
        if frame.opcode is Opcode.PONG:
            return Incoming("pong")
        if frame.opcode is Opcode.CLOSE:
            assert isinstance(payload, tuple)
            code = int(payload[0])
            return Incoming("close", code=None if code == CloseReason.NO_STATUS_RCVD else code)
        return self._take_part(frame)

    def _take_part(self, frame: Frame) -> Incoming | None:
        """One piece of a message; wsproto hands a large frame out in pieces, so the limit is met before it is held."""
        payload = frame.payload
        assert not isinstance(payload, tuple)
        self._size += len(payload.encode()) if isinstance(payload, str) else len(payload)
        if self._size > self._max_bytes:
            raise ProtocolFault(CloseReason.MESSAGE_TOO_BIG, f"a message may have {self._max_bytes} bytes")
        if self._parts is None:
            self._parts = []
        if payload and isinstance(payload, str):  # fragments may be empty, and any number of those is within the limit
            self._parts.append(payload)
        if not frame.message_finished:
            return Incoming("fragment") if frame.frame_finished else None
        text, self._parts, self._size = "".join(self._parts), None, 0
        return Incoming("text", text=text) if frame.opcode is Opcode.TEXT else Incoming("binary")


def text_frame(payload: bytes) -> bytes:
    """A whole text message in one frame.

    Args:
        payload: UTF-8.
    """
    return _frame(Opcode.TEXT, payload)


def binary_frame(payload: bytes) -> bytes:
    """A whole binary message in one frame."""
    return _frame(Opcode.BINARY, payload)


def ping_frame() -> bytes:
    """A ping without payload."""
    return _frame(Opcode.PING, b"")


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping, with the ping's payload."""
    return _frame(Opcode.PONG, payload)


def close_frame(code: int | None, reason: str = "") -> bytes:
    """A close frame; one without a code when ``code`` is None. A reason that is too long is cut."""
    if code is None:
        return _frame(Opcode.CLOSE, b"")
    text = reason.encode()[:CLOSE_REASON_MAX].decode(errors="ignore").encode()
    return _frame(Opcode.CLOSE, struct.pack("!H", code) + text)


def _frame(opcode: Opcode, payload: bytes) -> bytes:
    size = len(payload)
    first = 0x80 | opcode
    if size < 126:
        return struct.pack("!BB", first, size) + payload
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload
