"""The opening handshake, from a WSGI environment."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class HandshakeRefused(Exception):
    """The request is no valid handshake; the text becomes the body of an HTTP answer.

    Attributes:
        status: HTTP status and phrase.
        headers: to be sent with it.
    """

    def __init__(self, status: str, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


def wants_websocket(environ: Mapping[str, Any]) -> bool:
    """Whether a request asks for an upgrade to WebSocket, rightly or not."""
    return "websocket" in _tokens(environ.get("HTTP_UPGRADE", ""))


def accept_upgrade(environ: Mapping[str, Any]) -> bytes:
    """The bytes of the answer that opens the connection. Extensions and subprotocols are declined.

    Raises:
        HandshakeRefused: with the HTTP answer to give instead.
    """
    if environ["REQUEST_METHOD"] != "GET":
        raise HandshakeRefused("405 Method Not Allowed", "A WebSocket is opened with GET.", (("Allow", "GET"),))
    # the protocol's version cannot be checked: eventlet's server says HTTP/1.0 of every request
    if "upgrade" not in _tokens(environ.get("HTTP_CONNECTION", "")):
        raise HandshakeRefused("400 Bad Request", "Expected Connection: Upgrade.")
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION", "").strip() != "13":
        raise HandshakeRefused(
            "426 Upgrade Required", "Expected Sec-WebSocket-Version: 13.", (("Sec-WebSocket-Version", "13"),)
        )
    key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "").strip()
    try:
        valid = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise HandshakeRefused("400 Bad Request", "Expected Sec-WebSocket-Key with 16 bytes in base64.")
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept
        + b"\r\n\r\n"
    )


def _tokens(header: str) -> set[str]:
    return {token.strip().lower() for token in header.split(",")}
