"""``python -m attacks [--seconds N] [--only WORDS] [--report FILE]``: plays the attacks and prints how a client fared.

Exit code 0 when no update was missed, everybody got an answer, and nothing of it was logged as a fault of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from attacks.attackers import ATTACKS
from attacks.report import Outcome, as_markdown, as_text
from attacks.stage import Stage
from chaos.cluster import ClusterError


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m attacks", description="Attacks a service while a client watches.")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each attack (default: 20)")
    parser.add_argument("--only", default="", metavar="WORDS", help="only attacks whose name has these words")
    parser.add_argument("--report", type=Path, help="a Markdown file whose marked part gets the table")
    options = parser.parse_args(arguments)
    names = [name for name in ATTACKS if options.only.replace(" ", "_") in name]
    outcomes: list[Outcome] = []
    try:
        with tempfile.TemporaryDirectory(prefix="attacks-") as folder, Stage(Path(folder)) as stage:
            for name in names:
                outcomes.append(asyncio.run(stage.play(name, options.seconds)))
                sys.stdout.write(as_text(outcomes[-1]) + "\n")
                sys.stdout.flush()
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.report is not None:
        options.report.write_text(as_markdown(options.report.read_text(), outcomes, options.seconds))
    return 0 if all(outcome.is_clean for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
