"""One WebSocket connection without a green thread: an outbox that never waits, and a reader that the event loop calls.

The outbox is the only writer of its socket, and keeps three promises. A frame leaves whole or is continued before any
other, so no frame is cut by another. What is offered to a channel keeps its order. Nobody waits: what the kernel does
not take at once is kept here, one frame a channel, of which the newest wins; answers and control frames are never
replaced, and are counted against a limit of the connection and one of the process.

The reader takes tokens for every frame, before anybody is bothered with it, and for the bytes that it brought.
"""

from __future__ import annotations

import logging
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import msgspec

from websocket import green
from websocket.wire.frames import Incoming, MessageReader, ProtocolFault, close_frame, ping_frame, pong_frame
from websocket.wire.rate import SMALL_COST, MessageRate

logger = logging.getLogger(__name__)

READ_SIZE = 4096
"""Small, so that a client that floods us with tiny frames does not hold the others up for long."""
CLOSE_POLICY = 1008
CLOSE_INTERNAL_ERROR = 1011
CLOSE_TOO_SLOW = 4008
CLOSE_ABNORMAL = 1006
"""Never sent; stands for a connection that ended without a close frame."""
CODE_OF_CLIENT = 4999
"""Never sent; counted for a client's close frame with a code that says more than that it leaves: it may send any, also
those that mean a fault of ours.
"""
LEAVING = frozenset({1000, 1001, 1005})
"""Codes with which clients leave: done, going away, none."""

MESSAGES = ("text", "binary")
"""Kinds of frames that end a message; all others are around it."""

DEAD_PEER_MS = 120_000
"""The kernel gives a peer up that acknowledges nothing for so long."""

LINGER_S = 5.0
"""How long a closing connection waits for the peer's close frame."""


class WireLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one connection may use.

    Attributes:
        max_message_bytes: of one incoming message over all fragments.
        messages_per_second: tokens that it gets; see ``MessageRate``.
        message_burst: tokens that it can have.
        max_queued_bytes: answers and control frames that wait to be sent; more closes the connection.
        max_queued_bytes_together: the same of all connections of the process; more closes those with the most.
        send_buffer_bytes: the kernel's buffer; a large one hides minutes of old prices.
        stall_timeout_s: a connection that takes nothing for so long is closed.
        ping_interval_s: time between two pings, which keep proxies from closing an idle connection.
    """

    max_message_bytes: int = 16 * 1024
    messages_per_second: float = 20.0
    message_burst: int = 100
    max_queued_bytes: int = 1024 * 1024
    max_queued_bytes_together: int = 64 * 1024 * 1024
    send_buffer_bytes: int = 64 * 1024
    stall_timeout_s: float = 30.0
    ping_interval_s: float = 25.0


class Session(Protocol):
    """What a connection carries. No method may block or yield; all but ``start`` are called in the event loop."""

    def start(self, connection: Connection) -> None:
        """The handshake was answered. The peer may be gone already; then ``on_closed`` follows."""

    def on_text(self, text: str) -> None:
        """A text message arrived."""

    def on_binary(self) -> None:
        """A binary message arrived; its content is dropped."""

    def on_refused(self, text: str | None) -> None:
        """A message arrived that the client has no token for, None for a binary one: it may be answered with an error,
        and with nothing else.
        """

    def on_closed(self, code: int) -> None:
        """The connection is gone; called once, and nothing can be sent any more. Never called while the session is
        sending.
        """


class Backlog(Protocol):
    """What waits for one client."""

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait, those aside that are the same for all."""

    def give_up(self) -> None:
        """Forgets what waits and closes the connection as too slow. Does not yield."""


