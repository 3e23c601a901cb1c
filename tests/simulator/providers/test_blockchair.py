"""Blockchair's wire format."""

import pytest

from ..world import lacking, recorded

LIST, ETHERS = "/blockchair/bitcoin/transactions", "/blockchair/ethereum/transactions"


@pytest.mark.parametrize(
    ("path", "recording"),
    [
        ("/bitcoin/stats", "bitcoin_stats.json"),
        ("/ethereum/stats", "ethereum_stats.json"),
        ("/bitcoin/transactions?limit=1", "bitcoin_transactions.json"),
        ("/ethereum/transactions?limit=2", "ethereum_transactions.json"),
    ],
)
def test_answers_have_the_recorded_keys_and_kinds(world, path, recording):
    assert lacking(world.json(f"/blockchair{path}"), recorded(f"blockchair/{recording}")) == []


def test_a_range_of_dollars_is_kept_and_the_newest_come_first(world):
    rows = world.json(f"{LIST}?q=output_total_usd(5000000..20000000)&s=id(desc)&limit=20")["data"]

    assert len(rows) == 20
    assert all(5_000_000 <= row["output_total_usd"] <= 20_000_000 for row in rows)
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)


def test_small_sums_blocks_and_offsets_can_be_asked_for(world):
    tip = world.json("/blockchair/bitcoin/stats")["context"]["state"]
    block = world.json(f"{LIST}?q=block_id({tip})&limit=5")["data"]
    rest = world.json(f"{LIST}?q=block_id({tip})&limit=5&offset=5")["data"]
    small = world.json(f"{LIST}?q=output_total(..100000)&limit=3")["data"]

    assert {row["block_id"] for row in block + rest} == {tip}
    assert len({row["hash"] for row in block + rest}) == 10
    assert all(row["output_total"] <= 100_000 for row in small)
    assert world.json(f"{LIST}?q=block_id({tip + 1}..)")["data"] == []


def test_transactions_agree_with_themselves(world):
    for row in world.json(f"{LIST}?limit=100")["data"]:
        assert row["input_total"] - row["output_total"] == row["fee"]
        assert row["time"].startswith(row["date"])


def test_only_what_came_after_a_time_is_told(world):
    since = "2026-11-21 19:15:00"
    bitcoin = world.json(f"{LIST}?q=output_total_usd(1000000..),time({since}..)&s=id(desc)&limit=100")["data"]
    ethereum = world.json(f"{ETHERS}?q=value_usd(1000000..),time({since}..)&s=id(desc)&limit=100")["data"]
    before = world.json(f"{LIST}?q=time(2026-11-21..{since})&limit=1")["data"]

    assert bitcoin
    assert ethereum
    assert all(since < row["time"] for row in bitcoin + ethereum)
    assert before[0]["time"] <= since
    assert world.json(f"{LIST}?q=time(2026-12-01..)")["data"] == []
    assert world.json("/blockchair/bitcoin/mempool/transactions?q=time(2026-12-01..)")["data"] == []


def test_large_transfers_of_ethereum_are_those_in_its_blocks(world):
    rows = world.json(f"{ETHERS}?q=value_usd(1000000..)&limit=20")["data"]
    row = rows[0]
    block = world.node("eth_getBlockByNumber", hex(row["block_id"]), True)
    found = next(one for one in block["transactions"] if one["hash"] == row["hash"])

    assert len(rows) == 20
    assert all(row["value_usd"] >= 1_000_000 for row in rows)
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert (found["from"], found["to"]) == (row["sender"], row["recipient"])
    assert int(found["value"], 16) == int(row["value"])
    assert int(found["gasPrice"], 16) == row["gas_price"]
    assert int(found["transactionIndex"], 16) == row["index"]


@pytest.mark.parametrize(
    "query",
    [
        "q=time(soon..)",
        "q=time(2026-13-01..)",
        "page=2",
        "q=colour(red)",
        "s=fee(asc)",
        "limit=x",
        "limit=101",
        "offset=10001",
    ],
)
def test_unknown_and_malformed_parameters_are_refused(world, query):
    response = world.get(f"{LIST}?{query}")

    assert (response.status_code, response.json["context"]["code"], response.json["data"]) == (400, 400, None)


def test_figures_come_from_a_cache(world):
    before = world.get("/blockchair/bitcoin/stats").text
    world.clock.advance(20)

    assert world.get("/blockchair/bitcoin/stats").text == before
