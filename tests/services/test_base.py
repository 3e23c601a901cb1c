"""Pools of services: who may stand in them."""

from __future__ import annotations

import pytest

from tests.services.doubles import Clock, StubProvider, context_of
from websocket.errors import SettingsError
from websocket.providers.base import Provider, TickerProvider
from websocket.services.base import ServiceContext
from websocket.services.chain_contracts import TvlSource, pool_of


@pytest.fixture
def context() -> ServiceContext:
    """With one provider, which can do nothing in particular."""
    return context_of([StubProvider("alpha")], Clock())


def test_pool_is_known_under_its_name(context: ServiceContext) -> None:
    """To health and to monitoring."""
    pool = context.pool("things", ["alpha"], Provider, topic="things")
    assert context.pools == {"things": pool}


@pytest.mark.parametrize(
    ("provider", "reason"),
    [
        ("alpha", "pool 'things': 'alpha' cannot stand in it, it is no TickerProvider"),
        ("omega", "pool 'things': there is no provider 'omega'"),
    ],
)
def test_who_cannot_stand_in_a_pool_is_refused_at_the_start(
    context: ServiceContext, provider: str, reason: str
) -> None:
    """In one line that names the pool and the provider."""
    with pytest.raises(SettingsError) as caught:
        context.pool("things", [provider], TickerProvider, topic="things")
    assert str(caught.value) == reason
    assert context.pools == {}


def test_contracts_of_one_question_are_held_as_well(context: ServiceContext) -> None:
    """They are structural, so the pool's type does not say it."""
    with pytest.raises(SettingsError, match="pool 'value': 'alpha' cannot stand in it, it is no TvlSource"):
        pool_of(context, "value", ["alpha"], TvlSource, topic="value")
