"""The judge of the other tests is strict."""

from __future__ import annotations

from typing import Any

import pytest

from tests.documentation.contract import faults
from websocket.catalogue import ENDPOINTS
from websocket.documentation import messages, protocols
from websocket.documentation.schemas import as_json

EXAMPLE: dict[str, Any] = as_json(protocols.from_service(ENDPOINTS[0])[0].examples[0])


def test_example_passes() -> None:
    assert faults(messages.ConnectionEstablished, EXAMPLE) == []


@pytest.mark.parametrize(
    "change",
    [
        {"undocumented": 1},
        {"data": {**EXAMPLE["data"], "undocumented": 1}},
        {"data": {**EXAMPLE["data"], "client_id": None}},
        {"data": {**EXAMPLE["data"], "available_services": ["weather"]}},
        {"type": "welcome"},
        {"timestamp": "2026-11-21T10:00:00Z"},
        {"timestamp": "2026-11-21T10:00:00.000+00:00"},
        {"req_id": 1.5},
    ],
)
def test_every_deviation_is_found(change: dict[str, Any]) -> None:
    """Also a field too much, which clients must bear with but documentation must not."""
    assert faults(messages.ConnectionEstablished, {**EXAMPLE, **change})


@pytest.mark.parametrize("missing", ["service", "type", "data", "timestamp", "client_id"])
def test_missing_field_is_found(missing: str) -> None:
    assert faults(messages.ConnectionEstablished, {name: EXAMPLE[name] for name in EXAMPLE if name != missing})
