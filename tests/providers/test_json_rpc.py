"""JSON-RPC nodes: names, probes, blocks, tokens, gas, and errors inside of HTTP 200."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.providers.recorded import RECEIVED_AT, RECORDED_AT, answer, evm_node, recording, rpc_answers, solana_node
from websocket.chain_records import BlockInfo, ContractEvents
from websocket.errors import AccessRefused, BadPayload, RateLimited, UpstreamStatus
from websocket.providers import provider_classes
from websocket.providers.evm_answers import EVENT_TOPICS, ISSUE_TOPIC, MOST_EVENTS, NOBODY, REDEEM_TOPIC, TRANSFER_TOPIC
from websocket.providers.json_rpc import CHAIN_IDS, EvmNode, SolanaNode, nodes
from websocket.settings import NodeSettings, Settings, Url, with_provider_urls

ALL = nodes(NodeSettings())


def rpc(name: str) -> dict[str, Any]:
    return recording("json_rpc", name)


def test_every_configured_host_is_a_provider() -> None:
    """Named after chain and host, in the order of the settings; the registry does not know them."""
    assert list(ALL)[:2] == ["ethereum:ethereum-rpc.publicnode.com", "ethereum:eth.drpc.org"]
    assert len(ALL) == sum(len(getattr(NodeSettings(), field.name)) for field in dataclasses.fields(NodeSettings))
    assert all(node.name == name for name, node in ALL.items())
    assert {EvmNode, SolanaNode}.isdisjoint(provider_classes().values())
    assert ALL["solana:api.mainnet-beta.solana.com"].chain == "solana"


def test_the_registry_names_of_nodes_hold_no_keys() -> None:
    """Paths may, so a second address of a host gets a number."""
    settings = NodeSettings(ethereum=(Url("https://x.example/v3/key-1"), Url("https://x.example/v3/key-2")))
    found = [node for node in nodes(settings).values() if node.chain == "ethereum"]
    assert [node.name for node in found] == ["ethereum:x.example", "ethereum:x.example#2"]
    assert [node.base_url for node in found] == ["https://x.example/v3/key-1", "https://x.example/v3/key-2"]
    assert found[0].host == found[0].title == "x.example"


def test_nodes_keep_their_names_at_a_stand_in() -> None:
    """All their addresses lead to one host then."""
    real = Settings()
    stand_in = with_provider_urls(real, "http://127.0.0.1:9000")
    found = nodes(stand_in.nodes, named_after=real.nodes)
    assert list(found) == list(ALL)
    assert found["ethereum:eth.drpc.org"].base_url == "http://127.0.0.1:9000/json_rpc/ethereum/eth.drpc.org"


def test_calls_are_posted_to_the_address_itself() -> None:
    """Each with a number of its own, by which its answer is known."""
    first, second, third = evm_node().probe_requests()
    assert first.path == ""
    assert [request.body["method"] for request in (first, second, third)] == [
        "eth_blockNumber", "eth_chainId", "eth_syncing"
    ]  # fmt: skip
    assert len({request.body["id"] for request in (first, second, third)}) == 3
    assert first.body["jsonrpc"] == "2.0"


def test_a_node_of_ethereum_is_probed() -> None:
    node = evm_node()
    bodies = [rpc("eth_blockNumber"), rpc("eth_chainId"), rpc("eth_syncing")]
    probe = node.parse_probe(rpc_answers(node.probe_requests(), *bodies))
    assert (probe.node, probe.chain, probe.host) == (node.name, "ethereum", "ethereum-rpc.publicnode.com")
    assert (probe.height, probe.chain_id, probe.right_chain, probe.syncing) == (26500000, 1, True, False)
    assert probe.as_of == RECEIVED_AT


def test_a_node_that_lags_or_serves_another_chain_is_found_out() -> None:
    node = evm_node("polygon")
    _, chain, syncing = node.probe_requests()
    probe = node.parse_probe(rpc_answers([chain, syncing], rpc("eth_chainId"), rpc("eth_syncing_behind")))
    assert (probe.height, probe.right_chain, probe.syncing, probe.behind) == (None, False, True, 0xA0)


def test_a_host_without_eth_syncing_is_well() -> None:
    """It is no failure of the node, and whether it is catching up is not known."""
    node = evm_node()
    request = node.probe_requests()[2]
    payload = {**rpc("error_method_not_found"), "id": request.body["id"]}
    assert node.error_in(request, 200, payload) is None
    assert node.parse_probe([answer(request, payload)]).syncing is None


def test_every_evm_chain_has_its_number() -> None:
    chains = {field.name for field in dataclasses.fields(NodeSettings)} - {"solana"}
    assert chains == set(CHAIN_IDS)


def test_a_node_of_solana_is_probed() -> None:
    node = solana_node()
    bodies = [rpc("getBlockHeight"), rpc("getSlot"), rpc("getHealth")]
    probe = node.parse_probe(rpc_answers(node.probe_requests(), *bodies))
    assert (probe.height, probe.slot, probe.syncing, probe.right_chain) == (355123456, 377001234, False, None)


def test_a_node_of_solana_says_how_far_behind_it_is() -> None:
    """By an error, which is the answer."""
    node = solana_node()
    request = node.probe_requests()[2]
    payload = {**rpc("error_getHealth_behind"), "id": request.body["id"]}
    assert node.error_in(request, 200, payload) is None
    probe = node.parse_probe([answer(request, payload)])
    assert (probe.syncing, probe.behind) == (True, 42)
    assert isinstance(node.error_in(node.height_requests()[0], 200, payload), UpstreamStatus)


def test_a_block_is_read_with_its_transfers() -> None:
    """Nothing moved is no transfer; who makes a contract pays nobody."""
    node = evm_node()
    requests = node.block_requests(26500000)
    assert requests[0].body["params"] == ["0x1945ba0", True]
    block = node.parse_block(rpc_answers(requests, rpc("eth_getBlockByNumber_full")))
    assert (block.info.height, block.info.time, block.info.transactions) == (26500000, RECORDED_AT - 3, 3)
    assert block.base_fee_gwei == 0.5
    assert block.gas_used_percent == pytest.approx(50, abs=0.01)
    first, second = block.transfers
    assert (first.asset, first.amount, first.sender, first.receiver) == (
        "ETH",
        1234.5,
        "0x" + "a" * 40,
        "0x" + "b" * 40,
    )
    assert (first.block_hash, first.time) == (block.info.hash, block.info.time)
    assert (second.amount, second.receiver) == (0.5, None)


def test_a_block_without_its_transactions_has_no_transfers() -> None:
    node = evm_node()
    requests = node.block_requests(full=False)
    assert requests[0].body["params"] == ["latest", False]
    block = node.parse_block(rpc_answers(requests, rpc("eth_getBlockByNumber_hashes")))
    assert (block.info.transactions, block.transfers) == (3, ())


def test_a_block_that_is_not_there_yet_is_none() -> None:
    node = evm_node()
    answers = rpc_answers(node.block_requests(10**9), rpc("eth_getBlockByNumber_none"))
    assert node.parse_block(answers) is None
    with pytest.raises(BadPayload):
        node.parse_stats(answers)


def test_a_node_is_an_explorer_of_its_chain() -> None:
    node = evm_node("bnb")
    assert node.stats_requests("ethereum") == []
    stats = node.parse_stats(rpc_answers(node.stats_requests("bnb"), rpc("eth_getBlockByNumber_hashes")))
    assert (stats.chain, stats.latest_block.height, stats.difficulty) == ("bnb", 26500000, None)


def test_transfers_of_tokens_are_read() -> None:
    """Of the known tokens, in their decimals; what a reorganisation removed, and other events, are left out."""
    node = evm_node()
    (request,) = requests = node.token_transfers_requests(BlockInfo(chain="ethereum", height=1, hash="0x" + "ab" * 32))
    (query,) = request.body["params"]
    assert query["topics"] == [TRANSFER_TOPIC]
    assert query["blockHash"] == "0x" + "ab" * 32
    assert len(query["address"]) == 2
    usdt, usdc = node.parse_token_transfers(rpc_answers(requests, rpc("eth_getLogs")))
    assert (usdt.asset, usdt.amount, usdt.index) == ("USDT", 2_500_000.0, 7)
    assert (usdt.sender, usdt.receiver, usdt.block_height) == ("0x" + "a" * 40, "0x" + "b" * 40, 26500000)
    assert (usdc.asset, usdc.amount, usdc.index, usdc.hash) == ("USDC", 1.25, 8, usdt.hash)


def test_what_is_minted_or_burnt_has_one_party() -> None:
    """Nobody is no wallet."""
    node = evm_node()
    requests = node.token_transfers_requests(BlockInfo(chain="ethereum", height=1, hash=BLOCK_HASH))
    rows = [
        log(1, topics=[TRANSFER_TOPIC, word("0"), word("b" * 40)]),
        log(2, topics=[TRANSFER_TOPIC, word("a" * 40), word("0")]),
    ]
    minted, burnt = node.parse_token_transfers(rpc_answers(requests, {"jsonrpc": "2.0", "id": 1, "result": rows}))
    assert (minted.sender, minted.receiver) == (None, "0x" + "b" * 40)
    assert (burnt.sender, burnt.receiver) == ("0x" + "a" * 40, None)


def test_tokens_are_asked_for_where_they_are_known() -> None:
    """A block without a hash, or a chain without tokens, is not asked for."""
    assert evm_node().token_transfers_requests(BlockInfo(chain="ethereum", height=1)) == []
    hashed = BlockInfo(chain="bnb", height=1, hash="0x" + "ab" * 32)
    assert evm_node("bnb").token_transfers_requests(hashed) == []
    assert evm_node("bnb").contract_events_requests(range(1, 3)) == []


BLOCKS = range(26_499_998, 26_500_001)
BLOCK_HASH, OTHER_HASH = "0x" + "5c" * 32, "0x" + "5d" * 32
USDT, USDC = "0xdac17f958d2ee523a2206206994597c13d831ec7", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"


def word(address: str) -> str:
    return f"0x{address:0>64}"


def log(index: int = 7, /, **changes: Any) -> dict[str, Any]:
    """A transfer of 2.5 USDT in the newest block."""
    return {
        "address": USDT,
        "topics": [TRANSFER_TOPIC, word("a" * 40), word("b" * 40)],
        "data": f"0x{2_500_000:064x}",
        "blockNumber": hex(BLOCKS[-1]),
        "transactionHash": "0x" + "28" * 32,
        "blockHash": BLOCK_HASH,
        "logIndex": hex(index),
        "removed": False,
        **changes,
    }


def events_of(result: Any, header: Any = None) -> ContractEvents:
    """What a node makes of a list of events, beside the newest block."""
    node = evm_node()
    newest = {"number": hex(BLOCKS[-1]), "hash": BLOCK_HASH, "timestamp": hex(1_700_000_000)}
    requests = node.contract_events_requests(BLOCKS)
    results = (newest if header is None else header, result)
    answers = [
        answer(request, {"jsonrpc": "2.0", "id": request.body["id"], "result": result})
        for request, result in zip(requests, results, strict=True)
    ]
    return node.parse_contract_events(BLOCKS, answers)


def test_events_of_contracts_are_asked_for_in_a_range_of_blocks() -> None:
    """The newest of the blocks first, which says when they were made."""
    block, logs = evm_node().contract_events_requests(BLOCKS)
    assert (block.operation, block.body["params"]) == ("eth_getBlockByNumber", [hex(BLOCKS[-1]), False])
    (query,) = logs.body["params"]
    assert (query["fromBlock"], query["toBlock"]) == (hex(BLOCKS[0]), hex(BLOCKS[-1]))
    assert query["topics"] == [list(EVENT_TOPICS)]
    assert query["address"] == [USDT, USDC]


def test_events_of_contracts_are_read() -> None:
    """Transfers from and to nobody are mints and burns, and so are USDT's own events, which name no address."""
    read = events_of(
        [
            log(1),
            log(2, address=USDC, topics=[TRANSFER_TOPIC, word("0"), word("b" * 40)]),
            log(
                3, topics=[TRANSFER_TOPIC, word("a" * 40), word("0")], blockNumber=hex(BLOCKS[0]), blockHash=OTHER_HASH
            ),
            log(4, topics=[ISSUE_TOPIC]),
            log(5, topics=[REDEEM_TOPIC], blockTimestamp=hex(1_699_999_990)),
        ]
    )
    a, b = "0x" + "a" * 40, "0x" + "b" * 40
    assert [(one.symbol, one.kind, one.sender, one.receiver) for one in read.events] == [
        ("USDT", "Transfer", a, b),
        ("USDC", "Mint", NOBODY, b),
        ("USDT", "Burn", a, NOBODY),
        ("USDT", "Mint", NOBODY, None),
        ("USDT", "Burn", None, NOBODY),
    ]
    first, _, older, _, dated = read.events
    assert (first.contract, first.amount, first.transaction) == (USDT, 2.5, "0x" + "28" * 32)
    assert (first.block, first.log_index, first.time) == (BLOCKS[-1], 1, 1_700_000_000)
    assert (older.time, dated.time) == (1_700_000_000 - 24, 1_699_999_990)
    assert read.as_of == 1_700_000_000


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param([log(removed=True)], "removed", id="removed"),
        pytest.param([log(), 7], "cannot be read", id="no-object"),
        pytest.param([log(address="0x" + "1" * 40)], "not of the contracts", id="other-contract"),
        pytest.param([log(address=7)], "cannot be read", id="address-is-a-number"),
        pytest.param([log(data="0x")], "cannot be read", id="no-amount"),
        pytest.param([log(data=7)], "cannot be read", id="amount-is-a-number"),
        pytest.param([log(transactionHash=None)], "cannot be read", id="no-transaction"),
        pytest.param([log(logIndex=None)], "cannot be read", id="no-index"),
        pytest.param([log(blockHash="0x1")], "cannot be read", id="no-hash"),
        pytest.param([log(topics=[])], "cannot be read", id="no-topics"),
        pytest.param([log(topics=[TRANSFER_TOPIC])], "another kind", id="transfer-without-addresses"),
        pytest.param([log(topics=[TRANSFER_TOPIC, word("a" * 40), 7])], "without an address", id="address-is-no-word"),
        pytest.param([log(topics=["0x" + "1" * 64])], "another kind", id="other-event"),
        pytest.param([log(topics=[{}])], "another kind", id="topic-is-an-object"),
        pytest.param([log(blockNumber=hex(BLOCKS[0] - 1))], "not asked for", id="block-below"),
        pytest.param([log(blockNumber=hex(BLOCKS[-1] + 1))], "not asked for", id="block-above"),
        pytest.param([log(blockHash=OTHER_HASH)], "another branch", id="other-branch"),
        pytest.param([log(blockTimestamp=hex(1_700_000_001))], "a time that cannot be", id="after-its-block"),
        pytest.param([log(blockTimestamp=hex(1))], "a time that cannot be", id="long-ago"),
        pytest.param([log(), log()], "twice", id="twice"),
        pytest.param([log()] * (MOST_EVENTS + 1), "more than", id="too-many"),
        pytest.param({"logs": []}, "a list of events", id="no-list"),
    ],
)
def test_an_answer_with_an_event_that_cannot_be_is_refused(rows: Any, reason: str) -> None:
    """As a whole: the next node is asked."""
    with pytest.raises(BadPayload, match=reason):
        events_of(rows)


