"""The polite end of a process, as clients see it."""

from __future__ import annotations

from websocket.notices import Notices
from websocket.transports.edge import Edge
from websocket.transports.json_websocket import JsonWebSockets
from websocket.transports.socketio_fanout import FanoutManager
from websocket.transports.socketio_namespaces import FeedNamespace
from websocket.wire.connection import Connections

CLOSE_RESTART = 1012


class Goodbye:
    """Tells every client that this process ends, each with a wait of its own, and closes all connections.

    Args:
        edge: admits nobody from then on.
        namespace: the clients of Socket.IO.
        manager: those of them that poll.
        websockets: the plain ones.
        notices: what they can be subscribed to.
        connections: of both.
    """

    def __init__(
        self,
        *,
        edge: Edge,
        namespace: FeedNamespace,
        manager: FanoutManager,
        websockets: JsonWebSockets,
        notices: Notices,
        connections: Connections,
    ) -> None:
        self._edge = edge
        self._namespace = namespace
        self._manager = manager
        self._websockets = websockets
        self._notices = notices
        self._connections = connections
        self.is_said = False

    def say(self) -> None:
        """Does it, once. Takes some 50 us a client."""
        if self.is_said:
            return
        self.is_said = True
        self._edge.close()
        self._namespace.say_goodbye()
        self._manager.close_polling()
        self._websockets.say_goodbye(self._notices.report_shutdown())
        self._connections.close_all(CLOSE_RESTART, "shutting down")
