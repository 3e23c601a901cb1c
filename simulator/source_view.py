"""The world as one source sees it while it answers one request.

Providers read prices and chains only through this: so an offset, a cache, a stopped clock or a wrong factor is the same
for all of them and lives in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.chains import Chains
from simulator.coins import COINS
from simulator.market import DAY_S, Market
from simulator.nodes import NodeTrouble

HOUR_S = 3_600.0


@dataclass(frozen=True)
class SourceView:
    """What one source knows.

    Attributes:
        market: The market behind it.
        chains: The chains behind it.
        source: The provider's name.
        now: When the request arrived, Unix seconds.
        as_of: When the source last looked at the market; earlier than ``now`` for a source that caches.
        claimed_at: What the source gives as the time of its prices; differs from ``as_of`` only when its
            clock is stuck.
        factor: By how much all its prices and main figures are wrong; 1 means they are right.
        node_trouble: The node that is behind its chain, if any.
    """

    market: Market
    chains: Chains
    source: str
    now: float
    as_of: float
    claimed_at: float
    factor: float = 1.0
    node_trouble: NodeTrouble | None = None

    def price(self, symbol: str, ago_s: float = 0.0, quote: str = "USD") -> float:
        """Gives a price, now or some seconds ago.

        Args:
            symbol: The coin.
            ago_s: How long ago; 0 is the last price.
            quote: ``USD`` or the symbol of the coin in which the price is counted.
        """
        if symbol == quote:
            return 1.0
        return self._at(symbol, ago_s) / (1.0 if quote == "USD" else self._at(quote, ago_s)) * self._factor(symbol)

    def low_and_high(self, symbol: str, window_s: float = DAY_S, quote: str = "USD") -> tuple[float, float]:
        """Gives the lowest and the highest price of the last ``window_s`` seconds."""
        if symbol == quote:
            return 1.0, 1.0
        low, high = self.market.low_and_high(symbol, self.as_of - window_s, self.as_of, quote)
        return low * self._factor(symbol), high * self._factor(symbol)

    def average_price(self, symbol: str, window_s: float = DAY_S, quote: str = "USD") -> float:
        """Gives a plausible volume-weighted price of the last ``window_s`` seconds."""
        low, high = self.low_and_high(symbol, window_s, quote)
        return (low + high + self.price(symbol, 0.0, quote) + self.price(symbol, window_s, quote)) / 4.0

    def change(self, symbol: str, window_s: float = DAY_S, quote: str = "USD") -> float:
        """Gives how far the price moved in ``window_s`` seconds, in quote currency."""
        return self.price(symbol, 0.0, quote) - self.price(symbol, window_s, quote)

    def change_percent(self, symbol: str, window_s: float = DAY_S, quote: str = "USD") -> float:
        """Gives how far the price moved in ``window_s`` seconds, in percent."""
        before = self.price(symbol, window_s, quote)
        return (self.price(symbol, 0.0, quote) - before) / before * 100.0

    def market_cap(self, symbol: str, ago_s: float = 0.0, quote: str = "USD") -> float:
        """Gives price times circulating supply."""
        return self.price(symbol, ago_s, quote) * COINS[symbol].circulating_supply

    def volume(self, symbol: str, share: float = 1.0, quote: str = "USD", ago_s: float = 0.0) -> float:
        """Gives the turnover of 24 hours in quote currency; ``share`` is the source's part of all markets."""
        volume_usd = self.market.volume_usd(symbol, self.as_of - ago_s) * share
        return volume_usd if quote == "USD" else volume_usd / self._at(quote, ago_s)

    def volume_in_coins(self, symbol: str, share: float) -> float:
        """Gives the turnover of 24 hours counted in the coin itself."""
        return self.volume(symbol, share) / self._at(symbol, 0.0)

    def _at(self, symbol: str, ago_s: float) -> float:
        """Gives the market's own price in USD, without this source's offset or factor."""
        if ago_s == 0.0:
            return self.market.last_price(symbol, self.as_of)
        return self.market.price(symbol, self.as_of - ago_s)

    def _factor(self, symbol: str) -> float:
        return self.factor * self.market.source_factor(self.source, symbol)
