"""Demo mode: the real service, fed by a stand-in internet on this machine.

The simulator is a program of its own, started here as a child process. It ends when this process does, however that
happens, because it watches the pipe that its standard input is connected to.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from websocket import codec, green
from websocket.errors import SettingsError, StartError
from websocket.scheduler import Scheduler
from websocket.settings import DemoSettings

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 15.0

WRONG_COMMAND_LINE = 2
"""Exit code of the simulator. All of its command line is fixed but for the seed, a number, and the scenario."""

CHECK_INTERVAL_S = 5.0
"""How often it is looked whether it still runs."""


class StandInInternet:
    """The simulator as a child process.

    Args:
        settings: seed and scenario.
    """

    def __init__(self, settings: DemoSettings) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0  # any, until it has one, which it keeps

    def schedule(self, scheduler: Scheduler) -> None:
        """Plans the look after it, which starts it again when it has ended."""
        scheduler.every(CHECK_INTERVAL_S, "simulated_internet", self.look_after, deadline_s=2 * START_TIMEOUT_S)

    def look_after(self) -> None:
        """Starts it again at the same address if it has ended.

        Raises:
            StartError: it did not come up; the next look tries again.
        """
        if self._process is not None and self._process.poll() is not None:
            logger.error("the simulated internet has ended, it is started again code=%s", self._process.returncode)
            self.start()

    def start(self) -> str:
        """Starts the simulator; gives its address, for example ``http://127.0.0.1:40123``.

        Raises:
            SettingsError: the scenario makes no sense to it, with what it expected.
            StartError: it did not come up, with what it said.
        """
        command = [sys.executable, "-m", "simulator", "--port", str(self._port), "--until-stdin-closes"]
        command += ["--seed", str(self._settings.seed), f"--scenario={self._settings.scenario}"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._process.stdout is not None
        try:
            with green.deadline(START_TIMEOUT_S):
                line = self._process.stdout.readline()
                if not line:
                    raise self._refusal(self._process)
            url = str(codec.decode(line)["listening"])
        except (green.DeadlineExceeded, ValueError, KeyError) as error:
            raise StartError(f"The simulator did not start: {error}") from error
        self._port = urlsplit(url).port or 0
        return url

    @staticmethod
    def _refusal(ended: subprocess.Popen[bytes]) -> SettingsError | StartError:
        """Why it ended before it was ready, in its own words."""
        assert ended.stderr is not None
        lines = ended.stderr.read().decode(errors="replace").strip().splitlines()
        said = lines[-1] if lines else "it said nothing"
        if ended.wait() == WRONG_COMMAND_LINE:
            return SettingsError("DEMO_SCENARIO", said.removeprefix("simulator: "))
        return StartError(f"The simulator did not start: {said}")

    def stop(self) -> None:
        """Ends the simulator. Does nothing when it does not run."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
