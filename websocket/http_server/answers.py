"""Answers that are made without a route, in the one shape that all errors have."""

from __future__ import annotations

from http import HTTPStatus

from websocket import codec


def error_body(status: int, message: str) -> bytes:
    """``{"code", "message", "temporary"}``.

    Args:
        status: HTTP status; its phrase is the code.
        message: for people.
    """
    phrase = HTTPStatus(status).phrase
    return codec.encode(
        {"code": phrase.lower().replace(" ", "_"), "message": message, "temporary": status in (408, 429, 503)}
    )


def refusal(status: int, message: str, *, retry_after_s: int | None = None) -> bytes:
    """A whole answer, head and body, after which the connection is closed."""
    body = error_body(status, message)
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
    if retry_after_s is not None:
        head += f"Retry-After: {retry_after_s}\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
