"""What waits to be written: publications become rows, each once. Computes only; never blocks, never raises.

Prices wait in a queue. Articles, transactions and updates are published again and again; what waits of them is the
newest version of each, and only what differs from the publication before. So a disk that fails for long costs a bounded
number of rows in memory, the oldest of which are given up first.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from websocket.archive.rows import ArticleRow, EventRow, PriceRow, UpdateRow, WhaleRow
from websocket.broker.base import Publication
from websocket.catalogue import ACCEPTED_PRICES, SERVICE_NAMES

logger = logging.getLogger(__name__)

FUTURE_TOLERANCE_S = 3600.0
"""A price, article or transaction from further ahead is not believed: it would outlive every retention."""

UPDATE_MAX_BYTES = 1_000_000
"""A larger payload is not kept; the largest of today has about 60 kB."""

Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Moment = Annotated[datetime, Meta(tz=True)]

T = TypeVar("T")
Row = TypeVar("Row", ArticleRow, WhaleRow)


class Quote(msgspec.Struct, frozen=True):
    """One accepted price as the channel of accepted prices carries it."""

    symbol: Text
    price: Annotated[float, Meta(gt=0)]
    source: Text
    time: float
    received_at: float
    confirmed: bool


class Article(msgspec.Struct, frozen=True):
    """What is kept of ``articles[]`` in the service ``news``."""

    id: Text
    title: Text
    url: Text
    source: Text
    source_id: Text
    published_at: Moment
    dated: bool
    seen_at: Moment
    categories: tuple[str, ...] = ()


class Transaction(msgspec.Struct, frozen=True):
    """What is kept of ``large_transactions[]`` in the service ``whale_tracking``."""

    chain: Text
    hash: Text
    asset: Text
    amount: float
    value: float
    sender: str = msgspec.field(name="from")
    to: str
    timestamp: Moment
    confirmed: bool
    block: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None
    from_label: str | None
    to_label: str | None
    source: Text


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Rows for one transaction, in the order in which they came."""

    prices: list[PriceRow] = []
    articles: list[ArticleRow] = []
    whales: list[WhaleRow] = []
    updates: list[UpdateRow] = []
    events: list[EventRow] = []

    def __len__(self) -> int:
        return len(self.prices) + len(self.articles) + len(self.whales) + len(self.updates) + len(self.events)

    def singly(self) -> Iterator[Batch]:
        """Each row as a batch of its own."""
        for kind in self.__struct_fields__:
            for row in getattr(self, kind):
                yield Batch(**{kind: [row]})

    @property
    def oldest(self) -> float | None:
        """Time of the oldest price, article or transaction in it, or None."""
        times = [price.time for price in self.prices]
        times += [article.seen_at for article in self.articles]
        times += [whale.time for whale in self.whales]
        return min(times, default=None)


