"""The file: damaged ones are set aside with their date, foreign ones are left alone, and only one process writes."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archive.conftest import Archives
from tests.archive.support import NOW, Clock, all_prices, archive_in, check_whole, prices, quote
from websocket import green
from websocket.archive import keeper, queries
from websocket.archive.backup import back_up
from websocket.archive.database import SCHEMA_VERSION, close_file, is_same_file, open_file, reader, set_aside
from websocket.archive.progress import Jobs
from websocket.archive.store import Archive, archive_path
from websocket.errors import ArchiveUnavailable
from websocket.settings import ArchiveSettings

ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import sys
from pathlib import Path
from websocket.archive.database import open_file
opened = open_file(Path(sys.argv[1]), demo=False)
print("held", flush=True)
sys.stdin.readline()
"""


def made(folder: Path, rows: int = 3000) -> Path:
    """A file with prices, closed."""
    archive = archive_in(folder, Clock())
    archive.on_publication(prices([quote(NOW - rows + number, 1.0 + number) for number in range(rows)]))
    archive.flush()
    archive.close()
    return archive.path


def garbage_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"<!doctype html>" * 20)


def garbage_everywhere(path: Path) -> None:
    path.write_bytes(b"no database at all\n" * 5000)


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def truncated_to_a_part_of_a_page(path: Path) -> None:
    os.truncate(path, 3 * 4096 + 100)


