"""Fixtures of the simulator's tests."""

import pytest

from simulator.server import SimulatorServer

from .world import World


@pytest.fixture
def world():
    """A simulated world without a network."""
    return World()


@pytest.fixture
def served(world):
    """The same world over real HTTP; ``world.url`` is its address."""
    with SimulatorServer(world.simulator) as server:
        world.url = server.url
        yield world
