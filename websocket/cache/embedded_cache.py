"""A cache in memory with one file beside it, so that a restart without internet or Redis still has the last values.

The file is one line of magic and checksum, then MessagePack. It is replaced as a whole, so it is either the old or the
new one, whenever the power goes.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from websocket import green
from websocket.cache.base import Cache, CacheStatus, Check, trouble_with
from websocket.errors import InUse, StartError
from websocket.refused import Refused
from websocket.supervisor import supervise

logger = logging.getLogger(__name__)

FILE_NAME = "cache.bin"
LOCK_NAME = "lock"
MAX_BYTES = 16_000_000
SAVE_INTERVAL_S = 1.0

_MAGIC = b"dwt-cache-1"
_LOCK_RETRY_S = 0.1


class Entry(msgspec.Struct, frozen=True):
    """One value.

    Attributes:
        value: as it was put.
        expires_at: Unix seconds, so that it means the same after a restart; None for never.
    """

    value: bytes
    expires_at: float | None


class EmbeddedCache(Cache):
    """Memory, saved to ``DATA_DIR`` at most once a second and on ``close()``.

    One process at a time holds the folder. A file that cannot be understood is set aside under another name. When the
    file cannot be written any more, values stay in memory and every second it is tried again.

    Args:
        folder: ``DATA_DIR``; made when missing.
        clock: Unix seconds.
        max_bytes: size of keys and values together; beyond it the values that were put longest ago are dropped.
        lock_wait_s: seconds to wait for a process that is about to leave the folder, such as the worker that a
            reload replaces.

    Raises:
        StartError: another process holds the folder, or it cannot be made or written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        max_bytes: int = MAX_BYTES,
        lock_wait_s: float = 0.0,
    ) -> None:
        self._folder = folder.absolute()
        self._clock = clock
        self._max_bytes = max_bytes
        self._entries: dict[str, Entry] = {}
        self._size_bytes = 0
        self._unsaved = False
        self._saving = threading.Lock()
        self._save_error: str | None = None
        self._last_error: str | None = None
        self._hits = 0
        self._misses = 0
        self._refused = Refused("the cache")
        self._closed = False
        self._lock_file = lock_folder(self._folder, lock_wait_s)
        try:
            self._load()
        except OSError as error:
            os.close(self._lock_file)
            raise _unusable(self._folder, error) from error
        supervise("cache file", self._keep_saved, may_end=lambda: self._closed)

    def get(self, key: str, check: Check | None = None) -> bytes | None:
        entry = self.peek(key)
        if entry is not None and (trouble := trouble_with(entry.value, check)) is not None:
            self._refused.note(key, trouble)
            entry = None
        if entry is None:
            self._misses += 1
            return None
        self._hits += 1
        return entry.value

    def peek(self, key: str) -> Entry | None:
        """The value with its end, or None; counts neither as a hit nor as a miss. Does not yield."""
        entry = self._entries.get(key)
        if entry is not None and entry.expires_at is not None and entry.expires_at <= self._clock():
            self.delete(key)
            return None
        return entry

    def keys(self) -> list[str]:
        """Names of all values that are not over, the one put longest ago first. Does not yield."""
        return [key for key in list(self._entries) if self.peek(key) is not None]

    def put(self, key: str, value: bytes, ttl_s: float | None = None) -> None:
        if ttl_s is not None and not ttl_s > 0:
            raise ValueError(f"ttl_s of {key!r} must be above 0, got {ttl_s!r}")
        if ttl_s is None and self._entries.get(key) == Entry(value, None):
            return
        self.delete(key)
        if _size(key, value) > self._max_bytes:
            logger.error("value is larger than the cache, not kept key=%s bytes=%d", key, len(value))
            return
        self._entries[key] = Entry(value, None if ttl_s is None else self._clock() + ttl_s)
        self._size_bytes += _size(key, value)
        self._unsaved = True
        while self._size_bytes > self._max_bytes:
            oldest = next(iter(self._entries))
            self.delete(oldest)
            logger.warning("cache is full, oldest value dropped key=%s max_bytes=%d", oldest, self._max_bytes)

    def delete(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size_bytes -= _size(key, entry.value)
            self._unsaved = True

    def status(self) -> CacheStatus:
        file = self._folder / FILE_NAME
        if self._save_error is None:
            detail = f"{len(self._entries)} values in memory and in {file}"
        else:
            detail = f"{len(self._entries)} values in memory only: {file} cannot be written ({self._save_error})"
        return CacheStatus(
            kind="embedded",
            healthy=self._save_error is None,
            detail=detail,
            last_error=self._last_error,
            hits=self._hits,
            misses=self._misses,
            refused=self._refused.count,
            last_refused=self._refused.last,
        )

    def save(self) -> None:
        """Writes the file when something changed since it was written; the disk works in a native thread.

        A failure is kept for ``status()``, logged once, and what could not be written stays to be written.
        """
        self._save(lambda file, data: green.run_in_native_thread(_replace_file, file, data))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        # Without a native thread: this may be a process that only looks and then forks, which such threads do not
        # survive; and nobody is left who could be held up.
        self._save(_replace_file)
        # The file stays: removing it would let a third process lock a new one while a second still waits on this one.
        os.close(self._lock_file)

    def _save(self, write: Callable[[Path, bytes], None]) -> None:
        with self._saving:
            if not self._unsaved:
                return
            live = {key: self._entries[key] for key in self.keys()}
            self._unsaved = False
            try:
                write(self._folder / FILE_NAME, _encode(live))
            except OSError as error:
                self._unsaved = True
                self._last_error = error.strerror or str(error)
                if self._save_error is None:
                    logger.warning("cache file not written folder=%s reason=%s", self._folder, self._last_error)
                self._save_error = self._last_error
                return
            if self._save_error is not None:
                self._save_error = None
                logger.info("cache file written again folder=%s", self._folder)

    def _keep_saved(self) -> None:
        while True:
            green.sleep(SAVE_INTERVAL_S)
            if self._closed:
                return
            try:
                self.save()
            except Exception:
                logger.exception("saving the cache failed")

    def _load(self) -> None:
        """Takes over what an earlier process left.

        Raises:
            OSError: the file can neither be read nor moved out of the way.
        """
        file = self._folder / FILE_NAME
        try:
            if not file.exists():
                return
            entries = _decode(_read(file))
        except (OSError, ValueError) as error:
            moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock()))
            aside = file.with_name(f"{FILE_NAME}.unreadable-{moment}")
            file.rename(aside)
            self._last_error = f"{FILE_NAME} could not be read: {error}"
            logger.warning("cache file set aside, starting without it file=%s reason=%s", aside, error)
            return
        self._entries = entries
        self._size_bytes = sum(_size(key, entry.value) for key, entry in entries.items())


