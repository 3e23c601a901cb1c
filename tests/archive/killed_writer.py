"""A process that archives until it is killed; its arguments are a folder and the first number, FIRST.

It records the prices FIRST, FIRST + 1, ... , several times a second, with a flush at the default interval, and says
after each flush which number was the last one that was taken in before it.
"""

from __future__ import annotations

import sys
import time
from itertools import count
from pathlib import Path

from tests.archive.support import NOW, prices, quote
from websocket import green
from websocket.archive.store import Archive
from websocket.scheduler import Scheduler
from websocket.settings import ArchiveSettings

SYMBOLS = ("BTC", "ETH", "SOL")

FLUSH_INTERVAL_S = 0.1
"""Shorter than the service's, so that a test sees many."""


def time_of(number: int) -> float:
    """The source's time of a price: most of them in order, some late."""
    return NOW - 200_000 + number * 0.7 - (90 if number % 13 == 0 else 0)


def main() -> None:
    """Never returns."""
    folder, first = Path(sys.argv[1]), int(sys.argv[2])
    archive = Archive(ArchiveSettings(), folder, demo=False, clock=time.time)
    archive.start()
    taken_in = first - 1

    def flush() -> None:
        covered = taken_in
        archive.flush()
        if archive.status().healthy:
            sys.stdout.write(f"{covered}\n")
            sys.stdout.flush()

    scheduler = Scheduler("test")
    scheduler.every(FLUSH_INTERVAL_S, "flush", flush, deadline_s=30)
    scheduler.start()
    for number in count(first):
        archive.on_publication(
            prices(quote(time_of(number), 1.0 + number, symbol=symbol, source="kraken") for symbol in SYMBOLS)
        )
        taken_in = number
        green.sleep(0.001)
