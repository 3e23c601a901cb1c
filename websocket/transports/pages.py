"""The pages that people open in a browser."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, redirect, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as BaseResponse

from websocket.catalogue import SERVICES
from websocket.coins import COINS
from websocket.transports.fixed import Fixed, fixed_page

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

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

FAVICON = "favicon.ico"
"""Browsers ask for it at the root, also beside answers that are no pages and cannot name another."""

STATS_INTERVAL_S = 5
"""How often the dashboard asks ``/ws/stats``, which is not published."""


def pages() -> Blueprint:
    """The routes of the pages."""
    blueprint = Blueprint("pages", __name__)
    made: dict[str, Fixed] = {}

    @blueprint.record
    def make_pages(state: BlueprintSetupState) -> None:
        variables = {
            "services": {service.name: service for service in SERVICES},
            "coins": COINS,
            "stats_interval_s": STATS_INTERVAL_S,
        }
        for template in ("test_websocket.html", "dashboard.html"):
            made[template] = fixed_page(state.app, template, variables, HEADERS)
        icon = Path(state.app.root_path, "static", FAVICON).read_bytes()
        made[FAVICON] = Fixed(icon, "image/x-icon", {"X-Content-Type-Options": "nosniff"})

    @blueprint.get("/")
    def index() -> BaseResponse:
        return redirect(url_for("pages.test_websocket"))

    @blueprint.get("/test-websocket")
    def test_websocket() -> Response:
        return made["test_websocket.html"].response()

    @blueprint.get("/dashboard")
    def dashboard() -> Response:
        return made["dashboard.html"].response()

    @blueprint.get(f"/{FAVICON}")
    def favicon() -> Response:
        return made[FAVICON].response()

    return blueprint
