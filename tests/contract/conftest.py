"""The service as the documents start it, what it sends, and the programs of the documents in front of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.contract import documents
from tests.contract.documents import Contract
from tests.documentation.npm import install_packages
from tests.examples.conftest import Program
from tests.support.processes import free_port, wait_until
from tests.support.service import ROOT, ServiceProcess

CLIENTS = Path(__file__).parent / "clients"

PACKAGES = ("ws@8.18.3", "esbuild@0.25.10", "react@18.3.1", "react-test-renderer@18.3.1", "socket.io-client@4.8.4")

DOCUMENTED_PORT = "localhost:7860"
"""Where the programs of the documents connect to. It is all that is replaced in them."""


class Ports(NamedTuple):
    """Where the service listens, for 5000 and 7860."""

    exchange: int
    monitoring: int


@pytest.fixture(scope="session")
def contract() -> Contract:
    """What the documents say."""
    return documents.contract()


@pytest.fixture(scope="session")
def ports() -> Ports:
    """Two free ones."""
    return Ports(free_port(), free_port())


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, ports: Ports) -> Iterator[ServiceProcess]:
    """``python start_service.py`` in demo mode with its own intervals, for all tests; they leave it as it is."""
    service = ServiceProcess(
        tmp_path_factory.mktemp("service"),
        {"DEMO": "1", "HOST": "127.0.0.1", "PORT": f"{ports.exchange},{ports.monitoring}"},
        command=[sys.executable, "start_service.py"],
        port=ports.exchange,
    )
    service.start()
    service.wait_until_live()
    yield service
    service.stop()


class Recording:
    """All that the endpoints sent so far to clients that asked for nothing.

    Args:
        output: file to which the recorder writes.
    """

    def __init__(self, output: Path) -> None:
        self._output = output
        self._read = 0
        self._messages: dict[str, list[dict[str, Any]]] = {}

    def messages(self, path: str) -> list[dict[str, Any]]:
        """Those of an endpoint, oldest first."""
        with self._output.open("rb") as output:
            output.seek(self._read)
            for line in output:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                record = json.loads(line)
                self._messages.setdefault(record["path"], []).append(record["message"])
        return self._messages.get(path, [])

    def updates(self, service: str, path: str = "/ws/all") -> list[dict[str, Any]]:
        """The updates of one service, oldest first."""
        messages = self.messages(path)
        return [message for message in messages if message["type"] == "update" and message["service"] == service]

    def live(self, service: str) -> dict[str, Any]:
        """Waits until a service has all its data; gives its newest update.

        Raises:
            AssertionError: it was not live within a minute.
        """

        def newest() -> dict[str, Any] | None:
            updates = self.updates(service)
            return updates[-1] if updates and updates[-1]["data"].get("status") == "live" else None

        update = wait_until(newest, f"{service} is live", 60)
        assert update is not None
        return update


@pytest.fixture(scope="session")
def recording(
    service: ServiceProcess, ports: Ports, contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recording]:
    """Clients on every documented endpoint and alias, since the service was started."""
    paths = [*contract.endpoints, *(alias for endpoint in contract.endpoints.values() for alias in endpoint.aliases)]
    command = [sys.executable, str(CLIENTS / "recorder.py"), f"ws://127.0.0.1:{ports.monitoring}", *paths]
    folder = tmp_path_factory.mktemp("recording")
    recorder = Program(command, dict(os.environ), folder)
    recording = Recording(folder / "output.txt")
    wait_until(lambda: all(recording.messages(path) for path in paths), "a message of each endpoint")
    yield recording
    recorder.end()


# The programs of the documents


class Said:
    """What a program of the documents prints.

    Args:
        program: that runs.
        is_json: whether it prints JSON arrays, as those in Node.js do here.
    """

    def __init__(self, program: Program, *, is_json: bool) -> None:
        self._program = program
        self._is_json = is_json

    def lines(self) -> list[Any]:
        """Whole lines so far: text, or what was given to ``console.log`` after the name of the level."""
        lines = self._program.output().split("\n")[:-1]
        return [json.loads(line) for line in lines] if self._is_json else lines

    def wait_for(self, wanted: Callable[[Any], bool], what: str, count: int = 1) -> list[Any]:
        """Waits for so many lines that are wanted; gives them."""

        def found() -> list[Any]:
            lines = [line for line in self.lines() if wanted(line)]
            return lines if len(lines) >= count else []

        try:
            return wait_until(found, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; the program said:\n{self._program.output()[-4000:]}") from error

    def logged(self, *start: str, count: int = 1) -> list[Any]:
        """Waits for lines of ``console`` that begin so: ``logged("log", "Prices:")``; gives what comes after it."""
        lines = self.wait_for(lambda line: line[: len(start)] == list(start), f"{start}", count)
        return [line[len(start)] if len(line) > len(start) else None for line in lines]

    def interrupt(self) -> int:
        """Ctrl-C; gives the exit code."""
        return self._program.interrupt()


RunProgram = Callable[..., Said]


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the JavaScript programs need that a browser or an application has. The contract is never skipped."""
    return install_packages(tmp_path_factory.mktemp("npm"), *PACKAGES, may_skip=False)


