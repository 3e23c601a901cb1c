"""Doubles for the upstream tests: a clock, a provider, and a web server on loopback that does as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from websocket.providers.base import Budget, Provider, Request
from websocket.settings import ProviderSettings, Url

Reply = bytes | Callable[[socket.socket], None]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class StubProvider(Provider):
    """A provider whose name is given to the instance, so that the registry does not take it for a real one."""

    def __init__(self, name: str, url: str, budget: Budget, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self.name = name
        self.title = name.capitalize()
        self.published = budget
        self.url = url
        self.is_configured = True
        self.sent_headers: dict[str, str] = {}
        self.told: Callable[..., object] = lambda request, status, payload: None

    @property
    def budget(self) -> Budget:
        return self.published

    @property
    def base_url(self) -> str:
        return self.url

    @property
    def configured(self) -> bool:
        return self.is_configured

    def headers(self) -> dict[str, str]:
        return self.sent_headers

    def error_in(self, request, status, payload):
        return self.told(request, status, payload)

    def plan(self, symbols) -> list[Request]:
        """One request for all symbols, none for no symbols."""
        wanted = tuple(symbols)
        return [Request(operation="all", path="/all", symbols=wanted)] if wanted else []

    def plan_each(self, symbols) -> list[Request]:
        """One request per symbol."""
        return [Request(operation="one", path=f"/{symbol}", symbols=(symbol,)) for symbol in symbols]


class Server:
    """Answers one request after the other with the given replies; the last one is repeated.

    A reply is the bytes to send, after which the connection stays open, or a function that does what it likes with
    the connection, which is closed then.
    """

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.replies: list[Reply] = []
        self.greeting = b""
        self.heads: list[str] = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def answers(self, *replies: Reply) -> None:
        self.replies = list(replies)

    def answers_raw(self, greeting: bytes) -> None:
        """Send this as soon as the first byte comes in, whatever it is, and close."""
        self.greeting = greeting

    def close(self) -> None:
        self.listener.close()

    @staticmethod
    def reply(body: bytes = b"{}", status: int = 200, **headers: str) -> bytes:
        """A whole HTTP answer with its length; underscores in header names stand for hyphens."""
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                if self.greeting:
                    connection.recv(1)
                    connection.sendall(self.greeting)
                    return
                while head := self._read_head(connection):
                    self.heads.append(head)
                    reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                    if callable(reply):
                        reply(connection)
                        return
                    connection.sendall(reply)
            except OSError:
                return

    @staticmethod
    def _read_head(connection: socket.socket) -> str:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            received = connection.recv(4096)
            if not received:
                return ""
            head += received
        return head.decode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def make_provider() -> Callable[..., StubProvider]:
    def make(
        name: str = "acme",
        url: str = "http://127.0.0.1:1",
        *,
        per_minute: int = 1000,
        per_month: int | None = None,
        min_interval_s: float = 10.0,
        own_per_minute: int = 0,
        own_per_month: int = 0,
    ) -> StubProvider:
        budget = Budget(per_minute=per_minute, per_month=per_month, min_interval_s=min_interval_s)
        settings = ProviderSettings(url=Url(url), per_minute=own_per_minute, per_month=own_per_month)
        return StubProvider(name, url, budget, settings)

    return make


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()
