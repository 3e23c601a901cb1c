"""The channels that clients can subscribe to. The only place that knows their names."""

from __future__ import annotations

from typing import Literal

import msgspec

Group = Literal["data_collection", "monitoring", "integration"]

CRYPTO_PRICES = "crypto-prices"
MARKET_DATA = "market_data"


class ServiceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One of the services, each of which is a channel of its own name.

    Attributes:
        name: channel name.
        group: which of the grouped endpoints offers it.
        interval_s: how often it publishes.
        description: one line for people.
    """

    name: str
    group: Group
    interval_s: float
    description: str


SERVICES: tuple[ServiceInfo, ...] = (
    ServiceInfo(
        name=MARKET_DATA,
        group="data_collection",
        interval_s=5,
        description="Prices, volumes, market caps and 24 h changes of ten coins in US dollars.",
    ),
)

SERVICE_NAMES: tuple[str, ...] = tuple(service.name for service in SERVICES)

CHANNELS: tuple[str, ...] = (CRYPTO_PRICES, *SERVICE_NAMES)
"""What a Socket.IO client may subscribe to: the exchange's feed and every service."""
