"""Everything that people meet has its line in the documents: codes, settings, routes, services, providers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest
from wsproto.frame_protocol import CloseReason

import app
from tests.support.service import ROOT
from tests.test_app import Built, build  # noqa: F401 - builds the service in this process
from websocket.broker.memory_broker import HISTORY
from websocket.catalogue import CHANNELS, ENDPOINTS, SERVICE_NAMES
from websocket.documentation import API_VERSION, archive_routes, messages, protocols, reference
from websocket.documentation.codes import CLOSE_CODES
from websocket.documentation.openapi import routes
from websocket.documentation.schemas import schema_components
from websocket.errors import ClientError
from websocket.feed_status import WARM_UP_S
from websocket.providers import provider_classes
from websocket.settings import FeedSettings, NodeSettings, ProvidersSettings, Settings, describe_settings, key_setting
from websocket.transports import history_api, json_session, query
from websocket.wire import rate
from websocket.wire.connection import CLOSE_ABNORMAL, CODE_OF_CLIENT, WireLimits

PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
PROVIDERS = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")

CLOSE_CODE = range(1000, 5000)


def first_cells(text: str) -> set[str]:
    """What stands between backticks in the first cells of all tables."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return {code for row in rows for code in re.findall("`(.+?)`", row.split("|")[1])}


def wire_codes(base: type[ClientError] = ClientError) -> Iterator[str]:
    """The codes of all errors that clients see."""
    yield base.code
    for error in base.__subclasses__():
        yield from wire_codes(error)


