"""What shapes a scenario: numbers, choices and host names, each with its default and its check."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Protocol

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class ScenarioError(ValueError):
    """A scenario was asked for in a way that makes no sense; the message says what was expected."""


class Parameter(Protocol):
    """Something that can be set for a scenario."""

    @property
    def default(self) -> Any:
        """Gives the value in force when nothing is said."""

    def checked(self, name: str, value: Any) -> Any:
        """Gives the value itself, or raises `ScenarioError` when it is not allowed."""

    def as_dict(self) -> dict[str, Any]:
        """Gives what people may set, for the control interface."""


@dataclass(frozen=True)
class Number:
    """A number; values outside ``minimum`` to ``maximum`` are refused."""

    default: float
    minimum: float
    maximum: float

    def checked(self, name: str, value: Any) -> float:
        if not is_number(value) or not self.minimum <= value <= self.maximum:
            raise ScenarioError(f"{name}: expected a number from {self.minimum:g} to {self.maximum:g}")
        number: float = value
        return number

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    default: str
    options: tuple[str, ...]

    def checked(self, name: str, value: Any) -> str:
        if value not in self.options:
            raise ScenarioError(f"{name}: expected one of {', '.join(self.options)}")
        return str(value)

    def as_dict(self) -> dict[str, Any]:
        return {"default": self.default, "options": list(self.options)}


@dataclass(frozen=True)
class Host:
    """The name of a host in lower case, or the word that is the default."""

    default: str

    def checked(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or not _HOST.fullmatch(value):
            raise ScenarioError(f"{name}: expected the name of a host in lower case, or {self.default}")
        return value

    def as_dict(self) -> dict[str, Any]:
        return {"default": self.default}


def is_number(value: Any) -> bool:
    """Tells whether a value is a number that can be reckoned with; NaN and the infinite are none."""
    # The bounds keep out NaN and integers too large for a float.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e12 <= value <= 1e12
