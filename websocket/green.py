"""Green threads, and the only module of the service that names eventlet.

Whoever leaves eventlet one day edits this file (and the worker class in ``gunicorn.conf.py``). The entry points call
``patch()`` as their very first statement, before anything else is imported.
"""

from __future__ import annotations

import os
import signal
import socket
import warnings
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

# eventlet's own resolver times out in some set-ups; the C library's does not. It would stop every green thread
# while it waits, so patch() sends it to a native thread.
os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")

with warnings.catch_warnings():
    # its notice of retirement is known (it is why this module exists), and not the operator's business
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet
import eventlet.hubs
import eventlet.patcher
import eventlet.tpool
import eventlet.wsgi

T = TypeVar("T")

_real_socket = eventlet.patcher.original("socket").socket
_native_sleep = eventlet.patcher.original("time").sleep

ASYNC_MODE = "eventlet"
"""What Flask-SocketIO calls this concurrency library."""


Killed = eventlet.greenlet.GreenletExit
"""Raised in a task by ``Task.kill()``."""


class DeadlineExceeded(Exception):
    """The block under ``deadline()`` took too long."""


def patch() -> None:
    """Make the standard library cooperative. Idempotent; must come before other imports.

    gunicorn's worker has patched already when it imports the application; then only the resolver is left to do.
    """
    if not is_patched():
        eventlet.monkey_patch()
    blocking_getaddrinfo = socket.getaddrinfo
    if getattr(blocking_getaddrinfo, "runs_in_native_thread", False):
        return

    def getaddrinfo(*args: Any, **kwargs: Any) -> Any:
        # not run_in_native_thread: a question that goes on holds nobody up, and a second one does no harm
        return eventlet.tpool.execute(blocking_getaddrinfo, *args, **kwargs)

    getaddrinfo.runs_in_native_thread = True  # type: ignore[attr-defined]
    socket.getaddrinfo = getaddrinfo


def is_patched() -> bool:
    """True when sockets and threads are cooperative already."""
    return bool(eventlet.patcher.is_monkey_patched("socket") and eventlet.patcher.is_monkey_patched("thread"))


def spawn(function: Callable[..., object], *args: Any) -> None:
    """Run ``function`` in a green thread of its own; nobody waits for it, so it must handle its own errors."""
    eventlet.spawn_n(function, *args)


class Task:
    """A green thread that can be ended from outside."""

    def __init__(self, thread: Any) -> None:
        self._thread = thread

    def kill(self) -> None:
        """Interrupts it at its next cooperative wait. Does nothing when it has ended, or is the caller."""
        if self._thread is not eventlet.getcurrent():
            self._thread.kill()

    def on_end(self, callback: Callable[[Task], object]) -> None:
        """Calls ``callback`` with this task when it ends, however it does."""
        self._thread.link(lambda _thread: callback(self))


def start(function: Callable[..., object], *args: Any) -> Task:
    """Like ``spawn``, with a handle."""
    return Task(eventlet.spawn(function, *args))


def sleep(seconds: float = 0) -> None:
    """Let the others run for at least ``seconds``."""
    eventlet.sleep(seconds)


class NativeCalls:
    """What green threads have running in native threads, where nothing can interrupt it."""

    def __init__(self) -> None:
        self._tokens: set[object] = set()  # native threads take out of it what green threads put in

    @property
    def under_way(self) -> int:
        """How many have not ended."""
        return len(self._tokens)

    def begin(self) -> object:
        """Notes a call; gives what ``end`` wants."""
        token = object()
        self._tokens.add(token)
        return token

    def end(self, token: object) -> None:
        """A call has ended. May be called in any thread."""
        self._tokens.discard(token)


_noted_in: ContextVar[NativeCalls | None] = ContextVar("noted_in", default=None)


@contextmanager
def noting_native_calls(calls: NativeCalls) -> Iterator[None]:
    """Notes in ``calls`` what the block runs in native threads, also what goes on when the block was interrupted."""
    token = _noted_in.set(calls)
    try:
        yield
    finally:
        _noted_in.reset(token)


