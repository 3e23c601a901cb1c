"""Raw bytes in every place of a request that a route reads: refused in the one shape of errors, and never logged as a
fault of ours.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.documentation.contract import check_http_error
from tests.robustness.test_entry_points import served
from websocket.documentation.openapi import routes

__all__ = ["served"]

ROUTES = [*(route.address for route in routes()), "/static/favicon.svg", "/ws", "/socket.io/", "/nothing"]

VALUES = (
    b"\xe9",
    b"%e9",
    b"%ed%a0%80",
    b"%00",
    b"%0d%0a",
    b"%zz",
    b"%",
    b"[]",
    b"\\ud800",
    b"x" * 6000,
)

PARAMETERS = (
    *(b"q", b"from", b"to", b"limit", b"offset", b"after", b"format", b"interval", b"source", b"category"),
    *(b"chain", b"asset", b"min_value", b"sid", b"EIO", b"transport", b"\xe9", b"%00"),
)

HEADERS = (
    *(b"Accept", b"Accept-Encoding", b"Authorization", b"Cookie", b"Host", b"If-Modified-Since", b"If-None-Match"),
    *(b"If-Range", b"Origin", b"Range", b"Referer", b"User-Agent", b"X-Forwarded-For"),
)

HEADER_VALUES = (b"\xe9", b"\xed\xa0\x80", b"x" * 6000, b"", b'a=\xe9;;=;"', b"bytes=9-1,x-", b'W/"x', b"9" * 30, b"[")

METHODS = (b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"FOO")


def exchange(port: int, method: bytes, target: bytes, *headers: bytes) -> tuple[int, bytes, bytes]:
    """Status, head and body of the answer to a request of these bytes."""
    host = () if any(header.startswith(b"Host:") for header in headers) else (b"Host: localhost",)
    request = b"\r\n".join((method + b" " + target + b" HTTP/1.1", *host, *headers, b"Connection: close", b"", b""))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body


def requests(path: bytes) -> Iterator[tuple[bytes, bytes, tuple[bytes, ...]]]:
    """Everything that is tried at one route: method, target and headers."""
    for value in VALUES:
        yield b"GET", path + value, ()
        yield b"GET", path + b"/" + value, ()
        for name in PARAMETERS:
            yield b"GET", path + b"?" + name + b"=" + value, ()
    yield b"GET", path + b"?limit=1&limit=2", ()
    for header in HEADERS:
        for value in HEADER_VALUES:
            yield b"GET", path, (header + b": " + value,)
    for method in METHODS:
        yield method, path, ()


@pytest.mark.parametrize("path", ROUTES)
def test_whatever_is_sent_is_answered(served: tuple[int, int], path: str) -> None:
    """With what the route gives, or an error in words; what the server itself refuses never comes to a route."""
    for method, target, headers in requests(path.encode()):
        status, head, body = exchange(served[0], method, target, *headers)
        seen = (method, target[:100], headers, head[-300:])
        assert status < 500 or status == 501, seen
        if status >= 400 and b"application/json" in head and method != b"HEAD":
            check_http_error(body)


@pytest.mark.parametrize("path", ["/api/history/BTC", "/api/news", "/api/whales", "/ws/stats"])
def test_query_that_is_no_text_is_refused(served: tuple[int, int], path: str) -> None:
    """By every route that has parameters."""
    for name in (b"q", b"limit", b"\xe9"):
        status, _, body = exchange(served[0], b"GET", path.encode() + b"?" + name + b"=\xe9")
        assert status == 400
        check_http_error(body)
