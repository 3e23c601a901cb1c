"""Whether what another process published is a payload of ours, by channel: each has its record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from websocket.catalogue import ACCEPTED_PRICES, CRYPTO_PRICES, LEADER, MARKET_DATA, PRICE_BOOK
from websocket.notices import Leader
from websocket.price_book import Entry
from websocket.records import Price
from websocket.services import service_classes
from websocket.services.prices import AcceptedPrices, MarketData


def payload_check() -> Callable[[str, bytes], object]:
    """Gets a channel and a body; raises ValueError or RecursionError when it is none that we would publish there.

    Fields that are not known are let through: a newer version of us may have more.
    """
    kinds: dict[str, Any] = {name: service.payload_type for name, service in service_classes().items()}
    kinds |= {
        CRYPTO_PRICES: list[Price],
        MARKET_DATA: MarketData,
        ACCEPTED_PRICES: AcceptedPrices,
        PRICE_BOOK: dict[str, Entry],
        LEADER: Leader,
    }
    decoders = {channel: msgspec.json.Decoder(kind) for channel, kind in kinds.items()}

    def check(channel: str, body: bytes) -> object:
        if channel not in decoders:
            raise ValueError("no channel of ours")
        return decoders[channel].decode(body)

    return check
