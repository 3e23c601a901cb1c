"""Plain WebSockets with JSON messages: the way in, and the clients that are connected.

It is WSGI middleware before Flask: Werkzeug's router refuses upgrade requests on normal routes, and a request context
per connection would cost more than the connection.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from websocket import green
from websocket.broker.base import Publication
from websocket.catalogue import ENDPOINTS, SUBSCRIBABLE, EndpointInfo
from websocket.http_server.connection import WsgiApp, take_over
from websocket.hub import Hub
from websocket.records import to_rfc3339
from websocket.settings import EdgeSettings
from websocket.transports.edge import Edge, refuse
from websocket.transports.json_session import ClientInfo, JsonSession, update_frame
from websocket.wire.connection import Connection, Connections
from websocket.wire.handshake import HandshakeRefused, accept_upgrade, wants_websocket

LISTED_AT_ONCE = 100
"""Clients that are described before other green threads run: less than a millisecond."""


class JsonWebSockets:
    """Middleware that serves the WebSocket endpoints and passes everything else on.

    Args:
        app: what serves everything else.
        hub: where clients subscribe.
        edge: who may connect.
        connections: the process's registry.
        limits: what one client may do.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self,
        app: WsgiApp,
        *,
        hub: Hub,
        edge: Edge,
        connections: Connections,
        limits: EdgeSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._hub = hub
        self._edge = edge
        self._connections = connections
        self._limits = limits
        self._clock = clock
        self._endpoints = {endpoint.path: endpoint for endpoint in ENDPOINTS}
        self._sessions: dict[JsonSession, str] = {}  # session -> the client's address
        self._connected = 0
        self._received = 0  # by clients that are gone
        self._answered = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        is_ours = path == "/ws" or path.startswith("/ws/")
        endpoint = self._endpoints.get(path.rstrip("/") if is_ours else path)
        if not is_ours or not (wants_websocket(environ) or endpoint is not None):
            return self._app(environ, start_response)
        try:
            if endpoint is None:
                raise HandshakeRefused("404 Not Found", "There is no such endpoint; see /ws/endpoints.")
            if not wants_websocket(environ):
                raise HandshakeRefused(
                    "426 Upgrade Required",
                    "This is a WebSocket endpoint; see /docs.",
                    (("Upgrade", "websocket"), ("Connection", "Upgrade")),
                )
            answer = accept_upgrade(environ)
            self._edge.check_origin(environ)
            address = self._edge.address_of(environ)
            self._edge.check_room(address)
        except HandshakeRefused as refused:
            return refuse(refused, start_response)
        return self._open(endpoint, address, answer, environ)

    @property
    def clients(self) -> int:
        """Connected clients at this moment."""
        return len(self._sessions)

    def stats(self, *, offset: int = 0, limit: int = 100) -> dict[str, Any]:
        """Who is connected and what was exchanged, at this moment. Lets others run when it lists many.

        Counts are of plain clients of this process; messages of publications are not among ``messages_sent``.

        Args:
            offset: connected clients, the newest first, before the first that is listed.
            limit: most clients that are listed; the counts are of all.
        """
        total = len(self._sessions)
        received, answered = self._received, self._answered
        for session in self._sessions:
            received += session.info.received
            answered += session.info.answered
        subscriptions = Counter({service: self._hub.count(service) for service in SUBSCRIBABLE})
        return {
            "active_connections": total,
            "total_connections": total,
            "connections_since_start": self._connected,
            "total_subscriptions": subscriptions.total(),
            "subscription_counts": dict(subscriptions),
            "subscriptions": dict(subscriptions),
            "messages_received": received,
            "messages_sent": answered,
            "merged_updates": self._connections.merged,
            "stalled_connections": len(self._connections.stalled),
            "closed": {str(code): count for code, count in sorted(self._connections.closed_codes.items())},
            "clients": self._listed(offset, limit),
            "next_offset": offset + limit if offset + limit < total else None,
        }

    def _listed(self, offset: int, limit: int) -> list[dict[str, Any]]:
        listed = []
        for number, session in enumerate(list(islice(reversed(self._sessions), offset, offset + limit)), 1):
            info = session.info
            listed.append(
                {
                    "client_id": info.client_id,
                    "endpoint": info.endpoint,
                    "connected_at": to_rfc3339(info.connected_at),
                    "last_activity": to_rfc3339(info.last_activity),
                    "subscriptions": list(session.subscriptions),
                    "messages_received": info.received,
                    "messages_sent": info.answered,
                }
            )
            if number % LISTED_AT_ONCE == 0:
                green.sleep(0)
        return listed

    def tell_status(self) -> None:
        """Tells every subscribed client how the services stand, because that has changed for all of them."""
        for session in list(self._sessions):
            session.tell_status()

    def say_goodbye(self, notice: Publication | None) -> None:
        """Tells every client that this process ends. Does not yield; the connections are closed by others.

        Args:
            notice: for those that are subscribed to notices, who would get it too late by the usual way.
        """
        frame = None if notice is None else update_frame(notice)
        for session in list(self._sessions):
            session.say_goodbye(frame)

    def _open(self, endpoint: EndpointInfo, address: str, answer: bytes, environ: Mapping[str, Any]) -> Iterable[bytes]:
        sock = take_over(environ)
        now = self._clock()
        self._connected += 1
        info = ClientInfo(
            client_id=f"client_{self._connected}_{int(now)}",
            endpoint=endpoint.path,
            connected_at=now,
            last_activity=now,
        )
        session = JsonSession(
            endpoint,
            info,
            self._hub,
            self._limits,
            count=lambda: self.clients,
            clock=self._clock,
            on_closed=self._forget,
        )
        connection = Connection(sock, self._connections, session)
        self._sessions[session] = address
        self._edge.enter(address)
        connection.open(answer)
        return []

    def _forget(self, session: JsonSession) -> None:
        self._edge.leave(self._sessions.pop(session))
        self._received += session.info.received
        self._answered += session.info.answered
