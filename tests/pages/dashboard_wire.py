"""The dashboard in the hands of a test: its cards, frames in the server's name, and whole servers made up."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from websocket.catalogue import SERVICE_NAMES

WS_ALL = re.compile(r"/ws/all$")

DESKTOP = {"width": 1440, "height": 900}

CARDS = (*SERVICE_NAMES, "connections")

SENSELESS_WORDS = re.compile(r"\b(NaN|undefined|null|Infinity|\[object Object\])")

SLOW_MS = 90_000
"""For what comes only after the slowest provider was asked."""

Handler = Callable[[WebSocketRoute, int], None]


def card(page: Page, service: str) -> Locator:
    """The card of a service."""
    return page.locator(f"#card-{service}")


def figure(page: Page, service: str, name: str) -> Locator:
    """The first field of that name in a card."""
    return card(page, service).locator(f"[data-field={name}]").first


def expect_status(page: Page, service: str, status: str) -> None:
    """Waits until a card stands so."""
    expect(card(page, service)).to_have_attribute("data-status", status, timeout=60_000)


def utc(age_s: float = 0.0) -> str:
    """A moment that is that old, as the service writes it."""
    moment = datetime.now(timezone.utc) - timedelta(seconds=age_s)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def an_update(service: str, seq: int, data: dict[str, Any], *, age_s: float = 0.0, **more: Any) -> str:
    """An ``update`` of a service; ``data`` stands on top of what every sound payload has."""
    sound = {"status": "live", "reason": None, "parts": {}, "demo": False, "timestamp": utc(age_s)}
    frame = {"service": service, "type": "update", "timestamp": utc(age_s), "epoch": "test", "seq": seq, **more}
    return json.dumps({**frame, "data": {**sound, **data}})


class Tap:
    """Stands between page and service. It lets through what is not muted, and speaks in the server's name."""

    def __init__(self) -> None:
        self.muted: set[str] = set()
        self._route: WebSocketRoute | None = None
        self._seq = itertools.count(1)

    def attach(self, page: Page) -> None:
        """Use as ``prepare`` of ``open_page``."""
        page.route_web_socket(WS_ALL, self._on_socket)

    def _on_socket(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        self._route = route

        def forward(message: str | bytes) -> None:
            if json.loads(message).get("service") not in self.muted:
                route.send(message)

        server.on_message(forward)

    def send(self, service: str, age_s: float = 0.0, **data: Any) -> None:
        """Sends an update; what the service itself says about it is held back from now on."""
        assert self._route is not None
        self.muted.add(service)
        self._route.send(an_update(service, next(self._seq), data, age_s=age_s))


class MadeUpServer:
    """Answers the page in place of the service.

    Args:
        on_connection: called with each connection and its number, from 0.
    """

    def __init__(self, on_connection: Handler) -> None:
        self.received: list[dict[str, Any]] = []
        self.on_message: Callable[[WebSocketRoute, dict[str, Any]], None] = lambda route, message: None
        self._on_connection = on_connection
        self._count = itertools.count()

    def attach(self, page: Page) -> None:
        """Use as ``prepare`` of ``open_page``."""
        page.route_web_socket(WS_ALL, self._on_socket)

    def _on_socket(self, route: WebSocketRoute) -> None:
        def note(raw: str | bytes) -> None:
            message = json.loads(raw)
            self.received.append(message)
            self.on_message(route, message)

        route.on_message(note)
        self._on_connection(route, next(self._count))
