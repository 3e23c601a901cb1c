"""Backups of the archive: copied while it is in use, verified before they count, kept by number, and put back.

Nothing in here knows green threads: the service calls it in a native thread, the command line directly.
"""

from __future__ import annotations

import calendar
import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec

from websocket.archive.database import DEMO_DATA, REAL_DATA, TABLES
from websocket.archive.files import check_room, remove_leftovers, replacing
from websocket.archive.progress import Report, Step
from websocket.errors import ArchiveError

PAGES_PER_STEP = 256
"""Copied between two reports, about 1 MB: the file is not held on to any longer than that."""

BUSY_TIMEOUT_S = 10.0

INSTRUCTIONS_PER_REPORT = 200_000
"""Of SQLite's virtual machine while a file is checked: some milliseconds."""

SUFFIX = ".sqlite3"

MOMENT = "%Y%m%dT%H%M%SZ"
"""Form of the times in names of files, UTC."""

_OWN_NAME = r"-(\d{8}T\d{6}Z)(?:-(\d+))?"


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a file of the archive.

    Attributes:
        application_id: tells that it is an archive, and whether of real or of simulated content.
        version: of the tables (``user_version``).
        rows: number of rows by table.
    """

    application_id: int
    version: int
    rows: dict[str, int]


@contextlib.contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot change the file, closed after the block. What SQLite says becomes an ``ArchiveError``.

    Raises:
        ArchiveError: there is no such file, or SQLite failed with it inside of the block.
    """
    if not file.is_file():
        raise ArchiveError(f"{file} does not exist")
    connection = None
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(file.absolute()))}?mode=ro", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S
        )
        yield connection
    except sqlite3.Error as error:
        raise ArchiveError(f"{file} cannot be read: {error}") from error
    finally:
        if connection is not None:
            connection.close()


def contents_of(connection: sqlite3.Connection) -> Contents:
    """Counts the rows of all tables; reads a large part of the file.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    names = [
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
    ]
    rows = {}
    for name in names:
        (rows[name],) = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()  # noqa: S608 - a table of the file
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return Contents(application_id=application_id, version=version, rows=rows)


def check(file: Path, report: Report) -> Contents:
    """Reads every page of a file and counts its rows.

    Raises:
        ArchiveError: it is no archive, or it is damaged; tells the first thing that is wrong.
        Cancelled: the report said so.
    """
    with reading(file) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        step = Step(done=pages, total=pages, unit="pages", verifying=True)
        report(step)
        asked_to_end: list[BaseException] = []

        def look() -> int:
            try:
                report(step)
            except BaseException as error:  # noqa: BLE001 - it cannot pass through SQLite, so it is raised again below
                asked_to_end.append(error)
            return len(asked_to_end)

        connection.set_progress_handler(look, INSTRUCTIONS_PER_REPORT)
        try:
            faults = [text for (text,) in connection.execute("PRAGMA integrity_check(5)")]
            contents = contents_of(connection)
        except sqlite3.OperationalError:
            if asked_to_end:
                raise asked_to_end[0] from None
            raise
        if faults != ["ok"]:
            raise ArchiveError(f"{file} is damaged: {' '.join(faults[0].split())}")
        if contents.application_id not in (REAL_DATA, DEMO_DATA) or not contents.rows.keys() >= TABLES:
            raise ArchiveError(f"{file} is no archive")
        return contents


def back_up(source: Path, folder: Path, *, keep: int, now: float, report: Report) -> Path:
    """Copies the archive into a folder, verifies the copy, and only then removes older ones.

    Writers go on meanwhile: the copy is what was in the archive when it began. An attempt that fails leaves nothing
    behind, and the older backups as they were.

    Args:
        source: the archive.
        folder: for backups; made when missing.
        keep: backups of this archive that stay, this one included.
        now: Unix seconds, for the name.
        report: told about each step.

    Returns:
        The new file: ``<name of the archive>-<UTC>.sqlite3``.

    Raises:
        ArchiveError: why there is no backup.
        Cancelled: the report said so.
    """
    with reading(source) as connection:
        # A read transaction that lasts holds one state of the archive. Without it SQLite would begin the copy anew
        # whenever somebody has written, which is every second, and a large copy would never be done.
        connection.execute("BEGIN")
        expected = contents_of(connection)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
        check_room(folder, pages * page_size)
        remove_leftovers(folder, f"{source.stem}-*{SUFFIX}")
        target = _free_name(folder, source.stem, now)
        with replacing(target) as temporary:
            copy_to(connection, temporary, report)
            found = check(temporary, report)
            if found != expected:
                raise ArchiveError(f"the copy is not what was copied: {found.rows} instead of {expected.rows}")
    for old in backups(folder, source.stem)[keep:]:
        with contextlib.suppress(OSError):
            old.unlink()
    return target


def backups(folder: Path, stem: str) -> list[Path]:
    """The backups of one archive in a folder, newest first; other files are left out.

    Args:
        folder: for backups; may be missing.
        stem: name of the archive's file without its suffix. Demo and real data differ in it.
    """
    own = re.compile(re.escape(stem) + _OWN_NAME + re.escape(SUFFIX))
    found = [(match, file) for file in folder.glob(f"{stem}-*{SUFFIX}") if (match := own.fullmatch(file.name))]
    found.sort(key=lambda pair: (pair[0][1], int(pair[0][2] or 1)), reverse=True)
    return [file for _, file in found]


def made_at(backup: Path) -> float:
    """When a backup was begun, by its name as ``back_up`` gives it, Unix seconds."""
    found = re.search(_OWN_NAME + re.escape(SUFFIX), backup.name)
    assert found is not None, backup
    return float(calendar.timegm(time.strptime(found[1], MOMENT)))


def copy_to(connection: sqlite3.Connection, target: Path, report: Report) -> None:
    """Copies page by page into an empty file, which is then one file without others beside it.

    Raises:
        ArchiveError: it cannot be written.
        Cancelled: the report said so.
    """

    def progress(_status: int, left: int, total: int) -> None:
        report(Step(done=total - left, total=total, unit="pages"))

    copy = sqlite3.connect(target, isolation_level=None)
    try:
        # whole or not there is the business of the rename; the copy is forced to the disk once, before it
        copy.execute("PRAGMA synchronous = OFF")
        connection.backup(copy, pages=PAGES_PER_STEP, progress=progress)
        copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise ArchiveError(f"{target.parent} cannot be written: {error}") from error
    finally:
        copy.close()


def _free_name(folder: Path, stem: str, now: float) -> Path:
    base = f"{stem}-{time.strftime(MOMENT, time.gmtime(now))}"
    target, number = folder / f"{base}{SUFFIX}", 1
    while target.exists():
        number += 1
        target = folder / f"{base}-{number}{SUFFIX}"
    return target
