"""DefiLlama, ``https://api.llama.fi``: value locked and fees by chain, as JSON numbers in US dollars.

Source: https://api-docs.defillama.com, checked 2026-11. ``cmcId`` is text, but has been seen as a number, as null
and missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.coins import COINS
from simulator.market import DAY_S
from simulator.noise import Draws, noise, noise_key
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView

# Name, CoinGecko id, symbol, CoinMarketCap id, chain id, locked value in billions of dollars.
_CHAINS: tuple[tuple[str, str | None, str | None, str | int | None, int | None, float], ...] = (
    ("Ethereum", "ethereum", "ETH", "1027", 1, 66.0),
    ("Solana", "solana", "SOL", "5426", None, 8.1),
    ("BSC", "binancecoin", "BNB", "1839", 56, 7.0),
    ("Bitcoin", "bitcoin", "BTC", 1, None, 6.2),
    ("Base", None, None, None, 8_453, 4.6),
    ("Tron", "tron", "TRX", "1958", None, 4.4),
    ("Arbitrum", "arbitrum", "ARB", "11841", 42_161, 2.7),
    ("Polygon", "polygon-ecosystem-token", "POL", "28321", 137, 1.1),
    ("OP Mainnet", "optimism", "OP", "11840", 10, 0.5),
    ("Cardano", "cardano", "ADA", "2010", None, 0.25),
)
_PROTOCOLS = {
    "Uniswap": 0.24,
    "Lido": 0.2,
    "Aave": 0.18,
    "MakerDAO": 0.12,
    "Maestro": 0.05,
    "Curve DEX": 0.04,
    "ENS": 0.02,
}
_CHART_DAYS = 30
_USUAL_GAS_PER_TRANSACTION = 110_000


class DefiLlama(Provider):
    """The free interface."""

    name = "defillama"
    caches = True

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {
            "/v2/chains": self._chains,
            "/overview/fees": self._fees,
            "/overview/fees/{chain}": self._fees,
        }

    def rate_limited(self) -> Answer:
        """Gives the plain text of the gateway in front."""
        return Answer("error code: 1015", status=429, content_type="text/plain; charset=utf-8")

    def _chains(self, request: Request, view: SourceView) -> Answer:
        rows = []
        for name, gecko_id, symbol, cmc_id, chain_id, billions in _CHAINS:
            row: dict[str, Any] = {
                "gecko_id": gecko_id,
                "tvl": _locked_usd(view, name, symbol, billions),
                "tokenSymbol": symbol,
            }
            if name != "Base":
                row["cmcId"] = cmc_id
            rows.append({**row, "name": name, "chainId": chain_id})
        return Answer(rows, rows=[PricedRow(row["tokenSymbol"], row, ("tvl",)) for row in rows])

    def _fees(self, request: Request, view: SourceView, chain: str = "") -> Answer:
        """Answers what users paid in the last 24 hours, by protocol, and in total."""
        known = {name.lower(): name for name, *_ in _CHAINS}
        if chain and chain.lower() not in known:
            return Answer({"message": f"Fees for {chain} not found"}, status=404)
        name = known.get(chain.lower(), "")
        days = {ago: _fees_usd(view, name, ago) for ago in (0, 1, 7, 30)}
        week, month = (sum(_fees_usd(view, name, ago) for ago in range(count)) for count in (7, 30))
        total = days[0]
        protocols = [
            {
                "name": protocol,
                # A protocol without figures for the day is listed all the same.
                "total24h": None if protocol == "ENS" else round(total * share),
                "revenue24h": None if protocol == "ENS" else round(total * share * 0.3),
                "change_1d": None if protocol == "ENS" else round((days[0] / days[1] - 1.0) * 100.0, 2),
                "chains": [name or "Ethereum"],
            }
            for protocol, share in _PROTOCOLS.items()
        ]
        body: dict[str, Any] = {"protocols": protocols}
        start = int(view.as_of // DAY_S)
        if request.query.get("excludeTotalDataChart") != "true":
            ages = range(_CHART_DAYS, 0, -1)
            body["totalDataChart"] = [[int((start - age) * DAY_S), round(_fees_usd(view, name, age))] for age in ages]
        if request.query.get("excludeTotalDataChartBreakdown") != "true":
            shares = {protocol: round(total * share) for protocol, share in _PROTOCOLS.items()}
            body["totalDataChartBreakdown"] = [[int((start - 1) * DAY_S), shares]]
        body |= {
            "chain": name or None,
            "total24h": round(total),
            "total48hto24h": round(days[1]),
            "total7d": round(week),
            "total30d": round(month),
            "change_1d": round((days[0] / days[1] - 1.0) * 100.0, 2),
            "change_7d": round((days[0] / days[7] - 1.0) * 100.0, 2),
            "change_1m": round((days[0] / days[30] - 1.0) * 100.0, 2),
        }
        return Answer(body, rows=[PricedRow(None, body, ("total24h", "total7d", "change_1d"))])


def _locked_usd(view: SourceView, name: str, symbol: str | None, billions: float) -> float:
    """Gives the value locked on a chain; most of it is in its coin, so it moves with the price."""
    coin = symbol if symbol in COINS else "ETH"
    moved = view.price(coin) / COINS[coin].price_usd
    drift = 0.04 * noise(noise_key(view.market.seed, f"locked/{name}"), view.as_of / 40_000.0)
    return billions * 1e9 * (0.35 + 0.65 * moved) * (1.0 + drift)


def _fees_usd(view: SourceView, name: str, days_ago: int) -> float:
    """Gives the fees of one day, Ethereum's by its base fee, others as a share of that."""
    at = view.as_of - days_ago * DAY_S
    chain = view.chains.ethereum
    height = chain.height(at)
    transactions = chain.transactions_until(height, at) - chain.transactions_until(height - 7_144, at)
    paid = transactions * _USUAL_GAS_PER_TRANSACTION * (chain.base_fee(height) + chain.spec.tip_wei) / 1e18
    ethereum_usd = 1_500_000.0 + 20.0 * paid * view.market.price("ETH", at) * view.factor
    if name in ("", "Ethereum"):
        return ethereum_usd * (3.4 if not name else 1.0)
    return ethereum_usd * (0.02 + 0.5 * Draws(0, name).unit(0))
