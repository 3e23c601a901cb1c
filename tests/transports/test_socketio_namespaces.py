"""The Socket.IO namespace: what clients may send, and exactly what they get."""

from __future__ import annotations

from typing import Any

import flask_socketio
import pytest
from flask import Flask

from websocket import codec, green
from websocket.broker.memory_broker import MemoryBroker
from websocket.feed_status import FeedStatus
from websocket.hub import Hub
from websocket.transports.json_session import update_frame
from websocket.transports.socketio_namespaces import FeedNamespace

ROWS = [{"symbol": "BTC", "price": 1.5}]
NOW = 1_790_000_000.0


class Exchange:
    """A namespace with a broker behind it, and clients before it."""

    def __init__(self) -> None:
        self.broker = MemoryBroker(clock=lambda: NOW)
        self.app = Flask(__name__)
        self.socketio = flask_socketio.SocketIO(
            self.app, async_mode=green.ASYNC_MODE, always_connect=True, async_handlers=False, json=codec
        )
        self.namespace = FeedNamespace(
            Hub(self.broker, frame=update_frame), feed_status=self.feed_status, clock=lambda: NOW
        )
        self.socketio.on_namespace(self.namespace)

    def feed_status(self, channel: str, status: Any = "live") -> FeedStatus:
        """A status without a story."""
        return FeedStatus(
            channel=channel,
            status=status,
            reason=None,
            demo=False,
            source="somebody",
            oldest_age_s=1.0,
            timestamp="2026-11-21T00:00:00.000Z",
        )

    def client(self, **auth: Any) -> Any:
        """A connected client that has read its greeting."""
        client = self.socketio.test_client(self.app, auth=auth or None)
        client.get_received()
        return client

    def publish(self) -> None:
        """A broadcast of prices."""
        self.broker.publish("crypto-prices", ROWS)
        green.sleep(0)  # delivery has a green thread of its own


@pytest.fixture
def exchange() -> Exchange:
    """A fresh service without history."""
    return Exchange()


def received(client: Any, event: str | None = None) -> list[Any]:
    """What came since the last look: (event, payload) pairs, or the payloads of one event."""
    packets = [(packet["name"], packet["args"][0]) for packet in client.get_received()]
    return [payload for name, payload in packets if name == event] if event else packets


def test_connection_is_greeted(exchange: Exchange) -> None:
    """The greeting says that it worked and which channels there are."""
    client = exchange.socketio.test_client(exchange.app)
    (first, connected), (second, welcome) = [
        (packet["name"], packet["args"] if packet["name"] == "message" else packet["args"][0])
        for packet in client.get_received()
    ]
    assert (first, second) == ("connected", "message")
    assert connected["status"] == "connected"
    assert welcome["type"] == "welcome"
    assert "crypto-prices" in welcome["channels"]


def test_subscription_brings_the_last_prices_at_once(exchange: Exchange) -> None:
    """The snapshot and the state of the feed come before the acknowledgement is read, not with the next tick."""
    exchange.publish()
    client = exchange.client()
    ack = client.emit("subscribe", {"channel": "crypto-prices"}, callback=True)
    events = received(client)
    assert [name for name, _ in events] == ["crypto-prices", "feed-status"]
    assert events[0][1] == ROWS
    assert events[1][1]["status"] == "live"
    epoch, seq = exchange.broker.position("crypto-prices")
    assert ack == {"ok": True, "channel": "crypto-prices", "epoch": epoch, "seq": seq}


def test_subscription_without_history_brings_the_state(exchange: Exchange) -> None:
    """Before the first price there is no array, but the reason for that."""
    client = exchange.client()
    client.emit("subscribe", {"channel": "crypto-prices"})
    assert [name for name, _ in received(client)] == ["feed-status"]


def test_publications_reach_subscribers_once(exchange: Exchange) -> None:
    """Subscribing twice is no reason to get everything twice."""
    client = exchange.client()
    for _ in range(2):
        client.emit("subscribe", {"channel": "crypto-prices"})
    client.get_received()
    exchange.publish()
    assert received(client, "crypto-prices") == [ROWS]


def test_repeated_subscription_brings_no_second_snapshot(exchange: Exchange) -> None:
    """It is confirmed and changes nothing."""
    exchange.publish()
    client = exchange.client()
    client.emit("subscribe", {"channel": "crypto-prices"})
    client.get_received()
    ack = client.emit("subscribe", {"channel": "crypto-prices"}, callback=True)
    assert ack["ok"] is True
    assert received(client) == []


def test_unsubscription_ends_it(exchange: Exchange) -> None:
    """And may be repeated."""
    client = exchange.client()
    client.emit("subscribe", {"channel": "crypto-prices"})
    for _ in range(2):
        assert client.emit("unsubscribe", {"channel": "crypto-prices"}, callback=True)["ok"] is True
    client.get_received()
    exchange.publish()
    assert received(client) == []


def test_client_that_never_says_anything_gets_prices(exchange: Exchange) -> None:
    """Deployed front ends rely on a broadcast to all."""
    client = exchange.client()
    exchange.publish()
    assert received(client, "crypto-prices") == [ROWS]


@pytest.mark.parametrize("event", ["subscribe", "unsubscribe"])
def test_first_own_word_ends_the_default(exchange: Exchange, event: str) -> None:
    """Who says what it wants gets only that."""
    client = exchange.client()
    client.emit(event, {"channel": "market_data"})
    client.get_received()
    exchange.publish()
    assert received(client, "crypto-prices") == []


