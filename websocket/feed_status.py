"""Whether a feed can be trusted at this moment, in the words that clients get.

The state is computed from the price book's ages alone, and the reason is one line about prices: which are late or
missing. What is wrong with a provider is the operator's business, and in ``/health``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from websocket.price_book import PriceBook
from websocket.records import to_rfc3339
from websocket.settings import PriceSettings

State = Literal["starting", "live", "delayed", "stale", "down"]

WARM_UP_S = 45.0
"""How long what has not come yet is awaited after a start, before it counts as missing. A first round that has to go
through four sources, each of which takes its whole deadline, ends before that."""


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The truth about one channel's feed, as ``feed-status`` sends it.

    Attributes:
        channel: which feed.
        status: ``live``: every price is young; ``delayed``, ``stale``: the oldest price is older than the setting of
            that name, or a coin is missing (``delayed``), or this process does not hear of new prices (``stale``);
            ``starting``: there is no price yet, and the process is younger than ``WARM_UP_S``; ``down``: there is none
            after that.
        reason: which prices are late or missing, in one line for users; null when it is ``live``.
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
        deaf: gives None, unless this process does not hear of prices at all.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self,
        book: PriceBook,
        settings: PriceSettings,
        *,
        demo: bool,
        deaf: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float],
    ) -> None:
        self._book = book
        self._settings = settings
        self._demo = demo
        self._deaf = deaf
        self._clock = clock
        self._started = clock()

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
        """The reason must not change with every second: whenever it does, all clients are told."""
        if oldest is None:
            state: State = "starting" if is_warming_up(self._started, self._clock()) else "down"
            if self._book.quotes():
                return state, "no coin has its volume, market cap and 24 h change yet"
            return state, "no price yet" if self._demo else "no price yet; without internet: start with --demo"
        if self._deaf() is not None:
            return "stale", "new prices do not reach this server at the moment"
        stale = self._older_than(self._settings.stale_after_s, shown)
        if stale:
            return "stale", stale
        missing = [symbol for symbol in self._book.symbols if symbol not in shown]
        facts = [
            self._older_than(self._settings.delayed_after_s, shown),
            f"{_listed(missing)} not known yet" if missing else None,
        ]
        reason = "; ".join(fact for fact in facts if fact is not None)
        return ("delayed", reason) if reason else ("live", None)

    def _older_than(self, limit_s: float, shown: set[str]) -> str | None:
        """Which of the coins that are shown are older, in words; None when none is."""
        late = [symbol for symbol in self._book.older_than(limit_s) if symbol in shown]
        if not late:
            return None
        who = "all prices" if len(late) == len(self._book.symbols) else _listed(late)
        return f"{who} older than {limit_s:g} s"


def is_warming_up(since: float, now: float) -> bool:
    """Whether what began at ``since`` (Unix seconds) may still wait for its first values; never after a clock was set
    back, which would prolong it.
    """
    return 0 <= now - since < WARM_UP_S


def _listed(symbols: Sequence[str]) -> str:
    return ", ".join(symbols)
