"""What hinders a start of ``start_service.py`` is said in one line, with what to do about it."""

from __future__ import annotations

import re
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cache.redis_server import RedisServer
from tests.end_to_end.conftest import StartService
from tests.support.processes import free_port, run_to_end
from tests.support.service import ROOT, service_environment

NOTICE = re.compile(r"APP_SECRET is not set: using a random one until this process ends\.\n|\S+Z INFO .*\n")
"""What may be said before it fails."""


def failure(folder: Path, *arguments: str, root: Path = ROOT, **env: str) -> str:
    """Starts the service in demo mode, which must fail; gives the one line that says why."""
    port = [] if "--port" in arguments else ["--port", str(free_port())]
    command = [sys.executable, "start_service.py", "--demo", "--host", "127.0.0.1", *port, *arguments]
    ended = run_to_end(command, cwd=root, env=service_environment(folder, env), timeout_s=40)
    assert ended.code == 1, ended
    assert ended.stdout == ""
    said = NOTICE.sub("", ended.stderr)
    assert said.count("\n") == 1, said
    assert said.endswith("\n")
    assert "Traceback" not in said
    return said


def test_port_in_use(tmp_path: Path) -> None:
    """Named with both ways to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = failure(tmp_path, "--port", str(free_port()), str(port))
    assert f"Port {port} is in use" in said
    assert "--port" in said
    assert "PORT" in said


def test_the_same_port_twice(tmp_path: Path) -> None:
    """It is in use, by us."""
    port = free_port()
    assert f"Port {port} is in use" in failure(tmp_path, "--port", str(port), str(port))


def test_foreign_address(tmp_path: Path) -> None:
    """An address that this machine does not have (it is one of those that are reserved for documentation)."""
    said = failure(tmp_path, "--host", "192.0.2.1")
    assert "Cannot listen on 192.0.2.1" in said


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_impossible_port(tmp_path: Path, port: str) -> None:
    """Refused before anything is tried."""
    assert failure(tmp_path, "--port", port) == "--port: expected whole numbers from 1 to 65535\n"


def test_unwritable_log_file(tmp_path: Path) -> None:
    """The line names the setting. Below a regular file nobody can write, not even root."""
    (tmp_path / "file").touch()
    said = failure(tmp_path, LOG_FILE=str(tmp_path / "file" / "websocket.log"))
    assert "Cannot write the log file" in said
    assert "LOG_FILE" in said


def test_log_file_that_is_a_folder(tmp_path: Path) -> None:
    """The same for this mistake."""
    assert "LOG_FILE" in failure(tmp_path, LOG_FILE=str(tmp_path))


def test_wrong_redis_password(tmp_path: Path, start_redis: Callable[..., RedisServer]) -> None:
    """Named, and neither password is shown."""
    server = start_redis("--requirepass", "the-right-password", password="the-right-password")
    for wrong in ("the-wrong-password", ""):
        said = failure(tmp_path, REDIS_HOST="127.0.0.1", REDIS_PORT=str(server.port), REDIS_PASSWORD=wrong)
        assert "REDIS_PASSWORD" in said
        assert "the-right-password" not in said
        assert "the-wrong-password" not in said


def test_redis_without_the_database(tmp_path: Path, start_redis: Callable[..., RedisServer]) -> None:
    """A database number that the server does not have."""
    server = start_redis()
    said = failure(tmp_path, REDIS_HOST="127.0.0.1", REDIS_PORT=str(server.port), REDIS_DB="99")
    assert "REDIS_DB" in said


def test_folder_of_another_process(start_service: StartService) -> None:
    """A second service in the same DATA_DIR is refused, with the process that has it; the first one goes on."""
    first = start_service()
    said = failure(first.folder, LOG_FILE=str(first.folder / "second.log"))
    assert "DATA_DIR" in said
    assert f"process {first.pid}" in said
    assert first.is_running()


def test_folder_below_a_file(tmp_path: Path) -> None:
    """It cannot be made."""
    (tmp_path / "file").touch()
    said = failure(tmp_path, DATA_DIR=str(tmp_path / "file" / "data"))
    assert said.startswith("DATA_DIR: ")


def test_misspelt_setting(tmp_path: Path) -> None:
    """It would have no effect, and nobody would notice."""
    assert failure(tmp_path, REDIS_HSOT="1") == "REDIS_HSOT: is not a setting. Did you mean REDIS_HOST?\n"


def test_setting_of_the_wrong_kind(tmp_path: Path) -> None:
    """Its name, what was expected and what came."""
    said = failure(tmp_path, STALE_AFTER="abc")
    assert said.startswith("STALE_AFTER: expected number")
    assert "'abc'" in said


def test_unknown_scenario(tmp_path: Path) -> None:
    """A wrong setting as any other, although only the simulator knows the scenarios."""
    said = failure(tmp_path, DEMO_SCENARIO="flash_crsh")
    assert said.startswith("DEMO_SCENARIO: unknown scenario 'flash_crsh'; expected one of normal, ")
    assert said.endswith("Did you mean flash_crash?\n")


def test_provider_that_cannot_do_it(tmp_path: Path) -> None:
    """It exists, but would never answer what it is asked."""
    said = failure(tmp_path, ONCHAIN_TVL_PROVIDERS="mempool_space")
    assert said.startswith("ONCHAIN_TVL_PROVIDERS: 'mempool_space' cannot stand here, it is no TvlSource; ")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service in another folder, which may have a ``.env`` of its own."""
    root = tmp_path_factory.mktemp("copied")
    for folder in ("websocket", "simulator", "static", "templates"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("app.py", "start_service.py", "gunicorn.conf.py"):
        shutil.copy(ROOT / file, root / file)
    return root


def test_unknown_name_in_the_env_file(tmp_path: Path, copied: Path) -> None:
    """Every name in ``.env`` must be a setting, however far from one it is."""
    (copied / ".env").write_text("COMPLETELY_DIFFERENT=1\n")
    said = failure(tmp_path, root=copied)
    assert said == "COMPLETELY_DIFFERENT: is not a setting (in .env).\n"


def test_misspelling_in_the_env_file(tmp_path: Path, copied: Path) -> None:
    """With the name that was probably meant."""
    (copied / ".env").write_text("BROADCAST_INTERVALL=5\n")
    assert "Did you mean BROADCAST_INTERVAL?" in failure(tmp_path, root=copied)


def test_wrong_value_in_the_env_file(tmp_path: Path, copied: Path) -> None:
    """The same rules as for the environment."""
    (copied / ".env").write_text("MAX_MOVE=2\n")
    assert failure(tmp_path, root=copied).startswith("MAX_MOVE: expected number")


def test_unreadable_env_file(tmp_path: Path, copied: Path) -> None:
    """Bytes that are no text."""
    (copied / ".env").write_bytes(b"LOG_LEVEL=\xff\xfe\n")
    assert "cannot be read" in failure(tmp_path, root=copied)


def test_packages_that_are_missing(tmp_path: Path) -> None:
    """As with a Python in which nothing was installed."""
    command = [sys.executable, "-S", "start_service.py"]
    ended = run_to_end(command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, timeout_s=40)
    assert ended.code == 1
    assert ended.stderr == (
        "The package eventlet is not installed for this Python: pip install -r requirements.txt, or scripts/run.\n"
    )
