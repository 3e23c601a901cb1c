"""The archive as the others see it: reads beside the writer, bounded in time and number; on, off and at its end."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.archive.conftest import Archives
from tests.archive.support import NOW, Clock, all_prices, article, news, prices, publication, quote, whale, whales
from tests.support.native_gate import NativeGate
from websocket import green
from websocket.archive import queries, reads, store
from websocket.archive.progress import Progress
from websocket.archive.store import Archive
from websocket.errors import ArchiveUnavailable, TooManyReads
from websocket.settings import ArchiveSettings

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_everything_is_counted(archive: Archive, clock: Clock) -> None:
    """By kind, with what waits and when it was saved."""
    before = archive.status()
    assert (before.last_save, before.oldest_record, before.total_records, before.active_writers) == (None, None, 0, 1)
    archive.on_publication(prices([quote(NOW - 30), quote(NOW - 3700)]))
    archive.on_publication(news(article(1), article(2)))
    archive.on_publication(whales(whale()))
    archive.on_publication(publication("scheduler", {"status": "live"}))
    assert archive.status().pending == 2 + 2 + 1 + 3
    clock.now += 1
    archive.flush()
    status = archive.status()
    assert status.healthy
    assert status.records == {
        "prices": 2,
        "candles_1m": 2,
        "candles_1h": 2,
        "articles": 2,
        "whales": 1,
        "updates": 3,
    }
    assert status.total_records == 12
    assert (status.pending, status.dropped, status.rows_written, status.failed_writes) == (0, 0, 8, 0)
    assert (status.last_save, status.oldest_record) == (NOW + 1, NOW - 3700)
    files = [archive.path, archive.path.with_name("archive.sqlite3-wal")]
    assert status.size_bytes == sum(file.stat().st_size for file in files)


def test_what_is_flushed_is_read_back(archive: Archive) -> None:
    """The last update as it was published."""
    archive.on_publication(publication("scheduler", {"status": "live", "jobs": ["ä"]}, seq=7))
    archive.flush()
    (update,) = archive.read(queries.update_rows)
    assert (update.service, update.epoch, update.seq, update.time) == ("scheduler", "epoch", 7, NOW)
    assert update.body == '{"status":"live","jobs":["ä"]}'


def test_tasks_are_remembered(archives: Archives) -> None:
    """When the last backup and the last export were done; those that failed do not count."""
    archive = archives()
    done = Progress(
        id=1,
        task="export",
        state="failed",
        done=0,
        total=None,
        unit=None,
        started_at="",
        finished_at="",
        file=None,
        size_bytes=None,
        reason="no room",
    )
    archive.on_task(done)
    assert archive.status().last_export is None
    archive.note("export", "prices.csv")
    assert archive.status().last_export == NOW
    archive.close()
    assert archives().status().last_export == NOW


def test_a_reader_cannot_write(archive: Archive) -> None:
    """Whatever a query tries."""
    with pytest.raises(ArchiveUnavailable, match="readonly"):
        archive.read(lambda connection: connection.execute("DELETE FROM prices"))


def test_a_reader_sees_one_state(archive: Archive) -> None:
    """Rows that are written while it reads are not half there."""
    archive.on_publication(prices([quote(NOW - 1)]))
    archive.flush()
    gate = NativeGate()

    def look_twice(connection: sqlite3.Connection) -> tuple[int, int]:
        first = len(all_prices(connection))
        gate.wait()
        return first, len(all_prices(connection))

    seen: list[tuple[int, int]] = []
    green.spawn(lambda: seen.append(archive.read(look_twice)))
    wait_for(gate)
    archive.on_publication(prices([quote(NOW)]))
    archive.flush()
    assert archive.status().records["prices"] == 2
    gate.open()
    while not seen:
        green.sleep(0.01)
    assert seen == [(1, 1)]


def test_a_read_that_takes_too_long_is_ended(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """And green threads go on meanwhile."""
    monkeypatch.setattr(store, "READ_TIME_S", 0.2)
    turns = 0

    def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            green.sleep(0.001)

    counting = green.start(count_turns)
    with pytest.raises(ArchiveUnavailable, match="too long"):
        archive.read(lambda connection: connection.execute(ENDLESS).fetchone())
    counting.kill()
    assert turns > 5
    assert archive.read(all_prices) == []


def test_few_reads_at_once(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many slow ones would take all native threads; whoever waited too long is served afterwards."""
    monkeypatch.setattr(reads, "WAIT_S", 0.1)
    gate = NativeGate()
    read: list[object] = []
    for number in range(reads.READS_AT_ONCE):
        green.spawn(lambda reader: read.append(archive.read(lambda _: gate.wait(), reader=reader)), str(number))
    wait_for(gate)
    with pytest.raises(ArchiveUnavailable, match="busy"):
        archive.read(all_prices, reader="another")
    gate.open()
    while len(read) < reads.READS_AT_ONCE:
        green.sleep(0.01)
    assert archive.read(all_prices, reader="another") == []


