"""The state of the feed: each state, and the words that go with it."""

from __future__ import annotations

from typing import Any

import pytest

from websocket.coins import SYMBOLS
from websocket.feed_status import WARM_UP_S, FeedStatus, PriceFeedStatus
from websocket.price_book import PriceBook
from websocket.records import Ticker
from websocket.settings import PriceSettings

START = 1_790_000_000.0


class Feed:
    """A book that two sources have filled, and its status."""

    def __init__(self, *symbols: str, demo: bool = False, **settings: Any) -> None:
        self.now = START
        self.deaf: str | None = None
        chosen = PriceSettings(**settings)
        self.book = PriceBook(chosen, clock=lambda: self.now)
        self._status = PriceFeedStatus(self.book, chosen, demo=demo, deaf=lambda: self.deaf, clock=lambda: self.now)
        self.hear(*symbols)

    def hear(self, *symbols: str, source: str = "two", **fields: Any) -> None:
        """Two sources report the coins, with all figures unless others are given."""
        fields = fields or {"change_percent_24h": 1.0, "volume_24h": 1e9, "market_cap": 1e11}
        for name in ("one", source):
            self.book.offer_all(
                Ticker(symbol=symbol, source=name, price=1.0, received_at=self.now, **fields) for symbol in symbols
            )

    def status(self) -> FeedStatus:
        """What clients would be told now."""
        return self._status.of("crypto-prices")


class TestStates:
    def test_starting_until_the_first_price_and_down_after_a_while(self) -> None:
        """No source, no age, a reason, and the advice that helps without internet."""
        feed = Feed()
        status = feed.status()
        assert (status.status, status.source, status.oldest_age_s) == ("starting", None, None)
        assert status.reason == "no price yet; without internet: start with --demo"
        feed.now += WARM_UP_S - 0.1
        assert feed.status().status == "starting"
        feed.now += 0.1
        assert feed.status().status == "down"
        feed.hear(*SYMBOLS)
        assert feed.status().status == "live"

    def test_clock_that_was_set_back_does_not_prolong_the_start(self) -> None:
        """Or an hour without prices would look like a start."""
        feed = Feed()
        feed.now -= 3600
        assert feed.status().status == "down"

    def test_down_without_figures_says_so(self) -> None:
        """Prices are known, but not one coin can be shown whole; --demo is no remedy for that."""
        feed = Feed()
        feed.hear(*SYMBOLS, volume_24h=1e9)
        assert feed.status().status == "starting"
        feed.now += WARM_UP_S
        status = feed.status()
        assert status.status == "down"
        assert status.reason == "no coin has its volume, market cap and 24 h change yet"

    def test_live_when_all_is_young(self) -> None:
        """No reason is needed."""
        status = Feed(*SYMBOLS).status()
        assert (status.status, status.reason, status.oldest_age_s) == ("live", None, 0.0)
        assert status.source == "two"

    def test_delayed_while_a_coin_is_missing(self) -> None:
        """It is named."""
        status = Feed(*SYMBOLS[:-1]).status()
        assert (status.status, status.reason) == ("delayed", "MATIC not known yet")

    @pytest.mark.parametrize(
        ("age_s", "state"),
        [(0, "live"), (60, "live"), (60.1, "delayed"), (180, "delayed"), (180.1, "stale"), (1e6, "stale")],
    )
    def test_age_decides(self, age_s: float, state: str) -> None:
        """The limits are the settings' defaults, and belong to the better state."""
        feed = Feed(*SYMBOLS)
        feed.now += age_s
        status = feed.status()
        assert status.status == state
        assert status.oldest_age_s == pytest.approx(age_s, abs=0.051)

    def test_limits_are_settings(self) -> None:
        """Operators may be stricter."""
        feed = Feed(*SYMBOLS, delayed_after_s=2.0, stale_after_s=4.0)
        feed.now += 3
        assert feed.status().status == "delayed"
        feed.now += 2
        assert feed.status().status == "stale"

    def test_one_old_coin_is_enough(self) -> None:
        """Who looks at that coin must not be told that all is live."""
        feed = Feed(*SYMBOLS)
        feed.now += 200
        feed.hear(*[symbol for symbol in SYMBOLS if symbol != "DOT"])
        status = feed.status()
        assert (status.status, status.oldest_age_s) == ("stale", 200.0)
        assert (status.reason or "").startswith("DOT older than 180 s")

    def test_source_is_that_of_most_prices(self) -> None:
        """One coin from elsewhere does not change it."""
        feed = Feed(*SYMBOLS)
        feed.now += 1
        feed.book.offer(Ticker(symbol="BTC", source="elsewhere", price=1.0, received_at=feed.now))
        assert feed.status().source == "two"


