"""The codes that tell programs what happened: error codes, close codes, and the answers to a refused handshake."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from websocket.documentation.schemas import documentation_of
from websocket.errors import ClientError


class ErrorCode(Struct, frozen=True):
    """A ``code`` in an error message, error event or refused acknowledgement.

    Attributes:
        code: what programs see.
        temporary: whether the same request may succeed later.
        meaning: one line.
    """

    code: str
    temporary: bool
    meaning: str


class CloseCode(Struct, frozen=True):
    """A code with which a WebSocket ends.

    Attributes:
        code: what programs see.
        meaning: why the connection ended.
        advice: what the client should do.
    """

    code: int
    meaning: str
    advice: str


class HandshakeAnswer(Struct, frozen=True):
    """An HTTP status instead of an open WebSocket; its body is an error with ``code``, ``message``, ``temporary``.

    Attributes:
        status: HTTP status.
        code: ``code`` in the body.
        meaning: why the connection was not opened.
    """

    status: int
    code: str
    meaning: str


def error_codes() -> tuple[ErrorCode, ...]:
    """Every error code that a client can see, from the classes in ``errors``; each once."""
    own_fault = ErrorCode("internal", True, "It failed on our side; it is logged there.")
    found = {error.code: error for error in _client_errors(ClientError)}
    return (*found.values(), own_fault)


def _client_errors(base: type[ClientError]) -> Iterator[ErrorCode]:
    """Those of the subclasses: what is raised is always one of them."""
    for error in base.__subclasses__():
        yield ErrorCode(error.code, error.temporary, documentation_of(error).summary)
        yield from _client_errors(error)


CLOSE_CODES: tuple[CloseCode, ...] = (
    CloseCode(1000, "The normal end: yours, or that of a Socket.IO session.", "Connect again if you still want data."),
    CloseCode(1002, "You broke the WebSocket or Socket.IO protocol.", "This is a bug in the client."),
    CloseCode(1003, "You sent a binary event over Socket.IO.", "Send JSON only."),
    CloseCode(1007, "Your text was not UTF-8.", "This is a bug in the client."),
    CloseCode(1008, "You went on sending after `rate_limited`.", "Send less, then connect again after a minute."),
    CloseCode(1009, "Your message was larger than `MAX_MESSAGE_BYTES`.", "Send smaller messages."),
    CloseCode(1011, "It failed on our side; it is logged there.", "Connect again with back-off."),
    CloseCode(
        1012,
        "This process ends; an error `shutting_down` came before it.",
        "Connect again after `reconnect_in_ms`, or with back-off and jitter.",
    ),
    CloseCode(
        4008,
        "You did not take what was sent for `SLOW_CLIENT_TIMEOUT`, or too many answers waited: `MAX_QUEUED_BYTES` of"
        " yours, or more than there is room for in the process.",
        "Read faster, or subscribe to less; then connect again.",
    ),
)
"""1006 is never sent: a client's own side reports it for a connection that ended without a close frame."""


HANDSHAKE_ANSWERS: tuple[HandshakeAnswer, ...] = (
    HandshakeAnswer(400, "bad_request", "A header of the WebSocket handshake is missing or malformed."),
    HandshakeAnswer(403, "forbidden", "The page's origin is not in `ALLOWED_ORIGINS`."),
    HandshakeAnswer(404, "not_found", "There is no such endpoint."),
    HandshakeAnswer(405, "method_not_allowed", "A WebSocket is opened with GET."),
    HandshakeAnswer(426, "upgrade_required", "This is a WebSocket endpoint; upgrade to version 13."),
    HandshakeAnswer(429, "too_many_requests", "Your address has `MAX_CONNECTIONS_PER_ADDRESS` connections already."),
    HandshakeAnswer(503, "service_unavailable", "This process has `MAX_CONNECTIONS` connections already."),
)
