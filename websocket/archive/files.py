"""Files that are whole or not there: made under another name, forced to the disk, then renamed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from websocket.errors import ArchiveError

SPARE_BYTES = 32_000_000
"""Left free on the disk by what we write beside the archive, because the archive itself must go on."""

_SIDECARS = ("-journal", "-wal", "-shm")
"""What SQLite may leave beside a file."""


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Gives the name of an empty file to write to; it becomes ``target`` when the block ends without an exception.

    Whenever the power goes there is the old file, the new one or none, and never half of one. What is left of a
    process that was killed is overwritten by the next with the same target; see ``remove_leftovers``.

    Raises:
        ArchiveError: another process writes the same file, or the folder cannot be written.
    """
    temporary = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = _claim(temporary)
    except OSError as error:
        raise ArchiveError(f"{target.parent} cannot be written: {error.strerror or error}") from error
    if handle is None:
        raise ArchiveError(f"{target} is being written by another process")
    try:
        os.ftruncate(handle, 0)
        yield temporary
        try:
            os.fsync(handle)
            temporary.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise ArchiveError(f"{target} cannot be written: {error.strerror or error}") from error
    except BaseException:
        _remove(temporary)
        raise
    finally:
        os.close(handle)


def remove_leftovers(folder: Path, pattern: str) -> None:
    """Removes what killed processes left of files whose names match; what somebody writes now is left alone.

    Args:
        folder: where to look.
        pattern: of the names of the whole files, as for ``Path.glob``.
    """
    for temporary in folder.glob(f".{pattern}.new"):
        handle = _claim(temporary)
        if handle is not None:
            _remove(temporary)
            os.close(handle)


def check_room(folder: Path, needed_bytes: int) -> None:
    """Makes sure that there is room for a file and some more.

    Raises:
        ArchiveError: there is not, or the folder cannot be looked at.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ArchiveError(f"{folder} cannot be written: {error.strerror or error}") from error
    if free < needed_bytes + SPARE_BYTES:
        raise ArchiveError(
            f"not enough room in {folder}: {_megabytes(free)} are free, "
            f"{_megabytes(needed_bytes)} and {_megabytes(SPARE_BYTES)} to spare are needed"
        )


def sync_folder(folder: Path) -> None:
    """Forces the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _claim(temporary: Path) -> int | None:
    """Opens and locks a file; None when another process has it. The lock goes with the process, however it ends."""
    handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _remove(temporary: Path) -> None:
    for suffix in ("", *_SIDECARS):
        with contextlib.suppress(OSError):
            temporary.with_name(f"{temporary.name}{suffix}").unlink()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
