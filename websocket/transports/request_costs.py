"""What each route costs, in tokens of which one is some 0.5 ms of the event loop."""

from __future__ import annotations

COSTS = (
    ("/static/", 0.5),
    ("/api/history", 10.0),
    ("/api/news", 10.0),
    ("/api/whales", 10.0),
    ("/metrics", 2.0),
)


def request_cost(path: str) -> float:
    """The tokens of a request for a path."""
    return next((cost for prefix, cost in COSTS if path.startswith(prefix)), 1.0)
