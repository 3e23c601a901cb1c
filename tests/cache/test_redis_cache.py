"""Two layers: what is shared through Redis, and that nothing is lost when it goes and comes back."""

from __future__ import annotations

import logging
import socket

import pytest
import redis

from tests.cache.conftest import PREFIX, Caches
from tests.cache.redis_server import RedisServer, free_port
from websocket import green
from websocket.cache.redis_cache import RedisCache


def values_in(there: redis.Redis) -> dict[str, bytes]:
    """What a Redis holds of the cache, without prefixes."""
    prefix = f"{PREFIX}cache:"
    return {name.decode().removeprefix(prefix): there.get(name) for name in there.keys(f"{prefix}*")}


def until_next_trial(caches: Caches) -> None:
    caches.clock.now += 30


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records]


def test_everything_in_redis_has_the_prefix(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    caches.on_redis(server.port).put("prices", b"x")
    names = there.keys("*")
    assert f"{PREFIX}cache:prices".encode() in names
    assert all(name.startswith(PREFIX.encode()) for name in names)


def test_redis_ends_values_by_itself(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    cache = caches.on_redis(server.port)
    cache.put("news", b"x", ttl_s=60)
    cache.put("prices", b"x")
    assert 0 < there.pttl(f"{PREFIX}cache:news") <= 60_000
    assert there.pttl(f"{PREFIX}cache:prices") == -1


def test_leaves_no_marker_behind(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    cache = caches.on_redis(server.port)
    cache.put("prices", b"x")
    cache.close()
    assert there.keys("*") == [f"{PREFIX}cache:prices".encode()]


def test_reads_what_another_process_wrote(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    cache = caches.on_redis(server.port)
    cache.put("prices", b"ours")
    there.set(f"{PREFIX}cache:prices", b"theirs", px=60_000)
    assert cache.get("prices") == b"theirs"
    server.kill()
    assert cache.get("prices") == b"theirs"
    caches.clock.now += 61
    assert cache.get("prices") is None


def test_what_another_process_deleted_is_gone(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    cache = caches.on_redis(server.port)
    cache.put("prices", b"x")
    there.delete(f"{PREFIX}cache:prices")
    assert cache.get("prices") is None
    server.kill()
    assert cache.get("prices") is None


def test_redis_killed_midway_and_back_empty(
    caches: Caches, server: RedisServer, there: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cache = caches.on_redis(server.port)
    cache.put("before", b"1")
    assert cache.status().healthy

    server.kill()
    assert cache.get("before") == b"1"
    cache.put("during", b"2")
    cache.delete("before")
    cache.put("before", b"3")
    assert (cache.get("before"), cache.get("during")) == (b"3", b"2")
    status = cache.status()
    assert (status.kind, status.healthy) == ("redis", False)
    assert "is away" in status.detail
    until_next_trial(caches)
    cache.check()
    assert levels(caplog) == ["WARNING"]

    server.start()
    until_next_trial(caches)
    cache.check()
    assert values_in(there) == {"before": b"3", "during": b"2"}
    assert cache.status().healthy
    assert cache.status().last_error is not None
    assert levels(caplog) == ["WARNING", "INFO"]


def test_a_restart_between_two_calls_loses_nothing(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    cache = caches.on_redis(server.port)
    cache.put("prices", b"1")
    cache.put("news", b"2")
    server.kill()
    server.start()
    assert cache.get("prices") == b"1"
    until_next_trial(caches)
    cache.check()
    assert values_in(there) == {"prices": b"1", "news": b"2"}


def test_a_flushed_redis_gets_all_values_again(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    cache = caches.on_redis(server.port)
    cache.put("prices", b"1")
    cache.put("news", b"2", ttl_s=60)
    there.flushall()
    assert cache.get("prices") == b"1"
    assert values_in(there) == {"prices": b"1", "news": b"2"}
    assert 0 < there.pttl(f"{PREFIX}cache:news") <= 60_000


def test_an_old_dump_does_not_bring_old_values_back(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    cache = caches.on_redis(server.port)
    cache.put("prices", b"old")
    there.save()
    cache.put("prices", b"new")
    server.kill()
    server.start()
    assert cache.get("prices") == b"new"
    until_next_trial(caches)
    assert cache.get("prices") == b"new"
    cache.check()
    assert values_in(there) == {"prices": b"new"}


def test_a_cut_connection_does_not_undo_what_others_wrote(
    caches: Caches, server: RedisServer, there: redis.Redis
) -> None:
    cache = caches.on_redis(server.port)
    for key in ("kept", "changed", "deleted"):
        cache.put(key, b"1")
    caches.breaker.failed()
    there.set(f"{PREFIX}cache:kept", b"theirs")
    there.set(f"{PREFIX}cache:changed", b"theirs")
    cache.put("changed", b"2")
    cache.delete("deleted")
    assert there.get(f"{PREFIX}cache:changed") == b"theirs"
    until_next_trial(caches)
    cache.check()
    assert values_in(there) == {"kept": b"theirs", "changed": b"2"}
    assert cache.get("kept") == b"theirs"


def test_the_file_of_an_earlier_run_fills_an_empty_redis_only(
    caches: Caches, server: RedisServer, there: redis.Redis
) -> None:
    earlier = caches.embedded()
    earlier.put("prices", b"from the file")
    earlier.put("news", b"from the file")
    earlier.close()
    there.set(f"{PREFIX}cache:news", b"newer")
    cache = caches.on_redis(server.port)
    assert values_in(there) == {"prices": b"from the file", "news": b"newer"}
    assert (cache.get("prices"), cache.get("news")) == (b"from the file", b"newer")


def test_looks_after_redis_by_itself(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    cache = caches.on_redis(server.port)
    cache.start()
    cache.put("prices", b"x")
    there.flushall()
    while values_in(there) != {"prices": b"x"}:
        green.sleep(0.05)


def test_a_port_that_swallows_everything_is_left_alone(caches: Caches, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        silent.setblocking(False)

        def connections() -> int:
            count = 0
            while True:
                try:
                    silent.accept()[0].close()
                except BlockingIOError:
                    return count
                count += 1

        cache = caches.on_redis(silent.getsockname()[1])
        assert connections() == 1
        for _ in range(3):
            cache.put("prices", b"x")
            assert cache.get("prices") == b"x"
            cache.check()
        until_next_trial(caches)
        assert cache.get("prices") == b"x"
        assert connections() == 0

        events: list[str] = []

        def try_again() -> None:
            cache.check()
            events.append("tried")

        green.spawn(try_again)
        green.sleep()
        cache.put("prices", b"y")
        events.append(f"got {cache.get('prices')!r}")
        while len(events) < 2:
            green.sleep(0.05)
        assert events == ["got b'y'", "tried"]
        assert connections() == 1
    assert levels(caplog) == ["WARNING"]


def test_a_redis_that_takes_no_writes_counts_as_away(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    cache = caches.on_redis(server.port)
    there.config_set("maxmemory", 1)
    cache.put("prices", b"x")
    assert not cache.status().healthy
    assert cache.get("prices") == b"x"
    there.config_set("maxmemory", 0)
    until_next_trial(caches)
    cache.check()
    assert values_in(there) == {"prices": b"x"}


def test_a_delete_that_redis_refused_is_done_later(caches: Caches, server: RedisServer, there: redis.Redis) -> None:
    cache = caches.on_redis(server.port)
    cache.put("prices", b"x")
    there.config_set("min-replicas-to-write", 1)
    cache.delete("prices")
    assert not cache.status().healthy
    assert values_in(there) == {"prices": b"x"}
    there.config_set("min-replicas-to-write", 0)
    until_next_trial(caches)
    cache.check()
    assert values_in(there) == {}
    assert cache.get("prices") is None


def test_what_is_put_while_redis_is_asked_wins(
    caches: Caches, server: RedisServer, there: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = caches.on_redis(server.port)
    there.set(f"{PREFIX}cache:prices", b"theirs")
    execute = redis.client.Pipeline.execute

    def execute_slowly(pipeline: redis.client.Pipeline, **options: bool) -> object:
        answer = execute(pipeline, **options)
        monkeypatch.undo()
        green.spawn(cache.put, "prices", b"ours")
        green.sleep()
        return answer

    monkeypatch.setattr(redis.client.Pipeline, "execute", execute_slowly)
    assert cache.get("prices") == b"ours"
    cache.check()
    assert values_in(there) == {"prices": b"ours"}


def test_a_password_set_later_is_reported_and_not_raised(caches: Caches, server: RedisServer) -> None:
    cache = caches.on_redis(server.port)
    cache.put("prices", b"x")
    server.kill()
    locked = RedisServer(caches.folder, ("--port", str(server.port), "--requirepass", "s3cret"), "s3cret")
    locked.port = server.port
    locked.start()
    try:
        until_next_trial(caches)
        cache.check()
        assert cache.get("prices") == b"x"
        assert "Authentication" in cache.status().detail
    finally:
        locked.kill()


def test_trouble_of_the_file_shows_in_the_status(caches: Caches, server: RedisServer) -> None:
    embedded = caches.embedded()
    cache = caches.on_redis(server.port, embedded)
    (caches.folder / "cache.bin.new").mkdir()
    cache.put("prices", b"x")
    embedded.save()
    status = cache.status()
    assert not status.healthy
    assert status.last_error == "Is a directory"
    (caches.folder / "cache.bin.new").rmdir()


def test_nothing_there_is_not_waited_for(caches: Caches) -> None:
    cache: RedisCache = caches.on_redis(free_port())
    cache.put("prices", b"x")
    assert cache.get("prices") == b"x"
    assert not cache.status().healthy
