"""Reads the two documents that the service implements: every example, table, list, command and program in them.

They are in ``../shared/seeds``, or where ``DWT_SEEDS`` says. Without them the same is read from our own copy in
``contract.json`` and ``programs/``, which ``python -m tests.contract.documents`` writes.
"""

from __future__ import annotations

import json
import os
import re
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

HERE = Path(__file__).parent
SEEDS = Path(os.environ.get("DWT_SEEDS") or HERE.parents[2] / "shared" / "seeds")
DATA, PROGRAMS = HERE / "contract.json", HERE / "programs"

EXCHANGE, MONITORING = "DWT Exchange WebSocket Service", "WebSocket API Documentation"
"""Titles of the two documents."""

ANYTHING = "..."
"""Stands for any content, alone in a list or as the only key of an object."""

PROGRAM_FILES = {
    "Basic Connection": "quick_start.js",
    "Python Example": "quick_start.py",
    "JavaScript/TypeScript Client": "client.js",
    "Python Client": "client.py",
    "React Hook Example": "react_hook.tsx",
    "Connection Errors": "reconnecting.js",
    "Message Errors": "error_handler.js",
}
"""Heading above a program to the name of our copy."""


class Service(msgspec.Struct, frozen=True):
    """A row of the tables of services. ``interval_s`` is None for the system services; ``group`` is the heading."""

    group: str
    interval_s: float | None
    endpoint: str


class Endpoint(msgspec.Struct, frozen=True):
    """A section about an endpoint.

    Attributes:
        url: as written, with the default port.
        subscribes: whether a connection is subscribed by itself.
        interval_s: seconds, for endpoints of one service.
        aliases: further paths.
        services: those that are listed as available there; empty where none are.
    """

    url: str
    subscribes: bool
    interval_s: float | None
    aliases: list[str]
    services: list[str]


class Coin(msgspec.Struct, frozen=True):
    """A row of the table of coins, with CoinGecko's id."""

    name: str
    id: str


class Contract(msgspec.Struct, frozen=True):
    """What the documents say.

    Attributes:
        examples: every JSON example: ``market_data update``, ``system pong``, ``request ping``, ``crypto-prices``.
        services: by name.
        endpoints: by path.
        subscribable: names that ``subscribe`` takes.
        message_types: what a server message may have as its type.
        routes: HTTP routes of the monitoring document, ``GET /ws/stats``.
        coins: by symbol.
        environment: what is said in brackets about each variable: ``required``, ``default: 6379``.
        intervals: what is said about each, in words: ``10 seconds``, ``5 max``.
        indicators: colour of the page's indicator to the state that it shows.
        commands: shell commands, without comments.
        facts: single statements by their label: the version, the log file, the licence.
    """

    examples: dict[str, Any]
    services: dict[str, Service]
    endpoints: dict[str, Endpoint]
    subscribable: list[str]
    message_types: list[str]
    routes: list[str]
    coins: dict[str, Coin]
    environment: dict[str, str]
    intervals: dict[str, str]
    indicators: dict[str, str]
    commands: list[str]
    facts: dict[str, str]


class Block(NamedTuple):
    """A fenced block: where it stands, its language, and its text."""

    heading: str
    language: str
    text: str


class Document:
    """One document, taken apart.

    Attributes:
        blocks: all fenced blocks.
        tables: heading to rows, which are cells by the title of their column.
        lines: heading to the lines below it that are neither in a block nor in a table.
    """

    def __init__(self, text: str) -> None:
        self.blocks: list[Block] = []
        self.tables: dict[str, list[dict[str, str]]] = {}
        self.lines: dict[str, list[str]] = {}
        heading, language = "", ""
        fence: list[str] | None = None
        columns: list[str] = []
        for line in text.splitlines():
            stripped = line.strip()
            if fence is not None:
                if stripped == "```":
                    self.blocks.append(Block(heading, language, textwrap.dedent("\n".join(fence)) + "\n"))
                    fence = None
                else:
                    fence.append(line)
            elif stripped.startswith("```"):
                fence, language = [], stripped[3:]
            elif stripped.startswith("#"):
                heading, columns = _plain(stripped.lstrip("#")), []
            elif stripped.startswith("|"):
                cells = [cell.strip().strip("`") for cell in stripped.strip("|").split("|")]
                if not columns:
                    columns = cells
                elif set(stripped) - set("|- "):
                    self.tables.setdefault(heading, []).append(dict(zip(columns, cells, strict=True)))
            elif stripped:
                self.lines.setdefault(heading, []).append(stripped)

    def bullets(self, heading: str) -> dict[str, str]:
        """The points of a list: ``- **Crypto prices**: 10 seconds`` gives ``{"Crypto prices": "10 seconds"}``."""
        points = (re.match(r"- [`*]*(.+?)[`*]*(?:: | - |$)(.*)", line) for line in self.lines.get(heading, []))
        return {point[1]: point[2] for point in points if point}

    def label(self, heading: str, name: str) -> str | None:
        """What follows ``**name**:``; None when there is no such line."""
        found = (re.match(rf"\*\*{re.escape(name)}\*\*:\s*(.*)", line) for line in self.lines.get(heading, []))
        return next((match[1] for match in found if match), None)


def _plain(heading: str) -> str:
    """A heading without its pictures, whose encoding is broken in the first document."""
    return " ".join(re.sub(r"[^\x20-\x7e]", " ", heading).split())


def _quoted(text: str | None) -> list[str]:
    return re.findall("`(.+?)`", text or "")


