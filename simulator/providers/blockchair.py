"""Blockchair, ``https://api.blockchair.com``: statistics of Bitcoin and Ethereum, and their transactions by worth.

Source: https://github.com/Blockchair/Blockchair.Support/blob/master/API_DOCUMENTATION_EN.md, checked 2026-11.
Everything is in ``{"data": ..., "context": {"code": 200, ...}}``; times are ``YYYY-MM-DD HH:MM:SS`` in UTC, amounts
satoshi or wei, the latter as text. A query key it does not know is an error. Keys are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.bitcoin_transactions import SATOSHI
from simulator.coins import ALL_COINS, COINS
from simulator.evm_specs import GWEI
from simulator.formats import plain_s
from simulator.market import DAY_S
from simulator.providers.base import Handler, Provider
from simulator.providers.blockchair_lists import (
    Select,
    confirmed_bitcoins,
    confirmed_ethers,
    read_bounds,
    waiting_bitcoins,
)
from simulator.source_view import SourceView

_QUERY_KEYS = frozenset(("q", "s", "limit", "offset", "key"))
_MAX_LIMIT, _MAX_OFFSET = 100, 10_000
_WORTH = ("output_total_usd", "input_total_usd", "value_usd")


class Blockchair(Provider):
    """Blockchair's interface without a key."""

    name = "blockchair"
    caches = True

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {
            "/bitcoin/stats": self._bitcoin,
            "/ethereum/stats": self._ethereum,
            "/bitcoin/transactions": partial(self._list, select=confirmed_bitcoins),
            "/bitcoin/mempool/transactions": partial(self._list, select=waiting_bitcoins),
            "/ethereum/transactions": partial(self._list, select=confirmed_ethers),
        }

    def error(self, status: int, message: str) -> Answer:
        """Gives an error without data."""
        return Answer({"data": None, "context": {"code": status, "error": message}}, status=status)

    def rate_limited(self) -> Answer:
        """Gives the answer to a client without a key that asks too often."""
        return self.error(429, "Too many requests, please contact us to get an API key")

    def _bitcoin(self, request: Request, view: SourceView) -> Answer:
        """Answers the last 24 hours of Bitcoin; ``hashrate_24h`` is text."""
        chain, now = view.chains.bitcoin, view.as_of
        tip = chain.height(now)
        block, mempool = chain.block(tip, now), chain.mempool(now)
        blocks = tip - chain.height(now - DAY_S)
        transactions = chain.stream.arrived_by(now) - chain.stream.arrived_by(now - DAY_S)
        price = view.price("BTC")
        fee = int(chain.stream.fee_rate(block.numbers.stop) * 260)
        largest = max(map(chain.transaction, _large(view, tip)), key=lambda one: one.output_total)
        body = {
            "blocks": tip + 1,
            "transactions": block.numbers.stop,
            "outputs": block.numbers.stop * 2,
            "circulation": chain.supply(tip),
            "blocks_24h": blocks,
            "transactions_24h": transactions,
            "difficulty": chain.difficulty(tip) * view.factor,
            "volume_24h": transactions * 3 * SATOSHI // 2,
            "mempool_transactions": mempool.count,
            "mempool_outputs": mempool.count * 2,
            "mempool_size": mempool.vsize,
            "mempool_tps": (chain.stream.arrived_by(now) - chain.stream.arrived_by(now - 60.0)) / 60.0,
            "mempool_total_fee_usd": round(mempool.total_fee / SATOSHI * price, 4),
            "best_block_height": tip,
            "best_block_hash": block.hash,
            "best_block_time": plain_s(block.time_s),
            "blockchain_size": 780_000_000_000 + block.numbers.stop,
            "average_transaction_fee_24h": fee,
            "inflation_24h": blocks * chain.subsidy(tip),
            "median_transaction_fee_24h": fee * 2 // 3,
            "cdd_24h": 3_696_149.5996842394,
            "largest_transaction_24h": {
                "hash": largest.txid,
                "value_usd": round(largest.output_total / SATOSHI * price),
            },
            "nodes": 22_000 + tip % 997,
            "hashrate_24h": str(int(chain.hash_rate(now) * view.factor)),
            "inflation_usd_24h": blocks * chain.subsidy(tip) / SATOSHI * price,
            "average_transaction_fee_usd_24h": fee / SATOSHI * price,
            "median_transaction_fee_usd_24h": fee * 2 // 3 / SATOSHI * price,
            **_prices(view, "BTC"),
            "next_retarget_time_estimate": plain_s(now + (2_016 - tip % 2_016) * chain.spacing_s),
            "next_difficulty_estimate": int(chain.difficulty(tip + 2_016)),
            "countdowns": [],
            "suggested_transaction_fee_per_byte_sat": max(round(chain.stream.fee_rate(block.numbers.stop)), 1),
            "hodling_addresses": 55_000_000 + tip % 99_991,
        }
        return _stats(body, tip, ("difficulty", "mempool_transactions", "hashrate_24h", "transactions_24h"), "BTC")

    def _ethereum(self, request: Request, view: SourceView) -> Answer:
        """Answers the last 24 hours of Ethereum; difficulty and hash rate mean nothing any more."""
        chain, now = view.chains.ethereum, view.as_of
        tip = chain.height(now)
        day_before = chain.height(now - DAY_S)
        transactions = chain.transactions_until(tip, now) - chain.transactions_until(day_before, now)
        block, price = chain.block(tip, now), view.price("ETH")
        gas_price = chain.base_fee(tip) + chain.spec.tip_wei
        fees = {"average": gas_price * 110_000, "median": gas_price * 60_000}
        simple = {"average": gas_price * 21_000, "median": gas_price * 21_000}
        gwei = gas_price * view.factor / GWEI
        body = {
            "blocks": tip + 1,
            "transactions": block.numbers.stop,
            "blocks_24h": tip - day_before,
            "circulation_approximate": f"{COINS['ETH'].circulating_supply:.0f}{'0' * 18}",
            "transactions_24h": transactions,
            "difficulty": 0,
            "volume_24h_approximate": str(transactions * 10**18),
            "mempool_transactions": 90_000 + tip % 9_973,
            "mempool_median_gas_price": gas_price,
            "mempool_tps": transactions / DAY_S,
            "mempool_total_value_approximate": str(tip % 9_973 * 10**19),
            "best_block_height": tip,
            "best_block_hash": block.hash.removeprefix("0x"),
            "best_block_time": plain_s(block.time_s),
            "uncles": 2_000_000,
            "uncles_24h": 0,
            "blockchain_size": 1_400_000_000_000 + block.numbers.stop,
            "calls": block.numbers.stop * 3,
            "average_transaction_fee_24h": str(fees["average"]),
            "median_transaction_fee_24h": str(fees["median"]),
            "inflation_24h": 2_600.5,
            "average_simple_transaction_fee_24h": str(simple["average"]),
            "median_simple_transaction_fee_24h": str(simple["median"]),
            "largest_transaction_24h": _largest_ether(view, tip, price),
            "hashrate_24h": "0",
            "inflation_usd_24h": 2_600.5 * price,
            **{f"{kind}_transaction_fee_usd_24h": fee / 1e18 * price for kind, fee in fees.items()},
            **{f"{kind}_simple_transaction_fee_usd_24h": fee / 1e18 * price for kind, fee in simple.items()},
            **_prices(view, "ETH"),
            "layer_2": {
                "erc_20": {
                    "tokens": 1_500_000,
                    "transactions": block.numbers.stop // 3,
                    "tokens_24h": 800,
                    "transactions_24h": transactions // 3,
                }
            },
            "countdowns": [],
            "suggested_transaction_fee_gwei_options": {
                name: round(gwei * share, 3)
                for name, share in (("sloth", 0.8), ("slow", 0.9), ("normal", 1.0), ("fast", 1.2), ("cheetah", 1.6))
            },
        }
        return _stats(body, tip, ("transactions_24h", "mempool_median_gas_price", "mempool_transactions"), "ETH")

    def _list(self, request: Request, view: SourceView, select: Select) -> Answer:
        """Answers the newest transactions that meet the conditions in ``q``."""
        query = request.query
        limit_text, offset_text = query.get("limit", "10"), query.get("offset", "0")
        bounds = read_bounds(query.get("q", ""))
        wrong = next((key for key in query if key not in _QUERY_KEYS), None)
        if wrong is not None or bounds is None or query.get("s", "id(desc)") != "id(desc)":
            return self.error(400, f"Unknown or malformed parameter: {wrong or 'q or s'}")
        if not (limit_text.isdecimal() and offset_text.isdecimal()):
            return self.error(400, "limit and offset must be numbers")
        limit, offset = int(limit_text), int(offset_text)
        if limit > _MAX_LIMIT or offset > _MAX_OFFSET:
            return self.error(400, f"limit must be at most {_MAX_LIMIT}, offset at most {_MAX_OFFSET}")
        state, found = select(view, bounds)
        rows = list(islice(found, offset, offset + limit))
        context = {"code": 200, "limit": limit, "offset": offset, "rows": len(rows), "total_rows": offset + len(rows)}
        layer = {"state_layer_2": state} if request.path.startswith("/ethereum") else {}
        answer = Answer({"data": rows, "context": {**context, "state": state, **layer}})
        answer.rows = [PricedRow(None, row, tuple(key for key in _WORTH if key in row)) for row in rows]
        return answer


