"""A stand-in internet for all scenarios, and services in front of it whose screens are checked afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scenarios.internet import Internet
from tests.scenarios.world import World
from websocket.transports import recent


@pytest.fixture(scope="session")
def running_internet() -> Iterator[Internet]:
    """One simulator process for all tests."""
    internet = Internet()
    yield internet
    internet.stop()


@pytest.fixture
def internet(running_internet: Internet) -> Iterator[Internet]:
    """An internet in which all is well."""
    running_internet.reset()
    yield running_internet
    running_internet.reset()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are made anew for each question: hours of a scenario are less than the second that they are kept for."""
    monkeypatch.setattr(recent, "MAX_AGE_S", 0.0)


@pytest.fixture
def make_world(internet: Internet) -> Iterator[Callable[..., World]]:
    """Makes services; in the end no screen may have shown anything wrong."""
    worlds: list[World] = []

    def make(**arguments: Any) -> World:
        worlds.append(World(internet, **arguments))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()
    assert [offence for world in worlds for offence in world.screen.offences] == []


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A service that has not begun yet."""
    return make_world()
