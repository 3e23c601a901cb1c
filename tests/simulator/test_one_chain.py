"""All explorers and nodes of a chain see the same blocks and transactions."""

import pytest

from .world import World

MEMPOOL, STREAM, INFO = "/mempool_space/api", "/blockstream/api", "/blockchain_info"


@pytest.mark.parametrize("later_s", [0, 61, 4_000])
def test_bitcoin_explorers_agree_on_the_newest_block(later_s):
    # Without caches: Blockchair's would be up to half a minute behind.
    world = World(refresh_s=0)
    world.clock.advance(later_s)
    tip = int(world.get(f"{MEMPOOL}/blocks/tip/height").text)
    block = world.json(f"{MEMPOOL}/v1/blocks")[0]
    cypher = world.json("/blockcypher/v1/btc/main")
    chair = world.json("/blockchair/bitcoin/stats")["data"]

    assert block["height"] == tip == int(world.get(f"{STREAM}/blocks/tip/height").text)
    assert tip == int(world.get(f"{INFO}/q/getblockcount").text) == cypher["height"] == chair["best_block_height"]
    assert tip == world.json(f"{INFO}/stats?format=json")["n_blocks_total"]
    hashes = {block["id"], world.get(f"{STREAM}/blocks/tip/hash").text, cypher["hash"], chair["best_block_hash"]}
    assert len(hashes) == 1
    assert block["previousblockhash"] == cypher["previous_hash"] == world.json(f"{STREAM}/blocks")[1]["id"]


def test_bitcoin_explorers_agree_on_difficulty_hash_rate_and_mempool(world):
    rate = world.json(f"{MEMPOOL}/v1/mining/hashrate/3d")
    stats = world.json(f"{INFO}/stats?format=json")
    chair = world.json("/blockchair/bitcoin/stats")["data"]

    assert rate["currentDifficulty"] == pytest.approx(stats["difficulty"], rel=1e-6)
    assert rate["currentDifficulty"] == pytest.approx(chair["difficulty"])
    assert rate["currentHashrate"] == pytest.approx(stats["hash_rate"] * 1e9, rel=1e-6)
    assert rate["currentHashrate"] == pytest.approx(int(chair["hashrate_24h"]), rel=1e-3)
    assert rate["currentHashrate"] == pytest.approx(rate["currentDifficulty"] * 2**32 / 600, rel=0.05)
    assert world.json(f"{MEMPOOL}/mempool") == world.json(f"{STREAM}/mempool")
    assert world.json(f"{MEMPOOL}/mempool")["count"] == int(world.get(f"{INFO}/q/unconfirmedcount").text)


def test_a_block_has_the_same_transactions_everywhere(world):
    block = world.json(f"{MEMPOOL}/v1/blocks")[0]
    pages = [
        row
        for start in range(0, block["tx_count"], 25)
        for row in world.json(f"{STREAM}/block/{block['id']}/txs/{start}")
    ]
    summary = world.json(f"{MEMPOOL}/v1/block/{block['id']}/summary")

    assert len(pages) == block["tx_count"] == len(summary)
    assert [row["txid"] for row in pages] == [row["txid"] for row in summary]
    assert [row["txid"] for row in pages] == world.json(f"{STREAM}/block/{block['id']}/txids")
    assert [sum(output["value"] for output in row["vout"]) for row in pages] == [row["value"] for row in summary]
    assert sum(row["fee"] for row in pages) == block["extras"]["totalFees"]
    assert pages[0]["vout"][0]["value"] == block["extras"]["reward"] == 312_500_000 + block["extras"]["totalFees"]


def test_a_large_transfer_is_seen_waiting_and_confirmed_by_all(world):
    query = "/blockchair/bitcoin{}/transactions?q=output_total_usd(1000000..)&s=id(desc)&limit=100"
    waiting = world.json(query.format("/mempool"))["data"][0]
    at_info = {row["hash"]: row for row in world.json(f"{INFO}/unconfirmed-transactions?format=json")["txs"]}

    assert waiting["block_id"] == -1
    assert waiting["hash"] in at_info
    assert sum(output["value"] for output in at_info[waiting["hash"]]["out"]) == waiting["output_total"]
    assert world.json(f"{MEMPOOL}/tx/{waiting['hash']}")["status"] == {"confirmed": False}

    world.clock.advance(600)
    confirmed = {row["hash"]: row for row in world.json(query.format(""))["data"]}[waiting["hash"]]
    status = world.json(f"{STREAM}/tx/{waiting['hash']}")["status"]
    assert status["block_height"] == confirmed["block_id"]
    block = world.json(f"{MEMPOOL}/block/{status['block_hash']}")
    assert (block["height"], block["timestamp"]) == (status["block_height"], status["block_time"])
    assert waiting["hash"] in world.json(f"{MEMPOOL}/block/{status['block_hash']}/txids")


