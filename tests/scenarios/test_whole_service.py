"""The service as it is started by people, as a process of its own, with a real client on a real socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.market import Market
from tests.scenarios.internet import EXCHANGES, PROVIDERS, THEIR_SYMBOL
from tests.scenarios.screen import KEYS, unix_s
from tests.scenarios.socketio_client import SocketIoClient
from tests.support.plain_http import get
from tests.support.processes import free_port, wait_until
from websocket.coins import SYMBOLS
from websocket.demo import StandInInternet
from websocket.settings import DemoSettings, Settings, with_provider_urls

ROOT = Path(__file__).resolve().parents[2]

START_TIMEOUT_S = 30.0
FIRST_ARRAY_S = 30.0
"""From the start of the process; one to two seconds on a machine that has nothing else to do."""


class Service:
    """A started service and its surfaces."""

    def __init__(self, folder: Path, simulator_url: str, **env: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        providers = with_provider_urls(Settings(), simulator_url).providers
        addresses = {f"{name.upper()}_URL": str(getattr(providers, name).url) for name in PROVIDERS}
        folders = {"DATA_DIR": str(folder / "data"), "LOG_FILE": str(folder / "websocket.log")}
        command = [sys.executable, str(ROOT / "start_service.py"), "--host", "127.0.0.1", "--port", str(port)]
        self._output = (folder / "output.txt").open("wb")
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **addresses, **folders, "BROADCAST_INTERVAL": "1", **env},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def wait_until_live(self) -> None:
        """Waits until it answers."""
        wait_until(self._is_live, "the service to be live", START_TIMEOUT_S)

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def _is_live(self) -> bool:
        assert self._process.poll() is None, "the service ended"
        try:
            return get(f"{self.url}/health/live", 1).status == 200
        except OSError:
            return False


@pytest.fixture
def simulator_url() -> Iterator[str]:
    """A simulator of the present moment."""
    stand_in = StandInInternet(DemoSettings(seed=1))
    yield stand_in.start()
    stand_in.stop()


@pytest.fixture
def start(tmp_path: Path, simulator_url: str) -> Iterator[Callable[..., tuple[Service, SocketIoClient]]]:
    """Starts a service and connects a client that has subscribed to the prices."""
    started: list[Service | SocketIoClient] = []

    def start_service(**env: str) -> tuple[Service, SocketIoClient]:
        service = Service(tmp_path, simulator_url, **env)
        started.append(service)
        service.wait_until_live()
        client = SocketIoClient(service.url)
        started.insert(0, client)
        client.emit("subscribe", {"channel": "crypto-prices"})
        return service, client

    yield start_service
    for item in started:
        item.close() if isinstance(item, SocketIoClient) else item.stop()


def play(simulator_url: str, scenario: str, *providers: str, **params: float) -> None:
    """Puts a scenario in force."""
    body = {"scenario": scenario, "params": params, **({"providers": list(providers)} if providers else {})}
    with urllib.request.urlopen(f"{simulator_url}/_control/scenario", json.dumps(body).encode(), timeout=5):
        pass


def check_arrays(client: SocketIoClient, fall: float = 0.0) -> None:
    """Holds every array that arrived against the market that the simulator plays."""
    market = Market(1, time.time)
    last_times: dict[str, float] = {}
    for arrived_at, event, rows in client.events:
        if event != "crypto-prices":
            continue
        for row in rows:
            assert list(row) == KEYS
            assert all(type(row[key]) in (int, float) for key in KEYS[2:7])
            symbol, updated_at = row["symbol"], unix_s(row["lastUpdated"])
            assert last_times.get(symbol, 0.0) <= updated_at <= arrived_at
            last_times[symbol] = updated_at
            true = market.price(THEIR_SYMBOL.get(symbol, symbol), updated_at)
            assert true * (1 - fall) * 0.98 <= row["price"] <= true * 1.02, row


def wait_for(client: SocketIoClient, seen: Callable[[], Any], what: str, seconds: float) -> None:
    """Reads on until something has arrived."""
    until = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < until, f"not within {seconds:g} s: {what}; got {client.events[-3:]}"
        client.read(0.2)


def last_state(client: SocketIoClient) -> str:
    """The newest state that ``feed-status`` has told."""
    told = [status["status"] for status in client.payloads("feed-status")]
    return told[-1] if told else ""


def test_from_nothing_to_live_to_stale_and_back(
    start: Callable[..., tuple[Service, SocketIoClient]], simulator_url: str
) -> None:
    """A client sees starting with the reason, live with prices, delayed, stale with the reason, and live again."""
    play(simulator_url, "outage", *PROVIDERS)
    service, client = start(DELAYED_AFTER="13", STALE_AFTER="15", BACKOFF_MAX="2")
    wait_for(client, lambda: last_state(client) == "starting", "feed-status starting", 10)
    client.read(2)
    status = client.payloads("feed-status")[-1]
    assert "--demo" in status["reason"]
    assert status["demo"] is False
    assert client.payloads("crypto-prices") == []
    assert get(f"{service.url}/health").status == 503

    play(simulator_url, "normal")
    wait_for(client, lambda: client.payloads("crypto-prices"), "prices", 25)
    wait_for(client, lambda: last_state(client) == "live", "feed-status live", 20)
    assert [row["symbol"] for row in client.payloads("crypto-prices")[-1]] == list(SYMBOLS)
    assert get(f"{service.url}/health").json()["status"] == "healthy"

    play(simulator_url, "outage", *PROVIDERS)
    wait_for(client, lambda: last_state(client) == "delayed", "feed-status delayed", 40)
    wait_for(client, lambda: last_state(client) == "stale", "feed-status stale", 20)
    before = len(client.payloads("crypto-prices"))
    client.read(3.5)
    stale = client.payloads("crypto-prices")[before:]
    assert len(stale) >= 3, "the last prices go on being published"
    assert all(time.time() - unix_s(row["lastUpdated"]) > 15 for row in stale[-1])
    assert "older than 15 s" in client.payloads("feed-status")[-1]["reason"]
    assert get(f"{service.url}/health").status == 503

    play(simulator_url, "normal")
    wait_for(client, lambda: last_state(client) == "live", "feed-status live", 40)
    states = [status["status"] for status in client.payloads("feed-status")]
    assert [state for place, state in enumerate(states) if place == 0 or states[place - 1] != state] == [
        "starting",
        *(["delayed"] if "delayed" in states[: states.index("live")] else []),
        "live",
        "delayed",
        "stale",
        "live",
    ]
    check_arrays(client)


def test_wrong_source_and_a_crash(start: Callable[..., tuple[Service, SocketIoClient]], simulator_url: str) -> None:
    """With a source that is wrong by ten from the start: right prices in a moment, and a crash seen in one round."""
    play(simulator_url, "one_source_wrong", "binance")
    service, client = start()
    wait_for(client, lambda: client.payloads("crypto-prices"), "prices", FIRST_ARRAY_S)
    wait_for(client, lambda: len(client.payloads("crypto-prices")[-1]) == len(SYMBOLS), "ten coins", 3)
    client.read(3)
    check_arrays(client)

    before = client.payloads("crypto-prices")[-1][0]["price"]
    play(simulator_url, "flash_crash", fall=0.3)
    wait_for(client, lambda: client.payloads("crypto-prices")[-1][0]["price"] < before * 0.72, "the crash", 30)
    assert last_state(client) == "live"
    check_arrays(client, fall=0.3)
    sources = {row["source"] for row in get(f"{service.url}/api/prices").json()["data"]}
    assert sources <= set(EXCHANGES) - {"binance"}
