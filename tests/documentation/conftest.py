"""Running services to hold the documentation against, and tools of the makers of its formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.documentation.npm import install_packages
from tests.support.plain_http import get
from tests.support.processes import wait_until
from tests.support.service import ServiceProcess
from websocket.coins import SYMBOLS

QUICK = {"BROADCAST_INTERVAL": "0.5", "MARKET_DATA_INTERVAL": "0.5", "TICK_INTERVAL": "0.5", "SNAPSHOT_INTERVAL": "1"}

StartService = Callable[..., ServiceProcess]


@pytest.fixture(scope="session")
def asyncapi_specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the npm package with AsyncAPI's own schemas."""
    return install_packages(tmp_path_factory.mktemp("npm"), "@asyncapi/specs@6.11.1") / "@asyncapi" / "specs"


@pytest.fixture(scope="session")
def start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartService]:
    """Starts services that end with the tests: ``start_service({"MAX_SUBSCRIPTIONS": "2"})``."""
    started: list[ServiceProcess] = []

    def start(env: dict[str, str] | None = None, **options: object) -> ServiceProcess:
        service = ServiceProcess(tmp_path_factory.mktemp("service"), {**QUICK, **(env or {})}, **options)  # type: ignore[arg-type]
        started.append(service)
        service.start()
        service.wait_until_live()
        return service

    yield start
    for service in started:
        service.stop()


@pytest.fixture(scope="session")
def service(start_service: StartService) -> ServiceProcess:
    """A service in demo mode with all prices and publications, for all tests that leave it as it is."""
    service = start_service()
    wait_until(lambda: len(get(f"{service.url}/api/prices").json()["data"]) == len(SYMBOLS), "all prices")
    wait_until(lambda: not silent_services(service), "a publication of every service")
    return service


def silent_services(service: ServiceProcess) -> set[str]:
    """The services that have published nothing yet."""
    with connect(f"ws://127.0.0.1:{service.port}/ws/master", compression=None, max_size=None) as connection:
        connection.send(json.dumps({"action": "get_status"}))
        frames = (json.loads(frame) for frame in connection)
        status = next(frame["data"] for frame in frames if frame["type"] == "status")
    return {name for name, state in status["services"].items() if not state["seq"]}
