"""How the archive is doing, for the service ``persistence``, health and metrics."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["prices", "candles_1m", "candles_1h", "articles", "whales", "updates"]
"""What the archive keeps, each with its own retention."""

EventKind = Literal["backup", "export", "restore", "set_aside"]
"""What happened to the archive itself and is remembered in it."""


class ArchiveStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The archive at one moment. Counters count since the start of the process.

    Attributes:
        enabled: False when the settings switch it off; then nothing below means anything.
        path: of the file.
        healthy: False while rows cannot be written, or the file cannot be opened.
        detail: the same in words for the operator; never holds a secret.
        records: rows in the file by kind; empty until it was opened for the first time.
        total_records: their sum.
        size_bytes: of the file with its write-ahead log, as of the last save.
        last_save: when rows were last written, Unix seconds; None before the first.
        pending: rows that wait to be written.
        dropped: rows that were given up, because too many waited or because they could not be stored.
        rows_written: rows that were written, updated ones included.
        failed_writes: attempts to open or to write that failed.
        active_writers: 1 while the file is open for writing, else 0.
        oldest_record: time of the oldest price, candle, article or transaction, Unix seconds; None when there is none.
        last_backup: when the last backup was finished, Unix seconds, or None.
        last_export: when the last export was finished, Unix seconds, or None.
    """

    enabled: bool
    path: str
    healthy: bool
    detail: str
    records: dict[str, int]
    total_records: int
    size_bytes: int
    last_save: float | None
    pending: int
    dropped: int
    rows_written: int
    failed_writes: int
    active_writers: int
    oldest_record: float | None
    last_backup: float | None
    last_export: float | None
