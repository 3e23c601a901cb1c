"""Blockscout, ``https://eth.blockscout.com``: statistics of Ethereum.

Source: recorded answers of 2025 and 2026, checked 2026-11. Counters are text, prices of gas are gwei, utilisation
is percent, ``average_block_time`` milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.answers import Answer, PricedRow, Request
from simulator.evm_specs import GWEI
from simulator.formats import fixed, iso_us
from simulator.market import DAY_S
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView

_UTILISATION_BLOCKS = 20


class Blockscout(Provider):
    """The explorer of Ethereum."""

    name = "blockscout"
    caches = True

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/api/v2/stats": self._stats}

    def error(self, status: int, message: str) -> Answer:
        """Gives an error object."""
        return Answer({"message": message}, status=status)

    def _stats(self, request: Request, view: SourceView) -> Answer:
        chain, now = view.chains.ethereum, view.as_of
        tip = chain.height(now)
        # as recorded: "today" does not begin at zero at midnight, it is what a whole day brings
        day_ago = chain.height(now - DAY_S)
        today = chain.transactions_until(tip, now) - chain.transactions_until(day_ago, now)
        ratios = [chain.gas_used_ratio(tip - ago) for ago in range(_UTILISATION_BLOCKS)]
        utilisation = sum(ratios) / len(ratios) * 100.0
        base = chain.base_fee(tip + 1)
        gwei = {
            name: round((base + chain.spec.tip_wei * share) / GWEI * view.factor, 2)
            for name, share in (("slow", 0.3), ("average", 1.0), ("fast", 6.0))
        }
        body = {
            "average_block_time": 12_000,
            "coin_image": "https://assets.coingecko.com/coins/images/279/small/ethereum.png?1696501628",
            "coin_price": fixed(view.price("ETH"), 2),
            "coin_price_change_percentage": round(view.change_percent("ETH"), 2),
            "gas_price_updated_at": iso_us(view.claimed_at),
            "gas_prices": gwei,
            "gas_prices_update_in": 18_461,
            "gas_used_today": str(int((tip - day_ago) * chain.spec.gas_limit * utilisation / 100.0)),
            "market_cap": fixed(view.market_cap("ETH"), 2),
            "network_utilization_percentage": utilisation * view.factor,
            "secondary_coin_image": None,
            "secondary_coin_price": None,
            "static_gas_price": None,
            "total_addresses": str(738_000_000 + int(now - 1_791_500_000) // 12),
            "total_blocks": str(tip),
            "total_gas_used": "0",
            "total_transactions": str(chain.transactions_until(tip, now)),
            "transactions_today": str(today),
            "tvl": None,
        }
        figures = ("network_utilization_percentage", "transactions_today")
        rows = [
            PricedRow("ETH", body, ("coin_price",)),
            PricedRow(None, gwei, tuple(gwei)),
            PricedRow(None, body, figures),
        ]
        return Answer(body, rows=rows)
