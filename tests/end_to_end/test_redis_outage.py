"""Redis goes away and comes back under a running service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaos.cluster import internet_at
from tests.cache.redis_server import RedisServer
from tests.end_to_end.conftest import Connect, SimulatorProcess, StartService
from tests.end_to_end.test_restarts import prices, real
from tests.support.plain_http import get
from tests.support.processes import free_port, wait_until
from tests.support.service import ServiceProcess
from websocket.coins import SYMBOLS


def cache_of(service: ServiceProcess) -> dict[str, Any]:
    """The cache as ``/health`` shows it."""
    cache: dict[str, Any] = get(f"{service.url}/health").json()["cache"]
    return cache


def test_killed_redis_loses_no_price_and_stops_no_broadcast(
    start_redis: Callable[..., RedisServer], start_service: StartService, connect: Connect
) -> None:
    """Broadcasts go on, all ten prices stay, ``/health`` tells, and Redis is used again when it is back."""
    redis = start_redis()
    service = start_service({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)})
    client = connect(service, transports=["websocket"])
    before = client.subscribe()
    wait_until(lambda: len(client.received("crypto-prices")[-1]) == len(SYMBOLS), "ten prices")
    wait_until(lambda: redis.client().exists("dwt:cache:prices:demo"), "the prices are in Redis")
    assert cache_of(service)["kind"] == "redis"
    assert cache_of(service)["healthy"] is True

    redis.kill()
    for rows in client.wait_for_more("crypto-prices", 5):
        assert [row["symbol"] for row in rows] == list(SYMBOLS)
    wait_until(lambda: not cache_of(service)["healthy"], "the cache is called unhealthy")
    report = get(f"{service.url}/health")
    assert report.status == 200
    assert report.json()["status"] == "degraded"
    assert "Redis" in report.json()["reason"]
    during = client.subscribe()
    # other processes may give out the old numbers meanwhile, for all that this one knows
    assert during["epoch"] != before["epoch"]
    assert during["seq"] >= 4

    redis.start()
    wait_until(lambda: cache_of(service)["healthy"], "the cache is healthy again")
    wait_until(lambda: redis.client().exists("dwt:cache:prices:demo"), "the prices are in the new, empty Redis")
    client.wait_for_more("crypto-prices", 2)
    wait_until(lambda: get(f"{service.url}/health").json()["bus"]["healthy"], "the others would hear of it again")
    client.wait_for_more("crypto-prices", 2)
    assert client.received("#disconnect") == []


def test_log_has_one_line_for_each_change(start_redis: Callable[..., RedisServer], start_service: StartService) -> None:
    """Not one for each call that failed."""
    redis = start_redis()
    service = start_service({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)})
    redis.kill()
    wait_until(lambda: not cache_of(service)["healthy"], "the cache is called unhealthy")
    redis.start()
    wait_until(lambda: cache_of(service)["healthy"], "the cache is healthy again")
    lines = [line for line in service.log_file.read_text().splitlines() if "websocket.cache.redis_cache" in line]
    assert len(lines) == 2, lines
    assert " WARNING " in lines[0]
    assert " INFO " in lines[1]


def test_service_starts_while_redis_is_away(
    start_redis: Callable[..., RedisServer], start_service: StartService, connect: Connect
) -> None:
    """A wanted Redis that does not answer yet is no reason not to start."""
    redis = start_redis()
    redis.kill()
    service = start_service({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)})
    connect(service, transports=["websocket"]).wait_for("crypto-prices", 2)
    assert cache_of(service)["healthy"] is False
    redis.start()
    wait_until(lambda: cache_of(service)["healthy"], "the cache is healthy")


def test_prices_come_back_from_redis(
    start_redis: Callable[..., RedisServer], start_service: StartService, internet: SimulatorProcess
) -> None:
    """A service on a new machine, with an empty folder and no internet, has the prices that another one left."""
    redis = start_redis()
    env = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)}
    ports = free_port(), free_port()
    first = start_service({**env, **internet_at(internet.url)}, command=real(ports[0]), port=ports[0])
    wait_until(lambda: len(prices(first)) == len(SYMBOLS), "ten prices")
    first.stop()
    second = start_service(env, command=real(ports[1]), port=ports[1])
    assert second.folder != first.folder
    wait_until(lambda: len(prices(second)) == len(SYMBOLS), "the prices of the first")
