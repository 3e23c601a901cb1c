"""The transports on a real port, in the test's own process, with a broker that the test publishes to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import flask_socketio
from flask import Flask

from tests.support.http_server import ServerInThisProcess
from tests.support.processes import wait_until
from tests.wire.raw_client import RawClient
from websocket import codec, green
from websocket.broker.memory_broker import MemoryBroker
from websocket.catalogue import SYSTEM
from websocket.http_server.connection import HttpLimits
from websocket.hub import Hub
from websocket.notices import Notices
from websocket.settings import EdgeSettings, ServerSettings
from websocket.transports.edge import Edge, SocketIoEdge
from websocket.transports.goodbye import Goodbye
from websocket.transports.json_session import update_frame
from websocket.transports.json_websocket import JsonWebSockets
from websocket.transports.socketio_fanout import FanoutManager
from websocket.transports.socketio_namespaces import FeedNamespace
from websocket.transports.websocket_api import websocket_api
from websocket.wire.connection import Connections, WireLimits

SWEEP_INTERVAL_S = 0.05


class LiveServer:
    """Wired as ``app.py`` does it, without services: nothing is published but by the test.

    Args:
        edge: limits of a client.
        server: origins, and the limit of connections.
        ping_interval_s: of Socket.IO.
        ping_timeout_s: of Socket.IO.
        websocket_ping_interval_s: of plain WebSockets.
        clock: monotonic seconds of the connections.
    """

    def __init__(
        self,
        *,
        edge: EdgeSettings | None = None,
        server: ServerSettings | None = None,
        ping_interval_s: float = 10,
        ping_timeout_s: float = 10,
        websocket_ping_interval_s: float = 25,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = edge or EdgeSettings()
        self.broker = MemoryBroker(clock=time.time)
        self.notices = Notices(self.broker, process="5000", clock=time.time)
        self.hub = Hub(self.broker, frame=update_frame, own={SYSTEM: self.notices.broker})
        self.connections = Connections(
            WireLimits(
                max_message_bytes=limits.max_message_bytes,
                messages_per_second=limits.messages_per_second,
                message_burst=limits.message_burst,
                max_queued_bytes=limits.max_queued_bytes,
                send_buffer_bytes=limits.send_buffer_bytes,
                stall_timeout_s=limits.slow_client_timeout_s,
                ping_interval_s=websocket_ping_interval_s,
            ),
            clock=clock,
        )
        self.edge = Edge(server or ServerSettings(), limits)
        app = Flask(__name__)
        manager = FanoutManager(self.connections, self.edge, route=(server or ServerSettings()).route)
        self.socketio = flask_socketio.SocketIO(
            app,
            async_mode=green.ASYNC_MODE,
            cors_allowed_origins=list((server or ServerSettings()).allowed_origins),
            ping_interval=ping_interval_s,
            ping_timeout=ping_timeout_s,
            max_http_buffer_size=limits.max_message_bytes,
            client_manager=manager,
            monitor_clients=False,
            always_connect=True,
            async_handlers=False,
            manage_session=False,
            json=codec,
        )
        self.namespace = FeedNamespace(self.hub, feed_status=lambda _channel: None, clock=time.time)
        self.socketio.on_namespace(self.namespace)
        self.websockets = JsonWebSockets(
            SocketIoEdge(app.wsgi_app, self.edge),
            hub=self.hub,
            edge=self.edge,
            connections=self.connections,
            limits=limits,
        )
        self.goodbye = Goodbye(
            edge=self.edge,
            namespace=self.namespace,
            manager=manager,
            websockets=self.websockets,
            notices=self.notices,
            connections=self.connections,
        )
        app.wsgi_app = self.websockets  # type: ignore[method-assign]
        app.register_blueprint(websocket_api(self.websockets, clock=time.time))
        self._http = ServerInThisProcess(
            app,
            limits=HttpLimits(
                request_timeout_s=limits.handshake_timeout_s, answer_timeout_s=limits.slow_client_timeout_s
            ),
        )
        self.port: int = self._http.port
        self._is_running = True
        green.spawn(self._sweep)

    @property
    def engine(self) -> Any:
        """The Engine.IO server."""
        return self.socketio.server.eio

    def connect(self, path: str = "/ws", *, receive_buffer: int | None = None, **headers: str | None) -> RawClient:
        """A plain client whose handshake is done."""
        return RawClient(self.port, receive_buffer=receive_buffer).open(path, **headers)

    def publish(self, channel: str, data: Any = None) -> int:
        """Publishes, and lets it be delivered; gives its number."""
        broker = self.hub.broker_of(channel)
        seq = broker.publish(channel, {"status": "live", "reason": None} if data is None else data).seq
        green.sleep(0)
        return seq

    def stats(self) -> dict[str, Any]:
        """What ``/ws/stats`` says."""
        return self.websockets.stats()

    def wait_until_empty(self) -> None:
        """Waits until nobody is connected, by any count."""
        wait_until(lambda: not self.connections.open and not self.engine.sockets, "everybody has left")

    def stop(self) -> None:
        """Ends it and all connections."""
        self._is_running = False
        for connection in list(self.connections.open):
            connection.abort()
        self._http.stop()

    def _sweep(self) -> None:
        while self._is_running:
            self.connections.sweep()
            green.sleep(SWEEP_INTERVAL_S)
