"""Real services, clients, simulators and Redis servers, each of them a process that is gone after its test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cache.redis_server import RedisServer, require_redis_server
from tests.end_to_end.feed_client import FeedClient, node_client, python_client
from tests.support.processes import free_port
from tests.support.service import ROOT, ServiceProcess

SOCKETIO_CLIENT = "socket.io-client@4.8.4"
"""The version whose browser build is in ``static/vendor``."""

QUICK = {"BROADCAST_INTERVAL": "0.3", "MARKET_DATA_INTERVAL": "0.5", "TICK_INTERVAL": "0.5", "SNAPSHOT_INTERVAL": "1"}
"""Nobody wants to wait ten seconds for each broadcast."""

APP_SECRET = "a-secret-of-the-end-to-end-tests"

StartService = Callable[..., ServiceProcess]
Connect = Callable[..., FeedClient]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


class Services:
    """Starts services, and ends them."""

    def __init__(self, new_folder: Callable[[str], Path]) -> None:
        self._new_folder = new_folder
        self._started: list[ServiceProcess] = []

    def start(
        self,
        env: dict[str, str] | None = None,
        *,
        folder: Path | None = None,
        command: list[str] | None = None,
        port: int | None = None,
        root: Path = ROOT,
        live: bool = True,
    ) -> ServiceProcess:
        """A service, see ``ServiceProcess``; it answers, unless ``live`` is false: then it may not do so yet."""
        service = ServiceProcess(
            folder or self._new_folder("service"), {**QUICK, **(env or {})}, command=command, port=port, root=root
        )
        self._started.append(service)
        service.start()
        if live:
            service.wait_until_live()
        return service

    def end(self) -> None:
        """Ends all."""
        for service in self._started:
            service.stop()


@pytest.fixture
def start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartService]:
    """Starts a service for one test, which may break it."""
    services = Services(tmp_path_factory.mktemp)
    yield services.start
    services.end()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service in demo mode for all tests of a module, which leave it as it is."""
    services = Services(tmp_path_factory.mktemp)
    yield services.start()
    services.end()


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the npm package of the client is; without node or npm the test is skipped, but never in CI."""
    folder = tmp_path_factory.mktemp("npm")
    try:
        for tool in ("node", "npm"):
            if shutil.which(tool) is None:
                raise FileNotFoundError(f"{tool} is missing")
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(folder), SOCKETIO_CLIENT],
            check=True,
            capture_output=True,
            timeout=100,
        )
    except (FileNotFoundError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None)
        reason = f"no {SOCKETIO_CLIENT}: {error} {said.decode(errors='replace') if said else ''}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder / "node_modules"


@pytest.fixture
def connect_node(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """Connects the npm client to a service: ``connect_node(service, transports=["websocket"])``."""
    clients: list[FeedClient] = []

    def connect(service: ServiceProcess, **options: Any) -> FeedClient:
        client = node_client(service.url, options, node_modules, tmp_path_factory.mktemp("client"))
        clients.append(client)
        client.wait_for("#connect")
        return client

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """Connects ``socketio.AsyncClient`` to a service: ``connect(service, transports=["websocket"])``."""
    clients: list[FeedClient] = []

    def connect(service: ServiceProcess, **options: Any) -> FeedClient:
        client = python_client(service.url, options, tmp_path_factory.mktemp("client"))
        clients.append(client)
        client.wait_for("#connect")
        return client

    yield connect
    for client in clients:
        client.close()


class SimulatorProcess:
    """The simulated providers without our service, to stand for the real internet.

    Args:
        seed: of the market.
    """

    def __init__(self, seed: int = 1) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--port", self.url.rpartition(":")[2], "--seed", str(seed)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """Takes the internet away. Idempotent."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def internet() -> Iterator[SimulatorProcess]:
    """A running simulator that a service takes for the real providers, through its ``*_URL`` settings."""
    simulator = SimulatorProcess()
    yield simulator
    simulator.kill()


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts a Redis with more options: ``start_redis("--requirepass", "x", password="x")``."""
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
