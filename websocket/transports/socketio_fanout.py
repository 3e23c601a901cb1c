"""Socket.IO's engine without a green thread per client, and with our own way for broadcasts.

The supported seam is ``SocketIO(client_manager=FanoutManager(...))``. The manager's ``emit`` to rooms builds one frame
and offers it to every member that is on WebSocket; polling clients, upgrades under way, acknowledgements and binary
events take the library's own path. Engine.IO's socket class is replaced by one whose WebSocket transport is a
``Connection`` of ours, so it has the same framing, limits and closing as the plain WebSocket.

This leans on parts of python-socketio and python-engineio that are not documented; their versions are pinned, and
``FanoutManager`` checks at the start that they are where they were.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any

import engineio
import engineio.server
import engineio.socket
import socketio
from engineio import packet as eio_packet
from socketio import packet as sio_packet

from websocket import green
from websocket.catalogue import CHANNELS
from websocket.errors import StartError
from websocket.http_server.connection import take_over
from websocket.hub import Traffic, fan_out, in_turns
from websocket.supervisor import supervise
from websocket.transports.edge import Edge, refuse
from websocket.wire.connection import CLOSE_POLICY, Connection, Connections
from websocket.wire.frames import binary_frame, text_frame
from websocket.wire.handshake import HandshakeRefused, accept_upgrade, wants_websocket

logger = logging.getLogger(__name__)

CLOSE_NORMAL = 1000
CLOSE_PROTOCOL_ERROR = 1002
CLOSE_UNSUPPORTED = 1003

PINGER_INTERVAL_S = 0.25

UPGRADE_TIMEOUT_S = 10.0
"""How long a WebSocket may take from its opening to the packet that makes it the session's transport."""

RESERVED_EVENTS = ("connect", "disconnect")
"""The library tells its own events from those of clients by their names alone."""

PONG = "3"
PROBE = "2probe"
PROBE_ANSWER = b"3probe"
UPGRADE = "5"

KEPT_ENVIRON = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_USER_AGENT", "HTTP_ORIGIN", "PATH_INFO", "flask.app")
"""What is kept of a request: python-socketio holds its environment as long as the client is connected."""

KEPT_CHARACTERS = 256
"""Of each of these; a header may have thousands."""


