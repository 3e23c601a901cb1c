"""The health report: what operators and load balancers are told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.processes import wait_until
from websocket import codec, supervisor
from websocket.archive.store import Archive
from websocket.broker.memory_broker import MemoryBroker
from websocket.cache.base import Cache, CacheStatus, Check
from websocket.coins import SYMBOLS
from websocket.errors import UpstreamTimeout
from websocket.feed_status import WARM_UP_S, PriceFeedStatus
from websocket.health import Health
from websocket.price_book import PriceBook
from websocket.providers import provider_classes
from websocket.providers.base import Answer, TickerProvider
from websocket.records import Ticker
from websocket.settings import ArchiveSettings, PriceSettings, ProviderSettings, UpstreamSettings, Url
from websocket.supervisor import Supervisor
from websocket.transports import recent
from websocket.transports.http_api import http_api
from websocket.upstream.circuit import Circuit
from websocket.upstream.client import HttpClient
from websocket.upstream.failover import Pool
from websocket.upstream.rate_limit import RateLimiter
from websocket.upstream.source import Source

START = 1_790_000_000.0


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are made again for every request; in earnest once a second."""
    monkeypatch.setattr(recent, "MAX_AGE_S", 0.0)


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Pocket(Cache):
    """A cache that is as well as a test wants it."""

    def __init__(self) -> None:
        self.healthy = True

    def get(self, key: str, check: Check | None = None) -> bytes | None:
        return None

    def put(self, key: str, value: bytes, ttl_s: float | None = None) -> None:
        """Keeps nothing."""

    def delete(self, key: str) -> None:
        """Has nothing."""

    def status(self) -> CacheStatus:
        detail = "embedded" if self.healthy else "the disk is full"
        return CacheStatus(kind="embedded", healthy=self.healthy, detail=detail, last_error=None, hits=0, misses=0)

    def close(self) -> None:
        """Nothing to close."""


class SilentClient(HttpClient):
    """A client behind which nobody answers."""

    def fetch(self, provider: Any, request: Any) -> Answer:
        raise UpstreamTimeout(provider.name, request.operation, "silent for 5 s")


class Ward:
    """A service that is looked after."""

    def __init__(self, *, demo: bool = False, archive: Archive | None = None) -> None:
        self.now = START
        settings = PriceSettings()
        self.book = PriceBook(settings, clock=lambda: self.now)
        self.cache = Pocket()
        upstream = UpstreamSettings()
        provider = provider_classes()["kraken"](ProviderSettings(url=Url("http://127.0.0.1:1")))
        assert isinstance(provider, TickerProvider)
        self.source: Source[TickerProvider] = Source(
            provider,
            SilentClient(upstream),
            RateLimiter(),
            Circuit("kraken", upstream, clock=lambda: self.now),
            clock=lambda: self.now,
            wall=lambda: self.now,
        )
        self.pool = Pool("market_data", [self.source], clock=lambda: self.now)
        self.broker = MemoryBroker(clock=lambda: self.now)
        feed_status = PriceFeedStatus(self.book, settings, demo=demo, clock=lambda: self.now)
        self.supervisor = Supervisor(clock=lambda: self.now)
        self.health = Health(
            book=self.book,
            feed_status=feed_status,
            sources={"kraken": self.source},
            pools={"market_data": self.pool},
            cache=self.cache,
            archive=None if archive is None else archive.status,
            broker=self.broker,
            settings=settings,
            demo=demo,
            clock=lambda: self.now,
            supervisor=self.supervisor,
        )
        app = Flask(__name__)
        app.register_blueprint(http_api(self.health, allowed_origins=["*"]))
        self._browser = app.test_client()

    def hear(self, *symbols: str) -> None:
        """Two sources report the coins, with all figures."""
        for name in ("one", "two"):
            self.book.offer_all(
                Ticker(
                    symbol=symbol,
                    source=name,
                    price=1.0,
                    received_at=self.now,
                    change_percent_24h=1.0,
                    volume_24h=1e9,
                    market_cap=1e11,
                )
                for symbol in symbols
            )

    def get(self, path: str) -> tuple[int, Any]:
        """Status and body."""
        response = self._browser.get(path)
        return response.status_code, codec.decode(response.data)