def test_one_reader_leaves_room_for_others(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much one asks for, it has one read at a time and a short queue; another one is served at once."""
    monkeypatch.setattr(reads, "WAIT_S", 30.0)
    gate = NativeGate()
    read: list[object] = []
    for _ in range(1 + reads.WAITING_PER_READER):
        green.spawn(lambda: read.append(archive.read(lambda _: gate.wait(), reader="greedy")))
    wait_for(gate)
    with pytest.raises(TooManyReads, match="your address"):
        archive.read(all_prices, reader="greedy")
    assert archive.read(all_prices, reader="another") == []
    assert read == []
    gate.open()
    with green.deadline(30):
        while len(read) < 1 + reads.WAITING_PER_READER:
            green.sleep(0.01)
    assert archive.read(all_prices, reader="greedy") == []


def test_reader_is_kept_waiting_by_its_own_read_only(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason says so, because waiting for others would be no use."""
    monkeypatch.setattr(reads, "WAIT_S", 0.1)
    gate = NativeGate()
    green.spawn(lambda: archive.read(lambda _: gate.wait(), reader="slow"))
    wait_for(gate)
    with pytest.raises(TooManyReads, match="Your other reads"):
        archive.read(all_prices, reader="slow")
    gate.open()


def test_readers_take_turns(archive: Archive) -> None:
    """Whoever came second is not behind all that the first one wants."""
    order: list[str] = []
    for reader in ("first", "first", "first", "second"):
        green.spawn(lambda name: order.append(archive.read(lambda _: name, reader=name)), reader)
    with green.deadline(30):
        while len(order) < 4:
            green.sleep(0.01)
    assert "second" in order[:2]


def test_queue_of_all_readers_has_an_end(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes then is refused at once."""
    monkeypatch.setattr(reads, "WAIT_S", 30.0)
    monkeypatch.setattr(reads, "WAITING", 2)
    monkeypatch.setattr(reads, "READS_AT_ONCE", 1)
    gate = NativeGate()
    read: list[object] = []
    for number in range(3):
        green.spawn(lambda reader: read.append(archive.read(lambda _: gate.wait(), reader=reader)), str(number))
    wait_for(gate)
    with pytest.raises(ArchiveUnavailable, match="busy"):
        archive.read(all_prices, reader="another")
    gate.open()
    with green.deadline(30):
        while len(read) < 3:
            green.sleep(0.01)


def test_many_short_reads_wait_for_each_other(archive: Archive) -> None:
    """Pages that are opened at the same moment all get their charts."""
    read: list[object] = []
    for _ in range(reads.WAITING_PER_READER):
        green.spawn(lambda: read.append(archive.read(all_prices)))
    with green.deadline(30):
        while len(read) < reads.WAITING_PER_READER:
            green.sleep(0.01)


def test_a_query_s_own_error_comes_through(archive: Archive) -> None:
    """A cursor that is none is the client's fault, not the archive's."""
    with pytest.raises(ZeroDivisionError):
        archive.read(lambda _: 1 // 0)


def test_switched_off(tmp_path: Path) -> None:
    """No file, nothing in memory, and a reason for those who ask."""
    archive = Archive(ArchiveSettings(enabled=False), tmp_path, demo=False)
    archive.start()
    archive.on_publication(prices([quote(NOW)]))
    archive.note("backup", "x")
    archive.flush()
    archive.prune()
    status = archive.status()
    assert (status.enabled, status.healthy, status.pending, status.active_writers) == (False, False, 0, 0)
    with pytest.raises(ArchiveUnavailable, match="ARCHIVE_ENABLED"):
        archive.read(all_prices)
    archive.close()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_done_before_the_start(tmp_path: Path, clock: Clock) -> None:
    """Building makes no file; what is published meanwhile waits."""
    archive = Archive(ArchiveSettings(), tmp_path, demo=False, clock=clock)
    archive.on_publication(prices([quote(NOW)]))
    archive.flush()
    archive.prune()
    assert list(tmp_path.iterdir()) == []
    archive.start()
    assert archive.status().records["prices"] == 1
    archive.close()


def test_end_writes_what_is_pending(archives: Archives) -> None:
    """And leaves one file without a log; afterwards nothing is taken in any more. Idempotent."""
    archive = archives()
    archive.on_publication(prices([quote(NOW)]))
    archive.close()
    archive.close()
    archive.on_publication(prices([quote(NOW + 1)]))
    archive.flush()
    assert (archive.status().pending, archive.status().active_writers) == (0, 0)
    assert sorted(file.name for file in archive.path.parent.iterdir()) == ["archive.sqlite3", "archive.sqlite3.lock"]
    with pytest.raises(ArchiveUnavailable):
        archive.read(all_prices)
    assert [row.time for row in archives().read(all_prices)] == [NOW]


def wait_for(gate: NativeGate) -> None:
    with green.deadline(30):
        while not gate.is_reached():
            green.sleep(0.01)
