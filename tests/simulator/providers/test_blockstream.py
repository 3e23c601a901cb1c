"""Blockstream's wire format."""

from ..world import lacking, recorded

API = "/blockstream/api"


def test_the_mempool_has_the_recorded_keys_and_kinds(world):
    assert lacking(world.json(f"{API}/mempool"), recorded("esplora/mempool.json")) == []


def test_ten_blocks_newest_first(world):
    blocks = world.json(f"{API}/blocks")
    older = world.json(f"{API}/blocks/{blocks[-1]['height']}")

    assert len(blocks) == 10
    assert older[0] == blocks[-1]
    assert world.get(f"{API}/block-height/{blocks[3]['height']}").text == blocks[3]["id"]
    assert world.get(f"{API}/block-height/{blocks[0]['height'] + 1}").status_code == 404


def test_fees_fall_with_patience(world):
    fees = world.json(f"{API}/fee-estimates")

    assert {"1", "25", "144", "1008"} < set(fees)
    assert list(fees.values()) == sorted(fees.values(), reverse=True)


def test_there_is_no_hash_rate(world):
    assert world.get(f"{API}/v1/mining/hashrate/3d").status_code == 404


def test_a_refused_rate_is_plain_text(world):
    world.begin("rate_limited", ["blockstream"])

    assert world.get(f"{API}/mempool").text == "Too Many Requests"
