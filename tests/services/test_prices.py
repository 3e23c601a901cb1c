"""The price service alone: what it publishes and when, what it keeps, and what no failure may stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any, cast

import msgspec
import pytest

from tests.support.processes import wait_until
from websocket.broker.base import Publication
from websocket.broker.memory_broker import MemoryBroker
from websocket.cache.base import Cache, CacheStatus, Check, trouble_with
from websocket.coins import SYMBOLS
from websocket.errors import BudgetSpent
from websocket.feed_status import WARM_UP_S, FeedStatus, PriceFeedStatus
from websocket.job_runs import JobRuns
from websocket.price_book import PriceBook
from websocket.providers.base import Answer, Request, TickerProvider
from websocket.records import Ticker
from websocket.scheduler import Scheduler
from websocket.services.prices import PriceService
from websocket.settings import PriceSettings, UpstreamSettings
from websocket.upstream.failover import Pool
from websocket.upstream.source import Source

START = 1_790_000_000.0


class Shelf(Cache):
    """A cache in a dictionary."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def get(self, key: str, check: Check | None = None) -> bytes | None:
        value = self.values.get(key)
        return None if value is None or trouble_with(value, check) is not None else value

    def put(self, key: str, value: bytes, ttl_s: float | None = None) -> None:
        self.values[key] = value

    def delete(self, key: str) -> None:
        del self.values[key]

    def status(self) -> CacheStatus:
        return CacheStatus(kind="embedded", healthy=True, detail="", last_error=None, hits=0, misses=0)

    def close(self) -> None:
        """Nothing to close."""


class Parrot:
    """A source, and its provider in one, that says what it is told, or raises it."""

    name = "parrot"
    configured = True

    def __init__(self, name: str, says: list[Ticker] | Exception) -> None:
        self.name = name
        self.says = says
        self.asked: list[list[str]] = []
        self.provider = self

    def enabled(self, symbols: Collection[str]) -> tuple[str, ...]:
        """All of them."""
        return tuple(symbols)

    def listed(self, symbols: Collection[str]) -> dict[str, str]:
        """All of them."""
        return {symbol: symbol for symbol in symbols}

    def due(self, topic: str = "") -> bool:
        """Always."""
        return True

    def ticker_requests(self, symbols: Collection[str]) -> list[Request]:
        """One."""
        return [Request(operation="all", path="/", symbols=tuple(symbols))]

    def parse_tickers(self, answers: list[Answer]) -> list[Ticker]:
        """What it was told."""
        assert not isinstance(self.says, Exception)
        return self.says

    def ask(self, symbols: Collection[str], plan: Callable[..., Any], read: Callable[..., Any]) -> Any:
        """Answers at once."""
        self.asked.append(list(symbols))
        if isinstance(self.says, Exception):
            raise self.says
        return read([Answer(request=plan(symbols)[0], payload=None, received_at=START)])


class Studio:
    """A price service with parrots for sources."""

    def __init__(self, ticks: list[Parrot] | None = None, snapshots: list[Parrot] | None = None) -> None:
        self.now = START
        self.book = PriceBook(PriceSettings(), clock=lambda: self.now)
        self.broker = MemoryBroker(clock=lambda: self.now)
        self.publications: list[Publication] = []
        self.broker.listen(self.publications.append)
        self.shelf = Shelf()
        self.service = PriceService(
            book=self.book,
            ticks=self._pool("ticks", ticks or []),
            snapshots=self._pool("snapshots", snapshots or []),
            feed_status=PriceFeedStatus(self.book, PriceSettings(), demo=False, clock=lambda: self.now),
            broker=self.broker,
            cache=self.shelf,
            cache_key="prices",
            settings=PriceSettings(),
            clock=lambda: self.now,
        )
        self.told: list[FeedStatus] = []
        self.service.on_status_change(self.told.append)

    @staticmethod
    def _pool(name: str, parrots: list[Parrot]) -> Pool[TickerProvider]:
        return Pool(name, [cast("Source[TickerProvider]", parrot) for parrot in parrots])

    def arrays(self) -> list[list[str]]:
        """The symbols of each published array."""
        return [
            [row["symbol"] for row in publication.data]
            for publication in self.publications
            if publication.channel == "crypto-prices"
        ]

    def hold(self, *symbols: str) -> None:
        """Puts complete, confirmed prices of this moment into the book."""
        for source in ("one", "two"):
            self.book.offer_all(rows(source, *symbols, at=self.now))


