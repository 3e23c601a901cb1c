"""The file of the archive: opened, created, checked, locked, and set aside when it is damaged. Runs in a native thread.

The file keeps a write-ahead log, so readers and backups never wait for the writer. Every commit is forced to the disk
(``synchronous = FULL``): with one a second that costs nothing that anybody waits for, and then a power cut loses no
more than kill -9 does.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

import msgspec

from websocket.archive.retention import oldest_time
from websocket.archive.status import Kind

SCHEMA = Path(__file__).with_name("schema.sql")

TABLES = {"prices", "candles", "articles", "whales", "updates", "events"}

SCHEMA_VERSION = 2
"""``user_version`` of the file. An older file is brought to it when it is opened; a newer one is left alone."""

REAL_DATA = 0x44575441
DEMO_DATA = 0x44575464
"""``application_id`` of the file: simulated content must never be taken for real one."""

BUSY_TIMEOUT_S = 5.0
"""How long SQLite waits for another process, such as a restore that is being tried while the service runs."""

CACHE_KB = 8000

_MAGIC = b"SQLite format 3\0"

_LOG_LIMIT_BYTES = 16_000_000
"""The write-ahead log is cut to this after it was large."""


class Refused(Exception):
    """The file is not ours to write to: in use, of a newer version, or something else. It is left as it is."""


class Damaged(Exception):
    """What is in the file cannot be read as an archive."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is open for writing.

    Attributes:
        connection: of the one writer; any thread may use it, one at a time.
        lock: descriptor that keeps other writers out.
        inodes: of the file and of its write-ahead log, by which it is found out that one was removed or replaced.
        records: rows by kind.
        oldest: time of the oldest row, or None.
        size_bytes: of the file with its write-ahead log.
        events: when each kind of event happened last.
    """

    connection: sqlite3.Connection
    lock: int
    inodes: tuple[int, int]
    records: dict[Kind, int]
    oldest: float | None
    size_bytes: int
    events: dict[str, float]


def open_file(path: Path, *, demo: bool) -> Opened:
    """Opens the archive for writing, after it was checked; makes it when there is none.

    Args:
        path: of the file. Missing folders are made.
        demo: whether it is to hold simulated content.

    Raises:
        Refused: another process writes it; it is of a newer version; it holds the other kind of content; it is a
            database of somebody else.
        Damaged: ``set_aside`` it.
        OSError, sqlite3.Error: the disk or the folder does not allow it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_file(path)
    connection = None
    try:
        _check_header(path)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        _prepare(connection, demo=demo)
        # the first read makes the write-ahead log where there is none, as after a restore
        records = _count(connection)
        return Opened(
            connection=connection,
            lock=lock,
            inodes=_inodes(path),
            records=records,
            oldest=oldest_time(connection),
            size_bytes=size_of(path),
            events=dict(connection.execute("SELECT kind, max(at) FROM events GROUP BY kind")),
        )
    except BaseException as error:
        if connection is not None:
            connection.close()
        os.close(lock)
        if isinstance(error, sqlite3.Error) and is_damage(error):
            raise Damaged(str(error)) from error
        raise


def close_file(opened: Opened) -> None:
    """Closes the file and lets others have it."""
    try:
        opened.connection.close()
    finally:
        os.close(opened.lock)


def lock_file(path: Path) -> int:
    """Claims the archive for one writer, by a file beside it; gives the descriptor to be closed in the end.

    The system lets go of it when the process ends, however it ends. The file stays: removing it would let a third
    process lock a new one while a second waits for this one.

    Raises:
        Refused: another process has it.
        OSError: the folder cannot be written.
    """
    name = path.with_name(f"{path.name}.lock")
    lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Refused("the file is in use by another process") from None
    except OSError:
        os.close(lock)
        raise
    return lock


