"""``websocket.log`` of a running service."""

from __future__ import annotations

import re
from collections import Counter

from tests.end_to_end.conftest import Connect, StartService
from tests.support.plain_http import get
from tests.support.processes import wait_until
from tests.support.service import ServiceProcess
from websocket.coins import SYMBOLS

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) \S+ \S.*")


def lines(service: ServiceProcess) -> list[str]:
    """The log so far."""
    return service.log_file.read_text().splitlines()


def wait_until_quiet(service: ServiceProcess) -> None:
    """Waits for the end of the first round: every coin has its price, and the feed is called live."""
    wait_until(lambda: len(get(f"{service.url}/api/prices").json()["data"]) == len(SYMBOLS), "ten prices")
    wait_until(lambda: "status=live" in service.log_file.read_text(), "the log says that the feed is live")


def test_messages_are_no_lines_at_info(start_service: StartService, connect: Connect) -> None:
    """A hundred broadcasts, a client that comes and goes, some requests: what changed is a line, each once."""
    service = start_service({"BROADCAST_INTERVAL": "0.05", "MARKET_DATA_INTERVAL": "0.05"})
    wait_until_quiet(service)
    before = len(lines(service))
    client = connect(service, transports=["polling"])
    client.subscribe()
    client.subscribe("market_data")
    client.subscribe("no-such-channel")
    client.wait_for_more("crypto-prices", 100)
    client.close()
    get(f"{service.url}/health")
    get(f"{service.url}/no-such-page")
    added = lines(service)[before:]
    events = Counter(line.partition(" ")[2] for line in added)
    assert len(added) < 10, added
    assert [event for event, count in events.items() if count > 1] == []
    assert [line for line in added if "crypto-prices seq" in line or "GET" in line] == []


def test_every_line_has_time_level_and_logger(start_service: StartService) -> None:
    """So that programs can read it; the same lines go to standard error."""
    service = start_service()
    wait_until_quiet(service)
    service.stop()
    assert lines(service)
    assert [line for line in lines(service) if not LINE.fullmatch(line)] == []
    said = service.output.read_text().splitlines()
    assert [line for line in lines(service) if line not in said] == []
    assert "stopping signal=SIGTERM" in lines(service)[-1]


def test_start_and_changes_of_state_are_lines(start_service: StartService) -> None:
    """Where it listens, which cache it uses, and what became of the feed: one line each."""
    service = start_service()
    wait_until_quiet(service)
    text = service.log_file.read_text()
    assert text.count(f"listening host=127.0.0.1 port={service.port}") == 1
    assert text.count("cache is embedded") == 1
    assert text.count("feed status changed channel=crypto-prices status=live") == 1


def test_debug_level_shows_each_request(start_service: StartService) -> None:
    """To the providers, and clients that come and go."""
    service = start_service({"LOG_LEVEL": "DEBUG"})
    wait_until(lambda: any(" DEBUG " in line and "binance" in line for line in lines(service)), "a request to binance")


def test_warning_level_hides_the_rest(start_service: StartService) -> None:
    """Nothing happened that is worth a warning."""
    service = start_service({"LOG_LEVEL": "WARNING"})
    wait_until(lambda: len(get(f"{service.url}/api/prices").json()["data"]) == len(SYMBOLS), "ten prices")
    assert [line for line in lines(service) if " INFO " in line or " DEBUG " in line] == []


def test_log_rotates(start_service: StartService) -> None:
    """No file grows beyond its limit, and no more files are kept than asked for."""
    limit = 2000
    service = start_service({"LOG_LEVEL": "DEBUG", "LOG_MAX_BYTES": str(limit), "LOG_BACKUPS": "2"})
    oldest = service.log_file.with_name("websocket.log.2")

    def provoke() -> bool:
        get(f"{service.url}/socket.io/?EIO=4&transport=polling")
        return oldest.exists()

    wait_until(provoke, "two rotations")
    service.stop()
    files = sorted(file.name for file in service.folder.glob("websocket.log*"))
    assert files == ["websocket.log", "websocket.log.1", "websocket.log.2"]
    assert all(service.log_file.with_name(file).stat().st_size <= limit for file in files)
