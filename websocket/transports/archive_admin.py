"""Backups and exports over HTTP, for the operator: ``Authorization: Bearer <ADMIN_TOKEN>``."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from websocket.archive.export import ExportOrder, Selection
from websocket.archive.progress import Busy, Progress
from websocket.archive.tasks import ArchiveTasks
from websocket.coins import SYMBOLS
from websocket.errors import ArchiveError, BadRequest, ClientError
from websocket.records import to_rfc3339
from websocket.settings import Secret
from websocket.transports.http_api import error_response, json_response
from websocket.transports.query import check_span, parse_moment

MAX_BODY_BYTES = 4096

WRONG_TOKENS_PER_MINUTE = 10
"""From one address; then it is not even looked at what it sends, until a minute after the first of them."""

REALM = 'Bearer realm="archive"'


def archive_admin(
    tasks: ArchiveTasks,
    token: Secret,
    *,
    address_of: Callable[[Any], str],
    clock: Callable[[], float],
) -> Blueprint:
    """The routes below ``/api/archive``.

    Args:
        tasks: what they start and tell about.
        token: what a request must bring; when it is empty, nothing is let through.
        address_of: the client's address, from a WSGI environment.
        clock: wall clock, Unix seconds.
    """
    api = Blueprint("archive_admin", __name__, url_prefix="/api/archive")
    attempts = MovingWindowRateLimiter(MemoryStorage())
    allowed = RateLimitItemPerMinute(WRONG_TOKENS_PER_MINUTE)

    @api.before_request
    def check_token() -> Response | None:
        if not token:
            return error_response(403, "forbidden", "This is off; set ADMIN_TOKEN to use it.")
        address = address_of(request.environ)
        if not attempts.test(allowed, address):
            answer = error_response(
                429, "too_many_requests", "Too many wrong tokens from your address.", temporary=True
            )
            answer.headers["Retry-After"] = "60"
            return answer
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        # both are compared to their ends, so that the time it takes does not tell how much was right
        is_right = hmac.compare_digest(given.strip().encode(), token.reveal().encode())
        if scheme.lower() == "bearer" and is_right:
            return None
        attempts.hit(allowed, address)
        answer = error_response(401, "unauthorized", "Expected Authorization: Bearer and the value of ADMIN_TOKEN.")
        answer.headers["WWW-Authenticate"] = REALM
        return answer

    @api.post("/backup")
    def post_backup() -> Response:
        if _body():
            raise BadRequest("a backup takes no body")
        return started(tasks.start_backup())

    @api.post("/export")
    def post_export() -> Response:
        order = _order(_body())
        selection = _selection(order, clock())
        return started(tasks.start_export(selection, file_format=order.format, compressed=order.compressed))

    @api.get("/tasks")
    def get_tasks() -> Response:
        return json_response(
            {"status": "success", "data": {"tasks": tasks.jobs.recent()}, "timestamp": to_rfc3339(clock())}
        )

    def started(progress: Progress) -> Response:
        return json_response({"status": "success", "data": progress, "timestamp": to_rfc3339(clock())}, status=202)

    @api.errorhandler(ClientError)
    def on_client_error(error: ClientError) -> Response:
        return error_response(400, error.code, error.message)

    @api.errorhandler(Busy)
    def on_busy(error: Busy) -> Response:
        return error_response(409, "conflict", str(error), temporary=True)

    @api.errorhandler(ArchiveError)
    def on_archive_error(error: ArchiveError) -> Response:
        return error_response(503, "service_unavailable", str(error), temporary=True)

    return api


def _body() -> bytes:
    """The body of the request; a larger one than any order is refused by Flask with 413."""
    request.max_content_length = MAX_BODY_BYTES
    return request.get_data()


def _order(body: bytes) -> ExportOrder:
    try:
        return msgspec.json.decode(body, type=ExportOrder)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"expected a JSON object that says what to export: {error}") from None
    except RecursionError:
        raise BadRequest("nested too deeply") from None


def _selection(order: ExportOrder, now: float) -> Selection:
    """What the order means.

    Raises:
        BadRequest: its parts do not go together.
    """
    symbol = None if order.symbol is None else order.symbol.upper()
    if symbol is not None and order.kind not in ("prices", "candles"):
        raise BadRequest(f"symbol: {order.kind} have none")
    if symbol is not None and symbol not in SYMBOLS:
        raise BadRequest(f"symbol: expected one of {', '.join(SYMBOLS)}")
    if order.interval is not None and order.kind != "candles":
        raise BadRequest(f"interval: {order.kind} have none")
    start, end = _moment("from", order.start), _moment("to", order.end)
    if start is not None:
        check_span(start, end, default_s=0.0, now=now)
    return Selection(kind=order.kind, start=start, end=end, symbol=symbol, interval=order.interval or "1m")


def _moment(name: str, given: str | float | None) -> float | None:
    if given is None:
        return None
    return parse_moment(name, given if isinstance(given, str) else f"{given:.6f}")
