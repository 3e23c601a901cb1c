"""What there is to know about the WebSocket endpoints, over HTTP: ``{"status": "success", "data", "timestamp"}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from websocket import codec
from websocket.catalogue import ENDPOINTS, GROUPS, SERVICES, SYSTEM_SERVICES, services_of
from websocket.errors import ClientError
from websocket.records import to_rfc3339
from websocket.transports.docs import HOST
from websocket.transports.http_api import encoded_response, error_response
from websocket.transports.json_session import ACTIONS
from websocket.transports.json_websocket import JsonWebSockets
from websocket.transports.query import Query
from websocket.transports.recent import Recent

MAX_CLIENTS = 500
DEFAULT_CLIENTS = 100
"""Clients that one answer lists; of more, it would take longer to write than others should have to wait."""

MAX_OFFSET = 999_999_999


def websocket_api(websockets: JsonWebSockets, *, clock: Callable[[], float]) -> Blueprint:
    """The routes below ``/ws`` that are no WebSockets. What they say is at most a second old.

    Args:
        websockets: whose clients are counted.
        clock: wall clock, Unix seconds.
    """
    api = Blueprint("websocket_api", __name__, url_prefix="/ws")

    def success(data: Any) -> bytes:
        return codec.encode({"status": "success", "data": data, "timestamp": to_rfc3339(clock())})

    stats = Recent(lambda offset, limit: success(websockets.stats(offset=offset, limit=limit)))
    services = Recent(lambda: success(_services()))
    endpoints = Recent(lambda base: success({"endpoints": _endpoints(base), "supported_actions": ACTIONS}))

    @api.get("/stats")
    def get_stats() -> Response:
        query = Query(request, ("offset", "limit"))
        offset, limit = query.count("offset", MAX_OFFSET, least=0), query.count("limit", MAX_CLIENTS)
        return encoded_response(stats.get(offset or 0, limit or DEFAULT_CLIENTS))

    @api.get("/services")
    def get_services() -> Response:
        return encoded_response(services.get())

    @api.get("/endpoints")
    def get_endpoints() -> Response:
        return encoded_response(endpoints.get(_base_url()))

    @api.errorhandler(ClientError)
    def on_client_error(error: ClientError) -> Response:
        return error_response(400, error.code, error.message)

    return api


def _base_url() -> str:
    """The address under which this client found us; with a host that is none, the local one."""
    host = request.host if HOST.fullmatch(request.host) else f"localhost:{request.environ['SERVER_PORT']}"
    return f"{'wss' if request.is_secure else 'ws'}://{host}"


def _endpoints(base_url: str) -> list[dict[str, Any]]:
    return [{**msgspec.to_builtins(endpoint), "url": base_url + endpoint.path} for endpoint in ENDPOINTS]


def _services() -> dict[str, Any]:
    return {
        "services": [
            {
                **msgspec.to_builtins(service),
                "endpoints": [endpoint.path for endpoint in ENDPOINTS if service.name in endpoint.names],
            }
            for service in (*SERVICES, *SYSTEM_SERVICES)
        ],
        "groups": {group: services_of(group) for group in GROUPS},
    }
