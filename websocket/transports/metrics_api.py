"""The figures of this process for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from websocket.transports.recent import Recent


def metrics_api(exposition: Callable[[str], tuple[bytes, str]], format_of: Callable[[str], str]) -> Blueprint:
    """The route ``/metrics``. What it says is at most a second old.

    Args:
        exposition: gives text and content type for what ``format_of`` finds in an ``Accept`` header.
        format_of: the format that such a header asks for.
    """
    api = Blueprint("metrics_api", __name__)
    texts = Recent(exposition)

    @api.get("/metrics")
    def get_metrics() -> Response:
        text, content_type = texts.get(format_of(request.headers.get("Accept", "")))
        response = Response(text, content_type=content_type)
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("Accept")
        return response

    return api
