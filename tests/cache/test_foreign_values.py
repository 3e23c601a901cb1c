"""What stands in Redis under our names and cannot be ours: what we have counts, and is written over it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
import redis

from tests.cache.conftest import PREFIX, Caches
from tests.cache.redis_server import RedisServer
from websocket.cache import redis_cache
from websocket.cache.redis_cache import RedisCache

NAME = f"{PREFIX}cache:prices"


class Kept(msgspec.Struct):
    """A value of ours."""

    price: float


def put_other(there: redis.Redis, kind: str) -> None:
    """Puts something in the place of our value."""
    there.delete(NAME)
    if kind == "list":
        there.rpush(NAME, "x")
    elif kind == "hash":
        there.hset(NAME, "x", "y")
    else:
        there.set(NAME, kind)


FOREIGN = ["list", "hash", "", "nonsense", "[]", '{"price": "x"}', '{"price": NaN}', '{"price": 1, "x": ' + "[" * 9999]


@pytest.mark.parametrize("what", FOREIGN)
def test_what_cannot_be_ours_never_replaces_what_we_have(
    caches: Caches, server: RedisServer, there: redis.Redis, what: str
) -> None:
    """It is counted, is no outage, and ours is there again after the next check."""
    cache = caches.on_redis(server.port)
    cache.put("prices", b'{"price": 2.5}')
    put_other(there, what)
    assert cache.load("prices", Kept) == Kept(2.5)
    status = cache.status()
    assert (status.healthy, status.refused) == (True, 1)
    assert (status.last_refused or "").startswith("prices: ")
    cache.check()
    assert there.get(NAME) == b'{"price": 2.5}'


@pytest.mark.parametrize("what", FOREIGN)
def test_what_cannot_be_ours_is_as_good_as_nothing(
    caches: Caches, server: RedisServer, there: redis.Redis, what: str
) -> None:
    """For a process that has nothing either; it is removed, and what is put afterwards counts."""
    put_other(there, what)
    cache = caches.on_redis(server.port)
    assert cache.load("prices", Kept) is None
    assert cache.status().healthy
    cache.check()
    assert not there.exists(NAME)
    cache.put("prices", b'{"price": 3}')
    assert cache.load("prices", Kept) == Kept(3)


def test_large_value_is_not_read(
    caches: Caches, server: RedisServer, there: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more of it than we would keep."""
    monkeypatch.setattr(redis_cache, "MAX_BYTES", 1000)
    cache = caches.on_redis(server.port)
    cache.put("prices", b'{"price": 1}')
    there.set(NAME, b"x" * 2000)
    assert cache.get("prices") == b'{"price": 1}'
    assert "more than 1000 bytes" in (cache.status().last_refused or "")


def test_marker_of_another_type_is_replaced(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    """It says that Redis is not as we left it."""
    cache = caches.on_redis(server.port)
    cache.put("prices", b"[1]")
    (marker,) = there.keys(f"{PREFIX}cache-writer:*")
    there.delete(marker, NAME)
    there.rpush(marker, "x")
    cache.check()
    assert (there.get(marker), there.get(NAME)) != (None, None)
    assert cache.status().healthy


@pytest.mark.parametrize("look", [lambda cache: cache.get("prices"), lambda cache: cache.check()])
def test_refusal_of_redis_is_an_outage(
    caches: Caches, server: RedisServer, there: redis.Redis, look: Callable[[RedisCache], object]
) -> None:
    """A user who may not read any more is not mistaken for foreign content."""
    cache = caches.on_redis(server.port)
    cache.put("prices", b"[1]")
    there.execute_command("ACL", "SETUSER", "default", "-get", "-getrange")
    look(cache)
    assert not cache.status().healthy
    assert cache.status().refused == 0
    assert cache.get("prices") == b"[1]"
