"""What every data service has in common: parts that are refreshed, a payload made of them, and an honest status.

A service holds what it knows as ``Part`` values. Jobs refresh the parts at the pace of the providers; another job
publishes the payload at the documented interval, whatever the providers do. Publishing never causes a request.
"""

from __future__ import annotations

import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

import msgspec

from websocket import green
from websocket.archive.progress import Jobs
from websocket.archive.store import Archive
from websocket.broker.base import Broker
from websocket.cache.base import Cache
from websocket.catalogue import interval_of
from websocket.errors import NotCollecting, SettingsError, UpstreamError
from websocket.feed_status import is_warming_up
from websocket.price_book import PriceBook
from websocket.providers.base import Provider
from websocket.records import to_rfc3339
from websocket.scheduler import Scheduler
from websocket.settings import Settings
from websocket.upstream.failover import Pool
from websocket.upstream.rate_limit import RateLimiter
from websocket.upstream.source import Source

logger = logging.getLogger(__name__)

T = TypeVar("T")
P = TypeVar("P", bound=Provider)

TAKE_OVER_S = 30.0
"""How long a process that takes over may need to know as much as the one before."""

PartStatus = Literal["starting", "live", "stale", "down", "unconfigured"]
ServiceStatus = Literal["starting", "live", "delayed", "stale", "degraded", "unconfigured", "down"]


