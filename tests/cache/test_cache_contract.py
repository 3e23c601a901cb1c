"""What every cache does, whichever it is and whether its Redis is there or not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cache.conftest import Caches
from tests.cache.redis_server import RedisServer, free_port
from websocket.cache.base import Cache


class Subject:
    """A cache under test, and a way to let time pass for all of its layers."""

    def __init__(self, cache: Cache, caches: Caches, server: RedisServer | None) -> None:
        self.cache = cache
        self._caches = caches
        self._server = server

    def let_pass(self, seconds: float) -> None:
        self._caches.clock.now += seconds
        if self._server is None:
            return
        client = self._server.client()
        for name in client.keys("*"):
            if (remaining_ms := client.pttl(name)) >= 0:
                client.pexpire(name, int(remaining_ms - seconds * 1000))


@pytest.fixture(params=["embedded", "live Redis", "dead Redis"])
def subject(request: pytest.FixtureRequest, caches: Caches) -> Subject:
    if request.param == "embedded":
        return Subject(caches.embedded(), caches, None)
    if request.param == "dead Redis":
        return Subject(caches.on_redis(free_port()), caches, None)
    start_redis: Callable[..., RedisServer] = request.getfixturevalue("start_redis")
    server = start_redis()
    return Subject(caches.on_redis(server.port), caches, server)


def test_has_nothing_at_first(subject: Subject) -> None:
    assert subject.cache.get("prices") is None


def test_gives_what_was_put(subject: Subject) -> None:
    subject.cache.put("prices", b"\x00\xff[1]")
    assert subject.cache.get("prices") == b"\x00\xff[1]"


def test_replaces(subject: Subject) -> None:
    subject.cache.put("prices", b"old", ttl_s=5)
    subject.cache.put("prices", b"new")
    subject.let_pass(6)
    assert subject.cache.get("prices") == b"new"


def test_an_empty_value_is_a_value(subject: Subject) -> None:
    subject.cache.put("prices", b"")
    assert subject.cache.get("prices") == b""


def test_keeps_keys_apart(subject: Subject) -> None:
    subject.cache.put("a:1 ü", b"one")
    subject.cache.put("a:2 ü", b"two")
    assert (subject.cache.get("a:1 ü"), subject.cache.get("a:2 ü")) == (b"one", b"two")


def test_deletes(subject: Subject) -> None:
    subject.cache.put("prices", b"x")
    subject.cache.delete("prices")
    assert subject.cache.get("prices") is None


def test_deleting_what_is_not_there_does_nothing(subject: Subject) -> None:
    subject.cache.delete("prices")
    assert subject.cache.get("prices") is None


def test_a_value_is_there_until_its_time_is_over(subject: Subject) -> None:
    subject.cache.put("prices", b"x", ttl_s=10)
    subject.let_pass(9)
    assert subject.cache.get("prices") == b"x"
    subject.let_pass(1)
    assert subject.cache.get("prices") is None


@pytest.mark.parametrize("ttl_s", [0, -1, float("nan")])
def test_refuses_a_time_that_is_none(subject: Subject, ttl_s: float) -> None:
    with pytest.raises(ValueError, match="ttl_s"):
        subject.cache.put("prices", b"x", ttl_s=ttl_s)
    assert subject.cache.get("prices") is None


def test_counts_hits_and_misses(subject: Subject) -> None:
    subject.cache.put("prices", b"x")
    subject.cache.get("prices")
    subject.cache.get("prices")
    subject.cache.get("news")
    status = subject.cache.status()
    assert (status.hits, status.misses) == (2, 1)


def test_can_be_closed_twice_and_keeps_its_values(subject: Subject, caches: Caches) -> None:
    subject.cache.put("prices", b"x")
    subject.cache.close()
    subject.cache.close()
    assert caches.embedded().get("prices") == b"x"