@pytest.mark.parametrize("header", [{}, {"number": "0x1", "hash": BLOCK_HASH, "timestamp": "0x65000000"}, "x", []])
def test_events_need_the_block_that_says_when_they_were(header: Any) -> None:
    with pytest.raises(BadPayload, match="block"):
        events_of([log()], header)


def test_a_node_that_gives_the_block_alone_has_no_events() -> None:
    """The second request failed."""
    node = evm_node()
    newest = {"number": hex(BLOCKS[-1]), "hash": BLOCK_HASH, "timestamp": hex(1_700_000_000)}
    request = node.contract_events_requests(BLOCKS)[0]
    with pytest.raises(BadPayload, match="a list of events"):
        node.parse_contract_events(
            BLOCKS, [answer(request, {"jsonrpc": "2.0", "id": request.body["id"], "result": newest})]
        )


def test_gas_is_the_next_base_fee_and_the_middle_of_tips() -> None:
    node = evm_node()
    gas = node.parse_gas(rpc_answers(node.gas_requests(), rpc("eth_feeHistory")))
    assert (gas.block, gas.base_fee_gwei) == (26500000, 0.48)
    assert (gas.slow_gwei, gas.average_gwei, gas.fast_gwei) == (0.481, 0.58, 1.48)
    assert gas.utilization_percent == pytest.approx(51)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("error_rate_limit_code", RateLimited),
        ("error_rate_limit_words", RateLimited),
        ("error_solana_429", RateLimited),
        ("error_cannot_fulfill", AccessRefused),
        ("error_tenant_disabled", AccessRefused),
        ("error_discontinued", AccessRefused),
        ("error_method_not_found", UpstreamStatus),
        ("error_range", UpstreamStatus),
    ],
)
@pytest.mark.parametrize("status", [200, 403])
def test_errors_are_told_apart(name: str, kind: type[Exception], status: int) -> None:
    """By their codes and words, whatever the HTTP status."""
    node = evm_node()
    error = node.error_in(node.height_requests()[0], status, rpc(name))
    assert type(error) is kind
    assert error.provider == node.name


@pytest.mark.parametrize("payload", [None, [], "0x1", {}, {"result": "0x1"}, {"id": None, "result": "0x1"}])
def test_no_answer_is_a_bad_payload(payload: Any) -> None:
    node = evm_node()
    with pytest.raises(BadPayload):
        node.parse_probe([answer(node.height_requests()[0], payload)])


def test_the_answer_to_another_request_is_a_bad_payload() -> None:
    """Also ``true`` for 1."""
    node = evm_node()
    request = node.height_requests()[0]
    for number in (request.body["id"] + 1, str(request.body["id"]), True):
        with pytest.raises(BadPayload, match="another one"):
            node.parse_probe([answer(request, {"id": number, "result": "0x1"})])


@pytest.mark.parametrize("result", [None, True, "1", "0x", "0x1g", -1, 1.5, {}, "0x" + "f" * 64])
def test_a_height_that_is_none_is_a_bad_payload(result: Any) -> None:
    node = evm_node()
    with pytest.raises(BadPayload):
        node.parse_probe(rpc_answers(node.height_requests(), {"result": result}))
