"""The pages that people open in a browser."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

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


def pages() -> Blueprint:
    """The routes of the pages."""
    blueprint = Blueprint("pages", __name__)

    @blueprint.get("/")
    def index() -> BaseResponse:
        return redirect(url_for("pages.test_websocket"))

    @blueprint.get("/test-websocket")
    def test_websocket() -> Response:
        response = make_response(render_template("test_websocket.html"))
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return blueprint
