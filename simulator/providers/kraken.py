"""Kraken spot, ``https://api.kraken.com/0/public``: an exchange in US dollars, decimal strings in arrays.

Source: https://docs.kraken.com/api/docs/rest-api/get-ticker-information, checked 2026-11. Errors come with HTTP
200 inside the envelope ``{"error": [...], "result": {...}}``. ``o`` is the price at the last midnight UTC, not
that of 24 hours ago. No answer carries a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.formats import fixed
from simulator.market import DAY_S
from simulator.providers.base import Handler, Provider, split_list
from simulator.source_view import SourceView


@dataclass(frozen=True)
class _Pair:
    """How Kraken writes one pair.

    Prices are rounded to ``places`` and padded to ``shown_places``; amounts have ``lot_places``.
    """

    symbol: str
    legacy_key: str
    short_name: str
    places: int
    shown_places: int
    lot_places: int


_PAIRS = {
    f"{pair.symbol}/USD": pair
    for pair in (
        _Pair("BTC", "XXBTZUSD", "XBTUSD", 1, 5, 8),
        _Pair("ETH", "XETHZUSD", "ETHUSD", 2, 5, 8),
        _Pair("SOL", "SOLUSD", "SOLUSD", 2, 5, 8),
        _Pair("ADA", "ADAUSD", "ADAUSD", 6, 6, 8),
        _Pair("DOT", "DOTUSD", "DOTUSD", 4, 5, 8),
        _Pair("XRP", "XXRPZUSD", "XRPUSD", 5, 8, 8),
        _Pair("USDT", "USDTZUSD", "USDTUSD", 5, 8, 8),
        _Pair("USDC", "USDCUSD", "USDCUSD", 4, 8, 8),
        _Pair("BNB", "BNBUSD", "BNBUSD", 2, 5, 5),
        _Pair("POL", "POLUSD", "POLUSD", 5, 9, 5),
    )
}
# Every spelling the real parameter accepts for a pair.
_NAMES = {
    spelling: name
    for name, pair in _PAIRS.items()
    for spelling in (name, name.replace("/", ""), pair.legacy_key, pair.short_name)
}
_SHARE = 0.004


class Kraken(Provider):
    """Kraken's public REST interface."""

    name = "kraken"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/0/public/Ticker": self._ticker}

    def error(self, status: int, message: str) -> Answer:
        """Gives an error inside the envelope."""
        return Answer({"error": [f"EGeneral:{'Unknown method' if status == 404 else message}"]}, status=status)

    def rate_limited(self) -> Answer:
        """Gives the envelope of a client that asks too often."""
        return self.error(429, "Too many requests")

    def _ticker(self, request: Request, view: SourceView) -> Answer:
        """Answers the requested pairs, all of them when none is named; one unknown pair fails the call."""
        asset_version = request.query.get("assetVersion", "0")
        if asset_version not in ("0", "1"):
            return self.error(200, "Invalid arguments:assetVersion")
        requested = split_list(request.query.get("pair", "")) or list(_PAIRS)
        if any(spelling not in _NAMES for spelling in requested):
            return Answer({"error": ["EQuery:Unknown asset pair"]})
        answer = Answer({"error": [], "result": {}})
        for spelling in requested:
            name = _NAMES[spelling]
            values = _row(view, _PAIRS[name])
            answer.body["result"][name if asset_version == "1" else _PAIRS[name].legacy_key] = values
            answer.rows.append(PricedRow(_PAIRS[name].symbol, values, ("a", "b", "c")))
        return answer


def _row(view: SourceView, pair: _Pair) -> dict[str, Any]:
    """Gives one pair; two-element arrays hold today since midnight UTC and the last 24 hours."""
    symbol = pair.symbol
    # A window of no length at midnight itself would have no low and no high.
    today_s = max(view.as_of % DAY_S, 1.0)
    last = view.price(symbol)
    lows_and_highs = (view.low_and_high(symbol, today_s), view.low_and_high(symbol, DAY_S))
    coins = view.volume_in_coins(symbol, _SHARE)
    trades = int(view.volume(symbol, _SHARE) / 1_500)
    step = 10.0**-pair.places

    def text(price: float) -> str:
        return fixed(price, pair.places, pair.shown_places)

    def best(price: float, lots: float) -> list[str]:
        return [text(price), fixed(lots, 0), fixed(lots, 0, 3)]

    return {
        "a": best(last + step, max(coins / 9_000, 1)),
        "b": best(last, max(coins / 8_000, 1)),
        "c": [text(last), fixed(coins / max(trades, 1), pair.lot_places)],
        "v": [fixed(coins * today_s / DAY_S, pair.lot_places), fixed(coins, pair.lot_places)],
        "p": [fixed(view.average_price(symbol, window_s), pair.shown_places) for window_s in (today_s, DAY_S)],
        "t": [int(trades * today_s / DAY_S), trades],
        "l": [text(low) for low, _ in lows_and_highs],
        "h": [text(high) for _, high in lows_and_highs],
        "o": text(view.price(symbol, today_s)),
    }
