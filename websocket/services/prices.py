"""The price service: fills the price book from two pools, and publishes ``crypto-prices`` and ``market_data`` from it.

Exchanges are asked for prices often (ticks); aggregators less often for volume, market cap and a second opinion
(snapshots). Either pool alone keeps prices going. Publishing never causes a request, and no request delays it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from websocket import codec
from websocket.broker.base import Broker, Publication
from websocket.cache.base import Cache
from websocket.catalogue import ACCEPTED_PRICES, CRYPTO_PRICES, MARKET_DATA, PRICE_BOOK
from websocket.errors import BadPayload, UpstreamError
from websocket.feed_status import FeedStatus, PriceFeedStatus
from websocket.price_book import Entry, PriceBook, Quote
from websocket.providers.base import Answer, TickerProvider
from websocket.scheduler import Scheduler
from websocket.settings import PriceSettings, UpstreamSettings
from websocket.upstream.failover import Pool
from websocket.upstream.source import Source

logger = logging.getLogger(__name__)

SETTLE_INTERVAL_S = 1.0
"""How often it is looked whether a price has waited long enough for a second source."""

STATUS_INTERVAL_S = 1.0
"""How often the feed's state is checked, so that an old price is called old without waiting for the next tick; changes
of the state are reported no more often than that, however fast it changes."""

DETAIL_INTERVAL_S = 10.0
"""Least time before other changes are reported, of the coins that are late and of the source: in an outage the coins
become late one after the other."""

PUBLISH_LAG_S = 1.0
"""How long after a round of ticks begins its prices are published, so that they need not wait for the next time."""

CHANGE_REFRESH_S = 600.0
"""Exchanges that know no 24 h change are complemented by others when the reference is older than this."""


class AcceptedPrices(msgspec.Struct, frozen=True):
    """What ``accepted-prices`` carries.

    Attributes:
        quotes: each price once, in the order in which they were accepted.
    """

    quotes: list[Quote]


class MarketData(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of ``market_data``. Keys of the maps are coin ids such as ``bitcoin``; what is not known of a coin is
    left out.

    Attributes:
        prices: US dollars.
        volumes: turnover of 24 h, US dollars.
        market_caps: US dollars.
        price_changes: change over 24 h, percent.
        last_updated: the source's own time of each price, RFC 3339 UTC.
        source: who most of the prices come from, or null.
        status: ``starting``, ``live``, ``delayed``, ``stale`` or ``down``.
        reason: why it is not ``live``, or null.
        demo: true when a simulated internet feeds it.
        timestamp: RFC 3339 UTC.
    """

    prices: dict[str, float]
    volumes: dict[str, float]
    market_caps: dict[str, float]
    price_changes: dict[str, float]
    last_updated: dict[str, str]
    source: str | None
    status: str
    reason: str | None
    demo: bool
    timestamp: str


