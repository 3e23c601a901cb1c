"""Keeps the file open and writes to it, whatever the disk does. Its methods are called one at a time (``Turns``).

A failure is never raised: it is told in ``trouble``, logged when it begins, changes and ends, and the rows wait for the
next attempt. The disk itself works in native threads, where nothing of ours may be logged or waited for.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from websocket import green
from websocket.archive import database, retention
from websocket.archive.database import Damaged, Opened, Refused
from websocket.archive.recorder import Batch, Recorder
from websocket.archive.rows import EventRow
from websocket.archive.status import EventKind, Kind
from websocket.archive.writer import write_batch
from websocket.refused import Throttle
from websocket.settings import ArchiveSettings

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 1000
"""Of each kind, in one transaction."""

OPEN_PAUSE_S = 5.0
"""Between two attempts to open a file; a large one that can be read but not written is checked each time."""

SET_ASIDE_PAUSE_S = 60.0
"""Between two files that are set aside: a disk that damages every file must not be filled with them."""

CHECK_PAUSE_S = 60.0
"""Between two checks of the file because somebody could not read it: a large one takes a while."""


class Replaced(Exception):
    """The file was removed or replaced behind our back."""


class Keeper:
    """Writes what waits in the recorder to the file.

    Args:
        path: of the file.
        recorder: where the rows wait.
        settings: how long rows are kept.
        demo: whether the content is simulated.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self, path: Path, recorder: Recorder, settings: ArchiveSettings, *, demo: bool, clock: Callable[[], float]
    ) -> None:
        self.trouble: str | None = "not opened yet"
        self.records: dict[Kind, int] = {}
        self.oldest: float | None = None
        self.events: dict[str, float] = {}  # when each kind happened last
        self.size_bytes = 0
        self.last_save: float | None = None
        self.rows_written = 0
        self.rows_given_up = 0
        self.failures = 0
        self._bugs = Throttle()
        self._path = path
        self._recorder = recorder
        self._settings = settings
        self._demo = demo
        self._clock = clock
        self._opened: Opened | None = None
        self._tried_at: float | None = None  # to open it, in vain
        self._set_aside_at: float | None = None
        self._checked_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the file is open, which it also is while the disk is full."""
        return self._opened is not None

    def note(self, kind: EventKind, detail: str) -> None:
        """Remembers that something happened to the archive itself."""
        event = EventRow(kind=kind, at=self._clock(), detail=detail)
        self.events[kind] = event.at
        self._recorder.note(event)

    def learn(self, kind: EventKind, at: float) -> None:
        """Takes over when something happened that another process did, and that is told nowhere else."""
        self.events[kind] = max(at, self.events.get(kind, at))

    def write(self) -> None:
        """Writes all that waits, as far as the disk takes it. Opens the file when it is not open."""
        while (opened := self._open()) is not None:
            batch = self._recorder.take(ROWS_AT_ONCE)
            if not len(batch) or not self._write(opened, batch):
                return

    def prune(self) -> None:
        """Deletes what was kept long enough, in small steps between which rows are written."""
        if (opened := self._open()) is None:
            return
        try:
            for rows in green.run_in_native_thread(retention.expired, opened.connection, self._settings, self._clock()):
                self._delete(rows)
            if (opened := self._opened) is not None:
                green.run_in_native_thread(retention.tidy_up, opened.connection)
                self.oldest = green.run_in_native_thread(retention.oldest_time, opened.connection)
        except sqlite3.Error as error:
            self._fail_to_write(error)

    def check(self) -> None:
        """Looks whether the file is damaged, after somebody could not read it; sets it aside if it is."""
        if self._opened is None or self._within(self._checked_at, CHECK_PAUSE_S):
            return
        self._checked_at = self._clock()
        try:
            green.run_in_native_thread(database.check_file, self._path)
        except Damaged as damage:
            self._fail(f"cannot be read: {damage}")
            self._begin_anew(damage)
        except (OSError, sqlite3.Error) as error:
            logger.warning("archive could not be checked path=%s reason=%s", self._path, in_words(error))

    def release(self) -> None:
        """Closes the file."""
        opened, self._opened = self._opened, None
        if opened is not None:
            self.trouble = self.trouble or "closed"
            green.run_in_native_thread(database.close_file, opened)

    def _delete(self, rows: retention.Expired) -> None:
        deleted = retention.DELETED_AT_ONCE
        while deleted == retention.DELETED_AT_ONCE and self._opened is not None:
            deleted = green.run_in_native_thread(retention.delete_some, self._opened.connection, rows)
            self.records[rows.kind] -= deleted
            self.write()

    def _open(self) -> Opened | None:
        """The open file, or None. Opens it when it is not, and sets it aside when it is damaged."""
        if self._opened is not None or self._within(self._tried_at, OPEN_PAUSE_S):
            return self._opened
        try:
            try:
                opened = green.run_in_native_thread(database.open_file, self._path, demo=self._demo)
            except Damaged as damage:
                self._set_aside(damage)
                opened = green.run_in_native_thread(database.open_file, self._path, demo=self._demo)
        except (Refused, Damaged, OSError, sqlite3.Error) as error:
            self._tried_at = self._clock()
            self._fail(f"cannot be opened: {in_words(error)}")
            return None
        self._tried_at = None
        self._opened = opened
        self._recorder.begin_anew()
        self.records = opened.records
        self.oldest = opened.oldest
        self.size_bytes = opened.size_bytes
        # what was noted while the file could not be opened is newer, and not in it yet
        self.events = {**opened.events, **self.events}
        self._recover()
        return opened

    def _set_aside(self, damage: Exception) -> None:
        """Puts a damaged file out of the way.

        Raises:
            Damaged: that was done a moment ago with another one.
            OSError: it cannot be renamed.
        """
        if self._within(self._set_aside_at, SET_ASIDE_PAUSE_S):
            raise Damaged(f"damaged again ({damage})")
        aside = green.run_in_native_thread(database.set_aside, self._path, self._clock())
        self._set_aside_at = self._clock()
        self.note("set_aside", f"{aside.name}: {damage}")
        logger.error("archive is damaged, set aside, a new one is begun file=%s reason=%s", aside, damage)

    def _write(self, opened: Opened, batch: Batch) -> bool:
        """Whether the next batch can follow."""
        try:
            added, self.size_bytes = green.run_in_native_thread(_write_checked, self._path, opened, batch)
        except Replaced:
            self._recorder.put_back(batch)
            logger.error("archive was removed or replaced, it is opened anew path=%s", self._path)
            self.release()
            return True
        except (
            *(sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError),
            *(ValueError, OverflowError),
        ) as error:
            if len(batch) > 1:
                return self._write_singly(opened, batch)
            # it would fail for ever, and the others behind it
            self._bugs.exception(logger, "a row cannot be stored, given up", error)
            self.rows_given_up += 1
            self.failures += 1
            return True
        except (sqlite3.Error, OSError) as error:
            self._recorder.put_back(batch)
            self._fail_to_write(error)
            return False
        for kind, count in added.items():
            self.records[kind] += count
        self.oldest = min((time for time in (self.oldest, batch.oldest) if time is not None), default=None)
        self.rows_written += len(batch)
        self.last_save = self._clock()
        self._recover()
        return True

    def _write_singly(self, opened: Opened, batch: Batch) -> bool:
        """One row that cannot be stored must not take the others with it."""
        is_well = True
        waiting: list[Batch] = []
        for one in batch.singly():
            if is_well and self._opened is opened:
                is_well = self._write(opened, one)
            else:
                waiting.append(one)
        for one in reversed(waiting):
            self._recorder.put_back(one)
        return is_well

    def _fail_to_write(self, error: Exception) -> None:
        self._fail(f"cannot be written: {in_words(error)}")
        if database.is_damage(error):
            self._begin_anew(error)
        elif not database.is_passing(error):
            self._tried_at = self._clock()
            self.release()

    def _begin_anew(self, damage: Exception) -> None:
        """Has a damaged file that is open out of the way before the next attempt to write."""
        self.release()
        try:
            self._set_aside(damage)
        except (Damaged, OSError) as failure:
            self._tried_at = self._clock()
            self._fail(f"damaged, and not set aside: {in_words(failure)}")

    def _fail(self, trouble: str) -> None:
        self.failures += 1
        if trouble != self.trouble:
            pending = self._recorder.pending
            logger.error("archive fails, rows wait path=%s reason=%s pending=%d", self._path, trouble, pending)
        self.trouble = trouble

    def _recover(self) -> None:
        if self.trouble is not None:
            logger.info("archive is open path=%s records=%d", self._path, sum(self.records.values()))
        self.trouble = None

    def _within(self, moment: float | None, seconds: float) -> bool:
        """Whether that was less than so many seconds ago; not so when the clock was set back."""
        return moment is not None and 0 <= self._clock() - moment < seconds


def in_words(error: Exception) -> str:
    """What went wrong, for the operator."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)


def _write_checked(path: Path, opened: Opened, batch: Batch) -> tuple[dict[Kind, int], int]:
    """Writes a batch; gives how many rows of each kind are new, and the size of the file. In a native thread.

    Raises:
        Replaced: nothing was written; what is open is not what is under that name.
        sqlite3.Error: nothing was written.
    """
    if not database.is_same_file(path, opened):
        raise Replaced
    return write_batch(opened.connection, batch), database.size_of(path)
