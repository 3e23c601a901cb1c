"""Blockscout's wire format."""

import pytest

from ..world import lacking, recorded

STATS = "/blockscout/api/v2/stats"


@pytest.mark.parametrize("recording", ["stats_ethereum.json", "stats_other_chain.json"])
def test_statistics_have_the_recorded_keys_and_kinds(world, recording):
    assert lacking(world.json(STATS), recorded(f"blockscout/{recording}")) == []


def test_prices_of_gas_are_gwei_in_order_and_utilisation_is_percent(world):
    stats = world.json(STATS)
    gas = stats["gas_prices"]

    assert 0 < gas["slow"] < gas["average"] < gas["fast"] < 50
    assert 20 < stats["network_utilization_percentage"] < 80
    assert float(stats["coin_price"]) == pytest.approx(world.market.price("ETH", world.clock.now), rel=0.01)


def test_counters_grow(world):
    before = world.json(STATS)
    world.clock.advance(600)
    after = world.json(STATS)

    for key in ("total_blocks", "total_transactions", "total_addresses"):
        assert int(after[key]) > int(before[key])
