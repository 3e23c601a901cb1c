"""Puts a backup in the place of the archive, while no service uses it. What was there is kept beside it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from websocket.archive.backup import MOMENT, check, copy_to, reading
from websocket.archive.database import DEMO_DATA, REAL_DATA, SCHEMA_VERSION, Refused, is_damage, lock_file
from websocket.archive.files import check_room, replacing
from websocket.archive.progress import Report
from websocket.errors import ArchiveError

LOCK_TIMEOUT_S = 1.0


def restore(backup: Path, target: Path, *, demo: bool, now: float, report: Report) -> Path | None:
    """Verifies a backup, then puts a copy of it in the place of the archive.

    The caller holds the lock of ``DATA_DIR``; the lock of the archive itself is taken here, because ``ARCHIVE_FILE``
    may be that of a service with another ``DATA_DIR``.

    Args:
        backup: what is put back; it stays as it is.
        target: the archive; may be missing.
        demo: whether the archive is that of the demo mode.
        now: Unix seconds, for the name of the replaced file.
        report: told about each step.

    Returns:
        The replaced file under its new name; None when there was none.

    Raises:
        ArchiveError: why nothing was changed.
    """
    if target.exists() and backup.exists() and backup.samefile(target):
        raise ArchiveError(f"{backup} is the archive itself")
    contents = check(backup, report)
    if contents.application_id != (DEMO_DATA if demo else REAL_DATA):
        raise ArchiveError(f"{backup} holds {'real' if demo else 'simulated'} content, which never mix")
    if contents.version > SCHEMA_VERSION:
        raise ArchiveError(f"{backup} is of version {contents.version}, this program knows {SCHEMA_VERSION}")
    check_room(target.parent, backup.stat().st_size)
    with _out_of_use(target), replacing(target) as temporary:
        with reading(backup) as connection:
            copy_to(connection, temporary, report)
        _note(temporary, backup.name, now)
        check(temporary, report)
        return _keep_aside(target, now)


@contextlib.contextmanager
def _out_of_use(archive: Path) -> Iterator[None]:
    """Makes sure that nobody uses the archive, and keeps it so during the block.

    Raises:
        ArchiveError: somebody does, or the folder cannot be written.
    """
    try:
        lock = lock_file(archive)
    except Refused as error:
        raise ArchiveError(f"{error}; stop the service first") from error
    except OSError as error:
        raise ArchiveError(f"{archive.parent} cannot be written: {error.strerror or error}") from error
    try:
        if archive.exists():
            _leave_log(archive)
        yield
    finally:
        os.close(lock)


def _leave_log(archive: Path) -> None:
    """Brings all that was written into the one file that will be kept; a damaged one is left as it is.

    Raises:
        ArchiveError: somebody reads it.
    """
    connection = sqlite3.connect(archive, isolation_level=None, timeout=LOCK_TIMEOUT_S)
    try:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.Error as error:
        if not is_damage(error):
            raise ArchiveError(f"{archive} cannot be replaced now: {error}") from error
    finally:
        connection.close()


def _note(file: Path, name: str, now: float) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("INSERT INTO events (kind, at, detail) VALUES ('restore', ?, ?)", (now, name))
    except sqlite3.Error as error:
        raise ArchiveError(f"{name} is no archive of this version: {error}") from error
    finally:
        connection.close()


def _keep_aside(archive: Path, now: float) -> Path | None:
    """Gives the archive a second name, so that it stays when the first one goes to the restored file."""
    if not archive.exists():
        return None
    aside = archive.with_name(f"{archive.name}.replaced-{time.strftime(MOMENT, time.gmtime(now))}")
    try:
        # the log of a damaged archive would be played into the file that takes its place
        for suffix in ("-wal", "-shm", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                archive.with_name(f"{archive.name}{suffix}").rename(aside.with_name(f"{aside.name}{suffix}"))
        try:
            os.link(archive, aside)
        except FileExistsError:
            raise
        except OSError:  # not every file system has hard links
            archive.rename(aside)
    except OSError as error:
        raise ArchiveError(f"{archive} cannot be kept as {aside.name}: {error.strerror or error}") from error
    return aside
