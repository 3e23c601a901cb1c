"""The edge: who may open a connection at all, from which page and how many. For both kinds of WebSocket and polling."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websocket import codec
from websocket.settings import EdgeSettings, ServerSettings
from websocket.wire.handshake import HandshakeRefused

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Edge:
    """Admits connections and counts them.

    Args:
        server: which pages may connect, and how many connections there may be.
        edge: limits per address, and which proxies are believed about the address.
    """

    def __init__(self, server: ServerSettings, edge: EdgeSettings) -> None:
        self._origins = server.allowed_origins
        self._max_connections = server.max_connections
        self._max_per_address = edge.max_connections_per_address
        self._proxies = [ipaddress.ip_network(proxy) for proxy in edge.trusted_proxies]
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
        if self._total >= self._max_connections:
            raise HandshakeRefused("503 Service Unavailable", "This process is full.", (("Retry-After", "5"),))
        if self._max_per_address and self._by_address[address] >= self._max_per_address:
            raise HandshakeRefused("429 Too Many Requests", "Too many connections from your address.")

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
        """The client's address: the peer's, or what trusted proxies say, read from the nearest to the farthest."""
        address = str(environ.get("REMOTE_ADDR", ""))
        hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        while hops and self._is_proxy(address):
            address = hops.pop()
        return address

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)


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
    status = int(refused.status[:3])
    body = codec.encode(
        {
            "code": refused.status[4:].lower().replace(" ", "_"),
            "message": refused.reason,
            "temporary": status in (429, 503),
        }
    )
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *refused.headers]
    start_response(refused.status, headers)
    return [body]
