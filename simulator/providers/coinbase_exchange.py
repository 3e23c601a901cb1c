"""Coinbase Exchange, ``https://api.exchange.coinbase.com``: an exchange in US dollars, in decimal strings.

Source: https://docs.cdp.coinbase.com/exchange, checked 2026-11. There is no USDC-USD: the two are one there.
A request without a User-Agent is refused. ``open`` of the statistics is the price of 24 hours ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.formats import fixed, iso_us
from simulator.market import DAY_S
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView

# Decimal places of the price. For ADA, DOT and POL one more than in reality, where a step is up to a tenth of a
# percent: a demonstration should see every coin move.
_PRICE_PLACES = {"BTC": 2, "ETH": 2, "BNB": 2, "ADA": 5, "SOL": 2, "DOT": 4, "USDT": 5, "XRP": 4, "POL": 5}
_BASE_BY_PRODUCT = {f"{base}-USD": base for base in _PRICE_PLACES}
_SHARE = 0.02
_RFQ_SHARE = 0.005


class CoinbaseExchange(Provider):
    """The public products of Coinbase Exchange."""

    name = "coinbase_exchange"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/products/{product}/ticker": self._ticker, "/products/{product}/stats": self._stats}

    def answer(self, request: Request, view: SourceView) -> Answer:
        """Answers one request, if the client says who it is."""
        if not request.headers.get("user-agent"):
            return self.error(400, "User-Agent header is required.")
        return super().answer(request, view)

    def error(self, status: int, message: str) -> Answer:
        """Gives an error object; 404 is written without a blank."""
        return Answer({"message": "NotFound" if status == 404 else message}, status=status)

    def rate_limited(self) -> Answer:
        """Gives the body sent with a 429."""
        return self.error(429, "Public rate limit exceeded")

    def missing(self, value: Any) -> Any:
        """Gives null: that is how a product without a trade is written here, although prices are strings."""
        return None

    def _ticker(self, request: Request, view: SourceView, product: str) -> Answer:
        """Answers the last trade and the best prices."""
        base = _BASE_BY_PRODUCT.get(product)
        if base is None:
            return self.error(404, "NotFound")
        places = _PRICE_PLACES[base]
        last = view.price(base)
        coins = view.volume_in_coins(base, _SHARE)
        values = {
            "ask": fixed(last + 10.0**-places, places),
            "bid": fixed(last, places),
            "volume": fixed(coins, 8),
            "trade_id": int(view.claimed_at * 5) % 10**10,
            "price": fixed(last, places),
            "size": fixed(coins / 300_000, 8),
            "time": iso_us(view.claimed_at),
            "rfq_volume": fixed(coins * _RFQ_SHARE, 6),
        }
        return Answer(values, rows=[PricedRow(base, values, ("ask", "bid", "price"))])

    def _stats(self, request: Request, view: SourceView, product: str) -> Answer:
        """Answers the last 24 hours; volumes are counted in the coin."""
        base = _BASE_BY_PRODUCT.get(product)
        if base is None:
            return self.error(404, "NotFound")
        places = _PRICE_PLACES[base]
        low, high = view.low_and_high(base)
        coins = view.volume_in_coins(base, _SHARE)
        values = {
            "open": fixed(view.price(base, DAY_S), places),
            "high": fixed(high, places),
            "low": fixed(low, places),
            "last": fixed(view.price(base), places),
            "volume": fixed(coins, 8),
            "volume_30day": fixed(coins * 30.4, 8),
            "rfq_volume_24hour": fixed(coins * _RFQ_SHARE, 6),
            "rfq_volume_30day": fixed(coins * 30.4 * _RFQ_SHARE, 6),
        }
        return Answer(values, rows=[PricedRow(base, values, ("open", "high", "low", "last"))])
