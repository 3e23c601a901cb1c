"""The breaker, and what is found at an address."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cache.conftest import PREFIX, ManualClock
from tests.cache.redis_server import RedisServer, free_port
from websocket.cache.redis_connection import Breaker, probe_redis, redis_client
from websocket.settings import RedisSettings, Secret


def test_the_breaker_doubles_its_pause_up_to_thirty_seconds() -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    assert breaker.allows()
    for pause_s in (1, 2, 4, 8, 16, 30, 30):
        breaker.failed()
        clock.now += pause_s - 0.5
        assert not breaker.allows()
        clock.now += 0.5
        assert breaker.allows()
        assert breaker.is_open


def test_the_breaker_tells_changes_only() -> None:
    breaker = Breaker(ManualClock())
    assert [breaker.failed(), breaker.failed(), breaker.worked(), breaker.worked()] == [True, False, True, False]


def test_a_call_that_works_resets_the_pause() -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    breaker.failed()
    breaker.failed()
    breaker.worked()
    breaker.failed()
    clock.now += 1
    assert breaker.allows()


def test_finds_a_redis(server: RedisServer) -> None:
    assert probe_redis(redis_client(RedisSettings(host="127.0.0.1", port=server.port)), PREFIX).outcome == "ready"


def test_finds_nothing() -> None:
    probe = probe_redis(redis_client(RedisSettings(host="127.0.0.1", port=free_port())), PREFIX)
    assert probe.outcome == "unavailable"
    assert probe.reason


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70])
def test_a_name_that_leads_nowhere_is_unavailable(host: str) -> None:
    assert probe_redis(redis_client(RedisSettings(host=host)), PREFIX).outcome == "unavailable"


def test_a_user_without_the_rights_is_refused(start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis("--user", "reader", "on", ">s3cret", "~*", "+@read", "+ping")
    settings = RedisSettings(host="127.0.0.1", port=server.port, username="reader", password=Secret("s3cret"))
    assert probe_redis(redis_client(settings), PREFIX).outcome == "refused"


def test_a_password_that_nobody_asked_for_is_refused(server: RedisServer) -> None:
    settings = RedisSettings(host="127.0.0.1", port=server.port, password=Secret("s3cret"))
    assert probe_redis(redis_client(settings), PREFIX).outcome == "refused"
