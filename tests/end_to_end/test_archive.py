"""The archive of a real service: after kill -9, and on a disk that cannot be written."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.archive.support import check_whole
from tests.cache.redis_server import RedisServer
from tests.end_to_end.conftest import Connect, StartService
from tests.support.plain_http import get
from tests.support.processes import wait_until
from tests.support.service import ServiceProcess
from websocket.coins import SYMBOLS
from websocket.records import to_rfc3339

KILLS = 3

FLUSHED_WITHIN_S = 3.0
"""The service promises a second; the machine that runs the tests may have other things to do."""


def prices(service: ServiceProcess) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = get(f"{service.url}/api/prices").json()["data"]
    return rows


def archived(path: Path) -> set[tuple[str, float, str]]:
    """Coin, price and time of all that is stored."""
    connection = sqlite3.connect(path)
    try:
        found = connection.execute("SELECT symbol, price, time FROM prices")
        # twelve digits, as on the wire
        return {(symbol, float(f"{price:.12g}"), to_rfc3339(moment)) for symbol, price, moment in found}
    finally:
        connection.close()


def test_kill_loses_nothing_that_was_there_a_moment_before(start_service: StartService) -> None:
    """Again and again: the file is sound, and every price that was shown some seconds before is in it."""
    service = start_service()
    path = service.folder / "data" / "archive-demo.sqlite3"
    for _ in range(KILLS):
        wait_until(lambda: len(prices(service)) == len(SYMBOLS), "ten prices")
        shown = {(row["symbol"], row["price"], row["lastUpdated"]) for row in prices(service)}
        time.sleep(FLUSHED_WITHIN_S)
        service.kill()
        check_whole(path)
        assert shown <= archived(path)
        service.start()
        service.wait_until_live()
    assert list(path.parent.glob("*.corrupt-*")) == []
    log = service.log_file.read_text()
    assert "archive fails" not in log
    assert log.count("archive is open") == KILLS + 1


def test_process_that_was_away_gets_what_it_missed(
    start_service: StartService, start_redis: Callable[..., RedisServer]
) -> None:
    """As far as the other processes remember it: the archives of all are the same."""
    redis = start_redis()
    env = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)}
    first = start_service(env)
    path = first.folder / "data" / "archive-demo.sqlite3"
    wait_until(lambda: path.exists() and len(archived(path)) > 2 * len(SYMBOLS), "some rounds of prices", 60)
    before = archived(path)
    second = start_service(env)
    late = second.folder / "data" / "archive-demo.sqlite3"
    wait_until(lambda: late.exists() and before <= archived(late), "the other archive has them as well")


def test_polite_end_loses_nothing(start_service: StartService) -> None:
    """What waits is written on the way out, and the file is closed without a log beside it."""
    service = start_service({"ARCHIVE_FLUSH_INTERVAL": "1"})
    path = service.folder / "data" / "archive-demo.sqlite3"
    wait_until(lambda: len(prices(service)) == len(SYMBOLS), "ten prices")
    shown = {(row["symbol"], row["price"], row["lastUpdated"]) for row in prices(service)}
    assert service.end(signal.SIGTERM) == 0
    check_whole(path)
    assert shown <= archived(path)
    assert not path.with_name(f"{path.name}-wal").exists()


def test_disk_that_cannot_be_written(start_service: StartService, connect: Connect, tmp_path: Path) -> None:
    """Prices go on; the service ``persistence`` is degraded and says why; the rest of the service does not mind."""
    in_the_way = tmp_path / "disk"
    in_the_way.write_text("no folder")
    service = start_service({"ARCHIVE_FILE": str(in_the_way / "archive.sqlite3")})
    client = connect(service, transports=["websocket"])
    client.subscribe("persistence")
    client.subscribe()
    told = wait_until(
        lambda: [data["data"] for data in client.received("persistence") if data["data"]["pending_writes"]], "degraded"
    )[-1]
    assert told["status"] == "degraded"
    assert told["reason"].startswith("archive: cannot be opened")
    assert told["active_writers"] == 0
    assert len(client.wait_for_more("crypto-prices", 3)[-1]) == len(SYMBOLS)
    assert get(f"{service.url}/health").status == 200
    in_the_way.unlink()
    live = wait_until(
        lambda: [data["data"] for data in client.received("persistence") if data["data"]["status"] == "live"], "live"
    )[0]
    assert live["reason"] is None
    assert live["total_records"] > 0
    assert (tmp_path / "disk" / "archive-demo.sqlite3").exists()