class PartInfo(msgspec.Struct, frozen=True, kw_only=True):
    """How one part of a payload stands.

    Attributes:
        status: ``live``; ``stale`` when it is older than it should be; ``starting`` when there is nothing yet, the
            service has just begun, and no attempt has failed; ``down`` when there is nothing; ``unconfigured`` when
            something that it needs is not set.
        as_of: since when the data stands, RFC 3339 UTC, or null without data. The source's own time where it gives one.
        source: who said so, or null.
        reason: why it is not ``live``, or null.
    """

    status: PartStatus
    as_of: str | None
    source: str | None
    reason: str | None


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What the payload of every data service ends with.

    Attributes:
        status: ``live``: all parts are; ``starting``: what is missing is still awaited after the start; ``degraded``:
            some parts are not live; ``stale``: all that there is is old; ``down``: there is nothing; ``unconfigured``:
            nothing is set up.
        reason: why it is not ``live``, or null.
        parts: how each part stands.
        demo: true when a simulated internet feeds the service.
        timestamp: of the payload, RFC 3339 UTC.
    """

    status: ServiceStatus
    reason: str | None
    parts: dict[str, PartInfo]
    demo: bool
    timestamp: str


class Part(Generic[T]):
    """Something that one or several sources know, with since when it stands.

    Args:
        name: as clients see it.
        max_age_s: age from which it counts as stale.
        clock: wall clock, Unix seconds.
        on_first: called when the first value comes.
    """

    def __init__(
        self,
        name: str,
        *,
        max_age_s: float,
        clock: Callable[[], float],
        on_first: Callable[[], object] = lambda: None,
    ) -> None:
        self.name = name
        self.value: T | None = None
        self.as_of: float | None = None
        self.source: str | None = None
        self._max_age_s = max_age_s
        self._clock = clock
        self._on_first = on_first
        self._since = clock()
        self._has_failed = False
        self._trouble: str | None = None
        self._unconfigured: str | None = None

    def hold(self, value: T, *, source: str, as_of: float) -> None:
        """Takes over what a source said; ``as_of`` is its own time where it gives one. Older news are passed over."""
        self._trouble, self._has_failed = None, False
        # a clock that was set back leaves a moment that has not come yet, which would hide all news until it does
        was_empty = self.is_empty
        if self.as_of is None or as_of >= self.as_of or self.as_of > self._clock():
            self.value, self.source, self.as_of = value, source, as_of
        if was_empty:
            self._on_first()

    def fail(self, reason: str) -> None:
        """Notes why the last attempt brought nothing; what is held stays."""
        self._trouble, self._has_failed = reason, True

    def lack(self, reason: str) -> None:
        """Notes what else has to come before it can be filled: no source has failed."""
        self._trouble = reason

    def begin(self) -> None:
        """The service begins now: what it has not got yet is awaited for a while."""
        self._since = self._clock()

    def unconfigured(self, reason: str) -> None:
        """Says that it is off, and why."""
        self._unconfigured = reason

    @property
    def is_empty(self) -> bool:
        """True while nothing has come, although something should."""
        return self.as_of is None and self._unconfigured is None

    def info(self) -> PartInfo:
        """How it stands at this moment."""
        if self._unconfigured is not None:
            return PartInfo(status="unconfigured", as_of=None, source=None, reason=self._unconfigured)
        if self.as_of is None:
            is_awaited = not self._has_failed and is_warming_up(self._since, self._clock())
            status: PartStatus = "starting" if is_awaited else "down"
            return PartInfo(status=status, as_of=None, source=None, reason=self._trouble or "nothing has come yet")
        is_old = self._clock() - self.as_of > self._max_age_s
        reason = (self._trouble or f"older than {self._max_age_s:g} s") if is_old else None
        return PartInfo(
            status="stale" if is_old else "live", as_of=to_rfc3339(self.as_of), source=self.source, reason=reason
        )


class ServiceContext:
    """What services are built from.

    Args:
        settings: all settings.
        broker: where to publish, and where other services' publications can be read.
        sources: every provider in use, by registry name.
        book: accepted prices, for values in dollars.
        cache: for what must survive a restart.
        limiter: the budgets of the sources.
        clock: wall clock, Unix seconds.
        archive: keeps what is published.
        archive_jobs: its backups and exports.
        schedulers: all of this process, to report on.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        broker: Broker,
        sources: Mapping[str, Source[Any]],
        book: PriceBook,
        cache: Cache,
        limiter: RateLimiter,
        clock: Callable[[], float],
        archive: Archive,
        archive_jobs: Jobs,
        schedulers: Sequence[Scheduler] = (),
    ) -> None:
        self.settings = settings
        self.broker = broker
        self.sources = sources
        self.book = book
        self.cache = cache
        self.limiter = limiter
        self.clock = clock
        self.archive = archive
        self.archive_jobs = archive_jobs
        self.schedulers = schedulers
        self.demo = settings.demo.enabled
        self.pools: dict[str, Pool[Any]] = {}

    def pool(self, name: str, providers: Sequence[str], kind: Callable[..., P], *, topic: str) -> Pool[P]:
        """A pool of the named providers, best first; known under its name to health and monitoring.

        Args:
            name: unique.
            providers: registry names.
            kind: what they all must be. A class; its type is wider because abstract classes are no ``type[P]`` to mypy.
            topic: paces this refresh apart from others of the same provider.

        Raises:
            SettingsError: a provider is unknown, or is not of that kind.
        """
        self.require(name, providers, kind)
        pool: Pool[P] = Pool(name, [self.sources[provider] for provider in providers], topic=topic, clock=self.clock)
        self.pools[name] = pool
        return pool

    def require(self, pool: str, providers: Sequence[str], kind: Callable[..., object]) -> None:
        """Refuses what cannot stand in a pool. What settings choose is refused before, with the setting's name, by
        ``check_chosen_providers``; this holds whoever chose.

        Raises:
            SettingsError: a provider is unknown, or is not of that kind.
        """
        assert isinstance(kind, type)
        for provider in providers:
            if provider not in self.sources:
                raise SettingsError(f"pool {pool!r}", f"there is no provider {provider!r}")
            if not isinstance(self.sources[provider].provider, kind):
                raise SettingsError(f"pool {pool!r}", f"{provider!r} cannot stand in it, it is no {kind.__name__}")


