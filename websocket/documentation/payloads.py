"""What each channel carries.

A data service says itself what it publishes; the example of its payload is ``examples/<name>.json`` beside this file,
and nothing else in the documentation knows the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from websocket.catalogue import CRYPTO_PRICES, MARKET_DATA, SYSTEM
from websocket.feed_status import FeedStatus
from websocket.notices import Leader, SystemNotice
from websocket.records import Price
from websocket.services import service_classes
from websocket.services.prices import MarketData

EXAMPLE_TIME = "2026-11-21T10:00:00.250Z"

EXAMPLES = Path(__file__).parent / "examples"


class Payload(Struct, frozen=True):
    """What one channel carries.

    Attributes:
        type: its type.
        example: a value of that type.
    """

    type: Any
    example: Any


_STALE_FEED = FeedStatus(
    channel=CRYPTO_PRICES,
    status="stale",
    reason="DOT older than 180 s",
    demo=False,
    source="binance",
    oldest_age_s=214.7,
    timestamp=EXAMPLE_TIME,
)

OWN_PAYLOADS: Mapping[str, Payload] = {
    CRYPTO_PRICES: Payload(
        list[Price],
        [
            Price(
                symbol="BTC",
                name="Bitcoin",
                price=97412.35,
                change24h=1184.2,
                change_percent24h=1.2306,
                volume24h=31720627780.81,
                market_cap=1942318450000.0,
                last_updated=EXAMPLE_TIME,
            ),
            Price(
                symbol="MATIC",
                name="Polygon",
                price=0.5012,
                change24h=-0.0031,
                change_percent24h=-0.6147,
                volume24h=64998669.75,
                market_cap=5263118300.0,
                last_updated="2026-11-21T09:59:58.100Z",
            ),
        ],
    ),
    MARKET_DATA: Payload(
        MarketData,
        MarketData(
            prices={"bitcoin": 97412.35, "matic-network": 0.5012},
            volumes={"bitcoin": 31720627780.81},
            market_caps={"bitcoin": 1942318450000.0},
            price_changes={"bitcoin": 1.2306, "matic-network": -0.6147},
            last_updated={"bitcoin": EXAMPLE_TIME, "matic-network": "2026-11-21T09:58:30.000Z"},
            source="binance",
            status="delayed",
            reason="MATIC older than 60 s",
            demo=False,
            timestamp=EXAMPLE_TIME,
        ),
    ),
    SYSTEM: Payload(
        SystemNotice,
        SystemNotice(
            event="feed_status",
            message="The price feed is stale: DOT older than 180 s.",
            process="5000",
            feed=_STALE_FEED,
            leader=Leader(process="5000", since="2026-11-21T08:12:40.007Z"),
            shutdown_at=None,
            status="stale",
            reason="DOT older than 180 s",
            demo=False,
            timestamp=EXAMPLE_TIME,
        ),
    ),
}
"""By channel; what publishes there is no data service."""


@cache
def payload_of(channel: str) -> Payload:
    """What a channel carries."""
    if channel in OWN_PAYLOADS:
        return OWN_PAYLOADS[channel]
    kind = service_classes()[channel].payload_type
    return Payload(kind, msgspec.json.decode((EXAMPLES / f"{channel}.json").read_bytes(), type=kind))
