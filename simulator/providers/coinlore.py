"""CoinLore, ``https://api.coinlore.net/api``: a listing site with decimal strings and no source times in its rows.

Source: https://www.coinlore.com/cryptocurrency-data-api, checked 2026-11. Two dialects in one interface:
``/api/ticker/`` writes volumes as strings, ``/api/tickers/`` as numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.coins import ALL_COINS, COINS, FILLER_COINS, RANKS
from simulator.formats import fixed
from simulator.market import DAY_S
from simulator.providers.base import Handler, Provider, split_list
from simulator.source_view import HOUR_S, SourceView

IDS = {
    "90": "BTC",
    "80": "ETH",
    "2710": "BNB",
    "257": "ADA",
    "48543": "SOL",
    "45219": "DOT",
    "518": "USDT",
    "33285": "USDC",
    "58": "XRP",
    "171206": "POL",
    **{str(190_001 + place): coin.symbol for place, coin in enumerate(FILLER_COINS)},
}
"""Coin symbol by CoinLore id. The ids of POL and of the invented coins are our own."""

_ID_BY_SYMBOL = {symbol: coin_id for coin_id, symbol in IDS.items()}
_MAX_LIMIT = 100


class CoinLore(Provider):
    """CoinLore's public interface."""

    name = "coinlore"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/api/ticker": self._ticker, "/api/tickers": self._tickers}

    def rate_limited(self) -> Answer:
        """Gives the plain text of the web server in front; the interface itself publishes no such answer."""
        return Answer("Too Many Requests", status=429, content_type="text/plain; charset=utf-8")

    def _ticker(self, request: Request, view: SourceView) -> Answer:
        """Answers a bare array with the requested coins in the order asked for; unknown ids are left out."""
        ids = [coin_id for coin_id in split_list(request.query.get("id", "")) if coin_id in IDS]
        rows = []
        for coin_id in ids:
            symbol = IDS[coin_id]
            rows.append(
                {
                    **_identity(symbol),
                    "price_usd": _price_text(view.price(symbol)),
                    **_changes(view, symbol),
                    "market_cap_usd": fixed(view.market_cap(symbol), 2),
                    "volume24": fixed(view.volume(symbol, 0.92), 2),
                    "volume24_native": fixed(view.volume_in_coins(symbol, 0.92), 2),
                    "csupply": fixed(COINS[symbol].circulating_supply, 2),
                    "price_btc": _price_btc_text(view, symbol),
                    **_limits(symbol),
                }
            )
        return _priced(rows, rows)

    def _tickers(self, request: Request, view: SourceView) -> Answer:
        """Answers one page of all coins by rank: ``{"data": [...], "info": {"coins_num": 46, "time": 1795289000}}``."""
        start = _number(request.query.get("start", "0"), 0)
        limit = min(_number(request.query.get("limit", "100"), _MAX_LIMIT), _MAX_LIMIT)
        rows = []
        for coin in ALL_COINS[start : start + limit]:
            symbol = coin.symbol
            rows.append(
                {
                    **_identity(symbol),
                    "price_usd": _price_text(view.price(symbol)),
                    **_changes(view, symbol),
                    "price_btc": _price_btc_text(view, symbol),
                    "market_cap_usd": fixed(view.market_cap(symbol), 2),
                    "volume24": view.volume(symbol, 0.92),
                    "volume24a": view.volume(symbol, 0.98),
                    "csupply": fixed(coin.circulating_supply, 2),
                    **_limits(symbol),
                }
            )
        return _priced({"data": rows, "info": {"coins_num": len(ALL_COINS), "time": int(view.claimed_at)}}, rows)


def _priced(body: Any, rows: list[dict[str, Any]]) -> Answer:
    return Answer(body, rows=[PricedRow(row["symbol"], row, ("price_usd",)) for row in rows])


def _number(text: str, default: int) -> int:
    """Gives a parameter as a number; the real interface takes a wrong one for a missing one."""
    return int(text) if text.isdecimal() else default


def _identity(symbol: str) -> dict[str, Any]:
    name = COINS[symbol].name
    return {
        "id": _ID_BY_SYMBOL[symbol],
        "symbol": symbol,
        "name": name,
        "nameid": re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"),
        "rank": RANKS[symbol],
    }


def _changes(view: SourceView, symbol: str) -> dict[str, str]:
    windows = {"24h": DAY_S, "1h": HOUR_S, "7d": 7 * DAY_S}
    return {
        f"percent_change_{window}": fixed(view.change_percent(symbol, length_s), 2)
        for window, length_s in windows.items()
    }


def _limits(symbol: str) -> dict[str, str]:
    coin = COINS[symbol]
    return {
        "tsupply": fixed(coin.total_supply, 0),
        "msupply": "" if coin.max_supply is None else fixed(coin.max_supply, 0),
    }


def _price_text(price: float) -> str:
    """Gives a price with two places, cheap coins with six, so that a cheap coin is not rounded by a percent."""
    return fixed(price, 2 if price >= 10 else 6)


def _price_btc_text(view: SourceView, symbol: str) -> str:
    return "1.00" if symbol == "BTC" else fixed(view.price(symbol, quote="BTC"), 6)
