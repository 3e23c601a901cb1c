"""What was used of the monthly budgets outlives the process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from websocket.cache.base import Cache, CacheStatus, Check, trouble_with
from websocket.errors import BudgetSpent
from websocket.providers import provider_classes
from websocket.providers.base import Provider, Request
from websocket.scheduler import Scheduler
from websocket.services.budgets import BudgetKeeper
from websocket.settings import KeyedProviderSettings, Url
from websocket.upstream.rate_limit import RateLimiter

NOVEMBER = 1_795_288_983.0
REQUEST = Request(operation="ticker", path="/")


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


@pytest.fixture
def shelf() -> Shelf:
    """The cache that outlives the runs of a test."""
    return Shelf()


@pytest.fixture
def provider() -> Provider:
    """A provider with a budget of three requests a month."""
    settings = KeyedProviderSettings(url=Url("http://127.0.0.1:1"), per_month=3)
    return provider_classes()["coinpaprika"](settings)


def run(shelf: Shelf, now: float = NOVEMBER) -> tuple[RateLimiter, BudgetKeeper]:
    """The limiter and the keeper of one run of the service, which has loaded what was kept."""
    limiter = RateLimiter(wall=lambda: now)
    keeper = BudgetKeeper(limiter, shelf, cache_key="budgets")
    keeper.load()
    return limiter, keeper


def test_usage_survives_restarts(shelf: Shelf, provider: Provider) -> None:
    """Three requests in three runs are three requests: the provider goes on counting while we are away."""
    for _ in range(3):
        limiter, keeper = run(shelf)
        limiter.take(provider, REQUEST)
        keeper.save()
    limiter, _ = run(shelf)
    assert limiter.remaining(provider)[1] == 0
    with pytest.raises(BudgetSpent):
        limiter.take(provider, REQUEST)


def test_new_month_is_a_new_budget(shelf: Shelf, provider: Provider) -> None:
    """What was used in November does not count in December."""
    limiter, keeper = run(shelf)
    for _ in range(3):
        limiter.take(provider, REQUEST)
    keeper.save()
    later, _ = run(shelf, NOVEMBER + 15 * 86_400)
    assert later.remaining(provider)[1] == 3


def test_loading_twice_counts_once(shelf: Shelf, provider: Provider) -> None:
    """Idempotent, as everything that a start may do again."""
    limiter, keeper = run(shelf)
    limiter.take(provider, REQUEST)
    keeper.save()
    limiter, keeper = run(shelf)
    keeper.load()
    assert limiter.remaining(provider)[1] == 2


@pytest.mark.parametrize("kept", [b"", b"nonsense", b"[]", b'{"2026-11:coinpaprika": "many"}', b'{"x": 1.5}', b"null"])
def test_unreadable_usage_counts_as_none(shelf: Shelf, provider: Provider, kept: bytes) -> None:
    """A damaged cache does not hinder the start."""
    shelf.values["budgets"] = kept
    limiter, _ = run(shelf)
    assert limiter.remaining(provider)[1] == 3


def test_usage_is_saved_every_minute(shelf: Shelf, provider: Provider) -> None:
    """A power cut forgets one minute at most."""
    jobs: dict[str, tuple[float, Callable[[], object]]] = {}

    class Notebook(Scheduler):
        def every(self, interval_s: float, name: str, job: Callable[[], object], **_: float) -> None:
            jobs[name] = (interval_s, job)

    limiter, keeper = run(shelf)
    limiter.take(provider, REQUEST)
    keeper.schedule(Notebook())
    ((interval_s, job),) = jobs.values()
    assert interval_s == 60
    job()
    assert shelf.values["budgets"] == b'{"2026-11:coinpaprika":1}'
