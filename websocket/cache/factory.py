"""Which cache this process uses."""

from __future__ import annotations

import logging
from pathlib import Path

from websocket.cache.base import Cache
from websocket.cache.embedded_cache import EmbeddedCache
from websocket.cache.redis_cache import RedisCache
from websocket.cache.redis_connection import Probe, probe_redis, redis_address, redis_client
from websocket.errors import StartError
from websocket.settings import RedisSettings, StorageSettings

logger = logging.getLogger(__name__)

_LOCALHOST_PROBE_S = 0.5


def open_cache(redis: RedisSettings, storage: StorageSettings, *, lock_wait_s: float = 0.0) -> Cache:
    """The cache of this process, ready for use. Call it once, from a green thread.

    With ``REDIS_HOST`` it is Redis, which may still be away now. Without, it is the Redis on localhost if there is one
    that takes us, else the embedded cache. The log says which.

    Args:
        redis: how to reach Redis.
        storage: where the embedded layer keeps its file, with or without Redis.
        lock_wait_s: seconds to wait for another process to leave the folder. A worker that takes over from one that
            is being drained needs some; others tell the operator at once.

    Raises:
        StartError: the folder cannot be used; or the Redis that was asked for refuses us or is no Redis.
    """
    embedded = EmbeddedCache(Path(storage.data_dir), lock_wait_s=lock_wait_s)
    try:
        return _with_redis(redis, embedded)
    except StartError:
        embedded.close()
        raise


def _with_redis(settings: RedisSettings, embedded: EmbeddedCache) -> Cache:
    client = redis_client(settings)
    address = redis_address(settings)
    if settings.host:
        _check_wanted(probe_redis(client, settings.prefix), address, settings)
    else:
        probe = probe_redis(client, settings.prefix, _LOCALHOST_PROBE_S)
        if probe.outcome != "ready":
            client.close()
            _tell_not_used(probe, address, embedded)
            return embedded
    cache = RedisCache(client, embedded, prefix=settings.prefix, address=address)
    cache.start()
    logger.info("cache is Redis with an embedded layer detail=%s", cache.status().detail)
    return cache


def _check_wanted(probe: Probe, address: str, settings: RedisSettings) -> None:
    """Raises StartError for what waiting will not mend."""
    if probe.outcome == "refused":
        names = "REDIS_USERNAME and REDIS_PASSWORD" if settings.username else "REDIS_PASSWORD"
        raise StartError(f"Redis at {address} refuses us ({probe.reason}); check {names}")
    if probe.outcome == "no_such_database":
        raise StartError(f"Redis at {address} has no database {settings.db} ({probe.reason}); check REDIS_DB")
    if probe.outcome == "no_redis":
        raise StartError(
            f"what answers at {address} is no Redis ({probe.reason}); check REDIS_HOST and REDIS_PORT, "
            "or leave REDIS_HOST empty to go without"
        )


def _tell_not_used(probe: Probe, address: str, embedded: EmbeddedCache) -> None:
    detail = embedded.status().detail
    if probe.outcome == "unavailable":
        logger.info(
            "cache is embedded, no Redis on this machine address=%s detail=%s "
            "(one that comes later is not used before a restart, unless REDIS_HOST is set)",
            address,
            detail,
        )
    else:
        logger.warning(
            "cache is embedded, the Redis on this machine cannot be used address=%s reason=%s detail=%s "
            "(set REDIS_PASSWORD to use it, or REDIS_HOST to use another)",
            address,
            probe.reason,
            detail,
        )
