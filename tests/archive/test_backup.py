"""Backups: whole and verified or not there, made while others write, kept by number; and put back."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.archive.sample import MONDAY, add_prices, damage, make_archive, writing
from tests.support.service import ROOT
from websocket.archive import backup, files
from websocket.archive.backup import back_up, backups, check
from websocket.archive.database import REAL_DATA, SCHEMA_VERSION
from websocket.archive.progress import Cancelled, Step, ignore
from websocket.archive.restore import restore
from websocket.errors import ArchiveError

NOW = MONDAY + 86_400


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small archive."""
    return make_archive(tmp_path / "archive.sqlite3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For backups; not made yet."""
    return tmp_path / "backups"


def names_in(folder: Path) -> list[str]:
    """All that is there, hidden files as well."""
    return sorted(file.name for file in folder.iterdir())


def prices_in(file: Path) -> int:
    """How many prices a file holds."""
    connection = sqlite3.connect(file)
    (count,) = connection.execute("SELECT count(*) FROM prices").fetchone()
    connection.close()
    return int(count)


def test_backup_has_every_row(archive: Path, folder: Path) -> None:
    """In one file under a name that tells when, with nothing left beside it."""
    made = back_up(archive, folder, keep=3, now=NOW, report=ignore)
    assert made == folder / "archive-20251125T000000Z.sqlite3"
    assert names_in(folder) == [made.name]
    contents = check(made, ignore)
    assert (contents.application_id, contents.version) == (REAL_DATA, SCHEMA_VERSION)
    assert contents == check(archive, ignore)
    assert contents.rows == {"prices": 103, "candles": 3, "articles": 2, "whales": 2, "updates": 0, "events": 0}


def test_backup_takes_what_the_writer_has_committed_and_leaves_the_archive_alone(archive: Path, folder: Path) -> None:
    """Also what is in the write-ahead log only."""
    with writing(archive) as connection:
        add_prices(connection, "SOL", 50)
        made = back_up(archive, folder, keep=3, now=NOW, report=ignore)
        add_prices(connection, "ADA", 1)
    assert prices_in(made) == 153
    assert prices_in(archive) == 154


def test_writer_goes_on_while_a_backup_is_made(tmp_path: Path, folder: Path) -> None:
    """It neither waits nor makes the copy begin anew; the copy is the state of one moment."""
    archive = make_archive(tmp_path / "archive.sqlite3", prices=60_000)
    steps: list[int] = []
    with writing(archive) as connection:
        connection.execute("PRAGMA busy_timeout = 0")

        def write_meanwhile(step: Step) -> None:
            if not step.verifying:
                steps.append(step.done)
                add_prices(connection, "SOL", 1, start=MONDAY + len(steps))

        made = back_up(archive, folder, keep=1, now=NOW, report=write_meanwhile)
    assert len(steps) > 3
    assert steps == sorted(steps)
    assert prices_in(made) == 60_003
    assert prices_in(archive) == 60_003 + len(steps)


def test_progress_goes_from_pages_to_verifying(archive: Path, folder: Path) -> None:
    """And ends with all of them."""
    steps: list[Step] = []
    back_up(archive, folder, keep=1, now=NOW, report=steps.append)
    assert not steps[0].verifying
    assert steps[-1].verifying
    assert all(step.unit == "pages" and step.total is not None and step.done <= step.total for step in steps)
    assert steps[-1].done == steps[-1].total


def test_only_the_newest_are_kept(archive: Path, folder: Path) -> None:
    """Of this archive: those of the demo mode and strangers' files are not counted and not touched."""
    make_archive(archive.with_name("archive-demo.sqlite3"), demo=True)
    demo = back_up(archive.with_name("archive-demo.sqlite3"), folder, keep=2, now=NOW - 99, report=ignore)
    strangers = [folder / "archive-old.sqlite3", folder / "archive-20250101T000000Z.sqlite3.txt", folder / "notes"]
    for stranger in strangers:
        stranger.write_text("mine")
    made = [back_up(archive, folder, keep=2, now=NOW + n, report=ignore) for n in (0, 0, 60)]
    assert backups(folder, "archive") == [made[2], made[1]]
    assert not made[0].exists()
    assert demo.exists()
    assert all(stranger.read_text() == "mine" for stranger in strangers)


def test_damaged_archive_fails_the_backup_and_leaves_the_older_ones(archive: Path, folder: Path) -> None:
    """Nothing is pruned, nothing half stays behind."""
    kept = [back_up(archive, folder, keep=2, now=NOW + n, report=ignore).name for n in (0, 1)]
    damage(archive)
    with pytest.raises(ArchiveError, match="archive"):
        back_up(archive, folder, keep=1, now=NOW + 2, report=ignore)
    assert names_in(folder) == sorted(kept)


def test_copy_that_differs_is_no_backup(archive: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is whole by every check of SQLite, and still not what was copied."""
    copy_to = backup.copy_to

    def lose_a_row(connection: sqlite3.Connection, target: Path, report: object) -> None:
        copy_to(connection, target, ignore)
        copy = sqlite3.connect(target)
        copy.execute("DELETE FROM whales WHERE hash = 'h1'")
        copy.commit()
        copy.close()

    monkeypatch.setattr(backup, "copy_to", lose_a_row)
    with pytest.raises(ArchiveError, match="not what was copied"):
        back_up(archive, folder, keep=1, now=NOW, report=ignore)
    assert names_in(folder) == []


@pytest.mark.parametrize("verifying", [False, True])
def test_cancelled_backup_leaves_nothing(archive: Path, folder: Path, *, verifying: bool) -> None:
    """Whenever it is told to end."""

    def cancel(step: Step) -> None:
        if step.verifying == verifying:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        back_up(archive, folder, keep=1, now=NOW, report=cancel)
    assert names_in(folder) == []


def test_check_can_be_ended_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file takes long, and the service must not wait for it."""
    monkeypatch.setattr(backup, "INSTRUCTIONS_PER_REPORT", 100)
    archive = make_archive(tmp_path / "archive.sqlite3", prices=2000)
    seen: list[Step] = []

    def end_at_the_third(step: Step) -> None:
        seen.append(step)
        if len(seen) == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        check(archive, end_at_the_third)
    assert len(seen) == 3


def test_no_room_no_backup(archive: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last megabytes of a disk are the archive's own."""
    monkeypatch.setattr(files, "SPARE_BYTES", 10**18)
    with pytest.raises(ArchiveError, match="not enough room"):
        back_up(archive, folder, keep=1, now=NOW, report=ignore)
    assert names_in(folder) == []


def test_full_disk_fails_the_backup_and_leaves_nothing(archive: Path) -> None:
    """For real: a file of the process may not become larger than a few pages."""
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from websocket.archive.backup import back_up\n"
        "from websocket.archive.progress import ignore\n"
        "from websocket.errors import ArchiveError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\n"
        "try:\n"
        "    back_up(Path(sys.argv[1]), Path(sys.argv[2]), keep=1, now=0, report=ignore)\n"
        "except ArchiveError as error:\n"
        "    print(error)\n"
    )
    folder = archive.parent / "full"
    with writing(archive):  # keeps the shared memory of the log, which the limit would hit as well
        ended = subprocess.run(
            [sys.executable, "-c", script, str(archive), str(folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    assert "cannot be written" in ended.stdout
    assert names_in(folder) == []


def test_folder_that_is_a_file_is_one_error(archive: Path) -> None:
    """Not a traceback."""
    in_the_way = archive.with_name("backups")
    in_the_way.write_text("")
    with pytest.raises(ArchiveError, match="cannot be written"):
        back_up(archive, in_the_way, keep=1, now=NOW, report=ignore)


def test_missing_archive_is_one_error(tmp_path: Path, folder: Path) -> None:
    """And no empty file is made of it."""
    with pytest.raises(ArchiveError, match="does not exist"):
        back_up(tmp_path / "none.sqlite3", folder, keep=1, now=NOW, report=ignore)
    assert not (tmp_path / "none.sqlite3").exists()


def test_killed_backup_leaves_no_backup_and_the_next_one_tidies_up(archive: Path, folder: Path) -> None:
    """Kill -9 in the middle: what is there bears no name of a backup."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from websocket.archive.backup import back_up\n"
        "def wait(step):\n"
        "    print('copying', flush=True)\n"
        "    time.sleep(60)\n"
        "back_up(Path(sys.argv[1]), Path(sys.argv[2]), keep=1, now=0, report=wait)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(archive), str(folder)], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"copying\n"
        # as long as it lives, nobody takes its file away
        second = back_up(archive, folder, keep=5, now=NOW, report=ignore)
        assert len(names_in(folder)) == 2
        process.kill()
    assert backups(folder, "archive") == [second]
    third = back_up(archive, folder, keep=5, now=NOW + 1, report=ignore)
    assert names_in(folder) == [second.name, third.name]


def test_time_of_a_backup_is_in_its_name(archive: Path, folder: Path) -> None:
    """It survives copying, unlike the time of the file."""
    first = back_up(archive, folder, keep=5, now=NOW, report=ignore)
    second = back_up(archive, folder, keep=5, now=NOW, report=ignore)
    assert second.name == "archive-20251125T000000Z-2.sqlite3"
    assert backup.made_at(first) == backup.made_at(second) == NOW


def test_file_that_a_killed_writer_left_can_be_read(archive: Path, folder: Path, tmp_path: Path) -> None:
    """With a log that nobody has brought in yet, and without its index."""
    left = tmp_path / "left" / archive.name
    left.parent.mkdir()
    with writing(archive) as connection:
        add_prices(connection, "SOL", 50)
        for suffix in ("", "-wal"):
            left.with_name(f"{left.name}{suffix}").write_bytes(
                archive.with_name(f"{archive.name}{suffix}").read_bytes()
            )
    assert check(left, ignore).rows["prices"] == 153
    assert prices_in(back_up(left, folder, keep=1, now=NOW, report=ignore)) == 153


# Putting back


def test_restore_brings_back_what_was_saved_and_keeps_what_was_replaced(archive: Path, folder: Path) -> None:
    """And the archive says that it happened."""
    made = back_up(archive, folder, keep=1, now=NOW, report=ignore)
    with writing(archive) as connection:
        add_prices(connection, "SOL", 7)
    aside = restore(made, archive, demo=False, now=NOW + 5, report=ignore)
    assert aside == archive.with_name("archive.sqlite3.replaced-20251125T000005Z")
    assert prices_in(aside) == 110
    assert prices_in(archive) == 103
    with writing(archive) as connection:
        assert connection.execute("SELECT kind, at, detail FROM events").fetchall() == [("restore", NOW + 5, made.name)]
    assert made.exists()


def test_restore_without_an_archive(archive: Path, folder: Path) -> None:
    """After the disk was lost."""
    made = back_up(archive, folder, keep=1, now=NOW, report=ignore)
    archive.unlink()
    assert restore(made, archive, demo=False, now=NOW, report=ignore) is None
    assert prices_in(archive) == 103


def test_restore_over_a_damaged_archive_with_a_log(archive: Path, folder: Path) -> None:
    """The log that a killed writer left is not played into the good file."""
    made = back_up(archive, folder, keep=1, now=NOW, report=ignore)
    log = archive.with_name(f"{archive.name}-wal")
    with writing(archive) as connection:
        add_prices(connection, "SOL", 200)
        left = log.read_bytes()
    archive.write_bytes(b"not a database, " * 1000)
    log.write_bytes(left)
    aside = restore(made, archive, demo=False, now=NOW, report=ignore)
    assert aside is not None
    assert aside.exists()
    assert check(archive, ignore).rows["prices"] == 103
    assert prices_in(archive) == 103


def test_damaged_backup_is_refused(archive: Path, folder: Path) -> None:
    """Before anything is touched."""
    made = back_up(archive, folder, keep=1, now=NOW, report=ignore)
    before = archive.read_bytes()
    damage(made)
    with pytest.raises(ArchiveError):
        restore(made, archive, demo=False, now=NOW, report=ignore)
    assert archive.read_bytes() == before


def test_other_database_is_refused(archive: Path, tmp_path: Path) -> None:
    """It is whole, but no archive."""
    other = tmp_path / "other.sqlite3"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE prices (x)")
    connection.commit()
    connection.close()
    with pytest.raises(ArchiveError, match="is no archive"):
        restore(other, archive, demo=False, now=NOW, report=ignore)


def test_newer_version_is_refused(archive: Path, folder: Path) -> None:
    """This program would not understand it."""
    made = back_up(archive, folder, keep=1, now=NOW, report=ignore)
    connection = sqlite3.connect(made)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(ArchiveError, match="version"):
        restore(made, archive, demo=False, now=NOW, report=ignore)


def test_simulated_content_never_becomes_real(archive: Path, folder: Path, tmp_path: Path) -> None:
    """Whatever the name of the file."""
    demo = make_archive(tmp_path / "archive-demo.sqlite3", demo=True)
    made = back_up(demo, folder, keep=1, now=NOW, report=ignore)
    renamed = made.rename(folder / "archive-20251124T000000Z.sqlite3")
    with pytest.raises(ArchiveError, match="simulated"):
        restore(renamed, archive, demo=False, now=NOW, report=ignore)
    restore(renamed, demo, demo=True, now=NOW, report=ignore)


def test_archive_in_use_is_not_replaced(archive: Path, folder: Path) -> None:
    """By its writer, or by somebody who only reads."""
    made = back_up(archive, folder, keep=1, now=NOW, report=ignore)
    with writing(archive), pytest.raises(ArchiveError, match="stop the service first"):
        restore(made, archive, demo=False, now=NOW, report=ignore)
    with writing(archive):
        pass  # brings the log back
    reader = sqlite3.connect(archive)
    reader.execute("SELECT count(*) FROM prices").fetchone()
    with pytest.raises(ArchiveError, match="cannot be replaced now"):
        restore(made, archive, demo=False, now=NOW, report=ignore)
    reader.close()
    restore(made, archive, demo=False, now=NOW, report=ignore)


def test_archive_is_not_restored_from_itself(archive: Path) -> None:
    """A slip that would end badly."""
    with pytest.raises(ArchiveError, match="itself"):
        restore(archive, archive, demo=False, now=NOW, report=ignore)


def test_two_writers_of_one_file(tmp_path: Path) -> None:
    """The second is told, and the first goes on undisturbed."""
    target = tmp_path / "file"
    with files.replacing(target) as temporary:
        temporary.write_text("first")
        with pytest.raises(ArchiveError, match="another process"), files.replacing(target):
            pytest.fail("there were two")
        assert temporary.read_text() == "first"
    assert target.read_text() == "first"
    assert names_in(tmp_path) == ["file"]


def test_leftover_is_overwritten(tmp_path: Path) -> None:
    """And none of its bytes stay."""
    (tmp_path / ".file.new").write_text("half of something much longer")
    with files.replacing(tmp_path / "file") as temporary:
        assert temporary.stat().st_size == 0
        temporary.write_text("whole")
    assert (tmp_path / "file").read_text() == "whole"
