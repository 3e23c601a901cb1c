"""Hands each publication to the transports of this process.

The hub knows neither who listens nor how messages look on a wire: a transport registers one function that delivers a
publication to the transport's own subscribers.
"""

from __future__ import annotations

from collections.abc import Callable

from websocket.broker.base import Broker, Publication

Deliver = Callable[[Publication], None]


class Hub:
    """Fan-out of the broker's publications to transports.

    Args:
        broker: whose publications are delivered.
    """

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def attach(self, deliver: Deliver) -> None:
        """Delivers every publication from now on through ``deliver``, which must not block."""
        self.broker.listen(deliver)
