"""The generated parts of ``docs/protocol.md``: ``python -m websocket.documentation.markdown docs/protocol.md``.

They stand between ``<!-- name -->`` and ``<!-- /name -->``; what is around them is written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from websocket.catalogue import CHANNELS
from websocket.documentation import reference
from websocket.documentation.reference import Entry, Table
from websocket.settings import EdgeSettings


def render(text: str) -> str:
    """The document with its generated parts made anew.

    Raises:
        ValueError: a part is missing in it, or there is one of an unknown name.
    """
    names = re.findall(r"^<!-- ([\w-]+) -->$", text, re.MULTILINE)
    if sorted(names) != sorted(PARTS):
        raise ValueError(f"expected each of these parts once: {', '.join(PARTS)}")
    for name, part in PARTS.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        head, _, rest = text.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            raise ValueError(f"the part {name} has no end")
        text = f"{head}{begin}\n{part()}\n{end}{tail}"
    return text


def _table(table: Table) -> str:
    lines = [table.heads, ["---"] * len(table.heads), *table.rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _tabular(table: Callable[[], Table]) -> Callable[[], str]:
    return lambda: _table(table())


def _channels() -> str:
    return ", ".join(f"`{channel}`" for channel in CHANNELS) + "\n"


def _entries(entries: Callable[[], list[Entry]]) -> Callable[[], str]:
    return lambda: "\n".join(_entry(entry) for entry in entries())


def _entry(entry: Entry) -> str:
    parts = [f"#### `{entry.name}`\n", f"{entry.summary}\n"]
    if entry.answers:
        parts.append(f"Answers: {', '.join(f'`{answer}`' for answer in entry.answers)}.\n")
    if entry.fields.rows:
        parts.append(_table(entry.fields))
    parts += [f"```json\n{example}\n```\n" for example in entry.examples]
    return "\n".join(parts)


PARTS: Mapping[str, Callable[[], str]] = {
    "endpoints": _tabular(reference.endpoints_table),
    "services": _tabular(reference.services_table),
    "channels": _channels,
    "payloads": _entries(reference.payloads),
    "plain-from-client": _entries(reference.plain_from_client),
    "plain-from-service": _entries(reference.plain_from_service),
    "socketio-from-client": _entries(reference.socketio_from_client),
    "socketio-acks": _entries(reference.socketio_acks),
    "socketio-from-service": _entries(reference.socketio_from_service),
    "error-codes": _tabular(reference.error_codes_table),
    "close-codes": _tabular(reference.close_codes_table),
    "handshake": _tabular(reference.handshake_table),
    "limits": _tabular(lambda: reference.limits_table(EdgeSettings())),
    "http": _tabular(reference.routes_table),
}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m websocket.documentation.markdown docs/protocol.md")
    document = Path(sys.argv[1])
    document.write_text(render(document.read_text(encoding="utf-8")), encoding="utf-8")
