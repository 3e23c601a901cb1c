"""The documented types as a strict judge: what is not documented is not allowed either."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from websocket.catalogue import EndpointInfo
from websocket.documentation import http_answers, protocols
from websocket.documentation.protocols import MessageInfo
from websocket.documentation.route_info import RouteInfo
from websocket.documentation.schemas import schema_components


@cache
def validator_of(documented: Any) -> Draft202012Validator:
    """Judges values of a type. Fields that the type does not have are faults, although clients must expect them."""
    (schema,), components = schema_components([documented])
    closed = copy.deepcopy(components)
    for component in closed.values():
        component["additionalProperties"] = False
    return Draft202012Validator({**schema, "components": {"schemas": closed}})


def faults(documented: Any, value: Any) -> list[str]:
    """What is wrong with a value, as far as the documentation goes."""
    return [f"{error.json_path}: {error.message[:300]}" for error in validator_of(documented).iter_errors(value)]


def check(documented: Any, value: Any) -> None:
    """Fails when a value is not as documented."""
    found = faults(documented, value)
    assert not found, f"{found} in {json.dumps(value)[:1000]}"


def by_key(messages: Iterable[MessageInfo]) -> dict[str, MessageInfo]:
    """Messages by their key, which is unique."""
    listed = list(messages)
    found = {message.key: message for message in listed}
    assert len(found) == len(listed)
    return found


def check_frame(endpoint: EndpointInfo, frame: dict[str, Any]) -> str:
    """Fails when a frame of the plain WebSocket is not one that is documented for its endpoint; gives its key."""
    documented = by_key(protocols.from_service(endpoint))
    key = f"update_{frame['service']}" if frame.get("type") == "update" else frame.get("type")
    assert key in documented, f"not documented on {endpoint.path}: {frame}"
    check(documented[key].type, frame)
    return str(key)


def check_answer(route: RouteInfo, status: int, body: bytes) -> None:
    """Fails when the answer of a route is not one of the documented ones."""
    documented = {answer.status: answer for answer in route.answers}
    assert status in documented, f"{route.name} answers {status}"
    answer = documented[status]
    if answer.type is not None:
        value = json.loads(body)
        check(answer.type if answer.other_type is None or not faults(answer.type, value) else answer.other_type, value)
    elif answer.media_type == "application/json":
        assert isinstance(json.loads(body), dict)


def check_http_error(body: bytes) -> dict[str, Any]:
    """Fails when a body is not an error as documented; gives it."""
    error: dict[str, Any] = json.loads(body)
    check(http_answers.HttpError, error)
    return error
