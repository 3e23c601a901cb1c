"""What we offer: one file per stream. A service refreshes what it knows, and publishes it on its channel."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from inspect import isabstract

from websocket.services.base import DataService


@lru_cache(maxsize=1)
def service_classes() -> dict[str, type[DataService]]:
    """The data services by name, in the order of their files. A service is added by adding its file."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {cls.name: cls for cls in DataService.__subclasses__() if cls.name and not isabstract(cls)}
