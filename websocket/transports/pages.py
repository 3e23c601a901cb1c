"""The pages that people open in a browser."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from websocket.catalogue import SERVICES
from websocket.coins import COINS

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # older browsers do not count WebSockets to our own host as 'self'
        "connect-src 'self' ws: wss:",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)


STATS_INTERVAL_S = 5
"""How often the dashboard asks ``/ws/stats``, which is not published."""


def pages() -> Blueprint:
    """The routes of the pages."""
    blueprint = Blueprint("pages", __name__)

    @blueprint.get("/")
    def index() -> BaseResponse:
        return redirect(url_for("pages.test_websocket"))

    @blueprint.get("/test-websocket")
    def test_websocket() -> Response:
        return _page("test_websocket.html")

    @blueprint.get("/dashboard")
    def dashboard() -> Response:
        services = {service.name: service for service in SERVICES}
        return _page("dashboard.html", services=services, coins=COINS, stats_interval_s=STATS_INTERVAL_S)

    return blueprint


def _page(template: str, **variables: Any) -> Response:
    response = make_response(render_template(template, **variables))
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
