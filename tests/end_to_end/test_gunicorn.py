"""Production: gunicorn with the settings that it finds in ``gunicorn.conf.py``."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cache.redis_server import RedisServer
from tests.end_to_end.conftest import APP_SECRET, QUICK, Connect, StartService
from tests.support.plain_http import get
from tests.support.processes import children, free_port, has_ended, run_to_end, simulator_of, wait_until
from tests.support.service import ROOT, ServiceProcess, service_environment
from websocket.coins import SYMBOLS

PRODUCTION = {**QUICK, "DEMO": "1", "APP_SECRET": APP_SECRET}

_beside_python = Path(sys.executable).with_name("gunicorn")
GUNICORN = str(_beside_python) if _beside_python.exists() else shutil.which("gunicorn") or "gunicorn"


def documented(port: int) -> list[str]:
    """The line that the README gives for one port, bound to loopback."""
    return [GUNICORN, "-k", "eventlet", "-w", "1", "--bind", f"127.0.0.1:{port}", "app:app"]


def refusal(folder: Path, *options: str, env: dict[str, str] | None = None) -> str:
    """Starts gunicorn, which must refuse; gives its output without gunicorn's own lines and the log's."""
    command = [GUNICORN, "--bind", f"127.0.0.1:{free_port()}", *options, "app:app"]
    environment = service_environment(folder, PRODUCTION if env is None else env)
    ended = run_to_end(command, cwd=ROOT, env=environment, timeout_s=40)
    assert ended.code == 1, ended
    assert "Traceback" not in ended.stderr
    lines = (ended.stdout + ended.stderr).splitlines()
    own = [line for line in lines if not line.startswith("[") and " INFO " not in line]
    assert len(own) == 1, lines
    return own[0]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """Started with the documented line, for the tests that leave it as it is."""
    port = free_port()
    service = ServiceProcess(tmp_path_factory.mktemp("gunicorn"), PRODUCTION, command=documented(port), port=port)
    service.start()
    service.wait_until_live()
    wait_until(lambda: len(get(f"{service.url}/api/prices").json()["data"]) == len(SYMBOLS), "ten prices")
    yield service
    service.stop()


def test_documented_line_serves_health_and_prices(service: ServiceProcess) -> None:
    """The same as the development server."""
    health = get(f"{service.url}/health")
    assert health.status == 200
    assert health.json()["demo"] is True
    assert get(f"{service.url}/health/ready").status == 200
    assert get(f"{service.url}/test-websocket").status == 200
    assert get(f"{service.url}/no-such-page").json()["code"] == "not_found"


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_documented_line_serves_socketio(service: ServiceProcess, connect: Connect, transport: str) -> None:
    """A snapshot at once, and then broadcasts."""
    client = connect(service, transports=[transport])
    assert client.subscribe()["ok"] is True
    assert len(client.received("crypto-prices")[0]) == len(SYMBOLS)
    client.wait_for_more("crypto-prices", 3)


def test_nothing_but_starting_is_said(service: ServiceProcess) -> None:
    """Requests are not logged, and the secret is not either."""
    said = service.output.read_text()
    assert "Traceback" not in said
    assert "GET /" not in said
    assert APP_SECRET not in said


def test_plain_gunicorn_serves_all_ports(start_service: StartService) -> None:
    """Worker class, ports and limits come from ``gunicorn.conf.py``."""
    ports = free_port(), free_port()
    env = {**PRODUCTION, "HOST": "127.0.0.1", "PORT": f"{ports[0]},{ports[1]}"}
    service = start_service(env, command=[GUNICORN, "app:app"], port=ports[0])
    for port in ports:
        assert get(f"http://127.0.0.1:{port}/health/live").status == 200
    assert "Using worker: eventlet" in service.output.read_text()


def test_missing_secret_is_refused(tmp_path: Path) -> None:
    """Production does not invent one: it would change with every restart."""
    said = refusal(tmp_path, env={"DEMO": "1"})
    assert said == "APP_SECRET: must be set in production, to at least 16 random characters"


def test_short_secret_is_refused_without_showing_it(tmp_path: Path) -> None:
    """Also a bad secret is one."""
    said = refusal(tmp_path, env={"APP_SECRET": "tooshort"})
    assert said == "APP_SECRET: expected at least 16 characters"


def test_more_workers_are_refused(tmp_path: Path) -> None:
    """Polling clients would be sent to a worker that does not know them."""
    said = refusal(tmp_path, "-w", "2")
    assert "-w 1" in said
    assert "2 workers" in said


def test_socket_that_is_no_port_is_refused(tmp_path: Path) -> None:
    """Its clients have no address, by which everything is counted."""
    assert "TCP port" in refusal(tmp_path, "--bind", f"unix:{tmp_path}/socket")


def test_preloading_is_refused(tmp_path: Path) -> None:
    """Green threads do not survive the fork."""
    said = refusal(tmp_path, "--preload")
    assert "--preload" in said


def test_misspelt_setting_is_refused(tmp_path: Path) -> None:
    """With the name that was probably meant."""
    said = refusal(tmp_path, env={**PRODUCTION, "BROADCAST_INTERVALL": "5"})
    assert said == "BROADCAST_INTERVALL: is not a setting. Did you mean BROADCAST_INTERVAL?"


def test_wrong_setting_is_refused(tmp_path: Path) -> None:
    """Before any worker is started."""
    assert refusal(tmp_path, env={**PRODUCTION, "STALE_AFTER": "-1"}).startswith("STALE_AFTER: expected number")


def test_unwritable_log_file_is_refused(tmp_path: Path) -> None:
    """Below a regular file nobody can write."""
    (tmp_path / "file").touch()
    assert "LOG_FILE" in refusal(tmp_path, env={**PRODUCTION, "LOG_FILE": str(tmp_path / "file" / "log")})


def test_folder_of_another_process_is_refused(service: ServiceProcess) -> None:
    """Two services never share a DATA_DIR; the first one goes on."""
    said = refusal(service.folder)
    assert said.startswith("DATA_DIR: ")
    assert "is in use by process" in said
    assert get(f"{service.url}/health").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_everything(start_service: StartService, connect: Connect, number: signal.Signals) -> None:
    """Master, worker and simulator, also while a client is connected, who is told; what is worth keeping is saved."""
    port = free_port()
    service = start_service(PRODUCTION, command=documented(port), port=port)
    client = connect(service, transports=["websocket"])
    client.wait_for("crypto-prices")
    (worker,) = children(service.pid)
    simulator = simulator_of(service.pid)
    assert service.end(number) == 0
    (error,) = client.wait_for("error")
    assert error["code"] == "shutting_down"
    assert error["reconnect_in_ms"] > 0
    wait_until(lambda: has_ended(worker) and has_ended(simulator), "worker and simulator end")
    assert "Traceback" not in service.output.read_text()
    assert (service.folder / "data" / "cache.bin").exists()


def test_reload_goes_on_while_clients_are_connected(start_service: StartService, connect: Connect) -> None:
    """SIGHUP: a new worker takes over as soon as the old one has drained its connections and left the folder."""
    port = free_port()
    service = start_service(PRODUCTION, command=documented(port), port=port)
    client = connect(service, transports=["websocket"])
    client.wait_for("crypto-prices")
    (old,) = children(service.pid)
    os.kill(service.pid, signal.SIGHUP)
    wait_until(lambda: has_ended(old), "the old worker ends")
    service.wait_until_live()
    (new,) = children(service.pid)
    assert new != old
    assert len(connect(service, transports=["websocket"]).wait_for("crypto-prices")[0]) == len(SYMBOLS)
    assert simulator_of(service.pid)
    assert "Traceback" not in service.output.read_text()


def test_killed_worker_is_replaced(start_service: StartService) -> None:
    """The new one finds the last prices, and its simulator is the only one."""
    port = free_port()
    service = start_service(PRODUCTION, command=documented(port), port=port)
    kept = service.folder / "data" / "cache.bin"
    wait_until(lambda: kept.exists() and b"prices:demo" in kept.read_bytes(), "prices are saved")
    (old,) = children(service.pid)
    simulator = simulator_of(service.pid)
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: old not in children(service.pid), "the old worker ends")
    service.wait_until_live()
    wait_until(lambda: has_ended(simulator), "the old simulator ends")
    assert "cached prices restored" in service.log_file.read_text()


def test_killed_master_takes_everything_with_it(start_service: StartService) -> None:
    """Nothing is left behind that holds the folder."""
    port = free_port()
    service = start_service(PRODUCTION, command=documented(port), port=port)
    (worker,) = children(service.pid)
    simulator = simulator_of(service.pid)
    service.kill()
    wait_until(lambda: has_ended(worker) and has_ended(simulator), "worker and simulator end")
    service.start()
    service.wait_until_live()


def test_redis_that_comes_goes_and_comes_back_is_used(
    start_redis: Callable[..., RedisServer], start_service: StartService, connect: Connect
) -> None:
    """It is away at the start; prices reach clients all the time, others get them while it is there."""
    redis = start_redis()
    redis.kill()
    port = free_port()
    env = {**PRODUCTION, "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)}
    service = start_service(env, command=documented(port), port=port)
    client = connect(service, transports=["websocket"])
    client.subscribe()
    client.wait_for_more("crypto-prices", 2)

    def is_shared() -> bool:
        report = get(f"{service.url}/health").json()
        return report["cache"]["healthy"] and report["bus"]["healthy"] and report["bus"]["role"] == "collector"

    assert not is_shared()
    for _ in range(2):
        redis.start()
        wait_until(is_shared, "the Redis is used")
        wait_until(lambda: redis.client().exists("dwt:demo:bus:stream:crypto-prices"), "others get the prices")
        client.wait_for_more("crypto-prices", 2)
        redis.kill()
        wait_until(lambda: not is_shared(), "it is away")
        client.wait_for_more("crypto-prices", 2)
    assert client.received("#disconnect") == []
    assert "Traceback" not in service.output.read_text() + service.log_file.read_text()
