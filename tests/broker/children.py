"""Brokers in processes of their own, to be killed and stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.processes import wait_until
from tests.support.service import ROOT


class Child:
    """A process that runs ``bus_process``; see there.

    Args:
        output: file for what it says.
        port: of Redis.
        prefix: of the keys.
        interval_s: between two of its publications.
    """

    def __init__(self, output: Path, port: int, prefix: str, interval_s: float = 0.05) -> None:
        self._output = output
        program = (
            "from websocket import green; green.patch(); from tests.broker import bus_process;"
            f" bus_process.main({port}, {prefix!r}, {interval_s})"
        )
        with output.open("wb") as lines:
            self._process = subprocess.Popen(
                [sys.executable, "-c", program],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=subprocess.DEVNULL,
            )

    def said(self) -> list[dict[str, Any]]:
        """Every line that is whole."""
        lines = self._output.read_text().split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def heard(self) -> list[dict[str, Any]]:
        """The publications among them."""
        return [line for line in self.said() if "heard" in line]

    def statuses(self) -> list[tuple[str, bool]]:
        """Role and health, each time when one of them changed."""
        return [(line["status"], line["healthy"]) for line in self.said() if "status" in line]

    def becomes(self, role: str, *, healthy: bool = True) -> None:
        """Waits until this is its newest status."""
        wait_until(lambda: self.statuses()[-1:] == [(role, healthy)], f"it becomes {role}, healthy: {healthy}")

    def hears_more(self, count: int) -> None:
        """Waits until it has heard so many more publications."""
        before = len(self.heard())
        wait_until(lambda: len(self.heard()) >= before + count, "it hears more")

    def kill(self) -> None:
        """Ends it at once."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """Stops it in the middle of everything."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on."""
        self._process.send_signal(signal.SIGCONT)
