"""Redis servers of one's own, and brokers on them that are stopped after the test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.members import Members
from tests.cache.conftest import start_redis
from tests.cache.redis_server import RedisServer, require_redis_server

__all__ = ["start_redis"]


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests that do it no harm."""
    require_redis_server()
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def members() -> Iterator[Members]:
    """Makes brokers that share a prefix of their own."""
    made = Members(prefix=f"{uuid.uuid4().hex[:8]}:")
    yield made
    made.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where child processes write."""
    return tmp_path