class FanoutManager(socketio.Manager):  # type: ignore[misc]
    """A client manager whose broadcasts cost one ``send`` per client.

    Args:
        connections: the process's registry.
        edge: counts clients.
        route: begins the id of every session, before a dot, so that a load balancer can tell from the ``sid`` of a
            request which process has the session; cookies are not for clients of other origins, and many clients
            share an address. Empty for plain ids.
    """

    def __init__(self, connections: Connections, edge: Edge, *, route: str = "") -> None:
        super().__init__()
        self._route = route
        self._connections = connections
        self._edge = edge
        self._shared_rooms: dict[str, set[str]] = {}  # namespace -> the rooms that are not those of one client
        self._newest: dict[str, Broadcast] = {}  # channel -> its newest publication
        self.traffic = Traffic()

    def set_server(self, server: Any) -> None:
        """Called by python-socketio when it takes this manager; installs the rest of the seam."""
        super().set_server(server)
        eio = server.eio
        _check_seams(eio)
        engineio.socket.Socket = FanoutSocket
        if self._route:
            make_id = eio.generate_id
            eio.generate_id = lambda: f"{self._route}.{make_id()}"
        eio.fanout = EngineParts(self._connections, self._edge, Pinger(eio.ping_interval, eio.ping_timeout))
        # what a client does wrong is no error of ours, not even the first time
        eio.log_message_keys.update(CLIENT_FAULTS)
        # the edge decides, which knows more than a list: a page of our own may connect as well
        eio.cors_allowed_origins = self._allows_origin
        server._handle_event = self._renamed_if_reserved(server._handle_event)
        eio.on("message", self._guarded(eio.handlers["message"], eio))
        eio.on("connect", self._counted_in(eio.handlers["connect"], eio))
        eio.on("disconnect", self._counted_out(eio.handlers["disconnect"], eio))

    def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **kwargs: Any,
    ) -> None:
        """Sends an event to the members of one or several rooms. What waits for a slow client is its newest only.

        An event for a single client, addressed by its sid, is never replaced by a newer one, unless it is a snapshot:
        an event of a channel. For the same ``data`` once more such an event is not encoded again.
        """
        target = to or room
        skipped = set(skip_sid) if isinstance(skip_sid, list) else {skip_sid}
        members = self._members(namespace, target)
        if callback or members is None:
            super().emit(event, data, namespace, room=target, skip_sid=skip_sid, callback=callback, **kwargs)
            return
        sids = [sid for sid in members if sid not in skipped]
        if not sids:
            return
        broadcast = self._newest.get(event)
        if broadcast is None or broadcast.data is not data or broadcast.namespace != namespace:
            arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
            encoded = self.server.packet_class(sio_packet.EVENT, namespace=namespace, data=[event, *arguments]).encode()
            if isinstance(encoded, list):  # it has binary attachments
                super().emit(event, data, namespace, room=target, skip_sid=skip_sid, **kwargs)
                return
            broadcast = Broadcast(data, namespace, eio_packet.Packet(eio_packet.MESSAGE, encoded))
            if event in CHANNELS:
                self._newest[event] = broadcast
        packet, frame = broadcast.packet, broadcast.frame
        if isinstance(target, str) and target in self.rooms.get(namespace, {}).get(None, ()):
            for connection in self._direct(sids, members, packet):
                if event in CHANNELS:
                    connection.show(event, frame)
                else:
                    connection.push(frame)
            return
        turns = (
            # looked at when its turn comes: others ran in between, and whoever has left gets nothing more
            self._direct(some, self._members(namespace, target) or {}, packet)
            for some in in_turns(sids)
        )
        fan_out(turns, event, frame, self.traffic)

    def close_polling(self) -> None:
        """Tells the clients that poll to close, behind all that waits for them: with this poll, or with the next."""
        for socket in list(self.server.eio.sockets.values()):
            if socket.connection is None:
                socket.send(eio_packet.Packet(eio_packet.CLOSE))

    def _direct(self, sids: Iterable[str], members: Mapping[str, str], packet: Any) -> list[Connection]:
        """The connections of those who are still members; who has none gets the packet by the library's own way."""
        sockets = self.server.eio.sockets
        direct: list[Connection] = []
        for sid in sids:
            socket = sockets.get(members.get(sid))
            if socket is None:
                continue
            connection = socket.connection
            if connection is not None:
                # one that is closed takes nothing any more
                direct.append(connection)
            elif not socket.closed:
                self.server._send_eio_packet(socket.sid, packet)
        return direct

    def _members(self, namespace: str, target: Any) -> dict[str, str] | None:
        """Those who are in the rooms now, sid -> engine sid; None when the target is not a room or some rooms."""
        targets = [target] if isinstance(target, str) else target
        if not isinstance(targets, list):
            return None
        rooms = self.rooms.get(namespace, {})
        merged: dict[str, str] = {}
        for room in targets:
            if room in rooms:
                # the dictionary inside of it, as in the library's own get_participants: a copy of 8 000 members takes
                # 0.06 ms so, and 1.2 ms through the bidict
                merged.update(rooms[room]._fwdm)
        return merged

    def transports(self) -> dict[str, int]:
        """Connected clients by their transport at this moment, ``websocket`` and ``polling``."""
        sockets = list(self.server.eio.sockets.values())
        direct = sum(socket.connection is not None for socket in sockets)
        return {"websocket": direct, "polling": len(sockets) - direct}

    def members(self, namespace: str, room: str) -> int:
        """Clients that are in a room."""
        return len(self.rooms.get(namespace, {}).get(room, ()))

    @staticmethod
    def _renamed_if_reserved(handler: Callable[..., Any]) -> Callable[..., Any]:
        """The library's handler of events, which would take a client's ``connect`` for a connection."""

        def handle_event(eio_sid: str, namespace: str, event_id: int | None, data: list[Any]) -> None:
            if data and data[0] in RESERVED_EVENTS:
                data = [f"{data[0]} (reserved)", *data[1:]]
            handler(eio_sid, namespace, event_id, data)

        return handle_event

    # The library's way to find the rooms of a client is to look into all of them. As every client has one of its own,
    # that would make a subscription, and the end of a connection, take milliseconds among thousands of clients.

    def basic_enter_room(self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None) -> None:
        """Lets a client into a room."""
        super().basic_enter_room(sid, namespace, room, eio_sid)
        if room is not None and room != sid:
            self._shared_rooms.setdefault(namespace, set()).add(room)

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        """The rooms that a client is in, its own among them."""
        rooms = self.rooms.get(namespace, {})
        return [room for room in (sid, *self._shared_rooms.get(namespace, ())) if sid in rooms.get(room, ())]

    def basic_disconnect(self, sid: str, namespace: str, **_kwargs: Any) -> None:
        """Forgets a client."""
        for room in (*self.get_rooms(sid, namespace), None):
            self.basic_leave_room(sid, namespace, room)
        self.callbacks.pop(sid, None)
        for pending in (self.pending_connect, self.pending_disconnect):
            if sid in pending.get(namespace, ()):
                pending[namespace].remove(sid)
                if not pending[namespace]:
                    del pending[namespace]

    @staticmethod
    def _guarded(handler: Callable[..., Any], eio: Any) -> Callable[..., Any]:
        """The library's handler of messages, whose parser raises all sorts of errors for what it cannot read."""

        def message(eio_sid: str, data: Any) -> None:
            if isinstance(data, bytes) or (isinstance(data, str) and data.startswith(BINARY_EVENTS)):
                # no event of ours has attachments, and the library would collect any number of them
                socket = eio.sockets.get(eio_sid)
                if socket is not None:
                    socket.refuse(CLOSE_UNSUPPORTED, "binary events are not supported")
                return
            try:
                if not isinstance(data, str):  # JSON; the library would take true for 1
                    raise TypeError("a message is text")
                handler(eio_sid, data)
            except MALFORMED as error:
                # handlers of ours catch their own errors, so this is the client's packet
                socket = eio.sockets.get(eio_sid)
                if socket is not None:
                    socket.refuse_packet(error)

        return message

    def _allows_origin(self, _origin: str | None, environ: Mapping[str, Any]) -> bool:
        return self._edge.allows_origin(environ)

    def _counted_in(self, handler: Callable[..., Any], eio: Any) -> Callable[..., Any]:
        def connect(eio_sid: str, environ: dict[str, Any]) -> Any:
            address = self._edge.address_of(environ)
            self._edge.enter(address)
            eio.sockets[eio_sid].address = address
            return handler(eio_sid, _kept_of(environ))

        return connect

    def _counted_out(self, handler: Callable[..., Any], eio: Any) -> Callable[..., Any]:
        def disconnect(eio_sid: str, reason: str) -> Any:
            socket = eio.sockets.get(eio_sid)
            if socket is not None and socket.address is not None:
                self._edge.leave(socket.address)
                socket.address = None
            return handler(eio_sid, reason)

        return disconnect


