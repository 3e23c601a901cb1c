"""Runs the example programs as their users do: from a folder of their own, against a running service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.documentation.npm import install_packages
from tests.examples.proxy import Proxy
from tests.support.processes import free_port, wait_until
from tests.support.service import ROOT, ServiceProcess

EXAMPLES = ROOT / "examples"

PACKAGES = ("ws@8.18.3", "socket.io-client@4.8.4")

QUICK = {"BROADCAST_INTERVAL": "0.5", "MARKET_DATA_INTERVAL": "0.3", "TICK_INTERVAL": "0.5", "SNAPSHOT_INTERVAL": "1"}

END_TIMEOUT_S = 10.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


class Program:
    """A running example.

    Args:
        command: what to run.
        env: its environment.
        folder: where it runs, and where its output goes.
    """

    def __init__(self, command: Sequence[str], env: dict[str, str], folder: Path) -> None:
        self._output = folder / "output.txt"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def lines(self, word: str) -> list[str]:
        """What it said so far, whole lines that begin with a word."""
        text = self._output.read_text(encoding="utf-8")
        return [line for line in text.split("\n")[:-1] if line.split(" ")[0] == word]

    def wait_for(self, word: str, count: int = 1, timeout_s: float = 30.0) -> list[str]:
        """Waits until so many lines begin with a word; gives them.

        Raises:
            AssertionError: they did not come, or the program ended.
        """

        def look() -> list[str]:
            lines = self.lines(word)
            if len(lines) < count:
                assert self._process.poll() is None, f"it ended: {self._output.read_text(encoding='utf-8')}"
                return []
            return lines

        return wait_until(look, f"{count} lines {word}", timeout_s)

    def interrupt(self) -> int:
        """Ctrl-C; gives the exit code, negative for a signal."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(END_TIMEOUT_S)

    def output(self) -> str:
        """All that it said so far."""
        return self._output.read_text(encoding="utf-8")

    def end(self) -> None:
        """Kills it, if it still runs."""
        self._process.kill()
        self._process.wait()


RunExample = Callable[..., Program]


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the JavaScript examples need in Node.js."""
    return install_packages(tmp_path_factory.mktemp("npm"), *PACKAGES)


@pytest.fixture
def run_example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunExample]:
    """Starts an example with arguments: ``run_example("plain_client.py", "ws://...")``."""
    started: list[Program] = []

    def run(name: str, *arguments: str) -> Program:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        if name.endswith(".py"):
            command = [sys.executable, "-u", str(EXAMPLES / name)]
        else:
            env["NODE_PATH"] = str(request.getfixturevalue("node_modules"))
            command = ["node", str(EXAMPLES / name)]
        started.append(Program([*command, *arguments], env, tmp_path_factory.mktemp("elsewhere")))
        return started[-1]

    yield run
    for program in started:
        program.end()


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """Where the service of a module listens, as it does on 5000 and 7860."""
    return free_port(), free_port()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, ports: tuple[int, int]) -> Iterator[ServiceProcess]:
    """A service in demo mode on two ports."""
    command = [sys.executable, str(ROOT / "start_service.py"), "--demo", "--host", "127.0.0.1"]
    command += ["--port", *map(str, ports)]
    service = ServiceProcess(tmp_path_factory.mktemp("service"), QUICK, command=command, port=ports[0])
    service.start()
    service.wait_until_live()
    yield service
    service.stop()


@pytest.fixture
def own_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service for one test, which may kill it."""
    service = ServiceProcess(tmp_path_factory.mktemp("service"), QUICK)
    service.start()
    service.wait_until_live()
    yield service
    service.stop()


@pytest.fixture
def proxy(service: ServiceProcess) -> Iterator[Proxy]:
    """A way to the service that can be cut."""
    proxy = Proxy(service.port)
    yield proxy
    proxy.close()
