"""The example programs do what they say, as they are."""

from __future__ import annotations

import ast
import json
import re
import time
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser

from tests.examples.conftest import EXAMPLES, RunExample
from tests.examples.proxy import Proxy
from tests.support.service import ServiceProcess
from websocket.coins import SYMBOLS

BOTH_PORTS = pytest.mark.parametrize("which_port", [0, 1])
RECONNECTING = pytest.mark.parametrize("name", ["reconnecting_client.py", "reconnecting_client.js"])


class Update(NamedTuple):
    """A line of a reconnecting client."""

    service: str
    epoch: str
    seq: int
    is_gap: bool


def update_in(line: str) -> Update:
    """Reads ``update market_data 92a03bf61260 17 after a gap``."""
    _, service, epoch, seq, *rest = line.split()
    return Update(service, epoch, int(seq), rest == ["after", "a", "gap"])


@pytest.mark.usefixtures("service")
@BOTH_PORTS
def test_plain_client(run_example: RunExample, ports: tuple[int, int], which_port: int) -> None:
    """It reads its id from the greeting, then gets prices; Ctrl-C ends it in peace."""
    program = run_example("plain_client.py", f"ws://127.0.0.1:{ports[which_port]}/ws")
    (greeting,) = program.wait_for("connected")
    assert re.fullmatch(r"connected as client_\d+_\d+", greeting)
    last = program.wait_for("update", 3)[-1]
    prices = ast.literal_eval(last.partition("{")[1] + last.partition("{")[2])
    assert len(prices) == len(SYMBOLS)
    assert program.interrupt() == 0
    assert "Traceback" not in program.output()


@pytest.mark.usefixtures("service")
@BOTH_PORTS
def test_dashboard_client(run_example: RunExample, ports: tuple[int, int], which_port: int) -> None:
    """It gets each of its services."""
    program = run_example("dashboard_client.js", f"ws://127.0.0.1:{ports[which_port]}/ws/master")
    program.wait_for("connected")
    updates = program.wait_for("update", 5)
    assert {line.split()[1] for line in updates} == {"market_data", "news", "health_checker"}
    assert program.lines("error") == []


@pytest.mark.usefixtures("service")
@BOTH_PORTS
@pytest.mark.parametrize("name", ["socketio_client.py", "socketio_client.js"])
def test_socketio_client(run_example: RunExample, ports: tuple[int, int], which_port: int, name: str) -> None:
    """It is subscribed, gets ten prices with each publication, and the state of the feed."""
    program = run_example(name, f"http://127.0.0.1:{ports[which_port]}")
    program.wait_for("subscribed")
    lines = program.wait_for("price", 3 * len(SYMBOLS))
    assert {line.split()[1] for line in lines} == set(SYMBOLS)
    program.wait_for("feed")
    assert program.lines("error") == []
    program.interrupt()
    assert "Traceback" not in program.output()


@pytest.mark.usefixtures("service")
@RECONNECTING
@BOTH_PORTS
def test_reconnecting_client(run_example: RunExample, ports: tuple[int, int], which_port: int, name: str) -> None:
    """It follows several services; Ctrl-C ends it in peace."""
    program = run_example(name, f"ws://127.0.0.1:{ports[which_port]}/ws", "market_data", "news")
    updates = [update_in(line) for line in program.wait_for("update", 5)]
    assert {update.service for update in updates} == {"market_data", "news"}
    assert not any(update.is_gap for update in updates)
    program.interrupt()
    assert "Traceback" not in program.output()


@RECONNECTING
def test_cut_network_leaves_no_gap(run_example: RunExample, proxy: Proxy, name: str) -> None:
    """What was published meanwhile is replayed: every number comes once, in order; several times over."""
    program = run_example(name, f"ws://127.0.0.1:{proxy.port}/ws")
    for _ in range(3):
        seen = len(program.wait_for("update", len(program.lines("update")) + 2))
        proxy.cut()
        time.sleep(1.0)  # some updates are missed
        proxy.mend()
        program.wait_for("update", seen + 5)
    updates = [update_in(line) for line in program.lines("update")]
    assert len({update.epoch for update in updates}) == 1
    assert [update.seq for update in updates] == list(range(updates[0].seq, updates[0].seq + len(updates)))
    assert not any(update.is_gap for update in updates)
    assert len(program.lines("connection")) >= 3


