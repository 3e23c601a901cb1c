"""The kinds of values that settings have, and ``setting()``, which declares one."""

from __future__ import annotations

import dataclasses
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import urlsplit

from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0, le=31 * 86400)]
Days = Annotated[float, Meta(gt=0, le=36_500)]
Count = Annotated[int, Meta(ge=1)]
Limit = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Weight = Annotated[float, Meta(ge=0, le=1)]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
SearchTerm = Annotated[str, Meta(max_length=60)]
ModelName = Annotated[str, Meta(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*\Z")]


@dataclasses.dataclass(frozen=True, repr=False)
class Secret:
    """A value that must not be seen in logs, errors or dumps; ``reveal()`` gives it."""

    value: str = ""

    def reveal(self) -> str:
        """The value itself, for the one place that needs it."""
        return self.value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __repr__(self) -> str:
        return "Secret('***')" if self.value else "Secret('')"


class Url(str):
    """An http or https address without query, checked when it is read. A password in it is not shown."""

    __slots__ = ()

    @property
    def shown(self) -> str:
        """The address for people and logs."""
        parts = urlsplit(self)
        return (
            parts._replace(netloc=f"***@{parts.netloc.rpartition('@')[2]}").geturl()
            if "@" in parts.netloc
            else str(self)
        )

    def __repr__(self) -> str:
        return f"Url({self.shown!r})"


def setting(name: str, default: Any, help: str, unit: str = "", *, shared: bool = False) -> Any:
    """A dataclass field that is read from the environment variable ``name``.

    In a class that is used for several providers, ``name`` is a suffix behind the provider's prefix; with ``shared`` it
    is the whole name, and all of them read the same variable.
    """
    return dataclasses.field(default=default, metadata={"name": name, "help": help, "unit": unit, "shared": shared})


def in_words(hint: Any) -> str:
    """A type as people read it, for example ``number, greater than 0``."""
    if get_origin(hint) is Annotated:
        base, *notes = get_args(hint)
        bounds = [
            f"{words} {bound}"
            for note in notes
            for words, bound in (("above", note.gt), ("at least", note.ge), ("below", note.lt), ("at most", note.le))
            if bound is not None
        ]
        return ", ".join([in_words(base), *bounds])
    if get_origin(hint) in (Union, UnionType):  # with None, which stands for an empty value
        return in_words(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(get_args(hint))
    if get_origin(hint) is tuple:
        return f"list of {in_words(get_args(hint)[0])}"
    names: dict[Any, str] = {
        int: "whole number",
        float: "number",
        bool: "0 or 1",
        str: "text",
        Secret: "secret",
        Url: "address",
    }
    return names[hint]
