"""One HTTP connection: its requests one after the other, each with one time limit for all of it, and their answers."""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import h11
import msgspec

from websocket import green
from websocket.http_server.answers import error_body
from websocket.http_server.environ import BadTarget, wsgi_environ
from websocket.http_server.places import HttpPlaces, Waiting

logger = logging.getLogger(__name__)

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

TAKE_OVER = "dwt.take_over"
"""Key in the environment of a request under which ``take_over`` finds the connection."""

READ_SIZE = 16 * 1024

MAX_HEAD_BYTES = 32 * 1024
"""Of a request's line and headers together, as much as nginx passes on by default."""

MAX_HEADERS = 200
"""Of a request; browsers and the proxies before us need some forty. Thousands of short ones would take 20 ms."""

MIN_BYTES_PER_S = 16 * 1024
"""How fast an answer must be taken after ``HttpLimits.answer_timeout_s``: so a large one has time in proportion."""

BUFFERED_BYTES = 512 * 1024
"""What the kernels on both sides take of an answer although nobody reads it; it gives no time."""

SEND_BUFFER_BYTES = 64 * 1024
"""The kernel's; by itself it would hold megabytes for a client that does not read."""

REFUSED_PAUSE_S = 1.0
"""After the answer that there were too many requests nothing more is read for so long, as ``Retry-After`` asks:
refusing costs as well. A proxy's connection goes on, because the next request may be somebody else's.
"""

JOINED_BYTES = 16 * 1024
"""What of an answer leaves in one piece. A larger body is sent from where it is, often the same bytes for many: a copy
for each client that reads slowly would fill the memory.
"""

MAX_CHUNKS = 1000
"""Of one request's body. Each takes as much time as kilobytes in one piece, and nobody has paid for it yet."""

LINGER_S = 1.0
LINGER_BYTES = 64 * 1024
LINGER_PAUSE_S = 0.05
"""What is read of a request that was refused before it was whole. Closing with unread bytes resets the connection, and
the client may never see the answer; reading all of it would be what the refusal is to spare us.
"""


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one connection may take.

    Attributes:
        request_timeout_s: for a whole request, head and body; the first one counts from the opening of the connection.
        answer_timeout_s: for a whole answer, from its first byte; see ``MIN_BYTES_PER_S``.
        idle_timeout_s: between two requests. Longer than a load balancer keeps an idle connection, so that it is never
            the one to find it closed.
        max_body_bytes: of a request's body without its chunks.
    """

    request_timeout_s: float = 15.0
    answer_timeout_s: float = 30.0
    idle_timeout_s: float = 75.0
    max_body_bytes: int = 64 * 1024


class Refused(Exception):
    """A request is answered with an error, and the connection closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class TooSlow(Exception):
    """The peer did not do its part in time."""


