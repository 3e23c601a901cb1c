"""Runs the real service as a process of its own, so that a test can stop, kill and restart it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from chaos.cluster import internet_at
from tests.support.processes import free_port
from websocket.settings import describe_settings

ROOT = Path(__file__).resolve().parents[2]

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
POLL_INTERVAL_S = 0.1

CLOSED_PORT = 1
"""Nobody listens here."""

NO_INTERNET = f"http://127.0.0.1:{CLOSED_PORT}"


def service_environment(folder: Path, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a service that keeps its files in ``folder``.

    Settings of the person who runs the tests are left out, a Redis that happens to run on the machine is not touched,
    and outside of the demo mode no request leaves the machine.

    Args:
        folder: where its data and its log file go.
        env: settings on top.
    """
    settings = {info.name for info in describe_settings()}
    return {
        **{name: value for name, value in os.environ.items() if name not in settings},
        "DATA_DIR": str(folder / "data"),
        "LOG_FILE": str(folder / "websocket.log"),
        "REDIS_PORT": str(CLOSED_PORT),
        **internet_at(NO_INTERNET),
        **(env or {}),
    }


class ServiceProcess:
    """The service on a free port of the loopback interface, in demo mode unless a command says otherwise.

    It keeps its port for life: after ``kill()`` or ``stop()``, ``start()`` brings it back at the same address.

    Args:
        folder: where its data, its log file and its captured output go; exists.
        env: settings on top of those of ``service_environment()``.
        command: what to run instead of the development server in demo mode; then ``port`` must be what it listens on.
        port: to listen on, instead of a free one.
        root: the project's folder, or a copy of it.
    """

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str] | None = None,
        *,
        command: Sequence[str] | None = None,
        port: int | None = None,
        root: Path = ROOT,
    ) -> None:
        self.port = port or free_port()
        self._root = root
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.output = folder / "output.txt"
        self.log_file = folder / "websocket.log"
        # Another entry point that takes the same arguments, to try the pages against something else.
        entry_point = os.environ.get("SERVICE_ENTRY_POINT", str(ROOT / "start_service.py"))
        self._command = list(
            command or [sys.executable, entry_point, "--demo", "--host", "127.0.0.1", "--port", str(self.port)]
        )
        self.env = service_environment(folder, env)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self._process is not None, "it was never started, or has been ended"
        return self._process.pid

    def start(self) -> None:
        """Starts it without waiting; see ``wait_until_live()``."""
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._root,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_live(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Waits until it answers ``/health/live``.

        Raises:
            RuntimeError: it ended, or was not live in time; the message has the end of its output.
        """
        deadline = time.monotonic() + timeout_s
        while not self._is_live():
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"the service ended before it was live:\n{self._last_output()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the service was not live after {timeout_s:g} s:\n{self._last_output()}")
            time.sleep(POLL_INTERVAL_S)

    def is_running(self) -> bool:
        """False before its start and after its end, whoever ended it."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Ends it without a word, as a power cut would."""
        self.end(signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to end; kills it when it does not."""
        self.end(signal.SIGTERM)

    def end(self, signal_number: signal.Signals) -> int | None:
        """Sends a signal that ends it, and SIGKILL when it has not ended after a while.

        Returns:
            Its exit code, negative for the signal that ended it; None when it did not run.
        """
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(signal_number)
        try:
            return process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _is_live(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/live", timeout=1) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _last_output(self) -> str:
        return self.output.read_text(errors="replace")[-4000:] if self.output.exists() else ""
