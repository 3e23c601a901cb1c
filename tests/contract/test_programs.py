"""The programs in the documents run against the service as they are; only the address is put in."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from tests.contract.conftest import CLIENTS, DOCUMENTED_PORT, Ports, RunProgram
from tests.contract.documents import Contract
from tests.support.service import ServiceProcess

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("recording")]

CLIENT_ID = re.compile(r"client_\d+_\d+")


def value_in(line: str, start: str) -> Any:
    """What a Python program printed after some words."""
    return ast.literal_eval(line.removeprefix(start))


def test_javascript_quick_start(run_program: RunProgram, ports: Ports) -> None:
    """It is connected, and receives prices after the welcome."""
    said = run_program("quick_start.js", ports.monitoring)
    said.logged("log", "Connected!")
    messages = said.logged("log", "Received:", count=4)
    assert [message["type"] for message in messages[:3]] == [
        "connection_established",
        "welcome",
        "subscription_confirmed",
    ]
    assert {message["service"] for message in messages[3:]} == {"market_data"}


def test_javascript_client(run_program: RunProgram, ports: Ports, contract: Contract) -> None:
    """It is told its id, then prints prices and whale transactions."""
    said = run_program("client.js", ports.monitoring)
    assert said.logged("log", "Connected to") == ["/ws/master"]
    (client_id,) = said.logged("log", "Client ID:")
    assert CLIENT_ID.fullmatch(client_id)
    prices = said.logged("log", "Prices:", count=2)
    assert prices[-1].keys() >= {coin.id for coin in contract.coins.values()}
    assert isinstance(said.logged("log", "Whale transactions:")[-1], list)
    assert [line for line in said.lines() if line[0] == "error"] == []


def test_python_quick_start(run_program: RunProgram, ports: Ports) -> None:
    """It receives whale transactions."""
    said = run_program("quick_start.py", ports.monitoring)
    start = "Received: "
    lines = said.wait_for(lambda line: line.startswith(start) and "'update'" in line, "an update")
    update = value_in(lines[0], start)
    assert update["service"] == "whale_tracking"
    assert isinstance(update["data"]["large_transactions"], list)


def test_python_client(run_program: RunProgram, ports: Ports, contract: Contract) -> None:
    """It is told its id, then its handlers print prices and transactions."""
    said = run_program("client.py", ports.monitoring)
    said.wait_for(lambda line: line == "Connected to /ws/master", "a connection")
    (line,) = said.wait_for(lambda line: line.startswith("Client ID: "), "an id")
    assert CLIENT_ID.fullmatch(line.removeprefix("Client ID: "))
    prices = said.wait_for(lambda line: line.startswith("Prices: {"), "prices", count=2)
    assert value_in(prices[-1], "Prices: ").keys() >= {coin.id for coin in contract.coins.values()}
    start = "Large transactions: "
    transactions = said.wait_for(lambda line: line.startswith(start), "transactions")
    assert isinstance(value_in(transactions[-1], start), list)
    assert not any(line.startswith(("Error", "Traceback")) for line in said.lines())


def texts(element: Any) -> list[str]:
    """What a rendered element shows, by paragraph."""
    if isinstance(element, str):
        return [element]
    inner = [text for child in element["children"] or [] for text in texts(child)]
    return ["".join(inner)] if element["type"] in ("p", "h2") else inner


def test_react_hook(run_program: RunProgram, ports: Ports) -> None:
    """The component shows prices; taken off the page, it disconnects."""
    said = run_program("react_hook.tsx", ports.monitoring, after=(CLIENTS / "react_page.tsx").read_text("utf-8"))
    said.logged("log", "WebSocket connected")

    def shows_prices(line: list[Any]) -> bool:
        return line[:2] == ["log", "shown"] and any('"bitcoin"' in text for text in texts(line[2]))

    heading, status, *prices = texts(said.wait_for(shows_prices, "prices")[-1][2])
    assert (heading, status) == ("Market Data", "Status: Connected")
    assert [text for text in prices if not re.match(r'Prices: \{"bitcoin":\d', text)] == []
    said.interrupt()
    said.logged("log", "WebSocket disconnected")


def test_error_handler(run_program: RunProgram, ports: Ports, contract: Contract) -> None:
    """It finds the words that it looks for, and prints every name that can be subscribed to."""
    said = run_program(
        "error_handler.js",
        ports.monitoring,
        before=f"const ws = new WebSocket('ws://{DOCUMENTED_PORT}/ws/master');\n",
        after="ws.onopen = () => ws.send(JSON.stringify({ action: 'subscribe', service: 'weather' }));\n",
    )
    (message,) = said.logged("error", "Server error:")
    assert "Invalid service" in message
    (available,) = said.logged("log", "Available services:")
    assert set(available) >= set(contract.subscribable)


def test_reconnecting_wrapper(run_program: RunProgram, production: ServiceProcess) -> None:
    """It waits longer and longer while the service is away, and is connected again when it is back."""
    said = run_program(
        "reconnecting.js",
        production.port,
        after=f"new ReconnectingWebSocket('ws://{DOCUMENTED_PORT}/ws/master');\n",
    )
    said.logged("log", "Connected")
    production.stop()
    said.logged("log", "Reconnecting in 2000ms...")
    waits = [line[1] for line in said.lines() if line[1].startswith("Reconnecting")]
    assert waits[:2] == ["Reconnecting in 1000ms...", "Reconnecting in 2000ms..."]
    production.start()
    production.wait_until_live()
    said.logged("log", "Connected", count=2)
