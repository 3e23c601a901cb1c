"""Services that have no source: they say so, instead of staying silent or inventing something."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from websocket.broker.base import Broker
from websocket.records import to_rfc3339


class Unconfigured(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of a service without a source.

    Attributes:
        status: always ``unconfigured``.
        reason: why there is nothing.
        demo: true when a simulated internet feeds the other services.
        timestamp: since when, RFC 3339 UTC.
    """

    status: str = "unconfigured"
    reason: str
    demo: bool
    timestamp: str


def publish_unconfigured(broker: Broker, services: Iterable[str], *, demo: bool, clock: Callable[[], float]) -> None:
    """Publishes the state of each service once; subscribers get it as their snapshot."""
    for service in services:
        broker.publish(
            service,
            Unconfigured(
                reason=f"{service} has no source in this version of the service.",
                demo=demo,
                timestamp=to_rfc3339(clock()),
            ),
        )