@pytest.fixture
def run_program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunProgram]:
    """Runs a program of the documents: ``run_program("client.py", port, before="", after="")``."""
    started: list[Program] = []

    def run(name: str, port: int, *, before: str = "", after: str = "") -> Said:
        folder = tmp_path_factory.mktemp("program")
        text = documents.programs()[name]
        assert DOCUMENTED_PORT in text + before + after
        text = f"{before}{text}{after}".replace(DOCUMENTED_PORT, f"127.0.0.1:{port}")
        (folder / name).write_text(text, encoding="utf-8")
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        if name.endswith(".py"):
            command: Sequence[str] = [sys.executable, "-u", name]
        else:
            modules: Path = request.getfixturevalue("node_modules")
            env["NODE_PATH"] = str(modules)
            if name.endswith(".tsx"):
                name = built(folder / name, modules, env)
            command = ["node", "--require", str(CLIENTS / "browser_globals.cjs"), name]
        started.append(Program(command, env, folder))
        return Said(started[-1], is_json=not name.endswith(".py"))

    yield run
    for program in started:
        program.end()


def built(source: Path, node_modules: Path, env: dict[str, str]) -> str:
    """TypeScript with JSX as one file that Node.js runs; gives its name."""
    esbuild = [str(node_modules / ".bin" / "esbuild"), source.name, "--bundle", "--platform=node", "--jsx=automatic"]
    subprocess.run([*esbuild, "--outfile=built.cjs"], cwd=source.parent, env=env, check=True, timeout=60)
    return "built.cjs"


@pytest.fixture
def in_shell(ports: Ports, service: ServiceProcess) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a documented command in the folder of the project, against the running service."""

    def run(command: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["sh", "-ec", command.replace("localhost", "127.0.0.1").replace(":5000", f":{ports.exchange}")],
            cwd=ROOT,
            env={**service.env, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory, contract: Contract) -> Iterator[ServiceProcess]:
    """Started with the documented lines for production, in demo mode and with a log level of its own."""
    port = free_port()
    (exported,) = (command for command in contract.commands if command.startswith("export"))
    (command,) = (command for command in contract.commands if command.startswith("gunicorn"))
    line = f"{exported}\nexec {command.replace('0.0.0.0:5000', f'127.0.0.1:{port}')}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    service = ServiceProcess(
        tmp_path_factory.mktemp("production"),
        {"DEMO": "1", "LOG_LEVEL": "DEBUG", "PATH": path},
        command=["sh", "-ec", line],
        port=port,
    )
    service.start()
    service.wait_until_live()
    yield service
    service.stop()
