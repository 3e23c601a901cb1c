"""What real Socket.IO clients get from a running service."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.end_to_end.conftest import Connect
from tests.end_to_end.feed_client import FeedClient
from tests.support.plain_http import get
from tests.support.processes import wait_until
from tests.support.service import ServiceProcess
from websocket.coins import SYMBOLS

KEYS = ["symbol", "name", "price", "change24h", "changePercent24h", "volume24h", "marketCap", "lastUpdated"]

WEBSOCKET = {"transports": ["websocket"]}
POLLING = {"transports": ["polling"]}
UPGRADING = {"transports": ["polling", "websocket"]}


@pytest.fixture(autouse=True)
def _ready(demo: ServiceProcess) -> None:
    """Every coin has its price before a test begins."""
    wait_until(lambda: len(get(f"{demo.url}/api/prices").json()["data"]) == len(SYMBOLS), "ten prices")


@pytest.fixture(params=[WEBSOCKET, POLLING, UPGRADING], ids=["websocket", "polling", "upgrading"])
def node(request: pytest.FixtureRequest, demo: ServiceProcess, connect_node: Connect) -> FeedClient:
    """The npm client, connected in each of the ways."""
    client = connect_node(demo, **request.param)
    if request.param is UPGRADING:
        client.wait_for("#upgrade")
    return client


@pytest.fixture(params=[WEBSOCKET, POLLING, UPGRADING], ids=["websocket", "polling", "upgrading"])
def python(request: pytest.FixtureRequest, demo: ServiceProcess, connect: Connect) -> FeedClient:
    """The asyncio client, connected in each of the ways."""
    return connect(demo, **request.param)


def assert_is_feed(rows: Any) -> None:
    """What a front end relies on: ten coins, the eight keys, finite numbers, and a time in UTC."""
    assert [row["symbol"] for row in rows] == list(SYMBOLS)
    for row in rows:
        assert list(row) == KEYS
        assert isinstance(row["symbol"], str)
        assert isinstance(row["name"], str)
        for key in KEYS[2:-1]:
            assert isinstance(row[key], (int, float))
            assert not isinstance(row[key], bool)
            assert math.isfinite(row[key])
        assert row["price"] > 0
        assert row["lastUpdated"].endswith("Z")


def test_npm_client_gets_a_snapshot_and_then_every_broadcast(node: FeedClient) -> None:
    """The array comes at once after ``subscribe``, before its acknowledgement, and then again and again."""
    before = len(node.events())
    answer = node.subscribe()
    names = [name for name, _ in node.events()[before:]]
    assert "crypto-prices" in names[: names.index("#ack")]
    assert answer["ok"] is True
    for rows in node.wait_for_more("crypto-prices", 3):
        assert_is_feed(rows)


def test_python_client_gets_a_snapshot_and_then_every_broadcast(python: FeedClient) -> None:
    """The same for python-socketio's own client."""
    before = len(python.events())
    answer = python.subscribe()
    names = [name for name, _ in python.events()[before:]]
    assert "crypto-prices" in names[: names.index("#ack")]
    assert answer["ok"] is True
    for rows in python.wait_for_more("crypto-prices", 3):
        assert_is_feed(rows)


def test_greeting_names_the_channels(node: FeedClient) -> None:
    """``connected`` and ``message`` say that it worked, and what there is."""
    assert node.wait_for("connected")[0]["status"] == "connected"
    welcome = node.wait_for("message")[0]
    assert welcome["type"] == "welcome"
    assert "crypto-prices" in welcome["channels"]


def test_acknowledgement_gives_the_position(node: FeedClient) -> None:
    """``seq`` goes on with the broadcasts while ``epoch`` stays; subscribing again sends no second snapshot."""
    first = node.subscribe()
    assert first == {"ok": True, "channel": "crypto-prices", "epoch": first["epoch"], "seq": first["seq"]}
    node.wait_for_more("crypto-prices", 2)
    second = node.subscribe()
    assert second["epoch"] == first["epoch"]
    assert second["seq"] >= first["seq"] + 2
    # the snapshot stands for first["seq"], and every later number came once
    assert len(node.received("crypto-prices")) <= second["seq"] - first["seq"] + 2


