"""What a request costs, by its route; the figures are those of ``python -m bench.routes``."""

from __future__ import annotations

ROUTE_COSTS = (
    # made once a start, but long: sending it is what costs
    ("/docs", 3.0),
    # made once a second
    ("/metrics", 2.0),
    # they cost as much as others, but pass where others are refused: a flood from its own machine must not hide the
    # service from its probes
    ("/health/", 0.1),
    ("/health", 1.5),
    # each page of the list is made by itself
    ("/ws/stats", 5.0),
    # a read of the archive: up to half a second of a native thread, and a part of that is the interpreter's
    ("/api/history", 20.0),
    ("/api/news", 20.0),
    ("/api/whales", 20.0),
    # ten of them with a wrong token a minute are looked at
    ("/api/archive", 2.0),
    ("/static/", 1.5),
)
"""Beginning of a path -> tokens. The first that fits counts."""

CHEAP = 1.0
"""A token is the cost of any other answer: some 0.4 ms."""


def cost_of(path: str) -> float:
    """Tokens for a request.

    Args:
        path: without the query, as the client sent it; slashes may be doubled, which leads to the same route.
    """
    while "//" in path:
        path = path.replace("//", "/")
    return next((cost for beginning, cost in ROUTE_COSTS if path.startswith(beginning)), CHEAP)
