"""How rows of the archive look to others, as JSON and as CSV.

Times are RFC 3339 UTC; null, or an empty cell, is not known.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from websocket import codec
from websocket.archive.pacing import in_slices
from websocket.archive.rows import ArticleRow, CandleRow, Interval, PriceRow, WhaleRow
from websocket.records import figure, to_rfc3339

FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run a text that begins so; what comes from the internet gets a ' before it, which they do not show."""

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class PriceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted price.

    Attributes:
        symbol: of the coin.
        time: the source's own time of it.
        price: US dollars.
        source: registry name of the provider.
        confirmed: whether a second source had agreed when it was accepted.
    """

    symbol: str
    time: Time
    price: float
    source: str
    confirmed: bool


class CandleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the price did in one minute or hour, made of the accepted prices; without one there is no candle.

    Attributes:
        symbol: of the coin.
        interval: length of the span.
        start: its beginning; the beginning of the next is not in it.
        open: first price, US dollars.
        high: highest price.
        low: lowest price.
        close: last price.
        samples: how many prices it is made of.
        open_time: the source's own time of the first price.
        close_time: the same of the last.
    """

    symbol: str
    interval: Interval
    start: Time
    open: float
    high: float
    low: float
    close: float
    samples: int
    open_time: Time
    close_time: Time


class ArticleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One article, as the service ``news`` sends it.

    Attributes:
        id: the same for the same article.
        title: headline, plain text.
        url: http or https.
        source: name of the feed that had it first, for example ``CoinDesk``.
        source_id: our identifier of that feed.
        published_at: when it came out, as the feed says; where it does not say, the same as ``seen_at``.
        dated: whether the feed says when it came out.
        seen_at: when we first read it.
        categories: in lower case.
    """

    id: str
    title: str
    url: str
    source: str
    source_id: str
    published_at: Time
    dated: bool
    seen_at: Time
    categories: tuple[str, ...]


class WhaleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One large transaction, or one transfer within it, as the service ``whale_tracking`` sends it.

    Attributes:
        hash: of the transaction.
        value: US dollars, when it was first seen.
        sender: ``from`` on the wire: the sender's address; empty where there is none or it is not known.
        to: the receiver's address; empty where there is none or it is not known.
        timestamp: of its block; while it waits, when it was first seen.
        chain: name of the chain.
        asset: symbol of what moved.
        amount: in units of the asset.
        confirmed: false while it waits for a block.
        block: height of its block, or null.
        from_label: the exchange that is known to own the sender's address, or null.
        to_label: the same for the receiver.
        source: who told us first.
    """

    hash: str
    value: float
    sender: str = msgspec.field(name="from")
    to: str
    timestamp: Time
    chain: str
    asset: str
    amount: float
    confirmed: bool
    block: int | None
    from_label: str | None
    to_label: str | None
    source: str


Row = PriceRow | CandleRow | ArticleRow | WhaleRow
Record = PriceRecord | CandleRecord | ArticleRecord | WhaleRecord


def record_of(row: Row) -> Record:
    """A row as others see it. Prices are rounded here too: those that were recorded by an earlier version are not."""
    if isinstance(row, PriceRow):
        return PriceRecord(
            symbol=row.symbol,
            time=to_rfc3339(row.time),
            price=figure(row.price),
            source=row.source,
            confirmed=row.confirmed,
        )
    if isinstance(row, CandleRow):
        return CandleRecord(
            symbol=row.symbol,
            interval=row.interval,
            start=to_rfc3339(row.start),
            open=figure(row.open),
            high=figure(row.high),
            low=figure(row.low),
            close=figure(row.close),
            samples=row.samples,
            open_time=to_rfc3339(row.open_time),
            close_time=to_rfc3339(row.close_time),
        )
    if isinstance(row, ArticleRow):
        return ArticleRecord(
            id=row.id,
            title=row.title,
            url=row.url,
            source=row.source,
            source_id=row.source_id,
            published_at=to_rfc3339(row.seen_at if row.published_at is None else row.published_at),
            dated=row.published_at is not None,
            seen_at=to_rfc3339(row.seen_at),
            categories=row.categories,
        )
    return WhaleRecord(
        hash=row.hash,
        value=figure(row.value, 2),
        sender=row.sender or "",
        to=row.receiver or "",
        timestamp=to_rfc3339(row.time),
        chain=row.chain,
        asset=row.asset,
        amount=row.amount,
        confirmed=row.confirmed,
        block=row.block,
        from_label=row.from_label,
        to_label=row.to_label,
        source=row.source,
    )


def json_items(rows: Sequence[Row]) -> bytes:
    """Rows as JSON, with commas between them and no brackets around."""
    return b",".join(in_slices(rows, lambda part: codec.encode([record_of(row) for row in part])[1:-1]))


def csv_head(kind: type[Record]) -> str:
    """The first line of a CSV of such records (RFC 4180)."""
    return _csv_lines([[field.encode_name for field in msgspec.structs.fields(kind)]])


def csv_lines(rows: Sequence[Row]) -> str:
    """Rows as lines of CSV. Texts that a spreadsheet would take for a formula are disarmed; see the constant."""

    def lines(part: Sequence[Row]) -> str:
        return _csv_lines([[_cell(value) for value in msgspec.structs.astuple(record_of(row))] for row in part])

    return "".join(in_slices(rows, lines))


def _csv_lines(lines: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return _cell(";".join(value))
    if isinstance(value, str) and value.startswith(FORMULA_BEGINNINGS):
        return f"'{value}"
    return value
