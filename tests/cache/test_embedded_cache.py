"""Memory and file: restarts, files that are no caches, folders that cannot be used, disks that fail."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cache.conftest import Caches
from websocket.cache import embedded_cache
from websocket.cache.embedded_cache import FILE_NAME, EmbeddedCache
from websocket.errors import StartError

ROOT = Path(__file__).resolve().parents[2]

HOLD_FOLDER = """
import sys
from pathlib import Path
from websocket import green
green.patch()
from websocket.cache.embedded_cache import EmbeddedCache
cache = EmbeddedCache(Path(sys.argv[1]))
cache.put("prices", b"x")
cache.save()
print("held", flush=True)
sys.stdin.readline()
cache.close()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """Another process that has a cache in ``folder`` until it is killed or gets a line."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", HOLD_FOLDER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_restart_keeps_values_and_the_rest_of_their_time(caches: Caches) -> None:
    first = caches.embedded()
    first.put("prices", b"for good")
    first.put("news", b"for ten seconds", ttl_s=10)
    first.put("sentiment", b"for five seconds", ttl_s=5)
    first.close()
    caches.clock.now += 7
    second = caches.embedded()
    assert second.get("prices") == b"for good"
    assert second.get("news") == b"for ten seconds"
    assert second.get("sentiment") is None
    caches.clock.now += 3
    assert second.get("news") is None


def test_a_killed_process_leaves_what_was_saved_and_a_free_folder(caches: Caches) -> None:
    end(hold(caches.folder))
    assert caches.embedded().get("prices") == b"x"


def test_saves_by_itself(caches: Caches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_cache, "SAVE_INTERVAL_S", 0.01)
    cache = caches.embedded()
    cache.put("prices", b"x")
    while not (caches.folder / FILE_NAME).exists():
        time.sleep(0.01)


def test_does_not_write_what_did_not_change(caches: Caches) -> None:
    cache = caches.embedded()
    cache.put("prices", b"x")
    cache.save()
    (caches.folder / FILE_NAME).unlink()
    cache.put("prices", b"x")
    cache.get("prices")
    cache.save()
    assert not (caches.folder / FILE_NAME).exists()


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def another_value(data: bytes) -> bytes:
    return data.replace(b"price: 1", b"price: 9")


def foreign(_: bytes) -> bytes:
    return b"SQLite format 3\x00"


def empty(_: bytes) -> bytes:
    return b""


def wrong_shape(_: bytes) -> bytes:
    return b"dwt-cache-1 00000000\n"


@pytest.mark.parametrize("spoil", [truncated, another_value, foreign, empty, wrong_shape])
def test_a_spoilt_file_is_set_aside(
    caches: Caches, caplog: pytest.LogCaptureFixture, spoil: Callable[[bytes], bytes]
) -> None:
    first = caches.embedded()
    first.put("prices", b"price: 1")
    first.close()
    file = caches.folder / FILE_NAME
    spoilt = spoil(file.read_bytes())
    file.write_bytes(spoilt)

    cache = caches.embedded()

    assert cache.get("prices") is None
    aside = caches.folder / f"{FILE_NAME}.unreadable-20270115T080000Z"
    assert aside.read_bytes() == spoilt
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(aside) in caplog.text
    assert cache.status().healthy
    assert cache.status().last_error is not None
    cache.put("prices", b"y")
    cache.close()
    assert caches.embedded().get("prices") == b"y"


def test_a_folder_in_place_of_the_file_is_set_aside(caches: Caches) -> None:
    (caches.folder / FILE_NAME).mkdir(parents=True)
    cache = caches.embedded()
    cache.put("prices", b"x")
    cache.close()
    assert caches.embedded().get("prices") == b"x"


def test_two_processes_do_not_share_a_folder(caches: Caches) -> None:
    holder = hold(caches.folder)
    try:
        with pytest.raises(StartError) as refused:
            caches.embedded()
    finally:
        end(holder)
    text = str(refused.value)
    assert str(caches.folder) in text
    assert f"process {holder.pid}" in text
    assert "set DATA_DIR to another folder" in text
    assert "\n" not in text


def test_can_wait_for_a_process_that_is_about_to_leave(caches: Caches) -> None:
    holder = hold(caches.folder)
    try:
        assert holder.stdin is not None
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert caches.embedded(lock_wait_s=60).get("prices") == b"x"
    finally:
        end(holder)


def test_a_refused_start_leaves_the_folder_free(caches: Caches, monkeypatch: pytest.MonkeyPatch) -> None:
    caches.embedded().close()
    (caches.folder / FILE_NAME).write_bytes(b"foreign")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        with pytest.raises(StartError, match="Permission denied"):
            caches.embedded()
    caches.embedded()


def test_a_folder_that_cannot_be_made_ends_the_start_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    # The second place is closed to root, too.
    for folder in (tmp_path / "file" / "data", Path("/proc/data")):
        with pytest.raises(StartError) as refused:
            EmbeddedCache(folder)
        text = str(refused.value)
        assert str(folder) in text
        assert "set DATA_DIR" in text
        assert "\n" not in text


def test_a_disk_that_fails_later_is_told_once_and_tried_again(caches: Caches, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    cache = caches.embedded()
    # A folder where the new file should go: the one obstacle that stops root as well.
    obstacle = caches.folder / f"{FILE_NAME}.new"
    obstacle.mkdir()
    cache.put("prices", b"x")
    cache.save()
    cache.save()
    status = cache.status()
    assert not status.healthy
    assert "in memory only" in status.detail
    assert status.last_error == "Is a directory"
    assert cache.get("prices") == b"x"
    assert [record.levelname for record in caplog.records] == ["WARNING"]

    obstacle.rmdir()
    cache.save()
    cache.save()
    assert cache.status().healthy
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    cache.close()
    assert caches.embedded().get("prices") == b"x"


def test_drops_what_was_put_longest_ago_when_it_is_full(caches: Caches, caplog: pytest.LogCaptureFixture) -> None:
    cache = caches.embedded(max_bytes=10)
    cache.put("a", b"1234")
    cache.put("b", b"1234")
    cache.put("a", b"5678")
    cache.put("c", b"1234")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"5678", None, b"1234")
    assert "key=b" in caplog.text


def test_does_not_keep_what_is_larger_than_itself(caches: Caches, caplog: pytest.LogCaptureFixture) -> None:
    cache = caches.embedded(max_bytes=10)
    cache.put("a", b"1")
    cache.put("b", b"1")
    cache.put("a", b"0123456789")
    assert (cache.get("a"), cache.get("b")) == (None, b"1")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
