"""``python -m bench.routes``: how long each route without a password keeps the event loop, as a Markdown table.

The service runs in this process, in demo mode, with 10 000 plain clients that are registered but have no connection.
Nothing that is kept for a second is kept here, so every request pays for what it asks for. Then readers, each of an
address of its own, read from a large archive, and it is measured how late others get their turn meanwhile.
"""

from __future__ import annotations

from websocket import green

green.patch()

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import greenlet
from flask import Flask
from flask.testing import FlaskClient

import app
from websocket.archive import database
from websocket.archive.store import Archive
from websocket.catalogue import ENDPOINTS
from websocket.documentation.openapi import routes
from websocket.settings import ArchiveSettings, load_settings
from websocket.transports import recent
from websocket.transports.history_api import history_api
from websocket.transports.json_session import ClientInfo, JsonSession
from websocket.transports.route_costs import cost_of

CLIENTS = 10_000
REQUESTS = 50
WARM_UP_S = 12.0
"""Until every source of the demo has answered."""

ROWS = 300_000
READERS = 6
READ_FOR_S = 5.0
READS = (
    "/api/history/BTC?interval=raw&from=0&limit=10000",
    "/api/news?from=0&limit=10000",
    "/api/news?from=0&q=in-no-title",
)

TICK_S = 0.002


class Turns:
    """The turns of one green thread: how much processor time it took each time before others could run."""

    def __init__(self) -> None:
        self._mine = greenlet.getcurrent()
        self._since = time.thread_time()
        self.longest_s = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Measures the block, which the thread that made this one runs."""
        self._since, self.longest_s = time.thread_time(), 0.0
        greenlet.settrace(self._on_switch)
        try:
            yield
        finally:
            greenlet.settrace(None)
            self._end()

    def _on_switch(self, _event: str, switch: tuple[Any, Any]) -> None:
        origin, target = switch
        if origin is self._mine:
            self._end()
        if target is self._mine:
            self._since = time.thread_time()

    def _end(self) -> None:
        self.longest_s = max(self.longest_s, time.thread_time() - self._since)


def main() -> None:
    """Prints both tables."""
    recent.MAX_AGE_S = 0.0
    with tempfile.TemporaryDirectory() as folder:
        _print_routes(Path(folder))
        _print_reads(Path(folder, "large"))
        sys.stdout.flush()
    # green threads of the service still run, and there is nothing to be saved
    os._exit(0)


def _print_routes(folder: Path) -> None:
    environ = {"DEMO": "1", "REDIS_PORT": "1", "DATA_DIR": str(folder / "data"), "LOG_FILE": str(folder / "log")}
    settings = load_settings({**environ, "LOG_LEVEL": "ERROR", "APP_SECRET": "only-for-this-measurement"})
    service = app.build(settings)
    service.start()
    green.sleep(WARM_UP_S)
    edge: Any = service.app.wsgi_app
    websockets = edge._app
    now = time.time()
    for number in range(CLIENTS):
        info = ClientInfo(client_id=f"client_{number}_0", endpoint="/ws", connected_at=now, last_activity=now)
        session = JsonSession(
            ENDPOINTS[0],
            info,
            websockets._hub,
            settings.edge,
            count=lambda: CLIENTS,
            clock=time.time,
            on_closed=lambda _: None,
        )
        session.subscriptions = ["market_data", "news"]
        websockets._sessions[session] = "127.0.0.1"
    client = service.app.test_client()
    paths = [route.address for route in routes() if not route.for_operator]
    print(f"Longest turn of {REQUESTS} requests, {CLIENTS} plain clients:\n")
    print("| route | median, ms | longest, ms | answer, bytes | tokens |\n|---|---|---|---|---|")
    for path in [*paths, "/ws/stats?limit=500", "/static/js/docs.js", "/nothing"]:
        turns_ms, size = _turns_of(client, path)
        print(
            f"| `{path}` | {statistics.median(turns_ms):.1f} | {max(turns_ms):.1f} | {size} |"
            f" {cost_of(path.partition('?')[0]):g} |"
        )
    websockets._sessions.clear()
    service.stop()


def _turns_of(client: FlaskClient, path: str) -> tuple[list[float], int]:
    """The longest turn of each request, milliseconds, and the length of the last answer."""
    turns, found, body = Turns(), [], b""
    for _ in range(REQUESTS):
        with turns.watched():
            body = client.get(path).get_data()
        found.append(turns.longest_s * 1000)
        green.sleep(0.002)
    return found, len(body)


def _print_reads(folder: Path) -> None:
    archive = Archive(ArchiveSettings(), folder, demo=False)
    _fill(archive.path)
    archive.start()
    server = Flask("archive")
    server.register_blueprint(
        history_api(archive, demo=False, address_of=lambda environ: environ["REMOTE_ADDR"], clock=time.time)
    )
    print(f"\nHow late others get their turn while {READERS} addresses read from {ROWS} rows:\n")
    print("| reads | 99 % of turns, ms | latest, ms | reads a second | seventh address, s |\n|---|---|---|---|---|")
    for path in READS:
        late_ms, rate, seventh_s = _reads_of(server, path)
        print(
            f"| `{path}` | {late_ms[len(late_ms) * 99 // 100]:.1f} | {late_ms[-1]:.1f} | {rate:.0f} | {seventh_s:.2f} |"
        )
    archive.close()


def _reads_of(server: Flask, path: str) -> tuple[list[float], float, float]:
    """How late each tick was, milliseconds, in order; reads a second; seconds until another address had its answer."""
    late: list[float] = []
    done: list[int] = []
    client = server.test_client()

    def read(address: str) -> int:
        reply = client.get(path, environ_base={"REMOTE_ADDR": address})
        reply.get_data()
        return reply.status_code

    def tick() -> None:
        while True:
            planned = time.perf_counter() + TICK_S
            green.sleep(TICK_S)
            late.append((time.perf_counter() - planned) * 1000)

    def read_on(address: str) -> None:
        until = time.monotonic() + READ_FOR_S
        while time.monotonic() < until:
            done.append(read(address))

    ticking = green.start(tick)
    for number in range(READERS):
        green.spawn(read_on, f"reader {number}")
    green.sleep(READ_FOR_S / 2)
    begun = time.perf_counter()
    status = read("another")
    seventh_s = time.perf_counter() - begun
    assert status == 200, status
    green.sleep(READ_FOR_S)
    ticking.kill()
    assert set(done) == {200}, set(done)
    return sorted(late), len(done) / READ_FOR_S, seventh_s


def _fill(path: Path) -> None:
    """Prices of some days, and articles of some years."""
    opened = database.open_file(path, demo=False)
    first = time.time() - ROWS
    connection = opened.connection
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO prices (symbol, time, price, source, confirmed, recorded_at) VALUES ('BTC', ?, 1, 'kraken', 1, ?)",
        ((first + number, first + number) for number in range(ROWS)),
    )
    connection.executemany(
        "INSERT INTO articles VALUES (?, ?, 'https://news.example/', 'CoinDesk', NULL, ?, '[\"bitcoin\"]', 'coindesk')",
        ((f"{n:016x}", f"A headline of the usual length about the market, number {n}", first + n) for n in range(ROWS)),
    )
    connection.execute("COMMIT")
    database.close_file(opened)


if __name__ == "__main__":
    main()
