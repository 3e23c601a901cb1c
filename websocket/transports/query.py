"""Reads the parameters of a request strictly: what is unknown, repeated or nonsense is refused by name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TypeVar

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from websocket.archive.queries import CURSOR_MAX_CHARACTERS
from websocket.errors import BadRequest
from websocket.records import parse_time

C = TypeVar("C", bound=str)

TEXT_MAX = 100


class Query:
    """The parameters of one request.

    Args:
        request: as it came.
        known: the names that the route has.

    Raises:
        BadRequest: they are not UTF-8; one is not known, or is there twice.
    """

    def __init__(self, request: Request, known: tuple[str, ...]) -> None:
        given = _parameters(request)
        for name, values in given.lists():
            if name not in known:
                raise BadRequest(f"unknown parameter {name[:TEXT_MAX]!r}; there are {', '.join(known)}")
            if len(values) > 1:
                raise BadRequest(f"{name}: given more than once")
        self._given: Mapping[str, str] = given

    def has(self, name: str) -> bool:
        """Whether it was given."""
        return name in self._given

    def text(self, name: str) -> str | None:
        """A text of 1 to 100 characters, without spaces around it; None when it was not given."""
        value = self._given.get(name)
        if value is None:
            return None
        value = value.strip()
        if not 1 <= len(value) <= TEXT_MAX or not value.isprintable():
            raise BadRequest(f"{name}: expected 1 to {TEXT_MAX} printable characters")
        return value

    def lower(self, name: str) -> str | None:
        """A text whose case does not matter, as the archive has it: in lower case."""
        value = self.text(name)
        return None if value is None else value.lower()

    def upper(self, name: str) -> str | None:
        """The same in upper case."""
        value = self.text(name)
        return None if value is None else value.upper()

    def cursor(self, name: str) -> str | None:
        """What an earlier answer gave as ``next``; None when it was not given."""
        value = self._given.get(name)
        if value is not None and not 1 <= len(value) <= CURSOR_MAX_CHARACTERS:
            raise BadRequest(f"{name}: expected the cursor of an earlier answer")
        return value

    def choice(self, name: str, choices: tuple[C, ...], default: C) -> C:
        """One of some words."""
        value = self._given.get(name, default)
        for word in choices:
            if word == value:
                return word
        raise BadRequest(f"{name}: expected one of {', '.join(choices)}")

    def count(self, name: str, most: int, *, least: int = 1) -> int | None:
        """A whole number from ``least`` to ``most``; None when it was not given."""
        value = self._given.get(name)
        if value is None:
            return None
        if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise BadRequest(f"{name}: expected a whole number from {least} to {most}")
        return int(value)

    def amount(self, name: str) -> float | None:
        """A finite number of at least 0; None when it was not given."""
        value = self._given.get(name)
        if value is None:
            return None
        if not re.fullmatch(r"[0-9]{1,30}(\.[0-9]{1,30})?([eE][+]?[0-9]{1,3})?", value) or math.isinf(float(value)):
            raise BadRequest(f"{name}: expected a number of at least 0")
        return float(value)

    def moment(self, name: str) -> float | None:
        """A time as Unix seconds; None when it was not given."""
        value = self._given.get(name)
        return None if value is None else parse_moment(name, value)

    def span(self, default_s: float, now: float) -> tuple[float, float]:
        """The parameters ``from`` and ``to``: by default the last ``default_s`` seconds before ``to``, which is now."""
        return check_span(self.moment("from"), self.moment("to"), default_s=default_s, now=now)


def _parameters(request: Request) -> MultiDict[str, str]:
    """What a request says behind its path.

    Raises:
        BadRequest: it has bytes that are not UTF-8; Werkzeug lets those through only where they are percent-encoded.
    """
    try:
        return request.args
    except UnicodeDecodeError:
        raise BadRequest("the query of the address is not UTF-8") from None


def check_span(start: float | None, end: float | None, *, default_s: float, now: float) -> tuple[float, float]:
    """Both ends of a span of time.

    Raises:
        BadRequest: it ends before it begins.
    """
    known_end = now if end is None else end
    known_start = max(0.0, known_end - default_s) if start is None else start
    if known_start > known_end:
        raise BadRequest("from: expected a time before to" if end is not None else "from: expected a time in the past")
    return known_start, known_end


def parse_moment(name: str, text: str) -> float:
    """RFC 3339 with a zone, or Unix seconds, as Unix seconds.

    Raises:
        BadRequest: it is neither.
    """
    try:
        return parse_time(text)
    except ValueError:
        raise BadRequest(
            f"{name}: expected RFC 3339 such as 2026-11-21T10:00:00Z (a + in it as %2B), or Unix seconds from 0 on"
        ) from None