def test_recent_transactions_are_known_one_by_one(world):
    for row in world.json(f"{MEMPOOL}/mempool/recent"):
        whole = world.json(f"{STREAM}/tx/{row['txid']}")
        assert whole["fee"] == row["fee"]
        assert sum(output["value"] for output in whole["vout"]) == row["value"]


def test_ethereum_is_the_same_for_nodes_and_explorers(world):
    # Nodes are up to a second behind; a second into a slot all have its block.
    world.clock.now = world.clock.now // 12 * 12 + 5
    tip = int(world.node("eth_blockNumber"), 16)
    block = world.node("eth_getBlockByNumber", "latest", False)
    scan = world.json("/etherscan/v2/api?chainid=1&module=proxy&action=eth_blockNumber&apikey=key")
    oracle = world.json("/etherscan/v2/api?chainid=1&module=gastracker&action=gasoracle&apikey=key")["result"]
    cypher = world.json("/blockcypher/v1/eth/main")

    assert int(scan["result"], 16) == tip == cypher["height"] == int(oracle["LastBlock"])
    assert block["hash"] == "0x" + cypher["hash"]
    assert block["parentHash"] == world.node("eth_getBlockByNumber", hex(tip - 1), False)["hash"]
    history = world.node("eth_feeHistory", "0x1", "latest", [50])
    assert int(history["baseFeePerGas"][-1], 16) == cypher["base_fee"]
    assert float(oracle["suggestBaseFee"]) == pytest.approx(cypher["base_fee"] / 1e9)
    assert history["gasUsedRatio"][0] == pytest.approx(int(block["gasUsed"], 16) / int(block["gasLimit"], 16), rel=1e-6)


def test_whale_alert_tells_what_is_on_the_chains(world):
    rows = world.json("/whale_alert/v1/transactions?api_key=key&min_value=1000000&limit=100")["transactions"]
    world_rows = world.json(f"/whale_alert/v1/transactions?api_key=key&start={world.clock.now - 600}")["transactions"]
    row = next(row for row in world_rows if row["blockchain"] == "bitcoin")
    whole = world.json(f"{MEMPOOL}/tx/{row['hash']}")

    assert whole["status"]["block_time"] == row["timestamp"]
    assert whole["vin"][0]["prevout"]["scriptpubkey_address"] == row["from"]["address"]
    own = {put["prevout"]["scriptpubkey_address"] for put in whole["vin"]}
    moved = sum(put["value"] for put in whole["vout"] if put.get("scriptpubkey_address") not in own)
    assert row["amount"] == pytest.approx(moved / 1e8)
    assert row["amount_usd"] == pytest.approx(row["amount"] * world.market.price("BTC", world.clock.now), rel=0.001)
    assert all(row["amount_usd"] >= 1_000_000 for row in rows)


def test_daily_figures_are_those_of_the_chain(world):
    query = "/coinmetrics/v4/timeseries/asset-metrics?assets=btc,eth&metrics=TxCnt,BlkCnt&limit_per_asset=1"
    bitcoin, ethereum = world.json(query)["data"]
    stats = world.json(f"{INFO}/stats?format=json")
    scout = world.json("/blockscout/api/v2/stats")

    assert int(bitcoin["TxCnt"]) == pytest.approx(stats["n_tx"], rel=0.05)
    assert int(bitcoin["BlkCnt"]) == pytest.approx(1_440, rel=0.1)
    assert int(ethereum["TxCnt"]) == pytest.approx(int(scout["transactions_today"]), rel=0.1)


@pytest.mark.parametrize(
    "path",
    [
        f"{MEMPOOL}/v1/blocks",
        f"{INFO}/unconfirmed-transactions?format=json",
        "/blockchair/ethereum/stats",
        "/defillama/v2/chains",
        "/alternative_me/fng/?limit=5",
        "/rss/decrypt",
        "/coingecko/api/v3/search/trending",
    ],
)
def test_equal_seeds_give_equal_answers_and_other_seeds_do_not(path):
    same, again, other = (World(seed=seed).get(path).text for seed in (1, 1, 2))

    assert same == again
    assert same != other