def rows(source: str, *symbols: str, at: float = START, price: float = 100.0) -> list[Ticker]:
    """Complete tickers; USDT costs a dollar."""
    return [
        Ticker(
            symbol=symbol,
            source=source,
            price=1.0 if symbol == "USDT" else price,
            received_at=at,
            change_percent_24h=1.0,
            volume_24h=1e9,
            market_cap=1e11,
        )
        for symbol in symbols
    ]


class TestPublishing:
    def test_without_prices_nothing_is_published(self) -> None:
        """An empty array would wipe a screen."""
        studio = Studio()
        studio.service.publish_prices()
        assert studio.arrays() == []

    def test_market_data_without_prices_says_that_it_is_starting_then_down(self) -> None:
        """Its maps are empty, and status and reason tell why."""
        studio = Studio()
        studio.service.publish_market_data()
        (publication,) = studio.publications
        data = publication.data
        assert (data["prices"], data["volumes"], data["market_caps"], data["price_changes"]) == ({}, {}, {}, {})
        assert data["status"] == "starting"
        assert "no price yet" in data["reason"]
        studio.now += WARM_UP_S
        studio.service.publish_market_data()
        assert studio.publications[-1].data["status"] == "down"

    def test_market_data_is_keyed_by_coin(self) -> None:
        """Dollars and percent under the coins' ids; what is not known is left out, so that every value is a number."""
        studio = Studio()
        studio.hold("BTC")
        for source in ("one", "two"):
            studio.book.offer(Ticker(symbol="ETH", source=source, price=10.0, received_at=START))
        studio.service.publish_market_data()
        data = studio.publications[-1].data
        assert data["prices"] == {"bitcoin": 100.0, "ethereum": 10.0}
        assert data["volumes"] == {"bitcoin": 1e9}
        assert data["market_caps"] == {"bitcoin": 1e11}
        assert data["price_changes"] == {"bitcoin": 1.0}
        assert (data["status"], data["demo"]) == ("delayed", False)

    def test_first_prices_are_published_at_once(self) -> None:
        """As soon as the second source agrees, before the third is asked, and once."""
        seen_by_third: list[list[list[str]]] = []

        class Third(Parrot):
            def ask(self, *arguments: Any) -> Any:
                seen_by_third.append(studio.arrays())
                return super().ask(*arguments)

        sources = [Parrot("one", rows("one", "BTC")), Parrot("two", rows("two", "BTC")), Third("three", rows("three"))]
        studio = Studio(snapshots=sources)
        studio.service.refresh_snapshots()
        assert seen_by_third == [[["BTC"]]]
        assert studio.arrays() == [["BTC"]]

    def test_each_coin_that_is_new_is_published_at_once(self) -> None:
        """A coin that comes later does not wait for the next broadcast; prices that only changed do."""
        studio = Studio(snapshots=[Parrot("one", rows("one", "BTC", "ETH")), Parrot("two", rows("two", "BTC", "ETH"))])
        studio.hold("BTC")
        studio.service.publish_prices()
        studio.service.refresh_snapshots()
        assert studio.arrays() == [["BTC"], ["BTC", "ETH"]]
        studio.now += 10
        studio.service.refresh_snapshots()
        assert len(studio.arrays()) == 2

    def test_old_prices_go_on_being_published(self) -> None:
        """Their time says how old they are; silence would say nothing."""
        studio = Studio()
        studio.hold("BTC")
        studio.service.publish_prices()
        studio.now += 10_000
        studio.service.publish_prices()
        first, second = (publication.data for publication in studio.publications)
        assert first == second

    def test_price_that_waited_is_published_when_it_settles(self) -> None:
        """A lone source's first price goes out with the look that accepts it."""
        studio = Studio()
        studio.book.offer_all(rows("one", "BTC"))
        studio.service.settle()
        assert studio.arrays() == []
        studio.now += 9
        studio.service.settle()
        assert studio.arrays() == [["BTC"]]


class TestTellingOthers:
    def test_each_accepted_price_is_told_once(self) -> None:
        """Archives get every price that was believed, and no round twice."""
        studio = Studio(ticks=[Parrot("one", rows("one", "BTC", "ETH"))], snapshots=[Parrot("two", rows("two", "BTC"))])
        studio.service.refresh_ticks()
        studio.service.refresh_snapshots()
        studio.service.refresh_ticks()
        told = [
            (quote["symbol"], quote["source"])
            for publication in studio.publications
            if publication.channel == "accepted-prices"
            for quote in publication.data["quotes"]
        ]
        assert told == [("BTC", "two")]
        studio.now += 9
        studio.service.settle()
        assert studio.publications[-2].data["quotes"][0]["symbol"] == "ETH"

    def test_another_process_follows_the_book(self) -> None:
        """A process that does not collect knows the same prices with the same times, from what the other publishes."""
        studio, other = Studio(), Studio()
        studio.broker.listen(lambda publication: other.broker.publish(publication.channel, publication.data) and None)
        studio.hold(*SYMBOLS)
        studio.service.settle()
        studio.service.refresh_ticks()
        assert [quote.price for quote in other.book.quotes()] == [quote.price for quote in studio.book.quotes()]
        assert other.book.prices() == studio.book.prices()
        assert len(other.book.prices()) == len(SYMBOLS)

    def test_process_that_comes_later_knows_the_book(self) -> None:
        """It is not told of what was published before it came, and while no provider answers nothing else comes."""
        studio, late = Studio(), Studio()
        studio.hold(*SYMBOLS)
        studio.service.settle()
        studio.service.refresh_ticks()
        late.service._broker = studio.broker
        assert late.book.quotes() == []
        late.service.check_status()
        assert late.book.prices() == studio.book.prices()
        assert [status.status for status in late.told] == ["live"]
        assert len(late.book.prices()) == len(SYMBOLS)

    def test_who_takes_over_knows_the_book_without_a_cache(self) -> None:
        """Redis may have been emptied a moment ago; what was published last must not shrink."""
        studio, heir = Studio(), Studio()
        studio.hold(*SYMBOLS)
        studio.service.settle()
        studio.service.refresh_ticks()
        heir.service._broker = studio.broker
        heir.service.load()
        assert heir.book.prices() == studio.book.prices()


