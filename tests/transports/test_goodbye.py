"""The polite end of a process, as clients of every kind see it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transports.engine_client import WEBSOCKET, PollingClient, joined, packet
from tests.transports.live_server import LiveServer
from tests.wire.raw_client import RawClient
from websocket import codec
from websocket.feed_status import FeedStatus

LIVE = FeedStatus(
    channel="crypto-prices",
    status="live",
    reason=None,
    demo=False,
    source="binance",
    oldest_age_s=1.0,
    timestamp="2026-11-21T10:00:00.250Z",
)


def error_in(text: str) -> dict[str, Any]:
    """The payload of a Socket.IO ``error``."""
    name, payload = codec.decode(text.removeprefix("42"))
    assert name == "error"
    assert isinstance(payload, dict)
    return payload


def test_plain_clients_are_told(server: LiveServer) -> None:
    """Each with its own wait, and then with the close code of a restart."""
    clients = [server.connect("/ws/data") for _ in range(3)]
    for client in clients:
        client.hear_type("connection_established")
    server.goodbye.say()
    waits = []
    for client in clients:
        error = client.hear()
        assert (error["type"], error["data"]["code"], error["data"]["temporary"]) == ("error", "shutting_down", True)
        waits.append(error["data"]["reconnect_in_ms"])
        assert client.end() == 1012
    assert all(0 < wait <= 5000 for wait in waits)
    assert len(set(waits)) > 1


def test_subscriber_of_notices_gets_the_planned_end_first(server: LiveServer) -> None:
    """As an update with its number, then the error; whoever is not subscribed gets the error only."""
    server.notices.report_feed(LIVE)
    client = server.connect("/ws/all")
    assert client.hear_type("update")["data"]["event"] == "feed_status"
    server.goodbye.say()
    update, error = client.hear(), client.hear()
    assert (update["service"], update["type"], update["seq"]) == ("system", "update", 2)
    assert (update["data"]["event"], update["data"]["feed"]["status"]) == ("shutdown", "live")
    assert (error["type"], error["data"]["code"]) == ("error", "shutting_down")
    assert client.end() == 1012


def test_socketio_clients_are_told(server: LiveServer) -> None:
    """By the event for errors, and then with the close code of a restart."""
    clients = [joined(server.port) for _ in range(3)]
    server.goodbye.say()
    waits = []
    for client in clients:
        error = error_in(packet(client))
        assert (error["code"], error["temporary"]) == ("shutting_down", True)
        waits.append(error["reconnect_in_ms"])
        assert client.end() == 1012
    assert len(set(waits)) > 1


def test_polling_clients_are_told(server: LiveServer) -> None:
    """With their next poll, which also tells them to close."""
    client = PollingClient(server.port).join('{"defaults":false}')
    server.goodbye.say()
    status, packets = client.get()
    assert status == 200
    assert error_in(packets[0])["code"] == "shutting_down"
    assert packets[1] == "1"


@pytest.mark.parametrize("path", ["/ws", WEBSOCKET])
def test_nobody_is_admitted_afterwards(server: LiveServer, path: str) -> None:
    """A client that comes back at once is sent on, not taken in for a moment."""
    server.goodbye.say()
    client = RawClient(server.port)
    client.request(path)
    answer = client.answer()
    assert answer.status == 503
    assert answer.json()["temporary"] is True
    assert "shutting down" in answer.json()["message"]


def test_goodbye_is_said_once(server: LiveServer) -> None:
    """A second signal says nothing more."""
    client = joined(server.port)
    server.goodbye.say()
    server.goodbye.say()
    error_in(packet(client))
    assert client.end() == 1012
