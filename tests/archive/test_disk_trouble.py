"""Disks that are full, folders that cannot be written, files that vanish: nothing blocks, nothing raises, rows wait
bounded, and recording goes on by itself when the trouble is over.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.archive.conftest import Archives
from tests.archive.support import (
    NOW,
    Clock,
    all_prices,
    archive_in,
    article,
    check_whole,
    news,
    prices,
    publication,
    quote,
    whale,
    whales,
)
from tests.support.native_gate import NativeGate
from websocket import green
from websocket.archive import database, keeper, queries, store
from websocket.archive.recorder import Batch
from websocket.archive.status import Kind
from websocket.archive.store import Archive
from websocket.errors import ArchiveUnavailable

ROOT = Path(__file__).resolve().parents[2]

MAX_PENDING = 2000

LIMITED = """
import json, resource, sys
from websocket import green
green.patch()
from pathlib import Path
from tests.archive.support import NOW, Clock, all_prices, archive_in, prices, quote

def told(archive):
    status = archive.status()
    print(json.dumps([status.healthy, status.detail, status.pending, status.failed_writes]), flush=True)

clock = Clock()
archive = archive_in(Path(sys.argv[1]), clock)
archive.on_publication(prices([quote(NOW - 10)]))
archive.flush()
told(archive)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
for number in range(3):
    clock.now += 6
    archive.on_publication(prices([quote(NOW + number)]))
    archive.flush()
told(archive)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
clock.now += 6
archive.flush()
told(archive)
print(json.dumps([row.time for row in archive.read(all_prices)]), flush=True)
archive.close()
"""


def mounted(*arguments: str) -> None:
    """Mounts something, or skips the test where that is not allowed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a disk of its own")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leaves no room on a disk; gives the file to remove."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1024))
        except OSError:
            return filler


def record(archive: Archive, *times: float) -> None:
    archive.on_publication(prices([quote(time) for time in times]))
    archive.flush()


def test_full_disk(small_disk: Path, archives: Archives, clock: Clock) -> None:
    """Rows wait, the newest of them when they are too many, until there is room; what is stored can still be read."""
    archive = archives(small_disk, max_pending=MAX_PENDING)
    record(archive, NOW - 1)
    filler = fill(small_disk)
    for number in range(5):
        record(archive, *(NOW + number + part / 1000 for part in range(1000)))
    status = archive.status()
    assert not status.healthy
    assert "full" in status.detail
    assert status.active_writers == 0
    assert status.failed_writes >= 1
    assert status.pending == MAX_PENDING
    assert status.dropped > 0
    assert NOW - 1 in [row.time for row in archive.read(all_prices)]
    filler.unlink()
    archive.flush()
    status = archive.status()
    assert status.healthy, status.detail
    assert status.pending == 0
    assert archive.read(all_prices)[-1].time == NOW + 4.999
    archive.close()
    check_whole(archive.path)


def test_disk_that_is_full_from_the_start(small_disk: Path, archives: Archives, clock: Clock) -> None:
    """Not even the file can be made; later it is."""
    filler = fill(small_disk)
    archive = archives(small_disk)
    record(archive, NOW)
    assert not archive.status().healthy
    assert archive.status().pending == 1
    filler.unlink()
    clock.now += keeper.OPEN_PAUSE_S
    archive.flush()
    assert archive.status().healthy
    assert len(archive.read(all_prices)) == 1


