"""All metrics of one service, and their text."""

from __future__ import annotations

import prometheus_client
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from websocket.metrics.counted import FanOutTime, LoopLag
from websocket.metrics.live import LiveCollector
from websocket.metrics.parts import LiveParts

OPENMETRICS_TYPE = "application/openmetrics-text"
OPENMETRICS = f"{OPENMETRICS_TYPE}; version=1.0.0"
PLAIN = "text/plain"


class Metrics:
    """Has a registry of its own, so that a process, or a test, can build several.

    Args:
        parts: what the figures are read from.
    """

    def __init__(self, parts: LiveParts) -> None:
        # moments at which counters began would double the text, and Prometheus does not need them
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.registry.register(LiveCollector(parts))
        # memory, processor time and descriptors, under the names that every exporter has
        ProcessCollector(registry=self.registry)
        self._lag = LoopLag(self.registry)
        FanOutTime(parts.hub, parts.channels, self.registry)

    def start(self) -> None:
        """Begins to measure the event loop; everything else is counted anyway."""
        self._lag.start()

    def stop(self) -> None:
        """Ends it. Idempotent."""
        self._lag.stop()

    def exposition(self, text_format: str) -> tuple[bytes, str]:
        """All figures as text, and its content type. Lets other green threads run in between.

        Args:
            text_format: what ``format_of`` gave.
        """
        encode, content_type = choose_encoder(text_format)
        return encode(self.registry), content_type


def format_of(accept: str) -> str:
    """The format that an ``Accept`` header asks for: OpenMetrics, or Prometheus' text format, which is the default.

    It is not the header itself: ``choose_encoder`` fails on versions that are none, and repeats them in its answer.
    """
    return OPENMETRICS if OPENMETRICS_TYPE in accept.lower() else PLAIN
