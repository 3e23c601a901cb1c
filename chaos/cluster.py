"""The processes of a cluster on this machine: a Redis, a simulated internet, and services that share the Redis."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import requests

from websocket.settings import Settings, describe_settings, with_provider_urls

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent

START_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 15.0
ANSWER_TIMEOUT_S = 3.0

SEED = 1

QUICK = {"BROADCAST_INTERVAL": "1", "MARKET_DATA_INTERVAL": "1", "TICK_INTERVAL": "1", "SNAPSHOT_INTERVAL": "5"}
"""A second instead of five or ten between two publications, so that a fault of seconds can be seen."""


Server = Literal["gunicorn", "development"]

COMMANDS: dict[Server, list[str]] = {
    "gunicorn": [sys.executable, "-m", "gunicorn", "app:app"],
    "development": [sys.executable, "start_service.py"],
}
"""How a service is started; settings say the rest. The first is that of production."""

APP_SECRET = "the-same-for-all-processes"  # noqa: S105 - it protects nothing

UNHANDLED = (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT)


class ClusterError(Exception):
    """A process did not come up, or what a fault needs is not there."""


class Program:
    """A process that can be killed, paused and started again with the same command.

    Args:
        name: for messages and the name of its log file.
        command: what to run.
        environ: its whole environment.
        folder: where its output goes; exists.
    """

    def __init__(self, name: str, command: Sequence[str], environ: dict[str, str], folder: Path) -> None:
        self.name = name
        self._command = list(command)
        self._environ = environ
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._tracebacks = 0

    def start(self) -> None:
        """Starts it without waiting."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # its processes can be reached together, and Ctrl-C is for us
            )

    @property
    def pid(self) -> int | None:
        """Its process id; None before its start."""
        return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        """False before its start and after its end."""
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Sends a signal, if it runs."""
        if self._process is not None and self.is_running:
            self._process.send_signal(number)

    def wait(self) -> float:
        """Waits for its end, and kills it when that does not come; gives the seconds that it took."""
        began_at = time.monotonic()
        if self._process is not None:
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        return time.monotonic() - began_at

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.send(signal.SIGKILL)
        self.wait()

    def stop(self) -> float:
        """Asks it to end; gives the seconds that it took."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        return self.wait()

    def new_tracebacks(self) -> int:
        """How many there are in its output since the last look."""
        before, self._tracebacks = self._tracebacks, self._log.read_bytes().count(b"Traceback (most recent call last)")
        return self._tracebacks - before

    def said(self) -> str:
        """The end of its output."""
        return self._log.read_text(errors="replace")[-2000:]


