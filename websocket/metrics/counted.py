"""What has to be counted on the way: how long a broadcast takes, and how late the event loop is.

Both cost once for each publication, and four times a second; nothing is counted for each connection.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from prometheus_client import CollectorRegistry, Histogram

from websocket import green
from websocket.hub import Hub
from websocket.supervisor import Supervised, supervise

TICK_S = 0.25

FAN_OUT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class FanOutTime:
    """How long publications take from the broker until they were offered to the last connection.

    Args:
        hub: that delivers them.
        channels: whose time is told; others are internal.
        registry: where it is found.
    """

    def __init__(self, hub: Hub, channels: Collection[str], registry: CollectorRegistry) -> None:
        seconds = Histogram(
            "dwt_fan_out_seconds",
            "Time from the arrival of a publication at the hub until it was offered to all subscribers, by channel.",
            ["channel"],
            registry=registry,
            buckets=FAN_OUT_BUCKETS,
        )
        self._by_channel = {channel: seconds.labels(channel) for channel in channels}
        hub.on_delivered(self._observe)

    def _observe(self, channel: str, seconds: float) -> None:
        histogram = self._by_channel.get(channel)
        if histogram is not None:
            histogram.observe(seconds)


class LoopLag:
    """How much later than planned a green thread gets its turn: what holds up the event loop holds up everybody.

    Args:
        registry: where it is found.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Histogram(
            "dwt_event_loop_lag_seconds",
            f"How much later than planned a green thread that sleeps for {TICK_S} s wakes up.",
            registry=registry,
            buckets=LAG_BUCKETS,
        )
        self._ticker: Supervised | None = None

    def start(self) -> None:
        """Begins to measure."""
        self._ticker = supervise("event loop lag", self._tick)

    def stop(self) -> None:
        """Ends it. Idempotent."""
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def _tick(self) -> None:
        while True:
            planned = time.monotonic() + TICK_S
            green.sleep(TICK_S)
            self._lag.observe(max(0.0, time.monotonic() - planned))
