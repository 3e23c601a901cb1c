"""CoinGecko: an aggregator with prices, volumes and market caps of all ten coins in one request.

Documentation: https://docs.coingecko.com/reference/simple-price and .../reference/coins-markets, errors and limits at
https://docs.coingecko.com/docs/errors-and-rate-limits, checked 2026-11-21.

Rate limit as published: a Demo key has 100 calls a minute (and 10,000 credits a month); without a key the limit goes by
address, is shared and has no number; paid plans each have their own. Failed calls count too.

Quirks:
    - A Pro key works on its own host only, any other key not there; the wrong pair gives error 10010 or 10011.
    - An unknown id is left out silently. A dead id comes back as ``{}`` or with nulls.
    - A null ``usd_24h_change`` marks a price that is not fresh.
    - ``matic-network`` is dead; Polygon's token lives on as ``polygon-ecosystem-token``.
    - What people search for is renewed every ten minutes. The shares of votes may be null; ``community_data`` has been
      zeros and nulls since 2023 and is not asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from websocket.errors import AccessRefused, RateLimited, UpstreamError, UpstreamStatus
from websocket.news_records import TrendingCoin, Votes
from websocket.providers.base import (
    Answer,
    Budget,
    Request,
    TickerProvider,
    parse_amount,
    parse_count,
    parse_iso_time,
    parse_name,
    parse_number,
    parse_positive,
    parse_unix_time,
    rows_by_symbol,
)
from websocket.records import Ticker
from websocket.settings import CoinGeckoSettings

PUBLIC_URL = "https://api.coingecko.com/api/v3"
PRO_URL = "https://pro-api.coingecko.com/api/v3"

REFUSALS: Mapping[float, str] = {
    10002: "the API key is missing or unknown: check COINGECKO_API_KEY and COINGECKO_PLAN",
    10005: "the plan of this key does not include the endpoint: set COINGECKO_ENDPOINT to another one",
    10010: "this is a Pro key, used as a Demo key: set COINGECKO_PLAN=pro",
    10011: "this is a Demo key, used as a Pro key: set COINGECKO_PLAN=demo",
}
"""What to do about the error codes that asking again does not cure."""


NO_VOTES_PARAMS = tuple(
    (part, "false")
    for part in ("localization", "tickers", "market_data", "community_data", "developer_data", "sparkline")
)
"""Leaves out of ``/coins/{id}`` all that can be left out; the votes stay."""


class CoinGecko(TickerProvider):
    """Tickers from ``/simple/price`` or ``/coins/markets``, whichever is set; without a key, or with either kind.

    Also what people search for, and how they vote. These count against the same budget.
    """

    name = "coingecko"
    title = "CoinGecko"
    docs = "https://docs.coingecko.com/reference/simple-price"
    aggregates = True
    settings: CoinGeckoSettings
    market_ids: ClassVar[Mapping[str, str]] = {
        "BTC": "bitcoin",
        "ETH": "ethereum",
        "BNB": "binancecoin",
        "ADA": "cardano",
        "SOL": "solana",
        "DOT": "polkadot",
        "USDT": "tether",
        "USDC": "usd-coin",
        "XRP": "ripple",
        "MATIC": "polygon-ecosystem-token",
    }

    @property
    def budget(self) -> Budget:
        """Limits by key and endpoint.

        Pro: data are renewed every 20 s (``simple_price``) or 45 s (``coins_markets``), says the documentation. 250
        calls a minute are the least that a paid plan has; the month differs by plan, so it is left to the settings.

        Demo: 100 calls a minute and 10,000 a month are published; answers are cached for 60 s (``s-maxage``).

        No key: the same answers, but no number is published; 5 to 15 calls a minute were seen to pass.
        """
        if not self.settings.api_key:
            return Budget(per_minute=10, min_interval_s=60)
        if self.settings.plan == "demo":
            return Budget(per_minute=100, per_month=10_000, min_interval_s=60)
        return Budget(per_minute=250, min_interval_s=20 if self.settings.endpoint == "simple_price" else 45)

    @property
    def base_url(self) -> str:
        """The Pro host for a Pro plan, unless another address than the public one is set."""
        configured = super().base_url
        return PRO_URL if self.settings.plan == "pro" and configured == PUBLIC_URL else configured

    @property
    def configured(self) -> bool:
        """False for a Pro plan without its key: the Pro host refuses everybody else."""
        return self.settings.plan != "pro" or bool(self.settings.api_key)

    def headers(self) -> Mapping[str, str]:
        """The key in the header of its kind; none without a key."""
        if not self.settings.api_key:
            return {}
        return {f"x-cg-{self.settings.plan}-api-key": self.settings.api_key.reveal()}

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors with a code of their own, with any HTTP status.

        Shape: ``{"status": {"error_code": 10011, "error_message": "..."}}``, sometimes inside ``{"error": ...}``.
        """
        code = _error_code(payload)
        if code is None:
            return None
        if code == 429:
            return RateLimited(self.name, request.operation, "the rate limit is reached")
        if code in REFUSALS:
            return AccessRefused(self.name, request.operation, REFUSALS[code], status if status >= 400 else 401)
        if status < 400:
            reason = f"error {code:g} in an answer with status {status}"
            return UpstreamStatus(self.name, request.operation, reason, status)
        return None

    def ticker_requests(self, symbols: Collection[str]) -> Sequence[Request]:
        """One request for all coins."""
        listed = self.listed(symbols)
        if not listed:
            return []
        ids = ",".join(listed.values())
        if self.settings.endpoint == "coins_markets":
            return [
                Request(
                    operation="coins_markets",
                    path="/coins/markets",
                    params=(("vs_currency", "usd"), ("ids", ids), ("precision", "full")),
                    symbols=tuple(listed),
                )
            ]
        return [
            Request(
                operation="simple_price",
                path="/simple/price",
                params=(
                    ("ids", ids),
                    ("vs_currencies", "usd"),
                    ("include_market_cap", "true"),
                    ("include_24hr_vol", "true"),
                    ("include_24hr_change", "true"),
                    ("include_last_updated_at", "true"),
                    ("precision", "full"),
                ),
                symbols=tuple(listed),
            )
        ]

    def parse_tickers(self, answers: Sequence[Answer]) -> list[Ticker]:
        """Tickers from answers of either endpoint; see ``_parse_simple_price`` and ``_parse_coins_markets``.

        Raises:
            BadPayload: the answer is not an object (``simple_price``) or not a list (``coins_markets``).
        """
        tickers: list[Ticker] = []
        for answer in answers:
            markets = answer.request.operation == "coins_markets"
            tickers += self._parse_coins_markets(answer) if markets else self._parse_simple_price(answer)
        return tickers

    def _parse_simple_price(self, answer: Answer) -> list[Ticker]:
        """Reads ``{"bitcoin": {"usd": 97412.3, "usd_market_cap": 1.9e12, "usd_24h_vol": 3.1e10, ...}, ...}``.

        Also in each row: ``usd_24h_change`` in percent, ``last_updated_at`` in Unix seconds.
        """
        if not isinstance(answer.payload, dict):
            raise self.bad_payload(answer, "an object with one entry per coin")
        rows = {symbol: answer.payload.get(coin_id) for symbol, coin_id in self.market_ids.items()}
        return [
            Ticker(
                symbol=symbol,
                source=self.name,
                price=parse_number(row.get("usd")),
                source_time=parse_unix_time(row.get("last_updated_at")),
                received_at=answer.received_at,
                change_percent_24h=parse_number(row.get("usd_24h_change")),
                volume_24h=parse_number(row.get("usd_24h_vol")),
                market_cap=parse_number(row.get("usd_market_cap")),
            )
            for symbol, row in rows.items()
            if isinstance(row, dict)
        ]

    def _parse_coins_markets(self, answer: Answer) -> list[Ticker]:
        """Reads ``[{"id": "bitcoin", "current_price": 97412.3, "last_updated": "2026-11-21T10:00:00.736Z", ...}]``.

        Also in each row: ``price_change_24h`` in dollars, ``price_change_percentage_24h``, ``total_volume``,
        ``market_cap``.
        """
        if not isinstance(answer.payload, list):
            raise self.bad_payload(answer, "a list of coins")
        return [
            Ticker(
                symbol=symbol,
                source=self.name,
                price=parse_number(row.get("current_price")),
                source_time=parse_iso_time(row.get("last_updated")),
                received_at=answer.received_at,
                change_24h=parse_number(row.get("price_change_24h")),
                change_percent_24h=parse_number(row.get("price_change_percentage_24h")),
                volume_24h=parse_number(row.get("total_volume")),
                market_cap=parse_number(row.get("market_cap")),
            )
            for symbol, row in rows_by_symbol(answer.payload, "id", self.market_ids).items()
        ]

    def trending_requests(self) -> Sequence[Request]:
        """One request for the coins that people search for; renewed every ten minutes."""
        return [Request(operation="trending", path="/search/trending")]

    def parse_trending(self, answers: Sequence[Answer]) -> list[TrendingCoin]:
        """Reads ``{"coins": [{"item": {"id": "notcoin", "name": "Notcoin", "symbol": "NOT", ...}}, ...], ...}``.

        In each item also ``market_cap_rank``, and in ``data`` ``price`` in dollars and
        ``price_change_percentage_24h.usd``. In the order of the answer, the first is searched for most.

        Raises:
            BadPayload: the answer has no list in ``coins``.
        """
        found: dict[str, TrendingCoin] = {}
        for answer in answers:
            rows = answer.payload.get("coins") if isinstance(answer.payload, dict) else None
            if not isinstance(rows, list):
                raise self.bad_payload(answer, "an object with a list in 'coins'")
            for row in rows:
                item = row.get("item") if isinstance(row, dict) else None
                names = (
                    [parse_name(item.get(key)) for key in ("id", "name", "symbol")] if isinstance(item, dict) else []
                )
                if not isinstance(item, dict) or None in names:
                    continue
                coin_id, name, symbol = (text or "" for text in names)
                data = item.get("data")
                data = data if isinstance(data, dict) else {}
                changes = data.get("price_change_percentage_24h")
                coin = TrendingCoin(
                    source=self.name,
                    coin_id=coin_id,
                    name=name,
                    symbol=symbol.upper(),
                    rank=len(found) + 1,
                    market_cap_rank=parse_count(item.get("market_cap_rank")),
                    price_usd=parse_positive(data.get("price")),
                    change_percent_24h=parse_number(changes.get("usd")) if isinstance(changes, dict) else None,
                    as_of=answer.received_at,
                )
                found.setdefault(coin_id, coin)
        return list(found.values())

    def votes_requests(self, symbols: Collection[str]) -> Sequence[Request]:
        """One request a coin.

        They name no symbols: a coin that cannot be voted on must not be disabled for prices.
        """
        return [
            Request(operation="votes", path=f"/coins/{coin_id}", params=NO_VOTES_PARAMS)
            for coin_id in self.listed(symbols).values()
        ]

    def parse_votes(self, answers: Sequence[Answer]) -> list[Votes]:
        """Reads ``{"id": "bitcoin", "sentiment_votes_up_percentage": 82.65, "last_updated": "...", ...}``.

        Also: ``sentiment_votes_down_percentage``, ``watchlist_portfolio_users``. Coins that are not ours are left out.

        Raises:
            BadPayload: an answer is not an object.
        """
        votes: dict[str, Votes] = {}
        for answer in answers:
            if not isinstance(answer.payload, dict):
                raise self.bad_payload(answer, "an object about one coin")
            for symbol, row in rows_by_symbol([answer.payload], "id", self.market_ids).items():
                updated_at = parse_iso_time(row.get("last_updated"))
                vote = Votes(
                    source=self.name,
                    symbol=symbol,
                    up_percent=_percent(row.get("sentiment_votes_up_percentage")),
                    down_percent=_percent(row.get("sentiment_votes_down_percentage")),
                    watchlists=parse_count(row.get("watchlist_portfolio_users")),
                    as_of=answer.received_at if updated_at is None else min(updated_at, answer.received_at),
                )
                votes.setdefault(symbol, vote)
        return list(votes.values())


def _percent(value: Any) -> float | None:
    percent = parse_amount(value)
    return percent if percent is not None and percent <= 100 else None


def _error_code(payload: Any) -> float | None:
    for key in ("error", "status"):
        if isinstance(payload, dict) and isinstance(payload.get(key), dict):
            payload = payload[key]
    return (parse_number(payload.get("error_code")) or None) if isinstance(payload, dict) else None
