"""A service that is built and not started, and what its ``/metrics`` says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

import app
from tests.test_app import Built
from websocket.transports import recent


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are read again for every scrape; in earnest once a second."""
    monkeypatch.setattr(recent, "MAX_AGE_S", 0.0)


@pytest.fixture
def built(tmp_path: Path) -> Iterator[Built]:
    """Builds services, and stops them after the test."""
    built = Built(tmp_path)
    yield built
    built.stop()


@pytest.fixture
def service(built: Built) -> app.Service:
    """One that reaches nobody."""
    return built()


def scrape(service: app.Service) -> dict[str, Metric]:
    """The families by name, as Prometheus reads them. Counters have no ``_total`` at their end."""
    reply = service.app.test_client().get("/metrics")
    assert reply.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(reply.text)}


def samples(family: Metric) -> dict[tuple[str, ...], float]:
    """Values by those of the labels, in the order of the labels' names."""
    return {tuple(value for _, value in sorted(each.labels.items())): each.value for each in family.samples}
