"""The simulator with a clock that can be moved, so that minutes of the market pass in a moment of a test.

``python -m tests.scenarios.moving_simulator OFFSET`` prints the simulator's own first line, and then one line,
``moved``, for each new offset that it reads. An offset is what its clock is ahead of the machine's, in seconds. It ends
when standard input does.
"""

from __future__ import annotations

import json
import sys
import time

from simulator.application import Simulator
from simulator.server import SimulatorServer


def main() -> None:
    """Runs until standard input closes."""
    offset_s = float(sys.argv[1])
    simulator = Simulator(seed=1, clock=lambda: time.time() + offset_s)
    with SimulatorServer(simulator) as server:
        _say(json.dumps({"listening": server.url}))
        for line in sys.stdin:
            offset_s = float(line)
            _say("moved")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
