"""The archive as the others see it: it takes publications in, writes them once a second, and answers reads.

All disk work is done in native threads. One connection writes, in turns; each read has a connection of its own. A disk
that fails, a folder that cannot be written and a file that cannot be read never raise here: the rows wait, bounded, the
status says so, and each flush tries again.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from websocket import green
from websocket.archive import database
from websocket.archive.keeper import Keeper
from websocket.archive.progress import Progress
from websocket.archive.reads import Reads
from websocket.archive.recorder import Recorder
from websocket.archive.status import ArchiveStatus, EventKind
from websocket.archive.turns import Turns
from websocket.broker.base import Publication
from websocket.errors import ArchiveUnavailable
from websocket.settings import ArchiveSettings

logger = logging.getLogger(__name__)

START_WAIT_S = 2.0
"""How long the start of the service waits for the file to be checked; that goes on behind it then."""

CLOSE_WAIT_S = 5.0
"""How long its end waits for the disk."""

READ_TIME_S = 3.0
"""Longest time of one read; a search through all articles of some years takes a second."""

INSTRUCTIONS_PER_LOOK = 20_000
"""Of SQLite's virtual machine, between two looks at the clock while it reads; about a millisecond."""

T = TypeVar("T")


def archive_path(settings: ArchiveSettings, folder: Path, *, demo: bool) -> Path:
    """Where the file is. Real and simulated content never share one.

    Args:
        settings: of the archive.
        folder: ``DATA_DIR``.
        demo: whether the content is simulated.
    """
    path = Path(settings.file) if settings.file else folder / "archive.sqlite3"
    return path.with_name(f"{path.stem}-demo{path.suffix}") if demo else path


