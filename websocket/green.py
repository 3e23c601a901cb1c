"""Green threads, and the only module of the service that names eventlet.

Whoever leaves eventlet one day edits this file (and the worker class in ``gunicorn.conf.py``). The entry points call
``patch()`` as their very first statement, before anything else is imported.
"""

from __future__ import annotations

import os
import signal
import socket
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

# eventlet's own resolver times out in some set-ups; the C library's does not. It would stop every green thread
# while it waits, so patch() sends it to a native thread.
os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")

with warnings.catch_warnings():
    # its notice of retirement is known (it is why this module exists), and not the operator's business
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet
import eventlet.event
import eventlet.hubs
import eventlet.patcher

T = TypeVar("T")

_native_socket = eventlet.patcher.original("socket")
_native_threading = eventlet.patcher.original("threading")
_in_native_thread = _native_threading.local()  # of each native thread: whether it is one of ours
_native_sleep = eventlet.patcher.original("time").sleep

ASYNC_MODE = "eventlet"
"""What Flask-SocketIO and gunicorn call this concurrency library."""

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


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

    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        return _resolve(blocking_getaddrinfo, host, port, family, type, proto, flags)

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


class Event:
    """Something that happens once, and that green threads can wait for."""

    def __init__(self) -> None:
        self._event = eventlet.Event()

    def set(self) -> None:
        """Lets all go on who wait. Idempotent."""
        if not self._event.ready():
            self._event.send()

    def wait(self, timeout_s: float) -> None:
        """Returns when it has happened, or after so many seconds."""
        self._event.wait(timeout_s)


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


class NativeThreadsBusy(Exception):
    """No native thread is free, and enough calls wait for one."""


class _NativeCall:
    """One call on its way through native threads."""

    def __init__(self, function: Callable[[], Any], noted_in: NativeCalls | None) -> None:
        self._function = function
        self._noted_in = noted_in or NativeCalls()
        self._token = self._noted_in.begin()
        self._result: Any = None
        self._error: BaseException | None = None
        self.ended = eventlet.event.Event()  # for green threads only

    def run(self) -> None:
        """Runs it, in a native thread."""
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the one who waits
            self._error = error
        finally:
            self.forget()

    def forget(self) -> None:
        """It has ended, or will never begin."""
        self._noted_in.end(self._token)

    def outcome(self) -> Any:
        """What it returned; raises what it raised."""
        error, self._error = self._error, None
        if error is None:
            return self._result
        try:
            raise error
        finally:
            del error  # a cycle with its traceback would keep everything that the call had in hand


class NativeThreads:
    """A few native threads for calls of one kind that block, so that no other kind waits for them.

    The threads begin as they are needed, in the process that needs them (not before a fork), and end with it, whatever
    they do then. Calls wait for a free thread in their order. For green threads only.

    Args:
        name: of the threads.
        size: how many calls run at a time.
        max_waiting: how many more may wait; None for any number, when the callers limit themselves.
        noted: whether ``noting_native_calls`` notes these calls.
    """

    def __init__(self, name: str, *, size: int, max_waiting: int | None = None, noted: bool = True) -> None:
        self._name = name
        self._size = size
        self._max_waiting = max_waiting
        self._noted = noted
        self._pid: int | None = None

    def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Calls the function in one of the threads, and waits for the result as green threads do.

        When the caller is interrupted, a call that has begun goes on, and its result is lost; one that has not begun
        never does. Within one of these threads it is an ordinary call. The function must neither log nor wait for
        green threads.

        Raises:
            NativeThreadsBusy: too many wait already.
            RuntimeError: the system refuses the very first thread.
        """
        if getattr(_in_native_thread, "value", False):
            return function(*args, **kwargs)
        if self._pid != os.getpid():
            self._begin()
        call = _NativeCall(lambda: function(*args, **kwargs), _noted_in.get() if self._noted else None)
        self._hand_over(call)
        try:
            call.ended.wait()
        except BaseException:
            with self._changed:
                if call in self._waiting:
                    self._waiting.remove(call)
                    call.forget()
            raise
        result: T = call.outcome()
        return result

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._changed = _native_threading.Condition()
        self._threads = self._idle = 0
        self._waiting: deque[_NativeCall] = deque()
        self._ended: deque[_NativeCall] = deque()
        self._reader, self._writer = _native_socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        # somebody may still wait for what had this number before
        eventlet.hubs.notify_opened(self._reader.fileno())
        watch_readable(self._reader.fileno(), self._give_results)

    def _hand_over(self, call: _NativeCall) -> None:
        # the lock is native, but no thread holds it for longer than some instructions
        with self._changed:
            free = self._size - self._threads + self._idle
            if self._max_waiting is not None and len(self._waiting) >= free + self._max_waiting:
                call.forget()
                raise NativeThreadsBusy(f"{self._name}: {len(self._waiting)} calls wait")
            self._waiting.append(call)
            if self._idle >= len(self._waiting) or self._threads == self._size:
                self._changed.notify()
                return
            self._threads += 1
        try:
            _native_threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError:  # the system has no more threads for us
            with self._changed:
                self._threads -= 1
                if self._threads:
                    return  # one of those that run takes it
                self._waiting.remove(call)
                call.forget()
            raise

    def _work(self) -> None:
        _in_native_thread.value = True
        with self._changed:
            self._idle += 1
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                self._idle -= 1
                call = self._waiting.popleft()
            call.run()
            with self._changed:
                # before the result is known: who has it may come with the next call at once
                self._idle += 1
            self._ended.append(call)
            del call
            with suppress(BlockingIOError):  # then there is enough to wake the event loop up
                self._writer.send(b".")

    def _give_results(self) -> None:
        """Called in the event loop."""
        with suppress(BlockingIOError):
            self._reader.recv(4096)
        while self._ended:
            self._ended.popleft().ended.send()


DISK_WRITES = NativeThreads("disk writes", size=4)
"""The archive's writer, its long task, the look after its backups and the cache's file, which are one at a time each:
none of them ever waits for a thread."""

DISK_READS = NativeThreads("disk reads", size=8)
"""What clients ask the archive for; the archive limits how many."""

NAMES = NativeThreads("names", size=8, max_waiting=64, noted=False)
"""Questions to the resolver. They are not noted: one that goes on holds nobody up, and a second one does no harm."""

RESOLVE_S = 10.0
"""Longest wait for an address: time for a second attempt of the C library, which asks again after 5 s."""


def run_in_native_thread(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Calls something that waits for the disk without holding up the other green threads; see ``NativeThreads.run``.

    Clients' reads go through ``DISK_READS.run`` instead, where they cannot keep anybody from writing.
    """
    return DISK_WRITES.run(function, *args, **kwargs)


