"""What each setting is called: the name it was declared with, and for a provider's the provider before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, get_type_hints

from websocket.settings.address_areas import ProvidersSettings
from websocket.settings.areas import Settings


def walk(area: type, defaults: Any, prefix: str) -> Iterator[tuple[str, dataclasses.Field[Any], Any, Any]]:
    """Yields (prefix, field, type hint, default) of each setting below ``area``."""
    hints = get_type_hints(area, include_extras=True)
    for field in dataclasses.fields(area):
        default = getattr(defaults, field.name)
        if "name" in field.metadata:
            yield prefix, field, hints[field.name], default
        else:
            yield from walk(type(default), default, prefix_below(area, field, prefix))


def full_name(prefix: str, field: dataclasses.Field[Any]) -> str:
    """The environment name of a field."""
    name: str = field.metadata["name"]
    return name if field.metadata["shared"] else prefix + name


def prefix_below(area: type, field: dataclasses.Field[Any], prefix: str) -> str:
    """What the names in the area behind ``field`` begin with."""
    return f"{field.name.upper()}_" if area is ProvidersSettings else prefix


def key_setting(provider: str) -> str:
    """The name of the setting with a provider's key, for example ``COINGECKO_API_KEY``.

    Raises:
        KeyError: it takes no key.
    """
    kinds = {field.name: type(field.default) for field in dataclasses.fields(ProvidersSettings)}
    fields = {field.name: field for field in dataclasses.fields(kinds[provider])}  # type: ignore[arg-type]
    return full_name(f"{provider.upper()}_", fields["api_key"])


def provider_lists(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The names of the providers that each ``_PROVIDERS`` setting chooses, by the name of the setting."""
    return {
        full_name(prefix, field): value
        for prefix, field, _, value in walk(Settings, settings, "")
        if field.name.endswith("providers")
    }
