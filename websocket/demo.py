"""Demo mode: the real service, fed by a stand-in internet on this machine.

The simulator is a program of its own, started here as a child process. It ends when this process does, however that
happens, because it watches the pipe that its standard input is connected to.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from websocket import codec, green
from websocket.errors import StartError
from websocket.settings import DemoSettings

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 15.0


class StandInInternet:
    """The simulator as a child process.

    Args:
        settings: seed and scenario.
    """

    def __init__(self, settings: DemoSettings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Starts the simulator; gives its address, for example ``http://127.0.0.1:40123``.

        Raises:
            StartError: it did not come up, with what it said.
        """
        command = [sys.executable, "-m", "simulator", "--port", "0", "--until-stdin-closes"]
        command += ["--seed", str(self._settings.seed), "--scenario", self._settings.scenario]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        try:
            with green.deadline(START_TIMEOUT_S):
                line = self._process.stdout.readline()
            if not line:
                said = self._process.stderr.read().decode(errors="replace").strip().splitlines()
                raise StartError(
                    f"The simulator did not start: {said[-1] if said else 'it said nothing'}"
                    f" (DEMO_SCENARIO={self._settings.scenario})"
                )
            return str(codec.decode(line)["listening"])
        except (green.DeadlineExceeded, ValueError, KeyError) as error:
            raise StartError(f"The simulator did not start: {error}") from error

    def stop(self) -> None:
        """Ends the simulator. Does nothing when it does not run."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
