"""The benchmark itself: it builds, it measures, and its ratios are those of runs that belong together."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

import bench.__main__ as program
from bench import measure
from bench.measure import Broadcasts, Idle
from bench.peers import FLOOR, SERVICE, Workshop, peers
from bench.report import Report

IDLE = Idle(kb_per_connection=4.0, accepted_per_s=1000, cpu_us_per_accept=400, cpu_percent=1.0, failed=0)
RUN = Broadcasts(
    us_per_message=5.0,
    messages_per_s=10_000,
    message_bytes=1200,
    spread_ms=20,
    spread_max_ms=30,
    delay_p99_ms=25,
    complete=1.0,
    lost=0,
)


def test_ratios_are_medians_of_the_ratios_within_each_run(tmp_path: Path) -> None:
    report = Report()
    [floor, service] = [peer for peer in peers(Workshop(tmp_path)) if peer.same_as == "plain"][:2]
    assert (floor.title, service.title) == (FLOOR, SERVICE)
    for peer in (floor, service):
        report.add_idle(peer, 2000, IDLE)
    # the second run was on a machine that was busy with something else
    for ours, theirs in ((6.0, 5.0), (18.0, 15.0), (7.0, 5.0)):
        report.add_broadcasts(floor, 2000, dataclasses.replace(RUN, us_per_message=theirs))
        report.add_broadcasts(service, 2000, dataclasses.replace(RUN, us_per_message=ours))
    # an idle share of 1 % at 10 000 messages a second is 1 us of each
    assert "| 2000 | plain | C epoll loop | 1.20 (1.20-1.40) | 1.25 (1.21-1.50) |" in report.render()


def test_troubles_are_shown_beside_the_server(tmp_path: Path) -> None:
    report = Report()
    floor = peers(Workshop(tmp_path))[0]
    report.add_idle(floor, 2000, dataclasses.replace(IDLE, failed=3))
    report.add_broadcasts(floor, 2000, dataclasses.replace(RUN, lost=4, complete=0.9))
    assert "C epoll loop (7 connections lost) (90% of broadcasts complete)" in report.render()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("gcc") or not shutil.which("taskset"), reason="needs gcc and taskset")
def test_one_command_builds_and_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "SETTLE_S", 0.1)
    monkeypatch.setattr(measure, "IDLE_WINDOW_S", 0.5)
    options = ["--clients", "50", "--runs", "1", "--window", "1", "--only", FLOOR, "--folder", str(tmp_path)]
    assert program.main(options) == 0
    tables = capsys.readouterr().out
    for payload in ("plain, 1197 B", "Socket.IO, 2079 B"):
        [row] = [line for line in tables.splitlines() if line.startswith(f"| 50 | {payload} | {FLOOR} |")]
        assert float(row.split("|")[4].split()[0]) > 0