def _resolve(resolve: Callable[..., Any], host: Any, port: Any, family: int, kind: int, proto: int, flags: int) -> Any:
    """As ``socket.getaddrinfo``, in a native thread when a name server may have to be asked.

    Raises:
        socket.gaierror: as usual; EAI_AGAIN as well when there is no answer in time, or too many questions are open.
    """
    if host is None or isinstance(port, int):
        # addresses, such as that of a Redis beside us, must not wait for those who wait for a name server
        try:
            return resolve(host, port, family, kind, proto, flags | socket.AI_NUMERICHOST)
        except socket.gaierror as error:
            if flags & socket.AI_NUMERICHOST or error.errno != socket.EAI_NONAME:
                raise
    try:
        with deadline(RESOLVE_S):
            return NAMES.run(resolve, host, port, family, kind, proto, flags)
    except (DeadlineExceeded, NativeThreadsBusy) as error:
        raise socket.gaierror(socket.EAI_AGAIN, "no answer from the resolver in time") from error


def native_lock() -> Any:
    """A lock among native threads; a green thread that waits for it holds up all others."""
    return _native_threading.Lock()


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


def wait_readable(sock: socket.socket, timeout_s: float | None = None) -> None:
    """Waits until a real, non-blocking socket can be read, or its peer has closed.

    Raises:
        TimeoutError: it took longer than ``timeout_s`` seconds.
        OSError: the socket was closed meanwhile.
    """
    eventlet.hubs.trampoline(sock.fileno(), read=True, timeout=timeout_s, timeout_exc=TimeoutError)


def wait_writable(sock: socket.socket, timeout_s: float | None = None) -> None:
    """The same for writing."""
    eventlet.hubs.trampoline(sock.fileno(), write=True, timeout=timeout_s, timeout_exc=TimeoutError)


def real_socket(sock: Any) -> socket.socket:
    """The socket of the system inside of a green one, or inside of gunicorn's wrapper around a listener."""
    green = getattr(sock, "sock", sock)
    real: socket.socket = getattr(green, "fd", green)
    return real


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


def watch_signals(callback: Callable[[signal.Signals], object], *signals: signal.Signals) -> None:
    """Calls ``callback`` as soon as one of the signals arrives, whoever handles them; does not return.

    To be run in a green thread of its own: a handler itself may run in the middle of anything. The native thread must
    be the main thread. Replaces what was set by ``signal.set_wakeup_fd``.
    """
    with closing(_signal_arrivals()) as arrivals:
        for arrived in arrivals:
            if arrived in signals:
                callback(arrived)


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
