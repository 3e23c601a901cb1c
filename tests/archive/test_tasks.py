"""Backups on schedule and exports of a running service: when, where to, and how many stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive.sample import MONDAY, make_archive
from tests.support.processes import wait_until
from websocket.archive.export import Selection
from websocket.archive.progress import Progress
from websocket.archive.store import Archive
from websocket.archive.tasks import RETRY_AFTER_S, ArchiveTasks
from websocket.errors import ArchiveError
from websocket.settings import ArchiveSettings

DAY_S = 86_400.0


class Running:
    """An archive in use, its tasks, and the clock of both."""

    def __init__(self, folder: Path, settings: ArchiveSettings | None = None, *, demo: bool = False) -> None:
        chosen = settings or ArchiveSettings(backups=3, exports=2)
        self.now = MONDAY + DAY_S
        self.folder = folder
        self.archive = Archive(chosen, folder, demo=demo, clock=self.time)
        self.archive.start()
        self.tasks = ArchiveTasks(self.archive, chosen, folder, demo=demo, clock=self.time)

    def time(self) -> float:
        """The clock."""
        return self.now

    def ended(self) -> Progress:
        """The newest task, when it has ended."""
        wait_until(lambda: self.tasks.jobs.running is None, "the task has ended")
        return self.tasks.jobs.recent()[0]

    def backups(self) -> list[str]:
        """Names of the backups."""
        return sorted(file.name for file in (self.folder / "backups").glob("*"))

    def look(self) -> int:
        """Lets the scheduler's job look once; gives how many backups there are afterwards."""
        self.tasks.back_up_if_due()
        if self.tasks.jobs.recent():
            self.ended()
        return len(self.backups())

    def close(self) -> None:
        """Ends it."""
        self.tasks.close()
        self.archive.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """With some rows of every kind."""
    make_archive(tmp_path / "archive.sqlite3")
    made = Running(tmp_path)
    yield made
    made.close()


def test_backup_is_remembered_by_the_archive(running: Running) -> None:
    """For the status, also after a restart."""
    assert running.archive.status().last_backup is None
    running.tasks.start_backup()
    assert running.ended().file == "archive-20251125T000000Z.sqlite3"
    assert running.archive.status().last_backup == running.now
    running.close()
    again = Running(running.folder)
    assert again.archive.status().last_backup == running.now
    again.close()


def test_backups_by_the_command_line_count(running: Running) -> None:
    """They put the next one on schedule off, so an operator who looks for the last one must see them."""
    running.look()
    by_hand = running.folder / "backups" / "archive-20251125T120000Z.sqlite3"
    by_hand.write_bytes(b"as the command line makes it")
    running.now += DAY_S / 2 + 60
    running.look()
    assert running.archive.status().last_backup == running.now - 60


def test_backups_on_schedule(running: Running) -> None:
    """The first at once, the next when a day has passed, whatever happens in between."""
    assert running.look() == 1
    running.now += DAY_S - 1
    assert running.look() == 1
    running.now += 1
    assert running.look() == 2
    for _ in range(3):
        running.now += DAY_S
        running.look()
    assert len(running.backups()) == 3


def test_schedule_survives_restarts(running: Running) -> None:
    """The age of the newest backup counts, not the time since the start."""
    running.look()
    running.now += 60
    running.close()
    again = Running(running.folder)
    again.now = running.now
    assert again.look() == 1
    again.now += DAY_S
    assert again.look() == 2
    again.close()


def test_clock_that_was_set_back_puts_no_backup_off(running: Running) -> None:
    """A backup from the future does not count."""
    running.look()
    running.now -= 100 * DAY_S
    assert running.look() == 2


def test_failed_backup_is_tried_again_after_a_while(running: Running) -> None:
    """Not every minute, and not only tomorrow; when it works again nothing is left to do."""
    in_the_way = running.folder / "backups"
    in_the_way.write_text("")
    running.tasks.back_up_if_due()
    failed = running.ended()
    assert failed.state == "failed"
    assert "cannot be written" in str(failed.reason)
    running.now += RETRY_AFTER_S - 1
    running.tasks.back_up_if_due()
    assert running.ended().id == failed.id
    in_the_way.unlink()
    running.now += 1
    assert running.look() == 1


def test_empty_archive_is_not_backed_up(tmp_path: Path) -> None:
    """There is nothing to lose."""
    running = Running(tmp_path)
    assert running.look() == 0
    running.close()


def test_exports_have_names_that_tell(running: Running) -> None:
    """And only the last stay; strangers' files are not touched."""
    folder = running.folder / "exports"
    folder.mkdir()
    (folder / "mine.csv").write_text("mine")
    made = []
    for selection, compressed in (
        (Selection(kind="whales"), False),
        (Selection(kind="prices", symbol="BTC"), False),
        (Selection(kind="candles", interval="1h"), True),
        (Selection(kind="candles", interval="1h"), True),
    ):
        running.tasks.start_export(selection, file_format="csv", compressed=compressed)
        made.append(running.ended().file)
    assert made == [
        "whales-20251125T000000Z.csv",
        "prices-BTC-20251125T000000Z.csv",
        "candles-1h-20251125T000000Z.csv.gz",
        "candles-1h-20251125T000000Z-2.csv.gz",
    ]
    assert {file.name for file in folder.iterdir()} == {"mine.csv", *made[2:]}
    assert running.archive.status().last_export == running.now


def test_simulated_content_is_called_so(tmp_path: Path) -> None:
    """In the name of every backup and export."""
    make_archive(tmp_path / "archive-demo.sqlite3", demo=True)
    running = Running(tmp_path, demo=True)
    running.tasks.start_backup()
    assert str(running.ended().file).startswith("archive-demo-")
    running.tasks.start_export(Selection(kind="whales"), file_format="csv", compressed=False)
    assert str(running.ended().file).startswith("demo-whales-")
    running.close()


def test_archive_that_is_off_has_no_tasks(tmp_path: Path) -> None:
    """It says how to switch it on; the schedule says nothing at all."""
    running = Running(tmp_path, ArchiveSettings(enabled=False))
    with pytest.raises(ArchiveError, match="ARCHIVE_ENABLED"):
        running.tasks.start_backup()
    with pytest.raises(ArchiveError, match="ARCHIVE_ENABLED"):
        running.tasks.start_export(Selection(kind="whales"), file_format="csv", compressed=False)
    assert running.look() == 0
    running.close()
