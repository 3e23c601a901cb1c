"""Free ports, and what the system knows about processes."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Ended(NamedTuple):
    """What a program said until it ended."""

    code: int
    stdout: str
    stderr: str


def run_to_end(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float = 60.0) -> Ended:
    """Runs a program that is expected to end by itself; kills it when it does not.

    Raises:
        subprocess.TimeoutExpired: it went on for ``timeout_s``.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def wait_until(look: Callable[[], T], what: str, timeout_s: float = 30.0) -> T:
    """Looks again and again until there is something to see; gives it.

    Args:
        look: gives something true when it is time to go on.
        what: what is waited for, for the message.
        timeout_s: how long.

    Raises:
        AssertionError: it did not come.
    """
    deadline = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}; last seen: {seen!r}"
        time.sleep(0.05)
    return seen


def free_port() -> int:
    """A port of the loopback interface on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> dict[int, str]:
    """The command lines of the processes that ``pid`` started, and which still run, by their id."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            parent = next(line for line in status.read_text().splitlines() if line.startswith("PPid:"))
            if int(parent.split()[1]) == pid and not has_ended(int(status.parent.name)):
                found[int(status.parent.name)] = (status.parent / "cmdline").read_text().replace("\0", " ")
        except (OSError, StopIteration):
            continue  # it ended while we looked
    return found


def simulator_of(pid: int) -> int:
    """The id of the simulator that ``pid``, or a process that it started, runs."""
    for child, command in children(pid).items():
        if "-m simulator" in command:
            return child
        for grandchild, its_command in children(child).items():
            if "-m simulator" in its_command:
                return grandchild
    raise AssertionError(f"process {pid} has no simulator; it has {children(pid)}")


def has_ended(pid: int) -> bool:
    """True also for one that nobody has collected yet."""
    try:
        stat = (Path("/proc") / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"
