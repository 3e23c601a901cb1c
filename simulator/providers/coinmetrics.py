"""Coin Metrics community, ``https://community-api.coinmetrics.io/v4``: daily figures of chains, as decimal strings.

Source: https://docs.coinmetrics.io/api/v4 and its OpenAPI file, checked 2026-11. The newest day is yesterday, from
six in the morning on. One metric that is not free fails the whole call, unless ``ignore_forbidden_errors`` is set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlencode

from simulator.answers import Answer, PricedRow, Request
from simulator.bitcoin_transactions import SATOSHI
from simulator.coins import COINS
from simulator.formats import fixed, iso_ns
from simulator.market import DAY_S
from simulator.noise import noise, noise_key
from simulator.providers.base import Handler, Provider, split_list
from simulator.source_view import SourceView

_ASSETS = {"btc": "BTC", "eth": "ETH"}
_FREE = ("AdrActCnt", "AdrBalCnt", "BlkCnt", "CapMrktCurUSD", "FeeTotNtv", "HashRate", "PriceUSD", "SplyCur", "TxCnt")
_PAID = ("CapRealUSD", "DiffMean", "SplyBMXNtv")
_READY_AFTER_S = 6 * 3_600.0
_MAX_PAGE = 10_000
_MAX_DAYS = 4_000


@dataclass(frozen=True)
class _Query:
    """What a request asks for; days count from 1970."""

    assets: list[str]
    metrics: list[str]
    first: int
    last: int
    per_asset: int | None
    page_size: int
    from_start: bool


class CoinMetrics(Provider):
    """The timeseries of the community interface."""

    name = "coinmetrics"
    caches = True

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/v4/timeseries/asset-metrics": self._asset_metrics}

    def error(self, status: int, message: str) -> Answer:
        """Gives an error with its type."""
        kinds = {400: "bad_parameter", 401: "unauthorized", 403: "forbidden", 404: "not_found"}
        return Answer({"error": {"type": kinds.get(status, "error"), "message": message}}, status=status)

    def rate_limited(self) -> Answer:
        """Gives the body of a client with more than ten requests in six seconds."""
        body = {"error": {"type": "too_many_requests", "message": "Rate limit exceeded."}}
        return Answer(body, status=429, headers={"X-Ratelimit-Remaining": "0"})

    def _asset_metrics(self, request: Request, view: SourceView) -> Answer:
        """Answers rows by asset and day, oldest first, the newest page unless told otherwise."""
        asked = self._read(request.query, view)
        if isinstance(asked, Answer):
            return asked
        rows = []
        for asset in asked.assets:
            days = list(range(asked.first, asked.last + 1))
            if asked.per_asset is not None:
                days = days[: asked.per_asset] if asked.from_start else days[-asked.per_asset :]
            rows += [(asset, day) for day in days]
        offset = request.query.get("next_page_token", "0")
        skipped = int(offset) if offset.isdecimal() else 0
        if asked.from_start:
            page, more = rows[skipped : skipped + asked.page_size], skipped + asked.page_size < len(rows)
        else:
            end = len(rows) - skipped
            page, more = rows[max(end - asked.page_size, 0) : end], end > asked.page_size
        told = [_row(view, asset, day, asked.metrics) for asset, day in page]
        body: dict[str, Any] = {"data": told}
        if more:
            token = str(skipped + asked.page_size)
            query = urlencode({**request.query, "next_page_token": token})
            host = request.headers.get("host", "community-api.coinmetrics.io")
            body["next_page_token"] = token
            body["next_page_url"] = f"http://{host}/{self.name}{request.path}?{query}"
        prices = [PricedRow(None, row, tuple(key for key in row if key not in ("asset", "time"))) for row in told]
        return Answer(body, rows=prices)

    def _read(self, query: Mapping[str, str], view: SourceView) -> _Query | Answer:
        assets, metrics = split_list(query.get("assets", "")), split_list(query.get("metrics", ""))
        for name, values, known in (("assets", assets, _ASSETS), ("metrics", metrics, (*_FREE, *_PAID))):
            if not values:
                return self.error(400, f"Bad parameter '{name}'. Missing value.")
            wrong = [value for value in values if value not in known]
            if wrong:
                return self.error(400, f"Bad parameter '{name}'. Value '{wrong[0]}' is not supported.")
        if query.get("frequency", "1d") != "1d":
            return self.error(400, f"Bad parameter 'frequency'. Value '{query['frequency']}' is not supported.")
        paid = [metric for metric in metrics if metric in _PAID]
        if paid and query.get("ignore_forbidden_errors") != "true":
            return self.error(
                403,
                f"Requested metric '{paid[0]}' with frequency '1d' for asset '{assets[0]}' is not available with "
                "supplied credentials.",
            )
        newest = math.floor((view.as_of - _READY_AFTER_S) / DAY_S) - 1
        sizes = {name: query.get(name, default) for name, default in (("page_size", "100"), ("limit_per_asset", ""))}
        for name, value in sizes.items():
            if value and not (value.isdecimal() and 1 <= int(value) <= _MAX_PAGE):
                return self.error(400, f"Bad parameter '{name}'. Value '{value}' is not supported.")
        ends = {}
        for name, default in (("start_time", newest - _MAX_DAYS), ("end_time", newest)):
            ends[name] = _day(query[name]) if name in query else default
            if ends[name] is None:
                return self.error(400, f"Bad parameter '{name}'. Value '{query[name]}' is not supported.")
        first, last = ends["start_time"] or 0, min(ends["end_time"] or 0, newest)
        wanted = [metric for metric in metrics if metric in _FREE]
        per_asset = int(sizes["limit_per_asset"]) if sizes["limit_per_asset"] else None
        from_start = query.get("paging_from", "end") == "start"
        return _Query(
            sorted(assets), wanted, max(first, newest - _MAX_DAYS), last, per_asset, int(sizes["page_size"]), from_start
        )


def _day(text: str) -> int | None:
    """Gives the day of a date or time in ISO 8601, counted from 1970; ``None`` when it is none."""
    try:
        moment = datetime.fromisoformat(text[:19])
    except ValueError:
        return None
    return math.floor(moment.replace(tzinfo=timezone.utc).timestamp() / DAY_S)


def _row(view: SourceView, asset: str, day: int, metrics: list[str]) -> dict[str, Any]:
    row = {"asset": asset, "time": iso_ns(day * DAY_S)}
    for metric in sorted(metrics):
        value = _value(view, _ASSETS[asset], metric, day)
        if value is not None:
            row[metric] = value
    return row


def _value(view: SourceView, symbol: str, metric: str, day: int) -> str | None:
    """Gives a figure of one day; ``None`` when the chain has none such."""
    start, end = day * DAY_S, (day + 1) * DAY_S
    bitcoin, ethereum = view.chains.bitcoin, view.chains.ethereum
    first, last = ((bitcoin if symbol == "BTC" else ethereum).height(at) for at in (start, end))
    if symbol == "BTC":
        transactions = bitcoin.stream.arrived_by(end) - bitcoin.stream.arrived_by(start)
        fees = transactions * bitcoin.stream.fee_rate(bitcoin.stream.arrived_by(end)) * 260.0 / SATOSHI
    else:
        transactions = ethereum.transactions_until(last, end) - ethereum.transactions_until(first, start)
        fees = (last - first) * ethereum.spec.gas_limit / 2 * ethereum.base_fee(last) / 1e18
    price = view.market.price(symbol, end) * view.factor
    supply = COINS[symbol].circulating_supply
    mood = 1.0 + 0.06 * noise(noise_key(view.market.seed, f"addresses/{symbol}"), day / 3.0)
    if metric == "HashRate":
        return fixed(bitcoin.hash_rate(start) / 1e12, 6) if symbol == "BTC" else None
    if metric in ("PriceUSD", "CapMrktCurUSD", "SplyCur", "FeeTotNtv"):
        figures = {"PriceUSD": price, "CapMrktCurUSD": price * supply, "SplyCur": supply, "FeeTotNtv": fees}
        return fixed(figures[metric], 8)
    counts = {
        "TxCnt": transactions,
        "BlkCnt": last - first,
        "AdrActCnt": int(transactions * (1.6 if symbol == "BTC" else 0.42) * mood),
        "AdrBalCnt": int((55e6 if symbol == "BTC" else 180e6) * mood),
    }
    return str(counts[metric])
