"""Settings from the environment and ``.env``: which names are ours, and what their texts mean."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from dotenv.parser import parse_stream

from websocket.errors import SettingsError
from websocket.settings.areas import Settings
from websocket.settings.checks import check_together
from websocket.settings.kinds import Secret, Url, in_words
from websocket.settings.naming import full_name, prefix_below, walk


def load_settings(environ: Mapping[str, str], env_file: Path | None = None) -> Settings:
    """Settings from ``.env`` and the environment; the environment wins.

    Args:
        environ: usually ``os.environ``. A name in it that is nearly one of ours is taken for a misspelling.
        env_file: a ``.env`` file, or None. Every name in it must be ours. A missing file counts as empty.

    Raises:
        SettingsError: names the first setting that is unknown or invalid, and what was expected.
    """
    known = {full_name(prefix, field) for prefix, field, _, _ in walk(Settings, Settings(), "")}
    values: dict[str, str] = {}
    if env_file is not None and env_file.is_file():
        try:
            with env_file.open(encoding="utf-8") as stream:
                # as it stands: a password may hold what looks like ${a reference}
                bindings = list(parse_stream(stream))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(str(env_file), f"cannot be read: {error}") from error
        for binding in bindings:
            name = binding.key
            if binding.error:
                raise SettingsError(f"{env_file.name}, line {binding.original.line}", "expected NAME=value")
            if name is None:  # a comment
                continue
            if name not in known:
                raise SettingsError(name, f"is not a setting (in {env_file.name}).{_suggestion(name, known)}")
            values[name] = binding.value or ""
    for name, value in environ.items():
        if name in known:
            values[name] = value
        elif suggestion := _suggestion(name, known):
            raise SettingsError(name, f"is not a setting.{suggestion}")
    settings: Settings = _read_area(Settings, Settings(), values, "")
    check_together(settings)
    return settings


def _read_area(area: type, defaults: Any, values: Mapping[str, str], prefix: str) -> Any:
    hints = get_type_hints(area, include_extras=True)
    read: dict[str, Any] = {}
    for field in dataclasses.fields(area):
        default = getattr(defaults, field.name)
        if "name" not in field.metadata:
            read[field.name] = _read_area(type(default), default, values, prefix_below(area, field, prefix))
            continue
        name = full_name(prefix, field)
        text = values.get(name, "").strip()
        read[field.name] = default if text == "" else _parse(name, text, hints[field.name])
    return area(**read)


def _parse(name: str, text: str, hint: Any) -> Any:
    if hint is Secret:
        return Secret(text)
    if hint is Url:
        return _parse_url(name, text)
    value: Any = text
    if get_origin(hint) is tuple:
        value = [part.strip() for part in text.split(",") if part.strip()]
        if not value:
            raise SettingsError(name, f"expected {in_words(hint)}")
        if get_args(hint)[0] is Url:
            return tuple(_parse_url(name, part) for part in value)
    if hint is bool:
        value = {
            "1": True,
            "true": True,
            "yes": True,
            "on": True,
            "0": False,
            "false": False,
            "no": False,
            "off": False,
        }.get(text.lower(), text)
    try:
        parsed = msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(name, f"expected {in_words(hint)}, got {text!r} ({error})") from None
    if isinstance(parsed, float) and not math.isfinite(parsed):
        raise SettingsError(name, f"expected {in_words(hint)}, got {text!r}")
    return parsed


def _parse_url(name: str, text: str) -> Url:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment:
        raise SettingsError(name, "expected an http or https address without query, such as https://example.org/api")
    return Url(text)


def _suggestion(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.88)
    return f" Did you mean {close[0]}?" if close else ""
