"""The reference as people read it, for the page and for ``docs/protocol.md``: fields in words, examples as text."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from websocket.catalogue import CHANNELS, ENDPOINTS, MARKET_DATA, SERVICES, SUBSCRIBABLE, SYSTEM, SYSTEM_SERVICES
from websocket.documentation import messages, protocols
from websocket.documentation.codes import CLOSE_CODES, HANDSHAKE_ANSWERS, error_codes
from websocket.documentation.openapi import routes
from websocket.documentation.payloads import payload_of
from websocket.documentation.protocols import MessageInfo
from websocket.documentation.route_info import RouteInfo
from websocket.documentation.schemas import REF_TEMPLATE, Schema, as_json, documentation_of, schema_components
from websocket.settings import EdgeSettings

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

LINE = 72
"""Characters that a line of an example may have."""

LISTED_VALUES = 4
"""More values than this are counted instead of listed."""


CLIENT_LIMITS = (
    "max_message_bytes",
    "max_nesting",
    "messages_per_second",
    "message_burst",
    "max_subscriptions",
    "max_connections_per_address",
    "requests_per_second",
    "slow_client_timeout_s",
    "max_queued_bytes",
)
"""The settings that a client may run into."""


class Table(Struct, frozen=True):
    """A table of text.

    Attributes:
        heads: one a column.
        rows: Markdown, a cell a column; the first cell names the row.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Entry(Struct, frozen=True, kw_only=True):
    """One message, payload or answer.

    Attributes:
        name: its heading.
        summary: Markdown.
        fields: what it is made of.
        examples: JSON texts.
        answers: names of what may come back.
    """

    name: str
    summary: str
    fields: Table
    examples: tuple[str, ...]
    answers: tuple[str, ...] = ()


class Program(Struct, frozen=True):
    """An example program.

    Attributes:
        file: its name in the folder ``examples``.
        summary: one line.
        text: all of it.
    """

    file: str
    summary: str
    text: str


def endpoints_table() -> Table:
    """The endpoints of the plain WebSocket."""
    return Table(
        ("address", "subscribed", "services", "what it is for"),
        tuple(
            (
                f"`{endpoint.path}`",
                "by hand" if endpoint.subscribes is None else f"`{endpoint.subscribes}`",
                "all" if endpoint.services == SUBSCRIBABLE else ", ".join(f"`{name}`" for name in endpoint.services),
                endpoint.description,
            )
            for endpoint in ENDPOINTS
        ),
    )


def services_table() -> Table:
    """The services."""
    return Table(
        ("service", "group", "every", "what it brings"),
        tuple(
            (
                f"`{service.name}`",
                f"`{service.group}`",
                "" if service.interval_s is None else f"{service.interval_s:g} s",
                service.description,
            )
            for service in (*SERVICES, *SYSTEM_SERVICES)
        ),
    )


def error_codes_table() -> Table:
    """The error codes."""
    return Table(
        ("code", "temporary", "meaning"),
        tuple((f"`{error.code}`", "yes" if error.temporary else "no", error.meaning) for error in error_codes()),
    )


def close_codes_table() -> Table:
    """The close codes."""
    return Table(
        ("code", "meaning", "what to do"),
        tuple((f"`{close.code}`", close.meaning, close.advice) for close in CLOSE_CODES),
    )


def handshake_table() -> Table:
    """The answers to a connection that is refused."""
    return Table(
        ("status", "code", "meaning"),
        tuple((f"`{answer.status}`", f"`{answer.code}`", answer.meaning) for answer in HANDSHAKE_ANSWERS),
    )


def routes_table() -> Table:
    """The HTTP routes."""
    return Table(
        ("route", "answers", "what it gives"),
        tuple(
            (f"`{route.name}`", ", ".join(str(answer.status) for answer in route.answers), route.summary)
            for route in routes()
        ),
    )


def limits_table(edge: EdgeSettings) -> Table:
    """What a client may run into, with the values of a service."""
    return Table(
        ("setting", "value", "meaning"),
        tuple(
            (
                f"`{field.metadata['name']}`",
                "" if (value := getattr(edge, field.name)) is None else f"{value:.12g} {field.metadata['unit']}",
                field.metadata["help"],
            )
            for field in dataclasses.fields(edge)
            if field.name in CLIENT_LIMITS
        ),
    )


def plain_from_service() -> list[Entry]:
    """What the service sends over the plain WebSocket; ``update`` once for all services."""
    sent, _ = protocols.plain_messages()
    return [_entry(message) for message in _updates_once(sent)]


def plain_from_client() -> list[Entry]:
    """What a client may send over the plain WebSocket."""
    _, received = protocols.plain_messages()
    return [_entry(message) for message in received]


def socketio_from_service() -> list[Entry]:
    """The events of the service; those of the services once."""
    return [_entry(message) for message in _updates_once(protocols.socketio_from_service())]


def socketio_from_client() -> list[Entry]:
    """The events that a client may send."""
    return [_entry(message) for message in protocols.socketio_from_client()]


def socketio_acks() -> list[Entry]:
    """The acknowledgements."""
    return [_entry(message) for message in protocols.socketio_acks()]


