"""The settings as documentation shows them: ``.env.example`` and the table in the README are made here."""

from __future__ import annotations

import dataclasses

from websocket.settings.areas import Settings
from websocket.settings.kinds import Secret, in_words
from websocket.settings.naming import full_name, walk


@dataclasses.dataclass(frozen=True)
class SettingInfo:
    """One setting as documentation shows it."""

    name: str
    kind: str
    default: str
    unit: str
    help: str


def describe_settings() -> list[SettingInfo]:
    """Every setting once, in the order of the areas, with its default as it would be written in ``.env``."""
    found: dict[str, SettingInfo] = {}
    for prefix, field, hint, default in walk(Settings, Settings(), ""):
        name, told = full_name(prefix, field), field.metadata
        found.setdefault(name, SettingInfo(name, in_words(hint), _as_text(default), told["unit"], told["help"]))
    return list(found.values())


def render_env_example() -> str:
    """The text of ``.env.example``: every setting, commented out, with its help and default."""
    lines = [
        "# Copy to .env and change what you need. Every line below shows the default; an empty value means that, too.",
        "",
    ]
    for info in describe_settings():
        unit = f" ({info.unit})" if info.unit else ""
        lines += [f"# {info.help}{unit} Expected: {info.kind}.", f"#{info.name}={info.default}", ""]
    return "\n".join(lines)


def render_table() -> str:
    """The settings as a Markdown table, for the README."""
    rows = ["| setting | default | unit | what it does |", "|---|---|---|---|"]
    for info in describe_settings():
        default = f"`{info.default}`" if info.default else ""
        rows.append(f"| `{info.name}` | {default} | {info.unit} | {info.help} |")
    return "\n".join(rows) + "\n"


def _as_text(default: object) -> str:
    if isinstance(default, bool):
        return "1" if default else "0"
    if default is None or isinstance(default, Secret):
        return ""
    if isinstance(default, tuple):
        return ",".join(str(item) for item in default)
    return f"{default:g}" if isinstance(default, float) else str(default)
