"""Parts are filled from pools, one source after the other, and slow figures at their own pace."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.chain_support import NOW, Scripted, World
from websocket.errors import BadPayload, UpstreamTimeout
from websocket.providers.base import Provider
from websocket.services.base import Part
from websocket.services.part_refresh import Paced, PartRefresh, within_factor


class Dictionary(Scripted):
    """Answers ``words``: a mapping from the name of a part to a value."""


@pytest.fixture
def world() -> World:
    return World([Dictionary("best", 60), Dictionary("second", 60), Dictionary("last", 300)])


@pytest.fixture
def parts(world: World) -> dict[str, Part[Any]]:
    return {name: Part(name, max_age_s=180, clock=world.clock) for name in ("left", "right")}


@pytest.fixture
def refresh(world: World, parts: dict[str, Part[Any]]) -> PartRefresh[Provider]:
    def read(refresh, provider, answers) -> list[str | None]:
        words = dict(provider.said(answers))
        as_of, refused = words.pop("as_of", world.clock()), words.pop("refused", None)
        for name, value in words.items():
            refresh.hold(parts[name], value, source=provider.name, as_of=as_of)
        return [refused]

    return PartRefresh(
        world.context.pool("test", ["best", "second", "last"], Provider, topic="test"),
        parts.values(),
        requests=lambda provider: provider.question("words"),  # type: ignore[attr-defined]
        read=read,
        interval_s=60,
        clock=world.clock,
    )


class TestPartRefresh:
    def test_the_best_source_is_enough(self, world: World, parts, refresh) -> None:
        """Nobody else is asked."""
        world.say("best", "words", {"left": 1, "right": 2})
        assert refresh.run()
        assert world.asked() == ["best"]
        assert (parts["left"].value, parts["right"].source) == (1, "best")

    def test_the_next_one_fills_what_is_lacking(self, world: World, parts, refresh) -> None:
        """An answer may be partial."""
        world.say("best", "words", {"left": 1})
        world.say("second", "words", {"right": 2})
        assert refresh.run()
        assert world.asked() == ["best", "second"]
        assert (parts["left"].source, parts["right"].source) == ("best", "second")

    def test_what_was_filled_a_moment_ago_is_not_asked_for_elsewhere(self, world: World, refresh) -> None:
        """The job may come sooner than the best source may be asked."""
        world.say("best", "words", {"left": 1, "right": 2})
        refresh.run()
        world.asked()
        world.clock.advance(20)
        refresh.run()
        assert world.asked() == []

    def test_an_answer_that_cannot_be_believed_counts_against_the_source(self, world: World, parts, refresh) -> None:
        """What can be is held, the next one is asked for the rest."""
        world.say("best", "words", {"left": 1, "refused": "nonsense"})
        world.say("second", "words", {"right": 2})
        assert refresh.run()
        assert parts["left"].source == "best"
        assert world.sources["best"].status().failed == 1
        assert "nonsense" in (world.sources["best"].trouble or "")

    def test_parts_say_why_they_are_empty(self, world: World, parts, refresh) -> None:
        """In the words of every source."""
        assert not refresh.run()
        info = parts["left"].info()
        assert info.status == "down"
        assert all(name in info.reason for name in ("best", "second", "last"))

    def test_a_failure_is_a_failure_though_the_part_is_still_fresh(self, world: World, parts, refresh) -> None:
        """So that it is tried again soon."""
        world.say("best", "words", {"left": 1, "right": 2})
        refresh.run()
        world.clock.advance(60)
        world.say("best", "words", None)
        assert not refresh.run()
        assert parts["left"].info().status == "live"

    def test_the_future_is_refused(self, world: World, parts, refresh) -> None:
        """It would hide every later word."""
        world.say("best", "words", {"left": 1, "right": 1, "as_of": NOW + 3600})
        world.say("second", "words", {"left": 2, "right": 2})
        assert refresh.run()
        assert parts["left"].value == 2

    def test_a_clock_that_is_a_little_fast_is_now(self, world: World, parts, refresh) -> None:
        """No value stands since a moment that has not come."""
        world.say("best", "words", {"left": 1, "right": 1, "as_of": NOW + 30})
        refresh.run()
        assert parts["left"].as_of == NOW

    def test_older_news_do_not_fill(self, world: World, parts, refresh) -> None:
        """A source that says what was true an hour ago has nothing newer, so the next one is asked."""
        world.say("best", "words", {"left": 1, "right": 1})
        refresh.run()
        world.clock.advance(100)
        world.say("best", "words", {"left": 0, "right": 0, "as_of": NOW - 3600})
        world.say("second", "words", {"left": 2, "right": 2})
        assert refresh.run()
        assert parts["left"].value == 2

    def test_when_nobody_has_newer(self, world: World, parts, refresh) -> None:
        """The parts say so once they are old."""
        world.say("best", "words", {"left": 1, "right": 1, "as_of": NOW})
        world.say("second", "words", {})
        world.say("last", "words", {})
        refresh.run()
        world.clock.advance(200)
        world.say("best", "words", {"left": 0, "right": 0, "as_of": NOW - 60})
        assert not refresh.run()
        assert parts["left"].info().reason == "no source has anything newer"

    def test_without_a_configured_source(self, world: World, parts, refresh) -> None:
        """That is said too."""
        for provider in world.providers.values():
            provider.is_configured = False
        assert not refresh.run()
        assert parts["left"].info().reason == "no source is set up"

    def test_a_clock_that_is_set_back(self, world: World, parts, refresh) -> None:
        """What was filled at a moment that has not come yet is neither fresh nor newer than what comes now."""
        world.say("best", "words", {"left": 1, "right": 1})
        refresh.run()
        world.asked()
        world.clock.advance(-3600)
        world.say("second", "words", {"left": 2, "right": 2})
        refresh.run()
        assert world.asked() == ["second"]
        assert (parts["left"].value, parts["left"].as_of) == (2, NOW - 3600)

    def test_a_source_that_is_left_out(self, world: World, parts, refresh) -> None:
        """The next one is asked, and its circuit knows nothing of it."""
        refresh._leave_out = lambda: {"best": "lagging"}
        world.say("second", "words", {"left": 2, "right": 2})
        assert refresh.run()
        assert world.asked() == ["second"]
        assert world.sources["best"].status().failed == 0

    def test_bugs_go_through(self, world: World, refresh) -> None:
        """Only errors of providers are expected."""
        world.say("best", "words", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            refresh.run()

    @pytest.mark.parametrize("error", [UpstreamTimeout, BadPayload])
    def test_failover_and_recovery(self, world: World, parts, refresh, error) -> None:
        """The way back is the way down."""
        world.say("best", "words", error("best", "words", "went wrong"))
        world.say("second", "words", {"left": 2, "right": 2})
        refresh.run()
        assert world.context.pools["test"].active == "second"
        world.say("best", "words", {"left": 1, "right": 1})
        world.clock.advance(60)
        refresh.run()
        assert world.context.pools["test"].active == "best"
        assert parts["left"].value == 1


class TestPaced:
    def runs(self, world: World, outcome: list[bool], interval_s: float = 600, for_s: float = 3600) -> list[float]:
        """When the refresh ran, in seconds from the start, with what it gives each time."""
        seen: list[float] = []

        def refresh() -> bool:
            seen.append(world.clock() - NOW)
            return outcome[min(len(seen), len(outcome)) - 1]

        paced = Paced(interval_s, refresh, clock=world.clock)
        while world.clock() - NOW < for_s:
            paced()
            world.clock.advance(paced.job_interval_s)
        return seen

    def test_once_in_its_interval(self, world: World) -> None:
        """However often the job comes."""
        assert self.runs(world, [True]) == [0, 600, 1200, 1800, 2400, 3000]

    def test_sooner_while_it_fails(self, world: World) -> None:
        """And back to its pace."""
        assert self.runs(world, [True, False, False, True], for_s=1500) == [0, 600, 660, 720, 1320]

    def test_short_intervals_are_their_own_pace(self, world: World) -> None:
        """There is nothing to gain by retrying within seconds."""
        assert Paced(15, lambda: True, clock=world.clock).job_interval_s == 15
        assert Paced(100, lambda: True, clock=world.clock).job_interval_s == 30

    def test_a_clock_that_is_set_back_delays_nothing(self, world: World) -> None:
        """It would be silent for as long as the clock was wrong."""
        seen: list[float] = []
        paced = Paced(600, lambda: seen.append(world.clock()) is None, clock=world.clock)
        paced()
        world.clock.advance(-86_400)
        paced()
        assert len(seen) == 2


@pytest.mark.parametrize(("value", "expected"), [(1, True), (4, True), (4.1, False), (0.25, True), (0.2, False)])
def test_within_factor(value: float, expected: bool) -> None:
    """In both directions."""
    assert within_factor(value, 1, 4) is expected
    assert within_factor(value, None, 4)