def _seconds(text: str | None) -> float | None:
    return None if text is None else float(text.removesuffix(" seconds"))


def read_example(text: str) -> Any:
    """The value of an example, with ``[...]`` and ``{...}`` as ``["..."]`` and ``{"...": "..."}``."""
    text = text.replace("[...]", f'["{ANYTHING}"]').replace("{...}", f'{{"{ANYTHING}": "{ANYTHING}"}}')
    return json.loads(text)


def _name_of(example: Any) -> str:
    if isinstance(example, list):
        return "crypto-prices"
    if "action" in example:
        return f"request {example['action']}"
    if "type" in example:
        return f"{example['service']} {example['type']}"
    return "subscription" if "channel" in example else "statistics"


def documents() -> dict[str, Document] | None:
    """The documents by their title; None where the folder is not."""
    if not SEEDS.is_dir():
        return None
    texts = [file.read_text(encoding="utf-8") for file in sorted(SEEDS.glob("*.txt"))]
    return {_plain(text.partition("\n")[0].lstrip("#")): Document(text) for text in texts}


def read_contract(found: dict[str, Document]) -> Contract:
    """All that the documents say.

    Raises:
        KeyError: a document is missing.
        ValueError: two examples are about the same.
    """
    exchange, monitoring = found[EXCHANGE], found[MONITORING]
    examples: dict[str, Any] = {}
    for block in (*exchange.blocks, *monitoring.blocks):
        if block.language == "json":
            example = read_example(block.text)
            if _name_of(example) in examples:
                raise ValueError(f"two examples of {_name_of(example)}")
            examples[_name_of(example)] = example
    services = {
        row["Service"]: Service(heading, _seconds(row.get("Update Interval")), row["Endpoint"])
        for heading, rows in monitoring.tables.items()
        for row in rows
    }
    commands = ["\n".join(_commands(block.text)) for block in exchange.blocks if block.language == "bash"]
    return Contract(
        examples=examples,
        services=services,
        endpoints=dict(_endpoints(monitoring)),
        subscribable=_quoted(monitoring.label("Subscribe to a Service", "Available Services")),
        message_types=list(monitoring.bullets("Server to Client Messages")),
        routes=[block.text.strip() for block in monitoring.blocks if not block.language],
        coins={row["Symbol"]: Coin(row["Name"], row["CoinGecko ID"]) for row in _only(exchange.tables)},
        environment={
            name: said.rpartition("(")[2].rstrip(")")
            for name, said in exchange.bullets("Environment Variables").items()
        },
        intervals=exchange.bullets("Update Intervals"),
        indicators={colour.partition(" ")[0]: state for colour, state in exchange.bullets("Connection Status").items()},
        commands=list(dict.fromkeys(commands)),
        facts={
            **{name: value.strip("`") for name, value in exchange.bullets("Logs").items()},
            "Python": exchange.lines["Prerequisites"][0].removeprefix("- "),
            "License": exchange.lines["License"][0],
            "API Version": monitoring.label("Version", "API Version") or "",
            "API Documentation": monitoring.bullets("Support")["API Documentation"],
        },
    )


def _endpoints(document: Document) -> list[tuple[str, Endpoint]]:
    found = []
    for heading, lines in document.lines.items():
        if path := re.match("`(/ws.*?)` - ", heading):
            available = lines.index("**Available Services**:") if "**Available Services**:" in lines else len(lines)
            endpoint = Endpoint(
                url=_quoted(document.label(heading, "Connection URL"))[0],
                subscribes="auto-subscribe" in f"{heading} {lines[0]}".lower(),
                interval_s=_seconds(document.label(heading, "Update Interval")),
                aliases=_quoted(document.label(heading, "Aliases")),
                services=[_quoted(line)[0] for line in lines[available + 1 :]],
            )
            found.append((path[1], endpoint))
    return found


def _commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def _only(tables: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    (rows,) = tables.values()
    return rows


def read_programs(found: dict[str, Document]) -> dict[str, str]:
    """The programs of the documents by the name of our copy.

    Raises:
        KeyError: a program stands below a heading that we do not know.
    """
    blocks = [block for title in (EXCHANGE, MONITORING) for block in found[title].blocks]
    languages = {"javascript", "python", "typescript"}
    return {PROGRAM_FILES[block.heading]: block.text for block in blocks if block.language in languages}


def own_contract() -> Contract:
    """Our own copy of what the documents say."""
    return msgspec.json.decode(DATA.read_bytes(), type=Contract)


def own_programs() -> dict[str, str]:
    """Our own copy of the programs."""
    return {file.name: file.read_text(encoding="utf-8") for file in PROGRAMS.iterdir()}


FOUND = documents()
"""The documents; None where only our copy is."""


def contract() -> Contract:
    """What holds: the documents where they are, else our copy."""
    return own_contract() if FOUND is None else read_contract(FOUND)


def programs() -> dict[str, str]:
    """The programs: those of the documents where they are, else our copy."""
    return own_programs() if FOUND is None else read_programs(FOUND)


def write_own_copy(found: dict[str, Document]) -> None:
    """Replaces our copy by what the documents say."""
    DATA.write_bytes(msgspec.json.format(msgspec.json.encode(read_contract(found)), indent=2) + b"\n")
    PROGRAMS.mkdir(exist_ok=True)
    for name, text in read_programs(found).items():
        (PROGRAMS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if FOUND is None:
        raise SystemExit(f"There are no documents in {SEEDS}; DWT_SEEDS says where they are.")
    write_own_copy(FOUND)
