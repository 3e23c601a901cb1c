"""The service ``persistence``: how the archive of this process is doing, and how far its backups and exports are."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path

import msgspec

from websocket.archive.progress import Progress
from websocket.archive.status import ArchiveStatus
from websocket.feed_status import is_warming_up
from websocket.records import to_rfc3339
from websocket.scheduler import Scheduler
from websocket.services.base import DataService, PartInfo, PartStatus, Payload, ServiceContext, ServiceStatus, summarise
from websocket.services.change_watch import ChangeWatch

TASKS_SHOWN = 5

FOLDERS = re.compile(r"(?<![\w.])/(?:[^/\s'\"]+/)+")
"""What stands before the name in a whole path."""


class Persistence(Payload, frozen=True, kw_only=True):
    """Payload of ``persistence``. Its parts are ``archive`` and, once one was tried, ``backup``.

    Attributes:
        storage_location: the file, with the folder that holds it; null when the archive is off.
        total_records: rows in it; null while it could not be opened yet.
        records: the same by kind: ``prices``, ``candles_1m``, ``candles_1h``, ``articles``, ``whales``, ``updates``.
        storage_size: size of the file for people, for example ``2.5 GB``; null while it could not be opened yet.
        storage_bytes: the same in bytes.
        last_save: when rows were last written, RFC 3339 UTC, or null.
        active_writers: 1 while rows can be written, else 0.
        pending_writes: rows that wait to be written.
        failed_writes: attempts to open or to write the file that failed, since the start.
        dropped: rows that were given up, because too many waited or because they could not be stored.
        oldest_record: time of the oldest price, candle, article or transaction, RFC 3339 UTC, or null.
        last_backup: when the last backup was done, RFC 3339 UTC, or null.
        last_export: when the last export was done, RFC 3339 UTC, or null.
        tasks: backups and exports since the start, newest first, with the one that runs; at most five.
    """

    storage_location: str | None
    total_records: int | None
    records: dict[str, int]
    storage_size: str | None
    storage_bytes: int | None
    last_save: str | None
    active_writers: int
    pending_writes: int
    failed_writes: int
    dropped: int
    oldest_record: str | None
    last_backup: str | None
    last_export: str | None
    tasks: list[Progress]


class PersistenceService(DataService):
    """Tells about the archive; at once when a task goes on, and when the archive begins to fail or is well again."""

    name = "persistence"
    payload_type = Persistence

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._archive = context.archive
        self._jobs = context.archive_jobs
        self._location = _shown(self._archive.path)
        self._since = context.clock()
        self._watch = ChangeWatch(self.name, fingerprint=self._health, publish=self.publish, clock=context.clock)
        self._jobs.listen(self._on_task)

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        """There is nothing to fetch; it is only looked whether the archive is well."""
        self._since = self.context.clock()
        self._watch.schedule(scheduler)

    def publish(self) -> None:
        self._watch.note()
        super().publish()

    def payload(self) -> Persistence:
        archive = self._archive.status()
        parts = self._parts(archive)
        status, reason = self._judge(archive, parts)
        was_opened = bool(archive.records)
        return Persistence(
            status=status,
            reason=reason,
            parts=parts,
            demo=self.context.demo,
            timestamp=to_rfc3339(self.context.clock()),
            storage_location=self._location if archive.enabled else None,
            total_records=archive.total_records if was_opened else None,
            records=archive.records,
            storage_size=size_in_words(archive.size_bytes) if was_opened else None,
            storage_bytes=archive.size_bytes if was_opened else None,
            last_save=_time(archive.last_save),
            active_writers=archive.active_writers,
            pending_writes=archive.pending,
            failed_writes=archive.failed_writes,
            dropped=archive.dropped,
            oldest_record=_time(archive.oldest_record),
            last_backup=_time(archive.last_backup),
            last_export=_time(archive.last_export),
            tasks=[
                msgspec.structs.replace(task, reason=without_folders(task.reason))
                for task in self._jobs.recent()[:TASKS_SHOWN]
            ],
        )

    def _on_task(self, _progress: Progress) -> None:
        if self.context.broker.collecting:
            self.publish()

    def _health(self) -> Hashable:
        archive = self._archive.status()
        return archive.healthy, None if archive.healthy else archive.detail, archive.last_save is None

    def _parts(self, archive: ArchiveStatus) -> dict[str, PartInfo]:
        if not archive.enabled:
            return {"archive": PartInfo(status="unconfigured", as_of=None, source=None, reason=archive.detail)}
        was_saved = archive.last_save is not None
        trouble = None if was_saved else "nothing has been written yet"
        # the first prices are on their way to it
        empty: PartStatus = "starting" if is_warming_up(self._since, self.context.clock()) else "down"
        if not archive.healthy:
            trouble, empty = without_folders(archive.detail), "down"
        parts = {
            "archive": PartInfo(
                status="live" if trouble is None else "stale" if was_saved else empty,
                as_of=_time(archive.last_save),
                source=self._location if was_saved else None,
                reason=trouble,
            )
        }
        reason = self._backup_trouble(archive)
        if archive.last_backup is not None or reason is not None:
            parts["backup"] = PartInfo(
                status="live" if reason is None else "stale" if archive.last_backup is not None else "down",
                as_of=_time(archive.last_backup),
                source=None if archive.last_backup is None else self._location,
                reason=reason,
            )
        return parts

    def _backup_trouble(self, archive: ArchiveStatus) -> str | None:
        """Why the last backup failed; None when it did not, or when the command line has made one since."""
        last = self._jobs.last("backup")
        if last is None or last.finished_at is None or last.state != "failed":
            return None
        made = _time(archive.last_backup)
        return without_folders(last.reason) if made is None or last.finished_at >= made else None

    @staticmethod
    def _judge(archive: ArchiveStatus, parts: dict[str, PartInfo]) -> tuple[ServiceStatus, str | None]:
        """An archive that fails only degrades the service: what it shows is of this moment, and prices go on."""
        status, reason = summarise(parts)
        return ("degraded" if archive.enabled and status not in ("live", "starting") else status), reason


def size_in_words(size_bytes: int) -> str:
    """A size as people read it, with decimal units: ``0 B``, ``61.8 kB``, ``2.5 GB``."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        # 999.95 would be written as 1000.0
        if size < 999.95:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _shown(path: Path) -> str:
    """The file and its folder: where on the machine that is, is nobody's business who only watches."""
    return str(Path(path.parent.name, path.name))


def without_folders(reason: str | None) -> str | None:
    """A reason with the last part of each whole path that it names, for the same cause."""
    return None if reason is None else FOLDERS.sub("", reason)


def _time(moment: float | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)
