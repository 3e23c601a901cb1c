"""Clients get every publication once, also when the broker begins a new epoch and numbers from 1 again."""

from __future__ import annotations

from typing import Any

import flask_socketio
import pytest
from flask import Flask

from websocket import codec, green
from websocket.broker.base import Publication
from websocket.broker.memory_broker import MemoryBroker
from websocket.broker.numbering import Numbering
from websocket.feed_status import FeedStatus
from websocket.hub import Hub
from websocket.transports.json_session import update_frame
from websocket.transports.socketio_namespaces import FeedNamespace


class ChangingBroker(MemoryBroker):
    """Shows what another process publishes, as a follower does."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: 0.0)
        self._numbers = Numbering(5, listeners=self._listeners, clock=lambda: 0.0)
        self._history = self._numbers.shared

    def arrive(self, epoch: str, seq: int, *, is_news: bool = True) -> None:
        """Something came through the bus."""
        data = [{"symbol": "BTC", "price": seq}]
        publication = Publication("crypto-prices", epoch, seq, 0.0, codec.encode(data))
        self._numbers.take(publication, is_news=is_news)


class Client:
    """Stands for a connection; remembers what it was offered."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def offer(self, _channel: str, frame: bytes) -> None:
        self.got.append(frame)


def settle() -> None:
    """Lets all deliveries happen."""
    for _ in range(20):
        green.sleep(0)


def frame(publication: Publication) -> bytes:
    return f"{publication.epoch} {publication.seq}".encode()


def test_subscriber_of_the_hub_gets_the_new_epoch() -> None:
    """Although its numbers are lower than those that it had."""
    broker = ChangingBroker()
    hub = Hub(broker, frame=frame)
    broker.arrive("old", 50)
    settle()
    client: Any = Client()
    hub.subscribe(client, "crypto-prices")
    broker.arrive("old", 51)
    broker.arrive("new", 1)
    broker.arrive("new", 2)
    settle()
    assert client.got == [b"old 51", b"new 1", b"new 2"]


def test_snapshot_of_the_new_epoch_is_not_followed_by_the_old_one() -> None:
    """Who subscribes while publications wait for their delivery has the newest, and gets none of them."""
    broker = ChangingBroker()
    hub = Hub(broker, frame=frame)
    broker.arrive("old", 50)
    broker.arrive("new", 1)
    client: Any = Client()
    last = hub.subscribe(client, "crypto-prices")
    assert last is not None
    assert (last.epoch, last.seq) == ("new", 1)
    broker.arrive("new", 2)
    settle()
    assert client.got == [b"new 2"]


@pytest.fixture
def broker() -> ChangingBroker:
    return ChangingBroker()


@pytest.fixture
def prices_of(broker: ChangingBroker) -> Any:
    """Connects a Socket.IO client; then gives the prices that came since the last call."""

    def feed_status(channel: str) -> FeedStatus | None:
        assert channel
        return None

    app = Flask(__name__)
    server = flask_socketio.SocketIO(
        app, async_mode=green.ASYNC_MODE, always_connect=True, async_handlers=False, json=codec
    )
    hub = Hub(broker, frame=update_frame)
    server.on_namespace(FeedNamespace(hub, feed_status=feed_status, clock=lambda: 0.0))
    clients: list[Any] = []

    def prices(*, subscribes: bool = False) -> list[int]:
        if subscribes:
            clients.append(server.test_client(app, auth={"defaults": False}))
            clients[0].emit("subscribe", {"channel": "crypto-prices"})
        else:
            settle()
        packets = clients[0].get_received()
        return [packet["args"][0][0]["price"] for packet in packets if packet["name"] == "crypto-prices"]

    return prices


def test_socketio_client_gets_the_new_epoch(broker: ChangingBroker, prices_of: Any) -> None:
    """Each publication once, after its snapshot."""
    broker.arrive("old", 50)
    settle()
    assert prices_of(subscribes=True) == [50]
    broker.arrive("new", 1)
    broker.arrive("new", 2)
    assert prices_of() == [1, 2]


def test_socketio_client_between_publication_and_delivery_gets_it_once(broker: ChangingBroker, prices_of: Any) -> None:
    """Also when that is the first of a new epoch."""
    broker.arrive("old", 50)
    broker.arrive("new", 1)
    assert prices_of(subscribes=True) == [1]
    broker.arrive("new", 2)
    assert prices_of() == [2]


def test_socketio_client_misses_nothing_after_a_history_that_was_there(broker: ChangingBroker, prices_of: Any) -> None:
    """A new process has publications that were never delivered here; the next one is."""
    broker.arrive("old", 50, is_news=False)
    assert prices_of(subscribes=True) == [50]
    broker.arrive("old", 51)
    assert prices_of() == [51]