def _size(key: str, value: bytes) -> int:
    return len(key.encode()) + len(value)


def _encode(entries: dict[str, Entry]) -> bytes:
    body = msgspec.msgpack.encode(entries)
    return b"%s %08x\n%s" % (_MAGIC, zlib.crc32(body), body)


def _decode(data: bytes) -> dict[str, Entry]:
    """Raises ValueError when it is not what ``_encode`` makes."""
    head, _, body = data.partition(b"\n")
    if not head.startswith(_MAGIC + b" "):
        raise ValueError("not a file of this cache")
    if head != b"%s %08x" % (_MAGIC, zlib.crc32(body)):
        raise ValueError("its checksum is wrong")
    return msgspec.msgpack.decode(body, type=dict[str, Entry])


def _read(file: Path) -> bytes:
    if not file.is_file():
        raise ValueError("not a regular file")
    if file.stat().st_size > 2 * MAX_BYTES:
        raise ValueError("too large")
    return file.read_bytes()


def _replace_file(file: Path, data: bytes) -> None:
    """Puts ``data`` in the place of ``file`` so that a crash leaves the old or the new content.

    Raises:
        OSError: it did not work, and the old file is still there.
    """
    temporary = file.with_name(f"{file.name}.new")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError:
        # What was written of it takes room on a disk that may be full for that very reason.
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def lock_folder(folder: Path, wait_s: float) -> int:
    """Gives the open file that holds the lock of ``DATA_DIR``; the system lets go of it when the process ends,
    however it ends.

    Raises:
        InUse: another process has it.
        StartError: the folder cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _unusable(folder, error) from error
    waited_s = 0.0
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(file, 0)
            os.pwrite(file, b"%d\n" % os.getpid(), 0)
            return file
        except BlockingIOError as error:
            if waited_s >= wait_s:
                pid = os.pread(file, 32, 0).decode("ascii", "replace").strip()
                os.close(file)
                raise InUse(
                    f"DATA_DIR: the folder {folder} is in use by {f'process {pid}' if pid else 'another process'}; "
                    "stop it or set DATA_DIR to another folder"
                ) from error
        except OSError as error:
            os.close(file)
            raise _unusable(folder, error) from error
        green.sleep(_LOCK_RETRY_S)
        waited_s += _LOCK_RETRY_S


def _unusable(folder: Path, error: OSError) -> StartError:
    return StartError(
        f"DATA_DIR: the folder {folder} cannot be used ({error.strerror or error}); "
        "set DATA_DIR to a folder that can be written"
    )
