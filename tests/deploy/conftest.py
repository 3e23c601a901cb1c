"""Three processes of the service and a Redis behind nginx."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.cache.redis_server import RedisServer, require_redis_server
from tests.deploy.nginx_server import NginxServer, require_nginx
from tests.end_to_end.conftest import QUICK, connect, connect_node, node_modules
from tests.support.plain_http import get
from tests.support.processes import wait_until
from tests.support.service import ServiceProcess
from websocket.coins import SYMBOLS

__all__ = ["connect", "connect_node", "node_modules"]

PROCESSES = 3

PER_ADDRESS = 40
"""Connections that each process allows one address; more than any test needs but the one that looks at it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name in ("test_nginx.py", "test_cluster.py") and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


class Cluster:
    """Three processes and a Redis, all of them in demo mode with the same market.

    Args:
        new_folder: makes folders.
    """

    def __init__(self, new_folder: Callable[[str], Path]) -> None:
        self._redis = RedisServer(new_folder("redis"))
        self._redis.start()
        env = {
            **QUICK,
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(self._redis.port),
            "DEMO_SEED": "7",
            "ALLOWED_ORIGINS": "https://front-end.example",
            "MAX_CONNECTIONS_PER_ADDRESS": str(PER_ADDRESS),
        }
        self.processes = [ServiceProcess(new_folder("process"), env) for _ in range(PROCESSES)]

    @property
    def ports(self) -> list[int]:
        """Of the processes; also the first part of the ids of their Socket.IO sessions."""
        return [process.port for process in self.processes]

    def start(self) -> None:
        """Starts what does not run, and returns when all have all prices."""
        for process in self.processes:
            if not process.is_running():
                process.start()
        for process in self.processes:
            process.wait_until_live()
        for process in self.processes:
            wait_until(
                lambda url=process.url: len(get(f"{url}/api/prices").json()["data"]) == len(SYMBOLS),  # type: ignore[misc]
                f"ten prices at {process.url}",
                timeout_s=60,
            )

    def owner(self, sid: str) -> ServiceProcess:
        """The process that a Socket.IO session belongs to, by the name in its id."""
        return next(process for process in self.processes if str(process.port) == sid.partition(".")[0])

    def end(self) -> None:
        """Ends all."""
        for process in self.processes:
            process.stop()
        self._redis.kill()


@pytest.fixture(scope="module")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    require_nginx()
    require_redis_server()
    cluster = Cluster(tmp_path_factory.mktemp)
    try:
        yield cluster
    finally:
        cluster.end()


@pytest.fixture
def cluster(_cluster: Cluster) -> Cluster:
    """All three run and have prices, whatever the test before did to them."""
    _cluster.start()
    return _cluster


@pytest.fixture
def start_nginx(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Sequence[str]], NginxServer]]:
    """Starts an nginx with commented lines turned on: ``start_nginx(["cdn"])``."""
    started: list[NginxServer] = []

    def start(options: Sequence[str]) -> NginxServer:
        started.append(NginxServer(tmp_path_factory.mktemp("nginx"), cluster.ports, options=options))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def nginx(start_nginx: Callable[[Sequence[str]], NginxServer]) -> NginxServer:
    """An nginx as shipped, for one test: it has no memory of processes that failed in an earlier one."""
    return start_nginx([])