def close_codes_in(file: Path) -> Iterator[int]:
    """The close codes that a file names: constants, arguments of ``close``, and those of wsproto."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        found: list[ast.expr] = []
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and "CLOSE" in node.targets[0].id:
            found = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "close" in node.func.attr:
            found = list(node.args)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "CloseReason":
            code = int(CloseReason[node.attr])
            if code != CloseReason.NO_STATUS_RCVD:
                yield code
        for value in found:
            if isinstance(value, ast.Constant) and isinstance(value.value, int) and value.value in CLOSE_CODE:
                yield value.value


@pytest.mark.parametrize("code", sorted(set(wire_codes())))
def test_error_code(code: str) -> None:
    assert code in first_cells(PROTOCOL)
    assert f"`{code}`" in [row[0] for row in reference.error_codes_table().rows]


def test_close_codes() -> None:
    """All that the code can send, and those of the parser: 1002 and 1007."""
    sent = {code for file in (ROOT / "websocket").rglob("*.py") for code in close_codes_in(file)}
    sent |= {CloseReason.PROTOCOL_ERROR, CloseReason.INVALID_FRAME_PAYLOAD_DATA}
    assert {1008, 1009, 1011, 4008} <= sent, "they are looked for where they are not any more"
    documented = {close.code for close in CLOSE_CODES}
    assert sent - {CLOSE_ABNORMAL, CODE_OF_CLIENT} <= documented
    assert {str(code) for code in documented} <= first_cells(PROTOCOL)


@pytest.mark.parametrize("name", [info.name for info in describe_settings()])
def test_setting(name: str) -> None:
    assert name in first_cells(README)


def test_limits_are_settings() -> None:
    """A renamed one would vanish from the page in silence."""
    assert len(reference.limits_table(Settings().edge).rows) == len(reference.CLIENT_LIMITS)


def test_routes(build: Built) -> None:  # noqa: F811 - the imported fixture
    """Those of the application and those in the documents are the same."""
    rules = [rule for rule in build().app.url_map.iter_rules() if rule.endpoint != "static"]
    served = {f"{method} {rule.rule}" for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert served == {route.name for route in routes()}
    assert served <= first_cells(PROTOCOL)


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_service(service: str) -> None:
    assert service in first_cells(PROTOCOL)
    assert f"`{service}`" in [row[0] for row in reference.services_table().rows]


@pytest.mark.parametrize("channel", CHANNELS)
def test_channel(channel: str) -> None:
    assert f"`{channel}`" in PROTOCOL.partition("<!-- channels -->")[2].partition("<!-- /channels -->")[0]
    assert any(channel in payload.name.split(", ") for payload in reference.payloads())


@pytest.mark.parametrize("path", [endpoint.path for endpoint in ENDPOINTS])
def test_endpoint(path: str) -> None:
    assert path in first_cells(PROTOCOL)


def users_of(provider: str) -> set[str]:
    """The services, and the pools of prices, whose settings name a provider."""
    users = set()
    for info in describe_settings():
        if info.name.endswith("_PROVIDERS") and provider in info.default.split(","):
            word = info.name.partition("_")[0].lower()
            users.add(next(user for user in (*SERVICE_NAMES, "ticks", "snapshots") if user.startswith(word)))
    return users


@pytest.mark.parametrize("name", provider_classes())
def test_provider(name: str) -> None:
    """Its row says what the code does, and its chapter has the documentation that the code names."""
    settings = getattr(ProvidersSettings(), name)
    provider = provider_classes()[name](settings)
    row = next(line for line in PROVIDERS.splitlines() if line.startswith("|") and f"`{name}`" in line)
    budget = provider.budget
    _, _, users, address, _, own, pace, _ = (cell.strip() for cell in row.split("|"))
    assert address == f"`{settings.url}`"
    assert own.startswith(f"{budget.per_minute} ")
    assert (f"{budget.per_month} a month" in own) == (budget.per_month is not None)
    assert pace == f"{budget.min_interval_s:g} s"
    assert set(users.split(", ")) == users_of(name)
    chapter = PROVIDERS.partition(f"\n## {provider.title}\n")[2].partition("\n## ")[0]
    assert provider.docs in chapter
    takes_key = hasattr(settings, "api_key")
    assert (f"`{key_setting(name) if takes_key else f'{name.upper()}_API_KEY'}`" in chapter) == takes_key


@pytest.mark.parametrize(
    "address",
    [*astuple(FeedSettings()), *(address for addresses in astuple(NodeSettings()) for address in addresses)],
)
def test_node_or_feed(address: str) -> None:
    """It is listed."""
    assert f"`{address}`" in PROVIDERS


@pytest.mark.parametrize("example", sorted(reference.EXAMPLES.glob("*.[jp][sy]")), ids=lambda file: file.name)
def test_example_program(example: Path) -> None:
    """It is listed beside them, and says in its first line what it does."""
    assert f"({example.name})" in (reference.EXAMPLES / "README.md").read_text(encoding="utf-8")
    program = next(program for program in reference.programs() if program.file == example.name)
    assert len(program.summary) > 20


# What is written by hand in docs/protocol.md, or declared twice, is what the code does


@pytest.mark.parametrize(
    "said",
    [
        f"the last {HISTORY} updates",
        f"a ping frame every {WireLimits().ping_interval_s:g} s",
        f"service pings every {app.PING_INTERVAL_S} s",
        f"at most {json_session.REQ_ID_MAX} characters",
    ],
)
def test_number_in_the_text(said: str) -> None:
    assert said in " ".join(PROTOCOL.split())


def test_strikes_in_the_text() -> None:
    assert rate.STRIKES == 10
    assert f"each {rate.BYTES_PER_TOKEN} bytes" in PROTOCOL
    assert "After ten such answers" in PROTOCOL


def test_actions_are_those_of_the_session() -> None:
    assert protocols.ACTIONS == json_session.ACTIONS


def test_position_and_request_id_are_those_of_the_session() -> None:
    for position in (json_session.Position, messages.Position):
        _, components = schema_components([position])
        assert set(components["Position"]["properties"]) == {"epoch", "seq"}
        assert components["Position"]["additionalProperties"] is False
    _, components = schema_components([messages.SubscribeAction])
    text = components["SubscribeAction"]["properties"]["req_id"]["anyOf"][0]
    assert text["maxLength"] == json_session.REQ_ID_MAX


def test_limits_of_the_archive_are_those_of_its_routes() -> None:
    assert archive_routes.MAX_ROWS == history_api.MAX_ROWS
    assert archive_routes.DEFAULT_ROWS == history_api.DEFAULT_ROWS
    assert archive_routes.TEXT_MAX == query.TEXT_MAX


def test_version_is_that_of_the_project() -> None:
    assert f'version = "{API_VERSION}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", [README, PROTOCOL, (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")])
def test_length_of_a_start(text: str) -> None:
    """Wherever ``starting`` is described, it is said how long that may last."""
    assert "`starting`" in text
    assert f"{WARM_UP_S:g} s" in text
