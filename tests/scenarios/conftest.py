"""A stand-in internet for all scenarios, and services in front of it whose screens are checked afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.scenarios.internet import Internet
from tests.scenarios.world import World


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
