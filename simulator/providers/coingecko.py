"""CoinGecko, ``https://api.coingecko.com/api/v3``: a listing site with JSON numbers and a cache.

Source: https://docs.coingecko.com, checked 2026-11. Keys are not looked at: keyless, Demo and Pro calls get
the same answer. ``category`` is not simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.coins import COINS, MAIN_COINS, RANKS, Coin
from simulator.formats import iso_ms, significant, whole
from simulator.market import DAY_S
from simulator.providers.base import Handler, Provider, split_list
from simulator.providers.coingecko_coins import coin_page, trending
from simulator.source_view import HOUR_S, SourceView

IDS = {
    "bitcoin": "BTC",
    "ethereum": "ETH",
    "binancecoin": "BNB",
    "cardano": "ADA",
    "solana": "SOL",
    "polkadot": "DOT",
    "tether": "USDT",
    "usd-coin": "USDC",
    "ripple": "XRP",
    "polygon-ecosystem-token": "POL",
}
"""Coin symbol by CoinGecko id."""

# Listed, but without a price: the coin moved to another id in 2024 and the old one answers with nothing.
_DEAD_ID = "matic-network"
_CURRENCIES = {"usd": "USD", **{symbol: symbol.upper() for symbol in ("btc", "eth", "bnb", "xrp", "sol", "dot")}}
_WINDOWS_S = {
    "1h": HOUR_S,
    "24h": DAY_S,
    "7d": 7 * DAY_S,
    "14d": 14 * DAY_S,
    "30d": 30 * DAY_S,
    "200d": 200 * DAY_S,
    "1y": 365 * DAY_S,
}
_ORDERS = {
    "market_cap_desc": ("market_cap", True),
    "market_cap_asc": ("market_cap", False),
    "volume_desc": ("total_volume", True),
    "volume_asc": ("total_volume", False),
    "id_asc": ("id", False),
    "id_desc": ("id", True),
}
_CACHE_CONTROL = {"Cache-Control": "max-age=30, public, must-revalidate, s-maxage=60"}
_RATE_LIMIT_TEXT = (
    "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to subscribe to our "
    "API plans for higher rate limits."
)


class CoinGecko(Provider):
    """CoinGecko's REST interface, version 3."""

    name = "coingecko"
    caches = True

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {
            "/api/v3/ping": self._ping,
            "/api/v3/simple/price": self._simple_price,
            "/api/v3/coins/markets": self._markets,
            "/api/v3/coins/list": self._coins_list,
            "/api/v3/coins/{coin_id}": self._coin,
            "/api/v3/search/trending": lambda request, view: trending(view, IDS),
        }

    def rate_limited(self) -> Answer:
        """Gives the body recorded with a 429."""
        return Answer({"status": {"error_code": 429, "error_message": _RATE_LIMIT_TEXT}}, status=429)

    def _ping(self, request: Request, view: SourceView) -> Answer:
        return Answer({"gecko_says": "(V3) To the Moon!"})

    def _simple_price(self, request: Request, view: SourceView) -> Answer:
        """Answers ``{"bitcoin": {"usd": 65670, "usd_24h_change": 1.2, ...}}``; unknown ids are left out."""
        query = request.query
        currencies = [name for name in split_list(query.get("vs_currencies", "").lower()) if name in _CURRENCIES]
        if not query.get("vs_currencies"):
            return self.error(422, "Missing parameter vs_currencies")
        ids = _requested_ids(query)
        if ids is None:
            return self.error(422, "Missing parameter ids")
        precision = query.get("precision", "")
        if precision not in ("", "full") and not (precision.isdecimal() and int(precision) <= 18):
            return self.error(400, "Invalid value for precision")

        answer = Answer({}, headers=dict(_CACHE_CONTROL))
        for coin_id in ids:
            values: dict[str, Any] = {}
            if coin_id in IDS:
                for currency in currencies:
                    values |= _simple_values(query, view, IDS[coin_id], currency, precision)
                if query.get("include_last_updated_at") == "true":
                    values["last_updated_at"] = int(view.claimed_at)
                answer.rows.append(PricedRow(IDS[coin_id], values, tuple(currencies)))
            answer.body[coin_id] = values
        return answer

    def _markets(self, request: Request, view: SourceView) -> Answer:
        """Answers an array with one row per coin."""
        query = request.query
        currency = query.get("vs_currency", "").lower()
        if not currency:
            return self.error(422, "Missing parameter vs_currency")
        if currency not in _CURRENCIES:
            return self.error(400, "invalid vs_currency")
        order = query.get("order", "market_cap_desc")
        page_text, size_text = query.get("page", "1"), query.get("per_page", "100")
        if not (page_text.isdecimal() and size_text.isdecimal() and 1 <= int(size_text) <= 250 and int(page_text) >= 1):
            return self.error(400, "invalid page or per_page")
        windows = split_list(query.get("price_change_percentage", ""))
        if order not in _ORDERS or any(window not in _WINDOWS_S for window in windows):
            return self.error(400, "invalid order or price_change_percentage")

        requested = _requested_ids(query)
        rows = [
            _dead_row(view, currency, windows) if coin_id == _DEAD_ID else _market_row(view, coin_id, currency, windows)
            for coin_id in (IDS if requested is None else requested)
        ]
        if query.get("sparkline") == "true":
            for row in rows:
                row["sparkline_in_7d"] = {"price": _sparkline(view, IDS.get(row["id"]), currency)}
        key, descending = _ORDERS[order]
        rows.sort(key=lambda row: (row[key] is not None, row[key]), reverse=descending)
        page, size = int(page_text), int(size_text)
        shown = rows[(page - 1) * size : page * size]
        answer = Answer(shown, headers={**_CACHE_CONTROL, "per-page": str(size), "total": str(len(rows))})
        answer.rows = [
            PricedRow(IDS[row["id"]], row, ("current_price", "high_24h", "low_24h"))
            for row in shown
            if row["id"] != _DEAD_ID
        ]
        return answer

    def _coins_list(self, request: Request, view: SourceView) -> Answer:
        """Answers the id table, sorted by id, with the dead id in it as in reality."""
        rows: list[dict[str, Any]] = [
            {"id": coin_id, "symbol": symbol.lower(), "name": COINS[symbol].name} for coin_id, symbol in IDS.items()
        ]
        rows.append({"id": _DEAD_ID, "symbol": "matic", "name": "Polygon"})
        if request.query.get("include_platform") == "true":
            for row in rows:
                row["platforms"] = {}
        return Answer(sorted(rows, key=lambda row: str(row["id"])))

    def _coin(self, request: Request, view: SourceView, coin_id: str) -> Answer:
        """Answers the page of one coin, with the votes of its followers."""
        if coin_id not in IDS:
            return self.error(404, "coin not found")
        coin = COINS[IDS[coin_id]]
        return coin_page(view, coin_id, coin, _image(coin, coin_id), request.query)


