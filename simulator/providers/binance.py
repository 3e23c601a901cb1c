"""Binance spot, ``https://data-api.binance.vision/api/v3``: an exchange which quotes in USDT, in decimal strings.

Source: https://github.com/binance/binance-spot-api-docs, checked 2026-11. USDT itself is the quote currency and
has no pair.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.formats import fixed
from simulator.market import DAY_S
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView

# Decimal places of the price. For ADA, DOT and POL one more than in reality, where a step is up to a tenth of a
# percent: a demonstration should see every coin move.
_PRICE_PLACES = {"BTC": 2, "ETH": 2, "BNB": 2, "ADA": 5, "SOL": 2, "DOT": 4, "USDC": 5, "XRP": 4, "POL": 6}
_BASE_BY_PAIR = {f"{base}USDT": base for base in _PRICE_PLACES}

_SHARE = 0.2
_SHOWN_PLACES = 8
_WEIGHT_LIMIT = 6_000
_SYMBOL_RANGE = "^[A-Z0-9-_.]{1,20}$"
_SYMBOLS_RANGE = r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$'
_PRICE_FIELDS = ("lastPrice", "openPrice", "highPrice", "lowPrice")
_FULL_PRICE_FIELDS = (*_PRICE_FIELDS, "weightedAvgPrice", "bidPrice", "askPrice", "prevClosePrice")
_RESTRICTED_TEXT = (
    "Service unavailable from a restricted location according to 'b. Eligibility' in "
    "https://www.binance.com/en/terms. Please contact customer service if you believe you received this message in "
    "error."
)


class Binance(Provider):
    """Binance's public market data."""

    name = "binance"

    def __init__(self) -> None:
        """Starts with no weight used."""
        self._lock = threading.Lock()
        self._minute = 0
        self._used_weight = 0

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/api/v3/ticker/24hr": self._ticker, "/api/v3/exchangeInfo": self._exchange_info}

    def error(self, status: int, message: str) -> Answer:
        """Gives an error which has no code of its own."""
        return _refusal(-1000, message, status)

    def rate_limited(self) -> Answer:
        """Gives the body sent when the weight of a minute is used up."""
        text = (
            f"Too much request weight used; current limit is {_WEIGHT_LIMIT} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return _refusal(-1003, text, 429)

    def geo_blocked(self) -> Answer:
        """Gives the body recorded with a 451."""
        return _refusal(0, _RESTRICTED_TEXT, 451)

    def _ticker(self, request: Request, view: SourceView) -> Answer:
        """Answers an object for ``symbol``, an array for ``symbols`` and for none; one unknown pair fails the call."""
        query = request.query
        kind = query.get("type", "FULL")
        unread = [name for name in query if name not in ("symbol", "symbols", "type")]
        if unread:
            read = len(query) - len(unread)
            text = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(query)}'."
            return self._weighed(view, 2, _refusal(-1104, text))
        if kind not in ("FULL", "MINI"):
            return self._weighed(view, 2, _refusal(-1139, "Invalid ticker type."))
        pairs = _requested_pairs(query)
        if isinstance(pairs, Answer):
            return self._weighed(view, 2, pairs)

        rows = [_row(view, pair, kind) for pair in pairs]
        fields = _FULL_PRICE_FIELDS if kind == "FULL" else _PRICE_FIELDS
        answer = Answer(rows[0] if "symbol" in query else rows)
        answer.rows = [PricedRow(_BASE_BY_PAIR[row["symbol"]], row, fields) for row in rows]
        named = "symbol" in query or "symbols" in query
        return self._weighed(view, (2 if len(rows) <= 20 else 40) if named else 80, answer)

    def _exchange_info(self, request: Request, view: SourceView) -> Answer:
        """Answers the rate limits and the tradable pairs."""
        pairs = _requested_pairs(request.query)
        if isinstance(pairs, Answer):
            return self._weighed(view, 20, pairs)
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": _WEIGHT_LIMIT}
        body = {
            "timezone": "UTC",
            "serverTime": int(view.claimed_at * 1000),
            "rateLimits": [limit],
            "exchangeFilters": [],
            "symbols": [
                {
                    "symbol": pair,
                    "status": "TRADING",
                    "baseAsset": _BASE_BY_PAIR[pair],
                    "baseAssetPrecision": 8,
                    "quoteAsset": "USDT",
                    "quotePrecision": 8,
                    "isSpotTradingAllowed": True,
                }
                for pair in pairs
            ],
        }
        return self._weighed(view, 20, Answer(body))

    def _weighed(self, view: SourceView, weight: int, answer: Answer) -> Answer:
        """Counts a request's weight in the running minute and tells the sum in the header."""
        with self._lock:
            minute = int(view.now // 60)
            if minute != self._minute:
                self._minute, self._used_weight = minute, 0
            self._used_weight += weight
            answer.headers["X-MBX-USED-WEIGHT"] = answer.headers["X-MBX-USED-WEIGHT-1M"] = str(self._used_weight)
        return answer


def _refusal(code: int, text: str, status: int = 400) -> Answer:
    return Answer({"code": code, "msg": text}, status=status)


def _requested_pairs(query: Mapping[str, str]) -> list[str] | Answer:
    """Gives the pairs a query asks for, all of them when it names none, or the refusal it deserves."""
    if "symbol" in query and "symbols" in query:
        return _refusal(-1128, "Combination of optional parameters invalid.")
    for name, legal_range in (("symbol", _SYMBOL_RANGE), ("symbols", _SYMBOLS_RANGE)):
        if name not in query:
            continue
        if not query[name]:
            return _refusal(-1105, f"Parameter '{name}' was empty.")
        if not re.fullmatch(legal_range, query[name]):
            return _refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal_range}'.")
        pairs: list[str] = [query[name]] if name == "symbol" else json.loads(query[name])
        if len(set(pairs)) < len(pairs):
            return _refusal(-1151, "Symbol is present multiple times in the list.")
        return pairs if all(pair in _BASE_BY_PAIR for pair in pairs) else _refusal(-1121, "Invalid symbol.")
    return list(_BASE_BY_PAIR)


