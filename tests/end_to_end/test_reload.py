"""What runs goes on: under gunicorn with a reload that cannot work, other signals, and workers that cannot boot.

One service for the whole module, in a copy of the project, so that its ``.env`` and its files can be broken. Each test
leaves it running.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cache.redis_server import RedisServer
from tests.deploy import test_systemd
from tests.end_to_end.conftest import APP_SECRET, QUICK, StartService
from tests.end_to_end.test_gunicorn import GUNICORN, PRODUCTION, documented
from tests.support.plain_http import get
from tests.support.processes import children, free_port, has_ended, wait_until
from tests.support.project_copy import copy_project
from tests.support.service import CLOSED_PORT, ServiceProcess
from tests.wire.raw_client import RawClient


class Production:
    """A running gunicorn, and what an operator does to it.

    Args:
        root: the copy of the project.
        service: it.
    """

    def __init__(self, root: Path, service: ServiceProcess) -> None:
        self.root = root
        self.service = service
        self.data = service.folder / "data"

    @property
    def worker(self) -> int:
        """The id of the only worker; waits while there is none, or one that leaves."""
        return wait_until(lambda: len(found := list(children(self.service.pid))) == 1 and found[0], "one worker")

    def write(self, **changes: str) -> None:
        """Writes ``.env``, the first one with these changes; an empty text leaves a setting out."""
        good = {
            "APP_SECRET": APP_SECRET,
            "METRICS_ENABLED": "0",  # whose effect can be seen from outside
            "HOST": "127.0.0.1",
            "PORT": str(self.service.port),
            "DATA_DIR": str(self.data),
            "REDIS_PORT": str(CLOSED_PORT),
        }
        lines = [f"{name}={text}\n" for name, text in {**good, **changes}.items() if text]
        (self.root / ".env").write_text("".join(lines))

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the master."""
        os.kill(self.service.pid, number)

    def reload(self) -> None:
        """As systemd does it, see ``ExecReload``."""
        command = test_systemd.option("ExecReload").replace("$MAINPID", str(self.service.pid))
        subprocess.run(shlex.split(command), check=True)

    def said_since(self, position: int) -> str:
        """What it has put out since its output was so long."""
        return self.service.output.read_text()[position:]

    @property
    def position(self) -> int:
        """How long its output is."""
        return len(self.service.output.read_text())

    def wait_for(self, text: str, position: int, times: int = 1) -> None:
        """Waits until it has said so."""
        wait_until(lambda: self.said_since(position).count(text) >= times, text, timeout_s=60)

    def refuses_reload(self) -> str:
        """Reloads, which must be refused; gives the one line that says so."""
        position, worker = self.position, self.worker
        self.reload()
        self.wait_for("Reload refused", position)
        assert self.worker == worker
        (line,) = [line for line in self.said_since(position).splitlines() if "INFO" not in line]
        return line.partition("as it is. ")[2]

    def kill_worker(self) -> None:
        """As the system does when there is no memory."""
        worker = self.worker
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: has_ended(worker), "its end")

    @contextmanager
    def broken(self, name: str) -> Iterator[None]:
        """One of its files is no Python for the time of a block."""
        file = self.root / name
        whole = file.read_text()
        file.write_text(f"{whole}\nif\n")
        try:
            yield
        finally:
            file.write_text(whole)

    @property
    def metrics(self) -> int:
        """The status of ``/metrics``, which is 404 as long as the first settings are in force."""
        return get(f"{self.service.url}/metrics").status


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    root = copy_project(tmp_path_factory.mktemp("checkout") / "project")
    env = {**QUICK, "DEMO": "1"}
    service = ServiceProcess(tmp_path_factory.mktemp("service"), env, command=[GUNICORN, "app:app"], root=root)
    for name in ("DATA_DIR", "REDIS_PORT"):  # are in .env, so that they can be changed
        del service.env[name]
    running = Production(root, service)
    running.write()
    service.start()
    try:
        service.wait_until_live()
        yield running
    finally:
        service.stop()


@pytest.fixture
def client(production: Production) -> Iterator[RawClient]:
    """Somebody who is connected all the time, and gets updates afterwards as before."""
    production.write()
    with RawClient(production.service.port).open("/ws/market_data") as client:
        seq = client.hear_type("update")["seq"]
        yield client
        for _ in range(3):
            heard = client.hear_type("update")["seq"]
            assert heard in (seq, seq + 1)
            seq = heard


WRONG = {
    "misspelt name": ({"BROADCAST_INTERVALL": "5"}, "Did you mean BROADCAST_INTERVAL?"),
    "wrong value": ({"STALE_AFTER": "soon"}, "STALE_AFTER: expected number"),
    "no setting": ({"REDIS_DB": "0\nSTALE_AFTER: 5"}, "expected NAME=value"),
    "no secret": ({"APP_SECRET": ""}, "APP_SECRET: must be set"),
    "unknown provider": ({"TICK_PROVIDERS": "binnance"}, "TICK_PROVIDERS: "),
    "unknown scenario": ({"DEMO_SCENARIO": "flash_crsh"}, "Did you mean flash_crash?"),
    "impossible folder": ({"DATA_DIR": "app.py/data"}, "DATA_DIR: "),
    "another port": ({"PORT": "5999"}, "HOST and PORT cannot change while it runs: restart it."),
}