def _requested_ids(query: Mapping[str, str]) -> list[str] | None:
    """Gives the known ids a query asks for; of ids, names and symbols the first that is given counts.

    ``None`` means that it asks for none in particular.
    """
    if query.get("ids"):
        return [coin_id for coin_id in dict.fromkeys(split_list(query["ids"])) if coin_id in (*IDS, _DEAD_ID)]
    if query.get("names"):
        wanted = {name.lower() for name in split_list(query["names"])}
        return [coin_id for coin_id, symbol in IDS.items() if COINS[symbol].name.lower() in wanted]
    if query.get("symbols"):
        wanted = {symbol.upper() for symbol in split_list(query["symbols"])}
        return [coin_id for coin_id, symbol in IDS.items() if symbol in wanted]
    return None


def _simple_values(
    query: Mapping[str, str], view: SourceView, symbol: str, currency: str, precision: str
) -> dict[str, Any]:
    """Gives the fields of one coin in one currency, in the order of the real answer."""
    quote = _CURRENCIES[currency]
    price = view.price(symbol, quote=quote)
    if precision == "full":
        values = {currency: whole(significant(price, 15))}
    else:
        values = {currency: whole(round(price, int(precision))) if precision else _rounded(price)}
    if query.get("include_market_cap") == "true":
        values[f"{currency}_market_cap"] = significant(view.market_cap(symbol, quote=quote), 15)
    if query.get("include_24hr_vol") == "true":
        values[f"{currency}_24h_vol"] = significant(view.volume(symbol, quote=quote), 15)
    if query.get("include_24hr_change") == "true":
        values[f"{currency}_24h_change"] = significant(view.change_percent(symbol, quote=quote), 15)
    return values