class HttpConnection:
    """A connection that is not a WebSocket, or not yet.

    Args:
        sock: the real, non-blocking socket; owned from now on.
        peer: address and port of the other side.
        address: whose share of the places it counts against; empty for a proxy.
        app: what answers.
        limits: of time and size.
        places: where it has its place.
        is_ending: whether this process is about to end, so that answers close their connections.
    """

    __slots__ = (
        "_answer_until",
        "_app",
        "_buffered",
        "_is_ending",
        "_is_taken",
        "_is_with_application",
        "_limits",
        "_local",
        "_method",
        "_peer",
        "_places",
        "_protocol",
        "_sock",
        "address",
    )

    def __init__(
        self,
        sock: socket.socket,
        peer: tuple[str, int],
        address: str,
        *,
        app: WsgiApp,
        limits: HttpLimits,
        places: HttpPlaces,
        is_ending: Callable[[], bool],
    ) -> None:
        self._sock = sock
        self._peer = peer
        self.address = address
        self._app = app
        self._limits = limits
        self._places = places
        self._is_ending = is_ending
        self._local = sock.getsockname()[:2]
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._method = b""  # of the request that comes or is answered, as far as one is seen
        self._answer_until = 0.0
        self._buffered = 0
        self._is_taken = False
        self._is_with_application = False

    def run(self) -> None:
        """Serves it until it ends or becomes a WebSocket."""
        try:
            is_first = True
            while self._serve_request(is_first):
                is_first = False
                if self._protocol.trailing_data[0]:
                    # whoever sends many requests at once does not hold up the others
                    green.sleep(0)
        except (OSError, TooSlow):
            pass  # gone, or given up; nobody is there to be answered
        except Exception:
            logger.exception("HTTP connection failed peer=%s", self._peer[0])
        finally:
            self._places.leave(self)
            if not self._is_taken:
                self._sock.close()

    def evict(self) -> None:
        """Makes whatever waits for the peer see an end. Does not yield."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        if self._is_with_application:
            # which may take its time before it notices; the descriptor is needed now
            self._sock.close()

    def take_over(self) -> socket.socket:
        """Gives the socket away: nothing here reads, writes or closes it any more.

        What the client sent after its request, if anything, is lost: a WebSocket client must wait for the answer.
        """
        self._is_taken = True
        self._places.leave(self)
        return self._sock

    # One request

    def _serve_request(self, is_first: bool) -> bool:
        """True when another may follow."""
        try:
            received = self._receive_request(is_first)
            if received is None:
                return False
            request, body = received
            environ = wsgi_environ(request, body, peer=self._peer, local=self._local)
        except Refused as refused:
            return self._refuse(refused.status, str(refused))
        except BadTarget as bad:
            return self._refuse(400, str(bad))
        except h11.RemoteProtocolError as fault:
            return self._refuse(fault.error_status_hint, "This is not a valid HTTP/1.1 request.")
        environ[TAKE_OVER] = self.take_over
        self._places.wait(self, Waiting.APPLICATION)
        status = self._answer(environ)
        if self._is_taken:
            return False
        if self._protocol.our_state is not h11.DONE or self._protocol.their_state is not h11.DONE:
            return False
        if status == HTTPStatus.TOO_MANY_REQUESTS and self.address:
            self._places.wait(self, Waiting.NEXT_REQUEST)
            green.sleep(REFUSED_PAUSE_S)
        self._protocol.start_next_cycle()
        return True

    def _receive_request(self, is_first: bool) -> tuple[h11.Request, bytes] | None:
        """Head and body of the next request; None when the client closes instead."""
        protocol, limits = self._protocol, self._limits
        is_idle = not is_first and not protocol.trailing_data[0]
        self._look_at_head()
        self._places.wait(self, Waiting.NEXT_REQUEST if is_idle else Waiting.REQUEST)
        until = time.monotonic() + (limits.idle_timeout_s if is_idle else limits.request_timeout_s)
        request: h11.Request | None = None
        body: list[bytes] = []
        size = chunks = received = 0
        while True:
            event = protocol.next_event()
            if event is h11.NEED_DATA:
                if protocol.they_are_waiting_for_100_continue:
                    self._begin_answer()
                    self._send(protocol.send(h11.InformationalResponse(status_code=100, headers=[])))
                data = self._receive(until)
                if is_idle:
                    is_idle = False
                    until = time.monotonic() + limits.request_timeout_s
                    self._places.wait(self, Waiting.REQUEST)
                if not data and request is None:
                    return None
                received += len(data)
                if request is not None and received > MAX_HEAD_BYTES + 2 * limits.max_body_bytes:
                    # what is around the chunks, such as their extensions, has a limit as well
                    raise self._too_large()
                protocol.receive_data(data)
                if request is None:
                    self._look_at_head()
            elif isinstance(event, h11.Request):
                request = event
                self._check_head(request)
            elif isinstance(event, h11.Data):
                size += len(event.data)
                chunks += event.chunk_start
                if size > limits.max_body_bytes or chunks > MAX_CHUNKS:
                    raise self._too_large()
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                assert request is not None
                return request, b"".join(body)
            else:  # the client has closed
                return None

    def _look_at_head(self) -> None:
        """Before it is parsed. Also what turns out to be no request is answered as it began: nothing after ``HEAD``."""
        head = self._protocol.trailing_data[0]
        self._method = head[:8].partition(b" ")[0]
        end = head.find(b"\r\n\r\n")
        if head.count(b"\n", 0, end if end >= 0 else len(head)) > MAX_HEADERS:
            raise Refused(431, f"A request may have {MAX_HEADERS} headers.")

    def _check_head(self, request: h11.Request) -> None:
        """Refuses what may mean different things to us and to a proxy, and bodies that are known to be too large."""
        headers = dict(request.headers)  # h11 has seen to it that neither of these comes twice
        length = headers.get(b"content-length")
        if b"transfer-encoding" in headers and (length is not None or request.http_version != b"1.1"):
            raise Refused(400, "Expected a Content-Length or, in HTTP/1.1, chunks, and not both.")
        if length is not None and int(length) > self._limits.max_body_bytes:
            raise self._too_large()

    def _too_large(self) -> Refused:
        return Refused(413, f"A request's body may have {self._limits.max_body_bytes} bytes in {MAX_CHUNKS} chunks.")

    def _receive(self, until: float) -> bytes:
        """What has arrived, empty when the client has closed. Always yields: also for one that never stops sending."""
        has_yielded = False
        while True:
            remaining = _remaining(until)
            try:
                data = self._sock.recv(READ_SIZE)
            except BlockingIOError:
                green.wait_readable(self._sock, remaining)
                has_yielded = True
                continue
            if not has_yielded:
                green.sleep(0)
            return data

    # One answer

    def _answer(self, environ: dict[str, Any]) -> int:
        """Calls the application and sends what it answers; gives the status."""
        answer = _Answer()
        body: Iterable[bytes] = ()
        self._is_with_application = True
        try:
            body = self._app(environ, answer.start)
            if self._is_taken:
                return answer.status
            pieces = iter(body)
            first = next(pieces, b"")  # an application may wait with the head until it is asked for the body
            self._is_with_application = False
            self._places.serve(self)
            self._begin_answer()
            self._send_answer(environ["REQUEST_METHOD"], answer, first, pieces, body)
        except (OSError, TooSlow):
            raise
        except Exception:
            # a bug of ours must neither show its inside to the client nor end anything but this request
            logger.exception("request failed path=%s", environ["PATH_INFO"][:200])
            if self._protocol.our_state is h11.SEND_RESPONSE:
                self._refuse(500, "This failed on our side; it is logged.")
        finally:
            self._is_with_application = False
            close = getattr(body, "close", None)
            if close is not None:
                close()
        return answer.status

    def _send_answer(
        self, method: str, answer: _Answer, first: bytes, pieces: Iterator[bytes], body: Iterable[bytes]
    ) -> None:
        protocol = self._protocol
        has_body = method != "HEAD" and answer.status not in (204, 304)
        headers = list(answer.headers)
        names = {name.lower() for name, _ in headers}
        if b"date" not in names:
            headers.append((b"Date", formatdate(usegmt=True).encode()))
        if b"content-length" not in names and isinstance(body, (list, tuple)) and answer.status not in (204, 304):
            headers.append((b"Content-Length", b"%d" % sum(map(len, body))))
        if self._is_ending():
            headers.append((b"Connection", b"close"))
        unsent = protocol.send(h11.Response(status_code=answer.status, reason=answer.reason, headers=headers)) or b""
        for piece in itertools.chain((first,), pieces) if has_body else ():
            data = (piece and protocol.send(h11.Data(piece))) or b""
            if len(unsent) + len(data) <= JOINED_BYTES:
                unsent += data
            else:
                self._send(unsent)
                unsent = data
        self._send(unsent)
        try:
            self._send(protocol.send(h11.EndOfMessage()))
        except h11.LocalProtocolError:
            # less than announced; the end of the connection is the only way to say so
            logger.error("answer was shorter than its Content-Length status=%s", answer.status)

    def _refuse(self, status: int, message: str) -> bool:
        """Answers with an error and ends the connection; gives False."""
        body = error_body(status, message)
        headers = [
            ("Date", formatdate(usegmt=True)),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        protocol = self._protocol
        self._begin_answer()
        answer = protocol.send(h11.Response(status_code=status, headers=headers)) or b""
        if self._method != b"HEAD":
            answer += protocol.send(h11.Data(body)) or b""
        # h11 is not told of the end: of what is no request it does not know that it asked for no body
        self._send(answer)
        self._linger()
        return False

    def _linger(self) -> None:
        """Reads a little of what still comes, so that our answer arrives."""
        self._sock.shutdown(socket.SHUT_WR)
        until, left = time.monotonic() + LINGER_S, LINGER_BYTES
        self._places.wait(self, Waiting.REQUEST)
        while left > 0:
            data = self._receive(until)
            if not data:
                return
            left -= len(data)
            # whoever goes on sending is in no hurry, and must not come back at once
            green.sleep(LINGER_PAUSE_S)

    def _begin_answer(self) -> None:
        self._answer_until = time.monotonic() + self._limits.answer_timeout_s
        self._buffered = BUFFERED_BYTES

    def _send(self, data: bytes | None) -> None:
        """Sends all of it, however slowly it is taken within the limit."""
        rest = memoryview(data or b"")
        is_waiting = False
        while rest:
            try:
                sent = self._sock.send(rest)
            except BlockingIOError:
                if not is_waiting:
                    is_waiting = True
                    self._places.wait(self, Waiting.READER)
                green.wait_writable(self._sock, _remaining(self._answer_until))
                continue
            self._buffered -= sent
            if self._buffered < 0:
                self._answer_until -= self._buffered / MIN_BYTES_PER_S
                self._buffered = 0
            rest = rest[sent:]
        if is_waiting:
            self._places.serve(self)


class _Answer:
    """The head of an answer, as the application gives it."""

    def __init__(self) -> None:
        self.status = 500
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """PEP 3333's ``start_response``. Nothing was sent before the whole head is known, so it may be called again."""
        code, _, reason = status.partition(" ")
        self.status, self.reason = int(code), reason.encode("latin-1")
        # a value may repeat what the client sent, of which h11 takes bytes only when it is not ASCII
        self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return _no_write


def _no_write(_data: bytes) -> None:
    """PEP 3333's ``write``, which none of our applications uses."""
    raise NotImplementedError("answers are given as iterables")


def _remaining(until: float) -> float:
    remaining = until - time.monotonic()
    if remaining <= 0:
        raise TooSlow
    return remaining


def take_over(environ: Mapping[str, Any]) -> socket.socket:
    """Takes the connection of a request away from the server; gives the real, non-blocking socket.

    The server then neither answers nor closes it when the application returns.
    """
    taken: socket.socket = environ[TAKE_OVER]()
    return taken