class Connections:
    """All WebSocket connections of this process: their limits, what is stalled, and what is closing.

    Args:
        limits: for each of them.
        clock: monotonic seconds.
    """

    def __init__(self, limits: WireLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.clock = clock
        self.open: set[Connection] = set()
        self.stalled: set[Connection] = set()
        self.closing: dict[Connection, float] = {}  # connection -> when it is cut off
        self.polled: set[Backlog] = set()
        """What waits for clients that poll, whose transport is none of ours."""
        self.queued_bytes = 0
        """What waits altogether, also in ``polled``; see ``Backlog.queued_bytes``."""
        self.merged = 0
        """Publications that were replaced by a newer one before they could be sent."""
        self.closed_codes: dict[int, int] = {}
        """How many connections ended with each code of ours, or of a client that left."""
        self.pushed = 0
        """Answers and control frames that were to be sent; publications are counted where they are fanned out."""
        self.pushed_bytes = 0
        self.received = 0
        """Text and binary messages that came in."""
        self.received_bytes = 0
        """What came in altogether, frames of the protocol included."""
        self._swept_at = clock()

    def sweep(self) -> None:
        """Closes what takes nothing, cuts off what does not finish to close, pings the rest. Call it every second."""
        now = self.clock()
        horizon = now - self.limits.stall_timeout_s
        for connection in [stalled for stalled in self.stalled if stalled.stalled_since <= horizon]:
            if connection not in self.closing:
                connection.drop_and_close(CLOSE_TOO_SLOW, "too slow", linger_s=self.limits.stall_timeout_s)
        for connection in [one for one, until in self.closing.items() if until <= now]:
            connection.abort()
        self._ping(now)

    def new_rate(self) -> MessageRate:
        """The tokens of a new connection, or of a session that may have several one after the other."""
        # by the clock of the process, which no test of the limits of time moves
        return MessageRate(self.limits.messages_per_second, self.limits.message_burst, clock=time.monotonic)

    def relieve(self) -> None:
        """Gives up those for whom most waits when it is too much altogether, until an eighth of the limit is free."""
        limit = self.limits.max_queued_bytes_together
        if self.queued_bytes <= limit:
            return
        backlogs: list[Backlog] = [*self.stalled, *self.polled]
        for backlog in sorted(backlogs, key=lambda one: one.queued_bytes, reverse=True):
            if self.queued_bytes <= limit - limit // 8:
                break
            backlog.give_up()

    def close_all(self, code: int, reason: str) -> None:
        """Closes every connection after what waits for it. Does not yield."""
        for connection in list(self.open):
            connection.close(code, reason)

    def _ping(self, now: float) -> None:
        """Each connection once in an interval, spread over it by the number of its descriptor."""
        interval = self.limits.ping_interval_s
        slots = 32
        first, last = int(self._swept_at / interval * slots), int(now / interval * slots)
        self._swept_at = now
        due = {tick % slots for tick in range(first + 1, min(last, first + slots) + 1)}
        if due:
            frame = ping_frame()
            for connection in [one for one in self.open if one.is_pinged and one.fd % slots in due]:
                if connection not in self.stalled:
                    connection.push(frame)


class Connection:
    """A connection after its handshake.

    Args:
        sock: the real, non-blocking socket; owned from now on.
        connections: the process's registry.
        session: what it carries.
        is_pinged: False when the session sends pings of its own.
        rate: its tokens, when the session has some already.
    """

    __slots__ = (
        "__weakref__",
        "_connections",
        "_is_closed_by_client",
        "_is_rest_of_publication",
        "_queue",
        "_read_watch",
        "_reader",
        "_send",
        "_slots",
        "_sock",
        "_write_watch",
        "close_code",
        "fd",
        "is_open",
        "is_pinged",
        "queued_bytes",
        "rate",
        "session",
        "stalled_since",
    )

    def __init__(
        self,
        sock: socket.socket,
        connections: Connections,
        session: Session,
        *,
        is_pinged: bool = True,
        rate: MessageRate | None = None,
    ) -> None:
        limits = connections.limits
        self._sock = sock
        self._send = sock.send
        self.fd = sock.fileno()
        self._connections = connections
        self.session = session
        self.is_pinged = is_pinged
        self.rate = rate or connections.new_rate()
        self._reader: MessageReader | _Ignore = MessageReader(limits.max_message_bytes)
        # bytes to send, or the name of a channel whose slot is sent
        self._queue: deque[bytes | memoryview | str] | None = None
        self._slots: dict[str, bytes] | None = None  # channel -> its newest frame, the same bytes for all connections
        self.queued_bytes = 0
        """Of answers and control frames that wait."""
        self._is_rest_of_publication = False  # what the queue begins with
        self._write_watch: Any = None
        self.is_open = True
        """False as soon as nothing new is sent: it is closing or gone."""
        self.close_code = CLOSE_ABNORMAL
        self._is_closed_by_client = False
        self.stalled_since = 0.0
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.send_buffer_bytes)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)
        connections.open.add(self)
        self._read_watch = green.watch_readable(self.fd, self._on_readable)

    def open(self, answer: bytes) -> None:
        """Answers the handshake and starts the session."""
        self.push(answer)
        pushed_before = self._connections.pushed_bytes
        try:
            self.session.start(self)
        except Exception:
            # our own fault: the client is told by the code for it, and never by an answer of the HTTP server
            logger.exception("session failed to start fd=%s", self.fd)
            self.close(CLOSE_INTERNAL_ERROR, "internal error")
        self.rate.charge_bytes(self._connections.pushed_bytes - pushed_before)

    # Sending

    @property
    def room_bytes(self) -> int:
        """Bytes that can be pushed before the connection counts as too slow."""
        return self._connections.limits.max_queued_bytes - self.queued_bytes

    def offer(self, channel: str, frame: bytes) -> None:
        """A publication: sent now, or kept as the channel's newest until the kernel takes it. Never yields."""
        if not self.is_open:
            return
        if self._queue is None:
            try:
                sent = self._send(frame)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._lose()
                return
            if sent == len(frame):
                return
            if sent:
                self._is_rest_of_publication = True
                # a view: the bytes are those of everybody
                self._wait_with(memoryview(frame)[sent:])
            else:
                self._slots = {channel: frame}
                self._wait_with(channel)
        else:
            slots = self._slots
            if slots is None:
                slots = self._slots = {}
            if channel in slots:
                self._connections.merged += 1
            else:
                self._queue.append(channel)
            slots[channel] = frame

    def push(self, frame: bytes) -> None:
        """An answer or a control frame: sent now, or as soon as the kernel takes it; never replaced. Never yields."""
        if not self.is_open:
            return
        connections = self._connections
        connections.pushed += 1
        connections.pushed_bytes += len(frame)
        if self._queue is not None:
            if len(frame) > self.room_bytes:
                self.drop_and_close(CLOSE_TOO_SLOW, "too slow")
            else:
                self._queue.append(frame)
                self._count(len(frame))
                connections.relieve()
            return
        sent = self._send_now(frame)
        if sent is not None and sent != len(frame):
            self._wait_with_answer(frame[sent:])

    def show(self, channel: str, frame: bytes, own: bytes | None = None) -> None:
        """A snapshot. It is an answer, but one that waits as a publication does, so that a newer one replaces it.

        Args:
            channel: of the snapshot.
            frame: what waits if it cannot be sent at once, the same bytes for all connections.
            own: the same with fields for this client, sent instead if it can be sent at once.
        """
        if not self.is_open:
            return
        connections = self._connections
        connections.pushed += 1
        connections.pushed_bytes += len(own or frame)
        if own is None or self._queue is not None:
            self.offer(channel, frame)
            return
        sent = self._send_now(own)
        if sent == 0:
            self._slots = {channel: frame}
            self._wait_with(channel)
        elif sent is not None and sent != len(own):
            self._wait_with_answer(own[sent:])

    def _send_now(self, frame: bytes) -> int | None:
        """Gives how many bytes the kernel took; None when the peer is gone."""
        try:
            return self._send(frame)
        except BlockingIOError:
            return 0
        except OSError:
            self._lose()
            return None

    def _wait_with_answer(self, rest: bytes) -> None:
        self._wait_with(rest)
        self._count(len(rest))
        self._connections.relieve()

    def _count(self, change: int) -> None:
        self.queued_bytes += change
        self._connections.queued_bytes += change

    def forget(self, channel: str) -> None:
        """Drops what waits for a channel, because the client unsubscribed."""
        if self._slots is not None and self._slots.pop(channel, None) is not None and self._queue is not None:
            self._queue.remove(channel)
            if not self._queue:
                self._stop_waiting()

    def _wait_with(self, first: bytes | memoryview | str) -> None:
        self._queue = deque((first,))
        self.stalled_since = self._connections.clock()
        self._connections.stalled.add(self)
        self._write_watch = green.watch_writable(self.fd, self._on_writable)

    def _on_writable(self) -> None:
        queue = self._queue
        if queue is None:  # ended a moment ago, by what was read
            return
        while queue:
            head = queue[0]
            if isinstance(head, str):
                assert self._slots is not None
                frame: bytes | memoryview = self._slots[head]
            else:
                frame = head
            try:
                sent = self._send(frame)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._end()
                return
            if sent:
                self.stalled_since = self._connections.clock()
                if isinstance(head, str):
                    assert self._slots is not None
                    del self._slots[head]
                    self._is_rest_of_publication = True
                    frame = memoryview(frame)
                elif not self._is_rest_of_publication:
                    self._count(-sent)
            if sent == len(frame):
                self._is_rest_of_publication = False
                queue.popleft()
            else:
                if sent:
                    queue[0] = frame[sent:]
                return
        self._stop_waiting()
        if not self.is_open:
            self._shut_down_writing()

    def _stop_waiting(self) -> None:
        self._queue = self._slots = None
        self._count(-self.queued_bytes)
        self._is_rest_of_publication = False
        self._connections.stalled.discard(self)
        if self._write_watch is not None:
            green.unwatch(self._write_watch)
            self._write_watch = None

    # Closing

    def close(self, code: int | None, reason: str = "", *, linger_s: float = LINGER_S) -> None:
        """Sends a close frame after what waits, then waits a little for the peer to close as well. Idempotent."""
        if not self.is_open:
            return
        self.push(close_frame(code, reason))
        if self in self._connections.closing:  # the peer is gone, or takes so little that it was closed for that
            return
        self._begin_to_close(code, linger_s)
        if self._queue is None:
            self._shut_down_writing()

    def _begin_to_close(self, code: int | None, linger_s: float) -> None:
        self.is_open = False
        self.close_code = 1005 if code is None else code
        self._connections.closing[self] = self._connections.clock() + linger_s

    def drop_and_close(self, code: int, reason: str, *, linger_s: float = LINGER_S) -> None:
        """Forgets what waits, except the rest of a frame that is half sent, then closes. Idempotent."""
        if self._queue is None or not self.is_open:
            self.close(code, reason, linger_s=linger_s)
            return
        head, frame = self._queue[0], close_frame(code, reason)
        kept: list[bytes | memoryview] = [] if isinstance(head, str) else [head]
        self._slots = None
        # the close frame does not ask for room: it is what makes some
        self._queue = deque((*kept, frame))
        self._count(sum(map(len, self._queue)) - self.queued_bytes)
        if self._is_rest_of_publication:
            self._count(-len(head))
        self._begin_to_close(code, linger_s)

    def give_up(self) -> None:
        """Closes it because too much waits in this process; if it is closing already, cuts it off."""
        if self.is_open:
            self.drop_and_close(CLOSE_TOO_SLOW, "too slow")
        else:
            self._lose()

    def abort(self) -> None:
        """Ends it at once, without a close frame. Idempotent."""
        self._end()

    def _shut_down_writing(self) -> None:
        """Says that nothing more comes, but goes on reading: closing with unread bytes would reset the connection,
        and the peer would lose the close frame.
        """
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._lose()

    def _lose(self) -> None:
        """Sending failed because the peer is gone.

        The reader is told so by the event loop, and ends the connection then: whoever is sending now must not find
        its session ended in the middle of it.
        """
        self.is_open = False
        self._stop_waiting()
        self._connections.closing[self] = self._connections.clock()

    def _end(self) -> None:
        if self._read_watch is None:
            return
        green.unwatch(self._read_watch)
        self._read_watch = None
        self.is_open = False
        self._stop_waiting()
        connections = self._connections
        connections.open.discard(self)
        connections.closing.pop(self, None)
        code = CODE_OF_CLIENT if self._is_closed_by_client and self.close_code not in LEAVING else self.close_code
        connections.closed_codes[code] = connections.closed_codes.get(code, 0) + 1
        self._sock.close()
        try:
            self.session.on_closed(self.close_code)
        except Exception:
            # one connection's end must not disturb the event loop
            logger.exception("session failed while closing code=%s", self.close_code)

    # Receiving

    def _on_readable(self) -> None:
        try:
            data = self._sock.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        self._connections.received_bytes += len(data)
        reader, brought_nothing = self._reader, True
        try:
            for incoming in reader.feed(data):
                brought_nothing = False
                self._handle(incoming)
                if self._read_watch is None or self._reader is not reader:
                    return
        except ProtocolFault as fault:
            self.close(fault.code, fault.reason)
            self._ignore_input()
            return
        if brought_nothing:
            # byte by byte a frame would cost thousands of turns of the event loop
            self._is_paid(SMALL_COST)

    def _is_paid(self, cost: float) -> bool:
        """Takes tokens for what arrived; ends a client that goes on without any."""
        is_paid = self.rate.allows(cost)
        if self.rate.exhausted:
            self.close(CLOSE_POLICY, "too many messages")
            self._ignore_input()
        return is_paid

    def _handle(self, incoming: Incoming) -> None:
        kind = incoming.kind
        if kind == "close":
            self._on_close_frame(incoming.code)
        elif kind in MESSAGES:
            is_paid = self._is_paid(1)
            if self.is_open:
                self._handle_message(incoming, is_paid)
        elif self._is_paid(SMALL_COST) and kind == "ping":
            self.push(pong_frame(incoming.payload))

    def _handle_message(self, incoming: Incoming, is_paid: bool) -> None:
        connections = self._connections
        connections.received += 1
        pushed_before = connections.pushed_bytes
        try:
            if not is_paid:
                self.session.on_refused(incoming.text if incoming.kind == "text" else None)
            elif incoming.kind == "text":
                self.session.on_text(incoming.text)
            else:
                self.session.on_binary()
        except Exception:
            # our own fault: say so with the code for it, and never with details
            logger.exception("session failed fd=%s", self.fd)
            self.close(CLOSE_INTERNAL_ERROR, "internal error")
        # nothing yields meanwhile, so what was pushed since is what this message brought
        self.rate.charge_bytes(len(incoming.text) + connections.pushed_bytes - pushed_before)

    def _on_close_frame(self, code: int | None) -> None:
        if self.is_open:
            # the code is echoed; the session sees what the client said
            self._is_closed_by_client = True
            self.close(code)
        if self._queue is None:
            self._end()
        else:
            self._ignore_input()

    def _ignore_input(self) -> None:
        """After a fault or a close frame the bytes that follow mean nothing.

        They are only read so that our close frame arrives.
        """
        self._reader = _Ignore()


class _Ignore:
    """Stands in for a reader whose input is broken."""

    __slots__ = ()

    def feed(self, _data: bytes) -> Iterator[Incoming]:
        """Nothing comes of it."""
        return iter(())
