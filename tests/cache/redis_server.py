"""A Redis server of one's own on a free port of this machine, for one test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_START_LIMIT_S = 20.0


class RedisServer:
    """A ``redis-server`` that keeps nothing on disk unless it is told to (``SAVE``).

    Args:
        folder: its working folder; a dump in it is loaded at the start.
        arguments: more of its options, for example ``("--requirepass", "x")``.
        password: what its options ask for, for our own checks.
    """

    def __init__(self, folder: Path, arguments: tuple[str, ...] = (), password: str | None = None) -> None:
        self.port = free_port()
        self._folder = folder
        self._arguments = arguments
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and returns when it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [*command, "--dir", str(self._folder), *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        limit = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                self.client().ping()
                return
            except redis.RedisError:
                if time.monotonic() > limit:
                    self.kill()
                    raise
                time.sleep(0.02)

    def kill(self) -> None:
        """Ends it at once, as ``kill -9`` does. Does nothing when it does not run."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Stops it in the middle of everything; connections can be made, but nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on after ``pause``."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        """A connection of its own, to look at or change what the server holds."""
        return redis.Redis(
            host="127.0.0.1", port=self.port, password=self._password, protocol=2, retry=Retry(NoBackoff(), 0)
        )


def require_redis_server() -> None:
    """Skips the test where there is no redis-server; in CI (``CI`` is set) it fails instead."""
    if shutil.which("redis-server") is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is missing; scripts/test installs it on Debian")
        pytest.skip("redis-server is missing")


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