class Broadcast:
    """An encoded event.

    Args:
        data: what was encoded.
        namespace: of Socket.IO.
        packet: of Engine.IO.
    """

    __slots__ = ("data", "frame", "namespace", "packet")

    def __init__(self, data: Any, namespace: str, packet: Any) -> None:
        self.data = data
        self.namespace = namespace
        self.packet = packet
        self.frame = _frame(packet)


class EngineParts:
    """What every socket of one Engine.IO server shares."""

    def __init__(self, connections: Connections, edge: Edge, pinger: Pinger) -> None:
        self.connections = connections
        self.edge = edge
        self.pinger = pinger


class Pinger:
    """Sends the pings of all clients and ends those that do not answer, in one green thread. Ends upgrades that take
    too long as well.

    Interval and time-outs are the same for all, so queues in order of arrival are in order of time.
    """

    def __init__(self, interval_s: float, timeout_s: float) -> None:
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._to_ping: deque[tuple[float, FanoutSocket]] = deque()
        self._to_check: deque[tuple[float, FanoutSocket, float]] = deque()
        self._upgrades: deque[tuple[float, FanoutSocket, Connection]] = deque()
        self._running = False

    def add(self, socket: FanoutSocket) -> None:
        """Pings this socket one interval from now."""
        self._to_ping.append((time.monotonic() + self._interval_s, socket))
        self._run_soon()

    def add_upgrade(self, socket: FanoutSocket, connection: Connection) -> None:
        """Ends this upgrade when it takes too long."""
        self._upgrades.append((time.monotonic() + UPGRADE_TIMEOUT_S, socket, connection))
        self._run_soon()

    def _run_soon(self) -> None:
        if not self._running:
            self._running = True
            supervise("pinger", self._run, may_end=lambda: not self._running)

    def _run(self) -> None:
        while self._to_ping or self._to_check or self._upgrades:
            green.sleep(PINGER_INTERVAL_S)
            try:
                self._ping(time.monotonic())
                self._check(time.monotonic())
                self._end_upgrades(time.monotonic())
            except Exception:
                # no client's trouble may end the pings of all
                logger.exception("pinger failed")
        self._running = False

    def _ping(self, now: float) -> None:
        while self._to_ping and self._to_ping[0][0] <= now:
            _, socket = self._to_ping.popleft()
            if not socket.closed and not socket.closing:
                socket.last_ping = sent_at = time.time()
                socket.send(eio_packet.Packet(eio_packet.PING))
                self._to_check.append((now + self._timeout_s, socket, sent_at))

    def _check(self, now: float) -> None:
        while self._to_check and self._to_check[0][0] <= now:
            _, socket, sent_at = self._to_check.popleft()
            if not socket.closed and socket.last_ping == sent_at:
                socket.close(wait=False, reason=socket.server.reason.PING_TIMEOUT)

    def _end_upgrades(self, now: float) -> None:
        while self._upgrades and self._upgrades[0][0] <= now:
            _, socket, connection = self._upgrades.popleft()
            if socket.candidate is connection:
                socket.end_upgrade(connection)
                connection.close(CLOSE_POLICY, "the upgrade took too long")