class Archive:
    """Keeps what was published. For green threads only.

    Args:
        settings: of the archive.
        folder: ``DATA_DIR``.
        demo: whether the content is simulated.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self, settings: ArchiveSettings, folder: Path, *, demo: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = archive_path(settings, folder, demo=demo).absolute()
        self._is_enabled = settings.enabled
        self._recorder = Recorder(max_pending=settings.max_pending, clock=clock)
        self._keeper = Keeper(self.path, self._recorder, settings, demo=demo, clock=clock)
        self._turns = Turns()
        self._flush_to_come: threading.Event | None = None
        self._is_started = False
        self._is_closed = False
        self._reads = Reads()

    # Taking in

    def on_publication(self, publication: Publication) -> None:
        """Takes over what is worth keeping. Never blocks and never raises: a listener of the broker."""
        if self._is_enabled and not self._is_closed:
            self._recorder.add(publication)

    def on_task(self, progress: Progress) -> None:
        """Remembers backups and exports that were done. One that failed may have met damage. A listener of ``Jobs``."""
        if progress.state == "done":
            self.note(progress.task, progress.file or "")
        elif progress.state == "failed":
            self._check_soon()

    def note(self, kind: EventKind, detail: str) -> None:
        """Remembers that something happened to the archive itself; written with the next flush."""
        if self._is_enabled:
            self._keeper.note(kind, detail)

    def learn_of_backup(self, made_at: float) -> None:
        """Takes over when a backup was made, Unix seconds; somebody may have made it by the command line."""
        self._keeper.learn("backup", made_at)

    # Writing

    def start(self) -> None:
        """Opens the file, or begins to: the check of a large one, or a disk that hangs, holds nobody up."""
        if not self._is_enabled or self._is_started:
            return
        self._is_started = True
        try:
            with green.deadline(START_WAIT_S):
                self.flush()
        except green.DeadlineExceeded:
            logger.warning("archive takes long to open, rows wait meanwhile path=%s", self.path)

    def flush(self) -> None:
        """Writes what is pending and returns when that was tried. Opens the file when it is not open."""
        if not self._is_started or self._is_closed:
            return
        # a disk that hangs keeps one flush waiting, and everybody else waits for that one
        if self._flush_to_come is None:
            self._flush_to_come = self._turns.begin(self._flush)
        self._flush_to_come.wait()

    def prune(self) -> None:
        """Deletes what has been kept as long as the settings say, and returns when that was tried."""
        if self._is_started and not self._is_closed:
            self._turns.begin(self._keeper.prune).wait()

    def close(self) -> None:
        """Writes what is pending and lets go of the file. Idempotent; waits a few seconds for a slow disk, no more."""
        if self._is_started and not self._is_closed:
            try:
                with green.deadline(CLOSE_WAIT_S):
                    self.flush()
                    self._is_closed = True
                    self._turns.begin(self._keeper.release).wait()
            except green.DeadlineExceeded:
                logger.error("archive not closed in time path=%s pending=%d", self.path, self._recorder.pending)
        self._is_closed = True

    def _check_soon(self) -> None:
        """Has the file checked, and set aside if it is damaged; nobody waits for that."""
        if self._is_started and not self._is_closed:
            self._turns.begin(self._keeper.check)

    def _flush(self) -> None:
        self._flush_to_come = None
        self._keeper.write()

    # Reading

    def status(self) -> ArchiveStatus:
        """How it is doing at this moment. Does no I/O."""
        keeper = self._keeper
        pending = self._recorder.pending
        is_healthy = self._is_enabled and keeper.trouble is None
        return ArchiveStatus(
            enabled=self._is_enabled,
            path=str(self.path),
            healthy=is_healthy,
            detail=self._detail(),
            records={str(kind): count for kind, count in keeper.records.items()},
            total_records=sum(keeper.records.values()),
            size_bytes=keeper.size_bytes,
            last_save=keeper.last_save,
            pending=pending,
            dropped=keeper.rows_given_up + self._recorder.dropped,
            rows_written=keeper.rows_written,
            failed_writes=keeper.failures,
            active_writers=int(keeper.is_open and is_healthy),
            oldest_record=keeper.oldest,
            last_backup=keeper.events.get("backup"),
            last_export=keeper.events.get("export"),
        )

    def read(self, query: Callable[[sqlite3.Connection], T], *, reader: str = "") -> T:
        """Runs a query in a native thread, on a read-only connection that sees one state of the file.

        Args:
            query: gets the connection. It must neither log nor wait for green threads; its own exceptions come through.
            reader: who asks, such as an address. Each has one read at a time, and waits for it in turn.

        Raises:
            ArchiveUnavailable: the archive is off or not open, other reads go on for long, or this one took too long.
            TooManyReads: this reader has more of them waiting than it may.
        """
        if not self._keeper.is_open:
            raise ArchiveUnavailable(f"The archive cannot be read: {self._detail()}.")
        read = _Read(self.path, query, self._reads, self._reads.begin(reader))
        try:
            # the query's own time is limited where it runs; this is for a disk that hangs
            with green.deadline(READ_TIME_S + database.BUSY_TIMEOUT_S):
                answer: T = green.DISK_READS.run(read)
                return answer
        except sqlite3.Error as error:
            if database.is_damage(error):
                self._check_soon()
            if str(error) == "interrupted":
                raise ArchiveUnavailable("This read takes too long; ask for less.") from error
            raise ArchiveUnavailable(f"The archive cannot be read: {error}.") from error
        except green.DeadlineExceeded as error:
            raise ArchiveUnavailable("The disk of the archive takes too long to answer.") from error
        finally:
            read.give_up()

    def _detail(self) -> str:
        if not self._is_enabled:
            return "ARCHIVE_ENABLED is off"
        keeper = self._keeper
        return keeper.trouble or f"{sum(keeper.records.values())} records in {self.path}"


class _Read:
    """One read, in a native thread; it goes on to its end also when nobody waits for it any more.

    Args:
        path: of the file.
        query: what is asked.
        reads: all reads that have not ended.
        turn: of this one.
    """

    def __init__(self, path: Path, query: Callable[[sqlite3.Connection], Any], reads: Reads, turn: object) -> None:
        self._path = path
        self._query = query
        self._reads = reads
        self._turn = turn
        self._has_begun = False

    def __call__(self) -> Any:
        """Runs it.

        Raises:
            sqlite3.Error: it failed, or was interrupted because it took too long.
        """
        self._has_begun = True
        try:
            connection = database.reader(self._path)
            over_at = time.monotonic() + READ_TIME_S
            connection.set_progress_handler(lambda: time.monotonic() > over_at, INSTRUCTIONS_PER_LOOK)
            try:
                return self._query(connection)
            finally:
                connection.close()
        finally:
            self._reads.end(self._turn)

    def give_up(self) -> None:
        """Nobody waits any more: one that has not begun by now never will."""
        if not self._has_begun:
            self._reads.end(self._turn)
