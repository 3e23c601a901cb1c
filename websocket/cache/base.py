"""The contract of every cache. Which one is in use is decided in ``factory.py``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec

T = TypeVar("T")

Check = Callable[[bytes], object]
"""Raises ValueError or RecursionError for a value that cannot be ours."""


class CacheStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a cache is doing, for the health report.

    Attributes:
        kind: what is in use. ``redis`` also while Redis is away and the embedded layer stands in for it.
        healthy: False while values are not kept where they should be; they are still in memory then.
        detail: the same in words for the operator; never holds a secret.
        last_error: what went wrong last, also when it is well again by now; None when nothing ever did.
        hits: answers of ``get`` with a value, since the start.
        misses: answers of ``get`` without one, since the start.
        refused: how many values were found that cannot be ours, since the start.
        last_refused: the newest of them in words; None when there was none.
    """

    kind: Literal["embedded", "redis"]
    healthy: bool
    detail: str
    last_error: str | None
    hits: int
    misses: int
    refused: int = 0
    last_refused: str | None = None


class Cache(ABC):
    """Bytes by name, for the few last values (tens of keys of some kilobytes) that a restart must not lose.

    Trouble of the disk or of Redis is never raised: the cache goes on with what it holds in memory, tries again and
    tells about it in ``status()``. Any green thread may use it; calls may yield to others, for at most about a second.
    """

    @abstractmethod
    def get(self, key: str, check: Check | None = None) -> bytes | None:
        """The value, or None when there is none or its time is over. An empty value is a value.

        Args:
            key: as it was put.
            check: what does not pass is counted and is as if it were not there; it never replaces a value that was
                put here.
        """

    def load(self, key: str, kind: type[T]) -> T | None:
        """The value that ``codec.encode`` made, as records of a kind; None as for ``get``."""
        decoder = msgspec.json.Decoder(kind)
        value = self.get(key, decoder.decode)
        return None if value is None else decoder.decode(value)

    @abstractmethod
    def put(self, key: str, value: bytes, ttl_s: float | None = None) -> None:
        """Keeps ``value``, in place of what ``key`` had. One that is larger than the whole cache is only logged.

        Args:
            key: without the prefix that it gets in a shared store.
            value: encoded by the caller.
            ttl_s: seconds until it is gone, counted on through a restart; None keeps it for good.

        Raises:
            ValueError: ``ttl_s`` is not above 0.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Forgets the value; does nothing when there is none."""

    @abstractmethod
    def status(self) -> CacheStatus:
        """How it is doing. Asks nobody and does not yield."""

    @abstractmethod
    def close(self) -> None:
        """Saves what is not saved yet and lets go of files and connections.

        Idempotent. Call it from a green thread; the cache must not be used after it.
        """


def trouble_with(value: bytes, check: Check | None) -> str | None:
    """Why a value cannot be ours, in words; None when it can."""
    try:
        if check is not None:
            check(value)
    except (ValueError, RecursionError) as error:
        return str(error)
    return None
