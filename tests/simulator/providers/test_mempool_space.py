"""mempool.space's wire format."""

import pytest

from ..world import lacking, recorded, recorded_text, shape

API = "/mempool_space/api"


def tip_hash(world):
    return world.get(f"{API}/blocks/tip/hash").text


@pytest.mark.parametrize(
    ("path", "recording"),
    [
        ("/v1/blocks", "blocks_v1.json"),
        ("/v1/mining/hashrate/3d", "mining_hashrate_3d.json"),
        ("/mempool", "mempool.json"),
        ("/mempool/recent", "mempool_recent.json"),
        ("/v1/fees/recommended", "fees_recommended.json"),
        ("/v1/difficulty-adjustment", "difficulty_adjustment.json"),
    ],
)
def test_answers_have_the_recorded_keys_and_kinds(world, path, recording):
    assert lacking(world.json(API + path), recorded(f"mempool_space/{recording}")) == []


def test_a_transaction_has_the_recorded_keys_and_kinds(world):
    txid = world.json(f"{API}/mempool/recent")[0]["txid"]

    assert lacking(world.json(f"{API}/tx/{txid}"), recorded("mempool_space/tx.json")) == []


def test_the_height_is_a_bare_number(world):
    response = world.get(f"{API}/blocks/tip/height")

    assert response.content_type.startswith("text/plain")
    assert response.text.isdecimal()
    assert shape(int(response.text)) == shape(recorded("mempool_space/blocks_tip_height.json"))


def test_a_refused_rate_is_the_recorded_page(world):
    world.begin("rate_limited", ["mempool_space"])
    response = world.get(f"{API}/mempool")

    assert response.status_code == 429
    assert response.text == recorded_text("mempool_space/error_429.html")


def test_blocks_come_newest_first_from_any_height(world):
    blocks = world.json(f"{API}/v1/blocks")
    older = world.json(f"{API}/v1/blocks/{blocks[-1]['height'] - 1}")

    assert len(blocks) == len(older) == 15
    heights = [block["height"] for block in blocks + older]
    assert heights == list(range(heights[0], heights[0] - 30, -1))
    assert older[0]["id"] == blocks[-1]["previousblockhash"]
    assert all(block["mediantime"] <= block["timestamp"] for block in blocks)


def test_blocks_count_what_is_in_them(world):
    block = world.json(f"{API}/v1/blocks")[1]
    extras, rows = block["extras"], world.json(f"{API}/v1/block/{block['id']}/summary")

    assert extras["totalFees"] == sum(row["fee"] for row in rows)
    assert extras["totalInputAmt"] - extras["totalOutputAmt"] == extras["totalFees"]
    assert extras["feeRange"] == sorted(extras["feeRange"])
    assert len(bytes.fromhex(extras["header"])) == 80
    assert block["bits"] >> 24 == 23


def test_pages_of_a_block_have_25_transactions_and_start_at_multiples(world):
    block = world.json(f"{API}/block/{tip_hash(world)}")
    path = f"{API}/block/{block['id']}/txs"
    first, second = world.json(path), world.json(f"{path}/25")

    assert (len(first), len(second)) == (25, 25)
    assert first[0]["vin"][0]["is_coinbase"]
    assert first[0]["vin"][0]["prevout"] is None
    assert not {row["txid"] for row in first} & {row["txid"] for row in second}
    last = block["tx_count"] // 25 * 25
    assert len(world.json(f"{path}/{last}")) == block["tx_count"] - last
    assert world.get(f"{path}/10").text == "start index must be a multipication of 25"
    assert world.get(f"{path}/100000").text == "start index out of range"


@pytest.mark.parametrize("path", ["/block/00ff/txs", f"/block/{'00' * 32}", f"/tx/{'ab' * 32}", "/v1/block/x/summary"])
def test_what_does_not_exist_is_404_in_plain_text(world, path):
    response = world.get(API + path)

    assert response.status_code == 404
    assert response.content_type.startswith("text/plain")


def test_blocks_and_transactions_of_the_future_do_not_exist(world):
    chain, later = world.chains.bitcoin, world.clock.now + 3_600
    coming = chain.hash(chain.height(later), later)
    arriving = chain.transaction(chain.stream.arrived_by(later)).txid

    assert world.get(f"{API}/block/{coming}").status_code == 404
    assert world.get(f"{API}/tx/{arriving}").status_code == 404
    world.clock.advance(3_601)
    assert world.get(f"{API}/block/{coming}").status_code == 200
    assert world.get(f"{API}/tx/{arriving}").status_code == 200


def test_the_miners_own_transaction_is_known(world):
    first = world.json(f"{API}/block/{tip_hash(world)}/txs")[0]

    assert world.json(f"{API}/tx/{first['txid']}") == first


def test_the_difficulty_adjustment_is_told_in_milliseconds_and_comes_true(world):
    told = world.json(f"{API}/v1/difficulty-adjustment")
    before = world.json(f"{API}/v1/mining/hashrate/3d")["currentDifficulty"]

    assert told["estimatedRetargetDate"] / 1_000 == pytest.approx(
        world.clock.now + told["remainingTime"] / 1_000, abs=1
    )
    assert told["remainingBlocks"] + told["progressPercent"] * 20.16 == pytest.approx(2_016)
    world.clock.now = world.chains.bitcoin.times.time_of(told["nextRetargetHeight"]) + 1
    after = world.json(f"{API}/v1/mining/hashrate/3d")["currentDifficulty"]
    assert (after / before - 1) * 100 == pytest.approx(told["difficultyChange"])


def test_an_unknown_interval_is_refused(world):
    assert world.get(f"{API}/v1/mining/hashrate/24h").status_code == 400


def test_the_histogram_adds_up(world):
    mempool = world.json(f"{API}/mempool")
    rates = [rate for rate, _ in mempool["fee_histogram"]]

    assert sum(size for _, size in mempool["fee_histogram"]) == mempool["vsize"]
    assert rates == sorted(rates, reverse=True)


def test_the_recent_ten_change_while_time_passes(world):
    before = world.json(f"{API}/mempool/recent")
    world.clock.advance(1)
    after = world.json(f"{API}/mempool/recent")

    assert len(before) == len(after) == 10
    assert before[0] in after
    assert before[0] != after[0]
