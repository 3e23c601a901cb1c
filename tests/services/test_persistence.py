"""The service ``persistence``: what it tells about an archive on a disk, in good times and bad, and about its tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.archive.support import prices, quote
from tests.services.doubles import NOW, Clock, archive_off, context_of, jobs_of
from websocket import green
from websocket.archive.keeper import OPEN_PAUSE_S
from websocket.archive.progress import Jobs, Report, Step
from websocket.archive.store import Archive
from websocket.errors import ArchiveError
from websocket.feed_status import WARM_UP_S
from websocket.records import to_rfc3339
from websocket.services.base import PartInfo
from websocket.services.persistence import Persistence, PersistenceService, size_in_words, without_folders
from websocket.settings import ArchiveSettings


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(tmp_path: Path, clock: Clock) -> Iterator[Archive]:
    """One that is not started."""
    made = Archive(ArchiveSettings(), tmp_path / "data", demo=False, clock=clock)
    yield made
    made.close()


@pytest.fixture
def jobs(clock: Clock) -> Jobs:
    return Jobs(clock=clock)


@pytest.fixture
def service(archive: Archive, jobs: Jobs, clock: Clock) -> PersistenceService:
    jobs.listen(archive.on_task)
    return PersistenceService(context_of([], clock, archive=archive, archive_jobs=jobs))


def published(service: PersistenceService) -> list[dict[str, Any]]:
    """What clients have been sent."""
    broker = service.context.broker
    epoch, _ = broker.position("persistence")
    return [publication.data for publication in broker.since("persistence", epoch, 0) or []]


def look(service: PersistenceService) -> None:
    """Has the service look whether something changed, as its job does."""
    for name, job in jobs_of(service).jobs.items():
        if name == "persistence_changes":
            job()


def test_an_archive_that_is_well(service: PersistenceService, archive: Archive, clock: Clock) -> None:
    """The documented keys, with what was recorded."""
    archive.start()
    archive.on_publication(prices([quote(NOW - 60), quote(NOW)]))
    clock.advance(1)
    archive.flush()
    size = archive.status().size_bytes
    live = PartInfo(
        status="live", as_of=to_rfc3339(NOW + 1), source=f"{archive.path.parent.name}/{archive.path.name}", reason=None
    )
    assert service.payload() == Persistence(
        status="live",
        reason=None,
        parts={"archive": live},
        demo=False,
        timestamp=to_rfc3339(NOW + 1),
        storage_location=f"{archive.path.parent.name}/{archive.path.name}",
        total_records=5,
        records={"prices": 2, "candles_1m": 2, "candles_1h": 1, "articles": 0, "whales": 0, "updates": 0},
        storage_size=size_in_words(size),
        storage_bytes=size,
        last_save=to_rfc3339(NOW + 1),
        active_writers=1,
        pending_writes=0,
        failed_writes=0,
        dropped=0,
        oldest_record=to_rfc3339(NOW - 60),
        last_backup=None,
        last_export=None,
        tasks=[],
    )


def test_before_the_first_record(service: PersistenceService, archive: Archive, clock: Clock) -> None:
    """It is empty, and says that nothing was saved yet: nothing is wrong before the start should be over."""
    archive.start()
    payload = service.payload()
    assert (payload.status, payload.reason) == ("starting", "archive: nothing has been written yet")
    assert (payload.total_records, payload.last_save, payload.oldest_record) == (0, None, None)
    clock.now += WARM_UP_S
    payload = service.payload()
    assert (payload.status, payload.reason) == ("degraded", "archive: nothing has been written yet")


def test_a_disk_that_fails_before_the_first_record_is_no_start(
    service: PersistenceService, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    """It is said at once."""
    (tmp_path / "data").write_text("in the way")
    archive.start()
    archive.on_publication(prices([quote(NOW)]))
    look(service)
    assert service.payload().status == "degraded"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("not enough room in /srv/dwt/data/backups: 61 MB are free", "not enough room in backups: 61 MB are free"),
        ("[Errno 13] Permission denied: '/srv/dwt/data'", "[Errno 13] Permission denied: 'data'"),
        ("3/4 of data/archive.sqlite3", "3/4 of data/archive.sqlite3"),
        (None, None),
    ],
)
def test_nobody_is_told_where_the_files_are(told: str | None, shown: str | None) -> None:
    """Whoever watches needs to know which folder, not where it is."""
    assert without_folders(told) == shown


def test_a_disk_that_fails_degrades_the_service(
    service: PersistenceService, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    """At once, with the reason, and it is live again at once; what waits is told."""
    (tmp_path / "data").write_text("in the way")
    archive.start()
    archive.on_publication(prices([quote(NOW)]))
    look(service)
    payload = service.payload()
    assert payload.status == "degraded"
    assert payload.reason is not None
    assert payload.reason.startswith("archive: cannot be opened: ")
    assert str(tmp_path) not in payload.reason
    assert payload.parts["archive"].status == "down"
    assert (payload.total_records, payload.storage_size, payload.storage_bytes) == (None, None, None)
    assert (payload.active_writers, payload.pending_writes, payload.failed_writes) == (0, 1, 1)
    look(service)
    (tmp_path / "data").unlink()
    clock.advance(OPEN_PAUSE_S)
    archive.flush()
    look(service)
    look(service)
    assert [data["status"] for data in published(service)] == ["degraded", "live"]
    assert service.payload().pending_writes == 0


def test_switched_off(clock: Clock) -> None:
    """It says so, and which setting it is."""
    payload = PersistenceService(context_of([], clock, archive=archive_off(clock))).payload()
    assert (payload.status, payload.reason) == ("unconfigured", "archive: ARCHIVE_ENABLED is off")
    assert (payload.storage_location, payload.total_records, payload.storage_size) == (None, None, None)


def test_a_task_is_followed(service: PersistenceService, archive: Archive, jobs: Jobs, tmp_path: Path) -> None:
    """Its begin and its end are published at once, with how far it is; then the time of the last backup stands."""
    archive.start()
    archive.on_publication(prices([quote(NOW)]))
    archive.flush()
    file = tmp_path / "archive-1.sqlite3"

    def work(report: Report) -> Path:
        report(Step(done=5, total=10, unit="pages"))
        file.write_bytes(b"x" * 10)
        return file

    jobs.start("backup", work)
    wait_until(lambda: jobs.running is None)
    first, *_, last = published(service)
    assert [task["state"] for task in first["tasks"]] == ["running"]
    assert first["last_backup"] is None
    (task,) = last["tasks"]
    assert (task["state"], task["done"], task["total"], task["unit"]) == ("done", 5, 10, "pages")
    assert (task["file"], task["size_bytes"]) == ("archive-1.sqlite3", 10)
    assert last["last_backup"] == to_rfc3339(NOW)
    assert last["parts"]["backup"]["status"] == "live"
    assert last["status"] == "live"


def test_a_backup_that_fails_degrades_the_service(service: PersistenceService, archive: Archive, jobs: Jobs) -> None:
    """Until one succeeds: an operator who thinks that there are backups must learn that there are none."""
    archive.start()
    archive.on_publication(prices([quote(NOW)]))
    archive.flush()

    def fail(_report: Report) -> Path:
        raise ArchiveError("not enough room")

    jobs.start("backup", fail)
    wait_until(lambda: jobs.running is None)
    payload = service.payload()
    assert (payload.status, payload.reason) == ("degraded", "backup: not enough room")
    assert payload.parts["backup"].status == "down"
    jobs.start("backup", lambda _: archive.path)
    wait_until(lambda: jobs.running is None)
    assert service.payload().status == "live"


def test_a_backup_by_the_command_line_ends_the_trouble(
    service: PersistenceService, archive: Archive, jobs: Jobs
) -> None:
    """One that is newer than the failure; an older one proves nothing."""
    archive.start()

    def fail(_report: Report) -> Path:
        raise ArchiveError("not enough room")

    jobs.start("backup", fail)
    wait_until(lambda: jobs.running is None)
    archive.learn_of_backup(NOW - 60)
    assert service.payload().parts["backup"].status == "stale"
    archive.learn_of_backup(NOW + 60)
    assert service.payload().parts["backup"].status == "live"


def test_a_process_that_does_not_collect_publishes_nothing(
    service: PersistenceService, archive: Archive, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one tells about its own archive; backups are made here all the same."""
    archive.start()
    monkeypatch.setattr(type(service.context.broker), "collecting", property(lambda _: False))
    jobs.start("backup", lambda _: archive.path)
    wait_until(lambda: jobs.running is None)
    assert published(service) == []
    assert archive.status().last_backup == NOW


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (61_808, "61.8 kB"),
        (999_949, "999.9 kB"),
        (999_960, "1.0 MB"),
        (2_500_000_000, "2.5 GB"),
        (3_200_000_000_000, "3.2 TB"),
        (5_000_000_000_000_000, "5000.0 TB"),
    ],
)
def test_sizes_in_words(size: int, words: str) -> None:
    """As the documentation shows them."""
    assert size_in_words(size) == words


def wait_until(condition: Callable[[], bool]) -> None:
    with green.deadline(30):
        while not condition():
            green.sleep(0.01)
