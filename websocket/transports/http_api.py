"""The HTTP API: health and prices. Every answer is JSON; errors have one shape: ``{code, message, temporary}``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from websocket import codec
from websocket.health import Health
from websocket.transports.recent import Recent

logger = logging.getLogger(__name__)


def http_api(health: Health, *, allowed_origins: Sequence[str]) -> Blueprint:
    """The routes of the HTTP API. What they say is at most a second old.

    Args:
        health: gives every answer.
        allowed_origins: pages that may read the answers; ``*`` for all.
    """
    api = Blueprint("http_api", __name__)

    def make_health() -> tuple[bytes, int]:
        report = health.report()
        return codec.encode(report), 200 if report["status"] in ("healthy", "degraded") else 503

    def make_ready() -> tuple[bytes, int]:
        ready = health.readiness()
        return codec.encode(ready), 200 if ready["ready"] else 503

    def make_prices() -> tuple[bytes, int]:
        return codec.encode({"status": "success", "data": health.prices(), "timestamp": health.timestamp()}), 200

    reports, readiness, prices = Recent(make_health), Recent(make_ready), Recent(make_prices)

    @api.get("/health")
    def get_health() -> Response:
        return encoded_response(*reports.get())

    @api.get("/health/live")
    def get_live() -> Response:
        return json_response({"status": "live", "timestamp": health.timestamp()})

    @api.get("/health/ready")
    def get_ready() -> Response:
        return encoded_response(*readiness.get())

    @api.get("/api/prices")
    def get_prices() -> Response:
        return encoded_response(*prices.get())

    @api.app_errorhandler(Exception)
    def on_error(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            if error.code is not None and error.code < 400:
                return error.get_response()  # type: ignore[return-value]
            code = (error.name or "error").lower().replace(" ", "_")
            status = error.code or 500
            answer = json_response(
                {"code": code, "message": error.description, "temporary": status >= 500}, status=status
            )
            allowed = error.get_response().headers.get("Allow")
            if allowed is not None:
                answer.headers["Allow"] = allowed
            return answer
        logger.exception("request failed path=%s", request.path, exc_info=error)
        return json_response(
            {"code": "internal", "message": "This failed on our side; it is logged.", "temporary": True}, status=500
        )

    @api.after_app_request
    def allow_origin(response: Response) -> Response:
        origin = request.headers.get("Origin")
        if "*" in allowed_origins:
            response.headers["Access-Control-Allow-Origin"] = "*"
        elif origin in allowed_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.vary.add("Origin")
        return response

    return api


def json_response(value: Any, *, status: int = 200) -> Response:
    """A JSON answer that nobody may cache."""
    return encoded_response(codec.encode(value), status)


def encoded_response(body: bytes, status: int = 200) -> Response:
    """The same of what is JSON already."""
    response = Response(body, status=status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def error_response(status: int, code: str, message: str, *, temporary: bool = False) -> Response:
    """An error in the one shape that all have.

    Args:
        status: HTTP status.
        code: for programs: the phrase of the status in lower case, with underscores.
        message: for people.
        temporary: whether the same request may succeed later.
    """
    return json_response({"code": code, "message": message, "temporary": temporary}, status=status)
