"""A process that does not hear of updates any more notices it, and says so once."""

from __future__ import annotations

import msgspec
import pytest

from websocket.broker.base import BusStatus
from websocket.broker.memory_broker import MemoryBroker
from websocket.bus_watch import BusWatch


class MoodyBroker(MemoryBroker):
    """A broker that stands as a test wants it."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: 0.0)
        self.is_collecting = False
        self.is_healthy = True

    @property
    def collecting(self) -> bool:
        return self.is_collecting

    def status(self) -> BusStatus:
        return msgspec.structs.replace(super().status(), healthy=self.is_healthy, detail="no heartbeat for 6 s")


def test_follower_without_news_is_deaf(caplog: pytest.LogCaptureFixture) -> None:
    """Listeners hear of each change once, also when one of them fails."""
    broker = MoodyBroker()
    watch = BusWatch(broker)
    told: list[str | None] = []

    def fail() -> None:
        raise RuntimeError("a bug")

    watch.on_change(fail)
    watch.on_change(lambda: told.append(watch.deaf()))
    for broker.is_healthy in (True, True, False, False, True):
        watch.check()
    assert told == ["no heartbeat for 6 s", None]
    assert caplog.text.count("does not hear of updates") == 1


def test_process_that_collects_is_never_deaf() -> None:
    """It has the news itself, whatever becomes of the others."""
    broker = MoodyBroker()
    broker.is_collecting, broker.is_healthy = True, False
    assert BusWatch(broker).deaf() is None
