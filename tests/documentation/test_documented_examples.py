"""Every example in the documents is a message as documented, so that what people copy works."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.documentation.contract import check
from tests.support.service import ROOT
from websocket.catalogue import CHANNELS, ENDPOINTS, EndpointInfo
from websocket.documentation import http_answers, protocols, reference
from websocket.documentation.markdown import PARTS, render
from websocket.documentation.openapi import HTTP_ERROR, routes
from websocket.documentation.payloads import EXAMPLES, payload_of
from websocket.documentation.protocols import MessageInfo
from websocket.documentation.route_info import RouteInfo
from websocket.documentation.schemas import as_json
from websocket.services import service_classes
from websocket.services.base import summarise

SOCKETIO = [*protocols.socketio_from_service(), *protocols.socketio_from_client(), *protocols.socketio_acks()]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_messages_of_an_endpoint(endpoint: EndpointInfo) -> None:
    """Both directions; each has at least one example."""
    for message in (*protocols.from_service(endpoint), *protocols.from_client(endpoint)):
        assert message.examples, message.key
        for example in message.json_examples():
            check(message.type, example)


@pytest.mark.parametrize("message", SOCKETIO, ids=lambda message: message.key)
def test_socketio_messages(message: MessageInfo) -> None:
    """Events of both directions, and acknowledgements."""
    assert message.examples
    for example in message.json_examples():
        check(message.type, example)


@pytest.mark.parametrize("channel", CHANNELS)
def test_payloads(channel: str) -> None:
    """Every channel has one."""
    payload = payload_of(channel)
    check(payload.type, as_json(payload.example))


def filled(value: Any, path: str = "") -> Iterator[str]:
    """Where there is something other than null: ``chains.<name>.tvl``. Names in mappings are not told apart."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from filled(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from filled(inner, f"{path}[]")
    elif value is not None:
        yield path


@pytest.mark.parametrize("service", service_classes())
def test_example_of_a_data_service(service: str) -> None:
    """It fills every documented field somewhere, has no other one, and its status follows from its parts."""
    payload = payload_of(service)
    assert json.loads((EXAMPLES / f"{service}.json").read_text(encoding="utf-8")) == as_json(payload.example)
    standing = (payload.example.status, payload.example.reason)
    assert standing == summarise(payload.example.parts)
    shown = set(filled(as_json(payload.example)))
    for row in next(entry for entry in reference.payloads() if entry.name == service).fields.rows:
        path = re.escape("." + row[0].strip("`")).replace("<name>", "[^.]+")
        assert any(re.match(rf"{path}(\.|\[|$)", place) for place in shown), f"{row[0]} is null everywhere"


def test_no_example_is_left_over() -> None:
    """One for each data service."""
    assert {file.stem for file in EXAMPLES.iterdir()} == set(service_classes())


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.name)
def test_http_answers(route: RouteInfo) -> None:
    """Those with a shape of their own."""
    for answer in route.answers:
        if answer.type is not None:
            check(answer.type, as_json(answer.example))
        if answer.other_type is not None:
            check(answer.other_type, as_json(answer.other_example))
    if route.body is not None:
        check(route.body.type, as_json(route.body.example))


def test_http_error() -> None:
    """The shape of all errors."""
    check(http_answers.HttpError, as_json(HTTP_ERROR))


def test_protocol_document_is_up_to_date() -> None:
    """``python -m websocket.documentation.markdown docs/protocol.md`` makes it so."""
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert render(text) == text


@pytest.mark.parametrize(("part", "instead"), [("<!-- http -->\n", ""), ("<!-- http -->\n", "<!-- more -->\n")])
def test_protocol_document_without_its_parts_is_refused(part: str, instead: str) -> None:
    """A part that nobody fills would be a hole that nobody sees."""
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="http"):
        render(text.replace(part, instead))


def test_protocol_document_has_every_part() -> None:
    """And all that stands between backticks as JSON is JSON."""
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > len(PARTS)
    for block in blocks:
        json.loads(block)