@RECONNECTING
def test_polite_end_is_understood(run_example: RunExample, own_service: ServiceProcess, name: str) -> None:
    """A service that says goodbye is left in peace for as long as it asked for."""
    program = run_example(name, f"ws://127.0.0.1:{own_service.port}/ws")
    program.wait_for("update", 2)
    own_service.stop()
    (said,) = program.wait_for("error")
    assert said.startswith("error shutting_down ")
    program.wait_for("connection")
    before = len(program.lines("update"))
    own_service.start()
    own_service.wait_until_live()
    program.wait_for("update", before + 2, timeout_s=60)


@RECONNECTING
def test_restarted_service_is_followed_on(run_example: RunExample, own_service: ServiceProcess, name: str) -> None:
    """A killed service comes back with a new epoch: that is said once, and then every number comes once, in order."""
    program = run_example(name, f"ws://127.0.0.1:{own_service.port}/ws")
    program.wait_for("update", 3)
    own_service.kill()
    before = len(program.wait_for("update", 3))
    program.wait_for("connection")
    own_service.start()
    own_service.wait_until_live()
    program.wait_for("update", before + 5, timeout_s=60)
    updates = [update_in(line) for line in program.lines("update")]
    epochs = list(dict.fromkeys(update.epoch for update in updates))
    assert len(epochs) == 2
    for epoch in epochs:
        numbers = [update.seq for update in updates if update.epoch == epoch]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert [update.epoch for update in updates if update.is_gap] == [epochs[1]]


@RECONNECTING
def test_attempts_become_rare(run_example: RunExample, own_service: ServiceProcess, name: str) -> None:
    """While nobody answers it waits longer each time."""
    own_service.stop()
    program = run_example(name, f"ws://127.0.0.1:{own_service.port}/ws")
    program.wait_for("connection", 2)
    time.sleep(4)
    assert 2 <= len(program.lines("connection")) <= 8


@pytest.mark.browser
@pytest.mark.parametrize("name", ["dashboard_client.js", "reconnecting_client.js"])
def test_runs_in_a_browser(browser: Browser, service: ServiceProcess, name: str) -> None:
    """The same file with the browser's own WebSocket; only the address is put in."""
    source = (EXAMPLES / name).read_text(encoding="utf-8").replace("localhost:7860", f"127.0.0.1:{service.port}")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{service.url}/docs")
    page.evaluate(source)
    for _ in range(100):
        if sum(line.startswith("update market_data") for line in said) >= 2:
            break
        page.wait_for_timeout(100)
    page.close()
    assert sum(line.startswith("update market_data") for line in said) >= 2, said


@pytest.mark.browser
def test_socketio_client_runs_in_a_browser(browser: Browser, service: ServiceProcess) -> None:
    """With the script that the service has."""
    source = (
        (EXAMPLES / "socketio_client.js")
        .read_text(encoding="utf-8")
        .replace("localhost:5000", f"127.0.0.1:{service.port}")
    )
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{service.url}/docs")
    page.add_script_tag(url="/static/vendor/socket.io/socket.io.min.js")
    page.evaluate(source)
    for _ in range(100):
        if sum(line.startswith("price") for line in said) >= len(SYMBOLS):
            break
        page.wait_for_timeout(100)
    page.close()
    assert json.dumps(said).count("price ") >= len(SYMBOLS)


@pytest.mark.parametrize("name", sorted(file.name for file in EXAMPLES.glob("*.[jp][sy]")))
def test_default_address_is_that_of_the_service(name: str) -> None:
    """Socket.IO examples take the exchange's port, the others the dashboards'."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    default = "http://localhost:5000" if name.startswith("socketio") else "ws://localhost:7860/ws"
    assert f'"{default}' in text
