"""Two services on a Redis in which somebody else writes: no client loses its connection, or sees what is not ours."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket

from tests.cache.redis_server import RedisServer
from tests.end_to_end.conftest import Connect, StartService
from tests.support.plain_http import get
from tests.support.processes import wait_until
from tests.support.service import ServiceProcess
from websocket.coins import SYMBOLS

BUS = "dwt:demo:bus:"
FORGED_PRICE = 123.456


def bus_of(service: ServiceProcess) -> dict[str, Any]:
    """The bus as ``/health`` shows it."""
    bus: dict[str, Any] = get(f"{service.url}/health").json()["bus"]
    return bus


def write_everything_foreign(there: redis.Redis) -> None:
    """What was seen to harm clients, on every channel."""
    epoch = there.hget(f"{BUS}state", "epoch")
    for name in there.smembers(f"{BUS}channels"):  # type: ignore[union-attr]
        stream = f"{BUS}stream:{name.decode()}"
        ((_, newest),) = there.xrevrange(stream, count=1)  # type: ignore[misc]
        fields = {key.decode(): value for key, value in newest.items()}
        seq = int(fields["seq"])
        forged = {**fields, "body": forged_body(fields["body"])}
        for change in (
            {"seq": seq + 1, "body": "[]" if fields["body"].startswith(b"{") else "{}"},
            {"seq": seq + 1, "time": "nan"},
            {"seq": 2**70, "body": forged["body"]},
            {"seq": 2**49, "body": forged["body"]},
            {"seq": 1, "epoch": "ab" * 6, "body": forged["body"]},
        ):
            there.xadd(stream, {**fields, "epoch": epoch, **change})  # type: ignore[dict-item]
    there.xadd(f"{BUS}heartbeats", {"channels": "no number"})
    there.sadd(f"{BUS}channels", "not-ours")


def forged_body(body: bytes) -> bytes:
    """Prices that nobody quotes, where there are prices."""
    content = json.loads(body)
    if isinstance(content, list):
        content = [{**row, "price": FORGED_PRICE} for row in content]
    elif "prices" in content:
        content["prices"] = dict.fromkeys(content["prices"], FORGED_PRICE)
    return json.dumps(content).encode()


class Plain:
    """A client of the plain WebSocket that notes every update.

    Args:
        connection: to ``/ws``.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.updates: list[dict[str, Any]] = []

    def ask(self, action: str, kind: str, **fields: Any) -> dict[str, Any]:
        """Asks, and gives the answer of that type."""
        self.connection.send(json.dumps({"action": action, **fields}))
        return self.next(kind)

    def next(self, kind: str) -> dict[str, Any]:
        """The next message of a type."""
        while True:
            message: dict[str, Any] = json.loads(self.connection.recv(timeout=30))
            if message["type"] == "update":
                self.updates.append(message)
            if message["type"] == kind:
                return message


def test_what_somebody_writes_into_the_bus_reaches_no_client(
    start_redis: Callable[..., RedisServer], start_service: StartService, connect: Connect
) -> None:
    """Clients of the follower and of the collector keep their connections and get live prices, nothing is given up by
    the archives, both processes are well again, and what was refused is counted.
    """
    server = start_redis()
    env = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port), "METRICS_ENABLED": "true"}
    services = [start_service(env) for _ in range(2)]
    wait_until(lambda: sorted(bus_of(one)["role"] for one in services) == ["collector", "follower"], "one follows")
    feeds = [connect(service, transports=["websocket"]) for service in services]
    for feed in feeds:
        feed.subscribe()
        wait_until(lambda feed=feed: len((feed.received("crypto-prices") or [[]])[-1]) == len(SYMBOLS), "ten prices")
    sockets = [open_websocket(f"{service.url.replace('http', 'ws', 1)}/ws") for service in services]
    plain = [Plain(one) for one in sockets]
    try:
        for _ in range(3):
            write_everything_foreign(server.client())
            for client in plain:
                client.ask("get_status", "status")
                client.ask("subscribe", "subscription_confirmed", service="market_data")
                client.next("update")
                client.ask("unsubscribe", "unsubscription_confirmed", service="market_data")
            for feed in feeds:
                feed.wait_for_more("crypto-prices", 2)
        for service in services:
            wait_until(lambda service=service: bus_of(service)["healthy"], "it is well")
            assert bus_of(service)["refused"] > 0
            assert "\ndwt_refused_total{" in get(f"{service.url}/metrics").body.decode()
            report = get(f"{service.url}/health").json()
            assert max(price["age_seconds"] for price in report["prices"].values()) < 60
            log = service.log_file.read_text()
            assert "Traceback" not in log + service.output.read_text()
            assert "given up" not in log
    finally:
        for one in sockets:
            one.close()
    for feed in feeds:
        assert feed.received("#disconnect") == []
        # a number that jumps, and an epoch that nobody began, are told apart by everybody
        assert FORGED_PRICE not in {row["price"] for rows in feed.received("crypto-prices") for row in rows}
    for client in plain:
        assert FORGED_PRICE not in {price for one in client.updates for price in one["data"]["prices"].values()}


@pytest.mark.parametrize("value", ["maintenance", "a" * 32])
def test_lease_without_end_keeps_nobody_from_collecting(
    start_redis: Callable[..., RedisServer], start_service: StartService, value: str
) -> None:
    """It is taken over, and said."""
    server = start_redis()
    server.client().set(f"{BUS}lease", value)
    service = start_service({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port)})
    wait_until(lambda: bus_of(service)["role"] == "collector", "it collects")
    wait_until(lambda: get(f"{service.url}/health/ready").status == 200, "it is ready")
    assert "lease" in service.log_file.read_text()


def test_redis_that_appears_later_is_used(
    start_redis: Callable[..., RedisServer], start_service: StartService, connect: Connect
) -> None:
    """A process that started without it shares what it collects; until then its log stays quiet."""
    server = start_redis()
    server.kill()
    service = start_service({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.port)})
    feed = connect(service, transports=["websocket"])
    feed.subscribe()
    assert bus_of(service)["role"] == "alone"
    away_from = time.monotonic()
    feed.wait_for_more("crypto-prices", 10)
    away_s = time.monotonic() - away_from
    log = service.log_file.read_text()
    assert "Traceback" not in log + service.output.read_text()
    assert sum("bus" in line for line in log.splitlines()) <= away_s + 5
    server.start()
    wait_until(lambda: bus_of(service)["role"] == "collector", "it collects for all")
    wait_until(lambda: server.client().exists(f"{BUS}stream:crypto-prices"), "the others would have its prices")
    wait_until(lambda: get(f"{service.url}/health").json()["cache"]["healthy"], "its values are in Redis")
    feed.wait_for_more("crypto-prices", 2)
    assert feed.received("#disconnect") == []
    assert "Traceback" not in service.log_file.read_text()
