"""Commands, files and statements of the first document: set-up, troubleshooting and monitoring work as written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract import documents
from tests.contract.conftest import Ports
from tests.contract.documents import Contract
from tests.support.plain_http import get
from tests.support.processes import run_to_end, wait_until
from tests.support.service import ROOT, ServiceProcess, service_environment
from websocket.settings import describe_settings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("service")]

InShell = Callable[[str], "subprocess.CompletedProcess[str]"]

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = documents.contract().commands
INSTALLS = [command for command in COMMANDS if "pip install" in command]

DRY_RUN = "pip install --dry-run --no-deps --no-index --disable-pip-version-check"
"""Reads the file and finds all of it installed already, so the network is not needed."""


def test_no_command_is_left_out() -> None:
    """Each is run below; those that start the service are run by the fixtures."""
    assert sorted(COMMANDS) == sorted(
        [
            *INSTALLS,
            'export APP_SECRET="your-secret-key-here"',
            "python test_crypto_service.py",
            "python start_service.py",
            "gunicorn -k eventlet -w 1 --bind 0.0.0.0:5000 app:app",
            "lsof -i :5000",
            "curl http://localhost:5000/health",
        ]
    )


@pytest.mark.parametrize("command", INSTALLS)
def test_documented_install_finds_its_file(in_shell: InShell, command: str) -> None:
    """From the folder of the project, and from ``websocket``."""
    done = in_shell(command.replace("pip install", DRY_RUN))
    assert done.returncode == 0, done.stderr
    assert "Requirement already satisfied: flask" in done.stdout


def test_crypto_service_can_be_tested(in_shell: InShell) -> None:
    """In demo mode, as the running service is."""
    done = in_shell("python test_crypto_service.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(symbol in done.stdout for symbol in documents.contract().coins)


def test_production_starts_with_the_documented_lines(production: ServiceProcess) -> None:
    """Both of them, as they are."""
    assert get(f"{production.url}/health").json()["demo"] is True


def test_curl_shows_the_health(in_shell: InShell) -> None:
    """As JSON, with exit code 0."""
    done = in_shell("curl http://localhost:5000/health")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] in ("healthy", "degraded")


def test_a_port_in_use_names_the_process(service: ServiceProcess, ports: Ports, tmp_path: Path) -> None:
    """The same that ``lsof`` shows, and how to choose another port."""
    env = service_environment(tmp_path, {name: service.env[name] for name in ("DEMO", "HOST", "PORT")})
    ended = run_to_end([sys.executable, "start_service.py"], cwd=ROOT, env=env, timeout_s=40)
    assert ended.code == 1
    assert f"Port {ports.exchange} is in use by process {service.pid}" in ended.stderr
    assert "PORT" in ended.stderr


def test_lsof_shows_who_uses_the_port(in_shell: InShell, service: ServiceProcess) -> None:
    """As the troubleshooting says; without the program this fails, since the contract is never skipped."""
    done = in_shell("lsof -i :5000")
    assert str(service.pid) in done.stdout, done.stderr


def test_log_file_and_console_get_the_same_lines(service: ServiceProcess, contract: Contract) -> None:
    """At once, and at the documented level, which can be set."""
    default = {setting.name: setting.default for setting in describe_settings()}
    assert contract.facts["Service logs"] == default["LOG_FILE"]
    assert contract.facts["Log level"] == f"{default['LOG_LEVEL']} (configurable)"
    wait_until(lambda: "status=live" in service.log_file.read_text(), "the feed is live")
    logged = service.log_file.read_text().splitlines()
    assert any(" INFO " in line for line in logged)
    assert not any(" DEBUG " in line for line in logged)
    console = service.output.read_text().splitlines()
    assert [line for line in logged if line not in console] == []


def test_log_level_can_be_set(production: ServiceProcess) -> None:
    """It was started with ``LOG_LEVEL=DEBUG``."""
    wait_until(lambda: " DEBUG " in production.log_file.read_text(), "a line of that level")


def test_page_of_the_monitoring_is_there(ports: Ports) -> None:
    """``/test-websocket``; what it shows is tested in a browser, see ``tests/pages``."""
    assert get(f"http://127.0.0.1:{ports.exchange}/test-websocket").status == 200


def test_readme_has_the_licence_and_the_versions_of_python(contract: Contract) -> None:
    """The line of the document, and why its Python 3.8 is not enough."""
    assert contract.facts["License"] in README
    assert contract.facts["Python"].removeprefix("Python ").rstrip("+") in README
