"""The units are what systemd understands, and agree with the service."""

from __future__ import annotations

import configparser
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.deploy.nginx_server import PROCESS_PORTS
from tests.support.processes import Ended, run_to_end
from tests.support.service import ROOT
from websocket.process import SPARE_DESCRIPTORS, wanted_room
from websocket.production import GRACEFUL_TIMEOUT_S
from websocket.settings import Settings, describe_settings, load_settings

UNITS = ROOT / "deploy" / "systemd"

INSTALLED = "/opt/dwt-stream"

WORST_EXPOSURE = 2.5
"""By systemd's own reckoning, from 0 (nothing is open) to 10."""

PYTHONS_OWN = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}


def options(section: str) -> list[tuple[str, str]]:
    """The options of a section of the service, in their order; some come more than once."""
    text = (UNITS / "dwt-stream@.service").read_text().partition(f"[{section}]\n")[2].partition("\n[")[0]
    return [(name, value) for name, _, value in (line.partition("=") for line in text.splitlines() if "=" in line)]


def option(name: str, section: str = "Service") -> str:
    """The value of one that comes once."""
    (value,) = [value for found, value in options(section) if found == name]
    return value


def environment(instance: int) -> dict[str, str]:
    """What an instance gets from its unit."""
    pairs = (value.split("=", 1) for name, value in options("Service") if name == "Environment")
    return {name: value.replace("%i", str(instance)) for name, value in pairs}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units of one instance and the target, as if the service was installed in this folder."""
    if shutil.which("systemd-analyze") is None:
        if os.environ.get("CI"):
            pytest.fail("systemd is missing; scripts/test installs it on Debian")
        pytest.skip("systemd is missing")
    gunicorn = tmp_path / ".venv" / "bin" / "gunicorn"
    gunicorn.parent.mkdir(parents=True)
    gunicorn.write_text("#!/bin/sh\n")
    gunicorn.chmod(0o755)
    template = (UNITS / "dwt-stream@.service").read_text().replace(INSTALLED, str(tmp_path))
    for name in ("dwt-stream@.service", *(f"dwt-stream@{port}.service" for port in PROCESS_PORTS)):
        (tmp_path / name).write_text(template)
    shutil.copy(UNITS / "dwt-stream.target", tmp_path)
    return tmp_path


def analyze(*arguments: str, folder: Path) -> Ended:
    """Runs ``systemd-analyze``, which needs no running systemd for this."""
    return run_to_end(
        ["systemd-analyze", *arguments], cwd=folder, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
    )


@pytest.mark.parametrize("unit", ["dwt-stream@5001.service", "dwt-stream.target"])
def test_systemd_understands_every_line(units: Path, unit: str) -> None:
    """An option that it does not know is only a warning for it, and would do nothing."""
    ended = analyze("verify", "--man=no", str(units / unit), folder=units)
    assert ended.code == 0, ended
    ours = [line for line in ended.stderr.splitlines() if "dwt-stream" in line]
    assert ours == []


def test_hardening_is_effective(units: Path) -> None:
    """Systemd's own list of what a service could do to the machine is short."""
    unit = str(units / "dwt-stream@5001.service")
    ended = analyze("security", "--offline=true", "--no-pager", unit, folder=units)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", ended.stdout)
    assert found is not None, ended
    assert float(found[1]) <= WORST_EXPOSURE


def test_target_starts_the_processes_of_nginx_conf() -> None:
    """And they stop with it."""
    target = configparser.ConfigParser()
    target.read(UNITS / "dwt-stream.target")
    assert target["Unit"]["Wants"].split() == [f"dwt-stream@{port}.service" for port in PROCESS_PORTS]
    assert option("PartOf", "Unit") == "dwt-stream.target"
    assert option("WantedBy", "Install") == "dwt-stream.target"


@pytest.mark.parametrize("port", PROCESS_PORTS)
def test_instance_has_its_own_port_and_folders(port: int) -> None:
    """Loopback only: nginx is the way in. systemd makes the folders before the start."""
    settings = load_settings({name: text for name, text in environment(port).items() if name not in PYTHONS_OWN})
    assert settings.server.ports == (port,)
    assert settings.server.host == "127.0.0.1"
    assert settings.storage.data_dir == f"/var/lib/{option('StateDirectory').replace('%i', str(port))}"
    assert settings.log.file == f"/var/log/{option('LogsDirectory').replace('%i', str(port))}/websocket.log"


def test_everything_that_is_set_is_a_setting() -> None:
    """In the unit and in the file for the operator, which leaves to the unit what differs by instance."""
    known = {info.name for info in describe_settings()}
    assert set(environment(5001)) - PYTHONS_OWN <= known
    lines = [line for line in (UNITS / "env").read_text().splitlines() if line and not line.startswith("#")]
    names = {line.partition("=")[0] for line in lines}
    assert names <= known - set(environment(5001))
    assert "APP_SECRET" in names
    assert "APP_SECRET=" in lines, "no secret is shipped"


def test_polite_end_has_time() -> None:
    """Gunicorn's own limit, and a second, before systemd kills."""
    assert int(option("TimeoutStopSec")) > GRACEFUL_TIMEOUT_S + 1
    assert option("KillSignal") == "SIGTERM"
    assert option("KillMode") == "mixed"
    assert option("Restart") == "always"


def test_descriptors_are_enough() -> None:
    """Otherwise the service would warn at its start, and refuse clients later."""
    assert int(option("LimitNOFILE")) >= wanted_room(Settings().server.max_connections).total + SPARE_DESCRIPTORS


def test_units_start_what_is_there() -> None:
    """The entry point of production."""
    assert option("ExecStart") == f"{INSTALLED}/.venv/bin/gunicorn app:app"
    assert option("WorkingDirectory") == INSTALLED
    assert option("EnvironmentFile") == "/etc/dwt-stream/env"
