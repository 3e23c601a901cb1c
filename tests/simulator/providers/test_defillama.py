"""DefiLlama's wire format."""

import pytest

from ..world import lacking, recorded


def test_chains_have_the_recorded_keys_and_kinds(world):
    assert lacking(world.json("/defillama/v2/chains"), recorded("defillama/v2_chains.json")) == []


def test_fees_have_the_recorded_keys_and_kinds(world):
    assert (
        lacking(world.json("/defillama/overview/fees/ethereum"), recorded("defillama/overview_fees_ethereum.json"))
        == []
    )


def test_ids_come_as_text_as_a_number_or_not_at_all(world):
    rows = {row["name"]: row for row in world.json("/defillama/v2/chains")}

    assert (rows["Ethereum"]["cmcId"], rows["Bitcoin"]["cmcId"]) == ("1027", 1)
    assert "cmcId" not in rows["Base"]
    assert rows["Base"]["gecko_id"] is rows["Base"]["tokenSymbol"] is rows["Solana"]["chainId"] is None


def test_locked_value_falls_with_prices(world):
    before = world.json("/defillama/v2/chains")[0]["tvl"]
    world.begin("flash_crash")
    world.clock.advance(60)

    assert world.json("/defillama/v2/chains")[0]["tvl"] == pytest.approx(before * 0.8, rel=0.05)


def test_charts_can_be_left_out_and_totals_cannot(world):
    slim = world.json(
        "/defillama/overview/fees/Ethereum?excludeTotalDataChart=true&excludeTotalDataChartBreakdown=true"
    )
    everything = world.json("/defillama/overview/fees")

    assert not {"totalDataChart", "totalDataChartBreakdown"} & set(slim)
    assert 0 < slim["total24h"] < slim["total7d"] < slim["total30d"]
    assert everything["total24h"] > slim["total24h"]
    assert None in [row["total24h"] for row in slim["protocols"]]


def test_an_unknown_chain_is_not_found(world):
    assert world.get("/defillama/overview/fees/atlantis").status_code == 404
