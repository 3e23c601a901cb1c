"""kill -9 at any moment: the file is sound, what was flushed is there, and candles agree with the prices."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.archive.killed_writer import SYMBOLS
from tests.archive.support import check_whole

ROOT = Path(__file__).resolve().parents[2]

KILLS = 6

WRITE = "from websocket import green; green.patch(); from tests.archive.killed_writer import main; main()"


def write_until_killed(folder: Path, first: int, flushes: int, delay_s: float) -> int:
    """Has a process write, and kills it some time after so many flushes; gives the last number that it had flushed."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WRITE, str(folder), str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(flushes)]
    time.sleep(delay_s)
    process.kill()
    lines += process.stdout.read().splitlines()
    assert process.wait() == -signal.SIGKILL
    return int(lines[-1])


def stored_numbers(path: Path) -> dict[str, list[int]]:
    connection = sqlite3.connect(path)
    try:
        return {
            symbol: sorted(
                int(price) - 1
                for (price,) in connection.execute("SELECT price FROM prices WHERE symbol = ?", (symbol,))
            )
            for symbol in SYMBOLS
        }
    finally:
        connection.close()


def test_kill_at_random_moments(tmp_path: Path) -> None:
    """Again and again on the same file: nothing that was flushed is lost, and no price is there without its candles.

    A price is flushed at most a flush interval after it came, which is one second in the service.
    """
    rng = random.Random(7)
    path = tmp_path / "archive.sqlite3"
    first = 1
    for _ in range(KILLS):
        flushed = write_until_killed(tmp_path, first, rng.randint(1, 6), rng.uniform(0, 0.15))
        check_whole(path)
        lasts = []
        for numbers in stored_numbers(path).values():
            assert numbers == list(range(1, len(numbers) + 1))
            lasts.append(len(numbers))
        assert min(lasts) >= flushed
        first = min(lasts) + 1
    assert first > KILLS
    assert not list(tmp_path.glob("*.corrupt-*"))
