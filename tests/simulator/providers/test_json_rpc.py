"""The nodes' wire format."""

import json

import pytest

from simulator.nodes import HOSTS

from ..world import FIRST_HOST, lacking, recorded

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"


def post(world, body, chain="ethereum", host=FIRST_HOST):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return world.client.post(f"/json_rpc/{chain}/{host}", data=data)


@pytest.mark.parametrize(
    "name",
    [
        "eth_blockNumber.drpc_polygon",
        "eth_chainId.execution_apis",
        "eth_maxPriorityFeePerGas.merkle",
        "eth_syncing_false.execution_apis",
        "net_version.publicnode",
        "web3_clientVersion.publicnode",
        "eth_getBlockByNumber_hashes.merkle",
    ],
)
def test_results_have_the_recorded_keys_and_kinds(world, name):
    sample = recorded(f"json_rpc/{name}.json")
    answer = post(world, sample["request"]).json

    assert lacking(answer, sample["response"]) == []


def test_a_full_block_has_the_recorded_keys_and_kinds(world):
    wanted = recorded("etherscan/proxy_eth_getBlockByNumber_full.json")["result"]

    assert lacking(world.node("eth_getBlockByNumber", "latest", True), wanted) == []


def test_the_fee_history_has_the_recorded_keys_and_kinds(world):
    sample = recorded("json_rpc/eth_feeHistory.execution_apis.json")
    answer = world.node("eth_feeHistory", "0x1", "latest", [95, 99])

    assert lacking(answer, sample["response"]["result"]) == []


def test_what_is_not_there_is_null_as_recorded(world):
    sample = recorded("json_rpc/eth_getBlockByNumber_notfound.execution_apis.json")
    tip = int(world.node("eth_blockNumber"), 16)

    assert world.rpc("ethereum", FIRST_HOST, "eth_getBlockByNumber", hex(tip + 1), True) == sample["response"]


def test_too_wide_a_range_of_logs_is_refused_as_recorded(world):
    sample = recorded("json_rpc/error_getLogs_range.1rpc.json")

    assert post(world, sample["request"]).json == sample["response"]


@pytest.mark.parametrize(("chain", "host"), [(chain, host) for chain, hosts in HOSTS.items() for host in hosts])
def test_every_known_host_answers_for_its_chain(world, chain, host):
    method = "getSlot" if chain == "solana" else "eth_blockNumber"
    first, _ = world.rpc(chain, host, method), world.clock.advance(30)
    later = world.rpc(chain, host, method)

    heights = [int(str(answer["result"]), 0) for answer in (first, later)]
    assert heights[0] < heights[1]
    assert 0 < world.pauses[0] < 0.05


def test_hosts_differ_in_pace(world):
    for host in HOSTS["ethereum"]:
        world.rpc("ethereum", host, "eth_chainId")

    assert len(set(world.pauses)) == 3


@pytest.mark.parametrize(
    ("chain", "chain_id"),
    [("ethereum", 1), ("bnb", 56), ("polygon", 137), ("arbitrum", 42_161), ("optimism", 10), ("base", 8_453)],
)
def test_chains_have_their_ids(world, chain, chain_id):
    host = HOSTS[chain][0]

    assert int(world.node("eth_chainId", chain=chain, host=host), 16) == chain_id
    assert world.node("net_version", chain=chain, host=host) == str(chain_id)
    assert int(world.node("eth_gasPrice", chain=chain, host=host), 16) > 0
    block = world.node("eth_getBlockByNumber", "latest", True, chain=chain, host=host)
    assert all(row["chainId"] == hex(chain_id) for row in block["transactions"])


def test_blocks_are_linked_and_list_the_same_transactions_either_way(world):
    full = world.node("eth_getBlockByNumber", "latest", True)
    short = world.node("eth_getBlockByNumber", full["number"], False)

    assert [row["hash"] for row in full["transactions"]] == short["transactions"]
    assert [int(row["transactionIndex"], 16) for row in full["transactions"]] == list(range(len(short["transactions"])))
    assert all(row["blockHash"] == full["hash"] for row in full["transactions"])
    assert world.node("eth_getBlockByHash", full["parentHash"], False)["number"] == hex(int(full["number"], 16) - 1)
    assert int(full["timestamp"], 16) <= world.clock.now
    assert 100 < len(short["transactions"]) < 400


def test_logs_are_the_token_transfers_of_the_blocks(world):
    tip = int(world.node("eth_blockNumber"), 16)
    wanted = {"fromBlock": hex(tip - 2), "toBlock": hex(tip), "topics": [TRANSFER], "address": [USDT, USDC]}
    logs = world.node("eth_getLogs", wanted)
    blocks = [world.node("eth_getBlockByNumber", hex(height), True) for height in range(tip - 2, tip + 1)]
    calls = {row["hash"]: row for block in blocks for row in block["transactions"] if row["to"] in (USDT, USDC)}

    assert {log["transactionHash"] for log in logs} == set(calls)
    for log in logs:
        call = calls[log["transactionHash"]]
        assert log["address"] == call["to"]
        assert log["topics"] == [TRANSFER, f"0x{call['from'][2:]:0>64}", f"0x{call['input'][10:74]}"]
        assert log["data"] == f"0x{call['input'][74:]}"
        assert (log["blockHash"], log["transactionIndex"]) == (call["blockHash"], call["transactionIndex"])


