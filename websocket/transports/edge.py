"""The edge: who may open a connection at all, from which page and how many. For both kinds of WebSocket and polling."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websocket.http_server.answers import error_body
from websocket.http_server.connection import WsgiApp
from websocket.settings import EdgeSettings, ServerSettings
from websocket.transports.request_rate import RequestRates
from websocket.wire.handshake import HandshakeRefused, wants_websocket

KNOWN_ADDRESSES = 10_000
"""Of so many addresses it is remembered whether they are a proxy's."""

ADDRESS_LENGTH = 64
"""What is kept of something in ``X-Forwarded-For`` that is no address."""

ADDRESS_SHARES = 20
"""One address may have so much of all clients, unless the operator says otherwise. With 10 000 that is 500: more people
than share an office's address, each with a page or two; and one machine alone cannot keep others out.
"""

PROXY_FACTOR = 10
"""A proxy that does not say for whom it speaks may be many clients."""

WEBSOCKET_PATHS = ("/ws/", "/socket.io")
"""What asks for an upgrade gets a WebSocket or a refusal here; elsewhere it is answered like anything else."""

SESSION_REQUEST_TOKENS = 0.25
"""A poll of a Socket.IO session, whose packets have a limit of their own."""


class Edge:
    """Admits connections and counts them.

    Args:
        server: which pages may connect.
        edge: limits per address, and which proxies are believed about the address.
        max_clients: how many there may be; as many as the settings say when it is None.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        server: ServerSettings,
        edge: EdgeSettings,
        *,
        max_clients: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origins = server.allowed_origins
        self._max_clients = server.max_connections if max_clients is None else max_clients
        share = edge.max_connections_per_address
        self._max_per_address = max(1, self._max_clients // ADDRESS_SHARES) if share is None else share
        self._spares_proxies = share is None
        self._proxies = [ipaddress.ip_network(proxy) for proxy in edge.trusted_proxies]
        self._known_proxies: dict[str, bool] = {}
        self._requests = RequestRates(edge.requests_per_second, clock=clock)
        self._by_address: Counter[str] = Counter()
        self._total = 0
        self._is_closed = False

    def allows_origin(self, environ: Mapping[str, Any]) -> bool:
        """Whether the page that sent a request may connect. Programs that are no browsers send no origin and may."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None or "*" in self._origins or origin in self._origins:
            return True
        try:
            host = urlsplit(origin).netloc
        except ValueError:  # something like "http://["
            return False
        return bool(host) and host == environ.get("HTTP_HOST")

    def check_origin(self, environ: Mapping[str, Any]) -> None:
        """Refuses pages that are not allowed.

        Raises:
            HandshakeRefused: 403.
        """
        if not self.allows_origin(environ):
            raise HandshakeRefused("403 Forbidden", "This page may not connect; see ALLOWED_ORIGINS.")

    def close(self) -> None:
        """Admits nobody any more: the process is about to end."""
        self._is_closed = True

    def check_room(self, address: str) -> None:
        """Whether one more connection may be opened from this address.

        Raises:
            HandshakeRefused: 503 when the process is full or about to end, 429 when the address has its share.
        """
        if self._is_closed:
            raise HandshakeRefused("503 Service Unavailable", "This process is shutting down.", (("Retry-After", "1"),))
        if self._total >= self._max_clients:
            raise HandshakeRefused("503 Service Unavailable", "This process is full.", (("Retry-After", "5"),))
        is_limited = self._max_per_address and not (self._spares_proxies and self.is_proxy(address))
        if is_limited and self._by_address[address] >= self._max_per_address:
            raise HandshakeRefused("429 Too Many Requests", "Too many connections from your address.")

    def check_request(self, address: str, tokens: float) -> None:
        """Whether an address may send a request that costs so much.

        Raises:
            HandshakeRefused: 429, with the time after which it may.
        """
        wait_s = self._requests.take(address, tokens / PROXY_FACTOR if self.is_proxy(address) else tokens)
        if wait_s:
            raise HandshakeRefused(
                "429 Too Many Requests",
                "Too many requests from your address.",
                (("Retry-After", str(math.ceil(wait_s))),),
            )

    def enter(self, address: str) -> None:
        """Counts a connection that was opened."""
        self._by_address[address] += 1
        self._total += 1

    def leave(self, address: str) -> None:
        """Counts a connection that is gone."""
        self._total -= 1
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]

    def address_of(self, environ: Mapping[str, Any]) -> str:
        """The client's address: the peer's, or what trusted proxies say, read from the nearest to the farthest.

        Of IPv6 it is the network of 64 bits that one client has to itself, such as ``2001:db8:0:1::/64``. It is the
        proxy's own when that does not say for whom it speaks.
        """
        address = str(environ.get("REMOTE_ADDR", ""))
        hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        while hops and self.is_proxy(address):
            address = hops.pop()
        return client_network(address)

    def share_of(self, address: str) -> str:
        """Whose share of the connections one of this peer counts against; empty for a proxy, which has many clients."""
        return "" if self.is_proxy(address) else client_network(address)

    def is_proxy(self, address: str) -> bool:
        """Whether an address is one of ``TRUSTED_PROXIES``."""
        is_proxy = self._known_proxies.get(address)
        if is_proxy is None:
            if len(self._known_proxies) >= KNOWN_ADDRESSES:
                self._known_proxies.clear()
            is_proxy = self._known_proxies[address] = self._is_in_proxies(address)
        return is_proxy

    def _is_in_proxies(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._proxies)