def payloads() -> list[Entry]:
    """What each channel carries; the channels without a source share one entry."""
    entries = []
    for channel in (*CHANNELS, SYSTEM):
        payload = payload_of(channel)
        summary = documentation_of(type(_first(payload.example))).summary
        entries.append(_described(channel, summary, payload.type, [payload.example]))
    return entries


def http_routes() -> list[tuple[RouteInfo, Entry | None]]:
    """Every HTTP route, with its first JSON answer that has a shape of its own."""
    described = []
    for route in routes():
        answer = next((answer for answer in route.answers if answer.type is not None), None)
        entry = None
        if answer is not None:
            entry = _described(str(answer.status), answer.meaning, answer.type, [answer.example])
        described.append((route, entry))
    return described


def programs() -> list[Program]:
    """The example programs: those for Socket.IO first, the longest last."""
    files = sorted(
        EXAMPLES.glob("*.[jp][sy]"), key=lambda file: (not file.name.startswith("socketio"), file.stat().st_size)
    )
    return [_program(file.name, file.read_text(encoding="utf-8")) for file in files]


def _program(name: str, text: str) -> Program:
    """Its first line is a comment or a docstring that says what it does."""
    first_line = text.partition("\n")[0].lstrip('"/ ')
    return Program(name, f"{re.split(r'[.:](?: |$)', first_line)[0]}.", text)


def _first(example: Any) -> Any:
    return example[0] if isinstance(example, list) else example


def _updates_once(described: Iterable[MessageInfo]) -> Iterator[MessageInfo]:
    """One update stands for those of all services: they differ in their payload only."""
    services = {service.name for service in SERVICES}
    for message in described:
        if message.type is protocols.update_type(MARKET_DATA):
            name = "<service>" if message.name in services else message.name
            summary = documentation_of(messages.Update).summary
            yield msgspec.structs.replace(message, name=name, summary=summary, type=messages.Update)
        elif not (isinstance(message.type, type) and issubclass(message.type, messages.Update)):
            yield message


def _entry(message: MessageInfo) -> Entry:
    entry = _described(message.name, message.summary, message.type, message.examples)
    answers = dict.fromkeys("update" if answer.startswith("update_") else answer for answer in message.answers)
    return msgspec.structs.replace(entry, answers=tuple(answers))


def _described(name: str, summary: str, type_: Any, examples: Sequence[Any]) -> Entry:
    (schema,), components = schema_components([type_])
    return Entry(
        name=name,
        summary=summary,
        fields=Table(("field", "type", "there", "meaning"), tuple(_fields(schema, components, ""))),
        examples=tuple(_pretty(as_json(example)) for example in examples),
    )


def _pretty(value: Any, indent: str = "", before: int = 0) -> str:
    """JSON in which what fits on a line stands on one.

    Args:
        value: JSON values.
        indent: of the line on which it begins.
        before: characters on that line before it, besides the indentation.
    """
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or len(indent) + before + len(line) <= LINE:
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        keys = [f"{json.dumps(key, ensure_ascii=False)}: " for key in value]
        parts = [key + _pretty(item, inner, len(key)) for key, item in zip(keys, value.values(), strict=True)]
        opening, closing = "{", "}"
    else:
        parts = [_pretty(item, inner) for item in value]
        opening, closing = "[", "]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{closing}"


def _fields(schema: Schema, components: Mapping[str, Schema], path: str) -> Iterator[tuple[str, ...]]:
    """The fields below a schema, those of nested objects included, such as ``data.services.<name>.seq``."""
    inner = _without_null(_resolved(schema, components), components)
    if "items" in inner:
        yield from _fields(inner["items"], components, f"{path}[]")
    elif "properties" in inner:
        for name, declared in inner["properties"].items():
            below = f"{path}.{name}" if path else name
            there = "always" if name in inner.get("required", ()) else "optional"
            yield f"`{below}`", _words(declared, components), there, declared.get("description", "")
            yield from _fields(declared, components, below)
    elif isinstance(inner.get("additionalProperties"), dict):
        yield from _fields(inner["additionalProperties"], components, f"{path}.<name>")


def _resolved(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    if "allOf" in schema:
        (schema,) = schema["allOf"]
    if "$ref" in schema:
        return components[schema["$ref"].removeprefix(REF_TEMPLATE.format(name=""))]
    return schema


def _without_null(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    """The only other alternative of something that may be null; else the schema itself."""
    others = [alternative for alternative in schema.get("anyOf", ()) if alternative != {"type": "null"}]
    return _resolved(others[0], components) if len(others) == 1 else schema


def _words(schema: Schema, components: Mapping[str, Schema]) -> str:
    schema = _resolved(schema, components)
    if "anyOf" in schema:
        return " or ".join(_words(alternative, components) for alternative in schema["anyOf"])
    if "enum" in schema:
        values = schema["enum"]
        if len(values) > LISTED_VALUES:
            return f"one of {len(values)} names"
        return " or ".join(f"`{json.dumps(value)}`" for value in values)
    if "items" in schema:
        return f"array of {_words(schema['items'], components)}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_words(schema['additionalProperties'], components)}"
    if schema.get("format") == "date-time":
        return "time"
    return str(schema.get("type", "anything"))
