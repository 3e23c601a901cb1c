"""Binance: an exchange; prices are in USDT, not in dollars.

Documentation: https://developers.binance.com/docs/binance-spot-api-docs/rest-api, checked 2026-11-21.

Rate limit as published: by request weight, 6,000 a minute and address (``rateLimits`` in ``/api/v3/exchangeInfo``).
429 asks for a pause, 418 is a ban of 2 minutes to 3 days; both carry ``Retry-After``.

Quirks:
    - The default host serves market data only. The main host refuses some places (451), data centres in the USA above
      all.
    - One symbol that is not listed makes the whole request fail: 400, code -1121.
    - ``symbols`` must be JSON without spaces.
    - USDT is what prices are quoted in, so it has no market of its own here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from websocket.errors import AccessRefused, RateLimited, UnknownSymbol, UpstreamError
from websocket.providers.base import (
    Answer,
    Budget,
    Request,
    TickerProvider,
    change_since,
    parse_number,
    parse_unix_time,
    rows_by_symbol,
)
from websocket.records import Ticker

INVALID_SYMBOL = -1121
TOO_MANY_REQUESTS = -1003


class Binance(TickerProvider):
    """Tickers from ``/api/v3/ticker/24hr``, one request for all coins."""

    name = "binance"
    title = "Binance"
    docs = "https://developers.binance.com/docs/binance-spot-api-docs/rest-api"
    market_ids: ClassVar[Mapping[str, str]] = {
        "BTC": "BTCUSDT",
        "ETH": "ETHUSDT",
        "BNB": "BNBUSDT",
        "ADA": "ADAUSDT",
        "SOL": "SOLUSDT",
        "DOT": "DOTUSDT",
        "USDC": "USDCUSDT",
        "XRP": "XRPUSDT",
        "MATIC": "POLUSDT",
    }

    @property
    def budget(self) -> Budget:
        """6,000 weight a minute are published; 10 s is our own pace (12 weight a minute), since data change at once."""
        return Budget(per_minute=6000, min_interval_s=10)

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors of the shape ``{"code": -1121, "msg": "Invalid symbol."}``, and 451 with any body."""
        if status == 451:
            reason = "the exchange does not serve the place of this machine"
            return AccessRefused(self.name, request.operation, reason, status)
        code = parse_number(payload.get("code")) if isinstance(payload, dict) else None
        if code == INVALID_SYMBOL:
            reason = "a symbol is not listed"
            return UnknownSymbol(self.name, request.operation, reason, request.symbols, status)
        # a ban (418) carries the same code, and is more than a request to slow down
        if code == TOO_MANY_REQUESTS and status != 418:
            return RateLimited(self.name, request.operation, "too much request weight", status)
        return None

    def ticker_requests(self, symbols: Collection[str]) -> Sequence[Request]:
        """One request for all coins; it weighs 2 for up to 20 symbols."""
        listed = self.listed(symbols)
        if not listed:
            return []
        params = (("symbols", json.dumps(list(listed.values()), separators=(",", ":"))),)
        return [
            Request(operation="ticker_24hr", path="/api/v3/ticker/24hr", params=params, symbols=tuple(listed), cost=2)
        ]

    def parse_tickers(self, answers: Sequence[Answer]) -> list[Ticker]:
        """Reads ``[{"symbol": "BTCUSDT", "lastPrice": "97400.01", "closeTime": 1795255199040, ...}, ...]``.

        Also in each row: ``priceChange`` in USDT, ``priceChangePercent`` in percent, ``openPrice``. Rows of
        ``type=MINI`` lack the change, so it is computed from the price 24 h ago.

        Raises:
            BadPayload: the answer is not a list.
        """
        tickers: list[Ticker] = []
        for answer in answers:
            if not isinstance(answer.payload, list):
                raise self.bad_payload(answer, "a list of tickers")
            rows = rows_by_symbol(answer.payload, "symbol", self.market_ids)
            tickers += [self._parse_row(symbol, row, answer.received_at) for symbol, row in rows.items()]
        return tickers

    def _parse_row(self, symbol: str, row: Mapping[str, Any], received_at: float) -> Ticker:
        price = parse_number(row.get("lastPrice"))
        change, change_percent = parse_number(row.get("priceChange")), parse_number(row.get("priceChangePercent"))
        if change is None and change_percent is None:
            change, change_percent = change_since(price, parse_number(row.get("openPrice")))
        return Ticker(
            symbol=symbol,
            source=self.name,
            price=price,
            quote="USDT",
            source_time=parse_unix_time(row.get("closeTime"), ticks_per_second=1000),
            received_at=received_at,
            change_24h=change,
            change_percent_24h=change_percent,
        )
