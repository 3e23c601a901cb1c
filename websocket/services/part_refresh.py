"""How services of chains fill their parts from pools: until each is filled, and each at its own pace."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from websocket.errors import BadPayload
from websocket.providers.base import Answer, Provider, Request
from websocket.services.base import DataService, Part, told
from websocket.upstream.failover import Pool
from websocket.upstream.source import Source

T = TypeVar("T")
P = TypeVar("P", bound=Provider)
R = TypeVar("R")

FUTURE_TOLERANCE_S = 60.0
"""How far a source's clock may be ahead of ours."""

FRESH_INTERVALS = 1.5

RETRIES_PER_INTERVAL = 10
"""A slow figure that did not come is asked for again after this part of its interval..."""

SHORTEST_RETRY_S = 30.0
"""...but not sooner than this."""


class PartRefresh(Generic[P]):
    """Fills some parts from the sources of a pool, best first, until each of them is filled.

    Several refreshes may fill the same part.

    Args:
        pool: whom to ask.
        parts: what has to be filled.
        requests: what to ask a provider.
        read: judges the answers and holds what can be believed with ``hold`` of the refresh that it is given; gives why
            the rest cannot (None counts as nothing). That counts against the source, and the next one is asked.
        interval_s: time between two runs.
        clock: wall clock, Unix seconds.
        leave_out: gives the sources that are not to be asked now, with the reason.
    """

    def __init__(
        self,
        pool: Pool[P],
        parts: Iterable[Part[Any]],
        *,
        requests: Callable[[P], Sequence[Request]],
        read: Callable[[PartRefresh[P], P, Sequence[Answer]], Iterable[str | None]],
        interval_s: float,
        clock: Callable[[], float],
        leave_out: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._pool = pool
        self._parts = tuple(parts)
        self._requests = requests
        self._read = read
        self._interval_s = interval_s
        self._clock = clock
        self._leave_out = leave_out
        self._filled_at: dict[str, float] = {}
        self._filled: set[str] = set()
        """Names of the parts that were filled in this run."""

    def wants(self, part: Part[Any]) -> bool:
        """Whether a part still has to be filled in this run: a source may know more than it is asked for."""
        return part in self._parts and part.name not in self._filled

    def hold(self, part: Part[T], value: T, *, source: str, as_of: float) -> None:
        """Takes over what a source said, unless something newer is held: then the part still has to be filled.

        Raises:
            BadPayload: the source dates it in the future, which would hide every later word.
        """
        now = self._clock()
        if as_of > now + FUTURE_TOLERANCE_S:
            raise BadPayload(source, part.name, "dates its answer in the future")
        as_of = min(as_of, now)
        part.hold(value, source=source, as_of=as_of)
        if part.as_of == as_of:
            self._filled_at[part.name] = now
            self._filled.add(part.name)

    def run(self) -> bool:
        """Asks one source after the other; parts that nobody filled say why. Gives whether all were filled now."""
        self._filled.clear()
        attempts = self._pool.fetch_until(self._ask, self._all_fresh)
        lacking = [part for part in self._parts if part.name not in self._filled]
        configured = any(source.configured for source in self._pool.sources)
        for part in lacking:
            part.fail("no source has anything newer" if configured and not attempts else told(attempts))
        return not lacking

    def _ask(self, source: Source[P]) -> None:
        provider = source.provider
        reason = self._leave_out().get(source.name)
        if reason is not None:
            # told to the pool alone, which goes on to the next; the source has not failed, so its circuit stays closed
            raise BadPayload(source.name, self._pool.topic, f"left out: {reason}")

        def read(answers: Sequence[Answer]) -> None:
            refused = [reason for reason in self._read(self, provider, answers) if reason is not None]
            if refused:
                raise BadPayload(source.name, answers[0].request.operation, "; ".join(refused))

        source.ask((), lambda _: self._requests(provider), read, topic=self._pool.topic)

    def _all_fresh(self) -> bool:
        """Whether no second source has to be asked.

        A part that was filled a moment ago is good enough while the best source may not be asked again. A clock that
        was set back makes all parts old.
        """
        pauses = [source.interval_s(self._pool.topic) for source in self._pool.sources[:1]]
        fresh_s = FRESH_INTERVALS * max(self._interval_s, *pauses, 0.0)
        now = self._clock()
        return all(0 <= now - self._filled_at.get(part.name, math.inf) <= fresh_s for part in self._parts)


class Paced:
    """Runs a refresh once in its interval, and sooner again while it fails.

    The job that calls it comes more often than the interval; most of its runs do nothing.

    Args:
        interval_s: between two successes.
        refresh: gives whether it succeeded.
        clock: wall clock, Unix seconds.
    """

    def __init__(self, interval_s: float, refresh: Callable[[], bool], *, clock: Callable[[], float]) -> None:
        self.job_interval_s = min(interval_s, max(interval_s / RETRIES_PER_INTERVAL, SHORTEST_RETRY_S))
        self._interval_s = interval_s
        self._refresh = refresh
        self._clock = clock
        self._succeeded_at: float | None = None

    def __call__(self) -> None:
        """Refreshes when it is time."""
        now = self._clock()
        # half a run of tolerance, or jitter would put it off by a whole one
        pause_s = self._interval_s - self.job_interval_s / 2
        # a clock that was set back is no reason to wait longer
        if self._succeeded_at is not None and 0 <= now - self._succeeded_at < pause_s:
            return
        if self._refresh():
            self._succeeded_at = now


def then_first_news(service: DataService, refresh: Callable[[], R]) -> Callable[[], R]:
    """The same refresh, after which the payload goes out at once if a part had nothing in the last one and has now.

    Nobody should wait half a minute for what is here, at the start or after an outage.
    """

    def refresh_then_publish() -> R:
        result = refresh()
        last = service.context.broker.last(service.name)
        parts = {} if last is None else last.data.get("parts", {})
        lacking = {name for name, part in parts.items() if part["status"] in ("starting", "down")}
        if any(part.name in lacking and part.as_of is not None for part in service.parts):
            service.publish()
        return result

    return refresh_then_publish


def live_value(part: Part[T]) -> T | None:
    """What new values are measured by: what is held, while it is not old.

    So a value that was wrong is no measure for ever, and what cannot be believed makes the part stale in the end.
    """
    return part.value if part.info().status == "live" else None


def within_factor(value: float, reference: float | None, factor: float) -> bool:
    """Whether a value is at most so many times larger or smaller than a reference; True without one."""
    return reference is None or reference / factor <= value <= reference * factor
