"""What there is to know about the WebSocket endpoints, over HTTP: ``{"status": "success", "data", "timestamp"}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Blueprint, Response

from websocket.catalogue import ENDPOINTS, GROUPS, SERVICES, services_of
from websocket.records import to_rfc3339
from websocket.transports.http_api import json_response
from websocket.transports.json_session import ACTIONS
from websocket.transports.json_websocket import JsonWebSockets


def websocket_api(websockets: JsonWebSockets, *, clock: Callable[[], float]) -> Blueprint:
    """The routes below ``/ws`` that are no WebSockets.

    Args:
        websockets: whose clients are counted.
        clock: wall clock, Unix seconds.
    """
    api = Blueprint("websocket_api", __name__, url_prefix="/ws")

    def success(data: Any) -> Response:
        return json_response({"status": "success", "data": data, "timestamp": to_rfc3339(clock())})

    @api.get("/stats")
    def get_stats() -> Response:
        return success(websockets.stats())

    @api.get("/services")
    def get_services() -> Response:
        return success(
            {
                "services": [
                    {
                        **msgspec.to_builtins(service),
                        "endpoints": [endpoint.path for endpoint in ENDPOINTS if service.name in endpoint.services],
                    }
                    for service in SERVICES
                ],
                "groups": {group: list(services_of(group)) for group in GROUPS},
            }
        )

    @api.get("/endpoints")
    def get_endpoints() -> Response:
        return success({"endpoints": msgspec.to_builtins(ENDPOINTS), "supported_actions": list(ACTIONS)})

    return api
