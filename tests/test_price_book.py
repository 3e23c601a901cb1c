"""The price book: what is believed, what is shown, and what is kept."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from websocket import codec
from websocket.price_book import Entry, PriceBook, Reading, Verdict
from websocket.records import Ticker
from websocket.settings import PriceSettings

START = 1_790_000_000.0


class Market:
    """A book, a clock, and sources that speak."""

    def __init__(self, **settings: Any) -> None:
        self.now = START
        self.book = PriceBook(PriceSettings(**settings), clock=lambda: self.now)

    def says(self, source: str, price: float | None, symbol: str = "BTC", **fields: Any) -> Verdict:
        """A source reports a price at this moment."""
        ticker = Ticker(symbol=symbol, source=source, price=price, received_at=self.now, **fields)
        return self.book.offer_all([ticker])[symbol]

    def agreed(self, price: float, symbol: str = "BTC", **fields: Any) -> None:
        """Two sources report the same, so that it is held."""
        self.says("one", price, symbol, **fields)
        assert self.says("two", price, symbol, **fields) is not Verdict.WAITING
        assert self.price(symbol) == price

    def price(self, symbol: str = "BTC") -> float | None:
        """What the book holds."""
        quote = self.book.quote(symbol)
        return None if quote is None else quote.price


FULL = {"change_percent_24h": 10.0, "volume_24h": 5e9, "market_cap": 2e12}


class TestFirstPrice:
    """A coin without a price yet."""

    def test_waits_for_a_second_source(self) -> None:
        """One source alone is not shown at once: it may be wrong."""
        market = Market()
        assert market.says("one", 100) is Verdict.WAITING
        assert market.price() is None

    def test_is_accepted_when_two_agree(self) -> None:
        """The second source that agrees brings the price, confirmed."""
        market = Market()
        market.says("one", 100)
        market.now += 1
        assert market.says("two", 100.2) is Verdict.ACCEPTED
        quote = market.book.quote("BTC")
        assert quote is not None
        assert (quote.price, quote.source, quote.confirmed) == (100.2, "two", True)

    def test_is_not_accepted_when_two_disagree(self) -> None:
        """Of two that contradict each other neither is shown."""
        market = Market()
        market.says("one", 1000)
        assert market.says("two", 100) is Verdict.SOURCES_DISAGREE
        market.now += 60
        assert market.book.settle() == []
        assert market.price() is None

    def test_third_source_decides(self) -> None:
        """Two against one bring the price of the two."""
        market = Market()
        market.says("wrong", 1000)
        market.says("two", 100)
        assert market.says("three", 100.1) is Verdict.ACCEPTED
        assert market.price() == 100.1

    def test_lone_source_is_accepted_after_the_wait(self) -> None:
        """When nobody else answers, the only source is better than nothing, and marked as unconfirmed."""
        market = Market(confirm_wait_s=8)
        market.says("one", 100)
        market.now += 7.9
        assert market.book.settle() == []
        market.now += 0.2
        assert market.book.settle() == ["BTC"]
        quote = market.book.quote("BTC")
        assert quote is not None
        assert not quote.confirmed

    def test_saying_it_again_does_not_prolong_the_wait(self) -> None:
        """A source that repeats itself word for word is as old as its first word."""
        market = Market(confirm_wait_s=8)
        market.says("one", 100, source_time=START)
        market.now += 5
        market.says("one", 100, source_time=START)
        market.now += 4
        assert market.book.settle() == ["BTC"]

    def test_figures_of_the_source_that_waited_are_taken_over(self) -> None:
        """The row that came first was complete; it must not take another round to show it."""
        market = Market()
        market.says("aggregator", 100, **FULL)
        market.says("exchange", 100)
        assert [price.symbol for price in market.book.prices()] == ["BTC"]


class TestMoves:
    """A coin that has a price."""

    def test_small_move_is_accepted(self) -> None:
        """A move within the limit needs no witness."""
        market = Market(max_move=0.1)
        market.agreed(100)
        market.now += 10
        assert market.says("one", 109) is Verdict.ACCEPTED

    @pytest.mark.parametrize("price", [1000.0, 10.0, 120.0, 80.0])
    def test_large_move_alone_is_refused(self, price: float) -> None:
        """A move that no other source reports is not shown, in either direction."""
        market = Market(max_move=0.1)
        market.agreed(100)
        market.now += 10
        assert market.says("three", price).refused
        assert market.price() == 100

    def test_large_move_that_another_source_reports_is_accepted(self) -> None:
        """A real crash is shown as soon as two sources see it."""
        market = Market(max_move=0.1)
        market.agreed(100)
        market.now += 90
        assert market.says("three", 70) is Verdict.IMPLAUSIBLE_MOVE
        assert market.says("four", 70.5) is Verdict.ACCEPTED
        assert market.price() == 70.5

    def test_majority_of_the_same_minute_decides(self) -> None:
        """Two sources that stay put outvote one that jumps, however often it says so."""
        market = Market(max_move=0.1)
        market.agreed(100)
        market.now += 10
        market.says("one", 100.1)
        market.now += 1
        market.says("two", 100.2)
        for _ in range(5):
            assert market.says("three", 1000) is Verdict.IMPLAUSIBLE_MOVE
        assert market.price() == 100.2

    def test_drift_of_one_source_is_caught(self) -> None:
        """A source that wanders off in small steps is stopped by two that do not follow."""
        market = Market(max_move=0.1)
        market.agreed(100)
        price = 100.0
        verdicts = []
        for _ in range(10):
            market.now += 10
            market.says("one", 100)
            market.says("two", 100)
            price *= 1.05
            verdicts.append(market.says("three", price))
        assert verdicts[-1].refused
        assert market.price() == 100

    def test_limit_grows_with_time(self) -> None:
        """After an hour without news the market may have moved by more than in a minute."""
        market = Market(max_move=0.1)
        market.agreed(100)
        market.now += 3600
        assert market.says("one", 130) is Verdict.ACCEPTED

    def test_stablecoins_are_judged_more_strictly(self) -> None:
        """Five percent are nothing for BTC and an event for USDT."""
        market = Market()
        market.agreed(1.0, "USDT")
        market.now += 10
        assert market.says("one", 0.95, "USDT").refused

    def test_wrong_first_price_is_corrected(self) -> None:
        """A wrong price that had to be shown for want of others goes when two others contradict it."""
        market = Market(confirm_wait_s=5)
        market.says("wrong", 1000)
        market.now += 6
        market.book.settle()
        market.now += 10
        market.says("two", 100)
        market.says("three", 100)
        market.now += 10
        market.says("two", 100)
        assert market.price() == 100


class TestValues:
    """What is not a price at all."""

    @pytest.mark.parametrize("price", [0.0, -1.0, math.inf, math.nan, None])
    def test_impossible_prices_are_refused(self, price: float | None) -> None:
        """Only finite, positive numbers are prices."""
        market = Market()
        assert market.says("one", price).refused
        market.now += 60
        market.book.settle()
        assert market.price() is None

    def test_time_in_the_future_is_refused(self) -> None:
        """A source that lives in the future would never be replaced by news."""
        assert Market().says("one", 100, source_time=START + 120) is Verdict.FUTURE_TIME

    def test_slightly_fast_clock_is_forgiven_and_cut(self) -> None:
        """A source whose clock is a few seconds ahead is believed, but its price is not dated in the future."""
        market = Market()
        market.agreed(100, source_time=START + 5)
        quote = market.book.quote("BTC")
        assert quote is not None
        assert quote.time == START

    def test_day_old_price_is_refused(self) -> None:
        """A dead listing keeps its last price for ever."""
        assert Market().says("one", 100, source_time=START - 2 * 86400) is Verdict.TOO_OLD

    def test_older_price_never_replaces_a_newer_one(self) -> None:
        """By the source's own time, whenever it arrives."""
        market = Market()
        market.agreed(100)
        market.now += 10
        assert market.says("three", 101, source_time=START - 5) is Verdict.SUPERSEDED
        assert market.price() == 100

    def test_stuck_clock_lets_the_price_age(self) -> None:
        """A source that moves its price but not its time brings no news."""
        market = Market()
        market.agreed(100, source_time=START)
        for _ in range(5):
            market.now += 10
            assert market.says("two", 101, source_time=START) in (Verdict.UNCHANGED, Verdict.SUPERSEDED)
        assert market.price() == 100
        assert market.book.age("BTC") == 50

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b", "c"]),
                st.one_of(st.none(), st.floats()),
                st.one_of(st.none(), st.floats(min_value=START - 1e6, max_value=START + 1e6)),
                st.one_of(st.none(), st.floats()),
                st.floats(min_value=0, max_value=500),
            ),
            max_size=30,
        )
    )
    def test_whatever_sources_say_only_good_numbers_come_out(self, words: list[tuple[Any, ...]]) -> None:
        """For any sequence of reports the output is finite, positive where it must be, and never goes back in time."""
        market = Market()
        last_time = 0.0
        for source, price, time, figure, pause in words:
            market.now += pause
            market.says(
                source, price, source_time=time, change_percent_24h=figure, volume_24h=figure, market_cap=figure
            )
            market.book.settle()
            quote = market.book.quote("BTC")
            if quote is not None:
                assert 0 < quote.price < math.inf
                assert last_time <= quote.time <= market.now
                last_time = quote.time
            codec.encode(market.book.prices())
            codec.encode(market.book.keyed())