class PriceService:
    """Keeps the price book fresh and publishes from it.

    Args:
        book: the price book.
        ticks: pool of exchanges.
        snapshots: pool of aggregators.
        feed_status: computes whether the feed can be trusted.
        broker: where to publish.
        cache: where the book is kept across restarts.
        cache_key: name of the book in the cache; demo prices must have another than real ones.
        settings: intervals and limits.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self,
        *,
        book: PriceBook,
        ticks: Pool[TickerProvider],
        snapshots: Pool[TickerProvider],
        feed_status: PriceFeedStatus,
        broker: Broker,
        cache: Cache,
        cache_key: str,
        settings: PriceSettings,
        clock: Callable[[], float],
    ) -> None:
        self._book = book
        self._ticks = ticks
        self._snapshots = snapshots
        self._feed_status = feed_status
        self._broker = broker
        self._cache = cache
        self._cache_key = cache_key
        self._settings = settings
        self._clock = clock
        self._published: frozenset[str] = frozenset()  # the coins that clients have been shown
        self._reported: FeedStatus | None = None
        self._reported_at = 0.0
        self._other_was_shown = False  # to somebody who asked when it was not reported yet
        self._status_listeners: list[Callable[[FeedStatus], None]] = []
        broker.listen(self._on_publication)

    def on_status_change(self, listener: Callable[[FeedStatus], None]) -> None:
        """Calls ``listener`` whenever the state of the price feed changes. It must not block."""
        self._status_listeners.append(listener)

    def feed_status(self, channel: str) -> FeedStatus | None:
        """The state of a channel that this service feeds, at this moment; None for other channels."""
        if channel not in (CRYPTO_PRICES, MARKET_DATA):
            return None
        status = self._feed_status.of(channel)
        if channel == CRYPTO_PRICES and not status.same_as(self._reported):
            self._other_was_shown = True
        return status

    def schedule_status(self, scheduler: Scheduler) -> None:
        """Plans the look at the feed's state, which every process takes, whoever collects."""
        scheduler.every(STATUS_INTERVAL_S, "price_status", self.check_status, deadline_s=STATUS_INTERVAL_S)

    def schedule(self, scheduler: Scheduler, upstream: UpstreamSettings) -> None:
        """Plans the jobs that collect and publish."""
        settings = self._settings
        # a round may have to go through every source of a pool
        deadline_s = upstream.deadline_s * 4
        scheduler.every(settings.tick_interval_s, "market_data_collection", self.refresh_ticks, deadline_s=deadline_s)
        scheduler.every(
            settings.snapshot_interval_s, "market_figures_collection", self.refresh_snapshots, deadline_s=deadline_s
        )
        scheduler.every(
            settings.tick_interval_s,
            "missing_figures_collection",
            self.refresh_missing_figures,
            deadline_s=deadline_s,
            delay_s=settings.tick_interval_s,
        )
        for interval_s, channel, publish in (
            (settings.broadcast_interval_s, CRYPTO_PRICES, self.publish_prices),
            (settings.market_data_interval_s, MARKET_DATA, self.publish_market_data),
        ):
            delay_s = interval_s + PUBLISH_LAG_S
            scheduler.every(
                interval_s, f"publish_{channel.replace('-', '_')}", publish, deadline_s=interval_s, delay_s=delay_s
            )
        scheduler.every(SETTLE_INTERVAL_S, "settle_prices", self.settle, deadline_s=SETTLE_INTERVAL_S)

    # Collecting

    def refresh_ticks(self) -> None:
        """Asks the exchanges, one after the other, until every price is fresh and believed, or nobody is left."""
        fresh_s = 2 * self._settings.tick_interval_s
        self._refresh(
            self._ticks,
            lambda: {
                *self._book.older_than(fresh_s),
                *self._book.lacking_change(CHANGE_REFRESH_S),
                *self._book.in_question(),
            },
        )

    def refresh_snapshots(self) -> None:
        """Asks the aggregators, one after the other, until every figure is fresh or nobody is left.

        While no exchange answers they are asked until the prices are fresh and believed, too.
        """
        interval_s = self._settings.snapshot_interval_s
        self._refresh(
            self._snapshots,
            lambda: {
                *self._book.lacking_figures(5 * interval_s),
                *self._book.older_than(interval_s),
                *self._book.in_question(),
            },
        )

    def refresh_missing_figures(self) -> None:
        """Asks the aggregators out of turn, as far as they may be asked, while a coin cannot be shown without them."""
        if len(self._book.prices()) < len(self._book.symbols):
            self.refresh_snapshots()

    def _refresh(self, pool: Pool[TickerProvider], wanted: Callable[[], Collection[str]]) -> None:
        # the best source that answers is asked for every coin, those after it only for what is lacking then
        asked: Collection[str] = self._book.symbols

        def ask(source: Source[TickerProvider]) -> None:
            try:
                self._ask(source, [symbol for symbol in self._book.symbols if symbol in asked])
            except UpstreamError:
                raise
            except Exception as error:
                # a bug of ours that one provider brings to light must not keep the others from being asked
                logger.exception("asking failed provider=%s", source.name)
                raise BadPayload(source.name, "ask", "failed on our side; it is logged") from error
            self._publish_new_coins()
            # not at the end of the round, which may take long: an archive must not lag behind what is shown
            self._tell_others()

        def done() -> bool:
            nonlocal asked
            asked = wanted()
            return not asked

        pool.fetch_until(ask, done)
        self._tell_others()
        self.save()

    def _ask(self, source: Source[TickerProvider], symbols: Collection[str]) -> None:
        provider = source.provider

        def read(answers: Sequence[Answer]) -> None:
            verdicts = self._book.offer_all(provider.parse_tickers(answers))
            if not verdicts and provider.listed(source.enabled(symbols)):
                raise BadPayload(provider.name, answers[0].request.operation, "not one price in the answer")
            if verdicts and all(verdict.refused for verdict in verdicts.values()):
                reasons = sorted({verdict.value for verdict in verdicts.values()})
                raise BadPayload(
                    provider.name, answers[0].request.operation, f"every price refused: {', '.join(reasons)}"
                )

        source.ask(symbols, provider.ticker_requests, read)

    # Publishing

    def publish_prices(self) -> None:
        """Publishes ``crypto-prices``, whatever the age of what is held; nothing before the first price."""
        prices = self._book.prices()
        if prices:
            self._published = frozenset(price.symbol for price in prices)
            self._broker.publish(CRYPTO_PRICES, prices)

    def _publish_new_coins(self) -> None:
        """Nobody should wait for the next broadcast when the very first price of a coin is here."""
        if not self._published.issuperset(price.symbol for price in self._book.prices()):
            self.publish_prices()

    def publish_market_data(self) -> None:
        """Publishes ``market_data``; empty maps and ``starting`` or ``down`` while there is no price."""
        rows = self._book.keyed()
        status = self._feed_status.of(MARKET_DATA)
        self._broker.publish(
            MARKET_DATA,
            MarketData(
                prices=_known(rows, "price"),
                volumes=_known(rows, "volume"),
                market_caps=_known(rows, "market_cap"),
                price_changes=_known(rows, "change_percent"),
                last_updated=self._book.last_updated(),
                source=status.source,
                status=status.status,
                reason=status.reason,
                demo=status.demo,
                timestamp=status.timestamp,
            ),
        )

    def settle(self) -> None:
        """Settles what waits in the book."""
        if self._book.settle():
            self.publish_prices()
            self._tell_others()

    def check_status(self) -> None:
        """Reports a change of the feed's state to the listeners; what comes too soon after the last report is reported
        later, if it still is a change then.
        """
        self._catch_up()
        status, last = self._feed_status.of(CRYPTO_PRICES), self._reported
        if status.same_as(last) and not self._other_was_shown:
            return
        now = self._clock()
        if last is not None:
            pause_s = DETAIL_INTERVAL_S if status.status == last.status else STATUS_INTERVAL_S
            if 0 <= now - self._reported_at < pause_s:
                return
        self._reported, self._reported_at, self._other_was_shown = status, now, False
        if last is None or status.status != last.status:
            level = logging.INFO if last is None or status.status == "live" else logging.WARNING
            logger.log(
                level,
                "feed status changed channel=%s status=%s reason=%s",
                status.channel,
                status.status,
                status.reason,
            )
        for listener in self._status_listeners:
            try:
                listener(status)
            except Exception:
                # one listener's bug must not keep the change from the others
                logger.exception("status listener failed channel=%s", status.channel)

    # Keeping

    def save(self) -> None:
        """Keeps the book in the cache."""
        entries = self._book.dump()
        if entries:
            self._cache.put(self._cache_key, codec.encode(entries))

    def _tell_others(self) -> None:
        """Publishes what archives and the processes that do not collect want to know."""
        accepted = self._book.take_accepted()
        if accepted:
            self._broker.publish(ACCEPTED_PRICES, AcceptedPrices(accepted))
            self._broker.publish(PRICE_BOOK, self._book.dump())

    def _on_publication(self, publication: Publication) -> None:
        """Follows the book of the process that collects; in that process there is nothing new in it."""
        if publication.channel == PRICE_BOOK:
            self._book.restore(msgspec.json.decode(publication.body, type=dict[str, Entry]))

    def _catch_up(self) -> None:
        """Takes over the book as it was before this process came; it is told only of what is published from then on,
        and while no provider answers that is nothing.
        """
        last = self._broker.last(PRICE_BOOK)
        if last is not None and not self._book.quotes():
            self._on_publication(last)

    def load(self) -> None:
        """Takes over the book of the process before, and of an earlier run: prices with their age are there at once."""
        self._catch_up()
        kept = self._cache.load(self._cache_key, dict[str, Entry])
        if kept is None:
            return
        restored = self._book.restore(kept)
        logger.info("cached prices restored symbols=%s", ",".join(restored) or "none")
        self.publish_prices()


def _known(rows: Mapping[str, Mapping[str, float | None]], figure: str) -> dict[str, float]:
    """One figure of the coins for which it is known."""
    return {coin_id: value for coin_id, row in rows.items() if (value := row[figure]) is not None}
