"""The documents are read whole, and our copy of what they say is equal to them."""

from __future__ import annotations

import pytest

from tests.contract import documents
from tests.contract.documents import ANYTHING, Document, read_example

CONTRACT = documents.contract()


def test_our_copy_is_what_the_documents_say() -> None:
    """``python -m tests.contract.documents`` makes it so. Without the documents our copy is all there is."""
    assert documents.own_contract() == CONTRACT
    assert documents.own_programs() == documents.programs()


def test_nothing_is_lost_on_the_way() -> None:
    """As many examples, services, coins and so on as a person counts in the documents."""
    assert len(CONTRACT.examples) == 20
    assert len(CONTRACT.services) == len(CONTRACT.subscribable) == 14
    assert CONTRACT.services.keys() == set(CONTRACT.subscribable)
    assert len(CONTRACT.endpoints) == 15
    assert [endpoint.aliases for endpoint in CONTRACT.endpoints.values() if endpoint.aliases] == [["/ws/ai"]]
    assert sum(endpoint.subscribes for endpoint in CONTRACT.endpoints.values()) == 10
    assert sum(len(endpoint.services) for endpoint in CONTRACT.endpoints.values()) == 12
    assert len(CONTRACT.message_types) == 8
    assert len(CONTRACT.routes) == 3
    assert len(CONTRACT.coins) == 10
    assert len(CONTRACT.environment) == 5
    assert len(CONTRACT.intervals) == len(CONTRACT.indicators) == 3
    assert len(CONTRACT.commands) == 8
    assert documents.programs().keys() == set(documents.PROGRAM_FILES.values())
    assert all(CONTRACT.facts.values())


def test_both_places_of_an_interval_agree() -> None:
    """The table and the section about the endpoint."""
    for service in CONTRACT.services.values():
        endpoint = CONTRACT.endpoints.get(service.endpoint)
        if endpoint is not None and endpoint.interval_s is not None:
            assert endpoint.interval_s == service.interval_s


def test_dots_stand_for_any_content() -> None:
    """But not those in text."""
    assert read_example('{"a": [...], "b": {...}, "c": "0x..."}') == {
        "a": [ANYTHING],
        "b": {ANYTHING: ANYTHING},
        "c": "0x...",
    }


def test_a_program_below_an_unknown_heading_is_refused() -> None:
    """A new one would not be run, and nobody would notice."""
    strange = Document("### Another Client\n```python\nprint()\n```\n")
    with pytest.raises(KeyError, match="Another Client"):
        documents.read_programs({documents.EXCHANGE: Document(""), documents.MONITORING: strange})
