"""What can go wrong: the known scenarios, and the book of those which are active.

This module decides who is affected, for how long and with which parameters. How a fault looks on the wire is
the business of ``faults.py``, how a crash moves prices that of ``market.py``.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.chains import Chains
from simulator.market import Market, MarketEvent
from simulator.nodes import FIRST_NODE, HOSTS
from simulator.parameters import Choice, Host, Number, Parameter, ScenarioError, is_number
from simulator.stories import FEEDS


@dataclass(frozen=True)
class Scenario:
    """One kind of trouble.

    Attributes:
        help: One line for people.
        market_wide: Whether it changes the world itself; then it cannot be limited to providers.
        default_providers: Who is affected when nobody is named; ``None`` means all.
        elsewhere: Whether others than the default providers can be affected.
        default_for_s: How long it lasts when nothing is said; ``None`` means until it is ended.
        parameters: What can be set, by name.
    """

    help: str
    market_wide: bool = False
    default_providers: tuple[str, ...] | None = None
    elsewhere: bool = True
    default_for_s: float | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


REORGANISED = ("bitcoin", "ethereum")
"""The chains whose newest blocks can be replaced."""

SCENARIOS: Mapping[str, Scenario] = {
    "normal": Scenario("ends the scenarios of the named providers, or all of them and the market's"),
    "outage": Scenario("the connection closes without an answer"),
    "rate_limited": Scenario(
        "429 with Retry-After and the provider's own body; parameter retry_after_s (30)",
        parameters={"retry_after_s": Number(30, 0, 86_400)},
    ),
    "slow": Scenario(
        "the answer comes in small pieces and is cut off; parameters piece_bytes (1), interval_s (1), limit_s (120)",
        parameters={
            "piece_bytes": Number(1, 1, 65_536),
            "interval_s": Number(1, 0.001, 60),
            "limit_s": Number(120, 0, 120),
        },
    ),
    "html_instead_of_json": Scenario("status 200 with an HTML page"),
    "truncated": Scenario(
        "the whole length is announced, a part is sent, the connection closes; parameter fraction (0.5)",
        parameters={"fraction": Number(0.5, 0, 0.99)},
    ),
    "nan": Scenario("prices and other main figures are NaN, as a bare token or as text"),
    "null_fields": Scenario("the prices of every second coin, or every second figure, are null or empty"),
    "one_source_wrong": Scenario(
        "one source's prices and main figures are wrong by a factor; parameter factor (10); binance unless named",
        default_providers=("binance",),
        parameters={"factor": Number(10, 0.000_001, 1_000_000)},
    ),
    "flash_crash": Scenario(
        "all but stablecoins lose 30 % in three seconds, recover after 120 s or for_s; parameter fall (0.3)",
        market_wide=True,
        default_for_s=120.0,
        parameters={"fall": Number(0.3, 0.01, 0.99)},
    ),
    "depeg": Scenario(
        "USDT leaves the dollar; parameter price (0.9)",
        market_wide=True,
        parameters={"price": Number(0.9, 0.01, 2)},
    ),
    "stuck_clock": Scenario(
        "source times stand still while prices move; coingecko unless named", default_providers=("coingecko",)
    ),
    "geo_blocked": Scenario(
        "451 with Binance's body, 403 with HTML from others; binance unless named", default_providers=("binance",)
    ),
    "reorg": Scenario(
        "the newest blocks are replaced by others at the same heights, for good; parameters chain (both), depth (1)",
        market_wide=True,
        default_for_s=60.0,
        parameters={"chain": Choice("both", ("both", *REORGANISED)), "depth": Number(1, 1, 2)},
    ),
    "feed_broken": Scenario(
        "one news feed sends broken XML, an entity bomb or junk; parameters feed (coindesk), kind (broken_xml, "
        "entity_bomb, junk), size_mb (50)",
        default_providers=("rss",),
        elsewhere=False,
        parameters={
            "feed": Choice(FEEDS[0], FEEDS),
            "kind": Choice("broken_xml", ("broken_xml", "entity_bomb", "junk")),
            "size_mb": Number(50, 0.001, 1_000),
        },
    ),
    "node_lagging": Scenario(
        "one node stays behind its chain; parameters chain (ethereum), node (first, or a host), blocks (20), "
        "chain_id (0: the right one), syncing (0 or 1)",
        default_providers=("json_rpc",),
        elsewhere=False,
        parameters={
            "chain": Choice("ethereum", tuple(HOSTS)),
            "node": Host(FIRST_NODE),
            "blocks": Number(20, 0, 1_000_000),
            "chain_id": Number(0, 0, 1e12),
            "syncing": Number(0, 0, 1),
        },
    ),
}
"""Every scenario by name."""


@dataclass(frozen=True)
class ActiveScenario:
    """A scenario in force.

    Attributes:
        name: A key of `SCENARIOS`.
        since: When it began, Unix seconds.
        until: When it ends, Unix seconds; ``None`` means not by itself.
        params: Every parameter of the scenario with the value in force.
    """

    name: str
    since: float
    until: float | None
    params: Mapping[str, Any]

    def is_over(self, now: float) -> bool:
        """Tells whether its time has passed."""
        return self.until is not None and now >= self.until


class ScenarioBook:
    """Which scenarios are active for whom: at most one per provider, and one of each kind for the market.

    Safe to share between threads. Scenarios which are over are forgotten when somebody looks.
    """

    def __init__(self, market: Market, chains: Chains, provider_names: Collection[str]) -> None:
        """Makes an empty book; times come from the market's clock."""
        self._market = market
        self._chains = chains
        self._provider_names = tuple(provider_names)
        self._lock = threading.Lock()
        self._by_provider: dict[str, ActiveScenario] = {}
        self._of_market: dict[str, ActiveScenario] = {}

    def begin(
        self,
        name: str,
        providers: Sequence[str] | None = None,
        for_s: float | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        """Puts a scenario in force; it replaces what the affected providers had before.

        Args:
            name: A key of `SCENARIOS`.
            providers: Who is affected; ``None`` means the scenario's default.
            for_s: For how many seconds; ``None`` means the scenario's default.
            params: Values for the scenario's parameters; the others keep their defaults.

        Raises:
            ScenarioError: When anything of it is unknown or out of range; then nothing has changed.
        """
        if name not in SCENARIOS:
            close = difflib.get_close_matches(name, SCENARIOS, n=1)
            suggestion = f". Did you mean {close[0]}?" if close else ""
            raise ScenarioError(f"unknown scenario {name!r}; expected one of {', '.join(SCENARIOS)}{suggestion}")
        scenario = SCENARIOS[name]
        self._check_providers(name, scenario, providers)
        if for_s is not None and (name == "normal" or not is_number(for_s) or for_s <= 0):
            raise ScenarioError("for_s: expected a number of seconds above 0, and none with normal")
        values = _checked_params(name, scenario, params or {})
        now = self._market.clock()
        duration_s = scenario.default_for_s if for_s is None else for_s
        active = ActiveScenario(name, now, None if duration_s is None else now + duration_s, values)
        affected = providers or scenario.default_providers or self._provider_names
        with self._lock:
            if scenario.market_wide:
                self._of_market[name] = active
                self._change_world(active)
                return
            for provider in affected:
                self._by_provider.pop(provider, None)
                if name != "normal":
                    self._by_provider[provider] = active
            if name == "normal" and providers is None:
                self._of_market.clear()
                self._market.end_events()

    def for_provider(self, provider: str) -> ActiveScenario | None:
        """Gives the scenario in force for a provider; ``None`` when all is well."""
        with self._lock:
            active = self._by_provider.get(provider)
            if active is not None and active.is_over(self._market.clock()):
                del self._by_provider[provider]
                return None
            return active

    def reset(self) -> None:
        """Ends everything at once and lets market and chains forget their disturbances, pins and replaced blocks."""
        with self._lock:
            self._by_provider.clear()
            self._of_market.clear()
            self._market.clear()
            self._chains.clear()

    def active(self) -> list[dict[str, Any]]:
        """Gives what is in force, oldest first.

        One entry is ``{"scenario": "outage", "providers": ["kraken"], "since": 1795289000.0, "until": null,
        "params": {}}``; ``providers`` is null for the scenarios of the market.
        """
        now = self._market.clock()
        with self._lock:
            self._by_provider = {name: one for name, one in self._by_provider.items() if not one.is_over(now)}
            self._of_market = {name: one for name, one in self._of_market.items() if not one.is_over(now)}
            groups: list[tuple[ActiveScenario, list[str] | None]] = [(one, None) for one in self._of_market.values()]
            # One begun for several providers is one object, and one entry.
            distinct = {id(one): one for one in self._by_provider.values()}
            groups += [
                (one, sorted(name for name, held in self._by_provider.items() if held is one))
                for one in distinct.values()
            ]
        return [
            {
                "scenario": one.name,
                "providers": providers,
                "since": one.since,
                "until": one.until,
                "params": dict(one.params),
            }
            for one, providers in sorted(groups, key=lambda group: group[0].since)
        ]

    def _change_world(self, active: ActiveScenario) -> None:
        """Begins a scenario that changes the market or the chains themselves."""
        params = active.params
        if active.name == "reorg":
            names = REORGANISED if params["chain"] == "both" else (params["chain"],)
            self._chains.reorganise(names, int(params["depth"]), active.since)
        else:
            size = params["fall" if active.name == "flash_crash" else "price"]
            self._market.begin_event(MarketEvent(active.name, size, active.since, active.until))

    def _check_providers(self, name: str, scenario: Scenario, providers: Sequence[str] | None) -> None:
        if providers is None:
            return
        if scenario.market_wide:
            raise ScenarioError(f"{name} changes the whole world: expected no providers")
        unknown = [provider for provider in providers if provider not in self._provider_names]
        if unknown or not providers:
            named = ", ".join(map(repr, unknown)) or "an empty list"
            raise ScenarioError(f"providers: got {named}; expected some of {', '.join(self._provider_names)}")
        possible = scenario.default_providers
        if possible is not None and not scenario.elsewhere and any(one not in possible for one in providers):
            raise ScenarioError(f"{name} exists for {', '.join(possible)} alone")


def _checked_params(name: str, scenario: Scenario, params: Mapping[str, Any]) -> dict[str, Any]:
    """Gives every parameter of a scenario with its value."""
    values = {key: parameter.default for key, parameter in scenario.parameters.items()}
    for key, value in params.items():
        if key not in scenario.parameters:
            expected = ", ".join(scenario.parameters) or "none at all"
            raise ScenarioError(f"{name} has no parameter {key!r}; expected {expected}")
        values[key] = scenario.parameters[key].checked(key, value)
    return values
