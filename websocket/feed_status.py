"""Whether a feed can be trusted at this moment, in the words that clients get.

The state is computed from the price book's ages alone; the reason says what is missing and what the sources said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from websocket.price_book import PriceBook
from websocket.records import to_rfc3339
from websocket.settings import PriceSettings

State = Literal["live", "delayed", "stale", "down"]


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The truth about one channel's feed, as ``feed-status`` sends it.

    Attributes:
        channel: which feed.
        status: ``live``: every price is young; ``delayed``, ``stale``: the oldest price is older than the setting of
            that name, or a coin is missing (``delayed``), or this process does not hear of new prices (``stale``);
            ``down``: there is no price at all.
        reason: why it is not ``live``, in words; null when it is.
        demo: true when a simulated internet feeds it.
        source: who most of the prices come from, or null.
        oldest_age_s: age of the oldest price in seconds at ``timestamp``, or null without one.
        timestamp: RFC 3339 UTC.
    """

    channel: str
    status: State
    reason: str | None
    demo: bool
    source: str | None
    oldest_age_s: float | None = msgspec.field(name="oldestAgeSeconds")
    timestamp: str

    def same_as(self, other: FeedStatus | None) -> bool:
        """True when nothing changed but the clock."""
        return other is not None and (self.status, self.reason, self.source, self.demo) == (
            other.status,
            other.reason,
            other.source,
            other.demo,
        )


class PriceFeedStatus:
    """Computes the status of the feeds that come from the price book.

    Args:
        book: where the ages come from.
        settings: the limits.
        demo: whether the simulated internet feeds the book.
        troubles: gives, per source that does not answer at the moment, why.
        deaf: why this process does not hear of prices at all, in words; None when it does.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self,
        book: PriceBook,
        settings: PriceSettings,
        *,
        demo: bool,
        troubles: Callable[[], Mapping[str, str]],
        deaf: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float],
    ) -> None:
        self._book = book
        self._settings = settings
        self._demo = demo
        self._troubles = troubles
        self._deaf = deaf
        self._clock = clock

    def of(self, channel: str) -> FeedStatus:
        """The status at this moment. Cheap; does no I/O."""
        shown = {price.symbol for price in self._book.prices()}
        quotes = [quote for quote in self._book.quotes() if quote.symbol in shown]
        now = self._clock()
        oldest = max((max(0.0, now - quote.time) for quote in quotes), default=None)
        state, reason = self._state_and_reason(oldest, shown)
        sources = Counter(quote.source for quote in quotes)
        return FeedStatus(
            channel=channel,
            status=state,
            reason=reason,
            demo=self._demo,
            source=sources.most_common(1)[0][0] if sources else None,
            oldest_age_s=None if oldest is None else round(oldest, 1),
            timestamp=to_rfc3339(now),
        )

    def _state_and_reason(self, oldest: float | None, shown: set[str]) -> tuple[State, str | None]:
        if oldest is None and self._book.quotes():
            return "down", self._explain(["no coin has its volume, market cap and 24 h change yet"])
        if oldest is None:
            return "down", self._explain(
                ["no price yet"], [] if self._demo else ["without internet: start with --demo"]
            )
        deaf = self._deaf()
        if deaf is not None:
            return "stale", self._explain([deaf])
        stale = [symbol for symbol in self._book.older_than(self._settings.stale_after_s) if symbol in shown]
        if stale:
            return "stale", self._explain([f"{_listed(stale)} older than {self._settings.stale_after_s:g} s"])
        delayed = [symbol for symbol in self._book.older_than(self._settings.delayed_after_s) if symbol in shown]
        missing = [symbol for symbol in self._book.symbols if symbol not in shown]
        facts = []
        if delayed:
            facts.append(f"{_listed(delayed)} older than {self._settings.delayed_after_s:g} s")
        if missing:
            facts.append(f"{_listed(missing)} not known yet")
        return ("delayed", self._explain(facts)) if facts else ("live", None)

    def _explain(self, facts: Sequence[str], hints: Sequence[str] = ()) -> str:
        """One sentence: what is wrong, what the sources said, what may help. It must not change with every second."""
        refused: dict[str, list[str]] = {}
        for (symbol, source), verdict in self._book.refusals().items():
            refused.setdefault(f"{source} {verdict.value.replace('_', ' ')}", []).append(symbol)
        said = [f"{source}: {why}" for source, why in self._troubles().items()]
        said += [f"{what} ({_listed(symbols)})" for what, symbols in refused.items()]
        return "; ".join([*facts, *said, *hints])


def _listed(symbols: Sequence[str]) -> str:
    return ", ".join(symbols)
