"""What the tests of the simulator share: a clock that stands, a client without a network, recorded answers."""

import json
import re
from pathlib import Path

import pytest
from werkzeug.test import Client

from simulator.application import Simulator

START = 1_795_288_983.25
"""A moment on 2026-11-21, three seconds after a refresh of the caching providers."""

_RECORDINGS = Path(__file__).parents[3] / "shared" / "fixtures"
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class StandingClock:
    """A clock that moves only when told to."""

    def __init__(self, now=START):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds


class World:
    """A simulator with a standing clock, asked without a network."""

    def __init__(self, seed=7, **options):
        self.clock = StandingClock()
        self.simulator = Simulator(seed=seed, clock=self.clock, **options)
        self.market = self.simulator.market
        self.client = Client(self.simulator)

    def get(self, path, user_agent="tests"):
        return self.client.get(path, headers={"User-Agent": user_agent})

    def json(self, path):
        response = self.get(path)
        assert response.status_code == 200, response.text
        return json.loads(response.text)

    def begin(self, name, providers=None, for_s=None, **params):
        self.simulator.scenarios.begin(name, providers, for_s, params)


def recorded(name):
    """Gives a recorded answer, or skips the test where the recordings are not at hand."""
    path = _RECORDINGS / name
    if not path.exists():
        pytest.skip(f"no recording {name}")
    return json.loads(path.read_text())


def shape(value):
    """Gives keys and kinds of a JSON value; numbers are one kind, texts are decimals, times, empty or other.

    A list has the shapes of its items, so that arrays of fixed length are compared element by element.
    """
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, (int, float)):
        return "number"
    if _DECIMAL.fullmatch(value):
        return "decimal text"
    if _TIME.fullmatch(value):
        return f"time with {len(value)} characters"
    return "text" if value else "empty text"


def places(text):
    """Gives the number of decimal places in a decimal string."""
    return len(text.partition(".")[2])
