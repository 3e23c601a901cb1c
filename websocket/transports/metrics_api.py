"""The figures of this process for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request


def metrics_api(exposition: Callable[[str], tuple[bytes, str]]) -> Blueprint:
    """The route ``/metrics``.

    Args:
        exposition: gives text and content type for an ``Accept`` header.
    """
    api = Blueprint("metrics_api", __name__)

    @api.get("/metrics")
    def get_metrics() -> Response:
        text, content_type = exposition(request.headers.get("Accept", ""))
        response = Response(text, content_type=content_type)
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("Accept")
        return response

    return api
