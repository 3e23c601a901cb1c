"""``start_service.py``: what it serves, and what it says without serving."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.cluster import internet_at
from tests.end_to_end.conftest import StartService
from tests.support.plain_http import get
from tests.support.processes import Ended, free_port, run_to_end, wait_until
from tests.support.service import NO_INTERNET, ROOT, ServiceProcess, service_environment
from websocket.coins import SYMBOLS
from websocket.settings import ProvidersSettings

ROW_KEYS = [
    *("symbol", "name", "price", "change24h", "changePercent24h", "volume24h", "marketCap", "lastUpdated"),
    *("source", "ageSeconds", "confirmed"),
]

SECRETS = {
    "APP_SECRET": "known-application-secret",
    "REDIS_PASSWORD": "known-redis-password",
    "COINGECKO_API_KEY": "known-coingecko-key",
}


@pytest.fixture(scope="module")
def second_port() -> int:
    """The other port of the service of this module."""
    return free_port()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, second_port: int) -> Iterator[ServiceProcess]:
    """A service in demo mode on two ports, with secrets that must not be seen anywhere, at its most talkative."""
    port = free_port()
    command = [sys.executable, "start_service.py", "--demo", "--host", "127.0.0.1"]
    command += ["--port", str(port), str(second_port)]
    folder = tmp_path_factory.mktemp("service")
    service = ServiceProcess(folder, {**SECRETS, "LOG_LEVEL": "DEBUG"}, command=command, port=port)
    service.start()
    service.wait_until_live()
    wait_until(lambda: len(get(f"{service.url}/api/prices").json()["data"]) == len(SYMBOLS), "ten prices")
    yield service
    service.stop()


def check(folder: Path, *arguments: str, **env: str) -> Ended:
    """Runs ``start_service.py --check``."""
    command = [sys.executable, "start_service.py", "--check", *arguments]
    return run_to_end(command, cwd=ROOT, env=service_environment(folder, env))


def test_health_is_good_and_says_demo(service: ServiceProcess) -> None:
    """The operator's first look."""
    reply = get(f"{service.url}/health")
    assert reply.status == 200
    report = reply.json()
    assert report["demo"] is True
    assert report["status"] in ("healthy", "degraded")
    assert report["feeds"]["crypto-prices"]["demo"] is True
    assert list(report["prices"]) == list(SYMBOLS)
    assert report["cache"]["healthy"] is True


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/api/prices"])
def test_both_ports_serve_the_same(service: ServiceProcess, second_port: int, path: str) -> None:
    """Front ends and dashboards use different ports."""
    assert get(f"{service.url}{path}").status == 200
    assert get(f"http://127.0.0.1:{second_port}{path}").status == 200


def test_prices_have_ten_rows_with_their_provenance(service: ServiceProcess) -> None:
    """The eight keys of the feed, and who said so, how long ago, and whether somebody agreed."""
    answer = get(f"{service.url}/api/prices").json()
    assert answer["status"] == "success"
    assert answer["timestamp"].endswith("Z")
    assert [row["symbol"] for row in answer["data"]] == list(SYMBOLS)
    for row in answer["data"]:
        assert list(row) == ROW_KEYS
        assert all(math.isfinite(row[key]) for key in ROW_KEYS[2:7])
        assert row["price"] > 0
        assert row["lastUpdated"].endswith("Z")
        assert row["source"]
        assert row["ageSeconds"] >= 0
        assert isinstance(row["confirmed"], bool)


def test_readiness_says_why_not(service: ServiceProcess) -> None:
    """With prices there is no reason."""
    ready = get(f"{service.url}/health/ready").json()
    assert ready["ready"] is True
    assert ready["reason"] is None


def test_root_leads_to_the_page(service: ServiceProcess) -> None:
    """Who opens the address in a browser sees something."""
    reply = get(f"{service.url}/")
    assert reply.status == 302
    assert reply.headers["Location"] == "/test-websocket"
    page = get(f"{service.url}/test-websocket")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["css/test_websocket.css", "vendor/socket.io/socket.io.min.js"])
def test_static_files_are_served(service: ServiceProcess, path: str) -> None:
    """Byte for byte."""
    reply = get(f"{service.url}/static/{path}")
    assert reply.status == 200
    assert reply.body == (ROOT / "static" / path).read_bytes()


@pytest.mark.parametrize("path", ["/no-such-page", "/static/no-such-file.js", "/static/../app.py", "/api"])
def test_unknown_path_is_a_json_error(service: ServiceProcess, path: str) -> None:
    """The one shape of all errors."""
    reply = get(f"{service.url}{path}")
    assert reply.status == 404
    assert reply.headers["Content-Type"] == "application/json"
    error = reply.json()
    assert set(error) == {"code", "message", "temporary"}
    assert (error["code"], error["temporary"]) == ("not_found", False)


