"""Etherscan's wire format."""

import pytest

from ..world import lacking, recorded

API = "/etherscan/v2/api"
KEYED = f"{API}?apikey=key&chainid=1"


def test_the_gas_oracle_has_the_recorded_keys_and_kinds(world):
    answer = world.json(f"{KEYED}&module=gastracker&action=gasoracle")

    assert lacking(answer, recorded("etherscan/gasoracle.json")) == []
    prices = [float(answer["result"][name]) for name in ("suggestBaseFee", "SafeGasPrice", "ProposeGasPrice")]
    assert prices == sorted(prices)
    assert len(answer["result"]["gasUsedRatio"].split(",")) == 5


@pytest.mark.parametrize(
    ("query", "recording"),
    [
        ("action=eth_blockNumber", "proxy_eth_blockNumber.json"),
        ("action=eth_getBlockByNumber&tag=latest&boolean=true", "proxy_eth_getBlockByNumber_full.json"),
    ],
)
def test_proxied_calls_have_the_recorded_keys_and_kinds(world, query, recording):
    assert lacking(world.json(f"{KEYED}&module=proxy&{query}"), recorded(f"etherscan/{recording}")) == []


def test_a_chain_that_is_not_free_is_refused_as_recorded(world):
    refused = world.json(f"{API}?apikey=key&chainid=56&module=proxy&action=eth_blockNumber")

    assert refused == recorded("etherscan/error_chain_not_on_free_plan.json")


def test_a_refused_rate_is_as_recorded_and_looks_like_success(world):
    world.begin("rate_limited", ["etherscan"])

    assert world.json(f"{KEYED}&module=gastracker&action=gasoracle") == recorded("etherscan/error_rate_limit.json")


def test_the_first_version_is_gone_as_recorded(world):
    assert world.json("/etherscan/api?module=proxy") == recorded("etherscan/error_v1_deprecated.json")


@pytest.mark.parametrize(
    "query", ["chainid=1&module=proxy&action=eth_blockNumber", "apikey=key", "apikey=key&chainid=1&module=dance"]
)
def test_what_cannot_be_done_is_not_ok(world, query):
    assert (world.json(f"{API}?{query}")["status"], world.json(f"{API}?{query}")["message"]) == ("0", "NOTOK")


def test_a_bad_tag_is_an_error_of_the_node(world):
    body = world.json(f"{KEYED}&module=proxy&action=eth_getBlockByNumber&tag=newest&boolean=true")

    assert body["error"]["code"] == -32602
