"""What the clients saw, held against the truth: the one place where it is decided what counts as wrong."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulator.market import Market
from websocket.coins import COINS

SOURCE_LAG_S = 65.0
"""How old a price may be that a source gives as new: caching sources renew theirs every 30 s."""

STEP_S = 5.0
TOLERANCE = 0.005
"""Share by which what a source says may differ from the market."""

THEIR_SYMBOL = {"MATIC": "POL"}
"""Where the simulator's name of a coin is not ours."""

CLOCK_TOLERANCE_S = 1.0


class Witness:
    """Counts, since the last ``reset()``, what must not happen, and how long prices stood still.

    Args:
        seed: of the market.
    """

    def __init__(self, seed: int) -> None:
        self._market = Market(seed, time.time)
        self._symbol_of = {coin.coin_id: THEIR_SYMBOL.get(coin.symbol, coin.symbol) for coin in COINS}
        self._seen: dict[tuple[str, int], bytes] = {}
        self.reset()

    def reset(self) -> None:
        """Begins to count for the next fault."""
        self.updates = 0
        self.missed = 0
        self.repeated = 0
        self.replayed = 0
        self.snapshots = 0
        self.renumbered = 0
        self.unrecovered = 0
        self.reconnects = 0
        self.goodbyes = 0
        self.longest_gap_s = 0.0
        self.wrong: list[str] = []

    def judge(self, epoch: str, seq: int, body: bytes, prices: Mapping[str, float], times: Mapping[str, str]) -> None:
        """One update of ``market_data`` as one client got it; what all got alike is held against the truth once."""
        self.updates += 1
        digest = hashlib.sha256(body).digest()
        known = self._seen.get((epoch, seq))
        if known is not None:
            if known != digest:
                self.wrong.append(f"two updates called {epoch} {seq}")
            return
        self._seen[epoch, seq] = digest
        for coin_id, price in prices.items():
            self._judge_price(coin_id, price, datetime.fromisoformat(times[coin_id].replace("Z", "+00:00")).timestamp())

    def judge_rows(self, rows: list[dict[str, Any]]) -> None:
        """One ``crypto-prices`` as a Socket.IO client got it."""
        self.updates += 1
        ids = {coin.symbol: coin.coin_id for coin in COINS}
        for row in rows:
            shown = datetime.fromisoformat(row["lastUpdated"].replace("Z", "+00:00")).timestamp()
            self._judge_price(ids[row["symbol"]], row["price"], shown)

    def note_gap(self, seconds: float) -> None:
        """For so long a client had no newer price."""
        self.longest_gap_s = max(self.longest_gap_s, seconds)

    def _judge_price(self, coin_id: str, price: float, shown: float) -> None:
        now = time.time()
        if shown > now + CLOCK_TOLERANCE_S:
            self.wrong.append(f"{coin_id} is from the future")
        symbol = self._symbol_of[coin_id]
        start, end = shown - SOURCE_LAG_S, min(shown + 1.0, now)
        steps = max(1, round((end - start) / STEP_S))
        true = [self._market.price(symbol, start + (end - start) * step / steps) for step in range(steps + 1)]
        if not min(true) * (1 - TOLERANCE) <= price <= max(true) * (1 + TOLERANCE):
            self.wrong.append(f"{coin_id}: shown {price}, true {min(true)} to {max(true)}")
