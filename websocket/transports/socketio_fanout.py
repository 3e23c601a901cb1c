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
from websocket.errors import StartError
from websocket.hub import fan_out
from websocket.transports.edge import Edge, refuse
from websocket.wire.connection import Connection, Connections
from websocket.wire.frames import binary_frame, text_frame
from websocket.wire.handshake import HandshakeRefused, accept_upgrade

logger = logging.getLogger(__name__)

CLOSE_NORMAL = 1000
CLOSE_PROTOCOL_ERROR = 1002
CLOSE_UNSUPPORTED = 1003

PINGER_INTERVAL_S = 0.25

PONG = "3"
PROBE = "2probe"
PROBE_ANSWER = b"3probe"
UPGRADE = "5"

KEPT_ENVIRON = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_USER_AGENT", "HTTP_ORIGIN", "PATH_INFO", "flask.app")
"""What is kept of a request: python-socketio holds its environment as long as the client is connected."""


class FanoutManager(socketio.Manager):  # type: ignore[misc]
    """A client manager whose broadcasts cost one ``send`` per client.

    Args:
        connections: the process's registry.
        edge: counts clients.
    """

    def __init__(self, connections: Connections, edge: Edge) -> None:
        super().__init__()
        self._connections = connections
        self._edge = edge

    def set_server(self, server: Any) -> None:
        """Called by python-socketio when it takes this manager; installs the rest of the seam."""
        super().set_server(server)
        eio = server.eio
        _check_seams(eio)
        engineio.socket.Socket = FanoutSocket
        eio.fanout = EngineParts(self._connections, Pinger(eio.ping_interval, eio.ping_timeout))
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

        An event for a single client, addressed by its sid, is never replaced by a newer one.
        """
        target = to or room
        skipped = set(skip_sid) if isinstance(skip_sid, list) else {skip_sid}
        members = self._members(namespace, target)
        if callback or members is None:
            super().emit(event, data, namespace, room=target, skip_sid=skip_sid, callback=callback, **kwargs)
            return
        arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        encoded = self.server.packet_class(sio_packet.EVENT, namespace=namespace, data=[event, *arguments]).encode()
        if isinstance(encoded, list):  # it has binary attachments
            super().emit(event, data, namespace, room=target, skip_sid=skip_sid, **kwargs)
            return
        packet = eio_packet.Packet(eio_packet.MESSAGE, encoded)
        sockets = self.server.eio.sockets
        direct: list[Connection] = []
        for sid, eio_sid in members:
            socket = sockets.get(eio_sid)
            if sid in skipped or socket is None or socket.closed:
                continue
            if socket.connection is not None:
                direct.append(socket.connection)
            else:
                self.server._send_eio_packet(eio_sid, packet)
        if not direct:
            return
        frame = text_frame(packet.encode().encode())
        if isinstance(target, str) and target in self.rooms[namespace][None]:
            direct[0].push(frame)
        else:
            fan_out(direct, event, frame)

    def _members(self, namespace: str, target: Any) -> Iterable[tuple[str, str]] | None:
        """(sid, engine sid) of the rooms' members, each once; None when the target is not a room or some rooms."""
        rooms = self.rooms.get(namespace)
        if rooms is None:
            return ()
        if isinstance(target, str):
            members = rooms.get(target)
            return () if members is None else list(members.items())
        if not isinstance(target, list):
            return None
        merged: dict[str, str] = {}
        for room in target:
            if room in rooms:
                merged.update(rooms[room])
        return list(merged.items())

    @staticmethod
    def _guarded(handler: Callable[..., Any], eio: Any) -> Callable[..., Any]:
        """The library's handler of messages, whose parser raises all sorts of errors for what it cannot read."""

        def message(eio_sid: str, data: Any) -> None:
            try:
                handler(eio_sid, data)
            except MALFORMED as error:
                # handlers of ours catch their own errors, so this is the client's packet
                socket = eio.sockets.get(eio_sid)
                if socket is not None:
                    socket.refuse_packet(error)

        return message

    def _counted_in(self, handler: Callable[..., Any], eio: Any) -> Callable[..., Any]:
        def connect(eio_sid: str, environ: dict[str, Any]) -> Any:
            address = self._edge.address_of(environ)
            self._edge.enter(address)
            eio.sockets[eio_sid].address = address
            return handler(eio_sid, environ)

        return connect

    def _counted_out(self, handler: Callable[..., Any], eio: Any) -> Callable[..., Any]:
        def disconnect(eio_sid: str, reason: str) -> Any:
            socket = eio.sockets.get(eio_sid)
            if socket is not None and socket.address is not None:
                self._edge.leave(socket.address)
                socket.address = None
            return handler(eio_sid, reason)

        return disconnect


class EngineParts:
    """What every socket of one Engine.IO server shares."""

    def __init__(self, connections: Connections, pinger: Pinger) -> None:
        self.connections = connections
        self.pinger = pinger


