"""The scenarios of chains, nodes and feeds, over real HTTP."""

import itertools
import xml.etree.ElementTree as ET

import pytest
import requests

from .world import FIRST_HOST, parse_feed

TIP = "/mempool_space/api/blocks/tip"


def fetch(world, path, **options):
    return requests.get(world.url + path, timeout=5, **options)


def call(world, chain, host, method, *params):
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
    return requests.post(f"{world.url}/json_rpc/{chain}/{host}", json=body, timeout=5).json()


def number(world, chain="ethereum", host=FIRST_HOST):
    return int(call(world, chain, host, "eth_blockNumber")["result"], 16)


@pytest.mark.parametrize("depth", [1, 2])
def test_reorg_replaces_the_newest_blocks_for_all_explorers(served, depth):
    before = fetch(served, "/blockstream/api/blocks").json()
    served.begin("reorg", depth=depth)
    after = fetch(served, "/mempool_space/api/blocks").json()

    assert [block["height"] for block in after] == [block["height"] for block in before]
    changed = [old["id"] != new["id"] for old, new in zip(before, after, strict=True)]
    assert changed == [True] * depth + [False] * (10 - depth)
    assert all(upper["previousblockhash"] == lower["id"] for upper, lower in itertools.pairwise(after))
    gone = fetch(served, f"/mempool_space/api/block/{before[0]['id']}/txs")
    assert (gone.status_code, gone.text) == (404, "Block not found")
    kept = set(fetch(served, f"/blockstream/api/block/{after[0]['id']}/txids").json())
    assert kept


def test_reorg_moves_some_transactions_and_loses_none(served):
    tip = fetch(served, f"{TIP}/hash").text
    before = fetch(served, f"/blockstream/api/block/{tip}/txids").json()[1:]
    served.begin("reorg", chain="bitcoin")
    after = fetch(served, f"/blockstream/api/block/{fetch(served, f'{TIP}/hash').text}/txids").json()[1:]

    assert set(after) < set(before)
    moved = next(txid for txid in before if txid not in after)
    assert fetch(served, f"/blockstream/api/tx/{moved}").json()["status"] == {"confirmed": False}
    served.clock.advance(1_800)
    height = fetch(served, f"/blockstream/api/tx/{moved}").json()["status"]["block_height"]
    assert height == served.chains.bitcoin.height(served.clock.now - 1_800) + 1


def test_reorg_of_ethereum_shows_at_every_node(served):
    served.clock.now = served.clock.now // 12 * 12 + 5
    before = call(served, "ethereum", FIRST_HOST, "eth_getBlockByNumber", "latest", False)["result"]
    bitcoin = fetch(served, f"{TIP}/hash").text
    served.begin("reorg", chain="ethereum")
    served.clock.advance(2)
    blocks = [
        call(served, "ethereum", host, "eth_getBlockByNumber", before["number"], False)["result"]
        for host in (FIRST_HOST, "eth.drpc.org", "eth.merkle.io")
    ]

    assert all(block == blocks[0] for block in blocks)
    assert blocks[0]["hash"] != before["hash"]
    assert blocks[0]["parentHash"] == before["parentHash"]
    assert 0.5 < len(set(blocks[0]["transactions"]) & set(before["transactions"])) / len(before["transactions"]) < 1
    assert fetch(served, f"{TIP}/hash").text == bitcoin
    logs = call(served, "ethereum", FIRST_HOST, "eth_getLogs", {"blockHash": before["hash"]})
    assert logs["error"]["message"] == "unknown block"


def test_normal_ends_a_reorg_but_its_blocks_stay(served):
    served.begin("reorg")
    replaced = fetch(served, f"{TIP}/hash").text
    served.begin("normal")

    assert served.simulator.scenarios.active() == []
    assert fetch(served, f"{TIP}/hash").text == replaced


def test_a_broken_feed_is_no_xml_and_the_others_are(served):
    served.begin("feed_broken", feed="decrypt")

    with pytest.raises(ET.ParseError):
        parse_feed(fetch(served, "/rss/decrypt").content)
    assert parse_feed(fetch(served, "/rss/cointelegraph").content).tag == "rss"


