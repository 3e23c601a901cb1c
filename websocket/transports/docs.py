"""The documentation: a page for people, and the AsyncAPI and OpenAPI documents for programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response, make_response, render_template, request
from markupsafe import Markup, escape

from websocket.catalogue import CRYPTO_PRICES
from websocket.documentation import API_VERSION, reference
from websocket.documentation.asyncapi import build_asyncapi
from websocket.documentation.openapi import build_openapi
from websocket.documentation.reference import Program
from websocket.settings import EdgeSettings, Settings
from websocket.transports.http_api import json_response

CONTENT_SECURITY_POLICY = "; ".join(
    ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'self'")
)

HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
"""What is put into the examples as the address; anything else that a request may name is not."""

LOCAL_ADDRESS = re.compile(r"(http|ws)://localhost:[0-9]+")


def docs(settings: Settings) -> Blueprint:
    """The routes of the documentation.

    Args:
        settings: of the ports and the limits that it tells about.
    """
    blueprint = Blueprint("docs", __name__, url_prefix="/docs")
    blueprint.add_app_template_filter(_with_code, "with_code")
    asyncapi = build_asyncapi(settings.server.ports)
    openapi = build_openapi(settings.server.ports)
    content = _content(settings.edge)

    @blueprint.get("")
    def page() -> Response:
        response = make_response(render_template("docs.html", **content, programs=_programs_for_this_host()))
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        # it names the host of the request
        response.headers["Cache-Control"] = "no-store"
        return response

    @blueprint.get("/asyncapi.json")
    def asyncapi_document() -> Response:
        return json_response(asyncapi)

    @blueprint.get("/openapi.json")
    def openapi_document() -> Response:
        return json_response(openapi)

    return blueprint


def _content(edge: EdgeSettings) -> dict[str, Any]:
    """What the page shows, the same for everybody."""
    return {
        "version": API_VERSION,
        "prices_channel": CRYPTO_PRICES,
        "endpoints": reference.endpoints_table(),
        "services": reference.services_table(),
        "payloads": reference.payloads(),
        "chapters": (
            ("plain-client", "You send", "Plain WebSocket", reference.plain_from_client()),
            ("plain-service", "You get", "Plain WebSocket", reference.plain_from_service()),
            ("socketio-client", "You emit", "Socket.IO", reference.socketio_from_client()),
            ("socketio-acks", "You get as acknowledgement", "Socket.IO", reference.socketio_acks()),
            ("socketio-service", "You get as event", "Socket.IO", reference.socketio_from_service()),
        ),
        "routes": reference.http_routes(),
        "error_codes": reference.error_codes_table(),
        "close_codes": reference.close_codes_table(),
        "handshake": reference.handshake_table(),
        "limits": reference.limits_table(edge),
    }


def _programs_for_this_host() -> Sequence[Program]:
    """The example programs with the address under which the reader found us."""
    if not HOST.fullmatch(request.host):
        return reference.programs()
    schemes = {"http": request.scheme, "ws": "wss" if request.is_secure else "ws"}
    return [
        msgspec.structs.replace(
            program, text=LOCAL_ADDRESS.sub(lambda found: f"{schemes[found[1]]}://{request.host}", program.text)
        )
        for program in reference.programs()
    ]


def _with_code(text: str) -> Markup:
    """Text in which ``code`` stands between backticks, as HTML."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )
