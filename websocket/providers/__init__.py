"""One file per upstream, and the registry that finds them.

A provider is added by adding its file: the registry imports every module of this package and collects the concrete
subclasses of ``Provider``.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from inspect import isabstract

from websocket.providers.base import Provider


@lru_cache(maxsize=1)
def provider_classes() -> dict[str, type[Provider]]:
    """All providers by their name, sorted."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted((cls.name, cls) for cls in _concrete_subclasses(Provider)))  # type: ignore[type-abstract]


def _concrete_subclasses(base: type[Provider]) -> list[type[Provider]]:
    found = [] if isabstract(base) or not base.name else [base]
    for subclass in base.__subclasses__():
        found += _concrete_subclasses(subclass)
    return found
