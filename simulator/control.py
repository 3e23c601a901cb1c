"""The control interface under ``/_control``: look at the simulator, disturb it, put it back.

==============================  ================================================================================
``GET /_control``               the state: seed, time, providers, scenarios, pinned prices, requests counted
``GET /_control/scenarios``     what can be asked for: ``{"outage": {"help": "...", "parameters": {...}, ...}, ...}``
``POST /_control/scenario``     ``{"scenario": "outage", "providers": ["kraken"], "for_s": 60, "params": {}}``;
                                all but ``scenario`` optional
``POST /_control/market``       ``{"pin": {"BTC": 70000}, "release": ["ETH"]}`` in USD; ``"release": "all"`` also
                                works; at least one of the two
``POST /_control/reset``        ends all scenarios, releases all prices, counts from zero; takes no body
==============================  ================================================================================

Every success answers with the state after it, every refusal with status 400, 404 or 405 and ``{"error": "..."}``,
which names what was expected.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any, NoReturn

from simulator.answers import Answer
from simulator.coins import MAIN_SYMBOLS
from simulator.market import Market
from simulator.parameters import ScenarioError
from simulator.scenarios import SCENARIOS, ScenarioBook

PREFIX = "/_control"


class ControlError(ValueError):
    """A control request that cannot be done; the message says what was expected."""


class RequestCounts:
    """How often each path of each provider was asked for. Safe to share between threads."""

    def __init__(self, provider_names: list[str]) -> None:
        """Starts at zero."""
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in provider_names}

    def add(self, provider: str, path: str) -> None:
        """Counts one request."""
        with self._lock:
            self._counts[provider][path] += 1

    def clear(self) -> None:
        """Counts from zero again."""
        with self._lock:
            for counter in self._counts.values():
                counter.clear()

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Gives ``{"kraken": {"/0/public/Ticker": 3}, ...}`` with every provider."""
        with self._lock:
            return {name: dict(counter) for name, counter in self._counts.items()}


class Control:
    """Answers the requests under ``/_control``."""

    def __init__(self, market: Market, book: ScenarioBook, counts: RequestCounts) -> None:
        """Makes a control over these three; it keeps no state of its own."""
        self._market = market
        self._book = book
        self._counts = counts

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answers one request; ``path`` is the whole path."""
        actions = {"/scenario": self._begin_scenario, "/market": self._move_market, "/reset": self._reset}
        place = path.removeprefix(PREFIX).rstrip("/")
        if place in ("", "/state"):
            return Answer(self.state()) if method == "GET" else _refusal(405, "expected GET")
        if place == "/scenarios":
            return Answer(_catalogue()) if method == "GET" else _refusal(405, "expected GET")
        if place not in actions:
            known = ", ".join(PREFIX + name for name in ("", "/scenarios", *actions))
            return _refusal(404, f"unknown control path {path!r}; expected one of {known}")
        if method != "POST":
            return _refusal(405, "expected POST")
        try:
            actions[place](body)
        except (ControlError, ScenarioError) as error:
            return _refusal(400, str(error))
        return Answer(self.state())

    def state(self) -> dict[str, Any]:
        """Gives everything that can be seen and set; times are Unix seconds, prices USD."""
        counts = self._counts.as_dict()
        return {
            "seed": self._market.seed,
            "time": self._market.clock(),
            "providers": list(counts),
            "scenarios": self._book.active(),
            "pinned_usd": self._market.pinned_usd(),
            "requests": counts,
        }

    def _begin_scenario(self, body: bytes) -> None:
        request = _json_object(body, required=("scenario",), optional=("providers", "for_s", "params"))
        name, providers, params = request["scenario"], request.get("providers"), request.get("params")
        if not isinstance(name, str):
            raise ControlError("scenario: expected a string")
        if providers is not None and not _is_text_list(providers):
            raise ControlError("providers: expected a list of strings")
        if params is not None and not isinstance(params, dict):
            raise ControlError("params: expected an object")
        self._book.begin(name, providers, request.get("for_s"), params)

    def _move_market(self, body: bytes) -> None:
        request = _json_object(body, required=(), optional=("pin", "release"))
        pin, release = request.get("pin"), request.get("release")
        if pin is None and release is None:
            raise ControlError("expected pin, release or both")
        if pin is not None and not (isinstance(pin, dict) and all(map(_is_price, pin.values()))):
            raise ControlError("pin: expected an object of prices in USD above 0, by symbol")
        if release not in (None, "all") and not _is_text_list(release):
            raise ControlError('release: expected a list of symbols or "all"')
        named = [*(pin or {}), *(release if isinstance(release, list) else [])]
        unknown = [symbol for symbol in named if symbol not in MAIN_SYMBOLS]
        if unknown:
            raise ControlError(f"unknown coin {unknown[0]!r}; expected some of {', '.join(MAIN_SYMBOLS)}")
        if release is not None:
            self._market.release(None if release == "all" else release)
        if pin:
            self._market.pin({symbol: float(price) for symbol, price in pin.items()})

    def _reset(self, body: bytes) -> None:
        if body.strip() not in (b"", b"{}"):
            raise ControlError("expected no body")
        self._book.reset()
        self._counts.clear()


def _catalogue() -> dict[str, Any]:
    """Gives every scenario with its defaults and what can be set; ``null`` means everybody, or until ended."""
    return {
        name: {
            "help": scenario.help,
            "market_wide": scenario.market_wide,
            "default_providers": scenario.default_providers,
            "default_for_s": scenario.default_for_s,
            "parameters": {key: parameter.as_dict() for key, parameter in scenario.parameters.items()},
        }
        for name, scenario in SCENARIOS.items()
    }


def _refusal(status: int, message: str) -> Answer:
    return Answer({"error": message}, status=status)


def _json_object(body: bytes, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Any]:
    """Gives a request body which has all required keys and no others than the optional ones."""
    try:
        request = json.loads(body, parse_constant=_refuse_constant)
    except ValueError as error:
        raise ControlError(f"expected a JSON object: {error}") from error
    expected = ", ".join((*required, *optional))
    if not isinstance(request, dict):
        raise ControlError(f"expected a JSON object with {expected}")
    for key in request:
        if key not in (*required, *optional):
            raise ControlError(f"unknown key {key!r}; expected {expected}")
    for key in required:
        if key not in request:
            raise ControlError(f"missing key {key!r}; expected {expected}")
    return request


def _refuse_constant(token: str) -> NoReturn:
    raise ValueError(f"{token} is not JSON")


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_price(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1e12
