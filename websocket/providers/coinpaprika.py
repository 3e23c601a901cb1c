"""CoinPaprika: an aggregator, free without a key but for few calls a month.

Documentation: https://docs.coinpaprika.com, checked 2026-11-21.

Rate limit as published: 20,000 calls a month without a key; 402 where a paid plan is needed, 429 for too many calls.

Quirks:
    - The list of all coins has thousands of rows (several MB), so each coin is asked for by itself.
    - Percentages are in percent. ``market_cap`` is whole dollars.
    - A key works on a host of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from websocket.errors import AccessRefused, UnknownSymbol, UpstreamError, UpstreamStatus
from websocket.providers.base import (
    Answer,
    Budget,
    Request,
    TickerProvider,
    parse_iso_time,
    parse_number,
    rows_by_symbol,
)
from websocket.records import Ticker
from websocket.settings import KeyedProviderSettings

PUBLIC_URL = "https://api.coinpaprika.com/v1"
PRO_URL = "https://api-pro.coinpaprika.com/v1"


class CoinPaprika(TickerProvider):
    """Tickers from ``/tickers/{id}``, one request a coin."""

    name = "coinpaprika"
    title = "CoinPaprika"
    docs = "https://docs.coinpaprika.com"
    aggregates = True
    settings: KeyedProviderSettings
    market_ids: ClassVar[Mapping[str, str]] = {
        "BTC": "btc-bitcoin",
        "ETH": "eth-ethereum",
        "BNB": "bnb-binance-coin",
        "ADA": "ada-cardano",
        "SOL": "sol-solana",
        "DOT": "dot-polkadot",
        "USDT": "usdt-tether",
        "USDC": "usdc-usd-coin",
        "XRP": "xrp-xrp",
        "MATIC": "pol-polygon-ecosystem-token",
    }

    @property
    def budget(self) -> Budget:
        """20,000 calls a month are published; ten coins every 30 minutes need 14,880 in 31 days.

        No number a minute is published: 60, one a second, leaves room for one refresh and its repetition.
        """
        return Budget(per_minute=60, per_month=20_000, min_interval_s=1800)

    @property
    def base_url(self) -> str:
        """The host for keys when a key is set, unless another address than the public one is set."""
        configured = super().base_url
        return PRO_URL if self.settings.api_key and configured == PUBLIC_URL else configured

    def headers(self) -> Mapping[str, str]:
        """The key as a bearer token; none without a key."""
        if not self.settings.api_key:
            return {}
        return {"Authorization": f"Bearer {self.settings.api_key.reveal()}"}

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors of the shape ``{"error": "id not found"}``, and 402 with any body."""
        if status == 402:
            reason = "the free calls of this month are used up, or a paid plan is needed (COINPAPRIKA_API_KEY)"
            return AccessRefused(self.name, request.operation, reason, status)
        if not isinstance(payload, dict) or "error" not in payload:
            return None
        if status == 404:
            return UnknownSymbol(self.name, request.operation, "the coin's id is not known", request.symbols, status)
        if status < 400:
            return UpstreamStatus(self.name, request.operation, f"an error in an answer with status {status}", status)
        return None

    def ticker_requests(self, symbols: Collection[str]) -> Sequence[Request]:
        """One request a coin."""
        return [
            Request(operation="ticker", path=f"/tickers/{coin_id}", params=(("quotes", "USD"),), symbols=(symbol,))
            for symbol, coin_id in self.listed(symbols).items()
        ]

    def parse_tickers(self, answers: Sequence[Answer]) -> list[Ticker]:
        """Reads ``{"id": "btc-bitcoin", "last_updated": "2026-11-21T10:00:00Z", "quotes": {"USD": {...}}, ...}``.

        In ``quotes.USD``: ``price``, ``percent_change_24h`` in percent, ``volume_24h``, ``market_cap``. An answer about
        another coin than the one asked for is left out.

        Raises:
            BadPayload: an answer is not an object.
        """
        tickers: dict[str, Ticker] = {}
        for answer in answers:
            if not isinstance(answer.payload, dict):
                raise self.bad_payload(answer, "an object about one coin")
            for symbol, row in rows_by_symbol([answer.payload], "id", self.listed(answer.request.symbols)).items():
                quotes = row.get("quotes")
                quote = quotes.get("USD") if isinstance(quotes, dict) else None
                if not isinstance(quote, dict):
                    continue
                ticker = Ticker(
                    symbol=symbol,
                    source=self.name,
                    price=parse_number(quote.get("price")),
                    source_time=parse_iso_time(row.get("last_updated")),
                    received_at=answer.received_at,
                    change_percent_24h=parse_number(quote.get("percent_change_24h")),
                    volume_24h=parse_number(quote.get("volume_24h")),
                    market_cap=parse_number(quote.get("market_cap")),
                )
                tickers.setdefault(symbol, ticker)
        return list(tickers.values())
