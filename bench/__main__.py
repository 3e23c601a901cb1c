"""``python -m bench``: builds, installs, measures, and writes the tables to standard output as Markdown."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.measure import Bench
from bench.peers import SERVICE, Workshop, peers
from bench.report import Report

STALL_CLIENTS = 2000
STALLING = 100
STALL_INTERVAL_S = 0.2

SHORTEST_INTERVAL_S = 0.2
"""With shorter ones there would be no pause between broadcasts, in which a window may begin."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for; gives the exit code."""
    options = _parse(arguments)
    workshop = Workshop(options.folder)
    chosen = [peer for peer in peers(workshop) if not options.only or peer.title in options.only]
    workshop.prepare(chosen)
    bench, report = Bench(workshop), Report()
    for clients in options.clients:
        # all servers have the same interval; at 8 000 clients the slowest needs nearly a second for one broadcast
        interval_s = max(SHORTEST_INTERVAL_S, clients / 10_000)
        for peer in chosen:
            _say(f"{clients} idle clients: {peer.title}, {peer.same_as}")
            report.add_idle(peer, clients, bench.idle(peer, clients))
        for run in range(options.runs):
            for peer in chosen:
                measured = bench.broadcasts(peer, clients, interval_s, options.window)
                report.add_broadcasts(peer, clients, measured)
                _say(
                    f"{clients} clients, run {run + 1}: {peer.title}, {peer.same_as}:"
                    f" {measured.us_per_message:.2f} us a message"
                )
    if options.stalled:
        for peer in chosen:
            if peer.title == SERVICE:
                _say(f"{STALLING} of {STALL_CLIENTS} clients stop reading: {peer.protocol}")
                stalled = bench.stalled(peer, STALL_CLIENTS, STALLING, STALL_INTERVAL_S)
                report.add_stalled(peer, stalled)
    sys.stdout.write(report.render())
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Fan-out benchmark; see bench/README.md.")
    parser.add_argument("--clients", type=int, nargs="+", default=[2000, 8000], help="numbers of clients")
    parser.add_argument("--runs", type=int, default=3, help="runs of every server with every number of clients")
    parser.add_argument("--window", type=float, default=10.0, help="seconds of broadcasts measured in each run")
    parser.add_argument("--only", nargs="+", help="titles of the servers to measure (default: all)")
    parser.add_argument("--stalled", action="store_true", help="also measure with clients that never read (4 minutes)")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "dwt-bench",
        help="where peers are installed and servers write (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
