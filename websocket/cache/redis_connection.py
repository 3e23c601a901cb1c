"""How Redis is reached, for everyone who talks to it: one client, one way to find out what answers, one breaker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import msgspec
import redis
from redis._parsers import _RESP2Parser
from redis._parsers.socket import SocketBuffer
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    InvalidResponse,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.retry import Retry

from websocket import green
from websocket.settings import RedisSettings

REDIS_FAILURES = (RedisError, OSError, UnicodeError, green.DeadlineExceeded)
"""What a call to Redis raises when it did not work. UnicodeError: a host name that no resolver takes."""

CALL_DEADLINE_S = 1.0
"""Longest time of one call as a whole. The socket time-outs know nothing of resolvers and of answers that drip."""

ANSWER_MAX_BYTES = 32_000_000
"""Longest answer that is read; nothing that we ask for has a fourth of it. One that is longer ends the connection."""

_SOCKET_TIMEOUT_S = 0.5
_IDLE_CHECK_S = 10
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0

Outcome = Literal["ready", "unavailable", "refused", "no_such_database", "no_redis"]


class Probe(msgspec.Struct, frozen=True):
    """What a look at Redis found.

    Attributes:
        outcome: ``ready``: reads and writes work. ``unavailable``: nothing answers, or not now. ``refused``: user or
            password are wrong, missing, or may not do what we need. ``no_such_database``: it does not have this
            number. ``no_redis``: what answers is something else.
        reason: what it said, in words without secrets; empty when ready.
    """

    outcome: Outcome
    reason: str


class Breaker:
    """Leaves Redis alone for a while after a failure: 1 s, then doubling to 30 s until a call works.

    Does not yield, so green threads may share it.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause_s = 0.0
        self._closed_until = 0.0

    @property
    def is_open(self) -> bool:
        """True from a failure until a call works, also when it is time for the next trial."""
        return self._pause_s > 0

    def allows(self) -> bool:
        """True when Redis may be called now."""
        return not self.is_open or self._clock() >= self._closed_until

    def failed(self) -> bool:
        """Notes a call that did not work; True when it is the first after one that did."""
        is_first = not self.is_open
        self._pause_s = _FIRST_PAUSE_S if is_first else min(2 * self._pause_s, _LONGEST_PAUSE_S)
        self._closed_until = self._clock() + self._pause_s
        return is_first

    def worked(self) -> bool:
        """Notes a call that worked; True when it is the first after one that did not."""
        is_first = self.is_open
        self._pause_s = 0.0
        return is_first


class _BoundedBuffer(SocketBuffer):
    """What is read of an answer, until it is complete."""

    def _read_from_socket(self, length: int | None = None, *args: Any, **options: Any) -> bool:
        if self._buffer.getbuffer().nbytes + (length or 0) > ANSWER_MAX_BYTES:
            raise InvalidResponse(f"an answer of more than {ANSWER_MAX_BYTES} bytes")
        read: bool = super()._read_from_socket(length, *args, **options)
        return read


class BoundedParser(_RESP2Parser):
    """Reads answers of at most ``ANSWER_MAX_BYTES``: what others store must not fill our memory."""

    def on_connect(self, connection: Any) -> None:
        """As the class that it extends, with a buffer that has a bound."""
        super().on_connect(connection)  # type: ignore[no-untyped-call]
        assert self._sock is not None
        self._buffer = _BoundedBuffer(self._sock, self.socket_read_size, connection.socket_timeout)


def redis_client(settings: RedisSettings, *, socket_timeout_s: float = _SOCKET_TIMEOUT_S) -> redis.Redis:
    """A client that gives bytes, never waits long on its socket and does not retry.

    Connects with its first call and again by itself after each failure. Green threads may share it.

    Args:
        settings: an empty host means this machine.
        socket_timeout_s: longest wait for an answer; connecting never takes more than half a second.
    """
    pool = redis.ConnectionPool(
        # By number: bare systems do not know the name, and where it has two addresses the time-outs would add up.
        host=settings.host or "127.0.0.1",
        port=settings.port,
        db=settings.db,
        username=settings.username or None,
        password=settings.password.reveal() or None,
        socket_connect_timeout=_SOCKET_TIMEOUT_S,
        socket_timeout=socket_timeout_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=_IDLE_CHECK_S,
        decode_responses=False,
        # The older wire protocol: what is used here is the same in both, and it is understood by every Redis.
        protocol=2,
        parser_class=BoundedParser,
    )
    return redis.Redis.from_pool(pool)


def redis_address(settings: RedisSettings) -> str:
    """Where Redis is, as messages say it, for example ``localhost:6379``."""
    return f"{settings.host or 'localhost'}:{settings.port}"


def probe_redis(client: redis.Redis, prefix: str, within_s: float = CALL_DEADLINE_S) -> Probe:
    """Finds out whether ``client`` can be used: pings, then writes a key below ``prefix`` that is gone in a second.

    Args:
        client: as ``redis_client`` makes it.
        prefix: ``REDIS_PREFIX``.
        within_s: longest time for all of it.
    """
    try:
        with green.deadline(within_s):
            client.ping()
            client.set(f"{prefix}probe", b"", px=1000)
    except REDIS_FAILURES as error:
        return Probe(_outcome(error), describe_failure(error))
    return Probe("ready", "")


def describe_failure(error: Exception) -> str:
    """One of ``REDIS_FAILURES`` in a few words, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _outcome(error: Exception) -> Outcome:
    if isinstance(
        error, AuthenticationError | AuthorizationError | AuthenticationWrongNumberOfArgsError | NoPermissionError
    ):
        return "refused"
    if isinstance(error, InvalidResponse):
        return "no_redis"
    if isinstance(error, ResponseError):
        said = str(error).lower()
        if "db index" in said or "select is not allowed" in said:
            return "no_such_database"
        if "unknown command" in said:
            return "no_redis"
    return "unavailable"
