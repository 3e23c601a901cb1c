"""Backups and exports of a running service: when they are due, where they go, and how many of them stay."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from pathlib import Path

from websocket import green
from websocket.archive import backup
from websocket.archive.export import GZIP_SUFFIX, ExportFormat, Selection, export
from websocket.archive.progress import Jobs, Progress, Report
from websocket.archive.store import Archive
from websocket.errors import ArchiveError
from websocket.scheduler import Scheduler
from websocket.settings import ArchiveSettings

DUE_CHECK_INTERVAL_S = 60.0
"""How often it is looked whether a backup is due. It goes by the age of the newest one, so restarts change nothing."""

PRUNE_INTERVAL_S = 3600.0

JOB_DEADLINE_S = 30.0
"""A disk that takes longer for a write is reported as a job that fails; the write itself goes on."""

RETRY_AFTER_S = 600.0
"""Pause after a backup on schedule that failed."""

_EXPORT_NAME = re.compile(r"(demo-)?(prices|candles|articles|whales)-.*\d{8}T\d{6}Z(-\d+)?\.(csv|jsonl)(\.gz)?")


def backup_folder(settings: ArchiveSettings, data_dir: Path) -> Path:
    """Where backups go."""
    return Path(settings.backup_dir) if settings.backup_dir else data_dir / "backups"


def export_folder(settings: ArchiveSettings, data_dir: Path) -> Path:
    """Where exports that are asked for over HTTP go."""
    return Path(settings.export_dir) if settings.export_dir else data_dir / "exports"


class ArchiveTasks:
    """Starts backups and exports of one archive, one at a time, each in a native thread.

    Args:
        archive: what they are made of.
        settings: where they go, how often, and how many stay.
        data_dir: ``DATA_DIR``.
        demo: whether the content is simulated; names of exports tell.
        clock: wall clock, Unix seconds.
    """

    def __init__(
        self, archive: Archive, settings: ArchiveSettings, data_dir: Path, *, demo: bool, clock: Callable[[], float]
    ) -> None:
        self.jobs = Jobs(clock=clock)
        self.jobs.listen(archive.on_task)
        self._archive = archive
        here = Path.cwd()
        # what goes wrong is told to everybody, and nobody needs to know what is above the service's own folder
        self._path = archive.path.relative_to(here) if archive.path.is_relative_to(here) else archive.path
        self._settings = settings
        self._backups = backup_folder(settings, data_dir)
        self._exports = export_folder(settings, data_dir)
        self._demo = demo
        self._clock = clock
        self._tried_at: float | None = None

    def schedule(self, scheduler: Scheduler) -> None:
        """Plans the writes, the clearing out, and the backups if they are wanted."""
        settings, archive = self._settings, self._archive
        scheduler.every(settings.flush_interval_s, "archive_flush", archive.flush, deadline_s=JOB_DEADLINE_S)
        scheduler.every(
            PRUNE_INTERVAL_S, "archive_prune", archive.prune, deadline_s=PRUNE_INTERVAL_S, delay_s=JOB_DEADLINE_S
        )
        if settings.backup_interval_s:
            due_s = min(DUE_CHECK_INTERVAL_S, settings.backup_interval_s)
            scheduler.every(due_s, "archive_backup", self.back_up_if_due, deadline_s=JOB_DEADLINE_S, delay_s=due_s)

    def start_backup(self) -> Progress:
        """Begins a backup.

        Raises:
            Busy: another task runs.
            ArchiveError: the archive is off.
        """
        self._check_enabled()
        path, folder, keep, now = self._path, self._backups, self._settings.backups, self._clock()

        def work(report: Report) -> Path:
            return backup.back_up(path, folder, keep=keep, now=now, report=report)

        return self.jobs.start("backup", work)

    def start_export(self, selection: Selection, *, file_format: ExportFormat, compressed: bool) -> Progress:
        """Begins an export into the folder of the settings, under a name that tells what is in it.

        Raises:
            Busy: another task runs.
            ArchiveError: the archive is off.
        """
        self._check_enabled()
        path, folder, keep = self._path, self._exports, self._settings.exports
        name = export_name(
            selection, demo=self._demo, now=self._clock(), file_format=file_format, compressed=compressed
        )

        def work(report: Report) -> Path:
            target = export(path, _free(folder / name), selection, file_format=file_format, report=report)
            _prune_exports(folder, keep)
            return target

        return self.jobs.start("export", work)

    def back_up_if_due(self) -> None:
        """Begins a backup when the newest is older than ``ARCHIVE_BACKUP_INTERVAL``. Job of the scheduler."""
        interval_s, now = self._settings.backup_interval_s, self._clock()
        if self.jobs.running is not None or not self._archive.status().total_records:
            return
        if self._tried_at is not None and 0 <= now - self._tried_at < min(RETRY_AFTER_S, interval_s):
            return
        made = green.run_in_native_thread(backup.backups, self._backups, self._archive.path.stem)
        # a clock that was set back must not put backups off until it has come that far again
        if made and (age_s := now - backup.made_at(made[0])) >= 0:
            self._archive.learn_of_backup(now - age_s)
            if age_s < interval_s:
                return
        self._tried_at = now
        self.start_backup()

    def close(self) -> None:
        """Ends what runs; what it has begun to write is removed."""
        self.jobs.close()

    def _check_enabled(self) -> None:
        if not self._settings.enabled:
            raise ArchiveError("The archive is off (ARCHIVE_ENABLED).")


def export_name(selection: Selection, *, demo: bool, now: float, file_format: ExportFormat, compressed: bool) -> str:
    """For example ``candles-BTC-1m-20261121T100000Z.csv.gz``; with ``demo-`` before it when it is simulated."""
    parts = [
        *(["demo"] if demo else []),
        selection.kind,
        *([selection.symbol] if selection.symbol else []),
        *([selection.interval] if selection.kind == "candles" else []),
        time.strftime(backup.MOMENT, time.gmtime(now)),
    ]
    return f"{'-'.join(parts)}.{file_format}{GZIP_SUFFIX if compressed else ''}"


def _free(target: Path) -> Path:
    """A name that no file has yet."""
    stem, dot, suffixes = target.name.partition(".")
    free, number = target, 1
    while free.exists():
        number += 1
        free = target.with_name(f"{stem}-{number}{dot}{suffixes}")
    return free


def _prune_exports(folder: Path, keep: int) -> None:
    """Removes the oldest exports; files that do not bear a name of ours are left alone."""
    own = [file for file in folder.iterdir() if _EXPORT_NAME.fullmatch(file.name)]
    own.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    for old in own[keep:]:
        with contextlib.suppress(OSError):
            old.unlink()
