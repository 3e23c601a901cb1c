"""What a client's screen showed: every array of prices that was published, held against the truth."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import msgspec

from tests.scenarios.internet import Internet
from websocket import codec
from websocket.broker.base import Publication
from websocket.coins import SYMBOLS
from websocket.feed_status import FeedStatus

KEYS = ["symbol", "name", "price", "change24h", "changePercent24h", "volume24h", "marketCap", "lastUpdated"]

SOURCE_LAG_S = 65.0
"""How old a price may be that a source gives as new: caching sources renew theirs every 30 s, those without a time of
their own are dated when they arrive."""

DAY_S = 86_400.0


class Shown(msgspec.Struct, frozen=True):
    """One array of ``crypto-prices``.

    Attributes:
        at: when it was published, Unix seconds.
        rows: the coins by symbol.
    """

    at: float
    rows: dict[str, dict[str, Any]]

    def price(self, symbol: str) -> float:
        """Of one coin, US dollars."""
        return float(self.rows[symbol]["price"])

    def age(self, symbol: str) -> float:
        """Seconds between the time that the row names and its publication."""
        return self.at - unix_s(self.rows[symbol]["lastUpdated"])

    @property
    def complete(self) -> bool:
        """True when no coin is missing."""
        return tuple(self.rows) == SYMBOLS


class Screen:
    """Keeps what was published, and every offence against the promises of the wire.

    Args:
        internet: knows the truth.
    """

    def __init__(self, internet: Internet) -> None:
        self._internet = internet
        self.tolerance = 0.005
        """Share by which a shown price may differ from the true one."""
        self.arrays: list[Shown] = []
        self.statuses: list[FeedStatus] = []
        self.offences: list[str] = []

    def on_publication(self, publication: Publication) -> None:
        """A listener for the broker."""
        if publication.channel != "crypto-prices":
            return
        shown = Shown(self._internet.now(), {})
        for row in codec.decode(publication.body):
            shown.rows[row["symbol"]] = row
            self._judge(row, shown.at)
        if not shown.rows:
            self._object("an empty array")
        if list(shown.rows) != [symbol for symbol in SYMBOLS if symbol in shown.rows]:
            self._object(f"wrong order or unknown coins: {list(shown.rows)}")
        if self.arrays:
            self._compare(self.arrays[-1], shown)
        self.arrays.append(shown)

    @property
    def last(self) -> Shown:
        """The newest array."""
        return self.arrays[-1]

    @property
    def states(self) -> list[str]:
        """The states that ``feed-status`` told, without repetitions."""
        told = [status.status for status in self.statuses]
        return [state for place, state in enumerate(told) if place == 0 or told[place - 1] != state]

    def forget(self) -> None:
        """Begins anew with what was shown last; offences stay."""
        del self.arrays[:-1], self.statuses[:-1]

    def _judge(self, row: dict[str, Any], now: float) -> None:
        symbol = row["symbol"]
        if list(row) != KEYS:
            self._object(f"{symbol}: keys {list(row)}")
        for key in KEYS[2:7]:
            if type(row[key]) not in (int, float) or not math.isfinite(row[key]):
                self._object(f"{symbol}: {key} is {row[key]!r}")
        time = unix_s(row["lastUpdated"])
        if time > now:
            self._object(f"{symbol}: lastUpdated is {time - now:.3f} s ahead")
        low, high = self._internet.price_range(symbol, time - SOURCE_LAG_S, min(time + 1.0, now))
        if not low * (1 - self.tolerance) <= row["price"] <= high * (1 + self.tolerance):
            self._object(f"{symbol}: shown {row['price']}, true {low} to {high}, {now - time:.1f} s old")
        ago = self._internet.price(symbol, time - DAY_S)
        if abs(row["price"] - row["change24h"] - ago) > ago * 0.02:
            self._object(f"{symbol}: price of yesterday {row['price'] - row['change24h']}, true {ago}")
        if row["volume24h"] <= 0 or row["marketCap"] <= 0:
            self._object(f"{symbol}: volume {row['volume24h']}, market cap {row['marketCap']}")

    def _compare(self, before: Shown, after: Shown) -> None:
        for symbol, row in before.rows.items():
            if symbol not in after.rows:
                self._object(f"{symbol}: gone")
            elif unix_s(after.rows[symbol]["lastUpdated"]) < unix_s(row["lastUpdated"]):
                self._object(f"{symbol}: lastUpdated went back from {row['lastUpdated']}")

    def _object(self, offence: str) -> None:
        self.offences.append(f"array {len(self.arrays)}: {offence}")


def unix_s(text: str) -> float:
    """Unix seconds of a wire time, which must be UTC with milliseconds and ``Z``."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() if text.endswith("Z") else math.nan
