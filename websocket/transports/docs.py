"""The documentation: a page for people, and the AsyncAPI and OpenAPI documents for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState
from markupsafe import Markup, escape

from websocket import codec
from websocket.catalogue import CRYPTO_PRICES
from websocket.documentation import API_VERSION, reference
from websocket.documentation.asyncapi import build_asyncapi
from websocket.documentation.openapi import build_openapi
from websocket.documentation.reference import Entry, Program
from websocket.documentation.route_info import RouteInfo
from websocket.settings import EdgeSettings, Settings
from websocket.transports.fixed import Fixed, fixed_page

CONTENT_SECURITY_POLICY = "; ".join(
    ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'self'")
)

HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
"""What is put into the examples as the address; anything else that a request may name is not."""

LOCAL_ADDRESS = re.compile(r"(http|ws)://localhost:[0-9]+")

READER = "reader.invalid"
"""Stands for the host in the page as it is kept; nothing else on it may be called so."""

READER_ADDRESSES = {scheme: f"{scheme}://{READER}".encode() for scheme in ("http", "ws")}

PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # it names the host of the request, which a shared cache might not tell apart
    "Cache-Control": "private, no-cache",
}


def docs(settings: Settings) -> Blueprint:
    """The routes of the documentation.

    Args:
        settings: of the ports and the limits that it tells about.
    """
    blueprint = Blueprint("docs", __name__, url_prefix="/docs")
    blueprint.add_app_template_filter(_with_code, "with_code")
    asyncapi = Fixed(codec.encode(build_asyncapi(settings.server.ports)), "application/json")
    openapi = Fixed(codec.encode(build_openapi(settings.server.ports)), "application/json")
    made: list[Fixed] = []

    @blueprint.record
    def make_page(state: BlueprintSetupState) -> None:
        content = {**_content(settings.edge), "programs": _programs_for_the_reader()}
        made[:] = [fixed_page(state.app, "docs.html", content, PAGE_HEADERS, READER_ADDRESSES.values())]

    @blueprint.get("")
    def page() -> Response:
        return made[0].response(_addresses(settings.server.ports[0]))

    @blueprint.get("/asyncapi.json")
    def asyncapi_document() -> Response:
        return asyncapi.response()

    @blueprint.get("/openapi.json")
    def openapi_document() -> Response:
        return openapi.response()

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
        "routes": _routes_for_the_reader(),
        "error_codes": reference.error_codes_table(),
        "close_codes": reference.close_codes_table(),
        "handshake": reference.handshake_table(),
        "limits": reference.limits_table(edge),
    }


def _programs_for_the_reader() -> Sequence[Program]:
    """The example programs with what stands for the address under which a reader found us."""
    return [msgspec.structs.replace(program, text=_for_the_reader(program.text)) for program in reference.programs()]


def _routes_for_the_reader() -> Sequence[tuple[RouteInfo, Entry | None]]:
    """The HTTP routes, with the same in the examples of their answers."""
    return [
        (route, answer and msgspec.structs.replace(answer, examples=tuple(map(_for_the_reader, answer.examples))))
        for route, answer in reference.http_routes()
    ]


def _for_the_reader(text: str) -> str:
    return LOCAL_ADDRESS.sub(rf"\1://{READER}", text)


def _addresses(port: int) -> Mapping[bytes, bytes]:
    """The address under which this reader found us, by what stands for it; with a host that is none, the local one."""
    host = request.host if HOST.fullmatch(request.host) else f"localhost:{port}"
    secure = "s" if request.is_secure else ""
    return {ours: f"{scheme}{secure}://{host}".encode() for scheme, ours in READER_ADDRESSES.items()}


def _with_code(text: str) -> Markup:
    """Text in which ``code`` stands between backticks, as HTML."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )
