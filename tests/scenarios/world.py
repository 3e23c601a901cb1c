"""The service's real parts in front of the stand-in internet, with clocks that a test can move."""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask

from tests.scenarios.internet import AGGREGATORS, EXCHANGES, Internet
from tests.scenarios.screen import Screen
from websocket.broker.memory_broker import MemoryBroker
from websocket.cache.base import Cache, CacheStatus, Check, trouble_with
from websocket.feed_status import FeedStatus, PriceFeedStatus
from websocket.health import Health
from websocket.price_book import PriceBook
from websocket.providers import provider_classes
from websocket.providers.base import TickerProvider
from websocket.scheduler import Scheduler
from websocket.services.prices import PriceService
from websocket.settings import PriceSettings, Settings, UpstreamSettings, with_provider_urls
from websocket.transports.http_api import http_api
from websocket.upstream.circuit import Circuit
from websocket.upstream.client import HttpClient
from websocket.upstream.failover import Pool
from websocket.upstream.rate_limit import RateLimiter
from websocket.upstream.source import Source

UPSTREAM = UpstreamSettings(connect_timeout_s=0.5, read_timeout_s=0.7, deadline_s=1.0, park_s=300)

IMPATIENT = UpstreamSettings(connect_timeout_s=0.4, read_timeout_s=0.4, deadline_s=0.5, park_s=300)
"""For slow providers: waiting for them is what takes real time in these tests."""

GENEROUS_PER_MINUTE = 100_000
"""The budget of a minute is counted on the machine's clock, which does not pass as fast as ours."""


class Box(Cache):
    """A cache that outlives the service which uses it."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def get(self, key: str, check: Check | None = None) -> bytes | None:
        value = self.values.get(key)
        return None if value is None or trouble_with(value, check) is not None else value

    def put(self, key: str, value: bytes, ttl_s: float | None = None) -> None:
        self.values[key] = value

    def delete(self, key: str) -> None:
        self.values.pop(key, None)

    def status(self) -> CacheStatus:
        return CacheStatus(kind="embedded", healthy=True, detail="in memory", last_error=None, hits=0, misses=0)

    def close(self) -> None:
        """Nothing to close."""


class Timetable(Scheduler):
    """Takes the jobs of the service and runs those that are due, on the internet's clock, one after the other."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._jobs: dict[str, tuple[float, Callable[[], object]]] = {}
        self._due: dict[str, float] = {}

    def every(
        self, interval_s: float, name: str, job: Callable[[], object], *, deadline_s: float, delay_s: float = 0.0
    ) -> None:
        self._jobs[name] = (interval_s, job)
        self._due[name] = self._now() + delay_s

    def until_next(self) -> float:
        """Seconds until something is due."""
        return max(0.0, min(self._due.values()) - self._now())

    def run_due(self) -> None:
        """Runs what is due; a run that was missed is not made up for."""
        for name, (interval_s, job) in self._jobs.items():
            if self._now() >= self._due[name]:
                while self._due[name] <= self._now():
                    self._due[name] += interval_s
                job()


