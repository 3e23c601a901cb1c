"""The rows of the archive as records, for writing and for reading. Times are Unix seconds, values US dollars."""

from __future__ import annotations

from typing import Literal

import msgspec

Interval = Literal["1m", "1h"]

INTERVAL_S: dict[Interval, int] = {"1m": 60, "1h": 3600}
"""Length of a candle in seconds."""


class PriceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted price.

    Attributes:
        symbol: our symbol.
        time: the source's own time.
        price: US dollars.
        source: who said so.
        confirmed: whether another source agreed.
        recorded_at: when it came here.
    """

    symbol: str
    time: float
    price: float
    source: str
    confirmed: bool
    recorded_at: float


class CandleRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a price did in one minute or hour. Made of accepted prices, so there is no volume, and a span without a
    price has no candle.

    Attributes:
        interval: ``1m`` or ``1h``.
        symbol: our symbol.
        start: beginning of the span, a multiple of its length; the next span's beginning is not in it.
        open: first price by the source's time; of several of the same time the one that came first.
        high: highest.
        low: lowest.
        close: last price by the source's time; of several of the same time the one that came last.
        samples: how many prices it is made of.
        open_time: of the first price.
        close_time: of the last price.
    """

    interval: Interval
    symbol: str
    start: int
    open: float
    high: float
    low: float
    close: float
    samples: int
    open_time: float
    close_time: float


class ArticleRow(msgspec.Struct, frozen=True, kw_only=True):
    """One article.

    Attributes:
        id: the same for the same article.
        title: plain text.
        url: http or https.
        source: name of the feed that had it first.
        published_at: as the feed says, or None.
        seen_at: when we first read it.
        source_id: our identifier of that feed.
        categories: in lower case.
    """

    id: str
    title: str
    url: str
    source: str
    published_at: float | None
    seen_at: float
    source_id: str
    categories: tuple[str, ...]


class WhaleRow(msgspec.Struct, frozen=True, kw_only=True):
    """One large transaction, or one transfer within it.

    Attributes:
        chain: name of the chain.
        hash: of the transaction.
        asset: symbol of what moved.
        amount: in units of the asset.
        sender: address, or None.
        receiver: address, or None.
        value: US dollars when it was first seen.
        time: of its block; while it waits, when it was first seen.
        confirmed: whether it is in a block.
        block: height of its block, or None.
        from_label: the exchange behind the sender, or None.
        to_label: the exchange behind the receiver, or None.
        source: who told us first.
    """

    chain: str
    hash: str
    asset: str
    amount: float
    sender: str | None
    receiver: str | None
    value: float
    time: float
    confirmed: bool
    block: int | None
    from_label: str | None
    to_label: str | None
    source: str


class UpdateRow(msgspec.Struct, frozen=True, kw_only=True):
    """The last publication of one service.

    Attributes:
        service: its name.
        epoch: run of numbers that ``seq`` belongs to.
        seq: its number.
        time: when it was published.
        body: the payload, JSON.
    """

    service: str
    epoch: str
    seq: int
    time: float
    body: str


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the archive itself.

    Attributes:
        kind: ``backup``, ``export``, ``restore`` or ``set_aside``.
        at: when.
        detail: in words.
    """

    kind: str
    at: float
    detail: str