def run_in_native_thread(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call something that blocks (disk, resolver) without holding up the other green threads.

    When the caller is interrupted, the call goes on; one that has not begun yet never does.
    """
    calls = _noted_in.get() or NativeCalls()
    token = calls.begin()
    has_begun, is_wanted = False, True

    def call() -> T:
        nonlocal has_begun
        has_begun = True  # before it looks: one of both sides sees what the other has written
        try:
            if not is_wanted:
                raise RuntimeError("nobody waits for this any more")
            return function(*args, **kwargs)
        finally:
            calls.end(token)

    try:
        result: T = eventlet.tpool.execute(call)
    finally:
        is_wanted = False
        if not has_begun:
            calls.end(token)
    return result


def native_lock() -> Any:
    """A lock among native threads; a green thread that waits for it holds up all others."""
    return eventlet.patcher.original("threading").Lock()


def native_sleep(seconds: float) -> None:
    """Has a native thread rest; a green thread must use ``sleep``."""
    _native_sleep(seconds)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Limit the time of a block, however it spends it.

    Args:
        seconds: from now; the block is interrupted at its next cooperative wait after that.

    Raises:
        DeadlineExceeded: in the block's caller. A deadline around this one is not confused with it.
    """
    timeout = eventlet.Timeout(seconds)
    try:
        yield
    except eventlet.Timeout as expired:
        if expired is not timeout:
            raise
        raise DeadlineExceeded(f"more than {seconds:g} s") from None
    finally:
        timeout.cancel()


def take_over_socket(environ: Mapping[str, Any]) -> socket.socket:
    """Takes the connection of a WSGI request away from its server; gives the real, non-blocking socket.

    The server then neither answers nor closes it when the WSGI call returns. Works under eventlet's own server and
    under gunicorn's eventlet worker. What the client sent after its request, if anything, is lost: a WebSocket client
    must wait for the answer.
    """
    wrapped = environ["gunicorn.socket"] if "gunicorn.socket" in environ else environ["eventlet.input"].get_socket()
    real = wrapped.fd
    taken: socket.socket = _real_socket(real.family, real.type, real.proto, fileno=real.detach())
    taken.setblocking(False)
    # both servers look here to see that there is nothing left for them to do
    eventlet.wsgi.WSGI_LOCAL.already_handled = True
    return taken


def watch_readable(fd: int, callback: Callable[[], None]) -> Any:
    """Calls ``callback`` in the event loop whenever the descriptor can be read; gives a handle for ``unwatch``.

    The callback must neither block nor yield. Only one watch of a kind per descriptor.
    """
    return _watch("read", fd, callback)


def watch_writable(fd: int, callback: Callable[[], None]) -> Any:
    """The same for writing."""
    return _watch("write", fd, callback)


def unwatch(handle: Any) -> None:
    """Ends a watch. Must be called before the descriptor is closed."""
    eventlet.hubs.get_hub().remove(handle)


def _watch(kind: str, fd: int, callback: Callable[[], None]) -> Any:
    def ready(_fd: int) -> None:
        callback()

    def closed(*_: Any) -> None:
        # somebody closed the descriptor behind our back; reading it tells the callback
        callback()

    hub = eventlet.hubs.get_hub()
    listener = hub.add(kind, fd, ready, closed, lambda: None)
    # it would keep the green thread that watches, here that of the handshake, in memory as long as the watch
    listener.greenlet = hub.greenlet
    return listener


def wait_for_signal(*signals: signal.Signals) -> str:
    """Waits for one of the signals; gives its name. The main thread's handlers for them are replaced."""
    with closing(_signal_arrivals()) as arrivals:
        for number in signals:
            signal.signal(number, lambda *_: None)
        return next(arrived.name for arrived in arrivals if arrived in signals)


def on_signals(callback: Callable[[signal.Signals], object], *signals: signal.Signals) -> None:
    """Calls ``callback`` in a green thread as soon as one of the signals arrives; whoever handles them still does.

    A handler itself may run in the middle of anything. Must be called in the main thread, and replaces what was set
    by ``signal.set_wakeup_fd``.
    """
    arrivals = _signal_arrivals()

    def watch() -> None:
        for arrived in arrivals:
            if arrived in signals:
                callback(arrived)

    spawn(watch)


def _signal_arrivals() -> Generator[signal.Signals, None, None]:
    """Every signal that arrives from now on and has a handler in Python.

    Such a handler runs only when the interpreter gets to run, which may be a second later while everybody sleeps. The
    wake-up descriptor makes the event loop see the signal at once.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())

    def arrivals() -> Generator[signal.Signals, None, None]:
        try:
            while True:
                yield signal.Signals(reader.recv(1)[0])
        finally:
            # a signal that comes later must not be written to what is closed
            signal.set_wakeup_fd(-1)
            writer.close()

    return arrivals()


def listen(host: str, port: int, backlog: int = 4096) -> Any:
    """A listening TCP socket.

    Raises:
        OSError: the address is taken or not ours.
    """
    return eventlet.listen((host, port), backlog=backlog, reuse_port=False)


def serve(listener: Any, app: Any, *, max_connections: int, handshake_timeout_s: float = 15.0) -> None:
    """Serve a WSGI application on a listening socket until the process ends.

    Args:
        listener: listening socket.
        app: the application.
        max_connections: open at any time.
        handshake_timeout_s: a client that does not send its request in so long is dropped, and so is one that leaves
            its connection idle, or does not take the answer.
    """
    protocol = type("Protocol", (_PunctualHttpProtocol,), {"request_timeout_s": handshake_timeout_s})
    eventlet.wsgi.server(
        listener,
        app,
        protocol=protocol,
        max_size=max_connections,
        socket_timeout=handshake_timeout_s,
        log_output=False,
        debug=False,
    )


def limit_first_request(worker: Any, timeout_s: float) -> None:
    """Has a gunicorn worker drop clients that do not send their first request in time.

    gunicorn has one limit for that and for an idle connection between two requests, which must be much longer.
    """
    have_been_heard: weakref.WeakSet[Any] = weakref.WeakSet()  # the green threads of connections
    between_requests = worker.timeout_ctx

    def timeout_ctx() -> Any:
        connection = eventlet.getcurrent()
        if connection in have_been_heard:
            return between_requests()
        have_been_heard.add(connection)
        return eventlet.Timeout(timeout_s, False)

    worker.timeout_ctx = timeout_ctx


class _PunctualHttpProtocol(eventlet.wsgi.HttpProtocol):  # type: ignore[misc]
    """Has a limit for the whole request line, and for all headers; the time-out of a socket begins anew with each byte.

    It also closes its descriptor when a client is gone before it was answered, which the base class leaves to the
    garbage collector.
    """

    request_timeout_s: float

    def _read_request_line(self) -> Any:
        with self._limited():
            return super()._read_request_line()

    def parse_request(self) -> Any:
        with self._limited():
            return super().parse_request()

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.rfile.close()

    @contextmanager
    def _limited(self) -> Iterator[None]:
        try:
            with deadline(self.request_timeout_s):
                yield
        except DeadlineExceeded as late:
            raise TimeoutError from late  # the server then closes the connection without a word
