"""Whoever sends much, or asks for much, at a running service: it is held or closed, and nobody else notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import wait_until
from tests.support.service import ServiceProcess
from tests.transports.engine_client import WEBSOCKET, PollingClient, emit, joined, packet
from tests.wire.raw_client import CLOSE, PING, PONG, TEXT, RawClient, masked
from websocket import codec

ATTACKERS = 20

SUBSCRIBE_ALL = masked(TEXT, b'{"action":"subscribe","service":"all","req_id":"%s"}' % (b"x" * 100))
UNSUBSCRIBE_ALL = masked(TEXT, b'{"action":"unsubscribe","service":"all"}')


class Victim:
    """A normal client of Socket.IO: it follows a channel, and pings.

    Args:
        port: of the service.
    """

    def __init__(self, port: int) -> None:
        self._client = joined(port)
        self._pings = 1
        self._updates: list[int] = []  # their numbers
        emit(self._client, "subscribe", {"channel": "market_data"}, 1)
        self._read_until("431[")

    def notices_nothing(self) -> None:
        """Its ping is answered, and it has missed no update; a new one comes as well."""
        self._pings += 1
        emit(self._client, "ping", {}, self._pings)
        self._read_until(f"43{self._pings}[")
        self._read_until('42["market_data"')
        first, last = self._updates[0], self._updates[-1]
        assert self._updates == list(range(first, last + 1))

    def _read_until(self, start: str) -> None:
        text = ""
        while not text.startswith(start):
            text = packet(self._client)
            if text.startswith('42["market_data"'):
                self._updates.append(codec.decode(text[2:])[1]["seq"])


@pytest.fixture(scope="module")
def victim(service: ServiceProcess) -> Iterator[Victim]:
    """One for all attacks."""
    client = Victim(service.port)
    client.notices_nothing()
    yield client
    client.notices_nothing()


def resident_mib(service: ServiceProcess) -> float:
    """Memory of the service, without the kernel's buffers."""
    return int(Path(f"/proc/{service.pid}/statm").read_text().split()[1]) * 4 / 1024


def plain(port: int, **options: Any) -> RawClient:
    """A client that has read its greeting."""
    client = RawClient(port, **options).open("/ws")
    client.hear_type("welcome")
    return client


def engine(port: int) -> RawClient:
    """A session of Engine.IO that is in no namespace."""
    client = RawClient(port).open(WEBSOCKET)
    client.text()
    return client


@pytest.mark.parametrize(
    ("connect", "said"),
    [
        (plain, masked(PING, b"x") * 500),
        (plain, masked(PONG) * 500),
        (plain, masked(TEXT, b"", fin=False) + masked(0, b"", fin=False) * 500),
        (plain, masked(TEXT, b'{"action":"get_status"}') * 150),
        (plain, (SUBSCRIBE_ALL + UNSUBSCRIBE_ALL) * 30),
        (engine, masked(TEXT, b"3") * 200),
        (engine, masked(TEXT, b"40/unknown,") * 200),
    ],
    ids=["pings", "pongs", "empty fragments", "status", "all and nothing", "engine pongs", "engine connects"],
)
def test_flood_is_closed_and_nobody_notices(
    service: ServiceProcess, victim: Victim, connect: Callable[[int], RawClient], said: bytes
) -> None:
    """With 1008, after no more answers than the burst pays for."""
    attackers = [connect(service.port) for _ in range(ATTACKERS)]
    for attacker in attackers:
        attacker.send(said)
    victim.notices_nothing()
    for attacker in attackers:
        got = 0
        while (frame := attacker.frame()).opcode != CLOSE:
            got += len(frame.payload)
        assert frame.code == 1008
        # the burst, and what the last message that was allowed brought
        assert got < 100 * 4096 + 250_000
    victim.notices_nothing()


def test_unread_snapshots_hold_no_memory(service: ServiceProcess, victim: Victim) -> None:
    """A hundred clients ask for everything again and again, and read nothing."""
    before = resident_mib(service)
    attackers = [plain(service.port, receive_buffer=4096) for _ in range(100)]
    for attacker in attackers:
        attacker.send((SUBSCRIBE_ALL + UNSUBSCRIBE_ALL) * 3 + SUBSCRIBE_ALL)
    victim.notices_nothing()
    assert resident_mib(service) - before < 20
    for attacker in attackers:
        attacker.reset()


def test_polling_sessions_keep_no_requests(service: ServiceProcess, victim: Victim) -> None:
    """A hundred sessions that were opened with as many headers as the server takes."""
    headers = {f"X-Filler-{n}": "x" * 7000 for n in range(4)}
    before = resident_mib(service)
    sessions = [PollingClient(service.port, **headers) for _ in range(100)]
    assert resident_mib(service) - before < 4
    victim.notices_nothing()
    for session in sessions:
        session.post("1")


def test_flood_by_polling_is_ended(service: ServiceProcess, victim: Victim) -> None:
    """Also one of answers to pings that nobody sent."""
    sessions = [PollingClient(service.port).join() for _ in range(5)]
    for session in sessions:
        wait_until(lambda session=session: session.post(*["3"] * 16) == 400, "it was ended")  # type: ignore[misc]
    victim.notices_nothing()