def test_default_can_be_declined(exchange: Exchange) -> None:
    """With auth {"defaults": false} nothing comes unasked."""
    client = exchange.client(defaults=False)
    exchange.publish()
    assert received(client) == []


def test_default_subscriber_gets_each_publication_once_after_subscribing(exchange: Exchange) -> None:
    """The default room and the channel's room never both count."""
    client = exchange.client()
    client.emit("subscribe", {"channel": "crypto-prices"})
    client.get_received()
    exchange.publish()
    assert len(received(client, "crypto-prices")) == 1


def test_service_comes_in_the_envelope(exchange: Exchange) -> None:
    """Other channels look as on the plain WebSocket."""
    client = exchange.client()
    client.emit("subscribe", {"channel": "market_data"})
    client.get_received()
    publication = exchange.broker.publish("market_data", {"prices": {}})
    green.sleep(0)
    assert received(client) == [
        (
            "market_data",
            {
                "service": "market_data",
                "type": "update",
                "data": {"prices": {}},
                "timestamp": "2026-09-21T14:13:20.000Z",
                "epoch": publication.epoch,
                "seq": 1,
            },
        )
    ]


def test_feed_status_reaches_subscribers_and_default_clients(exchange: Exchange) -> None:
    """Everybody who sees the prices is told when they can no longer be trusted; nobody else is."""
    subscriber, silent, other = exchange.client(), exchange.client(), exchange.client()
    subscriber.emit("subscribe", {"channel": "crypto-prices"})
    other.emit("subscribe", {"channel": "market_data"})
    for client in (subscriber, silent, other):
        client.get_received()
    exchange.namespace.emit_feed_status(exchange.feed_status("crypto-prices", "stale"))
    for client in (subscriber, silent):
        (status,) = received(client, "feed-status")
        assert set(status) == {"channel", "status", "reason", "demo", "source", "oldestAgeSeconds", "timestamp"}
        assert status["status"] == "stale"
    assert received(other) == []


@pytest.mark.parametrize(
    "data", [None, "crypto-prices", 5, [], ["crypto-prices"], {}, {"channel": None}, {"channel": 7}, {"channel": ["a"]}]
)
@pytest.mark.parametrize("event", ["subscribe", "unsubscribe"])
def test_malformed_requests_are_answered(exchange: Exchange, event: str, data: Any) -> None:
    """Wrong types and missing fields get an error event and a negative acknowledgement; the connection stays."""
    client = exchange.client()
    ack = client.emit(event, data, callback=True)
    assert ack["ok"] is False
    assert ack["code"] == "bad_request"
    (error,) = received(client, "error")
    assert set(error) >= {"code", "message", "temporary"}
    assert client.is_connected()


def test_unknown_channel_is_named_with_the_known_ones(exchange: Exchange) -> None:
    """The error helps to correct the request."""
    client = exchange.client()
    ack = client.emit("subscribe", {"channel": "crypto-pricez"}, callback=True)
    assert (ack["ok"], ack["code"], ack["temporary"]) == (False, "unknown_channel", False)
    assert "crypto-prices" in ack["available_channels"]


def test_malformed_request_leaves_the_default_alone(exchange: Exchange) -> None:
    """Only a request that worked is a client's own choice."""
    client = exchange.client()
    client.emit("subscribe", {"channel": "nonsense"})
    client.get_received()
    exchange.publish()
    assert received(client, "crypto-prices") == [ROWS]


@pytest.mark.parametrize("event", ["subscribee", "connected", "trigger_event", "__class__", ""])
def test_unknown_events_are_answered(exchange: Exchange, event: str) -> None:
    """A misspelt event is not ignored in silence, and reaches no method of ours."""
    client = exchange.client()
    ack = client.emit(event, {}, callback=True)
    assert ack["ok"] is False
    assert ack["supported_actions"] == ["subscribe", "unsubscribe", "ping"]


def test_ping_echoes_its_data(exchange: Exchange) -> None:
    """For measuring the latency as an application sees it."""
    ack = exchange.client().emit("ping", {"data": [1, "two"]}, callback=True)
    assert ack == {"ok": True, "data": [1, "two"], "timestamp": "2026-09-21T14:13:20.000Z"}


def test_own_fault_is_reported_as_such(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug of ours is logged with its traceback; the client learns that it may try again, and no details."""
    client = exchange.client()

    def fail(_channel: str) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(exchange.broker, "position", fail)
    ack = client.emit("subscribe", {"channel": "crypto-prices"}, callback=True)
    assert (ack["ok"], ack["code"], ack["temporary"]) == (False, "internal", True)
    assert "secret detail" not in str(ack)
    assert "secret detail" in caplog.text
    assert client.is_connected()


def test_snapshot_is_not_followed_by_the_same_publication(exchange: Exchange) -> None:
    """Who subscribes between a publication and its delivery gets it as the snapshot, and not once more."""
    client = exchange.client(defaults=False)
    exchange.broker.publish("crypto-prices", ROWS)
    client.emit("subscribe", {"channel": "crypto-prices"})
    green.sleep(0)
    assert received(client, "crypto-prices") == [ROWS]
    exchange.publish()
    assert received(client, "crypto-prices") == [ROWS]
