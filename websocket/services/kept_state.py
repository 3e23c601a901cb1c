"""What a service keeps in the cache, so that a restart shows at once what was known, with its true age."""

from __future__ import annotations

from typing import Any, TypeVar

from websocket import codec
from websocket.services.base import ServiceContext

T = TypeVar("T")


def save_state(context: ServiceContext, name: str, state: Any) -> None:
    """Keeps ``state``, which consists of records and plain values, under the service's name."""
    context.cache.put(_key(context, name), codec.encode(state))


def load_state(context: ServiceContext, name: str, kind: type[T]) -> T | None:
    """What was kept, or None when there is nothing, or nothing that can be ours."""
    return context.cache.load(_key(context, name), kind)


def _key(context: ServiceContext, name: str) -> str:
    """Simulated content must never be taken for real one, so it has another name."""
    return f"{name}:demo" if context.demo else name
