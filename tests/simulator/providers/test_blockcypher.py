"""BlockCypher's wire format."""

from ..world import lacking, recorded


def test_ethereum_has_the_recorded_keys_and_kinds(world):
    answer, wanted = world.json("/blockcypher/v1/eth/main"), recorded("blockcypher/eth_main.json")

    assert lacking(answer, wanted) == []
    assert list(answer) == list(wanted)
    assert len(answer["time"]) == len(wanted["time"])


def test_hashes_have_no_prefix_and_addresses_contain_them(world):
    for coin in ("btc", "eth"):
        response = world.get(f"/blockcypher/v1/{coin}/main")
        body = response.json
        assert len(body["hash"]) == len(body["previous_hash"]) == 64
        assert body["latest_url"].endswith(body["hash"])
        assert body["last_fork_height"] < body["height"]
        assert "X-Ratelimit-Remaining" in response.headers


def test_fees_are_in_order(world):
    bitcoin, ethereum = (world.json(f"/blockcypher/v1/{coin}/main") for coin in ("btc", "eth"))

    assert bitcoin["high_fee_per_kb"] >= bitcoin["medium_fee_per_kb"] >= bitcoin["low_fee_per_kb"] >= 1_000
    assert ethereum["high_gas_price"] > ethereum["medium_gas_price"] > ethereum["low_gas_price"] > ethereum["base_fee"]


def test_a_refused_rate(world):
    world.begin("rate_limited", ["blockcypher"])

    assert world.get("/blockcypher/v1/btc/main").json == {"error": "Limits reached."}
