"""Checks the whole service on this machine: ``python test_crypto_service.py [--demo]``.

Fetches prices through the real pools, prints them, and checks the cache and a broadcast to a real Socket.IO client.
Exits with 1 and a line that says what failed. pytest collects the same checks, fed by the simulated internet.
"""

from __future__ import annotations

from websocket import green

green.patch()

import argparse
import dataclasses
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import socketio

from app import Service, build
from websocket.coins import SYMBOLS
from websocket.errors import ServiceError
from websocket.production import read_settings
from websocket.server import listen_on
from websocket.settings import Settings, load_settings, with_random_secret

FIRST_PRICES_WITHIN_S = 30.0
BROADCAST_INTERVAL_S = 2.0
KEYS = {"symbol", "name", "price", "change24h", "changePercent24h", "volume24h", "marketCap", "lastUpdated"}


class CheckFailed(Exception):
    """A check did not hold; the text says what was expected."""


@contextmanager
def running_service(settings: Settings) -> Iterator[tuple[Service, str]]:
    """The service with these settings in this process, and its address. It keeps its files in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        settings = dataclasses.replace(
            with_random_secret(settings),
            log=dataclasses.replace(settings.log, file=str(Path(folder, "websocket.log")), level="WARNING"),
            storage=dataclasses.replace(settings.storage, data_dir=str(Path(folder, "data"))),
            prices=dataclasses.replace(settings.prices, broadcast_interval_s=BROADCAST_INTERVAL_S),
        )
        (listener,) = listen_on("127.0.0.1", [0])
        service = build(settings)
        service.start()
        service.server.start(listener)
        try:
            yield service, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            service.server.stop()
            listener.close()
            service.stop()


def check_prices(service: Service) -> list[dict[str, Any]]:
    """All ten coins come in through the real pools; gives their rows."""
    rows: list[dict[str, Any]] = []
    waited = 0.0
    while len(rows) < len(SYMBOLS) and waited < FIRST_PRICES_WITHIN_S:
        green.sleep(0.25)
        waited += 0.25
        rows = service.health.prices()
    if not rows:
        raise CheckFailed(f"no price within {FIRST_PRICES_WITHIN_S:g} s: {service.health.readiness()['reason']}")
    missing = [symbol for symbol in SYMBOLS if symbol not in {row["symbol"] for row in rows}]
    if missing:
        raise CheckFailed(f"no price for {', '.join(missing)}: {service.health.report()['reason']}")
    return rows


def check_cache(service: Service) -> str:
    """What is put into the cache comes out again, and is gone when it is deleted; gives the cache's description."""
    key, value = "self-check", os.urandom(16)
    service.cache.put(key, value, ttl_s=60)
    if service.cache.get(key) != value:
        raise CheckFailed(f"the cache does not return what was put into it: {service.cache.status().detail}")
    service.cache.delete(key)
    if service.cache.get(key) is not None:
        raise CheckFailed("the cache still has what was deleted")
    status = service.cache.status()
    if not status.healthy:
        raise CheckFailed(f"the cache is not healthy: {status.detail}")
    return status.detail


def check_broadcast(address: str) -> int:
    """A Socket.IO client gets a snapshot when it subscribes, and then a broadcast; gives the number of coins."""
    arrays: list[Any] = []
    # Long polling only: for WebSockets this client wants PyPI's websocket-client, which our package's name hides.
    client = socketio.Client(reconnection=False)
    client.on("crypto-prices", arrays.append)
    client.connect(address, transports=["polling"], auth={"defaults": False}, wait_timeout=5)
    try:
        acknowledgement = client.call("subscribe", {"channel": "crypto-prices"}, timeout=5)
        if not acknowledgement.get("ok"):
            raise CheckFailed(f"the subscription was refused: {acknowledgement}")
        waited = 0.0
        while len(arrays) < 2 and waited < 4 * BROADCAST_INTERVAL_S:
            green.sleep(0.1)
            waited += 0.1
    finally:
        client.disconnect()
    if len(arrays) < 2:
        raise CheckFailed(f"expected a snapshot and a broadcast, got {len(arrays)} message(s)")
    for array in arrays:
        for row in array:
            numbers = [value for value in row.values() if not isinstance(value, str)]
            if set(row) != KEYS or not all(math.isfinite(number) for number in numbers):
                raise CheckFailed(f"a row is not as documented: {row}")
    return len(arrays[-1])


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Prints the prices for people."""
    print(f"{'symbol':8}{'price USD':>16}{'24 h':>10}{'volume 24 h':>22}{'market cap':>24}  {'age':>8}  source")
    for row in rows:
        print(
            f"{row['symbol']:8}{row['price']:>16,.6g}{row['changePercent24h']:>+9.2f}%{row['volume24h']:>22,.0f}"
            f"{row['marketCap']:>24,.0f}  {row['ageSeconds']:>6.1f} s  {row['source']}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the checks; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--demo", action="store_true", help="use the simulated internet instead of the real one")
    options = parser.parse_args(arguments)
    try:
        settings = read_settings()
        demo = dataclasses.replace(settings.demo, enabled=settings.demo.enabled or options.demo)
        with running_service(dataclasses.replace(settings, demo=demo)) as (service, address):
            print_table(check_prices(service))
            print(f"cache: {check_cache(service)}")
            print(f"broadcast: {check_broadcast(address)} coins to a Socket.IO client")
    except (CheckFailed, ServiceError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print("all checks passed")
    return 0


@pytest.fixture(scope="module")
def demo_service() -> Iterator[tuple[Service, str]]:
    """The service on the simulated internet."""
    settings = load_settings({"DEMO": "1"})
    with running_service(settings) as running:
        yield running


def test_prices_of_all_coins_arrive(demo_service: tuple[Service, str]) -> None:
    """Ten coins come in through the real pools."""
    assert [row["symbol"] for row in check_prices(demo_service[0])] == list(SYMBOLS)


def test_cache_round_trip(demo_service: tuple[Service, str]) -> None:
    """The cache keeps and forgets as told."""
    assert check_cache(demo_service[0])


def test_broadcast_reaches_a_socketio_client(demo_service: tuple[Service, str]) -> None:
    """A real client gets the snapshot and a broadcast."""
    check_prices(demo_service[0])
    assert check_broadcast(demo_service[1]) == len(SYMBOLS)


def test_failure_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """When something is wrong the exit code is 1, and the line says what."""
    monkeypatch.setenv("STALE_AFTER", "soon")
    assert main(["--demo"]) == 1
    assert capsys.readouterr().err.startswith("FAILED: STALE_AFTER: expected number")


if __name__ == "__main__":
    sys.exit(main())
