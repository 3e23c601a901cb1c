"""JSON schemas from the types, with the docstrings of the types as descriptions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from websocket import codec

REF_TEMPLATE = "#/components/schemas/{name}"
"""Where AsyncAPI and OpenAPI keep schemas."""

Schema = dict[str, Any]


class Documentation(Struct, frozen=True):
    """What a docstring says, as Markdown.

    Attributes:
        summary: everything before the sections.
        attributes: what is said about each attribute; those of the bases are included.
    """

    summary: str
    attributes: dict[str, str]


def schema_components(types: Sequence[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Schemas of types, and the components that they refer to, by name.

    Args:
        types: structs, or lists and the like of them.
    """
    schemas, components = msgspec.json.schema_components(types, ref_template=REF_TEMPLATE)
    for struct in _structs_in(types):
        _describe(struct, components[struct.__name__])
    return list(schemas), components


def as_json(value: Any) -> Any:
    """Records as the JSON values that clients get: dicts, lists, text, numbers, booleans, None."""
    return codec.decode(codec.encode(value))


def documentation_of(documented: type) -> Documentation:
    """What the docstring of a class says."""
    attributes: dict[str, str] = {}
    for base in reversed(documented.__mro__):
        attributes.update(_attributes_in(base.__dict__.get("__doc__") or ""))
    summary = inspect.cleandoc(documented.__doc__ or "").partition("\nAttributes:")[0]
    return Documentation(_markdown(summary), attributes)


def _attributes_in(docstring: str) -> Iterator[tuple[str, str]]:
    section = inspect.cleandoc(docstring).partition("\nAttributes:\n")[2]
    # a name begins a line at the first indentation; what is indented further goes on
    for entry in re.split(r"\n(?=    \w)", "\n" + section)[1:]:
        name, _, text = entry.strip().partition(": ")
        yield name, _markdown(text)


def _markdown(text: str) -> str:
    """One line with a capital, and code between single backticks."""
    line = " ".join(text.replace("``", "`").split())
    return line[:1].upper() + line[1:]


def _describe(struct: type[Struct], schema: Schema) -> None:
    documentation = documentation_of(struct)
    schema["description"] = documentation.summary
    properties = schema["properties"]
    for field in msgspec.structs.fields(struct):
        text = documentation.attributes.get(field.name)
        if text:
            declared = properties[field.encode_name]
            if "$ref" in declared:
                # what stands beside a reference would be ignored
                declared = {"allOf": [declared]}
            properties[field.encode_name] = {**declared, "description": text}


def _structs_in(types: Iterable[Any]) -> list[type[Struct]]:
    """Every struct among the types and in their fields, each once."""
    found: dict[type[Struct], None] = {}

    def visit(node: Any) -> None:
        if isinstance(node, msgspec.inspect.StructType):
            if node.cls in found:
                return
            found[node.cls] = None
        if isinstance(node, (msgspec.inspect.Type, msgspec.inspect.Field)):
            for value in msgspec.structs.asdict(node).values():
                visit(value)
        elif isinstance(node, tuple):
            for item in node:
                visit(item)

    for info in msgspec.inspect.multi_type_info(types):
        visit(info)
    return list(found)
