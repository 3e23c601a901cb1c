"""The AsyncAPI document: valid, whole, and made from the catalogue."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.support.plain_http import get
from tests.support.processes import run_to_end
from tests.support.service import ROOT, ServiceProcess, service_environment
from websocket.catalogue import CHANNELS, ENDPOINTS, SERVICE_NAMES
from websocket.documentation.asyncapi import build_asyncapi
from websocket.documentation.codes import CLOSE_CODES, error_codes
from websocket.documentation.payloads import EXAMPLE_TIME, EXAMPLES
from websocket.documentation.protocols import ACTIONS

PORTS = (5000, 7860)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document as a program reads it."""
    parsed: dict[str, Any] = json.loads(json.dumps(build_asyncapi(PORTS)))
    return parsed


def references(value: Any) -> Iterator[str]:
    """Every ``$ref`` in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolve(document: dict[str, Any], reference: str) -> Any:
    """What a reference leads to."""
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_is_valid(document: dict[str, Any], asyncapi_specs: Path) -> None:
    """By the schema that the makers of AsyncAPI publish."""
    schema = json.loads((asyncapi_specs / "schemas" / "3.0.0.json").read_text(encoding="utf-8"))
    errors = Draft7Validator(schema).iter_errors(document)
    assert [f"{list(error.absolute_path)}: {error.message[:200]}" for error in errors] == []


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """A schema of the format cannot check that."""
    for reference in set(references(document)):
        assert resolve(document, reference), reference


def test_every_message_of_an_operation_is_one_of_its_channel(document: dict[str, Any]) -> None:
    """The format wants it so."""
    for name, operation in document["operations"].items():
        channel = operation["channel"]["$ref"]
        for described in (operation, operation.get("reply", operation)):
            for message in described["messages"]:
                assert message["$ref"].startswith(f"{channel}/messages/"), name


def test_every_endpoint_is_a_channel_with_its_services_and_actions(document: dict[str, Any]) -> None:
    """Nothing of the catalogue is forgotten."""
    channels = {channel["address"]: channel for channel in document["channels"].values()}
    assert set(channels) == {"/socket.io/", *(endpoint.path for endpoint in ENDPOINTS)}
    for endpoint in ENDPOINTS:
        messages = channels[endpoint.path]["messages"]
        assert {name for name in messages if name.startswith("update_")} == {
            f"update_{service}" for service in endpoint.services
        }
        assert set(ACTIONS) <= set(messages)
        assert ("welcome" in messages) == endpoint.welcomes
    assert set(CHANNELS) <= set(channels["/socket.io/"]["messages"])


def test_every_message_can_be_sent_or_received(document: dict[str, Any]) -> None:
    """Both directions are described, and every action has its answers."""
    used = set()
    for operation in document["operations"].values():
        used |= {message["$ref"] for message in operation["messages"]}
        if operation["action"] == "receive":
            assert operation["reply"]["messages"]
            used |= {message["$ref"] for message in operation["reply"]["messages"]}
    declared = {
        f"#/channels/{channel}/messages/{message}"
        for channel, described in document["channels"].items()
        for message in described["messages"]
    }
    assert used == declared


def test_codes_are_listed(document: dict[str, Any]) -> None:
    """Generated clients have them as data."""
    assert [error["code"] for error in document["info"]["x-error-codes"]] == [error.code for error in error_codes()]
    assert [close["code"] for close in document["info"]["x-close-codes"]] == [close.code for close in CLOSE_CODES]


def test_every_port_is_a_server(document: dict[str, Any]) -> None:
    """Each serves everything."""
    assert [server["host"] for server in document["servers"].values()] == [f"localhost:{port}" for port in PORTS]
    for channel in document["channels"].values():
        assert len(channel["servers"]) == len(PORTS)


def test_running_service_serves_it(service: ServiceProcess) -> None:
    """With its own port."""
    reply = get(f"{service.url}/docs/asyncapi.json")
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json() == json.loads(json.dumps(build_asyncapi((service.port,))))


NEW_SERVICE = """
import json, pathlib, sys, types
source = pathlib.Path("websocket/catalogue.py").read_text()
for before, added in (
    ('    _service("persistence"', '    _service("weather", "integration", 60, "Rain."),'),
    ('    _at_once("/ws/persistence"', '    _at_once("/ws/rain", "weather", "Rain at once."),'),
):
    assert before in source
    source = source.replace(before, f"{added}\\n{before}")
catalogue = types.ModuleType("websocket.catalogue")
sys.modules["websocket.catalogue"] = catalogue
exec(compile(source, "catalogue", "exec"), catalogue.__dict__)
from websocket.services.base import DataService, Payload
class Weather(DataService):
    name = "weather"
    payload_type = Payload
    def schedule_refreshes(self, scheduler): ...
    def payload(self): ...
from websocket.documentation import payloads
payloads.EXAMPLES = pathlib.Path(sys.argv[1])
from websocket.documentation.asyncapi import build_asyncapi
from websocket.documentation.openapi import build_openapi
from websocket.documentation import reference
print(json.dumps({
    "asyncapi": build_asyncapi((5000,)),
    "services": reference.services_table().rows,
    "endpoints": reference.endpoints_table().rows,
    "payloads": [payload.name for payload in reference.payloads()],
}))
"""


def test_added_service_appears_by_itself(tmp_path: Path) -> None:
    """In both protocols, on its endpoints and in the tables: its class, its example and its line in the catalogue."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    example = {"status": "live", "reason": None, "parts": {}, "demo": False, "timestamp": EXAMPLE_TIME}
    (tmp_path / "examples" / "weather.json").write_text(json.dumps(example))
    command = [sys.executable, "-c", NEW_SERVICE, str(tmp_path / "examples")]
    ended = run_to_end(command, cwd=ROOT, env=service_environment(tmp_path))
    assert ended.code == 0, ended.stderr
    made = json.loads(ended.stdout)
    channels = made["asyncapi"]["channels"]
    assert "weather" in channels["socketio"]["messages"]
    assert {name for name, channel in channels.items() if "update_weather" in channel["messages"]} == {
        "ws",
        "ws_master",
        "ws_all",
        "ws_integration",
        "ws_rain",
    }
    assert "`weather`" in [row[0] for row in made["services"]]
    assert "`/ws/rain`" in [row[0] for row in made["endpoints"]]
    assert any("weather" in payload for payload in made["payloads"])
    assert "weather" not in SERVICE_NAMES