def test_logs_can_be_asked_for_by_block_address_and_topics(world):
    block = world.node("eth_getBlockByNumber", "latest", False)
    of_block = world.node("eth_getLogs", {"blockHash": block["hash"]})
    one = of_block[0]

    assert {log["blockHash"] for log in of_block} == {block["hash"]}
    tether = world.node("eth_getLogs", {"blockHash": block["hash"], "address": USDT.upper().replace("X", "x")})
    assert tether == [log for log in of_block if log["address"] == USDT]
    sent = world.node("eth_getLogs", {"blockHash": block["hash"], "topics": [[TRANSFER], one["topics"][1]]})
    assert one in sent
    received = world.node("eth_getLogs", {"blockHash": block["hash"], "topics": [None, None, one["topics"][2]]})
    assert one in received
    assert world.node("eth_getLogs", {"blockHash": block["hash"], "topics": ["0x00"]}) == []


def test_a_flood_of_logs_is_refused(world):
    tip = int(world.node("eth_blockNumber"), 16)
    error = world.rpc("ethereum", FIRST_HOST, "eth_getLogs", {"fromBlock": hex(tip - 900), "toBlock": hex(tip)})[
        "error"
    ]

    assert error["code"] == -32005


def test_tags_name_older_and_older_blocks(world):
    heights = [
        int(world.node("eth_getBlockByNumber", tag, False)["number"], 16)
        for tag in ("latest", "safe", "finalized", "earliest")
    ]

    assert heights == sorted(heights, reverse=True)
    assert heights[-1] == 0


def test_a_batch_is_answered_as_a_whole_and_told_apart_by_id(world):
    calls = [{"jsonrpc": "2.0", "id": number, "method": "eth_chainId"} for number in (5, "six", None)]
    plain, relayed = post(world, calls).json, post(world, calls, host="eth.drpc.org").json

    assert [answer["id"] for answer in plain] == [5, "six", None]
    assert [answer["id"] for answer in relayed] == [None, "six", 5]
    assert next(iter(relayed[0])) == "id"
    assert all(answer["result"] == "0x1" for answer in plain + relayed)


def test_a_batch_may_fail_in_parts(world):
    calls = [
        {"jsonrpc": "2.0", "id": 1, "method": "eth_nonsense"},
        {"jsonrpc": "2.0", "id": 2, "method": "eth_chainId"},
    ]
    failed, fine = post(world, calls).json

    assert (failed["error"]["code"], fine["result"]) == (-32601, "0x1")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        ([], -32600),
        (5, -32600),
        ([5], -32600),
        ({"id": 1}, -32600),
        ({"id": 1, "method": "net_peerCount"}, -32601),
        ({"id": 1, "method": "eth_getBlockByNumber"}, -32602),
        ({"id": 1, "method": "eth_getBlockByNumber", "params": {"tag": "latest"}}, -32602),
        ({"id": 1, "method": "eth_getBlockByNumber", "params": ["newest", True]}, -32602),
        ({"id": 1, "method": "eth_getLogs", "params": ["latest"]}, -32602),
        ({"id": 1, "method": "eth_getLogs", "params": [{"blockHash": "0x00"}]}, -32000),
        ({"id": 1, "method": "eth_feeHistory", "params": ["0x0", "latest", []]}, -32000),
        ({"id": 1, "method": "eth_feeHistory", "params": ["0x1", "latest", [90, 10]]}, -32000),
    ],
)
def test_errors_come_inside_of_success(world, body, code):
    response = post(world, body)
    answer = response.json[0] if isinstance(response.json, list) else response.json

    assert response.status_code == 200
    assert answer["error"]["code"] == code


def test_solana_speaks_of_slots(world):
    host = HOSTS["solana"][0]

    assert world.node("getHealth", chain="solana", host=host) == "ok"
    assert world.node("getSlot", chain="solana", host=host) > world.node("getBlockHeight", chain="solana", host=host)
    assert world.rpc("solana", host, "eth_blockNumber")["error"]["code"] == -32601


def test_unknown_chains_and_questions_without_a_body(world):
    assert post(world, {"id": 1, "method": "eth_chainId"}, chain="bitcoin").status_code == 404
    assert world.get(f"/json_rpc/ethereum/{FIRST_HOST}").status_code == 405


def test_price_faults_reach_results(world):
    world.begin("nan", ["json_rpc"])
    assert world.node("eth_gasPrice") == "NaN"

    world.begin("one_source_wrong", ["json_rpc"])
    wrong = int(world.node("eth_gasPrice"), 16)
    world.begin("normal")
    assert wrong == pytest.approx(int(world.node("eth_gasPrice"), 16) * 10)
