"""The seeded market: what every coin costs at any moment, past or present.

A price is computed, not accumulated. Its logarithm is a sum of smooth noise whose periods reach from fifteen
seconds to a month, and the noise is a hash of seed, coin and time. So the price 24 hours ago, a low, a high
or an open is the same function at another time, two runs with one seed agree, and a client which looks twice
at one moment sees one price.

On top come disturbances which are asked for from outside: a flash crash, a lost dollar peg, a pinned price.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from simulator.coins import COINS
from simulator.noise import node, noise, noise_key, smooth

Clock = Callable[[], float]
"""Gives the time in Unix seconds."""

DAY_S = 86_400.0

_PERIODS_S = (15.0, 45.0, 150.0, 600.0, 2_400.0, 9_600.0, 38_400.0, 153_600.0, 614_400.0, 2_457_600.0)
_DAILY_AMPLITUDE = 0.02
# A swing grows with the root of its period, as in a random walk, but not beyond four days, so that a coin stays
# near its level. Measured over some days this gives 0.02 % in ten seconds, never above 0.25 % in thirty, and a
# few percent in a day.
_OCTAVES = tuple((period, _DAILY_AMPLITUDE * min(math.sqrt(period / DAY_S), 2.0)) for period in _PERIODS_S)
# Coins mostly move together. The squares of the two parts add up to one.
_SHARED_PART, _OWN_PART = 0.8, 0.6
_OFFSET = 0.0002
_STABLE_OFFSET = 0.00005

_SAMPLE_S = 600.0
_FALL_S = 3.0
_RECOVERY_S = 30.0


@dataclass(frozen=True)
class MarketEvent:
    """A disturbance of the whole market; it comes within three seconds and goes within thirty.

    Attributes:
        kind: ``flash_crash`` (all but stablecoins fall) or ``depeg`` (USDT leaves the dollar).
        size: For a flash crash the part of the price that is lost, for a depeg the price of USDT in USD.
        since: When it begins, Unix seconds.
        until: When recovery begins, Unix seconds; ``None`` means not before it is ended.
    """

    kind: str
    size: float
    since: float
    until: float | None = None

    def depth(self, at: float) -> float:
        """Gives how much of the disturbance is in force, from 0 (none) to 1 (all)."""
        if at <= self.since:
            return 0.0
        if self.until is None or at <= self.until:
            return smooth((at - self.since) / _FALL_S)
        return smooth((self.until - self.since) / _FALL_S) * (1.0 - smooth((at - self.until) / _RECOVERY_S))

    def disturb(self, symbol: str, price: float, at: float) -> float:
        """Gives the price in USD under this event alone."""
        if self.kind == "depeg":
            return price + (self.size - price) * self.depth(at) if symbol == "USDT" else price
        return price if COINS[symbol].stable else price * (1.0 - self.size * self.depth(at))


@dataclass(frozen=True)
class _Pin:
    price_usd: float
    since: float


class Market:
    """All prices and volumes of the simulated world.

    Safe to share between threads: disturbances are replaced as a whole, never changed in place.
    """

    def __init__(self, seed: int, clock: Clock) -> None:
        """Makes a market.

        Args:
            seed: Two markets with one seed agree at every moment.
            clock: Gives the present in Unix seconds.
        """
        self.seed = seed
        self.clock = clock
        self._lock = threading.Lock()
        self._events: tuple[MarketEvent, ...] = ()
        self._pins: Mapping[str, _Pin] = {}
        self._key = lru_cache(maxsize=None)(self._hash_name)
        self._shared_move = lru_cache(maxsize=8_192)(self._sum_shared_move)
        self._grid_price = lru_cache(maxsize=65_536)(self._price_on_grid)
        self._quiet_extremes = lru_cache(maxsize=4_096)(self._find_quiet_extremes)

    def price(self, symbol: str, at: float) -> float:
        """Gives the price in USD at a time in Unix seconds, disturbances included.

        Raises:
            KeyError: When there is no such coin.
        """
        return self._disturbed(symbol, self._quiet_price(symbol, at), at)

    def last_price(self, symbol: str, as_of: float) -> float:
        """Gives the newest price a source knows which looked at the market at ``as_of``.

        This is ``price`` except that a pinned price shows at once, also in a source that caches: whoever pins
        a price wants to see it, not to wait for a refresh.
        """
        pin = self._pins.get(symbol)
        return pin.price_usd if pin is not None else self.price(symbol, as_of)

    def low_and_high(self, symbol: str, start: float, end: float, quote: str = "USD") -> tuple[float, float]:
        """Gives the lowest and the highest price between two times.

        Prices are looked at every ten minutes, at both ends and where a disturbance is deepest.

        Args:
            symbol: The coin.
            start: Unix seconds.
            end: Unix seconds; the price there is the last price.
            quote: ``USD`` or the symbol of the coin in which the price is counted.
        """
        events = self._events
        first, stop = math.floor(start / _SAMPLE_S) + 1, math.ceil(end / _SAMPLE_S)
        # Over undisturbed times the answer is the same for ten minutes, and this is nine tenths of the work.
        find_extremes = self._find_extremes if events or self._pins else self._quiet_extremes
        prices = list(find_extremes(symbol, quote, first, stop))
        extra = [start, *(time for event in events for time in (event.since + _FALL_S, event.until) if time)]
        prices += [self._price_in(symbol, quote, time) for time in extra if start <= time <= end]
        last = self.last_price(symbol, end) / (1.0 if quote == "USD" else self.last_price(quote, end))
        return min(*prices, last), max(*prices, last)

    def volume_usd(self, symbol: str, at: float) -> float:
        """Gives the turnover of the 24 hours before ``at`` on all markets together, in USD."""
        swing = noise(self._key(f"volume/{symbol}"), at / 21_600.0) + 0.3 * noise(
            self._key(f"turnover/{symbol}"), at / 600.0
        )
        return COINS[symbol].volume_usd * math.exp(0.25 * swing)

    def source_factor(self, source: str, symbol: str) -> float:
        """Gives the constant by which one source's prices differ from the market's, near 1.

        A few hundredths of a percent, so that two sources never agree to the digit.
        """
        size = _STABLE_OFFSET if COINS[symbol].stable else _OFFSET
        return 1.0 + size * node(self._key(f"offset/{source}/{symbol}"), 0)

    def begin_event(self, event: MarketEvent) -> None:
        """Starts a disturbance; a running one of the same kind ends at that moment."""
        with self._lock:
            self._events = (*self._ended(event.since, event.kind), event)

    def end_events(self) -> None:
        """Lets the market recover from all disturbances, as it would by itself."""
        with self._lock:
            self._events = self._ended(self.clock(), None)

    def pin(self, prices_usd: Mapping[str, float]) -> None:
        """Holds coins at a price from now on, whatever else happens; the past stays as it was."""
        now = self.clock()
        with self._lock:
            self._pins = {**self._pins, **{symbol: _Pin(price, now) for symbol, price in prices_usd.items()}}

    def release(self, symbols: list[str] | None = None) -> None:
        """Lets pinned coins move again; ``None`` means all of them, coins that are not pinned are no error."""
        with self._lock:
            self._pins = {
                symbol: pin for symbol, pin in self._pins.items() if symbols is not None and symbol not in symbols
            }

    def pinned_usd(self) -> dict[str, float]:
        """Gives the pinned prices in USD, by symbol."""
        return {symbol: pin.price_usd for symbol, pin in self._pins.items()}

    def clear(self) -> None:
        """Forgets every disturbance and pin, as if they had never been."""
        with self._lock:
            self._events = ()
            self._pins = {}

    def _ended(self, at: float, kind: str | None) -> tuple[MarketEvent, ...]:
        """Gives the events with the running ones (of one kind, or all) ended; forgets those of last week."""
        kept = []
        for event in self._events:
            running = event.until is None or event.until > at
            if running and kind in (None, event.kind):
                kept.append(replace(event, until=at))
            elif running or event.until is None or event.until > at - 8 * DAY_S:
                kept.append(event)
        return tuple(kept)

    def _disturbed(self, symbol: str, price: float, at: float) -> float:
        pin = self._pins.get(symbol)
        if pin is not None and at >= pin.since:
            return pin.price_usd
        # No coin feels both kinds. Of two events of one kind, one recovering while the next begins, the stronger
        # counts: two crashes of 30 % in a minute are one crash, not one of half the price.
        disturbed = (event.disturb(symbol, price, at) for event in self._events)
        return max(disturbed, key=lambda one: abs(one - price), default=price)

    def _price_in(self, symbol: str, quote: str, at: float) -> float:
        return self.price(symbol, at) / (1.0 if quote == "USD" else self.price(quote, at))

    def _find_extremes(
        self, symbol: str, quote: str, first: int, stop: int, disturbed: bool = True
    ) -> tuple[float, ...]:
        """Gives the lowest and the highest price on the grid between two indexes; nothing when it is empty."""
        prices = [self._grid_price_in(symbol, quote, index, disturbed) for index in range(first, stop)]
        return (min(prices), max(prices)) if prices else ()

    def _find_quiet_extremes(self, symbol: str, quote: str, first: int, stop: int) -> tuple[float, ...]:
        # Must not look at disturbances: one that begins meanwhile would stay in the cache.
        return self._find_extremes(symbol, quote, first, stop, disturbed=False)

    def _grid_price_in(self, symbol: str, quote: str, index: int, disturbed: bool) -> float:
        """Gives the price at ``index`` sampling steps after 1970, from cached parts."""
        at = index * _SAMPLE_S
        price = self._grid_price(symbol, index)
        quote_price = 1.0 if quote == "USD" else self._grid_price(quote, index)
        if disturbed:
            price = self._disturbed(symbol, price, at)
            quote_price = quote_price if quote == "USD" else self._disturbed(quote, quote_price, at)
        return price / quote_price

    def _price_on_grid(self, symbol: str, index: int) -> float:
        return self._quiet_price(symbol, index * _SAMPLE_S)

    def _quiet_price(self, symbol: str, at: float) -> float:
        """Gives the price in USD without disturbances."""
        coin = COINS[symbol]
        key = self._key(f"price/{symbol}")
        own = sum(size * noise(key + place, at / period) for place, (period, size) in enumerate(_OCTAVES))
        move = own if coin.stable else _OWN_PART * own + _SHARED_PART * self._shared_move(at)
        return coin.price_usd * math.exp(coin.volatility * move)

    def _sum_shared_move(self, at: float) -> float:
        key = self._key("price/market")
        return sum(size * noise(key + place, at / period) for place, (period, size) in enumerate(_OCTAVES))

    def _hash_name(self, name: str) -> int:
        return noise_key(self.seed, name)