class TestAsking:
    def test_next_source_is_asked_only_for_what_is_lacking(self) -> None:
        """The best gets all symbols, the others the rest."""
        best = Parrot("best", rows("best", *SYMBOLS[:8]))
        second = Parrot("second", rows("second", *SYMBOLS))
        studio = Studio(ticks=[best, second])
        studio.hold(*SYMBOLS[:8])
        studio.service.refresh_ticks()
        assert best.asked == [list(SYMBOLS)]
        assert second.asked == [list(SYMBOLS[8:])]

    def test_source_that_fails_is_replaced_for_all_coins(self) -> None:
        """Not only for those that have grown old: the round should bring what the best would have brought."""
        best = Parrot("best", BudgetSpent("best", "all", "spent", 1.0))
        second = Parrot("second", rows("second", *SYMBOLS))
        studio = Studio(ticks=[best, second])
        studio.hold(*SYMBOLS)
        studio.service.refresh_ticks()
        assert second.asked == [list(SYMBOLS)]

    def test_nobody_else_is_asked_when_nothing_is_lacking(self) -> None:
        """One request a round is enough in normal life."""
        second = Parrot("second", [])
        studio = Studio(ticks=[Parrot("best", rows("best", *SYMBOLS)), second])
        studio.hold(*SYMBOLS)
        studio.service.refresh_ticks()
        assert second.asked == []

    def test_second_opinion_is_asked_in_the_same_round(self) -> None:
        """A price that nobody believes yet is a question to the next source, for that coin."""
        best = Parrot("best", [*rows("best", "BTC", price=50.0, at=START + 10), *rows("best", "ETH", at=START + 10)])
        second = Parrot("second", rows("second", "BTC", price=50.1, at=START + 10.5))
        studio = Studio(ticks=[best, second])
        studio.hold(*SYMBOLS)
        studio.now += 10.5
        studio.service.refresh_ticks()
        assert second.asked == [["BTC"]]
        assert studio.book.prices()[0].price == 50.1

    def test_bug_of_ours_does_not_end_the_round(self, caplog: pytest.LogCaptureFixture) -> None:
        """An exception that nobody foresaw costs one source, with its traceback in the log."""
        second = Parrot("second", rows("second", "BTC"))
        studio = Studio(ticks=[Parrot("best", TypeError("a bug")), second])
        studio.service.refresh_ticks()
        assert second.asked
        assert any(record.exc_info for record in caplog.records)

    def test_missing_figures_are_asked_for_out_of_turn(self) -> None:
        """While a coin cannot be shown, the aggregators are asked without waiting for their next round."""
        source = Parrot("one", rows("one", *SYMBOLS))
        studio = Studio(snapshots=[source])
        studio.service.refresh_missing_figures()
        assert len(source.asked) == 1
        studio.hold(*SYMBOLS)
        studio.service.refresh_missing_figures()
        assert len(source.asked) == 1


class TestKeeping:
    def test_prices_survive_a_restart(self) -> None:
        """The next run shows the same array at once, with the same times."""
        studio = Studio()
        studio.hold("BTC", "ETH")
        studio.service.publish_prices()
        studio.service.save()
        later = Studio()
        later.now += 7200
        later.shelf = studio.shelf
        later.service._cache = studio.shelf
        later.service.load()
        assert later.publications[-1].data == studio.publications[-1].data

    def test_every_round_saves(self) -> None:
        """A power cut loses one round, not a day."""
        studio = Studio(ticks=[Parrot("one", rows("one", "BTC")), Parrot("two", rows("two", "BTC"))])
        studio.service.refresh_ticks()
        assert "BTC" in msgspec.json.decode(studio.shelf.values["prices"])

    def test_empty_book_is_not_saved(self) -> None:
        """A run without internet must not wipe what an earlier one kept."""
        studio = Studio()
        studio.shelf.values["prices"] = b"earlier"
        studio.service.save()
        assert studio.shelf.values["prices"] == b"earlier"

    @pytest.mark.parametrize("kept", [None, b"", b"nonsense", b"[1]", b'{"BTC": {"quote": {"price": "x"}}}'])
    def test_missing_or_unreadable_cache_is_no_obstacle(self, kept: bytes | None) -> None:
        """It is as if there were none."""
        studio = Studio()
        if kept is not None:
            studio.shelf.values["prices"] = kept
        studio.service.load()
        assert studio.publications == []


