"""Whether this machine, and the settings, would let a production service start: ``python -m websocket.start_check``.

It says in one line what would not. With ``--running`` it leaves out what a service that runs has to itself.
"""

from __future__ import annotations

from websocket import green

green.patch()

import sys

from websocket.cache.factory import open_cache
from websocket.errors import ServiceError, SettingsError
from websocket.logs import set_up_logging
from websocket.production import read_settings
from websocket.providers import provider_classes
from websocket.services.chosen_providers import check_chosen_providers
from websocket.settings import Settings


def check_production_start(settings: Settings, *, is_running: bool = False) -> None:
    """What production asks for beyond valid settings: a secret, known providers, a writable log and a usable cache.

    Args:
        settings: all settings.
        is_running: a service runs already and has the folder of the cache.

    Raises:
        ServiceError: what is wrong and what to do.
    """
    if not settings.server.app_secret:
        raise SettingsError("APP_SECRET", "must be set in production, to at least 16 random characters")
    check_chosen_providers(settings, provider_classes())
    set_up_logging(settings.log)
    if not is_running:
        open_cache(settings.redis, settings.storage).close()


def main() -> int:
    """The exit code is 1 if anything would hinder a start."""
    try:
        check_production_start(read_settings(), is_running="--running" in sys.argv[1:])
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
