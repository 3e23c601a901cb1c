"""What is counted on the way: the time of a broadcast, and the lag of the event loop."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from tests.support.processes import wait_until
from websocket import green
from websocket.broker.memory_broker import MemoryBroker
from websocket.hub import Hub
from websocket.metrics.counted import TICK_S, FanOutTime, LoopLag


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """A sample; 0 when there is none."""
    return registry.get_sample_value(name, labels) or 0.0


class TestFanOutTime:
    """From the broker to the last connection."""

    def test_one_observation_for_each_publication(self) -> None:
        """However many are subscribed; channels between processes are left out."""
        registry, broker = CollectorRegistry(), MemoryBroker(clock=time.time)
        FanOutTime(Hub(broker, frame=lambda _: b"x"), ("news", "onchain"), registry)
        for channel in ("news", "internal", "news"):
            broker.publish(channel, {})
        wait_until(lambda: value(registry, "dwt_fan_out_seconds_count", channel="news") == 2, "both deliveries")
        assert value(registry, "dwt_fan_out_seconds_count", channel="onchain") == 0
        assert registry.get_sample_value("dwt_fan_out_seconds_count", {"channel": "internal"}) is None

    def test_time_in_the_queue_counts(self) -> None:
        """A publication that waits for the one before it is late as well."""
        registry, broker = CollectorRegistry(), MemoryBroker(clock=time.time)
        hub = Hub(broker, frame=lambda _: b"x")
        hub.attach(lambda _publication: green.sleep(0.2))
        FanOutTime(hub, ("news",), registry)
        broker.publish("news", {})
        broker.publish("news", {})
        wait_until(lambda: value(registry, "dwt_fan_out_seconds_count", channel="news") == 2, "both deliveries")
        assert value(registry, "dwt_fan_out_seconds_sum", channel="news") >= 0.2 + 0.4


class TestLoopLag:
    """What holds up the event loop holds up everybody."""

    def test_a_call_that_blocks_is_seen(self) -> None:
        """By as much as it held up the others."""
        registry = CollectorRegistry()
        lag = LoopLag(registry)
        lag.start()
        try:
            green.sleep(0)  # it sleeps now
            busy(TICK_S + 0.5)
            wait_until(lambda: value(registry, "dwt_event_loop_lag_seconds_count") >= 1, "a tick")
            assert value(registry, "dwt_event_loop_lag_seconds_sum") >= 0.4
        finally:
            lag.stop()

    def test_ends_when_it_is_stopped(self) -> None:
        """Once and for all; stopping again does nothing."""
        registry = CollectorRegistry()
        lag = LoopLag(registry)
        lag.stop()
        lag.start()
        wait_until(lambda: value(registry, "dwt_event_loop_lag_seconds_count") >= 1, "a tick")
        lag.stop()
        lag.stop()
        ticks = value(registry, "dwt_event_loop_lag_seconds_count")
        green.sleep(2.5 * TICK_S)
        assert value(registry, "dwt_event_loop_lag_seconds_count") == ticks


def busy(seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
    """Lets nobody else run."""
    until = clock() + seconds
    while clock() < until:
        pass
