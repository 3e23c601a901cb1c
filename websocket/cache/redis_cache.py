"""A cache shared through Redis, with the embedded cache underneath that goes on alone while Redis is away."""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterable

import redis

from websocket import green
from websocket.cache.base import Cache, CacheStatus, Check, trouble_with
from websocket.cache.embedded_cache import MAX_BYTES, EmbeddedCache, Entry
from websocket.cache.redis_connection import CALL_DEADLINE_S, REDIS_FAILURES, Breaker, describe_failure
from websocket.refused import Refused, Throttle
from websocket.supervisor import supervise

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 1.0

_MARKER_LIFETIME_MS = 24 * 3600 * 1000


class RedisCache(Cache):
    """Writes to the embedded cache and to Redis; reads from Redis, because another process may have written there.

    While Redis is away the embedded cache answers at once; only ``check()`` tries whether Redis is back.

    A marker in Redis, one for each process, counts our writes. When it is not what we left there, Redis lost something:
    it was restarted empty or from an old dump, or was flushed, however fast that went. Then it gets all values again:
    what was put here replaces what Redis has; what was only read here, or comes from the file of an earlier run, is
    added where Redis has nothing, because another process may know better.

    A value in Redis that cannot be ours (of another type, too long, or not what the caller expects) is not taken over:
    what is held here is written over it.

    Args:
        client: used by this cache alone, and closed with it.
        embedded: closed with this cache.
        prefix: begins the name of every key in Redis.
        address: of Redis, for messages.
        wall_clock: Unix seconds; the same as that of ``embedded``.
        breaker: keeps calls away from a Redis that does not answer.
    """

    def __init__(
        self,
        client: redis.Redis,
        embedded: EmbeddedCache,
        *,
        prefix: str,
        address: str,
        wall_clock: Callable[[], float] = time.time,
        breaker: Breaker | None = None,
    ) -> None:
        self._client = client
        self._embedded = embedded
        self._prefix = f"{prefix}cache:"
        self._marker = f"{prefix}cache-writer:{uuid.uuid4().hex}"
        self._address = address
        self._wall_clock = wall_clock
        self._breaker = breaker or Breaker()
        # One call at a time: otherwise an older value could overtake a newer one on another connection.
        self._calling = threading.Lock()
        self._writes = 0
        self._unwritten: set[str] = set()
        self._own: set[str] = set()
        self._last_error: str | None = None
        self._hits = 0
        self._misses = 0
        self._refused = Refused("Redis")
        self._bugs = Throttle()
        self._closed = False

    def start(self) -> None:
        """Connects for the first time, and from now on looks after Redis once a second.

        Returns after the first look, whether Redis answered or not.
        """
        self.check()
        supervise("redis cache", self._keep_checking, may_end=lambda: self._closed)

    def get(self, key: str, check: Check | None = None) -> bytes | None:
        self._call_unless_away(lambda: self._refresh(key, check))
        entry = self._embedded.peek(key)
        if entry is not None and (trouble := trouble_with(entry.value, check)) is not None:
            self._refused.note(key, trouble)
            entry = None
        if entry is None:
            self._misses += 1
            return None
        self._hits += 1
        return entry.value

    def put(self, key: str, value: bytes, ttl_s: float | None = None) -> None:
        self._embedded.put(key, value, ttl_s)
        self._own.add(key)
        self._unwritten.add(key)
        self._call_unless_away(lambda: self._write([key]))

    def delete(self, key: str) -> None:
        self._embedded.delete(key)
        self._own.discard(key)
        self._unwritten.add(key)
        self._call_unless_away(lambda: self._write([key]))

    def status(self) -> CacheStatus:
        embedded = self._embedded.status()
        if self._breaker.is_open:
            detail = f"Redis at {self._address} is away ({self._last_error}); meanwhile {embedded.detail}"
        else:
            detail = f"Redis at {self._address}; {embedded.detail}"
        return CacheStatus(
            kind="redis",
            healthy=embedded.healthy and not self._breaker.is_open,
            detail=detail,
            last_error=self._last_error or embedded.last_error,
            hits=self._hits,
            misses=self._misses,
            refused=self._refused.count,
            last_refused=self._refused.last,
        )

    def check(self) -> None:
        """Tries Redis, unless it failed a moment ago, and writes what it lacks."""
        if self._breaker.allows():
            with self._calling:
                self._call(self._restore_what_is_lost)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.check()
        self._call_unless_away(lambda: self._client.delete(self._marker))
        self._client.close()
        self._embedded.close()

    def _keep_checking(self) -> None:
        while True:
            green.sleep(CHECK_INTERVAL_S)
            if self._closed:
                return
            try:
                self.check()
            except Exception as error:  # noqa: BLE001 - it is logged
                self._bugs.exception(logger, "checking the cache failed", error)

    def _call_unless_away(self, call: Callable[[], object]) -> None:
        # Looked at before waiting for the lock, which a trial of an absent Redis may hold for a while, and after it.
        if self._breaker.is_open:
            return
        with self._calling:
            if not self._breaker.is_open:
                self._call(call)

    def _call(self, call: Callable[[], object]) -> None:
        """Runs ``call`` and notes whether Redis did its part. The caller holds the lock."""
        try:
            with green.deadline(CALL_DEADLINE_S):
                call()
        except REDIS_FAILURES as error:
            self._last_error = describe_failure(error)
            if self._breaker.failed():
                logger.warning(
                    "Redis is away, the embedded cache goes on alone address=%s reason=%s",
                    self._address,
                    self._last_error,
                )
            return
        if self._breaker.worked():
            logger.info("Redis is back, with all values address=%s", self._address)

    def _refresh(self, key: str, check: Check | None) -> None:
        """Takes over what Redis has under ``key``, also that it has nothing."""
        name = self._prefix + key
        pipeline = self._client.pipeline(transaction=False)
        pipeline.getrange(name, 0, MAX_BYTES)
        pipeline.pttl(name)
        pipeline.get(self._marker)
        value, remaining_ms, mark = pipeline.execute(raise_on_error=False)
        _raise_failure(value, remaining_ms, mark)
        trouble = _trouble(value, check)
        lost = mark != self._mark()
        if lost:
            self._restore_what_is_lost()
        # Put while Redis was asked, so newer than its answer.
        if key in self._unwritten or (lost and key in self._own):
            return
        known = self._embedded.peek(key)
        # Redis says -1 for a value without an end, -2 when there is none.
        if remaining_ms != -2 and trouble is not None:
            self._refused.note(key, trouble)
            self._unwritten.add(key)
        elif remaining_ms != -2:
            ttl_s = remaining_ms / 1000 if remaining_ms > 0 else None
            if known is None or known.value != value or not self._ends_alike(known, ttl_s):
                self._embedded.put(key, value, ttl_s)
                self._own.discard(key)
        elif known is not None and not lost:
            self._embedded.delete(key)
            self._own.discard(key)

    def _restore_what_is_lost(self) -> None:
        """Writes what could not be written earlier, and everything when Redis is not as we left it."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.get(self._marker)
        pipeline.pexpire(self._marker, _MARKER_LIFETIME_MS)
        mark, extended = pipeline.execute(raise_on_error=False)
        _raise_failure(mark, extended)
        if mark != self._mark():
            held = set(self._embedded.keys())
            self._own &= held
            self._write(self._own | self._unwritten, where_missing=held - self._own)
        elif self._unwritten:
            self._write(self._unwritten)

    def _write(self, keys: Iterable[str], where_missing: Iterable[str] = ()) -> None:
        """Makes Redis hold what is held here.

        Args:
            keys: replaced in Redis, or deleted there when there is no value here.
            where_missing: added where Redis has nothing.
        """
        keys = set(keys)
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            entry = self._embedded.peek(key)
            if entry is None:
                pipeline.delete(self._prefix + key)
            else:
                pipeline.set(self._prefix + key, entry.value, px=self._remaining_ms(entry))
        for key in where_missing:
            entry = self._embedded.peek(key)
            if entry is not None:
                pipeline.set(self._prefix + key, entry.value, px=self._remaining_ms(entry), nx=True)
        self._writes += 1
        pipeline.set(self._marker, self._mark(), px=_MARKER_LIFETIME_MS)
        # Taken out before and not after: what is put while Redis works on this must stay in.
        self._unwritten -= keys
        try:
            pipeline.execute()
        except BaseException:
            self._unwritten |= keys
            raise

    def _mark(self) -> bytes:
        return b"%d" % self._writes

    def _ends_alike(self, entry: Entry, ttl_s: float | None) -> bool:
        """True when ``entry`` ends in ``ttl_s``, give or take a second: less is not worth saving it again."""
        if entry.expires_at is None or ttl_s is None:
            return entry.expires_at is ttl_s
        return abs(entry.expires_at - self._wall_clock() - ttl_s) < 1.0

    def _remaining_ms(self, entry: Entry) -> int | None:
        if entry.expires_at is None:
            return None
        return max(1, math.ceil((entry.expires_at - self._wall_clock()) * 1000))


def _raise_failure(*answers: object) -> None:
    """Raises what Redis refused for another reason than the type of what stands there."""
    for answer in answers:
        if isinstance(answer, Exception) and not str(answer).startswith("WRONGTYPE"):
            raise answer


def _trouble(answer: object, check: Check | None) -> str | None:
    """Why what Redis has cannot be ours, in words; None when it can."""
    if not isinstance(answer, bytes):
        return str(answer)
    return f"more than {MAX_BYTES} bytes" if len(answer) > MAX_BYTES else trouble_with(answer, check)
