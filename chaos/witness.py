"""What the clients saw, held against the truth: the one place where it is decided what counts as wrong."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from simulator.market import Market
from websocket.coins import COINS
from websocket.settings import PriceSettings

SOURCE_LAG_S = 65.0
"""How old a price may be that a source gives as new: caching sources renew theirs every 30 s."""

STEP_S = 5.0
TOLERANCE = 0.005
"""Share by which what a source says may differ from the market."""

THEIR_SYMBOL = {"MATIC": "POL"}
"""Where the simulator's name of a coin is not ours."""

CLOCK_TOLERANCE_S = 1.0

LIVE_UNTIL_S = PriceSettings().delayed_after_s + CLOCK_TOLERANCE_S
"""A feed with an older price must not call itself live."""


class Witness:
    """Counts, since the last ``reset()``, what must not happen, and how long prices stood still.

    Args:
        seed: of the market.
    """

    def __init__(self, seed: int) -> None:
        self._market = Market(seed, time.time)
        self._symbol_of = {coin.coin_id: THEIR_SYMBOL.get(coin.symbol, coin.symbol) for coin in COINS}
        self._seen: dict[tuple[str, int], bytes] = {}
        # epoch -> seq -> when it was made, Unix seconds
        self._made: dict[str, dict[int, float]] = defaultdict(dict)
        # how many coins were shown at once, by channel
        self._complete: dict[str, int] = defaultdict(int)
        self.reset()

    def reset(self) -> None:
        """Begins to count for the next fault."""
        self.updates = 0
        self.missed = 0
        self.repeated = 0
        self.replayed = 0
        self.renumbered = 0
        self.unrecovered = 0
        self.reconnects = 0
        self.goodbyes = 0
        self.unannounced = 0
        self._changes: list[tuple[str, int, float]] = []
        self.longest_gap_s = 0.0
        self.wrong: list[str] = []

    def judge(self, epoch: str, seq: int, data: Mapping[str, Any]) -> None:
        """One update of ``market_data`` as one client got it; what all got alike is held against the truth once."""
        self.updates += 1
        digest = hashlib.sha256(msgspec.json.encode(data)).digest()
        known = self._seen.get((epoch, seq))
        if known is not None:
            if known != digest:
                self.complain(f"two updates called {epoch} {seq}")
            return
        self._seen[epoch, seq] = digest
        made = self._made[epoch][seq] = unix_s(data["timestamp"])
        times = {coin_id: unix_s(text) for coin_id, text in data["last_updated"].items()}
        self._judge_number("market_data", len(data["prices"]))
        oldest = made - min(times.values(), default=made)
        if data["status"] == "live" and oldest > LIVE_UNTIL_S:
            self.complain(f"live, with a price that is {oldest:.0f} s old")
        for coin_id, price in data["prices"].items():
            self._judge_price(coin_id, price, times[coin_id])

    def judge_rows(self, rows: list[dict[str, Any]]) -> None:
        """One ``crypto-prices`` as a Socket.IO client got it."""
        self.updates += 1
        self._judge_number("crypto-prices", len(rows))
        ids = {coin.symbol: coin.coin_id for coin in COINS}
        for row in rows:
            self._judge_price(ids[row["symbol"]], row["price"], unix_s(row["lastUpdated"]))

    def note_change(self, epoch: str, seq: int, since: float) -> None:
        """A client went on under another epoch, with this update; the last one that it had was made at ``since``."""
        self._changes.append((epoch, seq, since))

    def count_changes(self) -> None:
        """Adds to what was missed what other clients got of an epoch before somebody came to it, and what that one did
        not have under another number.
        """
        changes, self._changes = self._changes, []
        for epoch, seq, since in changes:
            self.missed += sum(number < seq and made > since for number, made in self._made[epoch].items())

    def complain(self, what: str) -> None:
        """Something is wrong."""
        self.wrong.append(what)

    def note_gap(self, seconds: float) -> None:
        """For so long a client had no newer price."""
        self.longest_gap_s = max(self.longest_gap_s, seconds)

    def _judge_number(self, channel: str, coins: int) -> None:
        if coins < self._complete[channel]:
            self.complain(f"{channel}: {coins} coins, there were {self._complete[channel]}")
        self._complete[channel] = max(coins, self._complete[channel])

    def _judge_price(self, coin_id: str, price: float, shown: float) -> None:
        now = time.time()
        if shown > now + CLOCK_TOLERANCE_S:
            self.complain(f"{coin_id} is from the future")
        symbol = self._symbol_of[coin_id]
        start, end = shown - SOURCE_LAG_S, min(shown + 1.0, now)
        steps = max(1, round((end - start) / STEP_S))
        true = [self._market.price(symbol, start + (end - start) * step / steps) for step in range(steps + 1)]
        if not min(true) * (1 - TOLERANCE) <= price <= max(true) * (1 + TOLERANCE):
            self.complain(f"{coin_id}: shown {price}, true {min(true)} to {max(true)}")


def unix_s(text: str) -> float:
    """Unix seconds of a moment as clients get it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