class DataService(ABC):
    """Base of the data services; the registry finds every concrete subclass in this package.

    Args:
        context: what it is built from.
    """

    name: ClassVar[str] = ""
    """Name of the service in the catalogue, and its channel."""

    payload_type: ClassVar[type[Payload]]
    """What it publishes; documentation and tests take the schema from it."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context
        self.parts: list[Part[Any]] = []
        self._learning_until: float | None = None

    @abstractmethod
    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        """Plans the jobs that refresh the parts."""

    @abstractmethod
    def payload(self) -> Payload:
        """What is known at this moment. Does no I/O."""

    def schedule(self, scheduler: Scheduler) -> None:
        """Plans all jobs: the refreshes, and the publication at the documented interval."""
        self.schedule_refreshes(scheduler)
        interval_s = interval_of(self.name)
        scheduler.every(interval_s, f"publish_{self.name}", self.publish, deadline_s=interval_s)

    def publish(self) -> None:
        """Publishes what is known, if it is this process's turn."""
        if self.context.broker.collecting and not self._knows_less():
            # the turn may end at this very moment, which a process that was stopped for a while cannot know
            with contextlib.suppress(NotCollecting):
                self.context.broker.publish(self.name, self.payload())

    def begin(self) -> None:
        """It is this process's turn to collect; the jobs begin after this."""
        taken_over = self.context.broker.last(self.name) is not None
        self._learning_until = self.context.clock() + TAKE_OVER_S if taken_over else None
        for part in self.parts:
            part.begin()
        self.restore()

    def restore(self) -> None:  # noqa: B027 - most have nothing to take over
        """Takes over what another process, or an earlier run, kept in the cache."""

    def save(self) -> None:  # noqa: B027 - nor to keep
        """Keeps in the cache what is worth it; called when the process ends."""

    def _on_first_value(self) -> None:
        """Nobody should have to wait for the next time when all that was missing after the start is here."""
        if not any(part.is_empty for part in self.parts):
            green.spawn(self._publish_complete)

    def _publish_complete(self) -> None:
        try:
            self.publish()
        except Exception:
            # it was only ahead of time; the job that publishes will tell
            logger.exception("publishing failed service=%s", self.name)

    def _knows_less(self) -> bool:
        """True while this process, which has just taken over, cannot know as much as the last one has said."""
        if self._learning_until is None:
            return False
        if self.context.clock() >= self._learning_until or not any(part.is_empty for part in self.parts):
            self._learning_until = None
        return self._learning_until is not None

    def part(self, name: str, kind: type[T], *, max_age_s: float) -> Part[T]:
        """A new part of this service; ``kind`` is the type of its value."""
        part: Part[T] = Part(name, max_age_s=max_age_s, clock=self.context.clock, on_first=self._on_first_value)
        self.parts.append(part)
        return part

    def standing(self) -> dict[str, Any]:
        """The fields that end every payload: ``status``, ``reason``, ``parts``, ``demo``, ``timestamp``."""
        infos = {part.name: part.info() for part in self.parts}
        status, reason = summarise(infos)
        return {
            "status": status,
            "reason": reason,
            "parts": infos,
            "demo": self.context.demo,
            "timestamp": to_rfc3339(self.context.clock()),
        }


def summarise(infos: Mapping[str, PartInfo]) -> tuple[ServiceStatus, str | None]:
    """Status and reason of a payload from those of its parts. Parts that are off count only when all are."""
    states = {info.status for info in infos.values()}
    wanted = states - {"unconfigured"}
    reasons = "; ".join(f"{name}: {info.reason}" for name, info in infos.items() if info.reason is not None)
    if not wanted:
        return "unconfigured", reasons or None
    if wanted == {"live"}:
        return "live", None
    if wanted - {"live"} == {"starting"}:
        return "starting", reasons
    if not wanted & {"live", "stale"}:
        return "down", reasons
    return ("stale" if "live" not in wanted else "degraded"), reasons


def told(attempts: Sequence[UpstreamError]) -> str:
    """What the sources of a round said, in one line, for ``Part.fail``."""
    return "; ".join(str(attempt) for attempt in attempts) or "no source is set up"