class Recorder:
    """Takes publications in, and gives batches of rows out.

    Args:
        max_pending: rows that may wait.
        clock: wall clock, Unix seconds.
    """

    def __init__(self, *, max_pending: int, clock: Callable[[], float]) -> None:
        self.dropped = 0
        self._max_pending = max_pending
        self._clock = clock
        self._prices: deque[PriceRow] = deque()
        self._articles = Newest(article_key)
        self._whales = Newest(whale_key)
        self._updates: dict[str, UpdateRow] = {}
        self._events: list[EventRow] = []
        self._complained: set[str] = set()

    @property
    def pending(self) -> int:
        """Rows that wait."""
        repeated = len(self._articles) + len(self._whales)
        return len(self._prices) + repeated + len(self._updates) + len(self._events)

    def add(self, publication: Publication) -> None:
        """Takes over what a publication brings that is worth keeping; what cannot be read is logged and left out."""
        channel, data = publication.channel, publication.data
        try:
            if channel == ACCEPTED_PRICES:
                self._prices.extend(self._rows(channel, data["quotes"], Quote, self._price))
            elif channel == "news":
                self._articles.offer(self._rows(channel, data.get("articles", ()), Article, self._article))
            elif channel == "whale_tracking":
                self._whales.offer(self._rows(channel, data.get("large_transactions", ()), Transaction, self._whale))
            if channel in SERVICE_NAMES and len(publication.body) <= UPDATE_MAX_BYTES:
                self._updates[channel] = UpdateRow(
                    service=channel,
                    epoch=publication.epoch,
                    seq=publication.seq,
                    time=publication.time,
                    body=publication.body.decode(),
                )
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            self._complain(channel, error)
        self._trim()

    def note(self, event: EventRow) -> None:
        """Takes over something that happened to the archive itself."""
        self._events.append(event)

    def begin_anew(self) -> None:
        """What is published again counts as new: it may go to another file than before."""
        self._articles.forget()
        self._whales.forget()

    def take(self, limit: int) -> Batch:
        """The rows that waited longest, at most ``limit`` of a kind; they wait no more."""
        updates, self._updates = list(self._updates.values()), {}
        events, self._events = self._events, []
        return Batch(
            prices=[self._prices.popleft() for _ in range(min(limit, len(self._prices)))],
            articles=self._articles.take(limit),
            whales=self._whales.take(limit),
            updates=updates,
            events=events,
        )

    def put_back(self, batch: Batch) -> None:
        """Has rows wait again that could not be written; newer versions that came meanwhile stand."""
        self._prices.extendleft(reversed(batch.prices))
        self._articles.put_back(batch.articles)
        self._whales.put_back(batch.whales)
        self._updates = {update.service: update for update in batch.updates} | self._updates
        self._events = batch.events + self._events
        self._trim()

    def _trim(self) -> None:
        excess = self.pending - self._max_pending
        while excess > 0 and (self._prices or self._articles or self._whales):
            if self._prices:
                self._prices.popleft()
            else:
                max(self._articles, self._whales, key=len).drop_oldest()
            self.dropped += 1
            excess -= 1

    def _rows(self, channel: str, items: Iterable[Any], kind: type[T], row_of: Callable[[T], Any]) -> list[Any]:
        rows = []
        for item in items:
            try:
                rows.append(row_of(msgspec.convert(item, kind)))
            except ValueError as error:
                self._complain(channel, error)
        return rows

    def _price(self, quote: Quote) -> PriceRow:
        return PriceRow(
            symbol=quote.symbol,
            time=self._believable(quote.time),
            price=finite(quote.price),
            source=quote.source,
            confirmed=quote.confirmed,
            recorded_at=finite(quote.received_at),
        )

    def _article(self, article: Article) -> ArticleRow:
        return ArticleRow(
            id=article.id,
            title=article.title,
            url=article.url,
            source=article.source,
            source_id=article.source_id,
            published_at=article.published_at.timestamp() if article.dated else None,
            seen_at=self._believable(article.seen_at.timestamp()),
            categories=article.categories,
        )

    def _whale(self, transaction: Transaction) -> WhaleRow:
        return WhaleRow(
            chain=transaction.chain,
            hash=transaction.hash,
            asset=transaction.asset,
            amount=finite(transaction.amount),
            sender=transaction.sender or None,
            receiver=transaction.to or None,
            value=finite(transaction.value),
            time=self._believable(transaction.timestamp.timestamp()),
            confirmed=transaction.confirmed,
            block=transaction.block,
            from_label=transaction.from_label,
            to_label=transaction.to_label,
            source=transaction.source,
        )

    def _believable(self, moment: float) -> float:
        if not 0 < moment <= self._clock() + FUTURE_TOLERANCE_S:
            raise ValueError(f"a time that cannot be: {moment!r}")
        return moment

    def _complain(self, channel: str, error: Exception) -> None:
        self.dropped += 1
        if channel not in self._complained:
            self._complained.add(channel)
            logger.warning("publication not archived, only the first is logged channel=%s reason=%r", channel, error)


class Newest:
    """Rows that are published again and again: the newest version of each waits, once.

    Args:
        key: what identifies a row.
    """

    def __init__(self, key: Callable[[Any], Any]) -> None:
        self._key = key
        self._waiting: dict[Any, Any] = {}
        self._published: dict[Any, Any] = {}  # as of the newest publication

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, rows: Iterable[Row]) -> None:
        """Takes over what is new or changed in a publication."""
        before, self._published = self._published, {self._key(row): row for row in rows}
        self._waiting.update((key, row) for key, row in self._published.items() if before.get(key) != row)

    def take(self, limit: int) -> list[Any]:
        """The rows that waited longest."""
        return [self._waiting.pop(key) for key in list(self._waiting)[:limit]]

    def forget(self) -> None:
        """Takes the next publication as if it were the first."""
        self._published = {}

    def put_back(self, rows: Iterable[Row]) -> None:
        """Has rows wait again, before those that came meanwhile."""
        self._waiting = {self._key(row): row for row in rows} | self._waiting

    def drop_oldest(self) -> None:
        """Gives up the row that waited longest, until it is published again."""
        key = next(iter(self._waiting))
        del self._waiting[key]
        self._published.pop(key, None)


def article_key(row: ArticleRow) -> str:
    """What identifies an article."""
    return row.id


def whale_key(row: WhaleRow) -> tuple[str, str, str, float, str | None, str | None]:
    """What identifies a transaction, as far as it is known."""
    return row.chain, row.hash, row.asset, row.amount, row.sender, row.receiver


def finite(number: float) -> float:
    """The number.

    Raises:
        ValueError: it is none that can be stored.
    """
    if not math.isfinite(number):
        raise ValueError(f"not a finite number: {number!r}")
    return number
