"""Drives a real Socket.IO client in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.processes import wait_until
from websocket import codec

CLIENTS = Path(__file__).parent / "clients"

END_TIMEOUT_S = 10.0


class FeedClient:
    """One connection of one client, with everything that it got so far.

    Names of events are the server's own; those that begin with ``#`` are the client's: ``#connect`` and ``#upgrade``
    with the name of the transport, ``#disconnect`` with the reason, ``#ack`` with the answer.

    Args:
        command: the program with its arguments.
        env: its environment.
        folder: where its output goes.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], folder: Path) -> None:
        self._output = folder / "events.jsonl"
        self._errors = folder / "errors.txt"
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=output, stderr=errors, bufsize=0
            )

    def send(self, event: str, data: Any = None) -> Any:
        """Emits an event; gives the acknowledgement."""
        before = len(self.received("#ack"))
        self._command(event, data)
        return self.wait_for("#ack", before + 1)[before]

    def subscribe(self, channel: str = "crypto-prices") -> Any:
        """Subscribes; gives the acknowledgement."""
        return self.send("subscribe", {"channel": channel})

    def events(self) -> list[tuple[str, Any]]:
        """Everything so far, as (name, payload), oldest first."""
        lines = self._output.read_bytes().split(b"\n")[:-1]
        return [(event["name"], event.get("data")) for event in map(codec.decode, lines)]

    def received(self, name: str) -> list[Any]:
        """The payloads of one event so far, oldest first."""
        return [data for event, data in self.events() if event == name]

    def wait_for(self, name: str, count: int = 1, timeout_s: float = 30.0) -> list[Any]:
        """Waits until an event has come ``count`` times since the start; gives its payloads."""

        def look() -> list[Any]:
            payloads = self.received(name)
            if len(payloads) < count and self._process.poll() is not None:
                raise AssertionError(f"the client ended: {self._errors.read_text()}; it got {self.events()}")
            return payloads if len(payloads) >= count else []

        return wait_until(look, f"{count} times {name}", timeout_s)

    def wait_for_more(self, name: str, count: int = 1) -> list[Any]:
        """Waits for ``count`` more of an event than there are now; gives the new ones."""
        before = len(self.received(name))
        return self.wait_for(name, before + count)[before:]

    def close(self) -> None:
        """Ends the connection and the client. Idempotent."""
        assert self._process.stdin is not None
        if not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _command(self, event: str, data: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(codec.encode({"event": event, "data": data}) + b"\n")


def node_client(url: str, options: Mapping[str, Any], node_modules: Path, folder: Path) -> FeedClient:
    """The npm package ``socket.io-client`` with options of its ``io()``."""
    command = ["node", str(CLIENTS / "socketio_client.cjs"), url, codec.dumps(options)]
    return FeedClient(command, {**os.environ, "NODE_PATH": str(node_modules)}, folder)


def python_client(url: str, options: Mapping[str, Any], folder: Path) -> FeedClient:
    """``socketio.AsyncClient`` with ``transports`` and ``auth``."""
    command = [sys.executable, str(CLIENTS / "socketio_async_client.py"), url, codec.dumps(options)]
    return FeedClient(command, {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, folder)
