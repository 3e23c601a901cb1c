"""The OpenAPI document: valid, and about the routes that there are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.plain_http import get
from tests.support.service import ServiceProcess
from websocket.documentation.openapi import build_openapi, routes

PORTS = (5000, 7860)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document as a program reads it."""
    parsed: dict[str, Any] = json.loads(json.dumps(build_openapi(PORTS)))
    return parsed


def test_is_valid(document: dict[str, Any]) -> None:
    """By the schema of the OpenAPI Initiative."""
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_has_its_answers(document: dict[str, Any]) -> None:
    """And the shape of errors."""
    for route in routes():
        responses = document["paths"][route.template][route.method.lower()]["responses"]
        assert set(responses) == {"default", *(str(answer.status) for answer in route.answers)}


def test_names_of_operations_are_unique(document: dict[str, Any]) -> None:
    """Generators make functions of them."""
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(names)) == len(names)


def test_running_service_serves_it(service: ServiceProcess) -> None:
    """With its own port."""
    reply = get(f"{service.url}/docs/openapi.json")
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json() == json.loads(json.dumps(build_openapi((service.port,))))
