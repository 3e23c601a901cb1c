"""Doubles for the tests of data services: a clock, a cache, a scheduler, and providers that answer as they are told.

Sources, pools, circuits, the price book and the broker are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from websocket.archive.progress import Jobs
from websocket.archive.store import Archive
from websocket.broker.memory_broker import MemoryBroker
from websocket.cache.base import Cache, CacheStatus, Check, trouble_with
from websocket.errors import UpstreamError, UpstreamTimeout
from websocket.price_book import PriceBook
from websocket.providers.base import Answer, Budget, Provider, Request
from websocket.records import Ticker
from websocket.scheduler import Scheduler
from websocket.services.base import ServiceContext
from websocket.settings import ArchiveSettings, ProviderSettings, Settings
from websocket.upstream.circuit import Circuit
from websocket.upstream.client import HttpClient
from websocket.upstream.rate_limit import RateLimiter
from websocket.upstream.source import Source

NOW = 1_790_000_000.0

PRICES = {"BTC": 60_000.0, "ETH": 3_000.0, "USDT": 1.0, "USDC": 1.0}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class DictCache(Cache):
    """Keeps what is put into it."""

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
        return CacheStatus(kind="embedded", healthy=True, detail="", last_error=None, hits=0, misses=0)

    def close(self) -> None:
        """Nothing to do."""


class JobList:
    """Stands for the scheduler: remembers the jobs, and runs none by itself."""

    def __init__(self) -> None:
        self.jobs: dict[str, Callable[[], object]] = {}
        self.intervals: dict[str, float] = {}

    def every(
        self, interval_s: float, name: str, job: Callable[[], object], *, deadline_s: float, delay_s: float = 0.0
    ) -> None:
        assert name not in self.jobs
        self.jobs[name] = job
        self.intervals[name] = interval_s


class StubProvider(Provider):
    """A provider without a network. ``answers`` holds the errors that requests end with, by operation or address."""

    def __init__(self, name: str) -> None:
        super().__init__(ProviderSettings())
        self.name = name
        self.title = name.title()
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.is_configured = True
        self.is_down = False

    @property
    def budget(self) -> Budget:
        return Budget(per_minute=1000, min_interval_s=1)

    @property
    def configured(self) -> bool:
        return self.is_configured

    def request(self, operation: str, *about: object) -> Request:
        """A request whose answer is looked up under its operation and what it is about."""
        return Request(operation=operation, path="/" + "/".join(str(item) for item in about))

    def reply(self, request: Request) -> Any:
        """What the parser will find in the answer."""
        self.asked.append(request.operation + request.path)
        if self.is_down:
            raise UpstreamTimeout(self.name, request.operation, "no answer")
        answer = self.answers.get(request.operation + request.path, self.answers.get(request.operation))
        if isinstance(answer, UpstreamError):
            raise answer
        return answer


class StubClient:
    """Brings the stub providers' answers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def fetch(self, provider: StubProvider, request: Request) -> Answer:
        return Answer(request=request, payload=provider.reply(request), received_at=self._clock())


class NoLimit:
    """A limiter that allows everything."""

    def take(self, provider: Provider, request: Request) -> None:
        """Nothing to do."""

    def remaining(self, provider: Provider) -> tuple[int, int | None]:
        """What the provider publishes: nothing is used up."""
        return provider.budget.per_minute, provider.budget.per_month


def context_of(
    providers: Sequence[StubProvider],
    clock: Clock,
    *,
    settings: Settings | None = None,
    cache: Cache | None = None,
    prices: Mapping[str, float] = PRICES,
    archive: Archive | None = None,
    archive_jobs: Jobs | None = None,
) -> ServiceContext:
    """What services are built from, with stub providers and some prices; the archive is off unless one is given."""
    settings = settings or Settings()
    client = cast("HttpClient", StubClient(clock))
    limiter = cast("RateLimiter", NoLimit())
    sources: dict[str, Source[Any]] = {
        provider.name: Source(
            provider,
            client,
            limiter,
            Circuit(provider.name, settings.upstream, clock=clock),
            clock=clock,
            wall=clock,
        )
        for provider in providers
    }
    book = PriceBook(settings.prices, clock=clock)
    set_prices(book, clock, prices)
    return ServiceContext(
        settings=settings,
        broker=MemoryBroker(clock=clock),
        sources=sources,
        book=book,
        cache=cache or DictCache(),
        limiter=limiter,
        clock=clock,
        archive=archive or archive_off(clock),
        archive_jobs=archive_jobs or Jobs(clock=clock),
    )


def archive_off(clock: Callable[[], float]) -> Archive:
    """An archive that keeps nothing and makes no file."""
    return Archive(ArchiveSettings(enabled=False), Path("nowhere"), demo=False, clock=clock)


def set_prices(book: PriceBook, clock: Clock, prices: Mapping[str, float]) -> None:
    """Prices that two sources agree on."""
    for symbol, price in prices.items():
        for source in ("first", "second"):
            book.offer(Ticker(symbol=symbol, source=source, price=price, source_time=clock(), received_at=clock()))


def jobs_of(service: Any) -> JobList:
    """Has a service plan its jobs; they are run by the test."""
    jobs = JobList()
    service.schedule(cast("Scheduler", jobs))
    service.begin()
    return jobs