class TestWords:
    def test_late_coins_are_named_and_sources_are_not(self) -> None:
        """What is wrong with a provider helps no user; whose prices were refused neither."""
        feed = Feed(*SYMBOLS)
        feed.now += 61
        feed.hear(*SYMBOLS[2:])
        feed.book.offer_all(
            Ticker(symbol=symbol, source="wild", price=10.0, received_at=feed.now) for symbol in ("BTC", "ETH")
        )
        assert feed.status().reason == "BTC, ETH older than 60 s"

    def test_outage_is_told_in_a_few_words(self) -> None:
        """However many coins there are."""
        feed = Feed(*SYMBOLS)
        feed.now += 61
        assert feed.status().reason == "all prices older than 60 s"

    def test_late_and_missing_coins_are_told_apart(self) -> None:
        """In one line."""
        feed = Feed(*SYMBOLS[:-1])
        feed.now += 61
        feed.hear(*SYMBOLS[1:-1])
        assert feed.status().reason == "BTC older than 60 s; MATIC not known yet"

    def test_process_that_hears_of_no_prices_says_nothing_of_how_it_is_built(self) -> None:
        """Addresses of a Redis, for example, are for operators."""
        feed = Feed(*SYMBOLS)
        feed.deaf = "follows, by Redis at redis.internal:6379: nothing was heard through it for 7 s"
        status = feed.status()
        assert (status.status, status.reason) == ("stale", "new prices do not reach this server at the moment")

    def test_refusal_that_came_true_is_not_told(self) -> None:
        """A crash that one source saw first is no fault of that source."""
        feed = Feed(*SYMBOLS)
        feed.now += 5
        for source in ("first", "second"):
            feed.book.offer(Ticker(symbol="BTC", source=source, price=0.5, received_at=feed.now))
            feed.now += 1
        quote = feed.book.quote("BTC")
        assert quote is not None
        assert quote.price == 0.5
        assert feed.book.refusals() == {}

    def test_nothing_changes_with_the_second(self) -> None:
        """Two looks at the same trouble are the same status, or clients would get one every second."""
        feed = Feed(*SYMBOLS[:4])
        for begin, end in ((0, 60), (61, 180), (181, 400)):
            feed.now = START + begin
            first = feed.status()
            while feed.now < START + end:
                feed.now += 1
                assert feed.status().same_as(first), feed.now - START

    def test_differences_are_noticed(self) -> None:
        """State, reason and source count; the very first status is a change."""
        feed = Feed(*SYMBOLS)
        first = feed.status()
        assert not first.same_as(None)
        feed.now += 100
        assert not feed.status().same_as(first)

    def test_demo_is_told_and_not_advised(self) -> None:
        """Whoever is in demo mode knows how to get there."""
        status = Feed(demo=True).status()
        assert status.demo is True
        assert status.reason == "no price yet"
        assert Feed(*SYMBOLS, demo=True).status().status == "live"

    def test_channel_is_echoed(self) -> None:
        """The same feed has more than one channel."""
        assert Feed()._status.of("market_data").channel == "market_data"


def test_price_from_our_own_future_is_not_called_live() -> None:
    """When the clock was set back by an hour, nobody knows how old the prices are; news are taken at once."""
    feed = Feed(*SYMBOLS)
    feed.now -= 3600
    assert feed.status().status == "stale"
    feed.hear(*SYMBOLS)
    feed.now += 1
    assert feed.status().status == "live"
