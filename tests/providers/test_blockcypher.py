"""BlockCypher: heads of two chains, and gas."""

from __future__ import annotations

import pytest

from tests.providers.recorded import answers, make_any, recording
from websocket.errors import BadPayload

provider = make_any("blockcypher")


@pytest.mark.parametrize(("chain", "name", "height"), [("bitcoin", "btc", 921600), ("ethereum", "eth", 26500000)])
def test_the_head_of_a_chain_is_read(chain: str, name: str, height: int) -> None:
    """Height, hashes and waiting transactions; only hashes of Ethereum get their ``0x``."""
    payload = recording("blockcypher", f"{name}_main")
    stats = provider.parse_stats(answers(provider.stats_requests(chain), payload))
    block = stats.latest_block
    assert (stats.chain, block.chain, block.height) == (chain, chain, height)
    assert block.hash == ("0x" if chain == "ethereum" else "") + payload["hash"]
    assert block.previous_hash.endswith(payload["previous_hash"])
    assert stats.mempool_transactions == payload["unconfirmed_count"]
    assert (stats.hash_rate, stats.difficulty) == (None, None)


def test_gas_is_converted_from_wei() -> None:
    gas = provider.parse_gas(answers(provider.gas_requests(), recording("blockcypher", "eth_main")))
    assert (gas.block, gas.base_fee_gwei) == (26500000, 0.481)
    assert (gas.slow_gwei, gas.average_gwei, gas.fast_gwei) == (0.57, 0.9, 2.4)


def test_the_hour_has_enough_requests() -> None:
    """Heads and gas at their pace stay below 100 requests an hour."""
    assert 3 * 3600 / provider.budget.min_interval_s <= 100


def test_other_shapes_and_chains_are_refused() -> None:
    assert provider.stats_requests("solana") == []
    for payload in (None, [], {}, {"height": "x"}):
        with pytest.raises(BadPayload):
            provider.parse_gas(answers(provider.gas_requests(), payload))
