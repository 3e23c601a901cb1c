"""Whale Alert, ``https://api.whale-alert.io/v1``: large transfers of all chains, for clients with a key.

Source: documentation of version 1, checked 2026-11. Hashes and addresses come without ``0x``; ``owner`` is missing
when nobody knows it. Any key is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.bitcoin_transactions import SATOSHI
from simulator.evm_specs import EXCHANGE_WALLETS
from simulator.providers.base import Handler, Provider
from simulator.source_view import HOUR_S, SourceView

_LEAST_USD = 500_000.0
_MAX_LIMIT = 100


class WhaleAlert(Provider):
    """The transactions of version 1."""

    name = "whale_alert"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/v1/transactions": self._transactions}

    def error(self, status: int, message: str) -> Answer:
        """Gives an error object."""
        return Answer({"result": "error", "message": message}, status=status)

    def rate_limited(self) -> Answer:
        """Gives the body sent when the quota of a minute is used up."""
        return self.error(429, "usage limit reached")

    def _transactions(self, request: Request, view: SourceView) -> Answer:
        """Answers the transfers of the last hour at most, oldest first."""
        query = request.query
        if not query.get("api_key"):
            return self.error(401, "no api_key provided")
        try:
            least_usd = max(float(query.get("min_value", _LEAST_USD)), _LEAST_USD)
            start = max(float(query.get("start", view.as_of - HOUR_S)), view.as_of - HOUR_S)
            limit = min(int(query.get("limit", _MAX_LIMIT)), _MAX_LIMIT)
        except ValueError:
            return self.error(400, "invalid parameter")
        rows = [*_bitcoin(view, start), *_ethereum(view, start)]
        rows = sorted((row for row in rows if row["amount_usd"] >= least_usd), key=lambda row: row["timestamp"])[:limit]
        body: dict[str, Any] = {"result": "success", "cursor": f"{int(view.as_of):x}", "count": len(rows)}
        if rows:
            body["transactions"] = rows
        return Answer(body, rows=[PricedRow(None, row, ("amount_usd", "amount")) for row in rows])


def _bitcoin(view: SourceView, start: float) -> list[dict[str, Any]]:
    """Gives the large transfers in the blocks since a time, change left out."""
    chain, now = view.chains.bitcoin, view.as_of
    rows = []
    for height in range(chain.height(start) + 1, chain.height(now) + 1):
        block = chain.block(height, now)
        for number in chain.stream.large_numbers(block.numbers.start, block.numbers.stop):
            one = chain.transaction(number)
            sender, receiver = (chain.wallets.wallet(piece.wallet or 0) for piece in (one.inputs[0], one.outputs[0]))
            sides = {"from": _side(sender.address, sender.owner), "to": _side(receiver.address, receiver.owner)}
            rows.append(_row("bitcoin", "btc", one.txid, sides, block.time_s, one.moved / SATOSHI, view.price("BTC")))
    return rows


def _ethereum(view: SourceView, start: float) -> list[dict[str, Any]]:
    chain, now = view.chains.ethereum, view.as_of
    rows = []
    for height in range(chain.height(start) + 1, chain.height(now) + 1):
        time_s = int(chain.times.time_of(height))
        for one in map(chain.transaction, chain.large_numbers(chain.numbers(height, now))):
            symbol, amount, receiver = "ETH", one.value / 1e18, one.recipient or ""
            if one.transfer is not None:
                symbol, receiver = one.transfer.token.symbol, one.transfer.recipient
                amount = one.transfer.amount / 10**one.transfer.token.decimals
            sides = {
                side: _side(address.removeprefix("0x"), EXCHANGE_WALLETS.get(address, ""))
                for side, address in (("from", one.sender), ("to", receiver))
            }
            price = view.price(symbol)
            rows.append(_row("ethereum", symbol.lower(), one.hash.removeprefix("0x"), sides, time_s, amount, price))
    return rows


def _side(address: str, owner: str) -> dict[str, str]:
    if not owner:
        return {"address": address, "owner_type": "unknown"}
    return {"address": address, "owner": owner, "owner_type": "exchange"}


def _row(
    chain: str, symbol: str, hash_: str, sides: Mapping[str, Any], time_s: int, amount: float, price: float
) -> dict[str, Any]:
    return {
        "blockchain": chain,
        "symbol": symbol,
        "id": str(int(hash_[-12:], 16)),
        "transaction_type": "transfer",
        "hash": hash_,
        **sides,
        "timestamp": time_s,
        "amount": round(amount, 8),
        "amount_usd": round(amount * price, 2),
        "transaction_count": 1,
    }
