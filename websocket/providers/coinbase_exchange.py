"""Coinbase Exchange: an exchange with dollar markets of nine coins.

Documentation: https://docs.cdp.coinbase.com/exchange, limits at
https://docs.cdp.coinbase.com/exchange/rest-api/rate-limits, checked 2026-11-21.

Rate limit as published: 10 requests a second and address, bursts up to 15; then 429.

Quirks:
    - Price and price 24 h ago come from two endpoints, each for one coin.
    - Requests without a User-Agent get 400.
    - USDC has no market: it counts as the dollar there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from websocket.errors import UnknownSymbol, UpstreamError, UpstreamStatus
from websocket.providers.base import (
    Answer,
    Budget,
    Request,
    TickerProvider,
    change_since,
    parse_iso_time,
    parse_number,
)
from websocket.records import Ticker

TICKER = "product_ticker"
STATS = "product_stats"


class CoinbaseExchange(TickerProvider):
    """Tickers from ``/products/{id}/ticker`` and ``/products/{id}/stats``, two requests a coin."""

    name = "coinbase_exchange"
    title = "Coinbase Exchange"
    docs = "https://docs.cdp.coinbase.com/exchange"
    market_ids: ClassVar[Mapping[str, str]] = {
        "BTC": "BTC-USD",
        "ETH": "ETH-USD",
        "BNB": "BNB-USD",
        "ADA": "ADA-USD",
        "SOL": "SOL-USD",
        "DOT": "DOT-USD",
        "USDT": "USDT-USD",
        "XRP": "XRP-USD",
        "MATIC": "POL-USD",
    }

    @property
    def budget(self) -> Budget:
        """10 requests a second are published. Data change at once; 30 s is our own pace, since a refresh takes 18."""
        return Budget(per_minute=600, min_interval_s=30)

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors of the shape ``{"message": "NotFound"}``."""
        if not isinstance(payload, dict) or "message" not in payload:
            return None
        if status == 404:
            return UnknownSymbol(self.name, request.operation, "the product is not listed", request.symbols, status)
        if status < 400:
            return UpstreamStatus(self.name, request.operation, f"an error in an answer with status {status}", status)
        return None

    def ticker_requests(self, symbols: Collection[str]) -> Sequence[Request]:
        """Two requests a coin; all prices first, since they are worth something without the rest."""
        listed = self.listed(symbols)
        return [
            Request(operation=operation, path=f"/products/{product}/{endpoint}", symbols=(symbol,))
            for operation, endpoint in ((TICKER, "ticker"), (STATS, "stats"))
            for symbol, product in listed.items()
        ]

    def parse_tickers(self, answers: Sequence[Answer]) -> list[Ticker]:
        """Reads ``{"price": "97405.12", "time": "2026-11-21T10:00:00.210762Z", ...}`` and its companion.

        That is ``{"open": "96210.00", "last": "97401.55", ...}`` (``open`` stood 24 h ago). Without the first, ``last``
        is the price and there is no time; without the second there is no change.

        Raises:
            BadPayload: an answer is not an object.
        """
        found: dict[str, dict[str, Answer]] = {}
        for answer in answers:
            if not isinstance(answer.payload, dict):
                raise self.bad_payload(answer, "an object about one product")
            for symbol in answer.request.symbols:
                found.setdefault(symbol, {})[answer.request.operation] = answer
        return [self._merge(symbol, by_operation) for symbol, by_operation in found.items()]

    def _merge(self, symbol: str, by_operation: Mapping[str, Answer]) -> Ticker:
        ticker, stats = by_operation.get(TICKER), by_operation.get(STATS)
        price = parse_number(ticker.payload.get("price")) if ticker else None
        source_time = parse_iso_time(ticker.payload.get("time")) if ticker and price is not None else None
        if stats and price is None:
            price = parse_number(stats.payload.get("last"))
        change, change_percent = change_since(price, parse_number(stats.payload.get("open")) if stats else None)
        return Ticker(
            symbol=symbol,
            source=self.name,
            price=price,
            source_time=source_time,
            received_at=min(answer.received_at for answer in by_operation.values()),
            change_24h=change,
            change_percent_24h=change_percent,
        )
