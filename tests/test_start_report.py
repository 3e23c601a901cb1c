"""``--check``: what a start would do, what another process has now, and what would hinder any start."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import free_port
from tests.support.service import CLOSED_PORT
from websocket.cache.embedded_cache import EmbeddedCache
from websocket.settings import load_settings
from websocket.start_report import StartReport, report_start


def report_of(folder: Path, **environ: str) -> StartReport:
    """The report on a service that has its files in ``folder`` and needs no Redis."""
    own = {"HOST": "127.0.0.1", "PORT": str(free_port()), "DATA_DIR": str(folder / "data")}
    own |= {"LOG_FILE": str(folder / "log"), "REDIS_PORT": str(CLOSED_PORT)}
    return report_start(load_settings({**own, **environ}))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[EmbeddedCache]:
    """Holds the folder, as a service does."""
    cache = EmbeddedCache(tmp_path / "data")
    yield cache
    cache.close()


def in_use(report: StartReport) -> list[str]:
    """The lines about what another process has."""
    return [line for line in report.lines if line.startswith("in use now: ")]


def test_nothing_hinders_a_start_with_the_defaults(tmp_path: Path) -> None:
    """And nothing is in use."""
    report = report_of(tmp_path)
    assert (report.hindrances, in_use(report)) == ([], [])


@pytest.mark.usefixtures("running")
def test_folder_of_a_running_service_hinders_nothing(tmp_path: Path) -> None:
    """It is told of, with the process that has it, and the rest is looked at all the same."""
    report = report_of(tmp_path)
    assert report.hindrances == []
    (line,) = in_use(report)
    assert f"{tmp_path / 'data'} is in use by process " in line
    assert "cache: embedded" in report.lines
    assert any(line.startswith("provider: ") for line in report.lines)


@pytest.mark.usefixtures("running")
def test_redis_is_looked_at_beside_a_running_service(tmp_path: Path) -> None:
    """One that was asked for would be used, whoever has the folder now."""
    report = report_of(tmp_path, REDIS_HOST="127.0.0.1")
    assert "cache: redis" in report.lines
    assert len(in_use(report)) == 1


def test_port_in_use_hinders_nothing(tmp_path: Path) -> None:
    """Each of them is told of."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [str(listener.getsockname()[1]) for listener in (one, other)]
        report = report_of(tmp_path, PORT=",".join(ports))
    assert report.hindrances == []
    assert [line.split()[4] for line in in_use(report)] == ports


def test_all_that_hinders_is_told_at_once(tmp_path: Path) -> None:
    """Address, log file, folder, scenario and provider, each as a start would say it."""
    (tmp_path / "file").touch()
    below_a_file = str(tmp_path / "file" / "below")
    report = report_of(
        tmp_path,
        HOST="192.0.2.1",  # of those that are reserved for documentation
        LOG_FILE=below_a_file,
        DATA_DIR=below_a_file,
        DEMO="1",
        DEMO_SCENARIO="flash_crsh",
        TICK_PROVIDERS="defillama",
    )
    first_words = [line.partition(" ")[0] for line in report.hindrances]
    assert first_words == ["TICK_PROVIDERS:", "DEMO_SCENARIO:", "Cannot", "Cannot", "DATA_DIR:"]
    assert any("192.0.2.1" in line for line in report.hindrances)
    assert any("LOG_FILE" in line for line in report.hindrances)
    assert in_use(report) == []
    assert any(line.startswith("provider: ") for line in report.lines)
