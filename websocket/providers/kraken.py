"""Kraken: an exchange with dollar markets of all ten coins.

Documentation: https://docs.kraken.com/api/docs/rest-api/get-ticker-information, checked 2026-11-21.

Rate limit as published: none in numbers for public endpoints; clients keep to about one request a second and address.

Quirks:
    - Errors come with HTTP 200, in a list next to the result: ``E...`` is an error, ``W...`` a warning.
    - One unknown pair makes the whole request fail.
    - ``assetVersion=1`` gives keys like ``BTC/USD``; without it they are internal names like ``XXBTZUSD``. Both are
      read.
    - ``o`` is the price at midnight UTC, not 24 h ago, so there is no change over 24 h. There is no time either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from websocket.errors import AccessRefused, RateLimited, UnknownSymbol, UpstreamError, UpstreamStatus
from websocket.providers.base import Answer, Budget, Request, TickerProvider, parse_number
from websocket.records import Ticker

OLD_NAMES: Mapping[str, str] = {
    "XXBTZUSD": "BTC",
    "XBTUSD": "BTC",
    "XETHZUSD": "ETH",
    "USDTZUSD": "USDT",
    "XXRPZUSD": "XRP",
}
"""Internal names of pairs that are more than the new name without its slash, to our symbol."""


class Kraken(TickerProvider):
    """Tickers from ``/0/public/Ticker``, one request for all coins."""

    name = "kraken"
    title = "Kraken"
    docs = "https://docs.kraken.com/api/docs/rest-api/get-ticker-information"
    market_ids: ClassVar[Mapping[str, str]] = {
        "BTC": "BTC/USD",
        "ETH": "ETH/USD",
        "BNB": "BNB/USD",
        "ADA": "ADA/USD",
        "SOL": "SOL/USD",
        "DOT": "DOT/USD",
        "USDT": "USDT/USD",
        "USDC": "USDC/USD",
        "XRP": "XRP/USD",
        "MATIC": "POL/USD",
    }

    @property
    def budget(self) -> Budget:
        """One request a second is what clients keep to; 10 s is our own pace, data change at once."""
        return Budget(per_minute=60, min_interval_s=10)

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors of the shape ``{"error": ["EQuery:Unknown asset pair"]}``, mostly with HTTP 200."""
        errors = payload.get("error") if isinstance(payload, dict) else None
        if not isinstance(errors, list):
            return None
        said = "; ".join(error for error in errors if isinstance(error, str) and not error.startswith("W"))
        if not said:
            return None
        reason = repr(said[:100])
        lower = said.lower()
        if "rate limit" in lower or "too many requests" in lower or "lockout" in lower:
            return RateLimited(self.name, request.operation, reason)
        if "eservice:" in lower:
            return UpstreamStatus(self.name, request.operation, reason, 503)
        if "unknown asset pair" in lower:
            return UnknownSymbol(self.name, request.operation, reason, request.symbols)
        if "permission denied" in lower:
            return AccessRefused(self.name, request.operation, reason, 403)
        if "internal error" in lower:
            return UpstreamStatus(self.name, request.operation, reason, 500)
        return UpstreamStatus(self.name, request.operation, reason, status if status >= 400 else 400)

    def ticker_requests(self, symbols: Collection[str]) -> Sequence[Request]:
        """One request for all coins."""
        listed = self.listed(symbols)
        if not listed:
            return []
        params = (("pair", ",".join(listed.values())), ("assetVersion", "1"))
        return [Request(operation="ticker", path="/0/public/Ticker", params=params, symbols=tuple(listed))]

    def parse_tickers(self, answers: Sequence[Answer]) -> list[Ticker]:
        """Reads ``{"error": [], "result": {"BTC/USD": {"c": ["97398.50000", "0.01200000"], ...}, ...}}``.

        ``c`` is the last trade: price, amount.

        Raises:
            BadPayload: the answer has no object in ``result``.
        """
        symbols = {pair: symbol for symbol, pair in self.market_ids.items()}
        symbols.update({pair.replace("/", ""): symbol for pair, symbol in symbols.items()}, **OLD_NAMES)
        tickers: dict[str, Ticker] = {}
        for answer in answers:
            result = answer.payload.get("result") if isinstance(answer.payload, dict) else None
            if not isinstance(result, dict):
                raise self.bad_payload(answer, "an object with one entry per pair in 'result'")
            for pair, row in result.items():
                if pair not in symbols or not isinstance(row, dict):
                    continue
                last = row.get("c")
                ticker = Ticker(
                    symbol=symbols[pair],
                    source=self.name,
                    price=parse_number(last[0]) if isinstance(last, list) and last else None,
                    source_time=None,
                    received_at=answer.received_at,
                )
                tickers.setdefault(ticker.symbol, ticker)
        return list(tickers.values())