class Pinger:
    """Sends the pings of all clients and ends those that do not answer, in one green thread.

    Interval and time-out are the same for all, so two queues in order of arrival are in order of time.
    """

    def __init__(self, interval_s: float, timeout_s: float) -> None:
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._to_ping: deque[tuple[float, FanoutSocket]] = deque()
        self._to_check: deque[tuple[float, FanoutSocket, float]] = deque()
        self._running = False

    def add(self, socket: FanoutSocket) -> None:
        """Pings this socket one interval from now."""
        self._to_ping.append((time.monotonic() + self._interval_s, socket))
        if not self._running:
            self._running = True
            green.spawn(self._run)

    def _run(self) -> None:
        while self._to_ping or self._to_check:
            green.sleep(PINGER_INTERVAL_S)
            try:
                self._ping(time.monotonic())
                self._check(time.monotonic())
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


class FanoutSocket(engineio.socket.Socket):  # type: ignore[misc]
    """An Engine.IO socket whose WebSocket transport is a ``Connection``.

    While it polls or upgrades it is the library's; ``connection`` is set when everything goes over the WebSocket.
    """

    # of the library's class, which has no types
    last_ping: float | None
    closed: bool
    closing: bool

    def __init__(self, server: Any, sid: str) -> None:
        super().__init__(server, sid)
        self.connection: Connection | None = None
        self.address: str | None = None

    # The library's interface

    def schedule_ping(self) -> None:
        """After a pong: the next ping is due one interval from now."""
        if self.last_ping:
            self.last_ping = None
            self.server.fanout.pinger.add(self)

    def send(self, pkt: Any) -> None:
        """Sends a packet, or queues it for the next poll."""
        if self.connection is None:
            super().send(pkt)
        elif not self.closed:
            self.connection.push(_frame(pkt))

    def close(self, wait: bool = True, abort: bool = False, reason: Any = None) -> None:
        """Closes whatever the transport is."""
        if self.connection is None:
            super().close(wait=wait, abort=abort, reason=reason)
            return
        if self.closed or self.closing:
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
        if self.upgraded or self.upgrading:
            raise engineio.exceptions.EngineIOError("upgraded already")
        try:
            answer = accept_upgrade(environ)
        except HandshakeRefused as refused:
            if not self.connected:
                self.close(wait=False, abort=True)
            return refuse(refused, start_response)
        sock = green.take_over_socket(environ)
        kept = {key: environ[key] for key in KEPT_ENVIRON if key in environ}
        environ.clear()
        environ.update(kept)
        session = EngineSession(self)
        connection = Connection(sock, self.server.fanout.connections, session)
        connection.push(answer)
        session.start(connection)
        # no list: the library would make an HTTP answer of that
        return ()

    # What the manager and the transport's session call

    def refuse_packet(self, error: BaseException) -> None:
        """Ends the session because of a packet that is not what the protocol says."""
        logger.debug("malformed packet sid=%s reason=%s", self.sid, type(error).__name__)
        if self.connection is not None:
            self.connection.close(CLOSE_PROTOCOL_ERROR, "malformed packet")
        else:
            self.close(wait=False, reason=self.server.reason.TRANSPORT_ERROR)

    def go_direct(self, connection: Connection) -> None:
        """From now on everything goes over the WebSocket; what was queued goes first. Nothing yields in between."""
        self.connected = self.upgraded = True
        self.upgrading = False
        queued = self.queue.queue
        while queued:
            packet = queued.popleft()
            if packet is not None:
                connection.push(_frame(packet))
        self.connection = connection

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
            self._socket.upgrading = True
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

    def on_binary(self) -> None:
        """No event of ours has binary attachments."""
        assert self._connection is not None
        self._connection.close(CLOSE_UNSUPPORTED, "binary events are not supported")

    def on_closed(self, code: int) -> None:
        """The connection is gone; an upgrade that did not finish leaves the session polling."""
        socket = self._socket
        if socket.connection is self._connection:
            socket.gone()
        else:
            socket.upgrading = False

    def _probe(self, text: str, connection: Connection) -> None:
        """The upgrade: probe, answer, and the client's word that it has stopped polling."""
        if not self._is_probed and text == PROBE:
            self._is_probed = True
            connection.push(text_frame(PROBE_ANSWER))
            self._socket.queue.put(eio_packet.Packet(eio_packet.NOOP))  # ends the poll that is under way
        elif self._is_probed and text == UPGRADE:
            self._socket.go_direct(connection)
        else:
            connection.close(CLOSE_PROTOCOL_ERROR, "unexpected packet during the upgrade")

    def _receive(self, text: str) -> None:
        assert self._connection is not None
        try:
            self._socket.receive(eio_packet.Packet(encoded_packet=text))
        except engineio.exceptions.SocketIsClosedError:
            return
        except MALFORMED as error:
            self._socket.refuse_packet(error)


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
        "Server.sockets": isinstance(getattr(eio, "sockets", None), dict),
        "Server.handlers": {"connect", "message", "disconnect"} <= set(getattr(eio, "handlers", ())),
        "Server._trigger_event": hasattr(eio, "_trigger_event"),
        "Manager.rooms": hasattr(socketio.Manager(), "rooms"),
    }
    for part, is_there in parts.items():
        if not is_there:
            raise StartError(
                f"python-engineio {version('python-engineio')} has no {part} as we know it;"
                " install the versions in requirements.txt."
            )
