"""Exports of the archive to a file: CSV or JSON Lines, compressed or not, page by page and therefore of any size.

Nothing in here knows green threads: the service calls it in a native thread, the command line directly.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Literal, get_args

import msgspec

from websocket import codec
from websocket.archive import queries
from websocket.archive.backup import reading
from websocket.archive.database import SCHEMA_VERSION
from websocket.archive.files import check_room, remove_leftovers, replacing
from websocket.archive.formats import (
    ArticleRecord,
    CandleRecord,
    PriceRecord,
    Record,
    Row,
    WhaleRecord,
    csv_head,
    csv_lines,
    record_of,
)
from websocket.archive.progress import Report, Step
from websocket.archive.queries import Page
from websocket.archive.rows import ArticleRow, CandleRow, Interval, PriceRow, WhaleRow
from websocket.errors import ArchiveError

AnyPage = Page[PriceRow] | Page[CandleRow] | Page[ArticleRow] | Page[WhaleRow]

PAGE_ROWS = 1000
"""Read and written between two reports."""

ExportKind = Literal["prices", "candles", "articles", "whales"]
ExportFormat = Literal["csv", "jsonl"]

KINDS: tuple[ExportKind, ...] = get_args(ExportKind)
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

GZIP_SUFFIX = ".gz"

COMPRESSION = 6
"""What ``gzip`` itself uses; the best costs twice the time for a percent or two."""

RECORDS: dict[ExportKind, type[Record]] = {
    "prices": PriceRecord,
    "candles": CandleRecord,
    "articles": ArticleRecord,
    "whales": WhaleRecord,
}

_COUNTS: dict[ExportKind, tuple[str, str]] = {
    "prices": ("prices", "time"),
    "candles": ("candles", "start"),
    "articles": ("articles", "seen_at"),
    "whales": ("whales", "time"),
}
"""Table of each kind, and the column that holds the time that it is chosen by."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What is exported.

    Attributes:
        kind: what kind of rows.
        start: only from this time on, Unix seconds; None for no limit.
        end: only before this time; None for no limit.
        symbol: only of this coin; None for all. For prices and candles.
        interval: length of the candles.
    """

    kind: ExportKind
    start: float | None = None
    end: float | None = None
    symbol: str | None = None
    interval: Interval = "1m"


class ExportOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an export shall hold.

    Attributes:
        kind: ``prices``, ``candles``, ``articles`` or ``whales``.
        format: ``csv`` or ``jsonl``, a JSON object a line.
        compressed: true for a file that is compressed with gzip.
        symbol: only of this coin; for prices and candles. Null for all.
        interval: length of the candles, ``1m`` or ``1h``.
        start: ``from`` on the wire: only from this time on, RFC 3339 or Unix seconds; null for no limit.
        end: ``to`` on the wire: only before this time.
    """

    kind: ExportKind
    format: ExportFormat = "csv"
    compressed: bool = False
    symbol: str | None = None
    interval: Interval | None = None
    start: str | float | None = msgspec.field(default=None, name="from")
    end: str | float | None = msgspec.field(default=None, name="to")


def export(source: Path, target: Path, selection: Selection, *, file_format: ExportFormat, report: Report) -> Path:
    """Writes rows of the archive to a file, which replaces an older one of that name only when it is whole.

    Rows of several coins come coin by coin. Rows that are added while it runs may be in it or not.

    Args:
        source: the archive.
        target: the file; compressed when its name ends with ``.gz``.
        selection: which rows.
        file_format: ``csv`` with a line of names first, or ``jsonl``, a JSON object a line.
        report: told about each page.

    Returns:
        ``target``.

    Raises:
        ArchiveError: why there is no file.
        Cancelled: the report said so.
    """
    if target.exists() and target.samefile(source):
        raise ArchiveError(f"{target} is the archive itself")
    with reading(source) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            raise ArchiveError(f"{source} is of version {version}; start the service once, which brings it up to date")
        total = count(connection, selection)
        report(Step(done=0, total=total, unit="rows"))
        remove_leftovers(target.parent, target.name)
        check_room(target.parent, 0)
        with replacing(target) as temporary, _writing(temporary, compressed=target.suffix == GZIP_SUFFIX) as text:
            if file_format == "csv":
                text.write(csv_head(RECORDS[selection.kind]))
            done = 0
            for rows in pages(connection, selection):
                check_room(target.parent, 0)
                text.write(csv_lines(rows) if file_format == "csv" else json_lines(rows))
                done += len(rows)
                # rows may have come in since they were counted
                total = max(total, done)
                report(Step(done=done, total=total, unit="rows"))
    return target


def pages(connection: sqlite3.Connection, selection: Selection) -> Iterator[Sequence[Row]]:
    """The rows of a selection, at most ``PAGE_ROWS`` at a time."""
    start, end = selection.start, selection.end
    if selection.kind == "articles":
        yield from _pages(
            lambda after: queries.article_rows(connection, start=start, end=end, after=after, limit=PAGE_ROWS)
        )
    elif selection.kind == "whales":
        yield from _pages(
            lambda after: queries.whale_rows(connection, start=start, end=end, after=after, limit=PAGE_ROWS)
        )
    else:
        for symbol in [selection.symbol] if selection.symbol else queries.symbols(connection):
            yield from _pages(_of_symbol(connection, selection, symbol))


def count(connection: sqlite3.Connection, selection: Selection) -> int:
    """How many rows a selection has at this moment."""
    table, column = _COUNTS[selection.kind]
    conditions: list[tuple[str, object]] = []
    if selection.start is not None:
        conditions.append((f"{column} >= ?", selection.start))
    if selection.end is not None:
        conditions.append((f"{column} < ?", selection.end))
    if selection.symbol is not None:
        conditions.append(("symbol = ?", selection.symbol))
    if selection.kind == "candles":
        conditions.append(("interval = ?", selection.interval))
    where = " AND ".join(text for text, _ in conditions) or "1"
    # the names are those above, and what is asked for is bound
    query = f"SELECT count(*) FROM {table} WHERE {where}"  # noqa: S608
    (rows,) = connection.execute(query, [value for _, value in conditions]).fetchone()
    return int(rows)


def json_lines(rows: Sequence[Row]) -> str:
    """A JSON object a line."""
    return "".join(f"{codec.dumps(record_of(row))}\n" for row in rows)


def _of_symbol(
    connection: sqlite3.Connection, selection: Selection, symbol: str
) -> Callable[[str | None], Page[PriceRow] | Page[CandleRow]]:
    start, end, interval = selection.start, selection.end, selection.interval
    if selection.kind == "prices":
        return lambda after: queries.price_rows(connection, symbol, start=start, end=end, after=after, limit=PAGE_ROWS)
    return lambda after: queries.candle_rows(
        connection, interval, symbol, start=start, end=end, after=after, limit=PAGE_ROWS
    )


def _pages(read: Callable[[str | None], AnyPage]) -> Iterator[Sequence[Row]]:
    after: str | None = None
    while True:
        page = read(after)
        yield page.rows
        after = page.after
        if after is None:
            return


@contextlib.contextmanager
def _writing(file: Path, *, compressed: bool) -> Iterator[IO[str]]:
    """The file as text, line ends as they are given.

    Raises:
        ArchiveError: it cannot be written.
    """
    try:
        with file.open("wb") as raw:
            # without a name and a time in it, the same rows make the same file
            stream = gzip.GzipFile("", "wb", COMPRESSION, raw, mtime=0) if compressed else raw
            with io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
                yield text
    except OSError as error:
        raise ArchiveError(f"{file.parent} cannot be written: {error.strerror or error}") from error