def test_disk_that_takes_no_more(tmp_path: Path) -> None:
    """The same through a limit of the system, where no disk can be mounted: every write fails."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIMITED, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    before, during, after, times = map(json.loads, done.stdout.splitlines())
    assert before[0]
    assert not during[0]
    assert during[1].startswith("cannot be ")
    assert during[2] == 3
    assert during[3] >= 3
    assert after[0]
    assert after[2] == 0
    assert times == [NOW - 10, NOW, NOW + 1, NOW + 2]
    check_whole(tmp_path / "archive.sqlite3")


def read_only_mount(folder: Path) -> Callable[[], None]:
    mounted("--bind", str(folder), str(folder))
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)

    def end() -> None:
        subprocess.run(["umount", "-l", str(folder)], check=True)

    return end


def a_file_in_its_place(folder: Path) -> Callable[[], None]:
    folder.rmdir()
    folder.write_text("in the way")

    def end() -> None:
        folder.unlink()

    return end


def a_folder_in_the_place_of_the_file(folder: Path) -> Callable[[], None]:
    (folder / "archive.sqlite3").mkdir()

    def end() -> None:
        (folder / "archive.sqlite3").rmdir()

    return end


def no_permission(folder: Path) -> Callable[[], None]:
    if os.geteuid() == 0:
        pytest.skip("root is not bound by permissions")
    folder.chmod(0o500)

    def end() -> None:
        folder.chmod(0o700)

    return end


@pytest.mark.parametrize(
    "hinder", [read_only_mount, a_file_in_its_place, a_folder_in_the_place_of_the_file, no_permission]
)
def test_folder_that_cannot_be_written(
    tmp_path: Path, archives: Archives, clock: Clock, hinder: Callable[[Path], Callable[[], None]]
) -> None:
    """The start is not hindered, rows wait bounded, and are written when the folder can be."""
    folder = tmp_path / "data"
    folder.mkdir()
    end = hinder(folder)
    try:
        archive = archives(max_pending=MAX_PENDING)
        for number in range(MAX_PENDING + 10):
            archive.on_publication(prices([quote(NOW - 5000 + number)]))
        archive.flush()
        clock.now += keeper.OPEN_PAUSE_S
        archive.flush()
        status = archive.status()
        assert not status.healthy
        assert status.detail.startswith("cannot be opened: ")
        assert (status.pending, status.dropped, status.active_writers) == (MAX_PENDING, 10, 0)
    finally:
        end()
    clock.now += keeper.OPEN_PAUSE_S
    archive.flush()
    assert archive.status().healthy, archive.status().detail
    assert archive.status().records["prices"] == MAX_PENDING


def test_folder_that_becomes_read_only(tmp_path: Path, archives: Archives, clock: Clock) -> None:
    """As a disk does that found a fault: what is there can be read, and writing goes on afterwards."""
    archive = archives()
    record(archive, NOW)
    end = read_only_mount(tmp_path / "data")
    try:
        # the file is open for writing already, so it may even go on being written
        clock.now += keeper.OPEN_PAUSE_S
        record(archive, NOW + 1)
        clock.now += keeper.OPEN_PAUSE_S
        record(archive, NOW + 2)
    finally:
        end()
    clock.now += keeper.OPEN_PAUSE_S
    archive.flush()
    assert archive.status().healthy
    assert [row.time for row in archive.read(all_prices)] == [NOW, NOW + 1, NOW + 2]


@pytest.mark.parametrize("whole_folder", [False, True])
def test_file_that_is_removed(
    tmp_path: Path, archives: Archives, caplog: pytest.LogCaptureFixture, whole_folder: bool
) -> None:
    """SQLite would go on writing to what nobody can find any more; it is noticed, and a new file is begun."""
    archive = archives()
    record(archive, NOW)
    if whole_folder:
        shutil.rmtree(tmp_path / "data")
    else:
        for file in (tmp_path / "data").iterdir():
            file.unlink()
    record(archive, NOW + 1)
    assert archive.status().healthy, archive.status().detail
    assert archive.status().records["prices"] == 1
    assert [row.time for row in archive.read(all_prices)] == [NOW + 1]
    assert "removed or replaced" in caplog.text


def test_what_is_published_on_is_in_the_new_file(archives: Archives) -> None:
    """Articles and transactions are published again and again, and only what is new in them is written."""
    archive = archives()

    def publish() -> None:
        archive.on_publication(news(article(1)))
        archive.on_publication(whales(whale()))
        archive.flush()

    publish()
    archive.path.unlink()
    record(archive, NOW)
    publish()
    assert len(archive.read(lambda connection: queries.article_rows(connection, limit=5)).rows) == 1
    assert len(archive.read(lambda connection: queries.whale_rows(connection, limit=5)).rows) == 1


def test_log_that_is_removed(archives: Archives, caplog: pytest.LogCaptureFixture) -> None:
    """The log alone is as bad: others could not read, and a crash would lose all that was written since."""
    archive = archives()
    record(archive, NOW)
    archive.path.with_name(f"{archive.path.name}-wal").unlink()
    record(archive, NOW + 1)
    assert archive.status().healthy, archive.status().detail
    assert [row.time for row in archive.read(all_prices)] == [NOW, NOW + 1]
    assert "removed or replaced" in caplog.text
    check_whole(archive.path)


def test_rows_that_cannot_be_stored_do_not_stop_the_others(
    archives: Archives, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug of ours that makes one batch impossible is logged, counted, and does not fill the memory."""
    archive = archives()
    write, calls = keeper.write_batch, 0

    def fail_once(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OverflowError("too large")
        return write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(keeper, "write_batch", fail_once)
    record(archive, NOW)
    record(archive, NOW + 1)
    status = archive.status()
    assert status.healthy
    assert (status.dropped, status.failed_writes, status.records["prices"]) == (1, 1, 1)
    assert "cannot be stored" in caplog.text


def test_row_that_cannot_be_stored_takes_no_other_with_it(archives: Archives, caplog: pytest.LogCaptureFixture) -> None:
    """A number that the file cannot hold: the prices that came with it are there, and what comes later too."""
    archive = archives()
    for number in range(3):
        archive.on_publication(publication("news", {"articles": []}, seq=2**70 + number))
        record(archive, NOW + number, NOW + number + 0.5)
    status = archive.status()
    assert status.healthy
    assert (status.dropped, status.records["prices"], status.pending) == (3, 6, 0)
    assert sum(record.exc_info is not None for record in caplog.records) <= 1


@contextlib.contextmanager
def another_writer(path: Path) -> Iterator[None]:
    """Another connection writes to the file and does not come to an end within the block."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def test_another_writer_holds_nobody_up(archive: Archive) -> None:
    """The flush waits for it in a native thread; green threads go on, and the rows are written in the end."""
    archive.on_publication(prices([quote(NOW)]))
    flushed = []
    with another_writer(archive.path):
        green.spawn(lambda: flushed.append(archive.flush()))
        for _ in range(50):
            green.sleep(0.005)
        assert not flushed
    wait_until(lambda: flushed != [])
    archive.flush()
    assert archive.status().healthy
    assert archive.status().records["prices"] == 1


def test_slow_disk(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one write hangs, green threads go on, publications are taken in, and flushes do not pile up native
    threads; whoever waited and was interrupted has changed nothing.
    """
    gate, write, writes = NativeGate(), keeper.write_batch, []

    def slow(connection: sqlite3.Connection, batch: Batch) -> dict[Kind, int]:
        writes.append(len(batch))
        gate.wait()
        return write(connection, batch)

    monkeypatch.setattr(keeper, "write_batch", slow)
    archive.on_publication(prices([quote(NOW)]))
    green.spawn(archive.flush)
    wait_until(gate.is_reached)
    for number in range(20):
        archive.on_publication(prices([quote(NOW + 1 + number)]))
        with pytest.raises(green.DeadlineExceeded), green.deadline(0.01):
            archive.flush()
    assert writes == [1]
    assert archive.status().pending == 20
    gate.open()
    archive.flush()
    assert archive.status().records["prices"] == 21
    assert sum(writes) == 21


def test_end_does_not_wait_for_a_disk_that_hangs(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It waits a little, and says what it could not do."""
    gate, write = NativeGate(), keeper.write_batch

    def slow(connection: sqlite3.Connection, batch: Batch) -> dict[Kind, int]:
        gate.wait()
        return write(connection, batch)

    monkeypatch.setattr(keeper, "write_batch", slow)
    monkeypatch.setattr(store, "CLOSE_WAIT_S", 0.1)
    archive.on_publication(prices([quote(NOW)]))
    archive.close()
    assert "not closed in time" in caplog.text
    gate.open()


def test_start_does_not_wait_for_a_disk_that_hangs(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service begins to serve; the archive is there when the disk has answered."""
    gate, open_file = NativeGate(), database.open_file

    def slow(path: Path, *, demo: bool) -> database.Opened:
        gate.wait()
        return open_file(path, demo=demo)

    monkeypatch.setattr(database, "open_file", slow)
    monkeypatch.setattr(store, "START_WAIT_S", 0.1)
    archive = archive_in(tmp_path, clock)
    archive.on_publication(prices([quote(NOW)]))
    assert archive.status().detail == "not opened yet"
    with pytest.raises(ArchiveUnavailable, match="not opened yet"):
        archive.read(all_prices)
    gate.open()
    archive.flush()
    assert archive.status().records["prices"] == 1
    archive.close()


def wait_until(condition: Callable[[], bool]) -> None:
    with green.deadline(30):
        while not condition():
            green.sleep(0.01)