def test_feed_status_says_that_it_is_a_demo(node: FeedClient) -> None:
    """Nobody should take simulated prices for real ones."""
    node.subscribe()
    status = node.wait_for("feed-status")[0]
    assert status["channel"] == "crypto-prices"
    assert status["demo"] is True
    assert status["status"] in ("live", "delayed", "stale")
    assert status["oldestAgeSeconds"] >= 0


def test_unknown_channel_is_an_error_and_the_connection_stays(node: FeedClient) -> None:
    """As an event for clients that ask for no acknowledgement, and as the acknowledgement."""
    answer = node.subscribe("no-such-channel")
    assert answer["ok"] is False
    assert answer["code"] == "unknown_channel"
    assert answer["temporary"] is False
    assert "crypto-prices" in answer["available_channels"]
    assert node.wait_for("error")[0]["code"] == "unknown_channel"
    assert node.send("ping", {"data": 7})["data"] == 7


@pytest.mark.parametrize("wrong", [None, 5, "crypto-prices", [], {}, {"channel": None}, {"channel": ["crypto-prices"]}])
def test_malformed_subscription_is_an_error(demo: ServiceProcess, connect_node: Connect, wrong: Any) -> None:
    """Whatever shape comes, the answer is an error with a code."""
    client = connect_node(demo, **WEBSOCKET)
    answer = client.send("subscribe", wrong)
    assert (answer["ok"], answer["code"]) == (False, "bad_request")
    assert client.subscribe()["ok"] is True


def test_client_that_never_subscribes_gets_prices(node: FeedClient) -> None:
    """Deployed front ends rely on it."""
    for rows in node.wait_for("crypto-prices", 2):
        assert_is_feed(rows)


def test_subscribing_ends_the_default_without_doubling_it(demo: ServiceProcess, connect_node: Connect) -> None:
    """Each broadcast comes once to a client that was served by default and then subscribed."""
    client = connect_node(demo, **WEBSOCKET)
    client.wait_for("crypto-prices")
    start = client.subscribe()["seq"]
    seen = len(client.received("crypto-prices"))
    client.wait_for_more("crypto-prices", 4)
    end = client.subscribe()["seq"]
    assert len(client.received("crypto-prices")) - seen <= end - start + 1


def test_unsubscribed_client_gets_no_prices(demo: ServiceProcess, connect_node: Connect) -> None:
    """Neither one that unsubscribed nor one that connected without defaults, while others get theirs."""
    left = connect_node(demo, **WEBSOCKET)
    assert left.send("unsubscribe", {"channel": "crypto-prices"}) == {"ok": True, "channel": "crypto-prices"}
    before = len(left.received("crypto-prices"))
    quiet = connect_node(demo, **WEBSOCKET, auth={"defaults": False})
    connect_node(demo, **WEBSOCKET).wait_for("crypto-prices", 4)
    # what was sent to them is read by now: the answer comes after it
    assert left.send("ping")["ok"] is True
    assert quiet.send("ping")["ok"] is True
    assert len(left.received("crypto-prices")) == before
    assert quiet.received("crypto-prices") == []


def test_market_data_comes_in_its_envelope(demo: ServiceProcess, connect: Connect) -> None:
    """The other channel has numbered updates."""
    client = connect(demo, **WEBSOCKET, auth={"defaults": False})
    answer = client.subscribe("market_data")
    updates = client.wait_for("market_data", 3)
    assert [update["seq"] for update in updates] == list(range(updates[0]["seq"], updates[0]["seq"] + 3))
    assert updates[0]["seq"] in (answer["seq"], answer["seq"] + 1)
    data = updates[-1]["data"]
    assert data["demo"] is True
    assert len(data["prices"]) == len(SYMBOLS)
    assert client.received("crypto-prices") == []


def test_clients_all_get_the_same_broadcast(demo: ServiceProcess, connect: Connect, connect_node: Connect) -> None:
    """Whichever library and transport: one publication, the same numbers."""
    clients = [connect_node(demo, **WEBSOCKET), connect_node(demo, **POLLING), connect(demo, **WEBSOCKET)]
    for client in clients:
        client.wait_for("crypto-prices", 4)
    common = [
        rows
        for rows in clients[0].received("crypto-prices")
        if all(rows in client.received("crypto-prices") for client in clients[1:])
    ]
    assert common
