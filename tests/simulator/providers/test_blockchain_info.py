"""blockchain.info's wire format."""

import pytest

from ..world import lacking, recorded

STATS = "/blockchain_info/stats?format=json"


@pytest.mark.parametrize("recording", ["stats_2026_partial.json", "stats_doc.json"])
def test_statistics_have_the_recorded_keys_and_kinds(world, recording):
    assert lacking(world.json(STATS), recorded(f"blockchain_info/{recording}")) == []


def test_a_transaction_has_the_recorded_keys_and_kinds(world):
    txid = world.json("/blockchain_info/unconfirmed-transactions?format=json")["txs"][0]["hash"]

    assert lacking(world.json(f"/blockchain_info/rawtx/{txid}"), recorded("blockchain_info/rawtx.json")) == []


def test_fees_and_revenue_are_as_wrong_as_recorded(world):
    stats = world.json(STATS)

    assert stats["total_fees_btc"] == -stats["n_btc_mined"] < 0
    assert stats["miners_revenue_usd"] == 0


def test_units_are_giga_hashes_satoshi_and_milliseconds(world):
    stats = world.json(STATS)

    assert 3e11 < stats["hash_rate"] < 3e12
    assert stats["totalbc"] == pytest.approx(20.1e6 * 1e8, rel=0.01)
    assert stats["timestamp"] == int(world.clock.now) * 1_000
    assert stats["market_price_usd"] == pytest.approx(world.market.price("BTC", world.clock.now), rel=0.001)
    assert stats["minutes_between_blocks"] * stats["n_blocks_mined"] == pytest.approx(1_440, abs=0.2)


@pytest.mark.parametrize("path", ["/stats", "/unconfirmed-transactions"])
def test_without_a_format_there_are_pages(world, path):
    assert world.get(f"/blockchain_info{path}").content_type.startswith("text/html")


def test_waiting_transactions_are_newest_first_and_some_outputs_have_no_address(world):
    rows = world.json("/blockchain_info/unconfirmed-transactions?format=json")["txs"]
    times = [row["time"] for row in rows]
    outputs = [output for row in rows for output in row["out"]]

    assert 1 < len(rows) <= 100
    assert times == sorted(times, reverse=True)
    assert all(row["block_height"] is None for row in rows)
    assert {output["value"] for output in outputs if "addr" not in output} == {0}


def test_short_answers_are_bare_numbers(world):
    for path in ("getblockcount", "hashrate", "getdifficulty", "unconfirmedcount"):
        assert float(world.get(f"/blockchain_info/q/{path}").text) > 0


def test_an_unknown_transaction_is_not_found(world):
    assert world.get(f"/blockchain_info/rawtx/{'ab' * 32}").status_code == 404