@pytest.mark.parametrize("what", WRONG)
def test_reload_with_wrong_settings_is_refused(production: Production, client: RawClient, what: str) -> None:
    """In one line; the worker that runs goes on, and nobody loses the connection."""
    changes, reason = WRONG[what]
    production.write(**changes)
    assert reason in production.refuses_reload()


def test_reload_with_a_wrong_redis_password_is_refused(
    production: Production, client: RawClient, start_redis: Callable[..., RedisServer]
) -> None:
    """A worker with these settings could not boot."""
    redis = start_redis("--requirepass", "the-right-password", password="the-right-password")
    production.write(REDIS_HOST="127.0.0.1", REDIS_PORT=str(redis.port), REDIS_PASSWORD="the-wrong-password")
    reason = production.refuses_reload()
    assert "check REDIS_PASSWORD" in reason
    assert "the-wrong-password" not in reason


def test_reload_with_an_unreadable_file_is_refused(production: Production, client: RawClient) -> None:
    """Bytes that are no text."""
    (production.root / ".env").write_bytes(b"LOG_LEVEL=\xff\xfe\n")
    assert "cannot be read" in production.refuses_reload()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("app.py", "SyntaxError: invalid syntax"),
        ("gunicorn.conf.py", "SyntaxError: invalid syntax"),
        ("websocket/hub.py", "SyntaxError: invalid syntax"),
        ("websocket/settings/reading.py", "websocket.settings.reading has changed since the start"),
    ],
)
def test_reload_of_broken_or_half_a_version_is_refused(
    production: Production, client: RawClient, name: str, reason: str
) -> None:
    """As a new one is while it is being copied; and what the master has loaded already would stay the old one."""
    with production.broken(name):
        assert production.refuses_reload().startswith(reason)


def test_signals_that_mean_other_things_elsewhere_do_no_harm(production: Production, client: RawClient) -> None:
    """More or fewer workers, reopened logs, a window; and a second gunicorn, which finds the folder in use."""
    worker, position = production.worker, production.position
    for number in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR1, signal.SIGWINCH):
        production.send(number)
    production.wait_for("SIGTTIN is ignored", position)
    production.wait_for("Handling signal: winch", position)
    assert production.worker == worker
    production.send(signal.SIGUSR2)
    production.wait_for("DATA_DIR: ", position)
    assert production.worker == worker
    assert "Traceback" not in production.said_since(position)


def test_killed_worker_is_replaced_with_the_settings_last_accepted(production: Production) -> None:
    """Not with those of a file that somebody is about to write, be they right or wrong."""
    for changes in ({"METRICS_ENABLED": "1"}, {"METRICS_ENABLED": "1", "STALE_AFTER": "soon"}):
        production.write(**changes)
        production.kill_worker()
        production.service.wait_until_live()
        assert production.metrics == 404


def test_worker_that_cannot_boot_for_a_moment_is_tried_again(production: Production) -> None:
    """Its folder is away when another one was killed; the master does not end, and one line says what is wrong."""
    position, away = production.position, production.data.with_name("away")
    production.data.rename(away)
    production.data.touch()
    try:
        production.kill_worker()
        production.wait_for("DATA_DIR: ", position, times=2)
    finally:
        production.data.unlink()
        away.rename(production.data)
    production.service.wait_until_live()
    assert "Traceback" not in production.said_since(position)


def test_worker_that_finds_broken_code_is_tried_again(production: Production) -> None:
    """Gunicorn itself would give up."""
    position = production.position
    with production.broken("app.py"):
        production.kill_worker()
        production.wait_for("exited with code 1", position, times=2)
    production.service.wait_until_live()


def test_mended_settings_are_in_force_after_a_reload(production: Production) -> None:
    """After all that was refused, and all that failed."""
    production.write(STALE_AFTER="soon")
    production.refuses_reload()
    worker, position = production.worker, production.position
    production.write(METRICS_ENABLED="1")
    production.reload()
    wait_until(lambda: has_ended(worker), "the old worker ends")
    production.service.wait_until_live()
    assert production.metrics == 200
    assert production.worker != worker
    said = production.said_since(position)
    assert "Traceback" not in said
    assert "ERROR" not in said


def test_half_sent_request_does_not_keep_a_worker_from_saving(start_service: StartService) -> None:
    """Browsers open connections that they may use later; the master would kill a worker that waits for them."""
    port = free_port()
    service = start_service(PRODUCTION, command=documented(port), port=port)
    wait_until(lambda: get(f"{service.url}/api/prices").json()["data"], "prices")
    with RawClient(port) as silent, RawClient(port) as slow:
        slow.send(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        assert service.end(signal.SIGTERM) == 0
        assert silent.sock.recv(1000) == b""
    assert "SIGKILL" not in service.output.read_text()
    assert b"prices:demo" in (service.folder / "data" / "cache.bin").read_bytes()
