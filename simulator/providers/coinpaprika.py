"""CoinPaprika, ``https://api.coinpaprika.com/v1``: a listing site with JSON numbers and a cache.

Source: https://docs.coinpaprika.com, checked 2026-11. ``circulating_supply`` is absent, as in recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.coins import ALL_COINS, COINS, FILLER_COINS, RANKS, Coin
from simulator.formats import iso_s, significant, whole
from simulator.market import DAY_S
from simulator.providers.base import Handler, Provider, split_list
from simulator.source_view import HOUR_S, SourceView

IDS = {
    "btc-bitcoin": "BTC",
    "eth-ethereum": "ETH",
    "bnb-binance-coin": "BNB",
    "ada-cardano": "ADA",
    "sol-solana": "SOL",
    "dot-polkadot": "DOT",
    "usdt-tether": "USDT",
    "usdc-usd-coin": "USDC",
    "xrp-xrp": "XRP",
    "pol-polygon-ecosystem-token": "POL",
    **{f"{coin.symbol} {coin.name}".lower().replace(" ", "-"): coin.symbol for coin in FILLER_COINS},
}
"""Coin symbol by CoinPaprika id."""

_ID_BY_SYMBOL = {symbol: coin_id for coin_id, symbol in IDS.items()}
_QUOTES = ("USD", "BTC", "ETH")
_WINDOWS_S = {
    "15m": 900.0,
    "30m": 1_800.0,
    "1h": HOUR_S,
    "6h": 6 * HOUR_S,
    "12h": 12 * HOUR_S,
    "24h": DAY_S,
    "7d": 7 * DAY_S,
    "30d": 30 * DAY_S,
    "1y": 365 * DAY_S,
}


class CoinPaprika(Provider):
    """CoinPaprika's REST interface, version 1."""

    name = "coinpaprika"
    caches = True

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/v1/tickers": self._tickers, "/v1/tickers/{coin_id}": self._ticker}

    def rate_limited(self) -> Answer:
        """Gives the error object sent with a 429."""
        return self.error(429, "too many requests")

    def _ticker(self, request: Request, view: SourceView, coin_id: str) -> Answer:
        """Answers one row."""
        quotes = _quotes(request)
        if quotes is None:
            return self.error(400, "invalid parameters")
        if coin_id not in IDS:
            return self.error(404, "id not found")
        row = _row(view, COINS[IDS[coin_id]], quotes)
        return Answer(row, rows=_priced(row))

    def _tickers(self, request: Request, view: SourceView) -> Answer:
        """Answers the rows of all coins, largest first."""
        quotes = _quotes(request)
        if quotes is None:
            return self.error(400, "invalid parameters")
        rows = [_row(view, coin, quotes) for coin in ALL_COINS]
        return Answer(rows, rows=[place for row in rows for place in _priced(row)])


def _quotes(request: Request) -> list[str] | None:
    """Gives the requested quote currencies, USD when none is given, ``None`` when one is not known."""
    quotes = split_list(request.query.get("quotes", "USD").upper())
    return quotes if quotes and all(quote in _QUOTES for quote in quotes) else None


def _priced(row: dict[str, Any]) -> list[PricedRow]:
    return [PricedRow(row["symbol"], quote, ("price",)) for quote in row["quotes"].values()]


def _row(view: SourceView, coin: Coin, quotes: list[str]) -> dict[str, Any]:
    """Gives one coin in the key order of the real interface; a ``max_supply`` of 0 means unlimited."""
    return {
        "id": _ID_BY_SYMBOL[coin.symbol],
        "name": coin.name,
        "symbol": coin.symbol,
        "rank": RANKS[coin.symbol],
        "total_supply": whole(coin.total_supply),
        "max_supply": whole(coin.max_supply or 0),
        "beta_value": coin.volatility,
        "first_data_at": coin.first_data_at,
        "last_updated": iso_s(view.claimed_at),
        "quotes": {quote: _quote(view, coin, quote) for quote in quotes},
    }


def _quote(view: SourceView, coin: Coin, quote: str) -> dict[str, Any]:
    """Gives the figures of a coin in one currency; changes are in percent."""
    symbol = coin.symbol
    price = view.price(symbol, quote=quote)
    volume, volume_before = view.volume(symbol, 1.06, quote), view.volume(symbol, 1.06, quote, DAY_S)
    market_cap, market_cap_before = view.market_cap(symbol, 0.0, quote), view.market_cap(symbol, DAY_S, quote)
    ath = max(coin.ath_usd * price / view.price(symbol), price)
    changes = {
        f"percent_change_{window}": round(view.change_percent(symbol, length_s, quote), 2)
        for window, length_s in _WINDOWS_S.items()
    }
    return {
        "price": significant(price, 16),
        "volume_24h": significant(volume, 16),
        "volume_24h_change_24h": round((volume / volume_before - 1.0) * 100.0, 2),
        "market_cap": round(market_cap),
        "market_cap_change_24h": round((market_cap / market_cap_before - 1.0) * 100.0, 2),
        **changes,
        "ath_price": significant(ath, 16),
        "ath_date": f"{coin.ath_date[:19]}Z",
        "percent_from_price_ath": round((price / ath - 1.0) * 100.0, 2),
    }
