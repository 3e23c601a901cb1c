"""The opening handshake, from the environment of a WSGI request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.raw_client import RFC_KEY
from websocket.wire.handshake import HandshakeRefused, accept_upgrade, wants_websocket


def request(**changes: str | None) -> dict[str, Any]:
    """The handshake of the RFC's example, but for some headers."""
    environ = {
        "REQUEST_METHOD": "GET",
        "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
        "HTTP_SEC_WEBSOCKET_KEY": RFC_KEY,
        **changes,
    }
    return {name: value for name, value in environ.items() if value is not None}


def test_example_of_the_rfc() -> None:
    """RFC 6455, 1.3."""
    head, _, rest = accept_upgrade(request()).partition(b"\r\n")
    assert head == b"HTTP/1.1 101 Switching Protocols"
    assert set(rest.split(b"\r\n")) == {
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        b"",
    }
    assert rest.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_CONNECTION": "keep-alive, Upgrade"},
        {"HTTP_CONNECTION": "UPGRADE"},
        {"HTTP_UPGRADE": "WebSocket"},
        {"HTTP_SEC_WEBSOCKET_KEY": f" {RFC_KEY} "},
        {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate"},
        {"HTTP_SEC_WEBSOCKET_PROTOCOL": "soap"},
    ],
    ids=str,
)
def test_variants_are_accepted(changes: dict[str, str]) -> None:
    """Extensions and subprotocols are declined by leaving them out."""
    answer = accept_upgrade(request(**changes))
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
    assert b"Extensions" not in answer
    assert b"Protocol:" not in answer


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"REQUEST_METHOD": "POST"}, 405),
        ({"REQUEST_METHOD": "HEAD"}, 405),
        ({"HTTP_CONNECTION": None}, 400),
        ({"HTTP_CONNECTION": "close"}, 400),
        ({"HTTP_CONNECTION": "upgraded"}, 400),
        ({"HTTP_SEC_WEBSOCKET_VERSION": None}, 426),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "12"}, 426),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "013"}, 426),
        ({"HTTP_SEC_WEBSOCKET_KEY": None}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": ""}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": RFC_KEY[:-1]}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": RFC_KEY.replace("G", "*")}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": "é" * 24}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": f"{RFC_KEY},{RFC_KEY}"}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": "AAAA" * 6}, 400),
    ],
    ids=str,
)
def test_invalid_requests_are_refused(changes: dict[str, str | None], status: int) -> None:
    """With the HTTP answer to give."""
    with pytest.raises(HandshakeRefused) as refused:
        accept_upgrade(request(**changes))
    assert refused.value.status.startswith(f"{status} ")
    assert refused.value.reason


@pytest.mark.parametrize(
    ("upgrade", "wants"), [(None, False), ("", False), ("h2c", False), ("WEBSOCKET", True), ("h2c , websocket", True)]
)
def test_wish_for_a_websocket(upgrade: str | None, wants: bool) -> None:
    """Is in one header, which may be a list."""
    assert wants_websocket(request(HTTP_UPGRADE=upgrade)) is wants
