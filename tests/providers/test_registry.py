"""The registry, and what every provider has to declare."""

from __future__ import annotations

import dataclasses

import pytest

from tests.providers.recorded import make_any, make_provider
from websocket.coins import SYMBOLS
from websocket.providers import provider_classes
from websocket.providers.base import TickerProvider
from websocket.settings import ProvidersSettings, Secret

OURS = sorted(field.name for field in dataclasses.fields(ProvidersSettings))
OF_PRICES = [name for name in OURS if issubclass(provider_classes()[name], TickerProvider)]
KEYED = {"cryptopanic", "etherscan", "huggingface_inference", "whale_alert"}
"""Off without a key."""


def test_every_provider_with_settings_is_found() -> None:
    """Each provider of the settings has a file of its name, found without being listed anywhere."""
    found = provider_classes()
    for name in OURS:
        assert found[name].__module__ == f"websocket.providers.{name}"


def test_every_provider_file_has_settings() -> None:
    """No provider of the package lacks its settings."""
    found = [name for name, cls in provider_classes().items() if cls.__module__.startswith("websocket.providers.")]
    assert found == OURS


@pytest.mark.parametrize("name", OURS)
def test_declarations_are_complete(name: str) -> None:
    """Title, documentation and budget make sense, and only providers that need a key are off without one."""
    provider = make_any(name)
    assert provider.title
    assert provider.docs.startswith("https://")
    assert provider.budget.per_minute > 0
    assert provider.budget.min_interval_s > 0
    assert provider.configured == (name not in KEYED)
    assert provider.headers() == {}
    assert not provider.base_url.endswith("/")


@pytest.mark.parametrize("name", sorted(KEYED))
def test_a_key_switches_on(name: str) -> None:
    """A provider that needs a key works with one, and does not show it in its name or address."""
    provider = make_any(name, api_key=Secret("k-123"))
    assert provider.configured
    assert "k-123" not in f"{provider.name} {provider.title} {provider.base_url}"


@pytest.mark.parametrize("name", OF_PRICES)
def test_identifiers_are_complete(name: str) -> None:
    """Identifiers are of our coins, each of its own, and nothing is asked for symbols of nobody."""
    provider = make_provider(name)
    assert set(provider.market_ids) <= set(SYMBOLS)
    assert len(set(provider.market_ids.values())) == len(provider.market_ids)
    assert list(provider.ticker_requests([])) == []
    assert list(provider.ticker_requests(["NOBODY"])) == []


@pytest.mark.parametrize("name", OF_PRICES)
def test_a_refresh_fits_into_the_budgets(name: str) -> None:
    """One refresh of all coins fits into a minute, and a month of refreshes into the month's limit."""
    provider = make_provider(name)
    requests = provider.ticker_requests(SYMBOLS)
    assert sum(request.cost for request in requests) <= provider.budget.per_minute
    if provider.budget.per_month is not None:
        assert 31 * 86_400 / provider.budget.min_interval_s * len(requests) <= provider.budget.per_month


@pytest.mark.parametrize("name", OF_PRICES)
def test_requests_are_about_the_asked_symbols(name: str) -> None:
    """Requests name exactly the asked symbols that are listed, and begin with a slash."""
    provider = make_provider(name)
    asked = ["XRP", "BTC", "NOBODY"]
    requests = provider.ticker_requests(asked)
    assert {symbol for request in requests for symbol in request.symbols} == {"BTC", "XRP"}
    assert all(request.path.startswith("/") for request in requests)
