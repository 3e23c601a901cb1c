"""Whether this machine, and the settings, would let a production service start: ``python -m websocket.start_check``.

It says in one line what would not. ``--running`` is for a service that runs and is about to load everything anew: then
its folder is in use by itself, and what a worker would load is tried as well.
"""

from __future__ import annotations

from websocket import green

green.patch()

import importlib
import logging
import runpy
import sys
import tempfile

from websocket.cache.factory import open_cache
from websocket.demo import StandInInternet
from websocket.errors import InUse, ServiceError, SettingsError
from websocket.logs import open_log_file
from websocket.production import ROOT, read_settings
from websocket.providers import provider_classes
from websocket.services.chosen_providers import check_chosen_providers
from websocket.settings import Settings, StorageSettings


def check_production_start(settings: Settings, *, is_running: bool = False) -> None:
    """What production asks for beyond valid settings: a secret, known providers, a writable log and a usable cache.

    Args:
        settings: all settings.
        is_running: a service runs already, and may have the folder of the cache.

    Raises:
        ServiceError: what is wrong and what to do.
    """
    if not settings.server.app_secret:
        raise SettingsError("APP_SECRET", "must be set in production, to at least 16 random characters")
    check_chosen_providers(settings, provider_classes())
    open_log_file(settings.log).close()
    try:
        open_cache(settings.redis, settings.storage).close()
    except InUse:
        if not is_running:
            raise
        # whether the Redis takes us can be seen without the folder
        with tempfile.TemporaryDirectory() as folder:
            open_cache(settings.redis, StorageSettings(data_dir=folder)).close()
    if is_running and settings.demo.enabled:
        # it alone knows its scenarios; at a first start the worker finds out, and ends everything
        stand_in = StandInInternet(settings.demo)
        try:
            stand_in.start()
        finally:
            stand_in.stop()


def main() -> int:
    """The exit code is 1 if anything would hinder a start."""
    logging.disable()  # what is worth a line in the log is said again by the worker
    is_running = "--running" in sys.argv[1:]
    try:
        settings = read_settings()
        if is_running:
            runpy.run_path(str(ROOT / "gunicorn.conf.py"))
            importlib.import_module("app")
        check_production_start(settings, is_running=is_running)
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