def test_an_entity_bomb_is_small_and_declares_itself(served):
    served.begin("feed_broken", kind="entity_bomb")
    text = fetch(served, "/rss/coindesk").text

    assert len(text) < 2_000
    assert text.count("<!ENTITY") == 10
    assert '<!ENTITY e9 "&e8;' in text


def test_junk_is_as_long_as_announced(served):
    served.begin("feed_broken", kind="junk", size_mb=0.2)
    response = fetch(served, "/rss/coindesk")

    assert (response.status_code, len(response.content)) == (200, 200_000)
    assert response.headers["Content-Length"] == "200000"


def test_fifty_megabytes_need_not_be_read_to_the_end(served):
    served.begin("feed_broken", kind="junk")
    with fetch(served, "/rss/coindesk", stream=True) as response:
        assert response.headers["Content-Length"] == "50000000"
        assert next(response.iter_content(1_000))
    assert fetch(served, "/rss/decrypt").status_code == 200


def test_a_broken_feed_does_not_hide_behind_not_modified(served):
    tag = fetch(served, "/rss/coindesk").headers["ETag"]
    assert fetch(served, "/rss/coindesk", headers={"If-None-Match": tag}).status_code == 304
    served.begin("feed_broken")

    assert fetch(served, "/rss/coindesk", headers={"If-None-Match": tag}).status_code == 200


def test_a_lagging_node_is_behind_and_the_others_are_not(served):
    served.clock.now = served.clock.now // 12 * 12 + 5
    served.begin("node_lagging", blocks=7)

    assert number(served) == number(served, host="eth.drpc.org") - 7
    tip = call(served, "ethereum", FIRST_HOST, "eth_getBlockByNumber", "latest", False)["result"]["number"]
    assert int(tip, 16) == number(served)
    beyond = call(served, "ethereum", FIRST_HOST, "eth_getBlockByNumber", hex(number(served) + 1), False)
    assert beyond["result"] is None
    served.clock.advance(120)
    assert number(served) == number(served, host="eth.drpc.org") - 7


def test_any_node_can_lag_claim_another_chain_and_say_that_it_syncs(served):
    served.begin("node_lagging", chain="base", node="base.drpc.org", blocks=0, chain_id=56, syncing=1)

    assert call(served, "base", "base.drpc.org", "eth_chainId")["result"] == "0x38"
    assert call(served, "base", "base.drpc.org", "net_version")["result"] == "56"
    assert set(call(served, "base", "base.drpc.org", "eth_syncing")["result"]) == {
        "startingBlock",
        "currentBlock",
        "highestBlock",
    }
    assert call(served, "base", "base-rpc.publicnode.com", "eth_chainId")["result"] == "0x2105"
    assert call(served, "base", "base-rpc.publicnode.com", "eth_syncing")["result"] is False


def test_a_lagging_solana_node_is_not_healthy(served):
    served.begin("node_lagging", chain="solana", blocks=150)
    error = call(served, "solana", "api.mainnet-beta.solana.com", "getHealth")["error"]

    assert (error["code"], error["data"]) == (-32005, {"numSlotsBehind": 150})
    assert call(served, "solana", "solana-rpc.publicnode.com", "getHealth")["result"] == "ok"


@pytest.mark.parametrize("scenario", ["rate_limited", "html_instead_of_json", "truncated", "outage"])
def test_nodes_fail_like_everybody_else(served, scenario):
    served.begin(scenario, ["json_rpc"])
    address = f"{served.url}/json_rpc/ethereum/{FIRST_HOST}"
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}

    if scenario == "rate_limited":
        response = requests.post(address, json=body, timeout=5)
        assert (response.status_code, response.json()["error"]["code"]) == (429, -32005)
    elif scenario == "html_instead_of_json":
        assert requests.post(address, json=body, timeout=5).headers["Content-Type"].startswith("text/html")
    else:
        with pytest.raises(requests.RequestException):
            requests.post(address, json=body, timeout=5)
