"""Clocks that tests move, and caches on folders and servers of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.cache.redis_server import RedisServer, require_redis_server
from websocket.cache.base import Cache
from websocket.cache.embedded_cache import EmbeddedCache
from websocket.cache.redis_cache import RedisCache
from websocket.cache.redis_connection import Breaker, redis_client
from websocket.settings import RedisSettings

PREFIX = "test:"


class ManualClock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Caches:
    """Makes caches that share one clock, and closes them after the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.breaker = Breaker(self.clock)
        self._open: list[Cache] = []

    def embedded(self, folder: Path | None = None, **arguments: int) -> EmbeddedCache:
        """A cache in the test's folder or another one."""
        cache = EmbeddedCache(folder or self.folder, clock=self.clock, **arguments)
        self._open.append(cache)
        return cache

    def on_redis(self, port: int, embedded: EmbeddedCache | None = None) -> RedisCache:
        """A cache on the Redis at ``port``; it has looked there once, and looks again with ``check``."""
        cache = RedisCache(
            redis_client(RedisSettings(host="127.0.0.1", port=port)),
            embedded or self.embedded(),
            prefix=PREFIX,
            address=f"127.0.0.1:{port}",
            wall_clock=self.clock,
            breaker=self.breaker,
        )
        self._open.append(cache)
        cache.check()
        return cache

    def close(self) -> None:
        """Closes all, also those that a test closed already."""
        for cache in reversed(self._open):
            cache.close()


@pytest.fixture
def caches(tmp_path: Path) -> Iterator[Caches]:
    made = Caches(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts a server with more options: ``start_redis("--requirepass", "x", password="x")``."""
    require_redis_server()
    servers: list[RedisServer] = []

    def start(*arguments: str, password: str | None = None) -> RedisServer:
        folder = tmp_path / f"redis-{len(servers)}"
        folder.mkdir()
        server = RedisServer(folder, arguments, password)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def server(start_redis: Callable[..., RedisServer]) -> RedisServer:
    return start_redis()


@pytest.fixture
def there(server: RedisServer) -> redis.Redis:
    """A look into the server past our cache."""
    return server.client()
