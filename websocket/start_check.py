"""What a start would do, in words, and whether this machine would let it."""

from __future__ import annotations

from dataclasses import fields

from websocket.cache.factory import open_cache
from websocket.errors import SettingsError
from websocket.logs import open_log_file, set_up_logging
from websocket.providers import provider_classes
from websocket.settings import Settings, Url


def describe_start(settings: Settings) -> str:
    """What the service would do with these settings: feed, ports, log, cache and providers, a line each.

    Log file and cache are opened and closed again, so the text says which cache would really be used.

    Raises:
        StartError: the machine would not let the service start.
    """
    open_log_file(settings.log).close()
    cache = open_cache(settings.redis, settings.storage)
    try:
        cache_detail = cache.status().detail
    finally:
        cache.close()
    server = settings.server
    lines = [
        "feed: simulated internet (demo)" if settings.demo.enabled else "feed: real providers",
        f"listen: {server.host} on {', '.join(str(port) for port in server.ports)}",
        f"app secret: {'set' if server.app_secret else 'not set (random under start_service.py, refused by gunicorn)'}",
        f"log: {settings.log.file}, {settings.log.level}",
        f"cache: {cache_detail}",
        f"prices: every {settings.prices.broadcast_interval_s:g} s"
        f" from {', '.join(settings.prices.tick_providers)}"
        f" and {', '.join(settings.prices.snapshot_providers)}",
    ]
    classes = provider_classes()
    for field in fields(settings.providers):
        chosen = getattr(settings.providers, field.name)
        provider = classes[field.name](chosen)
        key = "" if not hasattr(chosen, "api_key") else ", with key" if chosen.api_key else ", without key"
        state = "" if provider.configured else ", not configured"
        lines.append(f"provider: {provider.title} at {Url(provider.base_url).shown}{key}{state}")
    return "\n".join(lines) + "\n"


def check_production_start(settings: Settings) -> None:
    """What production asks for beyond valid settings: a secret, a writable log and a usable cache.

    Raises:
        ServiceError: what is wrong and what to do.
    """
    if not settings.server.app_secret:
        raise SettingsError("APP_SECRET", "must be set in production, to at least 16 random characters")
    set_up_logging(settings.log)
    open_cache(settings.redis, settings.storage).close()
