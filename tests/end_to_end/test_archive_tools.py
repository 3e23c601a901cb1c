"""Backups, exports and restore of a real service, as its operator does them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.archive.support import check_whole
from tests.end_to_end.conftest import StartService
from tests.support.plain_http import ask, get
from tests.support.processes import Ended, run_to_end, wait_until
from tests.support.service import ROOT, ServiceProcess

pytestmark = pytest.mark.slow

TOKEN = "a-token-of-the-operator"


def command_line(service: ServiceProcess, *arguments: object) -> Ended:
    """Runs the archive's command line with the settings of a service."""
    command = [sys.executable, "-m", "websocket.archive", "--demo", *map(str, arguments)]
    return run_to_end(command, cwd=ROOT, env=service.env)


def rows(service: ServiceProcess) -> list[dict[str, Any]]:
    """What the archive has of BTC."""
    found: list[dict[str, Any]] = get(f"{service.url}/api/history/BTC?interval=raw").json()["data"]["rows"]
    return found


def backups(service: ServiceProcess) -> list[Path]:
    """The backups of a service, oldest first."""
    return sorted((service.folder / "data" / "backups").glob("archive-demo-*.sqlite3"))


def test_backups_come_by_themselves_and_can_be_put_back(start_service: StartService) -> None:
    """Kept by number, each whole; after a restore the service goes on from there."""
    service = start_service({"ARCHIVE_BACKUP_INTERVAL": "1", "ARCHIVE_BACKUPS": "2", "TICK_INTERVAL": "0.5"})
    wait_until(lambda: len(backups(service)) == 2, "two backups")
    first = backups(service)[0]
    wait_until(lambda: first not in backups(service), "the oldest has gone", timeout_s=30)
    refused = command_line(service, "restore", backups(service)[-1])
    assert refused.code == 1
    assert "in use by process" in refused.stderr
    service.kill()
    made = backups(service)[-1]
    check_whole(made)
    # as much as one disk failure could do
    archive = service.folder / "data" / "archive-demo.sqlite3"
    archive.write_bytes(b"\0" * 100_000)
    done = command_line(service, "restore", made)
    assert (done.code, done.stderr) == (0, "")
    check_whole(archive)
    service.start()
    service.wait_until_live()
    restored = len(rows(service))
    wait_until(lambda: len(rows(service)) > restored, "it goes on", timeout_s=30)
    assert list(archive.parent.glob("*.corrupt-*")) == []


def test_export_is_seen_on_the_stream(start_service: StartService) -> None:
    """Begun over HTTP, told about on ``persistence``, there in the end, and marked as simulated."""
    service = start_service({"ADMIN_TOKEN": TOKEN})
    wait_until(lambda: len(rows(service)) > 0, "something is in the archive", timeout_s=30)
    with connect(f"ws://127.0.0.1:{service.port}/ws/persistence", compression=None, max_size=None) as socket:
        order = json.dumps({"kind": "prices", "format": "jsonl"}).encode()
        reply = ask("POST", f"{service.url}/api/archive/export", order, Authorization=f"Bearer {TOKEN}")
        assert reply.status == 202
        while True:
            frame = json.loads(socket.recv(timeout=30))
            tasks = frame["data"].get("tasks", []) if frame["type"] == "update" else []
            if tasks and tasks[0]["state"] == "done":
                break
    name = tasks[0]["file"]
    assert name.startswith("demo-prices-")
    exported = (service.folder / "data" / "exports" / name).read_text().splitlines()
    assert {json.loads(line)["symbol"] for line in exported} >= {"BTC"}
    assert TOKEN not in service.log_file.read_text()
