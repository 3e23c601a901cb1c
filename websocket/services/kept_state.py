"""What a service keeps in the cache, so that a restart shows at once what was known, with its true age."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

import msgspec

from websocket import codec
from websocket.services.base import ServiceContext

logger = logging.getLogger(__name__)

T = TypeVar("T")


def save_state(context: ServiceContext, name: str, state: Any) -> None:
    """Keeps ``state``, which consists of records and plain values, under the service's name."""
    context.cache.put(_key(context, name), codec.encode(state))


def load_state(context: ServiceContext, name: str, kind: type[T]) -> T | None:
    """What was kept, or None when there is nothing, or nothing that can be read."""
    kept = context.cache.get(_key(context, name))
    if kept is None:
        return None
    try:
        return msgspec.json.decode(kept, type=kind)
    except msgspec.DecodeError as error:
        logger.warning("cached state unreadable service=%s reason=%s", name, error)
        return None


def _key(context: ServiceContext, name: str) -> str:
    """Simulated content must never be taken for real one, so it has another name."""
    return f"{name}:demo" if context.demo else name
