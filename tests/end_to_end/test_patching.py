"""Nothing that keeps what eventlet replaces is imported before it does; a fork passes on nothing that it cuts off."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import StartService
from tests.end_to_end.test_gunicorn import GUNICORN, PRODUCTION
from tests.support.plain_http import get
from tests.support.processes import children, free_port, has_ended, run_to_end, wait_until
from tests.support.service import ROOT, service_environment

WATCHING = ROOT / "tests" / "support" / "watching"

EVENTLET = {"eventlet", "greenlet", "packaging"}
"""Itself and what it, or gunicorn's worker class for it, needs."""

PYTHONS_OWN = {"__main__", "__mp_main__", "sitecustomize", "_distutils_hack", "distutils-precedence"}

OURS = {"websocket", "websocket.green"}

NOT_IN_THE_MASTER = {"redis", "hiredis", "requests", "urllib3", "flask", "socketio", "engineio", "apscheduler", "app"}
"""They keep sockets, locks, threads, or what they know of the standard library."""


def notes(file: Path, event: str) -> list[dict[str, Any]]:
    """What was written down, oldest first."""
    return [note for line in file.read_text().splitlines() if (note := json.loads(line))["event"] == event]


def watched(folder: Path, env: dict[str, str] | None = None) -> dict[str, str]:
    """An environment in which a process is watched."""
    return {**(env or {}), "PYTHONPATH": str(WATCHING), "WATCH_FILE": str(folder / "watched.jsonl")}


@pytest.mark.parametrize(
    "command",
    [
        ["-c", "import app"],
        ["start_service.py", "--check"],
        ["test_crypto_service.py", "--help"],
        ["-m", "websocket.start_check"],
    ],
    ids=lambda command: command[1] if command[0].startswith("-") else command[0],
)
def test_entry_point_patches_before_it_imports(tmp_path: Path, command: list[str]) -> None:
    env = service_environment(tmp_path, watched(tmp_path, PRODUCTION))
    ended = run_to_end([sys.executable, *command], cwd=ROOT, env=env)
    assert ended.code == 0, ended
    first = notes(tmp_path / "watched.jsonl", "patch")[0]
    assert set(first["packages"]) <= EVENTLET | PYTHONS_OWN | {"websocket", "app"}
    assert set(first["ours"]) <= OURS


def test_gunicorn_patches_before_it_imports_and_forks_a_clean_process(
    start_service: StartService, tmp_path: Path
) -> None:
    """At its start, and after a reload. What the worker then imports is patched in its own process."""
    port = free_port()
    env = watched(tmp_path, {**PRODUCTION, "HOST": "127.0.0.1", "PORT": str(port)})
    service = start_service(env, command=[GUNICORN, "app:app"], port=port)
    (old,) = children(service.pid)
    os.kill(service.pid, signal.SIGHUP)
    wait_until(lambda: has_ended(old), "the old worker ends")
    service.wait_until_live()
    assert get(f"{service.url}/health").status == 200
    file = tmp_path / "watched.jsonl"
    first = notes(file, "patch")[0]
    assert "gunicorn" in first["packages"]
    assert set(first["packages"]) <= EVENTLET | PYTHONS_OWN | {"gunicorn", "websocket", "__config__"}
    assert set(first["ours"]) <= OURS
    forks = notes(file, "fork")
    assert len(forks) >= 2
    for fork in forks:
        assert not NOT_IN_THE_MASTER & set(fork["packages"])
        assert (fork["threads"], fork["listeners"], fork["connections"]) == (1, 0, [])