class TestStatus:
    def test_listeners_hear_of_changes_only(self) -> None:
        """The first state, and then each that differs; time alone is no change."""
        studio = Studio()
        studio.service.check_status()
        studio.now += 1
        studio.service.check_status()
        studio.hold(*SYMBOLS)
        studio.service.check_status()
        for _ in range(200):
            studio.now += 1
            studio.service.check_status()
        assert [status.status for status in studio.told] == ["starting", "live", "delayed", "stale"]

    def test_coins_that_become_late_one_after_the_other_are_few_reports(self) -> None:
        """An outage: each coin is late at another second, and the last report has all of them."""
        studio = Studio()
        for symbol in SYMBOLS:
            studio.hold(symbol)
            studio.now += 1
        studio.service.check_status()
        for _ in range(90):
            studio.now += 1
            studio.service.check_status()
        assert [status.status for status in studio.told] == ["live", "delayed", "delayed"]
        assert studio.told[-1].reason == "all prices older than 60 s"

    def test_state_that_flaps_is_reported_once_a_second_at_most(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And the last state always is."""
        studio = Studio()
        studio.hold(*SYMBOLS)
        studio.service.check_status()
        live = studio.told[0]
        shown = live
        monkeypatch.setattr(PriceFeedStatus, "of", lambda _self, _channel: shown)
        for _ in range(100):
            studio.now += 0.1
            for state in ("delayed", "stale"):
                shown = msgspec.structs.replace(live, status=state)
                studio.service.check_status()
        assert len(studio.told) <= 1 + 10
        studio.now += 1
        studio.service.check_status()
        assert studio.told[-1].status == "stale"

    def test_clock_that_was_set_back_keeps_no_change_back(self) -> None:
        """For an hour, for example."""
        studio = Studio()
        studio.hold(*SYMBOLS)
        studio.service.check_status()
        studio.now -= 3600
        studio.service.check_status()
        assert [status.status for status in studio.told] == ["live", "stale"]

    def test_client_that_came_between_two_reports_is_not_left_with_what_is_over(self) -> None:
        """It saw a coin missing that nobody was told of, and that is there again when the next report is due."""
        studio = Studio()
        studio.hold(*SYMBOLS)
        studio.service.check_status()
        studio.now += 61
        studio.service.check_status()
        studio.hold(*SYMBOLS[1:])
        assert (seen := studio.service.feed_status("crypto-prices")) is not None
        assert seen.reason == "BTC older than 60 s"
        studio.hold(*SYMBOLS)
        for _ in range(10):
            studio.now += 1
            studio.service.check_status()
        assert [status.status for status in studio.told] == ["live", "delayed", "live"]
        assert studio.service.feed_status("crypto-prices").same_as(studio.told[-1])  # type: ignore[union-attr]

    def test_listener_that_fails_does_not_keep_the_change_from_others(self) -> None:
        """Each is called, whatever the one before it did."""
        studio = Studio()
        heard: list[FeedStatus] = []

        def fail(_: FeedStatus) -> None:
            raise ValueError("a bug")

        studio.service.on_status_change(fail)
        studio.service.on_status_change(heard.append)
        studio.service.check_status()
        assert [status.status for status in heard] == ["starting"]

    def test_each_change_is_one_line_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        """Operators see when it began and why, not every second."""
        caplog.set_level(logging.INFO)
        studio = Studio()
        for _ in range(5):
            studio.service.check_status()
        lines = [record.getMessage() for record in caplog.records if "feed status changed" in record.getMessage()]
        assert len(lines) == 1
        assert "status=starting" in lines[0]


class TestSchedule:
    def test_every_job_goes_on_after_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever a job raises, it has its next turn: nothing but the end of the process ends the feed."""
        planned: dict[str, Callable[[], object]] = {}

        class Notebook(Scheduler):
            def every(self, interval_s: float, name: str, job: Callable[[], object], **times: float) -> None:
                assert times["deadline_s"] > 0
                planned[name] = job

        studio = Studio()
        for name in ("prices", "keyed", "settle", "older_than", "dump"):
            monkeypatch.setattr(studio.book, name, _fail)
        studio.service.schedule(Notebook(), UpstreamSettings())
        studio.service.schedule_status(Notebook())
        assert set(planned) == {
            "market_data_collection",
            "market_figures_collection",
            "missing_figures_collection",
            "publish_crypto_prices",
            "publish_market_data",
            "settle_prices",
            "price_status",
        }
        for name, job in planned.items():
            runs = JobRuns(name, job, interval_s=1, deadline_s=5, on_change=lambda: None)
            for turn in range(3):
                runs.begin()
                wait_until(lambda runs=runs: not runs.is_busy, "the run has ended")
                assert runs.status(scheduler="", is_paused=False, next_run=None).runs == turn + 1


def _fail(*_: object) -> None:
    raise RuntimeError("a bug")
