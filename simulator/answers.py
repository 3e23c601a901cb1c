"""Requests, answers, and the ways in which an answer can travel or fail to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """One HTTP request to a provider.

    Attributes:
        method: Upper case.
        path: The path of the real host, with its leading slash and without the provider's name.
        query: The query parameters; of a repeated one the last counts.
        headers: Names in lower case.
        body: Empty for a GET.
        query_lists: The query parameters with all their values.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    query_lists: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class PricedRow:
    """Where an answer holds prices or other main figures, so that a fault can reach them.

    Attributes:
        symbol: The coin whose prices they are; ``None`` for figures of a chain, a network or a mood.
        values: The object inside the answer's body; faults change it in place.
        fields: The keys of the prices or figures in it.
    """

    symbol: str | None
    values: dict[str, Any]
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Dropped:
    """The connection closes and no byte of the answer is sent."""


@dataclass(frozen=True)
class Truncated:
    """The length of the whole body is announced, a part of it is sent, and the connection closes."""

    fraction: float


@dataclass(frozen=True)
class Dripped:
    """The body comes in small pieces with a pause after each, until ``limit_s`` has passed."""

    piece_bytes: int
    interval_s: float
    limit_s: float


@dataclass(frozen=True)
class Flooded:
    """In place of the body comes junk of this length."""

    size_bytes: int


Delivery = Dropped | Truncated | Dripped | Flooded


@dataclass
class Answer:
    """What a provider says.

    Attributes:
        body: A JSON value, or text when ``content_type`` is not JSON.
        status: The HTTP status.
        headers: Beyond Content-Type and Content-Length.
        content_type: As sent.
        rows: Where the prices and main figures are in ``body``; empty for answers without any.
        delivery: How it travels; ``None`` means whole and at once.
        latency_s: How long the provider takes before it answers.
    """

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
    rows: list[PricedRow] = field(default_factory=list)
    delivery: Delivery | None = None
    latency_s: float = 0.0

    def encoded(self) -> bytes:
        """Gives the body as sent. A float NaN becomes the bare token ``NaN``, which strict parsers refuse."""
        if not self.content_type.startswith("application/json"):
            return str(self.body).encode()
        return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False).encode()


def html_page(title: str, text: str, status: int) -> Answer:
    """Gives a small HTML page, as gateways in front of an interface send it."""
    body = (
        f"<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n"
        f"<body>\n<h1>{title}</h1>\n<p>{text}</p>\n</body>\n</html>\n"
    )
    return Answer(body, status=status, content_type="text/html; charset=utf-8")
