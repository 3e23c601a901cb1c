"""Requests over HTTP, without redirects, proxies or exceptions for statuses."""

from __future__ import annotations

import http.client
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from websocket import codec


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """The body's value."""
        return codec.decode(self.body)


def get(url: str, timeout_s: float = 10.0, **headers: str) -> Reply:
    """Asks once, over a connection of its own.

    Raises:
        OSError: nobody answers.
    """
    return ask("GET", url, None, timeout_s, **headers)


def ask(method: str, url: str, body: bytes | None, timeout_s: float = 10.0, **headers: str) -> Reply:
    """The same with any method, and with a body.

    Raises:
        OSError: nobody answers.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
    try:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return Reply(response.status, response.msg, response.read())
    finally:
        connection.close()
