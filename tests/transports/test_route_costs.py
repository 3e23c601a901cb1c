"""The table of what requests cost."""

from __future__ import annotations

import pytest

from websocket.documentation.openapi import routes
from websocket.transports.route_costs import CHEAP, ROUTE_COSTS, cost_of


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("/health/live", 0.1),
        ("/health", 1.5),
        ("/docs/asyncapi.json", 3.0),
        ("/api/history/BTC", 20.0),
        ("//api////news/", 20.0),
        ("/socket.io/", CHEAP),
        ("", CHEAP),
        ("/" * 100_000 + "metrics", 2.0),
    ],
)
def test_cost_is_that_of_the_route(path: str, cost: float) -> None:
    """However the path is written."""
    assert cost_of(path) == cost


def test_every_entry_is_a_route() -> None:
    """One that was renamed would be cheap by mistake."""
    paths = [*(route.path for route in routes()), "/static/js/docs.js"]
    for beginning, cost in ROUTE_COSTS:
        matching = [path for path in paths if path.startswith(beginning)]
        assert matching
        assert cost in {cost_of(path) for path in matching}
