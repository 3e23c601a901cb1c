"""Servers with the transports, and nothing behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.transports.live_server import LiveServer

StartServer = Callable[..., LiveServer]


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Starts servers for one test: ``start_server(edge=EdgeSettings(max_subscriptions=2))``."""
    started: list[LiveServer] = []

    def start(**options: Any) -> LiveServer:
        started.append(LiveServer(**options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def server(start_server: StartServer) -> LiveServer:
    """A server with the default settings."""
    return start_server()
