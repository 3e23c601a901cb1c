"""A pool: sources in order of preference, asked until one answers.

A pool keeps no list of the dead: each round begins at the top, and the circuits say who may be asked. So the way back
to a better source is the same as the way down.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from websocket.errors import NoProviderAnswered, UpstreamError
from websocket.providers.base import Provider
from websocket.upstream.source import Source

logger = logging.getLogger(__name__)

P = TypeVar("P", bound=Provider)
R = TypeVar("R")

KEPT_FAILOVERS = 50


class Failover(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the active source.

    Attributes:
        pool: name of the pool.
        previous: name of the source that was active.
        active: name of the source that is active now.
        reason: in words.
        at: Unix seconds.
    """

    pool: str
    previous: str
    active: str
    reason: str
    at: float


class PoolStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A pool at one moment.

    Attributes:
        name: name of the pool.
        active_source: the source whose answers are used; None before the first answer and while nobody answers.
        available_sources: sources that can be asked, best first.
        inactive_sources: sources that cannot: not configured, open, or parked.
        silent: True while nobody answers; False before the first round.
        better_source: the best source before the active one that is left alone for a while; None when there is none.
            While nobody answers, the one that is tried first again.
        retry_at: when that one may be asked again, Unix seconds; the round after that does.
        failover_count: changes of the active source since the start, back to a better one included.
        failovers: the last 50 of them, oldest first.
    """

    name: str
    active_source: str | None
    available_sources: tuple[str, ...]
    inactive_sources: tuple[str, ...]
    silent: bool
    better_source: str | None
    retry_at: float | None
    failover_count: int
    failovers: tuple[Failover, ...]


class Pool(Generic[P]):
    """Sources in order of preference.

    Green threads may share it; asks of the same pool may overlap. Errors that are not ``UpstreamError`` are bugs and
    go through to the caller.

    Args:
        name: for logs, errors and statistics.
        sources: best first.
        topic: what this pool refreshes; pools that refresh the same thing have the same topic (see ``Source.due``).
        clock: Unix seconds.
    """

    def __init__(
        self, name: str, sources: Sequence[Source[P]], *, topic: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self.name = name
        self.sources = tuple(sources)
        self.topic = topic
        self._clock = clock
        self._active: str | None = None
        self._previous: str | None = None
        """The last source that was active; unlike ``_active`` it outlives a time when nobody answers."""
        self._nobody = False
        self._failovers: deque[Failover] = deque(maxlen=KEPT_FAILOVERS)
        self._failover_count = 0

    @property
    def active(self) -> str | None:
        """Name of the source whose answers are used; None before the first answer and while nobody answers."""
        return self._active

    def fetch(self, ask: Callable[[Source[P]], R]) -> R:
        """Gives what the first source that answers says; unconfigured sources are passed over.

        Args:
            ask: calls ``source.ask(...)``, with the topic where the pool has one.

        Raises:
            NoProviderAnswered: with what each source said.
        """
        attempts: list[UpstreamError] = []
        for source in self.sources:
            if not source.configured:
                continue
            try:
                result = ask(source)
            except UpstreamError as error:
                attempts.append(error)
            else:
                self._settle(source.name, attempts)
                return result
        self._settle(None, attempts)
        raise NoProviderAnswered(self.name, attempts)

    def fetch_until(self, ask: Callable[[Source[P]], object], done: Callable[[], bool]) -> list[UpstreamError]:
        """Asks one source after the other until ``done()``; for answers that complete each other.

        A source that is not due is passed over, and what it said a moment ago still stands: it can be, or remain, the
        active one. The best source that answered or stands becomes active. Unconfigured sources are passed over.

        Args:
            ask: calls ``source.ask(...)``; what it brings is kept by the caller.
            done: looked at after each source that answered or stands.

        Returns:
            What went wrong on the way; nothing of it is raised.
        """
        best: str | None = None
        attempts: list[UpstreamError] = []
        for source in self.sources:
            if not source.configured:
                continue
            if source.due(self.topic):
                try:
                    ask(source)
                except UpstreamError as error:
                    attempts.append(error)
                    continue
            best = best or source.name
            if done():
                break
        self._settle(best, attempts)
        return attempts

    def status(self) -> PoolStatus:
        """The pool at this moment; computes only."""
        available = [source for source in self.sources if source.configured and source.state not in ("open", "parked")]
        better, retry_in_s = self._better()
        return PoolStatus(
            name=self.name,
            active_source=self._active,
            available_sources=tuple(source.name for source in available),
            inactive_sources=tuple(source.name for source in self.sources if source not in available),
            silent=self._nobody,
            better_source=better,
            retry_at=None if retry_in_s is None else self._clock() + retry_in_s,
            failover_count=self._failover_count,
            failovers=tuple(self._failovers),
        )

    def _better(self) -> tuple[str | None, float | None]:
        """Who would be preferred to the active source but is left alone, and for how many seconds yet."""
        names = [source.name for source in self.sources]
        ahead = self.sources if self._active is None else self.sources[: names.index(self._active)]
        resting = [source for source in ahead if source.configured and source.retry_in_s > 0]
        if not resting:
            return None, None
        best = resting[0] if self._active is not None else min(resting, key=lambda source: source.retry_in_s)
        return best.name, best.retry_in_s

    def _settle(self, active: str | None, attempts: Sequence[UpstreamError]) -> None:
        """Takes note of who is active after a round; one log line per change."""
        self._active = active
        if active is None:
            if not self._nobody:
                self._nobody = True
                said = "; ".join(str(attempt) for attempt in attempts) or "no source is configured"
                logger.error("no provider answers pool=%s reason=%s", self.name, said)
            return
        if self._nobody:
            self._nobody = False
            logger.info("provider answers again pool=%s active=%s", self.name, active)
        if self._previous is not None and active != self._previous:
            self._note_failover(self._previous, active, attempts)
        self._previous = active

    def _note_failover(self, previous: str, active: str, attempts: Sequence[UpstreamError]) -> None:
        said = [attempt.reason for attempt in attempts if attempt.provider == previous]
        order = [source.name for source in self.sources]
        down = order.index(active) > order.index(previous)
        # on the way back it does not matter how the stand-in is doing, which may have been asked in the same round
        reason = "a better source answers again" if not down else said[0] if said else "it has nothing to offer now"
        self._failovers.append(
            Failover(pool=self.name, previous=previous, active=active, reason=reason, at=self._clock())
        )
        self._failover_count += 1
        logger.log(
            logging.WARNING if down else logging.INFO,
            "provider failed over pool=%s from=%s to=%s reason=%s",
            self.name,
            previous,
            active,
            reason,
        )
