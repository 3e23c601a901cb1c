"""What the tests of the simulator share: a clock that stands, a client without a network, recorded answers."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from werkzeug.test import Client

from simulator.application import Simulator

START = 1_795_288_983.25
"""A moment on 2026-11-21, three seconds after a refresh of the caching providers."""

FIRST_HOST = "ethereum-rpc.publicnode.com"

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
        self.pauses = []
        self.simulator = Simulator(seed=seed, clock=self.clock, pause=self.pauses.append, **options)
        self.market = self.simulator.market
        self.chains = self.simulator.chains
        self.client = Client(self.simulator)

    def get(self, path, user_agent="tests"):
        return self.client.get(path, headers={"User-Agent": user_agent})

    def json(self, path):
        response = self.get(path)
        assert response.status_code == 200, response.text
        return json.loads(response.text)

    def rpc(self, chain, host, method, *params):
        """Gives what a node answers to one call, the envelope included."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        response = self.client.post(f"/json_rpc/{chain}/{host}", json=body)
        assert response.status_code == 200, response.text
        return json.loads(response.text)

    def node(self, method, *params, chain="ethereum", host=FIRST_HOST):
        """Gives the result of one call to a node."""
        return self.rpc(chain, host, method, *params)["result"]

    def begin(self, name, providers=None, for_s=None, **params):
        self.simulator.scenarios.begin(name, providers, for_s, params)


def recorded(name):
    """Gives a recorded answer, or skips the test where the recordings are not at hand."""
    return json.loads(recorded_text(name))


def recorded_text(name):
    """Gives a recorded answer as it was sent, or skips the test where the recordings are not at hand."""
    path = _RECORDINGS / name
    if not path.exists():
        pytest.skip(f"no recording {name}")
    return path.read_text()


def parse_feed(content):
    """Gives the root of an RSS document."""
    return ElementTree.fromstring(content)  # noqa: S314 - written by the simulator itself


def lacking(answer, wanted, place=""):
    """Gives the places where an answer lacks a key of a recorded one, or has another kind of value there.

    Null, on either side, goes with everything; of a list the first items are compared.
    """
    if isinstance(wanted, dict) and isinstance(answer, dict):
        found = [f"{place}.{key} is missing" for key in wanted if key not in answer]
        for key in wanted.keys() & answer.keys():
            found += lacking(answer[key], wanted[key], f"{place}.{key}")
        return found
    if isinstance(wanted, list) and isinstance(answer, list):
        return lacking(answer[0], wanted[0], f"{place}[0]") if answer and wanted else []
    if answer is None or wanted is None or _kind(answer) == _kind(wanted):
        return []
    return [f"{place} is {answer!r}, recorded was {wanted!r}"]


def _kind(value):
    """Gives the kind of a scalar; hexadecimal numbers are one of their own, texts may be empty."""
    if isinstance(value, str) and re.fullmatch("0x[0-9a-f]*", value):
        return "hexadecimal"
    return str(shape(value)).replace("empty text", "text")


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