def _row(view: SourceView, pair: str, kind: str) -> dict[str, Any]:
    """Gives one pair's last 24 hours; prices and ``quoteVolume`` are in USDT, times in milliseconds."""
    base = _BASE_BY_PAIR[pair]
    places = _PRICE_PLACES[base]

    def text(price: float) -> str:
        return fixed(price, places, _SHOWN_PLACES)

    last, first = view.price(base, quote="USDT"), view.price(base, DAY_S, "USDT")
    low, high = view.low_and_high(base, quote="USDT")
    step = 10.0**-places
    coins = view.volume_in_coins(base, _SHARE)
    close_ms = int(view.claimed_at * 1000)
    last_id = close_ms // 40
    trades = 400_000 + last_id % 100_000
    ends: dict[str, Any] = {
        "openPrice": text(first),
        "highPrice": text(high),
        "lowPrice": text(low),
        "volume": fixed(coins, 5, _SHOWN_PLACES),
        "quoteVolume": fixed(view.volume(base, _SHARE, "USDT"), _SHOWN_PLACES),
        "openTime": close_ms - int(DAY_S * 1000),
        "closeTime": close_ms,
        "firstId": last_id - trades + 1,
        "lastId": last_id,
        "count": trades,
    }
    if kind == "MINI":
        opening = ends.pop("openPrice")
        high_and_low = {name: ends.pop(name) for name in ("highPrice", "lowPrice")}
        return {"symbol": pair, "openPrice": opening, **high_and_low, "lastPrice": text(last), **ends}
    return {
        "symbol": pair,
        "priceChange": text(last - first),
        "priceChangePercent": fixed((last - first) / first * 100.0, 3),
        "weightedAvgPrice": fixed(view.average_price(base, quote="USDT"), _SHOWN_PLACES),
        "prevClosePrice": text(first),
        "lastPrice": text(last),
        "lastQty": fixed(coins / trades, 5, _SHOWN_PLACES),
        "bidPrice": text(last - step),
        "bidQty": fixed(coins / 5_000, 5, _SHOWN_PLACES),
        "askPrice": text(last),
        "askQty": fixed(coins / 7_000, 5, _SHOWN_PLACES),
        **ends,
    }