class TestStatus:
    def test_healthy_when_the_feed_is_live_and_the_cache_well(self) -> None:
        """200, and nothing to explain."""
        ward = Ward()
        ward.hear(*SYMBOLS)
        status, report = ward.get("/health")
        assert (status, report["status"], report["reason"]) == (200, "healthy", None)

    def test_starting_before_the_first_price_and_unhealthy_without_one(self) -> None:
        """503: there is nothing true to serve."""
        ward = Ward()
        status, report = ward.get("/health")
        assert (status, report["status"], report["feeds"]["crypto-prices"]["status"]) == (503, "starting", "starting")
        later = Ward()
        later.now += WARM_UP_S
        assert (later.get("/health")[0], later.get("/health")[1]["status"]) == (503, "unhealthy")
        assert "no price yet" in report["reason"]
        assert report["prices"] == dict.fromkeys(SYMBOLS)

    @pytest.mark.parametrize(
        ("age_s", "code", "word"),
        [(60, 200, "healthy"), (61, 200, "degraded"), (180, 200, "degraded"), (181, 503, "unhealthy")],
    )
    def test_age_decides(self, age_s: float, code: int, word: str) -> None:
        """503 as soon as no price is younger than STALE_AFTER, not earlier."""
        ward = Ward()
        ward.hear(*SYMBOLS)
        ward.now += age_s
        status, report = ward.get("/health")
        assert (status, report["status"]) == (code, word)

    def test_one_fresh_price_is_something_to_serve(self) -> None:
        """Nine stale coins degrade it, and are named; the load balancer stays."""
        ward = Ward()
        ward.hear(*SYMBOLS)
        ward.now += 500
        ward.hear("BTC")
        status, report = ward.get("/health")
        assert (status, report["status"]) == (200, "degraded")
        assert "ETH" in report["reason"]
        assert ward.get("/health/ready")[0] == 200

    def test_unwell_cache_degrades(self) -> None:
        """Prices are fine, but a restart would lose them."""
        ward = Ward()
        ward.hear(*SYMBOLS)
        ward.cache.healthy = False
        status, report = ward.get("/health")
        assert (status, report["status"], report["reason"]) == (200, "degraded", "the disk is full")

    def test_unwell_archive_degrades(self, tmp_path: Path) -> None:
        """Prices go on, but are not recorded; one that is off on purpose is no trouble."""
        no_folder = tmp_path / "file"
        no_folder.touch()
        for enabled, told in (
            (True, ("degraded", "archive: cannot be opened: File exists")),
            (False, ("healthy", None)),
        ):
            archive = Archive(ArchiveSettings(enabled=enabled), no_folder, demo=False)
            archive.start()
            ward = Ward(archive=archive)
            ward.hear(*SYMBOLS)
            status, report = ward.get("/health")
            assert (status, report["status"], report["reason"]) == (200, *told)
            archive.close()

    def test_clock_set_back_is_not_healthy(self) -> None:
        """Prices from our own future may be of any age."""
        ward = Ward()
        ward.hear(*SYMBOLS)
        ward.now -= 3600
        assert ward.get("/health")[0] == 503

    @pytest.mark.parametrize("demo", [True, False])
    def test_demo_is_told(self, demo: bool) -> None:
        """In the report and in the feed within it."""
        report = Ward(demo=demo).get("/health")[1]
        assert report["demo"] is demo
        assert report["feeds"]["crypto-prices"]["demo"] is demo


class TestReport:
    def test_prices_have_age_source_and_confirmation(self) -> None:
        """Ages are measured at the look."""
        ward = Ward()
        ward.hear("BTC")
        ward.now += 12.34
        row = ward.get("/health")[1]["prices"]["BTC"]
        assert row == {
            "age_seconds": 12.3,
            "source": "two",
            "confirmed": True,
            "last_updated": "2026-09-21T14:13:20.000Z",
        }

    def test_provider_in_trouble_is_described(self) -> None:
        """When it failed, how, and when it is asked again; times are RFC 3339 or null, never numbers."""
        ward = Ward()
        for _ in range(3):
            with pytest.raises(UpstreamTimeout):
                ward.source.ask(["BTC"], ward.source.provider.ticker_requests, lambda _: None)
        report = ward.get("/health")[1]["providers"]["kraken"]
        assert report["state"] == "open"
        assert report["failed"] == 3
        assert report["errors"] == {"timeout": 3}
        assert report["last_error"] == "kraken ticker: silent for 5 s"
        for key in ("retry_at", "last_check", "last_error_at"):
            assert TIME.fullmatch(report[key]), key
        assert report["last_success"] is None

    def test_pool_is_described(self) -> None:
        """Who is active and who could be."""
        report = Ward().get("/health")[1]["pools"]["market_data"]
        assert report["active_source"] is None
        assert report["available_sources"] == ["kraken"]
        assert report["failovers"] == []

    def test_live_says_only_that_the_process_answers(self) -> None:
        """A process without prices must not be restarted for that."""
        status, body = Ward().get("/health/live")
        assert (status, body["status"]) == (200, "live")

    def test_ready_follows_the_prices(self) -> None:
        """Clients are sent here only while there is a fresh price; otherwise the reason is given."""
        ward = Ward()
        status, body = ward.get("/health/ready")
        assert (status, body["ready"]) == (503, False)
        assert "no price yet" in body["reason"]
        ward.hear("BTC")
        ready = {"ready": True, "reason": None, "threads": [], "timestamp": ward.health.timestamp()}
        assert ward.get("/health/ready") == (200, ready)
        ward.now += 181
        assert ward.get("/health/ready")[0] == 503

    def test_not_ready_while_a_long_lived_thread_is_down(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is named, with how often and when it ended last, and stays in the list when it runs again."""
        monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 60.0)
        ward = Ward()
        ward.hear("BTC")
        thread = ward.supervisor.supervise("delivery", [0].clear)
        wait_until(lambda: ward.supervisor.status()[0].down, "its end")
        status, body = ward.get("/health/ready")
        assert (status, body["ready"], body["reason"]) == (503, False, "the thread delivery is down (returned)")
        (listed,) = body["threads"]
        assert TIME.fullmatch(listed.pop("last_end"))
        assert listed == {"name": "delivery", "ends": 1, "down": True, "reason": "returned"}
        assert "the thread delivery is down (returned)" in ward.get("/health")[1]["reason"]
        thread.stop()
        status, body = ward.get("/health/ready")
        assert (status, body["ready"], body["reason"]) == (200, True, None)
        assert [(listed["name"], listed["down"]) for listed in body["threads"]] == [("delivery", False)]

    def test_prices_are_those_of_the_channel_with_their_provenance(self) -> None:
        """The eight keys, and source, age and confirmation beside them; old prices are still there."""
        ward = Ward()
        ward.hear("BTC", "ETH")
        ward.now += 1000
        status, body = ward.get("/api/prices")
        assert (status, body["status"]) == (200, "success")
        assert [row["symbol"] for row in body["data"]] == ["BTC", "ETH"]
        assert list(body["data"][0])[8:] == ["source", "ageSeconds", "confirmed"]
        assert body["data"][0]["ageSeconds"] == 1000.0
