"""Which cache is chosen, and what ends the start."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cache.redis_server import RedisServer, free_port
from websocket import green
from websocket.cache.base import Cache
from websocket.cache.factory import open_cache
from websocket.errors import StartError
from websocket.settings import RedisSettings, Secret, StorageSettings

PASSWORD = "s3cret-password"
WRONG_PASSWORD = "wr0ng-password"


@pytest.fixture
def storage(tmp_path: Path) -> StorageSettings:
    return StorageSettings(data_dir=str(tmp_path / "data"))


@contextlib.contextmanager
def opened(redis: RedisSettings, storage: StorageSettings) -> Iterator[Cache]:
    cache = open_cache(redis, storage)
    try:
        yield cache
    finally:
        cache.close()


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A port that says ``answer`` to everyone."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.recv(1000)
                    connection.sendall(answer)

        green.spawn(serve)
        yield listener.getsockname()[1]


def refusal(redis: RedisSettings, storage: StorageSettings) -> str:
    """The text with which the start ends; also checks that it is one line and leaves the folder free."""
    with pytest.raises(StartError) as refused:
        open_cache(redis, storage)
    with opened(RedisSettings(port=free_port()), storage):
        pass
    text = str(refused.value)
    assert "\n" not in text
    return text


def test_without_any_redis_it_is_embedded(storage: StorageSettings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with opened(RedisSettings(port=free_port()), storage) as cache:
        assert cache.status().kind == "embedded"
        assert cache.status().healthy
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "cache is embedded" in caplog.text


def test_a_redis_on_this_machine_is_used(
    server: RedisServer, storage: StorageSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with opened(RedisSettings(port=server.port), storage) as cache:
        assert (cache.status().kind, cache.status().healthy) == ("redis", True)
    assert "cache is Redis" in caplog.text


@pytest.mark.parametrize("password", ["", WRONG_PASSWORD])
def test_a_redis_on_this_machine_that_does_not_know_us_is_not_used(
    start_redis: Callable[..., RedisServer],
    storage: StorageSettings,
    caplog: pytest.LogCaptureFixture,
    password: str,
) -> None:
    server = start_redis("--requirepass", PASSWORD, password=PASSWORD)
    with opened(RedisSettings(port=server.port, password=Secret(password)), storage) as cache:
        assert cache.status().kind == "embedded"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "REDIS_PASSWORD" in caplog.text
    assert WRONG_PASSWORD not in caplog.text


def test_something_else_on_this_machine_is_not_used(storage: StorageSettings) -> None:
    with (
        answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port,
        opened(RedisSettings(port=port), storage) as cache,
    ):
        assert cache.status().kind == "embedded"


def test_the_redis_that_was_asked_for_is_used_with_its_password(
    start_redis: Callable[..., RedisServer], storage: StorageSettings
) -> None:
    server = start_redis("--requirepass", PASSWORD, password=PASSWORD)
    settings = RedisSettings(host="127.0.0.1", port=server.port, password=Secret(PASSWORD))
    with opened(settings, storage) as cache:
        cache.put("prices", b"x")
        assert cache.status().healthy
    assert server.client().get("dwt:cache:prices") == b"x"


@pytest.mark.parametrize("password", ["", WRONG_PASSWORD])
def test_a_wrong_password_ends_the_start(
    start_redis: Callable[..., RedisServer],
    storage: StorageSettings,
    caplog: pytest.LogCaptureFixture,
    password: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    server = start_redis("--requirepass", PASSWORD, password=PASSWORD)
    text = refusal(RedisSettings(host="127.0.0.1", port=server.port, password=Secret(password)), storage)
    assert "REDIS_PASSWORD" in text
    assert WRONG_PASSWORD not in text + caplog.text


def test_a_database_that_is_not_there_ends_the_start(server: RedisServer, storage: StorageSettings) -> None:
    assert "REDIS_DB" in refusal(RedisSettings(host="127.0.0.1", port=server.port, db=99), storage)


def test_something_else_at_the_address_ends_the_start(storage: StorageSettings) -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        text = refusal(RedisSettings(host="127.0.0.1", port=port), storage)
    assert "no Redis" in text
    assert "REDIS_HOST" in text


def test_a_redis_that_comes_later_is_taken_up(
    server: RedisServer, storage: StorageSettings, caplog: pytest.LogCaptureFixture
) -> None:
    server.kill()
    with opened(RedisSettings(host="127.0.0.1", port=server.port), storage) as cache:
        assert (cache.status().kind, cache.status().healthy) == ("redis", False)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        cache.put("prices", b"x")
        server.start()
        while not cache.status().healthy:
            green.sleep(0.05)
        assert server.client().get("dwt:cache:prices") == b"x"
