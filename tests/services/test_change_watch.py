"""Changes are published at once, and not more often than once a second."""

from __future__ import annotations

from tests.services.doubles import Clock
from websocket.services.change_watch import ChangeWatch


class Desk:
    """A service that is watched: what it knows, and what it published."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.state = "well"
        self.published: list[str] = []
        self.watch = ChangeWatch("desk", fingerprint=lambda: self.state, publish=self.publish, clock=self.clock)

    def publish(self) -> None:
        self.watch.note()
        self.published.append(self.state)

    def look(self, after_s: float = 1.0) -> None:
        self.clock.advance(after_s)
        self.watch.look()


def test_only_changes_are_published() -> None:
    """What was published stands until something differs."""
    desk = Desk()
    desk.publish()
    desk.look()
    assert desk.published == ["well"]
    desk.state = "ill"
    desk.look()
    desk.look()
    assert desk.published == ["well", "ill"]


def test_change_right_after_a_publication_waits_for_the_next_look() -> None:
    """Two publications are a second apart, and none is lost."""
    desk = Desk()
    desk.publish()
    desk.state = "ill"
    desk.look(0.4)
    assert desk.published == ["well"]
    desk.look(1.0)
    assert desk.published == ["well", "ill"]


def test_flapping_costs_one_publication_a_second() -> None:
    """However often something goes up and down in between, and whatever else publishes."""
    desk = Desk()
    for turn in range(200):
        desk.state = f"state {turn}"
        desk.clock.advance(0.1)
        if turn % 10 == 4:
            desk.watch.look()
        if turn == 103:
            desk.publish()
    assert len(desk.published) == 20


def test_clock_that_is_set_back_holds_nothing_up() -> None:
    """Changes go on to be published."""
    desk = Desk()
    desk.publish()
    desk.state = "ill"
    desk.look(-3600)
    assert desk.published == ["well", "ill"]


def test_change_that_is_over_is_none() -> None:
    """Nothing differs from what was published."""
    desk = Desk()
    desk.publish()
    desk.state = "ill"
    desk.state = "well"
    desk.look()
    assert desk.published == ["well"]
