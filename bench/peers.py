"""The servers that are compared, and how each is built and started.

All of them get the port, the interval of their broadcasts and a payload of the same size as the service's own. They
send it to whoever is connected to their WebSocket or, with Socket.IO, is in the room ``crypto-prices``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
SERVERS = HERE / "servers"

Protocol = Literal["plain", "Socket.IO"]

SERVICE = "service"
FLOOR = "C epoll loop"
STOCK = "stock Flask-SocketIO, gunicorn + eventlet"
NODE = {"plain": "Node ws", "Socket.IO": "Node socket.io"}


class Workshop:
    """The folder, outside of the repository, where peers are installed and servers may write.

    Args:
        folder: made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.node = folder / "node"
        self.load_generator = folder / "fanload"
        self.epoll_loop = folder / "epoll_loop"
        self.service_data = folder / "service"

    def prepare(self, chosen: Sequence[Peer]) -> None:
        """Builds and installs what the chosen servers need; quick when it was done before."""
        self.service_data.mkdir(parents=True, exist_ok=True)
        _compile(sorted((HERE / "load").glob("*.c")), self.load_generator)
        _compile([SERVERS / "epoll_loop.c"], self.epoll_loop)
        for protocol in NODE:
            self.payload(protocol, as_text=True).write_text(_text_of(protocol))
        if any("NODE_PATH" in peer.environ for peer in chosen):
            self._install_packages()

    def _install_packages(self) -> None:
        self.node.mkdir(exist_ok=True)
        wanted = SERVERS / "package.json"
        installed = self.node / "package.json"
        if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
            shutil.copy(wanted, installed)
            command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(self.node)]
            subprocess.run(command, check=True, stdout=sys.stderr)

    def payload(self, protocol: str, *, as_text: bool = False) -> Path:
        """The file with the payload of a broadcast: JSON, or the text as it is on the wire."""
        if as_text:
            return self.folder / f"{protocol}.txt"
        return HERE / "payloads" / ("market_data.json" if protocol == "plain" else "crypto-prices.json")


@dataclass(frozen=True)
class Peer:
    """One server.

    Attributes:
        title: its name in the tables.
        protocol: what its clients speak.
        same_as: the protocol whose payload it sends.
        command: gives the command for a port.
        environ: what its environment has besides the common settings.
        sends_text: its payload file holds the text of the wire and not JSON.
    """

    title: str
    protocol: Protocol
    same_as: Protocol
    command: Callable[[int], Sequence[str | Path]]
    environ: Mapping[str, str]
    sends_text: bool = False


def peers(workshop: Workshop) -> list[Peer]:
    """All servers, those that are compared with each other one after the other."""
    node_environ = {"NODE_PATH": str(workshop.node / "node_modules"), "NODE_ENV": "production"}
    bun = workshop.node / "node_modules" / ".bin" / "bun"
    gunicorn = [sys.executable, "-m", "gunicorn"]
    stock = [*gunicorn, "-k", "eventlet", "-w", "1", "--worker-connections", "20000", "--backlog", "4096"]
    stock += ["--log-level", "error", "--no-control-socket", "-c", "/dev/null", "--chdir", str(SERVERS)]

    def floor(protocol: Protocol) -> Peer:
        return Peer(FLOOR, "plain", protocol, lambda _: [workshop.epoll_loop], {}, sends_text=True)

    def service(protocol: Protocol) -> Peer:
        return Peer(SERVICE, protocol, protocol, lambda _: [*gunicorn, "app:app"], {})

    def script(title: str, protocol: Protocol, program: str | Path, name: str) -> Peer:
        return Peer(title, protocol, protocol, lambda _: [program, SERVERS / name], node_environ)

    return [
        floor("plain"),
        service("plain"),
        script("Bun publish", "plain", bun, "bun_publish.js"),
        script(NODE["plain"], "plain", "node", "node_ws.js"),
        floor("Socket.IO"),
        service("Socket.IO"),
        script(NODE["Socket.IO"], "Socket.IO", "node", "node_socketio.js"),
        Peer(
            STOCK,
            "Socket.IO",
            "Socket.IO",
            lambda port: [*stock, "-b", f"127.0.0.1:{port}", "stock_flask:app"],
            {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"},
        ),
    ]


def environ_for(peer: Peer, workshop: Workshop, port: int, interval_s: float) -> dict[str, str]:
    """The environment that tells a server its port, its interval and its payload."""
    if peer.title != SERVICE:
        payload = workshop.payload(peer.same_as, as_text=peer.sends_text)
        settings = {"BENCH_PORT": str(port), "BENCH_INTERVAL": f"{interval_s:g}", "BENCH_PAYLOAD": str(payload)}
        return {**settings, **peer.environ}
    # the service paces itself through its own settings
    interval = "BROADCAST_INTERVAL" if peer.protocol == "Socket.IO" else "MARKET_DATA_INTERVAL"
    return {
        "DEMO": "1",
        "APP_SECRET": "only for the benchmark",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "REDIS_PORT": "1",  # nobody listens there: the cache in memory is used
        "DATA_DIR": str(workshop.service_data),
        "LOG_FILE": str(workshop.service_data / "service.log"),
        "LOG_LEVEL": "WARNING",
        interval: f"{interval_s:g}",
        **peer.environ,
    }


def _compile(sources: Sequence[Path], program: Path) -> None:
    command = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), *map(str, sources)]
    subprocess.run(command, check=True)


def _text_of(protocol: str) -> str:
    if protocol == "plain":
        return (HERE / "payloads" / "market_data.json").read_text()
    return '42["crypto-prices",' + (HERE / "payloads" / "crypto-prices.json").read_text() + "]"