def client_network(address: str) -> str:
    """What counts as one client: an IPv4 address, also when it is written as an IPv6 one, or 64 bits of IPv6."""
    if ":" not in address:
        return address[:ADDRESS_LENGTH]
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address[:ADDRESS_LENGTH]
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


class RequestEdge:
    """Middleware that lets each request pay for what it costs, before anything else is done for it.

    Args:
        app: everything.
        edge: who has how much.
        cost_of: gives the tokens for a path; one is some 0.5 ms of the event loop.
    """

    def __init__(self, app: WsgiApp, edge: Edge, *, cost_of: Callable[[str], float]) -> None:
        self._app = app
        self._edge = edge
        self._cost_of = cost_of

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        address = self._edge.address_of(environ)
        if wants_websocket(environ) and (path == "/ws" or path.startswith(WEBSOCKET_PATHS)):
            # many clients come back at once after a restart; for those of a proxy there is the limit of all clients
            tokens = 0.0 if self._edge.is_proxy(address) else 1.0
        elif path.startswith("/socket.io") and "sid=" in environ.get("QUERY_STRING", ""):
            tokens = SESSION_REQUEST_TOKENS
        else:
            tokens = self._cost_of(path)
        try:
            self._edge.check_request(address, tokens)
        except HandshakeRefused as refused:
            return refuse(refused, start_response)
        return self._app(environ, start_response)


class SocketIoEdge:
    """Middleware that puts the edge before Socket.IO, whatever the transport.

    Args:
        app: Flask with Socket.IO.
        edge: who may connect.
    """

    def __init__(self, app: WsgiApp, edge: Edge) -> None:
        self._app = app
        self._edge = edge

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith("/socket.io"):
            try:
                self._edge.check_origin(environ)
                if "sid" not in parse_qs(environ.get("QUERY_STRING", "")):
                    self._edge.check_room(self._edge.address_of(environ))
            except HandshakeRefused as refused:
                return refuse(refused, start_response)
        return self._app(environ, start_response)


def refuse(refused: HandshakeRefused, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The HTTP answer to a handshake that is not accepted, in the shape of every error."""
    body = error_body(int(refused.status[:3]), refused.reason)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *refused.headers]
    start_response(refused.status, headers)
    return [body]