def test_secrets_are_neither_logged_nor_served(service: ServiceProcess) -> None:
    """Also not at the DEBUG level, where each request to a provider is a line."""
    get(f"{service.url}/no-such-page")
    said = service.output.read_text() + service.log_file.read_text()
    said += "".join(get(f"{service.url}{path}").body.decode() for path in ("/health", "/api/prices", "/test-websocket"))
    assert "coingecko" in said
    assert [name for name, secret in SECRETS.items() if secret in said] == []


def test_missing_secret_is_replaced_by_a_random_one(start_service: StartService) -> None:
    """The development server says so, and goes on."""
    service = start_service()
    assert service.output.read_text().count("APP_SECRET is not set: using a random one") == 1


def test_check_tells_what_would_be_done(tmp_path: Path) -> None:
    """Feed, ports, cache and every provider, with key or without."""
    # the addresses are the real ones, which a check does not ask; an empty value means the default
    env = {**dict.fromkeys(internet_at(NO_INTERNET), ""), "APP_SECRET": "0123456789abcdef", "COINGECKO_API_KEY": "k"}
    ended = check(tmp_path, "--port", "5001", "5002", **env)
    assert ended.code == 0
    assert ended.stderr == ""
    lines = ended.stdout.splitlines()
    assert "feed: real providers" in lines
    assert "listen: 0.0.0.0 on 5001, 5002" in lines
    assert "app secret: set" in lines
    assert f"log: {tmp_path / 'websocket.log'}, INFO" in lines
    assert any(line.startswith("cache: ") and str(tmp_path / "data") in line for line in lines)
    assert "provider: CoinGecko at https://api.coingecko.com/api/v3, with key" in lines
    assert "provider: CoinPaprika at https://api.coinpaprika.com/v1, without key" in lines
    assert "provider: Kraken at https://api.kraken.com" in lines
    listed = [line for line in lines if line.startswith("provider: ")]
    assert len(listed) == len(dataclasses.fields(ProvidersSettings))


def test_check_shows_demo_and_missing_secret(tmp_path: Path) -> None:
    """What would surprise in production is said."""
    ended = check(tmp_path, "--demo")
    assert ended.code == 0
    assert "feed: simulated internet (demo)" in ended.stdout
    assert "app secret: not set" in ended.stdout


def test_check_prints_no_secret(tmp_path: Path) -> None:
    """So its output may be shown to others."""
    ended = check(tmp_path, LOG_LEVEL="DEBUG", **SECRETS)
    assert ended.code == 0
    log = tmp_path / "websocket.log"
    said = ended.stdout + ended.stderr + (log.read_text() if log.exists() else "")
    assert [name for name, secret in SECRETS.items() if secret in said] == []


def test_check_finds_what_would_hinder_the_start(tmp_path: Path) -> None:
    """A folder or a log file that cannot be used, and a setting that is wrong; each is one line."""
    (tmp_path / "file").touch()
    below_a_file = str(tmp_path / "file" / "below")
    wrong = {"DATA_DIR": below_a_file, "LOG_FILE": below_a_file, "STALE_AFTER": "0", "DEMO_SCENARIO": "none"}
    for name, value in wrong.items():
        ended = check(tmp_path, "--demo", **{name: value})
        assert ended.code == 1
        assert name in ended.stderr
        assert ended.stderr.count("\n") == 1


def test_check_beside_a_running_service(start_service: StartService) -> None:
    """Says who has the folder and the port, and goes on: nothing of it hinders a start when that service has ended."""
    service = start_service()
    arguments = ["--demo", "--host", "127.0.0.1", "--port", str(service.port)]
    ended = check(service.folder, *arguments, LOG_FILE=str(service.folder / "check.log"))
    assert (ended.code, ended.stderr) == (0, "")
    in_use = [line for line in ended.stdout.splitlines() if line.startswith("in use now: ")]
    assert [f"by process {service.pid};" in line for line in in_use] == [True, True]
    assert f"Port {service.port} is in use" in in_use[0]
    assert "DATA_DIR" in in_use[1]
    assert "provider: Kraken at" in ended.stdout
    assert service.is_running()


def test_check_leaves_the_ports_and_the_folder_alone(start_service: StartService) -> None:
    """It serves nothing, and what it opened can be used by a start right after it."""
    service = start_service(live=False)
    service.wait_until_live()
    service.stop()
    assert check(service.folder, "--port", str(service.port)).code == 0
    service.start()
    service.wait_until_live()


@pytest.mark.parametrize("path", ["/health/", "/api/prices/", "/test-websocket/", "/docs/", "/ws/stats/"])
def test_slash_at_the_end_makes_no_difference(service: ServiceProcess, path: str) -> None:
    """Neither people nor load balancers should have to know."""
    assert get(f"{service.url}{path}").status == 200