def _rounded(price: float) -> int | float:
    """Gives a price as rounded without ``precision``: recorded answers have 88927, 594.59 and 21.14."""
    if price >= 10_000:
        return round(price)
    if price >= 10:
        return whole(round(price, 2))
    return whole(round(price, 4) if price >= 1 else significant(price, 6))


def _market_row(view: SourceView, coin_id: str, currency: str, windows: list[str]) -> dict[str, Any]:
    """Gives one row of ``/coins/markets`` in the key order of the real one."""
    symbol, quote = IDS[coin_id], _CURRENCIES[currency]
    coin = COINS[symbol]
    price = view.price(symbol, quote=quote)
    low, high = view.low_and_high(symbol, quote=quote)
    market_cap = view.market_cap(symbol, quote=quote)
    market_cap_before = view.market_cap(symbol, DAY_S, quote)
    # The records are kept in dollars; in another currency today's rate is near enough for a stand-in.
    rate = price / view.price(symbol)
    ath, atl = max(coin.ath_usd * rate, high), min(coin.atl_usd * rate, low)
    row = {
        "id": coin_id,
        "symbol": symbol.lower(),
        "name": coin.name,
        "image": _image(coin, coin_id),
        "current_price": _rounded(price),
        "market_cap": round(market_cap),
        "market_cap_rank": RANKS[symbol],
        "fully_diluted_valuation": round(price * (coin.max_supply or coin.total_supply)),
        "total_volume": round(view.volume(symbol, quote=quote)),
        "high_24h": _rounded(high),
        "low_24h": _rounded(low),
        "price_change_24h": significant(view.change(symbol, quote=quote), 6),
        "price_change_percentage_24h": round(view.change_percent(symbol, quote=quote), 5),
        "market_cap_change_24h": round(market_cap - market_cap_before),
        "market_cap_change_percentage_24h": round((market_cap / market_cap_before - 1.0) * 100.0, 5),
        "circulating_supply": whole(coin.circulating_supply),
        "total_supply": whole(coin.total_supply),
        "max_supply": None if coin.max_supply is None else whole(coin.max_supply),
        "ath": _rounded(ath),
        "ath_change_percentage": round((price / ath - 1.0) * 100.0, 5),
        "ath_date": coin.ath_date,
        "atl": _rounded(atl),
        "atl_change_percentage": round((price / atl - 1.0) * 100.0, 5),
        "atl_date": coin.atl_date,
        "roi": None,
        "last_updated": iso_ms(view.claimed_at),
    }
    for window in windows:
        change = view.change_percent(symbol, _WINDOWS_S[window], quote)
        row[f"price_change_percentage_{window}_in_currency"] = significant(change, 15)
    return row


def _dead_row(view: SourceView, currency: str, windows: list[str]) -> dict[str, Any]:
    """Gives the row of a listed coin that has no market any more: every figure is null."""
    blank = dict.fromkeys(_market_row(view, "bitcoin", currency, windows))
    return {**blank, "id": _DEAD_ID, "symbol": "matic", "name": "Polygon"}


def _sparkline(view: SourceView, symbol: str | None, currency: str) -> list[float]:
    """Gives the hourly prices of the last seven days, oldest first; none for a dead coin."""
    if symbol is None:
        return []
    quote = _CURRENCIES[currency]
    return [significant(view.price(symbol, hour * HOUR_S, quote), 15) for hour in range(167, -1, -1)]


def _image(coin: Coin, coin_id: str) -> str:
    number = MAIN_COINS.index(coin) + 1
    return f"https://assets.coingecko.com/coins/images/{number}/large/{coin_id}.png?1696501400"