def _stats(body: dict[str, Any], state: int, fields: tuple[str, ...], symbol: str) -> Answer:
    context = {"code": 200, "state": state, "request_cost": 1}
    if symbol == "ETH":
        context["state_layer_2"] = state
    rows = [PricedRow(symbol, body, ("market_price_usd",)), PricedRow(None, body, fields)]
    return Answer({"data": body, "context": context}, rows=rows)


def _prices(view: SourceView, symbol: str) -> dict[str, float]:
    total = sum(view.market_cap(coin.symbol) for coin in ALL_COINS)
    return {
        "market_price_usd": round(view.price(symbol), 2),
        "market_price_btc": 1 if symbol == "BTC" else view.price(symbol, quote="BTC"),
        "market_price_usd_change_24h_percentage": round(view.change_percent(symbol), 5),
        "market_cap_usd": round(view.market_cap(symbol)),
        "market_dominance_percentage": round(view.market_cap(symbol) / total * 100.0, 2),
    }


def _large(view: SourceView, tip: int) -> Iterator[int]:
    """Gives the Bitcoin transactions of the last hour which are large, change included."""
    chain = view.chains.bitcoin
    return chain.stream.large_numbers(chain.stream.arrived_by(view.as_of - 3_600.0), chain.waiting(view.as_of).start)


def _largest_ether(view: SourceView, tip: int, price: float) -> dict[str, Any]:
    """Gives the largest transfer of the last hour."""
    chain = view.chains.ethereum
    first = chain.transactions_until(tip - 300, view.as_of)
    numbers = chain.large_numbers(range(first, chain.transactions_until(tip, view.as_of)))
    largest = max(map(chain.transaction, numbers), key=lambda one: one.value)
    return {"hash": largest.hash, "value_usd": round(largest.value / 1e18 * price, 4)}
