"""The contract every simulated provider meets, and the registry that finds them.

A new provider is one new module in this folder with one subclass of `Provider`; nothing else names it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

import simulator.providers
from simulator.answers import Answer, Request, html_page
from simulator.source_view import SourceView

Handler = Callable[..., Answer]
"""Takes the request, the view and, as keywords, the placeholders of its path."""


class Provider(ABC):
    """One simulated provider.

    Attributes:
        name: Its name in addresses and scenarios.
        caches: Whether it refreshes its prices in steps, so that its source times lag.
        methods: The HTTP methods it understands.
    """

    name: ClassVar[str]
    caches: ClassVar[bool] = False
    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD")

    @abstractmethod
    def routes(self) -> Mapping[str, Handler]:
        """Gives a handler for each path, for instance ``/products/{product}/ticker``."""

    def answer(self, request: Request, view: SourceView) -> Answer:
        """Answers one request as the real provider would; a slash at the end of the path makes no difference."""
        if request.method not in self.methods:
            return self.error(405, "Method Not Allowed")
        for pattern, handler in self._patterns:
            match = pattern.fullmatch(request.path.rstrip("/") or "/")
            if match:
                return handler(request, view, **match.groupdict())
        return self.error(404, "Not Found")

    def error(self, status: int, message: str) -> Answer:
        """Gives an error in this provider's own shape."""
        return Answer({"error": message}, status=status)

    def rate_limited(self) -> Answer:
        """Gives the body sent with status 429; the fault layer adds Retry-After."""
        return self.error(429, "Too Many Requests")

    def geo_blocked(self) -> Answer:
        """Gives the answer to a client from a country that is not served."""
        return html_page("403 Forbidden", "This service is not available in your region.", 403)

    def not_a_number(self, value: Any) -> Any:
        """Gives what this provider sends in place of a price that is not a number.

        JSON numbers become the bare token ``NaN``, decimal strings the text ``"NaN"``. Of a list only the
        first element is a price.
        """
        if isinstance(value, list):
            return [self.not_a_number(value[0]), *value[1:]]
        return "NaN" if isinstance(value, str) else float("nan")

    def missing(self, value: Any) -> Any:
        """Gives what this provider sends in place of a price it does not have: null, or an empty string."""
        if isinstance(value, list):
            return [self.missing(value[0]), *value[1:]]
        return "" if isinstance(value, str) else None

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], Handler]]:
        return [
            (re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), handler)
            for path, handler in self.routes().items()
        ]


def split_list(text: str) -> list[str]:
    """Gives the items of a comma-separated parameter without blanks around them; empty items are left out."""
    return [item.strip() for item in text.split(",") if item.strip()]


def find_providers() -> dict[str, Provider]:
    """Gives one instance of every provider in this folder, by name in alphabetical order."""
    found: dict[str, Provider] = {}
    for module_info in pkgutil.iter_modules(simulator.providers.__path__):
        module = importlib.import_module(f"{simulator.providers.__name__}.{module_info.name}")
        for member in vars(module).values():
            # Python 3.10 takes a type alias such as Callable[..., Answer] for a class; only its home tells.
            if not inspect.isclass(member) or member.__module__ != module.__name__:
                continue
            if issubclass(member, Provider) and not inspect.isabstract(member):
                found[member.name] = member()
    return dict(sorted(found.items()))