class TestQuoteCurrency:
    """Prices that are not in dollars."""

    def test_usdt_prices_are_converted(self) -> None:
        """When USDT is worth 0.98, a price in USDT is worth less in dollars."""
        market = Market()
        market.agreed(0.98, "USDT")
        market.agreed(98, "BTC")
        market.now += 1
        assert market.says("exchange", 100, quote="USDT") is Verdict.ACCEPTED
        assert market.price() == pytest.approx(98)

    def test_without_a_rate_they_wait(self) -> None:
        """Nobody may assume that USDT is worth a dollar; the price is taken when the rate is known."""
        market = Market()
        market.says("other", 100)
        assert market.says("exchange", 100, quote="USDT") is Verdict.NO_QUOTE_RATE
        market.says("one", 1.0, "USDT")
        market.says("two", 1.0, "USDT")
        assert market.price() == 100

    def test_rate_that_is_too_old_is_not_used(self) -> None:
        """A depeg may have happened since."""
        market = Market(stale_after_s=180)
        market.agreed(1.0, "USDT")
        market.now += 200
        assert market.says("exchange", 100, quote="USDT") is Verdict.NO_QUOTE_RATE


class TestFigures:
    """What stands beside the price."""

    def test_change_is_computed_from_the_price_of_yesterday(self) -> None:
        """10 percent up at 110 is 10 dollars, not 11."""
        market = Market()
        market.agreed(110, change_percent_24h=10.0, volume_24h=1e9, market_cap=1e12)
        (price,) = market.book.prices()
        assert price.change24h == pytest.approx(10)
        assert price.change_percent24h == pytest.approx(10)

    def test_absolute_change_gives_the_percentage(self) -> None:
        """The same with the other kind of change."""
        market = Market()
        market.agreed(110, change_24h=10.0, volume_24h=1e9, market_cap=1e12)
        (price,) = market.book.prices()
        assert price.change_percent24h == pytest.approx(10)

    def test_market_cap_follows_the_price(self) -> None:
        """The cap is the supply times the newest price, also when that comes from a source without caps."""
        market = Market()
        market.agreed(100, **{**FULL, "market_cap": 2000.0})
        market.now += 10
        market.says("exchange", 105)
        (price,) = market.book.prices()
        assert price.market_cap == pytest.approx(2100)

    def test_figures_of_an_unbelievable_row_are_not_used(self) -> None:
        """Who is wrong about the price is not believed about the cap."""
        market = Market()
        market.agreed(100, **FULL)
        before = market.book.prices()[0].volume24h
        market.now += 10
        market.says("three", 1000, volume_24h=1.0, market_cap=1.0)
        assert market.book.prices()[0].volume24h == before

    def test_figures_of_an_older_price_are_used(self) -> None:
        """An aggregator's price is older than the exchange's, its volume is the newest there is."""
        market = Market()
        market.agreed(100, **FULL)
        market.now += 60
        market.says("exchange", 101)
        assert market.says("one", 100.5, source_time=market.now - 30, volume_24h=7e9) is Verdict.SUPERSEDED
        assert market.book.prices()[0].volume24h == 7e9

    def test_coin_without_all_figures_is_left_out(self) -> None:
        """No invented zero; the price is there for those who can take a null."""
        market = Market()
        market.agreed(100)
        assert market.book.prices() == []
        assert market.book.keyed()["bitcoin"] == {
            "price": 100,
            "volume": None,
            "market_cap": None,
            "change_percent": None,
        }

    @pytest.mark.parametrize("percent", [-100.0, -250.0, 1e9])
    def test_absurd_changes_are_ignored(self, percent: float) -> None:
        """A fall by all of the price or a rise by millions is a fault of the source."""
        market = Market()
        market.agreed(100, **{**FULL, "change_percent_24h": percent})
        assert market.book.keyed()["bitcoin"]["change_percent"] is None

    def test_wire_keys_are_the_documented_eight(self) -> None:
        """Front ends rely on exactly these names."""
        market = Market()
        market.agreed(100, **FULL)
        (row,) = msgspec.to_builtins(market.book.prices())
        assert list(row) == [
            "symbol",
            "name",
            "price",
            "change24h",
            "changePercent24h",
            "volume24h",
            "marketCap",
            "lastUpdated",
        ]
        assert row["lastUpdated"].endswith("Z")


