"""Whether this machine, and the settings, would let a production service start; asked before any worker is."""

from __future__ import annotations

from websocket.cache.factory import open_cache
from websocket.errors import SettingsError
from websocket.logs import set_up_logging
from websocket.settings import Settings


def check_production_start(settings: Settings) -> None:
    """What production asks for beyond valid settings: a secret, a writable log and a usable cache.

    Raises:
        ServiceError: what is wrong and what to do.
    """
    if not settings.server.app_secret:
        raise SettingsError("APP_SECRET", "must be set in production, to at least 16 random characters")
    set_up_logging(settings.log)
    open_cache(settings.redis, settings.storage).close()
