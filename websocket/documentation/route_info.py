"""What is said about one HTTP route."""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec import Struct

Method = Literal["GET", "POST"]


class AnswerInfo(Struct, frozen=True, kw_only=True):
    """One answer of a route.

    Attributes:
        status: HTTP status.
        meaning: when it comes, Markdown.
        type: of its JSON body; None when it is something else.
        example: of that type.
        media_type: of its body; None without one.
        other_type: what its JSON body may be instead, by the parameters of the request; None when there is none.
        other_example: of that type.
        other_media_type: in which the same may be asked for; None when there is none.
    """

    status: int
    meaning: str
    type: Any = None
    example: Any = None
    media_type: str | None = "application/json"
    other_type: Any = None
    other_example: Any = None
    other_media_type: str | None = None


class ParameterInfo(Struct, frozen=True, kw_only=True):
    """One parameter of a request.

    Attributes:
        name: as it is sent.
        meaning: Markdown.
        schema: JSON Schema of its value.
        place: where it stands.
    """

    name: str
    meaning: str
    schema: dict[str, Any]
    place: Literal["query", "path"] = "query"


class BodyInfo(Struct, frozen=True, kw_only=True):
    """The JSON body of a request.

    Attributes:
        type: of it.
        example: of that type.
    """

    type: Any
    example: Any


class RouteInfo(Struct, frozen=True, kw_only=True):
    """One HTTP route.

    Attributes:
        path: where it is; a part that varies stands in angle brackets.
        summary: what it gives or does, Markdown.
        answers: what may come.
        method: how it is asked.
        parameters: what a request may say.
        body: what a request must bring, or None.
        for_operator: True when it wants the ``ADMIN_TOKEN``.
        try_path: a path that can be asked, where the varying parts are filled in; empty when there are none.
    """

    path: str
    summary: str
    answers: tuple[AnswerInfo, ...]
    method: Method = "GET"
    parameters: tuple[ParameterInfo, ...] = ()
    body: BodyInfo | None = None
    for_operator: bool = False
    try_path: str = ""

    @property
    def name(self) -> str:
        """For people, for example ``GET /health``."""
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        """A path that can be asked."""
        return self.try_path or self.path

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it: ``/api/history/{symbol}``."""
        return re.sub(r"<(\w+)>", r"{\1}", self.path)
