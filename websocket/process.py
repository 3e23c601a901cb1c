"""What one process needs to hold thousands of connections: descriptors, and a garbage collector that keeps out of the
way; and which other process has a port that we want. Both ways to start the service use it.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import resource
from pathlib import Path

import msgspec

logger = logging.getLogger(__name__)

SPARE_DESCRIPTORS = 256
"""Descriptors besides those of clients: listeners, log, cache, providers, native threads."""

HTTP_SHARE = 0.2
"""Connections that are not WebSockets, per client that may be connected: requests, polls, idle ones of proxies."""

MIN_HTTP_CONNECTIONS = 32

COLLECTOR_THRESHOLDS = (10_000, 10, 50)
"""Python's own are 700, 10, 10. While 8 000 Socket.IO clients connect, collections then take 0.74 s in 752 runs, 5 of
them over everything and the longest 154 ms; with these, and what exists at the start frozen, 0.29 s in 56 runs, none
over everything and the longest 23 ms. Larger ones save no more, and leave more garbage of handshakes, 6 KB each, in
memory: with 50 000 and 4 000 clients 9.5 KB for each instead of 7.4. Broadcasts make hardly any garbage.
"""


class ConnectionRoom(msgspec.Struct, frozen=True):
    """How many connections this process may hold.

    Attributes:
        clients: WebSockets and polling sessions.
        http: connections that are not WebSockets, beside them, so that operators are answered when clients fill it.
    """

    clients: int
    http: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.clients + self.http


def wanted_room(max_connections: int) -> ConnectionRoom:
    """What ``MAX_CONNECTIONS`` asks for."""
    return ConnectionRoom(max_connections, max(MIN_HTTP_CONNECTIONS, int(max_connections * HTTP_SHARE)))


def make_room(max_connections: int) -> ConnectionRoom:
    """Raises the limit of open descriptors as far as the connections need it; gives what it has room for.

    That is less than was asked for, and said in the log, where the system does not allow so many.
    """
    room = wanted_room(max_connections)
    wanted = room.total + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return room
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    if limit == wanted:
        return room
    # with a very small limit the rest of the service needs most of it
    total = max(2, limit - SPARE_DESCRIPTORS, limit // 4)
    http = max(1, int(total * HTTP_SHARE / (1 + HTTP_SHARE)))
    room = ConnectionRoom(total - http, http)
    logger.warning(
        "too few descriptors for MAX_CONNECTIONS=%s, so at most %s: allow %s (ulimit -n, or LimitNOFILE of the systemd"
        " unit)",
        max_connections,
        room.clients,
        wanted,
    )
    return room


def calm_garbage_collector() -> None:
    """Takes what exists now out of every collection, and has them happen more seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def listener_of(port: int) -> int | None:
    """The id of another process that listens on a TCP port; None where the system does not tell us.

    Linux alone tells, and only root about the processes of other users.
    """
    sockets = {f"socket:[{number}]" for table in ("tcp", "tcp6") for number in _listening(table, port)}
    if not sockets:
        return None
    others = (entry for entry in Path("/proc").iterdir() if entry.name.isdecimal() and int(entry.name) != os.getpid())
    return next((int(process.name) for process in others if sockets & _descriptors(process)), None)


def _descriptors(process: Path) -> set[str]:
    """What a process has open, as the system calls it; nothing of one that has ended or is not ours to see."""
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed while we look
                found.add(str(descriptor.readlink()))
    return found


def _listening(table: str, port: int) -> list[str]:
    """The numbers of the sockets that listen on a port."""
    try:
        rows = [line.split() for line in Path("/proc/net", table).read_text().splitlines()[1:]]
    except OSError:
        return []
    # columns: number, local address:port, remote one, state (0A is listening), ..., inode as the tenth
    return [row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]