def set_aside(path: Path, now: float) -> Path:
    """Renames a damaged file, with its write-ahead log, so that a new one can be begun; gives the new name.

    Raises:
        OSError: it cannot be renamed.
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    aside, number = path.with_name(f"{path.name}.corrupt-{moment}"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{moment}-{number}")
    path.rename(aside)
    with contextlib.suppress(FileNotFoundError):
        path.with_name(f"{path.name}-wal").rename(aside.with_name(f"{aside.name}-wal"))
    # an index of the log, which SQLite makes anew
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return aside


def is_damage(error: Exception) -> bool:
    """Whether SQLite says that the content is damaged, rather than that the disk failed."""
    # Python 3.10 does not tell SQLite's codes; these are the texts of SQLITE_CORRUPT and SQLITE_NOTADB
    said = str(error)
    return isinstance(error, sqlite3.DatabaseError) and ("malformed" in said or "not a database" in said)


def is_passing(error: Exception) -> bool:
    """Whether the connection is as good as before: the disk is full, or another process is writing."""
    said = str(error)
    return "is full" in said or "is locked" in said


def is_same_file(path: Path, opened: Opened) -> bool:
    """False when the file or its log was removed or replaced behind our back; what is written then is lost."""
    return _inodes(path) == opened.inodes


def check_file(path: Path) -> None:
    """Reads the file as others see it. The writer's own connection may go on for long with what it remembers.

    Raises:
        Damaged: ``set_aside`` it.
        OSError, sqlite3.Error: it could not be read to its end.
    """
    try:
        connection = reader(path)
        try:
            _check_content(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        if is_damage(error):
            raise Damaged(str(error)) from error
        raise


def _inodes(path: Path) -> tuple[int, int]:
    """Of the file and of its write-ahead log; 0 for one that is missing."""
    found = [0, 0]
    for number, name in enumerate((path.name, f"{path.name}-wal")):
        with contextlib.suppress(FileNotFoundError):
            found[number] = path.with_name(name).stat().st_ino
    return found[0], found[1]


def size_of(path: Path) -> int:
    """Bytes of the file and its write-ahead log."""
    size = 0
    for name in (path.name, f"{path.name}-wal"):
        with contextlib.suppress(OSError):
            size += path.with_name(name).stat().st_size
    return size


def reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read, in one snapshot; close it.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("BEGIN")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _check_header(path: Path) -> None:
    """Looks at the beginning of the file before SQLite does, which would throw a write-ahead log away that it finds
    beside a file that is no database.

    Raises:
        Damaged: it is none.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            header = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    if header and header != _MAGIC:
        raise Damaged("file is not a database")


def _prepare(connection: sqlite3.Connection, *, demo: bool) -> None:
    """Checks what is there, and makes the tables where nothing is.

    Raises:
        Refused, Damaged, sqlite3.Error: see ``open_file``.
    """
    own_id = DEMO_DATA if demo else REAL_DATA
    found_id, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    is_new = (found_id, version, tables) == (0, 0, 0)
    if not is_new:
        _check_owner(found_id, version, own_id)
        _check_content(connection)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    if is_new:
        # can be chosen only before the first table
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    # where the file system cannot do it, SQLite stays with its journal, which is as safe and only makes readers wait
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT_BYTES}").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    if is_new:
        connection.executescript(
            f"BEGIN IMMEDIATE; {SCHEMA.read_text()} PRAGMA application_id = {own_id};"
            f" PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
    else:
        for older in range(version, SCHEMA_VERSION):
            upgrade = SCHEMA.with_name(f"upgrade_{older}.sql").read_text()
            connection.executescript(f"BEGIN IMMEDIATE; {upgrade} PRAGMA user_version = {older + 1}; COMMIT;")


def _check_owner(found_id: int, version: int, own_id: int) -> None:
    if found_id not in (REAL_DATA, DEMO_DATA):
        raise Refused("the file is a database, but not an archive of this service; move it or set ARCHIVE_FILE")
    if found_id != own_id:
        kind = "simulated" if found_id == DEMO_DATA else "real"
        raise Refused(f"the file holds {kind} content; move it or set ARCHIVE_FILE")
    if not 1 <= version <= SCHEMA_VERSION:
        raise Refused(
            f"the file is of version {version} and this service knows versions up to {SCHEMA_VERSION}; "
            "run a newer service, or move the file"
        )


def _check_content(connection: sqlite3.Connection) -> None:
    found = [text for (text,) in connection.execute("PRAGMA quick_check(1)")]
    if found != ["ok"]:
        raise Damaged(" ".join(found[0].split()))
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if missing := sorted(TABLES - tables):
        raise Damaged(f"the file has no table {missing[0]}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _count(connection: sqlite3.Connection) -> dict[Kind, int]:
    def count(table: str) -> int:
        (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own names
        return int(rows)

    return {
        "prices": count("prices"),
        "candles_1m": count("candles WHERE interval = '1m'"),
        "candles_1h": count("candles WHERE interval = '1h'"),
        "articles": count("articles"),
        "whales": count("whales"),
        "updates": count("updates"),
    }