class FanoutSocket(engineio.socket.Socket):  # type: ignore[misc]
    """An Engine.IO socket whose WebSocket transport is a ``Connection``.

    While it polls or upgrades it is the library's; ``connection`` is set when everything goes over the WebSocket, and
    ``candidate`` while an upgrade is under way.
    """

    # of the library's class, which has no types
    last_ping: float | None
    closed: bool
    closing: bool

    def __init__(self, server: Any, sid: str) -> None:
        super().__init__(server, sid)
        self.connection: Connection | None = None
        self.candidate: Connection | None = None
        self.address: str | None = None
        self.rate = server.fanout.connections.new_rate()
        """Its tokens, whatever its transport."""
        self.queued_bytes = 0
        """Waits for a poll."""

    # The library's interface

    def schedule_ping(self) -> None:
        """After a pong: the next ping is due one interval from now."""
        if self.last_ping:
            self.last_ping = None
            self.server.fanout.pinger.add(self)

    def send(self, pkt: Any) -> None:
        """Sends a packet, or queues it for the next poll; a client that does not poll is closed before that is much."""
        if self.closed:
            return
        if self.connection is not None:
            self.connection.push(_frame(pkt))
            return
        connections = self.server.fanout.connections
        self._count(len(pkt.data) if isinstance(pkt.data, (str, bytes)) else 1)
        if self.queued_bytes > connections.limits.max_queued_bytes:
            self.give_up()
            return
        self.queue.put(pkt)
        if not self.closing:
            connections.polled.add(self)
            connections.relieve()

    def poll(self) -> Any:
        """Waits for packets, and gives all that there are."""
        packets = super().poll()
        self._count(-self.queued_bytes)
        return packets

    def _count(self, change: int) -> None:
        connections = self.server.fanout.connections
        self.queued_bytes += change
        connections.queued_bytes += change
        if not self.queued_bytes:
            connections.polled.discard(self)

    def give_up(self) -> None:
        """Forgets what waits for a poll, and ends the session."""
        self.close(abort=True, reason=self.server.reason.TRANSPORT_ERROR)

    def forget(self, channel: str) -> None:
        """Drops what waits for a channel, because the client unsubscribed."""
        if self.connection is not None:
            self.connection.forget(channel)

    def receive(self, pkt: Any) -> None:
        """A packet of a client that polls.

        Raises:
            SocketIsClosedError: it came after the one that ended the session.
        """
        if self.closed:
            raise engineio.exceptions.SocketIsClosedError
        self.rate.allows()
        if self.rate.exhausted:
            self.refuse(CLOSE_POLICY, "too many messages")
            return
        queued_before = self.queued_bytes
        self.handle(pkt)
        # nothing yields meanwhile, so what waits since is what this packet brought
        size = len(pkt.data) if isinstance(pkt.data, (str, bytes)) else 0
        self.rate.charge_bytes(size + max(0, self.queued_bytes - queued_before))

    def handle(self, pkt: Any) -> None:
        """A packet for which tokens were asked for. When they were refused, an event is answered with an error, the
        answer to a ping counts, because we asked for it, and the rest is ignored.

        Raises:
            SocketIsClosedError: it came after the one that ended the session.
        """
        if self.closed:
            raise engineio.exceptions.SocketIsClosedError
        is_event = pkt.packet_type == eio_packet.MESSAGE and isinstance(pkt.data, str) and pkt.data.startswith(EVENT)
        if not self.rate.refused or pkt.packet_type == eio_packet.PONG or is_event:
            super().receive(pkt)

    def close(self, wait: bool = True, abort: bool = False, reason: Any = None) -> None:
        """Closes whatever the transport is. Never waits: the library would wait for polls that nobody sends."""
        if self.closed or self.closing:
            return
        if self.connection is None:
            if not self.queue.getting():
                self.queue.queue.clear()  # no poll will find this session any more
            super().close(wait=False, abort=abort, reason=reason)
            self._count(-self.queued_bytes)
            self.server.sockets.pop(self.sid, None)
            if self.candidate is not None:
                self.candidate.close(CLOSE_NORMAL)
            return
        self.closing = True
        self.server._trigger_event(
            "disconnect", self.sid, reason or self.server.reason.SERVER_DISCONNECT, run_async=False
        )
        if not abort:
            self.connection.push(_frame(eio_packet.Packet(eio_packet.CLOSE)))
        self.closed = True
        self.server.sockets.pop(self.sid, None)
        self.connection.close(CLOSE_NORMAL)

    def handle_get_request(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """A poll, or the opening of a WebSocket. The library takes an incomplete request for one as a poll.

        Raises:
            EngineIOError: the session polls already; the library then ends it, as the protocol's reference does. Each
                poll keeps a place for HTTP connections, and one session could take all of them.
        """
        if wants_websocket(environ):
            return self._upgrade_websocket(environ, start_response)
        if self.queue.getting() and not self.upgrading:
            raise engineio.exceptions.EngineIOError("a second poll at the same time")
        return super().handle_get_request(environ, start_response)

    def handle_post_request(self, environ: Mapping[str, Any]) -> None:
        """Packets of a polling client.

        Raises:
            EngineIOError: they are not what the protocol says; the library then ends the session.
        """
        try:
            super().handle_post_request(environ)
        except engineio.exceptions.EngineIOError:
            raise
        except MALFORMED as error:
            raise engineio.exceptions.EngineIOError(f"malformed packet: {type(error).__name__}") from error

    def _upgrade_websocket(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Opens the WebSocket of this session: its first transport, or an upgrade from polling."""
        try:
            if self.upgraded or self.candidate is not None:
                raise HandshakeRefused("400 Bad Request", "This session has a WebSocket already.")
            answer = accept_upgrade(environ)
        except HandshakeRefused as refused:
            if not self.connected:
                self.close(wait=False, abort=True)
            # no list: the library would take it for packets
            return tuple(refuse(refused, start_response))
        sock = take_over(environ)
        session = EngineSession(self)
        # Engine.IO pings by itself; with both kinds of pings 2 000 idle clients used 3.0 % of a core instead of 1.7
        connection = Connection(sock, self.server.fanout.connections, session, is_pinged=False, rate=self.rate)
        connection.open(answer)
        # no list: the library would make an HTTP answer of that
        return ()

    # What the manager and the transport's session call

    def refuse_packet(self, error: BaseException) -> None:
        """Ends the session because of a packet that is not what the protocol says."""
        logger.debug("malformed packet sid=%s reason=%s", self.sid, type(error).__name__)
        self.refuse(CLOSE_PROTOCOL_ERROR, "malformed packet")

    def refuse(self, code: int, reason: str) -> None:
        """Ends the session because of what the client sent."""
        if self.connection is not None:
            self.connection.close(code, reason)
        else:
            self.close(reason=self.server.reason.TRANSPORT_ERROR)

    def begin_upgrade(self, connection: Connection) -> None:
        """A WebSocket was opened for a session that polls, and goes on polling until the client has probed it."""
        self.candidate = connection
        self.server.fanout.pinger.add_upgrade(self, connection)

    def end_upgrade(self, connection: Connection) -> None:
        """The upgrade came to nothing; the session goes on polling. Idempotent."""
        if self.candidate is connection:
            self.candidate = None
            self.upgrading = False

    def go_direct(self, connection: Connection) -> None:
        """From now on everything goes over the WebSocket; what was queued goes first. Nothing yields in between."""
        self.connected = self.upgraded = True
        self.upgrading = False
        self.candidate = None
        self._count(-self.queued_bytes)
        queued = self.queue.queue
        while queued:
            packet = queued.popleft()
            if packet is not None:
                connection.push(_frame(packet))
        self.connection = connection
        if self.queue.getting():
            # a client that does not wait for the end of its poll; it would otherwise time out, and end the session
            self.queue.put(eio_packet.Packet(eio_packet.NOOP))

    def gone(self) -> None:
        """The WebSocket is gone."""
        if not self.closed:
            self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
        self.server.sockets.pop(self.sid, None)


class EngineSession:
    """What arrives on the WebSocket of one Engine.IO session."""

    __slots__ = ("_connection", "_is_probed", "_socket")

    def __init__(self, socket: FanoutSocket) -> None:
        self._socket = socket
        self._connection: Connection | None = None
        self._is_probed = False

    def start(self, connection: Connection) -> None:
        """The connection is open; an upgrade waits for the client's probe, a new session begins at once."""
        self._connection = connection
        if self._socket.connected:
            self._socket.begin_upgrade(connection)
        else:
            self._socket.go_direct(connection)

    def on_text(self, text: str) -> None:
        """One packet."""
        socket, connection = self._socket, self._connection
        assert connection is not None
        if socket.connection is not connection:
            self._probe(text, connection)
        elif text == PONG:
            socket.schedule_ping()
        else:
            self._receive(text)

    def on_refused(self, text: str | None) -> None:
        """The client sends, or asks for, more than it may; the socket knows what may still be said to it."""
        if text is not None and self._socket.connection is self._connection:
            self.on_text(text)

    def on_binary(self) -> None:
        """No event of ours has binary attachments."""
        assert self._connection is not None
        self._connection.close(CLOSE_UNSUPPORTED, "binary events are not supported")

    def on_closed(self, code: int) -> None:
        """The connection is gone; an upgrade that did not finish leaves the session polling."""
        socket = self._socket
        if socket.connection is self._connection:
            socket.gone()
        elif self._connection is not None:
            socket.end_upgrade(self._connection)

    def _probe(self, text: str, connection: Connection) -> None:
        """The upgrade: probe, answer, and the client's word that it has stopped polling."""
        if not self._is_probed and text == PROBE:
            self._is_probed = True
            self._socket.upgrading = True  # from now on polls are answered at once, with nothing
            connection.push(text_frame(PROBE_ANSWER))
            self._socket.queue.put(eio_packet.Packet(eio_packet.NOOP))  # ends the poll that is under way
        elif self._is_probed and text == UPGRADE:
            self._socket.go_direct(connection)
        else:
            connection.close(CLOSE_PROTOCOL_ERROR, "unexpected packet during the upgrade")

    def _receive(self, text: str) -> None:
        assert self._connection is not None
        try:
            self._socket.handle(eio_packet.Packet(encoded_packet=text))
        except engineio.exceptions.SocketIsClosedError:
            return
        except MALFORMED as error:
            self._socket.refuse_packet(error)


BINARY_EVENTS = (str(sio_packet.BINARY_EVENT), str(sio_packet.BINARY_ACK))
"""How messages begin that announce attachments."""

EVENT = str(sio_packet.EVENT)
"""How messages begin that are events."""

CLIENT_FAULTS = (
    "bad-jsonp-index",
    "bad-origin",
    "bad-sid",
    "bad-transport",
    "bad-upgrade",
    "bad-version",
    "not-connected",
    "unexpected-http",
)
"""What the library logs as an error when it happens for the first time."""

MALFORMED = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RecursionError,
    engineio.exceptions.UnknownPacketError,
)
"""What the library's parsers raise for packets that are not what the protocol says."""


def _kept_of(environ: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: environ[key] for key in KEPT_ENVIRON if key in environ}
    return {key: value[:KEPT_CHARACTERS] if isinstance(value, str) else value for key, value in kept.items()}


def _frame(packet: Any) -> bytes:
    encoded = packet.encode()
    return text_frame(encoded.encode()) if isinstance(encoded, str) else binary_frame(encoded)


def _check_seams(eio: Any) -> None:
    """Fails with a clear line when a new version of the library has moved what we lean on.

    Raises:
        StartError: names the part.
    """
    parts = {
        "engineio.server.socket": getattr(engineio.server, "socket", None) is engineio.socket,
        "Socket._upgrade_websocket": hasattr(engineio.socket.Socket, "_upgrade_websocket"),
        "Socket.schedule_ping": hasattr(engineio.socket.Socket, "schedule_ping"),
        "Socket.handle_post_request": hasattr(engineio.socket.Socket, "handle_post_request"),
        "Server.generate_id": hasattr(eio, "generate_id"),
        "Server.sockets": isinstance(getattr(eio, "sockets", None), dict),
        "Server.handlers": {"connect", "message", "disconnect"} <= set(getattr(eio, "handlers", ())),
        "Server._handle_event": hasattr(socketio.Server, "_handle_event"),
        "Server._trigger_event": hasattr(eio, "_trigger_event"),
        "Server.log_message_keys": isinstance(getattr(eio, "log_message_keys", None), set),
        "Manager.rooms": hasattr(socketio.Manager(), "rooms"),
        "Manager.basic_disconnect": hasattr(socketio.Manager, "basic_disconnect"),
    }
    for part, is_there in parts.items():
        if not is_there:
            raise StartError(
                f"python-engineio {version('python-engineio')} has no {part} as we know it;"
                " install the versions in requirements.txt."
            )
