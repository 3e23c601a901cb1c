"""The Autobahn cases: our framing against the suite by which WebSocket libraries are judged.

Our service does not send messages back, so most cases run against a server that does, made of the same connections.
Those whose verdict is how the connection ends run against the service's own transports as well.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.transports.live_server import LiveServer
from tests.wire.echo_server import EchoServer
from websocket import codec
from websocket.settings import EdgeSettings

CLIENT = Path(__file__).with_name("autobahn_client.py")

ECHO_CASES = [
    "1.1.*",  # text; our reader drops the content of binary messages, which 1.2.* wants back
    "2.*",  # pings
    "3.*",  # reserved bits
    "4.*",  # opcodes
    "5.*",  # fragments
    "6.*",  # UTF-8
    "7.*",  # closing
    "10.*",  # splitting by the client
    "9.1.*", "9.3.*", "9.5.*", "9.7.*",  # large messages, whole, in fragments and in pieces; round trips
]  # fmt: skip

CLOSE_CASES = [
    "3.*", "4.*", "5.1", "5.2", "5.9", "5.10", "5.11", "5.12", "5.13", "5.14", "5.15", "5.16", "5.17", "5.18",
    "6.3.*", "6.4.*",
    "7.1.2", "7.1.3", "7.1.4", "7.1.5", "7.3.*", "7.5.*", "7.7.*", "7.9.*", "7.13.*",
]  # fmt: skip
"""Whose verdict does not need a message back."""

PING_CASES = ["2.*", "5.19", "5.20"]


@pytest.fixture(autouse=True)
def suite() -> None:
    """Without it these tests are skipped, but never in CI."""
    if importlib.util.find_spec("kosoku") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "kosoku, which runs the Autobahn cases, is not installed"
        )


def run(port: int, path: str, cases: list[str]) -> dict[str, dict[str, Any]]:
    """The results by case."""
    done = subprocess.run(
        # -I: the root of this repository, with its package named websocket, is not on the import path
        [sys.executable, "-I", str(CLIENT), f"ws://127.0.0.1:{port}{path}", *cases],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = [codec.decode(line) for line in done.stdout.splitlines()]
    return {result["case"]: result for result in results}


def pongs(events: list[Any]) -> list[Any]:
    """Without messages and pings, of which the service sends some of its own."""
    return [event for event in events if event[0] == "pong"]


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    """A server that sends text back."""
    started = EchoServer()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def transports() -> Iterator[LiveServer]:
    """The service's own transports."""
    # a ping of ours in the middle of a case would not be what the suite expects
    limits = EdgeSettings(messages_per_second=10_000, message_burst=10_000)
    started = LiveServer(edge=limits, websocket_ping_interval_s=3600)
    yield started
    started.stop()


@pytest.mark.slow
def test_framing_passes_the_suite(echo: EchoServer, caplog: pytest.LogCaptureFixture) -> None:
    """Not one failure, and not one connection that ends other than it should."""
    results = run(echo.port, "/", ECHO_CASES)
    assert len(results) > 240
    bad = {
        case: result["said"]
        for case, result in results.items()
        if result["behavior"] not in {"OK", "INFORMATIONAL"} or result["behavior_close"] not in {"OK", "INFORMATIONAL"}
    }
    assert bad == {}
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("path", ["/ws", "/socket.io/?EIO=4&transport=websocket"], ids=["plain", "socketio"])
def test_service_ends_connections_as_the_suite_wants_it(
    transports: LiveServer, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """By the right side, with the right code."""
    results = run(transports.port, path, CLOSE_CASES)
    assert len(results) > 60
    bad = {
        case: (result["code"], result["said"])
        for case, result in results.items()
        if result["behavior_close"] not in {"OK", "INFORMATIONAL"}
    }
    assert bad == {}
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("path", ["/ws"])
def test_service_answers_pings_as_the_suite_wants_it(transports: LiveServer, path: str) -> None:
    """Each with its payload, in order."""
    results = run(transports.port, path, PING_CASES)
    assert len(results) == 13
    for case, result in results.items():
        accepted = [pongs(events) for events in result["expected"].values()]
        assert pongs(result["received"]) in accepted, (case, result)
