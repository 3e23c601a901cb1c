"""Processes under measurement: started on a core of their own, and watched through ``/proc`` (Linux only)."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SERVER_CORE = "0"
LOAD_CORE = "1"

TASKSET = shutil.which("taskset") or "taskset"

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
PROC = Path("/proc")


class MeasureError(Exception):
    """A server or the load generator did not do what it should."""


class Server:
    """A server process with its children.

    Args:
        command: what to run.
        environ: additions to this process's environment.
        port: where it will listen.
        folder: its current folder.
        log: file for what it writes.
    """

    def __init__(
        self, command: Sequence[str | Path], environ: Mapping[str, str], port: int, folder: Path, log: Path
    ) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [TASKSET, "-c", SERVER_CORE, *command],
                env={**os.environ, **environ},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._log = log
        self._wait_for(port)

    def cpu_s(self) -> float:
        """Seconds on a processor so far, of all threads."""
        # the first figure of schedstat: nanoseconds
        return (
            sum(
                int(_read(thread / "schedstat").split()[0] or 0)
                for pid in self._measured()
                for thread in _listed(PROC / pid / "task")
            )
            / 1e9
        )

    def resident_kb(self) -> int:
        """Resident memory; a page that several processes share is counted in shares."""
        total = 0
        for pid in self._measured():
            for line in _read(PROC / pid / "smaps_rollup").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total

    def stop(self) -> None:
        """Ends it, if need be by force."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _measured(self) -> list[str]:
        """The process and its descendants, without the stand-in internet of the demo mode."""
        found, to_do = [], [str(self._process.pid)]
        while to_do:
            pid = to_do.pop()
            if b"simulator" in (PROC / pid / "cmdline").read_bytes().split(b"\0"):
                continue
            found.append(pid)
            for thread in _listed(PROC / pid / "task"):
                to_do += _read(thread / "children").split()
        return found

    def _wait_for(self, port: int) -> None:
        give_up = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < give_up and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise MeasureError(f"the server does not listen; see {self._log}")


class Load:
    """The load generator with all its clients connected.

    Args:
        command: the program with its options.
    """

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._process = subprocess.Popen(
            [TASKSET, "-c", LOAD_CORE, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.ready: dict[str, Any] = json.loads(self.wait_for("ready"))

    def begin_window(self, seconds: float) -> None:
        """Asks for a window; returns when it begins."""
        self._say(f"measure {seconds:g}")
        self.wait_for("start")

    def end_window(self) -> dict[str, Any]:
        """Waits for the window's figures; they come after ``end`` was waited for."""
        assert self._process.stdout is not None
        figures: dict[str, Any] = json.loads(self._process.stdout.readline())
        return figures

    def stall(self) -> None:
        """Lets the clients that were to stall stop reading."""
        self._say("stall")

    def wait_for(self, word: str) -> str:
        """Waits for a line of the program that begins with a word; gives the rest."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if line.startswith(word):
                return line[len(word) :].strip()
            raise MeasureError(f"the load generator says: {line.strip()}")
        raise MeasureError("the load generator ended")

    def stop(self) -> None:
        """Ends it and with it all connections."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(timeout=STOP_TIMEOUT_S)

    def _say(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read(path: Path) -> str:
    """A file of ``/proc``; a thread may have ended meanwhile."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "0"


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
