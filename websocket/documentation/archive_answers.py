"""The answers of the HTTP routes of the archive. Times are RFC 3339 UTC; null is not known."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from websocket.archive.formats import ArticleRecord, CandleRecord, PriceRecord, WhaleRecord
from websocket.archive.progress import Progress
from websocket.documentation.http_answers import Success
from websocket.documentation.messages import Timestamp


class Span(Struct, frozen=True, kw_only=True):
    """Rows of a span of time.

    Attributes:
        start: ``from`` on the wire: its beginning.
        end: ``to`` on the wire: its end, which is not in it.
        demo: true when the rows are simulated.
        next: cursor of the next page, for the parameter ``after``; null when there are no more rows.
    """

    start: Timestamp = field(name="from")
    end: Timestamp = field(name="to")
    demo: bool
    next: str | None


class PriceHistory(Span, frozen=True, kw_only=True):
    """Accepted prices of a coin.

    Attributes:
        symbol: of the coin.
        interval: always ``raw``.
        rows: oldest first.
    """

    symbol: str
    interval: Literal["raw"]
    rows: tuple[PriceRecord, ...]


class CandleHistory(Span, frozen=True, kw_only=True):
    """Candles of a coin.

    Attributes:
        symbol: of the coin.
        interval: length of a candle.
        rows: oldest first.
    """

    symbol: str
    interval: Literal["1m", "1h"]
    rows: tuple[CandleRecord, ...]


class PriceHistoryAnswer(Success, frozen=True, kw_only=True):
    """History of a coin as accepted prices.

    Attributes:
        data: the prices.
    """

    data: PriceHistory


class CandleHistoryAnswer(Success, frozen=True, kw_only=True):
    """History of a coin as candles.

    Attributes:
        data: the candles.
    """

    data: CandleHistory


class ArticleList(Span, frozen=True, kw_only=True):
    """Articles.

    Attributes:
        rows: by when we first read them, newest first.
    """

    rows: tuple[ArticleRecord, ...]


class ArticleListAnswer(Success, frozen=True, kw_only=True):
    """Articles of a span of time.

    Attributes:
        data: the articles.
    """

    data: ArticleList


class WhaleList(Span, frozen=True, kw_only=True):
    """Large transactions.

    Attributes:
        rows: newest first.
    """

    rows: tuple[WhaleRecord, ...]


class WhaleListAnswer(Success, frozen=True, kw_only=True):
    """Large transactions of a span of time.

    Attributes:
        data: the transactions.
    """

    data: WhaleList


class TaskAnswer(Success, frozen=True, kw_only=True):
    """A task was begun.

    Attributes:
        data: the task, as it begins.
    """

    data: Progress


class Tasks(Struct, frozen=True, kw_only=True):
    """Backups and exports.

    Attributes:
        tasks: since the start of the process, newest first; the last twenty.
    """

    tasks: tuple[Progress, ...]


class TasksAnswer(Success, frozen=True, kw_only=True):
    """Backups and exports, and how far they are.

    Attributes:
        data: the tasks.
    """

    data: Tasks
