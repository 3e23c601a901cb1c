"""How the service is, for operators and load balancers. Everything is read from the live parts when it is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from websocket.archive.status import ArchiveStatus
from websocket.broker.base import Broker
from websocket.cache.base import Cache
from websocket.catalogue import CRYPTO_PRICES
from websocket.feed_status import PriceFeedStatus
from websocket.price_book import PriceBook
from websocket.records import to_rfc3339
from websocket.settings import PriceSettings
from websocket.supervisor import PROCESS, Supervisor
from websocket.upstream.failover import Pool
from websocket.upstream.source import Source


class Health:
    """Reports on the service.

    Args:
        book: the prices.
        feed_status: whether they can be trusted.
        sources: every provider in use.
        pools: the pools that they form.
        essential: those of them without which prices are about to get old.
        cache: the cache.
        archive: gives the status of the archive; None where there is none.
        broker: knows whether this process collects, and whether it hears of what another one does.
        settings: the limits of age.
        demo: whether the simulated internet feeds the service.
        clock: wall clock, Unix seconds.
        supervisor: of the long-lived green threads.
    """

    def __init__(
        self,
        *,
        book: PriceBook,
        feed_status: PriceFeedStatus,
        sources: Mapping[str, Source[Any]],
        pools: Mapping[str, Pool[Any]],
        essential: Sequence[Pool[Any]] = (),
        cache: Cache,
        archive: Callable[[], ArchiveStatus] | None = None,
        broker: Broker,
        settings: PriceSettings,
        demo: bool,
        clock: Callable[[], float],
        supervisor: Supervisor = PROCESS,
    ) -> None:
        self._book = book
        self._feed_status = feed_status
        self._sources = sources
        self._pools = pools
        self._essential = essential
        self._cache = cache
        self._archive = archive
        self._broker = broker
        self._settings = settings
        self._demo = demo
        self._clock = clock
        self._supervisor = supervisor
        self._started = time.monotonic()

    def timestamp(self) -> str:
        """Now, RFC 3339 UTC."""
        return to_rfc3339(self._clock())

    def report(self) -> dict[str, Any]:
        """The whole picture.

        ``status`` is ``healthy``; ``degraded`` when something is wrong but there is a price younger than
        ``STALE_AFTER``; ``starting`` while the first price is awaited; ``unhealthy`` when there is no young price. Ages
        are seconds, times RFC 3339 UTC, null is not known.
        """
        feed = self._feed_status.of(CRYPTO_PRICES)
        cache = self._cache.status()
        bus = self._broker.status()
        # where another process collects, the pools of this one are idle
        silent = [pool.name for pool in self._essential if pool.active is None] if self._broker.collecting else []
        reasons = [
            *([feed.reason, *self._price_troubles()] if feed.reason else []),
            *(f"no provider answers for {name}" for name in silent),
            *([] if cache.healthy else [cache.detail]),
            *self._archive_trouble(),
            *([] if bus.healthy else [bus.detail]),
            *self._threads_down(),
        ]
        status = "starting" if feed.status == "starting" else "unhealthy"
        if self._has_fresh_price():
            status = "degraded" if reasons else "healthy"
        return {
            "status": status,
            "reason": "; ".join(reasons) or None,
            "demo": self._demo,
            "timestamp": self.timestamp(),
            "uptime_seconds": round(time.monotonic() - self._started, 1),
            "feeds": {CRYPTO_PRICES: msgspec.to_builtins(feed)},
            "prices": {
                symbol: None
                if (quote := self._book.quote(symbol)) is None
                else {
                    "age_seconds": round(self._book.age(symbol) or 0.0, 1),
                    "source": quote.source,
                    "confirmed": quote.confirmed,
                    "last_updated": to_rfc3339(quote.time),
                }
                for symbol in self._book.symbols
            },
            "providers": {
                name: _times_as_text(msgspec.to_builtins(source.status())) for name, source in self._sources.items()
            },
            "pools": {name: _times_as_text(msgspec.to_builtins(pool.status())) for name, pool in self._pools.items()},
            "cache": msgspec.to_builtins(cache),
            "bus": msgspec.to_builtins(bus),
        }

    def readiness(self) -> dict[str, Any]:
        """Whether clients should be sent here: ``{"ready", "reason", "threads", "timestamp"}``.

        Not while there is no fresh price, while this process does not hear of new ones, or while a long-lived green
        thread is down. ``threads`` has those that ever ended although they should have run on.
        """
        bus = self._broker.status()
        has_feed = self._has_fresh_price() and (self._broker.collecting or bus.healthy)
        reasons = [] if has_feed else [self._feed_status.of(CRYPTO_PRICES).reason or bus.detail]
        reasons += self._threads_down()
        return {
            "ready": not reasons,
            "reason": "; ".join(reasons) or None,
            "threads": [
                _times_as_text(msgspec.to_builtins(thread)) for thread in self._supervisor.status() if thread.ends
            ],
            "timestamp": self.timestamp(),
        }

    def prices(self) -> list[dict[str, Any]]:
        """The ``crypto-prices`` rows, each with ``source``, ``ageSeconds`` and ``confirmed`` beside the eight keys."""
        rows = []
        for price in self._book.prices():
            quote = self._book.quote(price.symbol)
            assert quote is not None
            rows.append(
                {
                    **msgspec.to_builtins(price),
                    "source": quote.source,
                    "ageSeconds": round(self._book.age(price.symbol) or 0.0, 1),
                    "confirmed": quote.confirmed,
                }
            )
        return rows

    def _price_troubles(self) -> list[str]:
        """What the providers of prices said, and which of their prices were refused."""
        sources = {source.name: source for pool in self._essential for source in pool.sources}
        refused: dict[str, list[str]] = {}
        for (symbol, source), verdict in self._book.refusals().items():
            refused.setdefault(f"{source} {verdict.value.replace('_', ' ')}", []).append(symbol)
        return [
            *(f"{name}: {source.trouble}" for name, source in sources.items() if source.trouble is not None),
            *(f"{what} ({', '.join(symbols)})" for what, symbols in refused.items()),
        ]

    def _archive_trouble(self) -> list[str]:
        """Why the archive does not record; nothing when it does, or when it is off on purpose."""
        if self._archive is None:
            return []
        archive = self._archive()
        return [] if archive.healthy or not archive.enabled else [f"archive: {archive.detail}"]

    def _threads_down(self) -> list[str]:
        return [
            f"the thread {thread.name} is down ({thread.reason})" for thread in self._supervisor.status() if thread.down
        ]

    def _has_fresh_price(self) -> bool:
        return len(self._book.older_than(self._settings.stale_after_s)) < len(self._book.symbols)


_TIME_FIELDS = frozenset({"retry_at", "last_check", "last_success", "last_error_at", "last_end", "at"})


def _times_as_text(value: Any) -> Any:
    """The same structure with its moments, Unix seconds, in the form that clients get everywhere."""
    if isinstance(value, list):
        return [_times_as_text(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: to_rfc3339(item) if key in _TIME_FIELDS and item is not None else _times_as_text(item)
        for key, item in value.items()
    }