class World:
    """A service whose minutes pass in a moment.

    Args:
        internet: where its providers are, and its clock.
        prices: settings of the price service.
        upstream: how patient it is.
        cache: where the book is kept; by default nowhere else.
        demo: whether it says that it shows a demonstration.
        urls: base addresses that differ from the internet's, by provider.
    """

    def __init__(
        self,
        internet: Internet,
        *,
        prices: PriceSettings | None = None,
        upstream: UpstreamSettings = UPSTREAM,
        cache: Cache | None = None,
        demo: bool = False,
        urls: Mapping[str, str] | None = None,
    ) -> None:
        self.internet = internet
        self.settings = prices or PriceSettings()
        settings = with_provider_urls(Settings(prices=self.settings, upstream=upstream), internet.url)
        client, limiter = HttpClient(upstream, clock=internet.now), RateLimiter(wall=internet.now)
        self.client = client
        self.sources: dict[str, Source[TickerProvider]] = {}
        for name, provider_class in provider_classes().items():
            own = dataclasses.replace(getattr(settings.providers, name), per_minute=GENEROUS_PER_MINUTE)
            if urls and name in urls:
                own = dataclasses.replace(own, url=urls[name])
            provider = provider_class(own)
            if not isinstance(provider, TickerProvider):
                continue
            circuit = Circuit(name, upstream, clock=self._seconds, rng=random.Random(1))
            self.sources[name] = Source(provider, client, limiter, circuit, clock=self._seconds, wall=internet.now)
        self.ticks = Pool("market_data", [self.sources[name] for name in EXCHANGES], clock=internet.now)
        self.snapshots = Pool("market_figures", [self.sources[name] for name in AGGREGATORS], clock=internet.now)
        self.book = PriceBook(self.settings, clock=internet.now)
        self.feed_status = PriceFeedStatus(
            self.book,
            self.settings,
            demo=demo,
            clock=internet.now,
        )
        self.broker = MemoryBroker(clock=internet.now)
        self.screen = Screen(internet)
        self.broker.listen(self.screen.on_publication)
        self.cache = cache or Box()
        self.service = PriceService(
            book=self.book,
            ticks=self.ticks,
            snapshots=self.snapshots,
            feed_status=self.feed_status,
            broker=self.broker,
            cache=self.cache,
            cache_key="prices",
            settings=self.settings,
            clock=internet.now,
        )
        self.service.on_status_change(self.screen.statuses.append)
        self.health = Health(
            book=self.book,
            feed_status=self.feed_status,
            sources=self.sources,
            pools={pool.name: pool for pool in (self.ticks, self.snapshots)},
            essential=(self.ticks, self.snapshots),
            cache=self.cache,
            broker=self.broker,
            settings=self.settings,
            demo=demo,
            clock=internet.now,
        )
        app = Flask(__name__)
        app.register_blueprint(http_api(self.health, allowed_origins=["*"]))
        self._browser = app.test_client()
        self._timetable = Timetable(internet.now)
        self.service.schedule(self._timetable, upstream)
        self.service.schedule_status(self._timetable)

    # Time

    def run(self, seconds: float) -> None:
        """Lets the service work for a while, as its scheduler would."""
        until = self.internet.now() + seconds
        self._timetable.run_due()
        while (left := until - self.internet.now()) > 0:
            self._pass_on(left)

    def begin_at_once(self) -> list[threading.Thread]:
        """Begins the first two rounds side by side, as the scheduler does; gives their threads."""
        rounds = [threading.Thread(target=job) for job in (self.service.refresh_ticks, self.service.refresh_snapshots)]
        for thread in rounds:
            thread.start()
        return rounds

    def run_until(self, seen: Callable[[], bool], seconds: float) -> float:
        """Lets it work until something is to be seen; gives how long that took.

        Raises:
            AssertionError: it was not seen in time.
        """
        began_at = self.internet.now()
        self._timetable.run_due()
        while not seen():
            took = self.internet.now() - began_at
            assert took < seconds, f"not within {seconds:g} s; status {self.status}"
            self._pass_on(seconds)
        return self.internet.now() - began_at

    def _pass_on(self, at_most_s: float) -> None:
        self.internet.advance(min(self._timetable.until_next(), at_most_s))
        self._timetable.run_due()

    def start_well(self) -> None:
        """The first minute of a service whose providers all answer."""
        self.run(60)
        assert self.screen.last.complete
        assert self.status.status == "live"
        self.screen.forget()

    def close(self) -> None:
        """Lets go of the connections to the providers."""
        self.client.close()

    # What clients see

    @property
    def status(self) -> FeedStatus:
        """What ``feed-status`` says now."""
        return self.feed_status.of("crypto-prices")

    def get(self, path: str) -> tuple[int, Any]:
        """Status and body of one of our HTTP routes."""
        response = self._browser.get(path)
        return response.status_code, response.json

    def shown_sources(self) -> dict[str, str]:
        """Which source each shown price comes from, as ``/api/prices`` says."""
        return {row["symbol"]: row["source"] for row in self.get("/api/prices")[1]["data"]}

    def provider_report(self, name: str) -> dict[str, Any]:
        """What ``/health`` says about one provider."""
        report: dict[str, Any] = self.get("/health")[1]["providers"][name]
        return report

    def _seconds(self) -> float:
        return time.monotonic() + self.internet.passed_s
