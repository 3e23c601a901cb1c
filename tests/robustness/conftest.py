"""Servers in this process, whose insides a test can look at, and services in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.service import ServiceProcess
from tests.transports.conftest import server, start_server
from tests.wire.raw_client import PING, PONG, TEXT, Frame, RawClient, masked

__all__ = ["server", "start_server"]

QUICK = {"BROADCAST_INTERVAL": "0.2", "MARKET_DATA_INTERVAL": "0.2", "TICK_INTERVAL": "0.5", "SNAPSHOT_INTERVAL": "1"}
"""Nobody wants to wait ten seconds for each broadcast."""


class Watcher:
    """Somebody else's client, who must never notice what a hostile one does.

    Args:
        port: of the service.
    """

    def __init__(self, port: int) -> None:
        self._client = RawClient(port).open("/ws/market_data")
        self._client.hear_type("subscription_confirmed")
        self._seq: int = self._client.hear_type("update")["seq"]

    def notices_nothing(self) -> None:
        """Its updates come as ever, each number once; its pings are answered."""
        self._client.send(masked(PING, b"still there?"))
        while (frame := self._client.frame()).opcode == TEXT:
            assert frame.json()["seq"] == self._seq + 1
            self._seq += 1
        assert frame == Frame(PONG, b"still there?")

    def waits_for_an_update(self) -> None:
        """The feed goes on."""
        assert self._client.hear_type("update")["seq"] == self._seq + 1
        self._seq += 1


def assert_no_traceback(service: ServiceProcess) -> None:
    """Nothing that a client does is logged as a fault of ours."""
    said = service.output.read_text() + service.log_file.read_text()
    assert "Traceback" not in said, said[-4000:]
    # a job of a fifth of a second may be late when the machine is busy with other tests
    errors = [line for line in said.splitlines() if " ERROR " in line and "job interrupted" not in line]
    assert not errors, said[-4000:]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service in demo mode, for all tests of a module."""
    started = ServiceProcess(tmp_path_factory.mktemp("service"), QUICK)
    started.start()
    started.wait_until_live()
    try:
        yield started
        assert_no_traceback(started)
    finally:
        started.stop()


@pytest.fixture(scope="module")
def watcher(service: ServiceProcess) -> Iterator[Watcher]:
    """Somebody who watches the service all the time, and in the end still gets updates."""
    watching = Watcher(service.port)
    yield watching
    watching.notices_nothing()
    watching.waits_for_an_update()


Start = Callable[..., ServiceProcess]


@pytest.fixture
def start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts services for one test: ``start_service({"SLOW_CLIENT_TIMEOUT": "1"})``."""
    started: list[ServiceProcess] = []

    def start(
        env: dict[str, str] | None = None, *, command: list[str] | None = None, port: int | None = None
    ) -> ServiceProcess:
        folder = tmp_path_factory.mktemp("service")
        started.append(ServiceProcess(folder, {**QUICK, **(env or {})}, command=command, port=port))
        started[-1].start()
        started[-1].wait_until_live()
        return started[-1]

    yield start
    for one in started:
        one.stop()