class TestKeeping:
    """Across a restart."""

    def test_book_survives_json(self) -> None:
        """What was kept comes back with its own age and shows the same figures."""
        market = Market()
        market.agreed(100, **FULL)
        shown = market.book.prices()
        kept = codec.encode(market.book.dump())
        later = Market()
        later.now += 5000
        assert later.book.restore(msgspec.json.decode(kept, type=dict[str, Entry])) == ["BTC"]
        assert later.book.prices() == shown
        assert later.book.age("BTC") == 5000

    def test_restored_price_is_a_reference(self) -> None:
        """A source that is wrong by ten after the restart is not believed."""
        market = Market()
        market.agreed(100)
        kept = market.book.dump()
        later = Market()
        later.now += 600
        later.book.restore(kept)
        assert later.says("one", 1000).refused

    def test_nothing_newer_is_overwritten(self) -> None:
        """A cache that is older than what is held changes nothing."""
        market = Market()
        market.agreed(100)
        kept = market.book.dump()
        market.now += 10
        market.says("one", 101)
        assert market.book.restore(kept) == []
        assert market.price() == 101

    def test_impossible_figures_are_passed_over(self) -> None:
        """What is too large could not be published, and nothing would replace what comes from the future."""
        market = Market()
        market.agreed(100)
        later = Market()
        entry = market.book.dump()["BTC"]
        for value, time in ((1e308, market.now), (1.0, market.now + 86_400), (-1.0, market.now)):
            entry.price_24h_ago = entry.volume_24h = entry.supply = Reading(value, "one", time)
            assert later.book.restore({"BTC": entry}) in (["BTC"], [])
            assert later.book.keyed()["bitcoin"]["market_cap"] is None
            assert later.book.keyed()["bitcoin"]["volume"] is None
            assert later.book.prices() == []

    def test_impossible_content_is_passed_over(self) -> None:
        """A file that somebody edited brings no wrong price."""
        market = Market()
        market.agreed(100)
        kept = market.book.dump()
        entry = kept["BTC"]
        assert entry.quote is not None
        entry.quote = msgspec.structs.replace(entry.quote, price=-1.0)
        assert Market().book.restore({**kept, "DOGE": Entry(entry.quote)}) == []
