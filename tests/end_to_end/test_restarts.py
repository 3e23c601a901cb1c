"""Ends and restarts, wanted or not: what is kept, what is let go, and what is said about old prices."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest

from chaos.cluster import internet_at
from tests.end_to_end.conftest import Connect, SimulatorProcess, StartService
from tests.support.plain_http import get
from tests.support.processes import children, free_port, has_ended, simulator_of, wait_until
from tests.support.service import NO_INTERNET, ServiceProcess
from websocket.coins import SYMBOLS

SOON_STALE = {"DELAYED_AFTER": "2", "STALE_AFTER": "3"}


def real(port: int) -> list[str]:
    """The service without demo mode."""
    return [sys.executable, "start_service.py", "--host", "127.0.0.1", "--port", str(port)]


def prices(service: ServiceProcess) -> list[dict[str, Any]]:
    """The rows of ``/api/prices``."""
    rows: list[dict[str, Any]] = get(f"{service.url}/api/prices").json()["data"]
    return rows


def test_restart_without_internet_serves_the_last_prices_with_their_age(
    start_service: StartService, connect: Connect, internet: SimulatorProcess
) -> None:
    """Nobody answers: the prices of the earlier run are shown, with the time that they are from, and called stale."""
    port = free_port()
    first = start_service({**SOON_STALE, **internet_at(internet.url)}, command=real(port), port=port)
    wait_until(lambda: len(prices(first)) == len(SYMBOLS), "ten prices")
    internet.kill()
    held = [(row["symbol"], row["price"], row["lastUpdated"]) for row in prices(first)]
    first.stop()

    env = {**SOON_STALE, **internet_at(NO_INTERNET)}
    second = start_service(env, folder=first.folder, command=real(port), port=port)
    client = connect(second, transports=["websocket"])
    client.subscribe()
    (rows,) = client.received("crypto-prices")[:1]
    assert [(row["symbol"], row["price"], row["lastUpdated"]) for row in rows] == held

    def stale() -> Any:
        return [status for status in client.received("feed-status") if status["status"] == "stale"]

    status = wait_until(stale, "the feed is called stale")[0]
    assert status["demo"] is False
    assert "older than 3 s" in status["reason"]
    assert status["oldestAgeSeconds"] >= 3
    assert client.wait_for_more("crypto-prices", 2) == [rows, rows]
    report = get(f"{second.url}/health")
    assert report.status == 503
    assert report.json()["status"] == "unhealthy"
    wait_until(lambda: "binance" in get(f"{second.url}/health").json()["reason"], "what the sources said")
    ready = get(f"{second.url}/health/ready")
    assert ready.status == 503
    assert "older than" in ready.json()["reason"]
    assert get(f"{second.url}/health/live").status == 200


def test_first_start_without_internet_says_so(start_service: StartService, connect: Connect) -> None:
    """Nothing is invented: no array comes, the feed is starting, and the way to the demo is named."""
    port = free_port()
    service = start_service(internet_at(NO_INTERNET), command=real(port), port=port)
    client = connect(service, transports=["websocket"])
    answer = client.subscribe()
    assert (answer["ok"], answer["seq"]) == (True, 0)
    status = client.wait_for("feed-status")[0]
    assert status["status"] == "starting"
    assert status["oldestAgeSeconds"] is None
    assert "--demo" in status["reason"]
    wait_until(lambda: "--demo" in service.log_file.read_text(), "the log names --demo")
    assert get(f"{service.url}/health").status == 503
    assert prices(service) == []
    assert client.received("crypto-prices") == []


def test_demo_prices_are_not_shown_as_real_ones(start_service: StartService) -> None:
    """Also not from the same folder, after a restart."""
    demo = start_service()
    wait_until(lambda: len(prices(demo)) == len(SYMBOLS), "ten prices")
    demo.stop()
    port = free_port()
    service = start_service(internet_at(NO_INTERNET), folder=demo.folder, command=real(port), port=port)
    assert prices(service) == []
    assert get(f"{service.url}/health").json()["demo"] is False
    service.stop()
    demo.start()
    demo.wait_until_live()
    assert len(prices(demo)) == len(SYMBOLS)


def test_real_prices_are_not_shown_in_a_demo(start_service: StartService, internet: SimulatorProcess) -> None:
    """The other way round: a demo begins with nothing but what its own simulator says."""
    port = free_port()
    service = start_service(internet_at(internet.url), command=real(port), port=port)
    wait_until(lambda: len(prices(service)) == len(SYMBOLS), "ten prices")
    service.stop()
    demo = start_service(folder=service.folder)
    said = demo.output.read_text()
    assert "cached prices restored" not in said[said.index("stopping signal=SIGTERM") :]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_service_and_saves_its_state(
    start_service: StartService, connect: Connect, number: signal.Signals
) -> None:
    """Exit code 0, also while a client is connected; no traceback, no simulator, and the prices are there again."""
    service = start_service()
    client = connect(service, transports=["websocket"])
    client.wait_for("crypto-prices")
    wait_until(lambda: len(prices(service)) == len(SYMBOLS), "ten prices")
    simulator = simulator_of(service.pid)
    assert service.end(number) == 0
    assert has_ended(simulator)
    said = service.output.read_text()
    assert "Traceback" not in said
    assert f"stopping signal={number.name}" in said
    client.wait_for("#disconnect")
    service.start()
    service.wait_until_live()
    assert f"cached prices restored symbols={','.join(SYMBOLS)}" in service.log_file.read_text()


def test_killed_service_starts_again_in_its_folder(start_service: StartService, connect: Connect) -> None:
    """The lock goes with the process, the prices stay, the simulator ends by itself, and numbering begins anew."""
    service = start_service()
    wait_until(lambda: len(prices(service)) == len(SYMBOLS), "ten prices")
    kept = service.folder / "data" / "cache.bin"
    wait_until(lambda: kept.exists() and b"prices:demo" in kept.read_bytes(), "prices are saved")
    first = connect(service, transports=["websocket"]).subscribe()
    simulator = simulator_of(service.pid)
    service.kill()
    wait_until(lambda: has_ended(simulator), "the simulator ends")
    service.start()
    service.wait_until_live()
    assert "cached prices restored" in service.log_file.read_text()
    client = connect(service, transports=["websocket"])
    assert client.subscribe()["epoch"] != first["epoch"]
    client.wait_for("crypto-prices", 2)


def test_broken_cache_file_is_set_aside(start_service: StartService) -> None:
    """A damaged disk must not keep the service from starting."""
    service = start_service()
    wait_until(lambda: len(prices(service)) == len(SYMBOLS), "ten prices")
    service.stop()
    (service.folder / "data" / "cache.bin").write_bytes(b"\x00 what is this")
    service.start()
    service.wait_until_live()
    wait_until(lambda: len(prices(service)) == len(SYMBOLS), "ten prices")
    assert list((service.folder / "data").glob("cache.bin.unreadable-*"))
    assert "cache file set aside" in service.log_file.read_text()


def test_killed_simulator_of_the_demo_is_started_again(start_service: StartService) -> None:
    """At the same address, so that prices go on; the log says what happened."""
    service = start_service()
    wait_until(lambda: len(prices(service)) == len(SYMBOLS), "ten prices")
    killed = simulator_of(service.pid)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: children(service.pid).keys() - {killed}, "there is another one")
    ended_at = max(row["lastUpdated"] for row in prices(service))
    wait_until(lambda: min(row["lastUpdated"] for row in prices(service)) > ended_at, "newer prices", timeout_s=60)
    assert "the simulated internet has ended" in service.log_file.read_text()


def test_end_of_the_internet_makes_the_feed_stale_and_not_silent(
    start_service: StartService, connect: Connect, internet: SimulatorProcess
) -> None:
    """The service says since when and why, and goes on publishing what it has."""
    port = free_port()
    service = start_service({**SOON_STALE, **internet_at(internet.url)}, command=real(port), port=port)
    client = connect(service, transports=["websocket"])
    client.subscribe()
    wait_until(lambda: len(prices(service)) == len(SYMBOLS), "ten prices")
    internet.kill()

    def explained() -> Any:
        return [status for status in client.received("feed-status") if status["status"] == "stale"]

    status = wait_until(explained, "the feed is called stale", timeout_s=60)[0]
    assert "older than 3 s" in status["reason"]
    assert "binance" not in status["reason"]
    report = get(f"{service.url}/health")
    assert report.status == 503
    wait_until(lambda: get(f"{service.url}/health").json()["providers"]["binance"]["last_error"], "what binance said")
    held = client.wait_for_more("crypto-prices", 3)
    assert held[0] == held[1] == held[2]
    assert len(held[0]) == len(SYMBOLS)
    assert service.is_running()
