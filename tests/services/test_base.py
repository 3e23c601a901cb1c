"""Pools of services: who may stand in them."""

from __future__ import annotations

import pytest

from tests.services.doubles import Clock, StubProvider, context_of
from websocket.errors import SettingsError
from websocket.feed_status import WARM_UP_S
from websocket.providers.base import Provider, TickerProvider
from websocket.services.base import Part, PartInfo, PartStatus, ServiceContext, summarise
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


class TestParts:
    """What a part says that has not got anything yet."""

    def part(self, clock: Clock) -> Part[int]:
        return Part("thing", max_age_s=60.0, clock=clock)

    def test_nothing_yet_is_starting_for_a_while_and_down_after_that(self) -> None:
        """Counted from the beginning of the service, which may have waited for its turn to collect."""
        clock = Clock()
        part = self.part(clock)
        clock.advance(1000)
        assert part.info().status == "down"
        part.begin()
        assert (part.info().status, part.info().reason) == ("starting", "nothing has come yet")
        clock.advance(WARM_UP_S)
        assert part.info().status == "down"

    def test_failure_ends_the_start_and_something_that_is_awaited_does_not(self) -> None:
        """A source that fails is a fault at once; the first price of a coin just has not come yet."""
        part = self.part(Clock())
        part.lack("there is no price")
        assert (part.info().status, part.info().reason) == ("starting", "there is no price")
        part.fail("no answer")
        part.lack("there is no price")
        assert (part.info().status, part.info().reason) == ("down", "there is no price")
        part.hold(1, source="alpha", as_of=0.0)
        assert part.info().reason != "there is no price"


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (["starting", "starting"], "starting"),
        (["live", "starting"], "starting"),
        (["starting", "unconfigured"], "starting"),
        (["down", "starting"], "down"),
        (["live", "down", "starting"], "degraded"),
        (["live", "stale", "starting"], "degraded"),
        (["stale", "starting"], "stale"),
        (["live", "unconfigured"], "live"),
    ],
)
def test_service_is_starting_only_while_nothing_is_wrong(states: list[PartStatus], status: str) -> None:
    """What failed or is old counts for more than what is awaited."""
    infos = {
        str(number): PartInfo(status=state, as_of=None, source=None, reason=None if state == "live" else "why")
        for number, state in enumerate(states)
    }
    assert summarise(infos)[0] == status