def garbage_in_the_middle(path: Path) -> None:
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        file.seek(pages // 2 * 4096)
        file.write(b"\xa5" * 8192)


def lacks_a_table(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE whales")
    connection.close()


DAMAGES = [
    garbage_header,
    garbage_everywhere,
    truncated,
    truncated_to_a_part_of_a_page,
    garbage_in_the_middle,
    lacks_a_table,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, archives: Archives, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    """Loudly, with its date; nothing of it is lost, and recording goes on at once."""
    path = made(tmp_path / "data")
    damage(path)
    content = path.read_bytes()
    with caplog.at_level(logging.ERROR):
        archive = archives()
    (aside,) = path.parent.glob("archive.sqlite3.corrupt-*")
    assert re.fullmatch(r"archive\.sqlite3\.corrupt-20261121T000005Z", aside.name)
    assert aside.read_bytes() == content
    assert any(record.levelno == logging.ERROR and aside.name in record.getMessage() for record in caplog.records)
    archive.on_publication(prices([quote(NOW)]))
    archive.flush()
    status = archive.status()
    assert status.healthy
    assert status.records["prices"] == 1
    (event,) = archive.read(lambda connection: queries.event_rows(connection, limit=5))
    assert event.kind == "set_aside"
    assert aside.name in event.detail


def test_log_of_a_damaged_file_goes_with_it(tmp_path: Path, archives: Archives) -> None:
    """What was written last is in the write-ahead log; and a new file must not be given an old one."""
    path = made(tmp_path / "data")
    garbage_header(path)
    log = path.with_name("archive.sqlite3-wal")
    log.write_bytes(b"what was written last")
    archives()
    (aside,) = path.parent.glob("archive.sqlite3.corrupt-*Z")
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == b"what was written last"


def test_an_earlier_file_that_was_set_aside_is_kept(tmp_path: Path) -> None:
    """Two in one second have two names."""
    path = tmp_path / "archive.sqlite3"
    for content in ("first", "second", "third"):
        path.write_text(content)
        set_aside(path, NOW)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == [f"archive.sqlite3.corrupt-20261121T000005Z{suffix}" for suffix in ("", "-2", "-3")]
    assert (tmp_path / names[0]).read_text() == "first"


def test_damage_while_it_is_used(archive: Archive, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """It is set aside then, the rows that could not be written are in the new file."""
    archive.on_publication(prices([quote(NOW - number, 1.0 + number) for number in range(3000)]))
    archive.flush()
    archive.read(lambda connection: connection.execute("SELECT count(*) FROM prices").fetchone())
    writer = sqlite3.connect(archive.path)
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.close()
    size = archive.path.stat().st_size
    with archive.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    # another process that writes makes the archive's own connection read the pages anew
    other = sqlite3.connect(archive.path)
    other.execute("PRAGMA user_version = 1")
    other.close()
    archive.on_publication(prices([quote(NOW + 1, 5.0)]))
    archive.flush()
    archive.flush()
    status = archive.status()
    assert status.healthy, status.detail
    assert [row.price for row in archive.read(all_prices)] == [5.0]
    assert len(list(archive.path.parent.glob("*.corrupt-*Z"))) == 1


@pytest.mark.parametrize("found_by", ["a read", "a backup"])
def test_damage_that_the_writer_does_not_see(archive: Archive, caplog: pytest.LogCaptureFixture, found_by: str) -> None:
    """The writer may have all it needs in memory for days; who meets the damage first has the file set aside."""
    archive.on_publication(prices([quote(NOW - number, 1.0 + number) for number in range(3000)]))
    archive.flush()
    writer = sqlite3.connect(archive.path)
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.close()
    size = archive.path.stat().st_size
    with archive.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    if found_by == "a read":
        with pytest.raises(ArchiveUnavailable, match="malformed"):
            archive.read(all_prices)
    else:
        jobs = Jobs(clock=Clock())
        jobs.listen(archive.on_task)
        folder = archive.path.parent / "backups"
        jobs.start("backup", lambda report: back_up(archive.path, folder, keep=1, now=NOW, report=report))
        while jobs.running is not None:
            green.sleep(0.01)
    archive.on_publication(prices([quote(NOW + 1, 5.0)]))
    archive.flush()
    archive.flush()
    assert "set aside" in caplog.text
    assert len(list(archive.path.parent.glob("*.corrupt-*Z"))) == 1
    assert archive.status().healthy, archive.status().detail
    assert [row.price for row in archive.read(all_prices)][-1] == 5.0


def test_a_file_that_is_sound_is_not_set_aside(archive: Archive) -> None:
    """A backup can fail for many reasons; only damage is one to begin anew."""
    archive.on_publication(prices([quote(NOW)]))
    archive.flush()
    jobs = Jobs(clock=Clock())
    jobs.listen(archive.on_task)
    no_folder = archive.path / "backups"
    jobs.start("backup", lambda report: back_up(archive.path, no_folder, keep=1, now=NOW, report=report))
    while jobs.running is not None:
        green.sleep(0.01)
    archive.flush()
    failed = jobs.last("backup")
    assert failed is not None
    assert failed.state == "failed"
    assert archive.status().healthy, archive.status().detail
    assert archive.status().records["prices"] == 1


def test_files_are_not_set_aside_one_after_the_other(
    tmp_path: Path, archives: Archives, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that damages whatever it is given is not filled with damaged files."""
    path = made(tmp_path / "data", rows=10)
    garbage_header(path)
    archive = archives()
    archive.close()
    assert len(list(path.parent.glob("*.corrupt-*Z"))) == 1
    monkeypatch.setattr(keeper, "OPEN_PAUSE_S", 0.0)
    restless = archives()
    for number in range(1, 4):
        garbage_header_of_open(restless, clock)
        clock.now += 1
        restless.on_publication(prices([quote(NOW + number)]))
        restless.flush()
        restless.flush()
    assert len(list(path.parent.glob("*.corrupt-*Z"))) == 2
    assert not restless.status().healthy
    clock.now += keeper.SET_ASIDE_PAUSE_S
    restless.flush()
    assert restless.status().healthy


def garbage_header_of_open(archive: Archive, clock: Clock) -> None:
    """Puts a damaged file in the place of the one that is open, as a disk would that forgets what it is told."""
    archive.path.unlink(missing_ok=True)
    for suffix in ("-wal", "-shm"):
        archive.path.with_name(archive.path.name + suffix).unlink(missing_ok=True)
    garbage_everywhere(archive.path)


def test_a_file_of_the_first_version_gets_the_names_of_the_feeds(tmp_path: Path) -> None:
    """Its articles had the identifiers alone; what is not known by name keeps its identifier."""
    path = made(tmp_path / "data", rows=1)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE articles DROP COLUMN source_id")
    connection.executemany(
        "INSERT INTO articles VALUES (?, '', '', ?, NULL, 1, '[]')", [("a", "bitcoin_magazine"), ("b", "other_feed")]
    )
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    for _ in range(2):
        opened = open_file(path, demo=False)
        found = opened.connection.execute("SELECT source_id, source FROM articles ORDER BY id").fetchall()
        (version,) = opened.connection.execute("PRAGMA user_version").fetchone()
        close_file(opened)
        assert found == [("bitcoin_magazine", "Bitcoin Magazine"), ("other_feed", "other_feed")]
        assert version == SCHEMA_VERSION


def test_a_file_of_a_newer_version_is_left_alone(
    tmp_path: Path, archives: Archives, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Who goes back to an older service loses nothing; the reason is clear, prices wait."""
    path = made(tmp_path / "data", rows=10)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    content = path.read_bytes()
    archive = archives()
    archive.on_publication(prices([quote(NOW)]))
    for _ in range(3):
        clock.now += keeper.OPEN_PAUSE_S
        archive.flush()
    status = archive.status()
    assert not status.healthy
    assert f"version {SCHEMA_VERSION + 1}" in status.detail
    assert "newer" in status.detail
    assert (status.pending, status.active_writers) == (1, 0)
    assert path.read_bytes() == content
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    path.rename(path.with_name("elsewhere"))
    clock.now += keeper.OPEN_PAUSE_S
    archive.flush()
    assert archive.status().healthy


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path, archives: Archives) -> None:
    """``ARCHIVE_FILE`` may be misspelt."""
    path = tmp_path / "data" / "archive.sqlite3"
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE accounts (id INTEGER)")
    connection.close()
    archive = archives()
    assert "not an archive" in archive.status().detail
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("accounts",)]
    connection.close()


def test_real_and_simulated_content_never_share_a_file(tmp_path: Path, clock: Clock) -> None:
    """Not by default, not with a name of one's own, and not when somebody renames one."""
    assert archive_path(ArchiveSettings(), tmp_path, demo=False) == tmp_path / "archive.sqlite3"
    assert archive_path(ArchiveSettings(), tmp_path, demo=True) == tmp_path / "archive-demo.sqlite3"
    own = ArchiveSettings(file="/srv/history.db")
    assert archive_path(own, tmp_path, demo=False) == Path("/srv/history.db")
    assert archive_path(own, tmp_path, demo=True) == Path("/srv/history-demo.db")
    real = made(tmp_path)
    real.rename(tmp_path / "archive-demo.sqlite3")
    demo = Archive(ArchiveSettings(), tmp_path, demo=True, clock=clock)
    demo.start()
    assert "holds real content" in demo.status().detail
    demo.close()


def test_only_one_process_writes(tmp_path: Path, archives: Archives, clock: Clock) -> None:
    """The second one says so, and takes over when the first has ended, however it ended."""
    path = tmp_path / "data" / "archive.sqlite3"
    other = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", HOLD, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    archive = archives()
    assert "in use by another process" in archive.status().detail
    other.kill()
    other.communicate()
    clock.now += keeper.OPEN_PAUSE_S
    archive.flush()
    assert archive.status().healthy


def test_a_restart_goes_on_where_it_was(tmp_path: Path, archives: Archives) -> None:
    """With the counts, the oldest record and the events."""
    first = archives()
    first.on_publication(prices([quote(NOW - 60, 1.0), quote(NOW, 2.0)]))
    first.note("backup", "archive-1.sqlite3")
    first.flush()
    before = first.status()
    first.close()
    second = archives()
    after = second.status()
    assert (
        after.records
        == before.records
        == {
            "prices": 2,
            "candles_1m": 2,
            "candles_1h": 2,
            "articles": 0,
            "whales": 0,
            "updates": 0,
        }
    )
    assert (after.oldest_record, after.last_backup) == (NOW - 60, NOW)
    second.close()
    check_whole(second.path)


def test_an_empty_file_becomes_an_archive(tmp_path: Path) -> None:
    """What a full disk leaves of the very first attempt."""
    path = tmp_path / "archive.sqlite3"
    path.touch()
    opened = open_file(path, demo=False)
    assert opened.records["prices"] == 0
    opened.connection.close()
    os.close(opened.lock)


def test_file_without_a_log_is_no_stranger_when_it_gets_one(tmp_path: Path) -> None:
    """As after a restore: the first read makes the write-ahead log, and nobody removed anything."""
    path = made(tmp_path, 3)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    opened = open_file(path, demo=False)
    reader(path).close()
    opened.connection.execute("INSERT INTO events (kind, at, detail) VALUES ('backup', 1, '')")
    assert is_same_file(path, opened)
    close_file(opened)
