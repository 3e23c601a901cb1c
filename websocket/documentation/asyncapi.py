"""The AsyncAPI 3.0 document of both protocols: https://www.asyncapi.com/docs/reference/specification/v3.0.0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from websocket.catalogue import ENDPOINTS, EndpointInfo
from websocket.documentation import API_VERSION, messages, protocols
from websocket.documentation.codes import CLOSE_CODES, error_codes
from websocket.documentation.protocols import MessageInfo
from websocket.documentation.schemas import as_json, schema_components

SOCKETIO = "socketio"
PLAIN = "plain"

DESCRIPTION = """\
Prices and more, pushed to browsers and programs. There are two protocols, and every port serves both: Socket.IO below
`/socket.io/`, and plain WebSockets with JSON messages below `/ws`.

`send` and `receive` are seen from the service: it sends to clients, and receives from them.

Errors never end a connection by themselves; `x-error-codes` lists their codes. `x-close-codes` lists the codes with
which a WebSocket ends."""


def build_asyncapi(ports: Sequence[int]) -> dict[str, Any]:
    """The document as JSON values.

    Args:
        ports: where the service listens.
    """
    sent, received = protocols.plain_messages()
    plain = [*sent, *received]
    events = [*protocols.socketio_from_service(), *protocols.socketio_from_client(), *protocols.socketio_acks()]
    schemas, components = schema_components([*(message.type for message in (*plain, *events)), messages.ConnectAuth])
    described = [(PLAIN, message) for message in plain] + [(SOCKETIO, message) for message in events]
    servers = {f"port_{port}": _server(port) for port in ports}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "DWT Exchange streaming service",
            "version": API_VERSION,
            "description": DESCRIPTION,
            "x-error-codes": as_json(error_codes()),
            "x-close-codes": as_json(CLOSE_CODES),
        },
        "defaultContentType": "application/json",
        "servers": servers,
        "channels": {
            SOCKETIO: _socketio_channel(events, servers),
            **{_channel_id(endpoint): _plain_channel(endpoint, servers) for endpoint in ENDPOINTS},
        },
        "operations": {**_socketio_operations(), **_plain_operations()},
        "components": {
            "messages": {
                f"{protocol}.{message.key}": _message(message, schema)
                for (protocol, message), schema in zip(described, schemas[:-1], strict=True)
            },
            "schemas": components,
        },
    }


def _all_messages(endpoint: EndpointInfo) -> list[MessageInfo]:
    return [*protocols.from_service(endpoint), *protocols.from_client(endpoint)]


def _server(port: int) -> dict[str, Any]:
    return {
        "host": f"localhost:{port}",
        "protocol": "ws",
        "description": "Serves both protocols. Behind a proxy with TLS the protocol is wss.",
    }


def _message(message: MessageInfo, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": message.name,
        "title": message.key,
        "summary": message.summary,
        "contentType": "application/json",
        "payload": schema,
        "examples": [{"payload": example} for example in message.json_examples()],
    }


# Plain WebSocket


def _channel_id(endpoint: EndpointInfo) -> str:
    return endpoint.path.strip("/").replace("/", "_")


def _plain_channel(endpoint: EndpointInfo, servers: dict[str, Any]) -> dict[str, Any]:
    how = "" if endpoint.subscribes is None else f" Subscribes by itself to {endpoint.subscribes}."
    return {
        "address": endpoint.path,
        "title": endpoint.path,
        "description": f"{endpoint.description}{how} Offers {', '.join(endpoint.services)}.",
        "servers": _refs("servers", servers),
        "messages": {
            message.key: {"$ref": f"#/components/messages/{PLAIN}.{message.key}"} for message in _all_messages(endpoint)
        },
    }


def _plain_operations() -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        channel = _channel_id(endpoint)
        operations[f"{channel}.send"] = _operation("send", channel, protocols.from_service(endpoint))
        for message in protocols.from_client(endpoint):
            operations[f"{channel}.{message.key}"] = _operation("receive", channel, [message])
    return operations


# Socket.IO


def _socketio_channel(events: Sequence[MessageInfo], servers: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": "/socket.io/",
        "title": "Socket.IO",
        "description": (
            "Socket.IO 5 (Engine.IO 4), namespace `/`. A message is an event: its `name` is the event's name, its"
            " payload its only argument. Messages whose name ends in `_ack` are acknowledgements."
        ),
        "servers": _refs("servers", servers),
        "messages": {event.key: {"$ref": f"#/components/messages/{SOCKETIO}.{event.key}"} for event in events},
        "x-connect-auth": {"$ref": f"#/components/schemas/{messages.ConnectAuth.__name__}"},
    }


def _socketio_operations() -> dict[str, Any]:
    return {
        f"{SOCKETIO}.send": _operation("send", SOCKETIO, protocols.socketio_from_service()),
        **{
            f"{SOCKETIO}.{event.key}": _operation("receive", SOCKETIO, [event])
            for event in protocols.socketio_from_client()
        },
    }


def _operation(action: str, channel: str, described: Sequence[MessageInfo]) -> dict[str, Any]:
    within = f"channels/{channel}/messages"
    operation = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": _refs(within, [message.key for message in described]),
    }
    answers = [answer for message in described for answer in message.answers]
    if answers:
        operation["reply"] = {"channel": {"$ref": f"#/channels/{channel}"}, "messages": _refs(within, answers)}
    return operation


def _refs(within: str, names: Any) -> list[dict[str, str]]:
    return [{"$ref": f"#/{within}/{name}"} for name in names]
