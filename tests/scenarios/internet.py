"""The stand-in internet of a test: a simulator process, its control interface, its clock, and what is true in it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from simulator.market import Market, MarketEvent

ROOT = Path(__file__).resolve().parents[2]

START = 1_795_288_983.0
"""Where the internet's time begins, a moment on 2026-11-21; so a run does not depend on the day."""

PROVIDERS = ("binance", "kraken", "coinbase_exchange", "coingecko", "coinlore", "coinpaprika")
EXCHANGES = PROVIDERS[:3]
AGGREGATORS = PROVIDERS[3:]

QUIET_STEP_S, DISTURBED_STEP_S = 5.0, 0.5
"""How closely the truth is looked at: it moves by 0.02 % in ten seconds when nothing disturbs it."""

THEIR_SYMBOL = {"MATIC": "POL"}
"""Where the simulator's name of a coin is not ours."""


class Internet:
    """A simulator on loopback whose clock a test can move.

    It knows the truth: the same market as the simulator's, from the same seed, with the same disturbances.
    """

    def __init__(self) -> None:
        self.offset_s = START - time.time()
        self.passed_s = 0.0
        """Seconds that have passed in a moment so far."""
        command = [sys.executable, "-m", "tests.scenarios.moving_simulator", repr(self.offset_s)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._process.stdout is not None
        self.url: str = json.loads(self._process.stdout.readline())["listening"]
        self._market = Market(1, self.now)
        self._disturbed = False

    # Time

    def now(self) -> float:
        """The time in this internet, Unix seconds; it goes on with the machine's clock."""
        return time.time() + self.offset_s

    def advance(self, seconds: float) -> None:
        """Lets time pass in a moment, for the providers and for whoever reads the clock from here.

        A negative number sets every clock back, which takes no time.
        """
        self.offset_s += seconds
        self.passed_s += max(0.0, seconds)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{self.offset_s!r}\n")
        assert self._process.stdout.readline() == "moved\n"

    # Trouble

    def begin(self, scenario: str, *providers: str, for_s: float | None = None, **params: float | str) -> None:
        """Puts a scenario in force, for some providers or for whom it is meant by default."""
        body = {"scenario": scenario, "providers": list(providers) or None, "for_s": for_s, "params": params}
        state = self._control("/scenario", {key: value for key, value in body.items() if value})
        for active in state["scenarios"]:
            if active["scenario"] == scenario and scenario in ("flash_crash", "depeg"):
                size = active["params"]["fall" if scenario == "flash_crash" else "price"]
                self._disturbed = True
                self._market.begin_event(MarketEvent(scenario, size, active["since"], active["until"]))

    def end(self, *providers: str) -> None:
        """Ends the scenarios of some providers, or everything, the market's disturbances included."""
        self.begin("normal", *providers)
        if not providers:
            self._market.end_events()

    def reset(self) -> None:
        """Ends everything at once and counts requests from zero."""
        self._control("/reset", {})
        self._market.clear()
        self._disturbed = False

    def requests(self) -> dict[str, int]:
        """How many requests each provider has got since the last reset."""
        counted = self._control("", None)["requests"]
        return {provider: sum(paths.values()) for provider, paths in counted.items()}

    # Truth

    def price(self, symbol: str, at: float) -> float:
        """What a coin of ours really cost, US dollars."""
        return self._market.price(THEIR_SYMBOL.get(symbol, symbol), at)

    def price_range(self, symbol: str, start: float, end: float) -> tuple[float, float]:
        """Between which prices it really moved."""
        steps = max(1, round((end - start) / (DISTURBED_STEP_S if self._disturbed else QUIET_STEP_S)))
        prices = [self.price(symbol, start + (end - start) * step / steps) for step in range(steps + 1)]
        return min(prices), max(prices)

    def stop(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _control(self, path: str, body: Any) -> Any:
        payload = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_control{path}", payload, timeout=5) as answer:
            return json.load(answer)
