"""The simulator as one WSGI application: providers, faults and control behind one address."""

from __future__ import annotations

import selectors
import socket
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

from werkzeug.wrappers import Request as HttpRequest

from simulator.answers import Answer, Dripped, Dropped, Flooded, Request, Truncated
from simulator.chains import DEFAULT_BLOCK_SPEED, Chains
from simulator.control import PREFIX, Control, RequestCounts
from simulator.faults import answer_request
from simulator.market import Clock, Market
from simulator.providers.base import find_providers
from simulator.scenarios import ScenarioBook

DEFAULT_REFRESH_S = 30.0

_PIECE_BYTES = 65_536


class Simulator:
    """One simulated world.

    An answer whose delivery fails on purpose ends with `ConnectionAbortedError`; the server then closes the
    connection. Safe to call from several threads.
    """

    def __init__(
        self,
        seed: int = 1,
        clock: Clock = time.time,
        refresh_s: float = DEFAULT_REFRESH_S,
        block_speed: float = DEFAULT_BLOCK_SPEED,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Makes a world.

        Args:
            seed: Two worlds with one seed, one clock and one speed give the same answers.
            clock: Gives the present in Unix seconds.
            refresh_s: The step in which caching providers refresh; 0 means that none caches.
            block_speed: How many times more often than in reality Bitcoin's blocks come.
            pause: Waits for so many seconds, where a provider takes its time.
        """
        self.providers = find_providers()
        self.market = Market(seed, clock)
        self.chains = Chains(seed, block_speed)
        self.scenarios = ScenarioBook(self.market, self.chains, self.providers)
        self._pause = pause
        self._refresh_s = refresh_s
        self._counts = RequestCounts(list(self.providers))
        self._control = Control(self.market, self.scenarios, self._counts)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answers one WSGI request."""
        request = HttpRequest(environ)
        try:
            answer = self._answer(request)
            body = answer.encoded()
        except Exception:  # noqa: BLE001 - any bug; the traceback is printed
            # Without this a mistake in one provider would look like an outage to its client.
            traceback.print_exc(file=environ["wsgi.errors"])
            answer = Answer({"error": "the simulator failed, see its standard error"}, status=500)
            body = answer.encoded()
        if answer.latency_s:
            self._pause(answer.latency_s)
        if isinstance(answer.delivery, Dropped):
            raise ConnectionAbortedError("outage")
        length = answer.delivery.size_bytes if isinstance(answer.delivery, Flooded) else len(body)
        headers = {"Content-Type": answer.content_type, "Content-Length": str(length), **answer.headers}
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(headers.items()))
        if request.method == "HEAD":
            return []
        if isinstance(answer.delivery, Truncated):
            return _truncated(body, answer.delivery)
        if isinstance(answer.delivery, Dripped):
            return _dripped(body, answer.delivery, environ.get("werkzeug.socket"))
        if isinstance(answer.delivery, Flooded):
            return _flooded(answer.delivery)
        return [body]

    def _answer(self, request: HttpRequest) -> Answer:
        path, body = request.path, request.get_data()
        if path == PREFIX or path.startswith(f"{PREFIX}/"):
            return self._control.answer(request.method, path, body)
        name, _, rest = path.lstrip("/").partition("/")
        provider = self.providers.get(name)
        if provider is None:
            known = ", ".join(f"/{known_name}" for known_name in self.providers)
            return Answer({"error": f"unknown path {path!r}; expected {known} or {PREFIX}"}, status=404)
        self._counts.add(name, f"/{rest}")
        wanted = Request(
            request.method,
            f"/{rest}",
            {key: values[-1] for key, values in request.args.lists()},
            {key.lower(): value for key, value in request.headers.items()},
            body,
            dict(request.args.lists()),
        )
        scenario = self.scenarios.for_provider(name)
        return answer_request(provider, wanted, self.market, self.chains, scenario, self._refresh_s)


def _truncated(body: bytes, delivery: Truncated) -> Iterator[bytes]:
    yield body[: int(len(body) * delivery.fraction)]
    raise ConnectionAbortedError("truncated")


def _flooded(delivery: Flooded) -> Iterator[bytes]:
    """Gives junk piece by piece, so that it is never in memory as a whole."""
    piece = (b"All work and no news. " * (_PIECE_BYTES // 22 + 1))[:_PIECE_BYTES]
    for start in range(0, delivery.size_bytes, _PIECE_BYTES):
        yield piece[: delivery.size_bytes - start]


def _dripped(body: bytes, delivery: Dripped, connection: socket.socket | None) -> Iterator[bytes]:
    """Gives the body piece by piece with a pause after each, and gives up after the limit."""
    last_piece = int(delivery.limit_s / delivery.interval_s)
    for number, start in enumerate(range(0, len(body), delivery.piece_bytes)):
        if number > last_piece:
            raise ConnectionAbortedError("slow")
        yield body[start : start + delivery.piece_bytes]
        if _client_left(connection, delivery.interval_s):
            raise ConnectionAbortedError("the client left")


def _client_left(connection: socket.socket | None, wait_s: float) -> bool:
    """Waits, and tells whether the client closed its side meanwhile; without a socket it only waits."""
    if connection is None:
        time.sleep(wait_s)
        return False
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        if not selector.select(wait_s):
            return False
    if connection.recv(1, socket.MSG_PEEK) == b"":
        return True
    # The client sent its next request early; it stays there, and from now on only time can be waited for.
    time.sleep(wait_s)
    return False
