"""The price book: judges every value that a source reports, and holds the latest accepted price of each coin.

Rules, in short (docs/prices.md explains them):

* A price is a finite, positive number with a sane time, or it is refused.
* It may move by a limited share against the held price; the limit grows with the time between the two. A larger move
  needs another source that agrees.
* The very first price of a coin waits for a second source, or until nobody else has answered for a while.
* Accepted is what is newest by the source's own time. Nothing ever replaces a price by an older one.
* Volume, market cap and 24 h change come with their own times, and only from rows whose price is believable.

The book does no I/O and knows no provider by name. All methods are quick, never yield, and so need no lock.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import TypeGuard

import msgspec

from websocket.coins import COINS, Coin
from websocket.records import Price, Ticker, figure, to_rfc3339
from websocket.settings import PriceSettings

logger = logging.getLogger(__name__)

FUTURE_TOLERANCE_S = 60.0
"""How far a source's clock may be ahead of ours."""

OLDEST_SOURCE_TIME_S = 86_400.0
"""A price that was this old when it arrived is not worth holding."""

WITNESS_MAX_LAG_S = 60.0
"""Another source's word counts against a price only if it is about the same minute: the market may have moved."""

RATE_MAX_LAG_S = 5.0
"""A quote rate that is this much older than the price may be from before a depeg. It is used only when no newer one
comes..."""

RATE_WAIT_S = 3.0
"""...in this time."""

REFERENCE_MAX_AGE_S = 6 * 3600.0
"""After this gap a held price says nothing about the next one; it is as if there were none."""

MOVE_DOUBLES_AFTER_S = 600.0
"""The limit for a move grows by itself in each of these spans..."""

MOVE_LIMIT_GROWTH_MAX = 5.0
"""...to this multiple."""

REFERENCE_SWITCH_S = 300.0
"""The 24 h reference stays with its source this long: each source sees a slightly different price of yesterday."""

CHANGE_MAX_LAG_S = 3600.0
"""A 24 h reference this much older than the price does not describe the price's last 24 h any more."""

TURNOVER_MAX_LAG_S = 6 * 3600.0
"""The same for the volume of 24 h."""

SUPPLY_MAX_LAG_S = 7 * 86_400.0
"""The same for the circulating supply, which hardly changes."""

PRICE_MIN, PRICE_MAX = 1e-9, 1e9
"""Dollars; no coin of ours will leave this range before somebody edits this line."""

FIGURE_MAX = 1e15
"""Dollars; more than all money there is."""

SOURCE_MAX_LENGTH = 100
"""Of a provider's name."""

CHANGE_PERCENT_MAX = 1000.0
"""No coin of ours rises more than tenfold in a day; a source that says so is confused."""