class Service(Program):
    """One service process.

    Under gunicorn it is two, the master and its worker, and a supervisor of services such as systemd ends both. Here
    "killed" and "paused" mean the same: whatever is done to one is done to both.
    """

    def __init__(self, number: int, server: Server, environ: dict[str, str], folder: Path) -> None:
        self.port = free_port()
        data = folder / f"service-{number}"
        data.mkdir()
        own = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATA_DIR": str(data),
            "LOG_FILE": str(data / "websocket.log"),
        }
        super().__init__(f"service-{number}", COMMANDS[server], {**environ, **own}, folder)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal, if it runs: what cannot be handled to all its processes, what can be to the first one."""
        if number in UNHANDLED and self.pid is not None and self.is_running:
            os.killpg(self.pid, number)
        else:
            super().send(number)

    def health(self) -> dict[str, Any] | None:
        """What ``/health`` says, or None when it does not answer."""
        return get_json(f"http://127.0.0.1:{self.port}/health")

    def readiness(self) -> dict[str, Any] | None:
        """What ``/health/ready`` says, or None when it does not answer."""
        return get_json(f"http://127.0.0.1:{self.port}/health/ready")

    @property
    def is_ready(self) -> bool:
        """Whether a load balancer would send clients here."""
        readiness = self.readiness() if self.is_running else None
        return readiness is not None and readiness["ready"] is True

    def wait_until_ready(self) -> None:
        """Waits until it is.

        Raises:
            ClusterError: it did not become so.
        """
        wait_for(lambda: self.is_ready, f"{self.name} is ready")

    @property
    def role(self) -> str | None:
        """What it does in the cluster, see ``BusStatus``; None when it does not answer."""
        health = self.health() if self.is_running else None
        return None if health is None else str(health["bus"]["role"])


class Cluster:
    """A Redis, a simulated internet and some services.

    Args:
        folder: for data and logs; exists and is empty.
        services: how many.
        server: what runs them.
    """

    def __init__(self, folder: Path, services: int = 3, *, server: Server = "gunicorn") -> None:
        self._folder = folder
        self.redis_port = free_port()
        binary = shutil.which("redis-server")
        if binary is None:
            raise ClusterError("redis-server is not installed (Debian: apt-get install redis-server)")
        data = folder / "redis"
        data.mkdir()
        self._redis_data = data
        ours = {info.name for info in describe_settings()}
        inherited = {name: value for name, value in os.environ.items() if name not in ours}
        redis = [binary, "--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(data)]
        redis += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--enable-debug-command", "local"]
        self.redis = Program("redis", redis, inherited, folder)
        simulator_port = free_port()
        self.internet_url = f"http://127.0.0.1:{simulator_port}"
        simulator = [sys.executable, "-m", "simulator", "--port", str(simulator_port), "--seed", str(SEED)]
        self.internet = Program("internet", simulator, inherited, folder)
        environ = {
            **inherited,
            **QUICK,
            **internet_at(self.internet_url),
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(self.redis_port),
            "APP_SECRET": APP_SECRET,
        }
        self.services = [Service(number, server, environ, folder) for number in range(1, services + 1)]

    def start(self) -> None:
        """Starts everything and waits until every service is ready.

        Raises:
            ClusterError: one is not, with what it said.
        """
        self.redis.start()
        self.internet.start()
        wait_for(lambda: get_json(f"{self.internet_url}/_control") is not None, "the simulator answers")
        for service in self.services:
            service.start()
        for service in self.services:
            try:
                service.wait_until_ready()
            except ClusterError as error:
                raise ClusterError(f"{error}: {service.said()}") from None

    def stop(self) -> None:
        """Ends everything that was started."""
        for program in (*self.services, self.internet, self.redis):
            program.stop()

    def collector(self) -> Service:
        """The process that collects for all.

        Raises:
            ClusterError: there is none.
        """
        found = wait_for(
            lambda: [service for service in self.services if service.role == "collector"], "a process collects"
        )
        return found[0]

    def followers(self) -> list[Service]:
        """The others."""
        collector = self.collector()
        return [service for service in self.services if service is not collector]

    def forget_redis_data(self) -> None:
        """What the stopped Redis kept is gone."""
        shutil.rmtree(self._redis_data)
        self._redis_data.mkdir()

    def command_redis(self, *words: str) -> None:
        """Sends one command to Redis.

        Raises:
            ClusterError: it did not answer.
        """
        with socket.create_connection(("127.0.0.1", self.redis_port), ANSWER_TIMEOUT_S) as connection:
            connection.sendall((" ".join(words) + "\r\n").encode())
            answer = connection.recv(1000)
        if not answer.startswith(b"+"):
            raise ClusterError(f"Redis said {answer!r} to {words[0]}")

    def begin_scenario(self, scenario: str, *providers: str, **params: float) -> None:
        """Puts a scenario of the simulated internet in force."""
        body: dict[str, Any] = {"scenario": scenario}
        if providers:
            body["providers"] = list(providers)
        if params:
            body["params"] = params
        answer = requests.post(f"{self.internet_url}/_control/scenario", json=body, timeout=ANSWER_TIMEOUT_S)
        answer.raise_for_status()


def wait_for(look: Callable[[], T], what: str, timeout_s: float = START_TIMEOUT_S) -> T:
    """Looks until there is something to see; gives it.

    Raises:
        ClusterError: it did not come.
    """
    until = time.monotonic() + timeout_s
    while not (seen := look()):
        if time.monotonic() > until:
            raise ClusterError(f"not within {timeout_s:g} s: {what}")
        time.sleep(0.1)
    return seen


def get_json(url: str) -> dict[str, Any] | None:
    """The JSON answer whatever its status, or None without one."""
    try:
        value: dict[str, Any] = requests.get(url, timeout=ANSWER_TIMEOUT_S).json()
    except requests.RequestException:
        return None
    return value


def free_port() -> int:
    """A port of the loopback interface on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def internet_at(base_url: str) -> dict[str, str]:
    """Settings that send every request to one address, where a simulator may be or nothing."""
    settings = with_provider_urls(Settings(), base_url)
    return {
        **{f"{name.upper()}_URL": provider.url for name, provider in vars(settings.providers).items()},
        **{f"NODES_{chain.upper()}": ",".join(nodes) for chain, nodes in vars(settings.nodes).items()},
        **{f"FEED_{name.upper()}": url for name, url in vars(settings.feeds).items()},
    }
