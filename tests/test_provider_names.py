"""A provider's name stands in its own places only: its file, its tests and recordings, its settings and its docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from websocket.catalogue import SERVICE_NAMES
from websocket.providers import provider_classes

PACKAGE = Path(__file__).resolve().parents[1] / "websocket"

OWN_PLACES = ("settings", "providers", "documentation")
"""Settings have a line for each provider; the documentation's examples show what clients get."""


def of_a_service(name: str) -> tuple[str, ...]:
    """Where a service stands that is called as a provider is: in the catalogue, and in files of its own."""
    own = ("catalogue.py", f"services/{name}.py", f"services/{name}_payload.py")
    return own if name in SERVICE_NAMES else ()


@pytest.mark.parametrize("name", sorted(provider_classes()))
def test_no_code_outside_knows_a_provider_by_name(name: str) -> None:
    """What would have to be edited to add or to remove a provider is found by its name."""
    pattern = re.compile(rf"\b{name}\b")
    files = [
        file
        for file in PACKAGE.rglob("*.py")
        if file.relative_to(PACKAGE).parts[0] not in OWN_PLACES
        and file.relative_to(PACKAGE).as_posix() not in of_a_service(name)
    ]
    assert files
    assert [str(file) for file in files if pattern.search(file.read_text())] == []


@pytest.mark.parametrize("name", sorted(provider_classes()))
def test_no_provider_knows_another_by_name(name: str) -> None:
    """Each file stands alone; what several need is in the shared modules beside them, which name nobody."""
    module = Path(str(provider_classes()[name].__module__).replace(".", "/") + ".py").name
    imported = re.compile(rf"from websocket\.providers\.{name} import|import websocket\.providers\.{name}\b")
    others = [file for file in (PACKAGE / "providers").glob("*.py") if file.name != module]
    assert [file.name for file in others if imported.search(file.read_text())] == []
