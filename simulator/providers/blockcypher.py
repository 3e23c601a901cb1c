"""BlockCypher, ``https://api.blockcypher.com/v1``: the newest block of Bitcoin and Ethereum.

Source: https://www.blockcypher.com/dev/, and an answer recorded in 2024, checked 2026-11. Hashes of Ethereum have
no ``0x``; fees are satoshi per kilobyte, or wei.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.answers import Answer, PricedRow, Request
from simulator.formats import iso_ns
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView

_FORK_AGE = 1_107


class BlockCypher(Provider):
    """BlockCypher's interface without a token."""

    name = "blockcypher"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/v1/btc/main": self._bitcoin, "/v1/eth/main": self._ethereum}

    def rate_limited(self) -> Answer:
        """Gives the body sent when the quota of an hour is used up."""
        return self.error(429, "Limits reached.")

    def _bitcoin(self, request: Request, view: SourceView) -> Answer:
        chain, now = view.chains.bitcoin, view.as_of
        tip = chain.height(now)
        rate = chain.stream.fee_rate(chain.stream.arrived_by(now)) * 1_000
        fees = {
            "high_fee_per_kb": int(rate * 1.6),
            "medium_fee_per_kb": int(rate),
            "low_fee_per_kb": max(int(rate * 0.6), 1_000),
        }
        hashes = [chain.hash(height, now) for height in (tip, tip - 1, tip - _FORK_AGE)]
        return _main("btc", tip, hashes, chain.times.time_of(tip), chain.mempool(now).count, fees)

    def _ethereum(self, request: Request, view: SourceView) -> Answer:
        chain, now = view.chains.ethereum, view.as_of
        tip = chain.height(now)
        base, usual = chain.base_fee(tip + 1), chain.spec.tip_wei
        tips = {"high": usual * 3, "medium": usual * 3 // 2, "low": usual // 3}
        fees = {
            **{f"{name}_gas_price": base + tip_wei for name, tip_wei in tips.items()},
            **{f"{name}_priority_fee": tip_wei for name, tip_wei in tips.items()},
            "base_fee": base,
        }
        hashes = [chain.hash(height, now).removeprefix("0x") for height in (tip, tip - 1, tip - _FORK_AGE)]
        return _main("eth", tip, hashes, chain.times.time_of(tip), 500 + tip % 211, fees)


def _main(coin: str, tip: int, hashes: list[str], time_s: float, waiting: int, fees: dict[str, int]) -> Answer:
    """Gives the answer for one chain; ``hashes`` are those of the tip, of the block below and of the last fork."""
    blocks = f"https://api.blockcypher.com/v1/{coin}/main/blocks/"
    body = {
        "name": f"{coin.upper()}.main",
        "height": tip,
        "hash": hashes[0],
        "time": iso_ns(time_s),
        "latest_url": blocks + hashes[0],
        "previous_hash": hashes[1],
        "previous_url": blocks + hashes[1],
        "peer_count": 26,
        "unconfirmed_count": waiting,
        **fees,
        "last_fork_height": tip - _FORK_AGE,
        "last_fork_hash": hashes[2],
    }
    headers = {"X-Ratelimit-Remaining": "97"}
    return Answer(body, headers=headers, rows=[PricedRow(None, body, ("height", *fees))])