class Verdict(str, Enum):
    """What became of an offered ticker."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    WAITING = "waiting"
    NOT_A_NUMBER = "not_a_number"
    NOT_POSITIVE = "not_positive"
    OUT_OF_RANGE = "out_of_range"
    FUTURE_TIME = "future_time"
    TOO_OLD = "too_old"
    NO_QUOTE_RATE = "no_quote_rate"
    IMPLAUSIBLE_MOVE = "implausible_move"
    SOURCES_DISAGREE = "sources_disagree"

    @property
    def refused(self) -> bool:
        """True when the value was not believed. What only waits for another value is not."""
        return self not in (
            Verdict.ACCEPTED,
            Verdict.UNCHANGED,
            Verdict.SUPERSEDED,
            Verdict.WAITING,
            Verdict.NO_QUOTE_RATE,
        )


class Opinion(msgspec.Struct, frozen=True):
    """The last well-formed price that one source reported, believed or not.

    Attributes:
        price: US dollars.
        time: Unix seconds, the source's own time.
        received_at: Unix seconds.
        heard_since: since when the source has been saying something like it without a long break, Unix seconds.
    """

    price: float
    time: float
    received_at: float
    heard_since: float


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """The accepted price of one coin with its provenance.

    Attributes:
        symbol: our symbol.
        price: US dollars.
        source: who said so.
        time: the source's own time, Unix seconds.
        received_at: Unix seconds.
        confirmed: True when another source agreed at that time.
    """

    symbol: str
    price: float
    source: str
    time: float
    received_at: float
    confirmed: bool


class Reading(msgspec.Struct, frozen=True):
    """A figure beside the price, with where and when it was true.

    Attributes:
        value: its unit depends on the figure.
        source: who said so.
        time: Unix seconds.
    """

    value: float
    source: str
    time: float


class Entry(msgspec.Struct):
    """Everything that the book holds about one coin."""

    quote: Quote | None = None
    price_24h_ago: Reading | None = None  # US dollars
    volume_24h: Reading | None = None  # US dollars
    supply: Reading | None = None  # coins: market cap divided by the price in the same row
    opinions: dict[str, Opinion] = msgspec.field(default_factory=dict)  # source -> its last word


class PriceBook:
    """The latest accepted price of every coin.

    Args:
        settings: limits of plausibility and the wait for a second source.
        clock: wall clock, Unix seconds.
        coins: the coins to keep, in the order of every listing.
    """

    def __init__(self, settings: PriceSettings, *, clock: Callable[[], float], coins: Sequence[Coin] = COINS) -> None:
        self._settings = settings
        self._clock = clock
        self._coins = {coin.symbol: coin for coin in coins}
        self._entries = {symbol: Entry() for symbol in self._coins}
        self.verdicts: Counter[tuple[str, Verdict]] = Counter()
        """How often each source met each verdict."""
        self.symbols = tuple(self._coins)
        """The symbols of the book, in their order."""
        self._waiting: dict[tuple[str, str], Ticker] = {}  # (symbol, source) -> what may be believed in a moment
        self._unconverted: dict[tuple[str, str], Ticker] = {}  # the same for want of a quote rate
        self._last_refusals: dict[tuple[str, str], Verdict] = {}  # (symbol, source) -> why its last word was refused
        self._accepted: list[Quote] = []

    # Offering

    def offer_all(self, tickers: Iterable[Ticker]) -> dict[str, Verdict]:
        """Offers several tickers; gives each symbol's verdict. The coin that others are quoted in comes first."""
        ordered = sorted(tickers, key=lambda ticker: ticker.symbol != "USDT")
        verdicts = {ticker.symbol: self.offer(ticker) for ticker in ordered if ticker.symbol in self._coins}
        if Verdict.ACCEPTED in verdicts.values():
            self._offer_waiting_again()
        return verdicts

    def offer(self, ticker: Ticker) -> Verdict:
        """Judges one ticker, and holds its price if it is believed and newest.

        Idempotent: the same ticker again is ``UNCHANGED``.
        """
        verdict = self._judge(ticker)
        lacks_rate = verdict is Verdict.NO_QUOTE_RATE
        if lacks_rate and self._seems_to_jump(ticker):
            verdict = Verdict.IMPLAUSIBLE_MOVE
        self.verdicts[ticker.source, verdict] += 1
        key = (ticker.symbol, ticker.source)
        for kept, is_kept in ((self._waiting, verdict is Verdict.WAITING), (self._unconverted, lacks_rate)):
            if is_kept:
                kept[key] = ticker
            else:
                kept.pop(key, None)
        if not verdict.refused:
            self._last_refusals.pop(key, None)
        elif self._last_refusals.get(key) != verdict:
            self._last_refusals[key] = verdict
            logger.warning("price refused symbol=%s source=%s reason=%s", ticker.symbol, ticker.source, verdict.value)
        return verdict

    def settle(self) -> list[str]:
        """Accepts what has waited long enough: first prices that no other source could be compared with, and prices
        whose quote rate nobody has renewed.

        Returns:
            The symbols that got their first price now.
        """
        now = self._clock()
        for ticker in list(self._unconverted.values()):
            if now - ticker.received_at >= RATE_WAIT_S and self._quote_rate(ticker) is not None:
                self.offer(ticker)
        settled = []
        for symbol, entry in self._entries.items():
            fresh = self._fresh_opinions(entry, now)
            if self._reference(entry, now) is not None or len(fresh) != 1:
                continue
            ((source, opinion),) = fresh.items()
            if now - opinion.heard_since >= self._settings.confirm_wait_s and self._is_news(entry, opinion.time):
                self._hold(symbol, entry, source, opinion, confirmed=False)
                settled.append(symbol)
        if settled:
            self._offer_waiting_again()
        return settled

    def _offer_waiting_again(self) -> None:
        """Something is known now that was not when these tickers came: a price to compare with, or a quote rate."""
        kept = [*self._waiting.values(), *self._unconverted.values()]
        for ticker in sorted(kept, key=lambda ticker: ticker.symbol != "USDT"):
            self.offer(ticker)

    def _judge(self, ticker: Ticker) -> Verdict:
        entry = self._entries[ticker.symbol]
        if ticker.price is None:
            return Verdict.NOT_A_NUMBER
        if not math.isfinite(ticker.price):
            return Verdict.NOT_A_NUMBER
        if ticker.price <= 0:
            return Verdict.NOT_POSITIVE
        time = _time_of(ticker)
        if time > ticker.received_at + FUTURE_TOLERANCE_S:
            return Verdict.FUTURE_TIME
        if time < ticker.received_at - OLDEST_SOURCE_TIME_S:
            return Verdict.TOO_OLD
        rate = self._quote_rate(ticker)
        if rate is None:
            return Verdict.NO_QUOTE_RATE

        price = figure(ticker.price * rate)
        if not PRICE_MIN <= price <= PRICE_MAX:
            return Verdict.OUT_OF_RANGE
        opinion = Opinion(price, min(time, ticker.received_at), ticker.received_at, ticker.received_at)
        earlier = entry.opinions.get(ticker.source)
        if earlier is not None and opinion.price == earlier.price and opinion.time == earlier.time:
            # said again, word for word: it is no younger for that
            opinion = earlier
        elif (
            earlier is not None
            and opinion.received_at - earlier.received_at <= self._settings.stale_after_s
            and self._plausible(ticker.symbol, opinion, earlier.price, earlier.time)
        ):
            # the wait for a second source goes on, or one that speaks more often than we wait would never be believed
            opinion = msgspec.structs.replace(opinion, heard_since=earlier.heard_since)
        entry.opinions[ticker.source] = opinion
        verdict, confirmed = self._compare(ticker.symbol, entry, ticker.source, opinion)
        if verdict is not None:
            return verdict
        self._read_figures(entry, ticker, opinion, rate)
        if not self._is_news(entry, opinion.time):
            held = entry.quote
            same = held is not None and held.source == ticker.source and held.time == opinion.time
            return Verdict.UNCHANGED if same else Verdict.SUPERSEDED
        self._hold(ticker.symbol, entry, ticker.source, opinion, confirmed=confirmed)
        return Verdict.ACCEPTED

    def _compare(self, symbol: str, entry: Entry, source: str, opinion: Opinion) -> tuple[Verdict | None, bool]:
        """Whether others bear a price out: (why not, or None; whether another source agrees)."""
        fresh = self._fresh_opinions(entry, opinion.received_at)
        held = self._reference(entry, opinion.received_at)
        agreeing = against = moved_too = stayed = 0
        for name, other in fresh.items():
            if name == source:
                continue
            if self._plausible(symbol, opinion, other.price, other.time):
                agreeing += 1
                # who stands nearer to the held price is no witness of a move away from it
                moved_too += held is not None and abs(other.price - opinion.price) < abs(other.price - held.price)
            elif abs(other.time - opinion.time) <= WITNESS_MAX_LAG_S:
                # who spoke before the held price cannot tell what came after it, and may have been overtaken by it
                is_later = held is None or other.time > held.time
                fits_held = held is None or self._plausible(symbol, other, held.price, held.time)
                against += is_later or fits_held
                stayed += is_later and fits_held
        if held is None:
            if agreeing and agreeing + 1 > against:
                return None, True
            return (Verdict.SOURCES_DISAGREE if agreeing or against else Verdict.WAITING), False
        # the held price is a voice of its own only while its source has not spoken again
        held_voice = held.source not in fresh
        if self._plausible(symbol, opinion, held.price, held.time):
            believed = 1 + agreeing + held_voice >= against
            return None if believed else Verdict.SOURCES_DISAGREE, agreeing > 0
        believed = moved_too > stayed
        return None if believed else Verdict.IMPLAUSIBLE_MOVE, moved_too > 0

    def _plausible(self, symbol: str, opinion: Opinion, price: float, time: float) -> bool:
        coin = self._coins[symbol]
        limit = self._settings.max_move_stable if coin.stable else self._settings.max_move
        growth = min(1 + abs(opinion.time - time) / MOVE_DOUBLES_AFTER_S, MOVE_LIMIT_GROWTH_MAX)
        # against the smaller of the two, so that the answer does not depend on who is compared with whom
        return abs(opinion.price - price) / min(opinion.price, price) <= limit * growth

    def _seems_to_jump(self, ticker: Ticker) -> bool:
        """Whether a price that waits for a newer quote rate would hardly be believed at the last known one."""
        held = self._entries[ticker.symbol].quote
        rate = self._entries[ticker.quote].quote if ticker.quote in self._entries else None
        if held is None or rate is None or ticker.price is None:
            return False
        opinion = Opinion(ticker.price * rate.price, _time_of(ticker), ticker.received_at, ticker.received_at)
        return not self._plausible(ticker.symbol, opinion, held.price, held.time)

    def _fresh_opinions(self, entry: Entry, now: float) -> dict[str, Opinion]:
        horizon = now - self._settings.stale_after_s
        return {source: opinion for source, opinion in entry.opinions.items() if opinion.received_at >= horizon}

    def _reference(self, entry: Entry, now: float) -> Quote | None:
        """The held price, unless it is too old to compare with."""
        quote = entry.quote
        return quote if quote is not None and now - quote.time <= REFERENCE_MAX_AGE_S else None

    def _is_news(self, entry: Entry, time: float) -> bool:
        return entry.quote is None or time > entry.quote.time or self._from_the_future(entry.quote)

    def _from_the_future(self, quote: Quote) -> bool:
        """Whether our own clock was set back since; then the price's time says nothing any more."""
        return quote.time > self._clock() + FUTURE_TOLERANCE_S

    def _quote_rate(self, ticker: Ticker) -> float | None:
        """Dollars for one unit of the ticker's quote currency, or None while it is not known well enough."""
        if ticker.quote == "USD":
            return 1.0
        held = self._entries[ticker.quote].quote if ticker.quote in self._entries else None
        now = self._clock()
        if held is None or now - held.time > self._settings.stale_after_s:
            return None
        if _time_of(ticker) - held.time > RATE_MAX_LAG_S and (
            now - ticker.received_at < RATE_WAIT_S or self._is_doubted(ticker.quote)
        ):
            return None
        return held.price

    def _is_doubted(self, symbol: str) -> bool:
        """Whether some source has a newer price than the held one, and was not believed."""
        quote = self._entries[symbol].quote
        return any(
            verdict in (Verdict.IMPLAUSIBLE_MOVE, Verdict.SOURCES_DISAGREE)
            and (opinion := self._entries[symbol].opinions.get(source)) is not None
            and (quote is None or opinion.time > quote.time)
            for (named, source), verdict in self._last_refusals.items()
            if named == symbol
        )

    def _quote_rate_24h_ago(self, quote: str) -> float | None:
        if quote == "USD":
            return 1.0
        reading = self._entries[quote].price_24h_ago if quote in self._entries else None
        return None if reading is None else reading.value

    def take_accepted(self) -> list[Quote]:
        """Each price that was accepted since the last call, in that order."""
        taken, self._accepted = self._accepted, []
        return taken

    def _hold(self, symbol: str, entry: Entry, source: str, opinion: Opinion, *, confirmed: bool) -> None:
        entry.quote = Quote(
            symbol=symbol,
            price=opinion.price,
            source=source,
            time=opinion.time,
            received_at=opinion.received_at,
            confirmed=confirmed,
        )
        self._accepted.append(entry.quote)

    def _read_figures(self, entry: Entry, ticker: Ticker, opinion: Opinion, rate: float) -> None:
        """Takes over what stands beside a believed price."""
        ago = self._price_24h_ago(ticker, rate)
        held = entry.price_24h_ago
        if ago is not None and (
            held is None or held.source == ticker.source or opinion.time - held.time > REFERENCE_SWITCH_S
        ):
            entry.price_24h_ago = _newer(held, Reading(ago, ticker.source, opinion.time))
        if _is_figure(ticker.volume_24h):
            entry.volume_24h = _newer(entry.volume_24h, Reading(ticker.volume_24h, ticker.source, opinion.time))
        if _is_figure(ticker.market_cap):
            supply = ticker.market_cap / opinion.price
            entry.supply = _newer(entry.supply, Reading(supply, ticker.source, opinion.time))

    def _price_24h_ago(self, ticker: Ticker, rate: float) -> float | None:
        """Yesterday's price in dollars, from whichever kind of change the source gives."""
        if ticker.price is None:
            return None
        if ticker.change_24h is not None:
            ago = ticker.price - ticker.change_24h
        elif ticker.change_percent_24h is not None and ticker.change_percent_24h > -100:
            ago = ticker.price / (1 + ticker.change_percent_24h / 100)
        else:
            return None
        if not PRICE_MIN <= ago <= PRICE_MAX or ticker.price / ago > 1 + CHANGE_PERCENT_MAX / 100:
            return None
        return ago * (self._quote_rate_24h_ago(ticker.quote) or rate)

    # Reading

    def quotes(self) -> list[Quote]:
        """The accepted prices with their provenance, in the order of the coins; coins without one are left out."""
        return [entry.quote for entry in self._entries.values() if entry.quote is not None]

    def quote(self, symbol: str) -> Quote | None:
        """The accepted price of one coin, or None."""
        return self._entries[symbol].quote

    def age(self, symbol: str) -> float | None:
        """Seconds since the source's time of the held price, or None without one."""
        quote = self._entries[symbol].quote
        return None if quote is None else max(0.0, self._clock() - quote.time)

    def older_than(self, age_s: float) -> list[str]:
        """Symbols whose price is older than that, or missing."""
        now = self._clock()
        return [
            symbol
            for symbol, entry in self._entries.items()
            if entry.quote is None or now - entry.quote.time > age_s or self._from_the_future(entry.quote)
        ]

    def in_question(self) -> list[str]:
        """Symbols about which the word of another source would help now.

        Somebody's newer price of the coin is not believed, or waits for the dollar price of this one.
        """
        questions = {ticker.quote for ticker in self._unconverted.values()}
        questions |= {ticker.symbol for ticker in self._unconverted.values() if self._seems_to_jump(ticker)}
        return [symbol for symbol in self._entries if symbol in questions or self._is_doubted(symbol)]

    def lacking_figures(self, age_s: float) -> list[str]:
        """Symbols whose volume, supply or 24 h reference is missing or was read longer ago than that."""
        horizon = self._clock() - age_s
        return [
            symbol
            for symbol, entry in self._entries.items()
            if any(
                reading is None or reading.time < horizon
                for reading in (entry.price_24h_ago, entry.volume_24h, entry.supply)
            )
        ]

    def lacking_change(self, age_s: float) -> list[str]:
        """Symbols whose 24 h reference is missing or older than that."""
        horizon = self._clock() - age_s
        return [
            symbol
            for symbol, entry in self._entries.items()
            if entry.price_24h_ago is None or entry.price_24h_ago.time < horizon
        ]

    def prices(self) -> list[Price]:
        """What ``crypto-prices`` sends: complete coins only, in their order.

        A coin is left out while it has no accepted price, or a figure beside it is not known for about the time of
        that price: a front end that is promised numbers would show an invented zero as a fact.
        """
        complete = []
        for symbol, coin in self._coins.items():
            entry = self._entries[symbol]
            quote = entry.quote
            if quote is None:
                continue
            ago = _near(entry.price_24h_ago, quote.time, CHANGE_MAX_LAG_S)
            volume = _near(entry.volume_24h, quote.time, TURNOVER_MAX_LAG_S)
            supply = _near(entry.supply, quote.time, SUPPLY_MAX_LAG_S)
            if ago is None or volume is None or supply is None:
                continue
            complete.append(
                Price(
                    symbol=symbol,
                    name=coin.name,
                    price=figure(quote.price),
                    change24h=figure(quote.price - ago),
                    change_percent24h=round((quote.price / ago - 1) * 100, 4),
                    volume24h=figure(volume, 2),
                    market_cap=figure(supply * quote.price, 2),
                    last_updated=to_rfc3339(quote.time),
                )
            )
        return complete

    def keyed(self) -> dict[str, dict[str, float | None]]:
        """Per coin id: price, volume and cap in dollars and change in percent; None is not known. Coins without a
        price are left out.
        """
        rows: dict[str, dict[str, float | None]] = {}
        for symbol, coin in self._coins.items():
            entry = self._entries[symbol]
            if (quote := entry.quote) is None:
                continue
            ago = _near(entry.price_24h_ago, quote.time, CHANGE_MAX_LAG_S)
            volume = _near(entry.volume_24h, quote.time, TURNOVER_MAX_LAG_S)
            supply = _near(entry.supply, quote.time, SUPPLY_MAX_LAG_S)
            rows[coin.coin_id] = {
                "price": figure(quote.price),
                "volume": figure(volume, 2),
                "market_cap": None if supply is None else figure(supply * quote.price, 2),
                "change_percent": None if ago is None else round((quote.price / ago - 1) * 100, 4),
            }
        return rows

    def last_updated(self) -> dict[str, str]:
        """Per coin id: the source's own time of the held price, RFC 3339. Coins without a price are left out."""
        return {self._coins[quote.symbol].coin_id: to_rfc3339(quote.time) for quote in self.quotes()}

    def refusals(self) -> Mapping[tuple[str, str], Verdict]:
        """(symbol, source) to the reason, for sources whose last word about a coin is not believed to this day."""
        return {key: verdict for key, verdict in self._last_refusals.items() if not self._came_true(*key, verdict)}

    def _came_true(self, symbol: str, source: str, verdict: Verdict) -> bool:
        """Whether the held price has followed a word that was not believed at first."""
        quote, opinion = self._entries[symbol].quote, self._entries[symbol].opinions.get(source)
        return (
            verdict in (Verdict.IMPLAUSIBLE_MOVE, Verdict.SOURCES_DISAGREE)
            and quote is not None
            and opinion is not None
            and quote.time >= opinion.time
            and self._plausible(symbol, opinion, quote.price, quote.time)
        )

    # Keeping

    def dump(self) -> dict[str, Entry]:
        """The book's content for a cache; opinions are left out, they are old by the time they are read."""
        return {
            symbol: Entry(entry.quote, entry.price_24h_ago, entry.volume_24h, entry.supply)
            for symbol, entry in self._entries.items()
            if entry.quote is not None
        }

    def restore(self, entries: Mapping[str, Entry]) -> list[str]:
        """Takes over what was kept, where it is newer than what is held; gives the symbols that were.

        Kept values were judged when they came in; what is impossible all the same (a file may be edited) is passed
        over.
        """
        now = self._clock()
        restored = []
        for symbol, kept in entries.items():
            entry = self._entries.get(symbol)
            quote = kept.quote
            if entry is None or quote is None or quote.symbol != symbol or not PRICE_MIN <= quote.price <= PRICE_MAX:
                continue
            if not 0 < quote.received_at <= now + FUTURE_TOLERANCE_S or not 0 < len(quote.source) <= SOURCE_MAX_LENGTH:
                continue
            if 0 < quote.time <= now + FUTURE_TOLERANCE_S and self._is_news(entry, quote.time):
                entry.quote = quote
                entry.price_24h_ago = _newer(entry.price_24h_ago, _possible(kept.price_24h_ago, now, PRICE_MAX))
                entry.volume_24h = _newer(entry.volume_24h, _possible(kept.volume_24h, now, FIGURE_MAX))
                entry.supply = _newer(entry.supply, _possible(kept.supply, now, FIGURE_MAX / quote.price))
                restored.append(symbol)
        return restored


def _time_of(ticker: Ticker) -> float:
    """The source's time of the price, or when it came where the source does not say."""
    return ticker.received_at if ticker.source_time is None else ticker.source_time


def _possible(reading: Reading | None, now: float, most: float) -> Reading | None:
    """The reading, unless it can be none: not above zero, too large, or from the future, where nothing would ever
    replace it.
    """
    possible = (
        reading is not None and PRICE_MIN <= reading.value <= most and 0 < reading.time <= now + FUTURE_TOLERANCE_S
    )
    return reading if possible else None


def _is_figure(number: float | None) -> TypeGuard[float]:
    """Whether it can be a volume or a cap. Zero is what some sources send for unknown."""
    return number is not None and 0 < number <= FIGURE_MAX


def _newer(held: Reading | None, offered: Reading | None) -> Reading | None:
    if held is None or (offered is not None and offered.time >= held.time):
        return offered
    return held


def _near(reading: Reading | None, time: float, lag_s: float) -> float | None:
    """The value, if it was read about that time. A later one is fine: the price simply has not changed since."""
    return None if reading is None or time - reading.time > lag_s else reading.value
