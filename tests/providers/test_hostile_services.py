"""Arbitrary JSON and bytes for every parser that is not one of prices: BadPayload comes out, or sound records."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.recorded import (
    RECEIVED_AT,
    RECORDINGS,
    answer,
    evm_node,
    feed,
    feed_recording,
    make_any,
    recording,
    solana_node,
)
from tests.providers.test_hostile_answers import JSON, damaged
from websocket.chain_records import BlockInfo
from websocket.errors import BadPayload, UpstreamError
from websocket.providers.base import Answer, Provider, Request
from websocket.providers.news_texts import MAX_CATEGORIES, MAX_TITLE
from websocket.records import to_rfc3339
from websocket.settings import Secret

KEY = Secret("k-123")
BLOCK = BlockInfo(chain="bitcoin", height=921600, hash="ab" * 32, time=1.0, transactions=60)
ETHER_BLOCK = BlockInfo(chain="ethereum", height=26500000, hash="0x" + "ab" * 32)

Case = tuple[Provider, Sequence[Request], Callable[[Sequence[Answer]], Any], list[str]]


def cases() -> dict[str, Case]:
    """Every parser with the requests that it answers to, and recordings of their answers (the last one is repeated)."""
    mempool, stream = make_any("mempool_space"), make_any("blockstream")
    info, chair, cypher = make_any("blockchain_info"), make_any("blockchair"), make_any("blockcypher")
    scout, scan = make_any("blockscout"), make_any("etherscan", api_key=KEY)
    metrics, llama, mood = make_any("coinmetrics"), make_any("defillama"), make_any("alternative_me")
    gecko, panic, alert = make_any("coingecko"), make_any("cryptopanic"), make_any("whale_alert", api_key=KEY)
    hub, models = make_any("huggingface"), make_any("huggingface_inference", api_key=KEY)
    node, solana = evm_node(), solana_node()
    hashes = ["cd" * 32]

    def in_block(provider: Any) -> Callable[[Sequence[Answer]], Any]:
        return lambda answers: provider.parse_block_transactions(BLOCK, answers)

    large = {"min_usd": 1e6, "since": 0.0}
    block_probe = ["eth_blockNumber", "eth_chainId", "eth_syncing"]
    return {
        "mempool blocks": (mempool, mempool.blocks_requests(), mempool.parse_blocks, ["blocks"]),
        "mempool stats": (
            mempool, mempool.stats_requests("bitcoin"), mempool.parse_stats, ["blocks", "mempool", "hashrate_3d"]
        ),
        "mempool fees": (mempool, mempool.fee_rates_requests(), mempool.parse_fee_rates, ["fees_recommended"]),
        "mempool block": (mempool, mempool.block_transactions_requests(BLOCK), in_block(mempool), ["block_summary"]),
        "mempool transaction": (mempool, mempool.transaction_requests(hashes), mempool.parse_transactions, ["tx"]),
        "mempool recent": (
            mempool, mempool.mempool_transfers_requests(1), mempool.parse_mempool_transfers, ["mempool_recent"]
        ),
        "blockstream stats": (stream, stream.stats_requests("bitcoin"), stream.parse_stats, ["blocks", "mempool"]),
        "blockstream block": (stream, stream.block_transactions_requests(BLOCK), in_block(stream), ["block_txs"]),
        "blockchain.info stats": (info, info.stats_requests("bitcoin"), info.parse_stats, ["stats"]),
        "blockchain.info waiting": (
            info, info.mempool_transfers_requests(1), info.parse_mempool_transfers, ["unconfirmed_transactions"]
        ),
        "blockchair bitcoin": (chair, chair.stats_requests("bitcoin"), chair.parse_stats, ["bitcoin_stats"]),
        "blockchair ethereum": (chair, chair.stats_requests("ethereum"), chair.parse_stats, ["ethereum_stats"]),
        "blockchair large": (
            chair, chair.large_transfers_requests("bitcoin", **large), chair.parse_large_transfers,
            ["bitcoin_transactions"],
        ),
        "blockchair ether": (
            chair, chair.large_transfers_requests("ethereum", **large), chair.parse_large_transfers,
            ["ethereum_transactions"],
        ),
        "blockchair waiting": (
            chair, chair.mempool_transfers_requests(1), chair.parse_mempool_transfers, ["bitcoin_mempool_transactions"]
        ),
        "blockcypher bitcoin": (cypher, cypher.stats_requests("bitcoin"), cypher.parse_stats, ["btc_main"]),
        "blockcypher ethereum": (cypher, cypher.stats_requests("ethereum"), cypher.parse_stats, ["eth_main"]),
        "blockcypher gas": (cypher, cypher.gas_requests(), cypher.parse_gas, ["eth_main"]),
        "blockscout gas": (scout, scout.gas_requests(), scout.parse_gas, ["stats"]),
        "blockscout activity": (scout, scout.activity_requests(), scout.parse_activity, ["stats"]),
        "etherscan gas": (scan, scan.gas_requests(), scan.parse_gas, ["gasoracle"]),
        "etherscan height": (scan, scan.block_number_requests(), scan.parse_block_number, ["eth_blockNumber"]),
        "coin metrics": (metrics, metrics.activity_requests(), metrics.parse_activity, ["asset_metrics"]),
        "defillama tvl": (llama, llama.tvl_requests(), llama.parse_tvl, ["chains"]),
        "defillama fees": (llama, llama.fees_requests(), llama.parse_fees, ["fees_ethereum_gaps"]),
        "fear and greed": (mood, mood.fear_greed_requests(), mood.parse_fear_greed, ["fng"]),
        "trending": (gecko, gecko.trending_requests(), gecko.parse_trending, ["search_trending"]),
        "votes": (gecko, gecko.votes_requests(["BTC", "ETH"]), gecko.parse_votes, ["coins_bitcoin"]),
        "posts": (panic, panic.article_requests(), panic.parse_articles, ["posts"]),
        "alerts": (
            alert, alert.large_transfers_requests("bitcoin", **large), alert.parse_large_transfers, ["transactions"]
        ),
        "models": (hub, [hub.list_request("model", "x")], partial(hub.parse_list, "model"), ["models"]),
        "datasets": (hub, [hub.list_request("dataset", "x")], partial(hub.parse_list, "dataset"), ["datasets"]),
        "moods": (models, [models.mood_request("a/b", ["x", "y"])], models.parse_moods, ["classify"]),
        "mood": (models, [models.mood_request("a/b", ["x"])], models.parse_moods, ["classify_single_nested"]),
        "node": (node, node.probe_requests(), node.parse_probe, block_probe),
        "node behind": (node, node.probe_requests()[2:], node.parse_probe, ["eth_syncing_behind"]),
        "node block": (node, node.block_requests(), node.parse_block, ["eth_getBlockByNumber_full"]),
        "node stats": (
            node, node.stats_requests("ethereum"), node.parse_stats, ["eth_getBlockByNumber_hashes"]
        ),
        "node tokens": (
            node, node.token_transfers_requests(ETHER_BLOCK), node.parse_token_transfers, ["eth_getLogs"]
        ),
        "node gas": (node, node.gas_requests(), node.parse_gas, ["eth_feeHistory"]),
        "solana": (solana, solana.probe_requests(), solana.parse_probe, ["getBlockHeight", "getSlot", "getHealth"]),
        "solana behind": (solana, solana.probe_requests()[2:], solana.parse_probe, ["error_getHealth_behind"]),
    }  # fmt: skip


CASES = cases()
HEX = st.integers(min_value=-1, max_value=2**260).map(hex) | st.sampled_from(["0x", "0x0", "0xzz", "0x" + "f" * 65])
ANYTHING = JSON | HEX


def recorded(provider: Provider, name: str, request: Request) -> Any:
    """A recorded answer, with the number of the request where it is one of JSON-RPC."""
    if is_rpc(request):
        return {**recording("json_rpc", name), "id": request.body["id"]}
    return recording(provider.name, name)


def is_rpc(request: Request) -> bool:
    """Whether the request goes to a node, whose answers repeat its number."""
    return request.body is not None and "jsonrpc" in request.body


def assert_sound(value: Any) -> None:
    """Every number in a record is finite, every text can be encoded, every time can be printed."""
    if isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, str):
        value.encode()
    elif isinstance(value, msgspec.Struct):
        for name, field in msgspec.structs.asdict(value).items():
            assert_sound(field)
            if name in ("time", "as_of", "published_at", "next_update_at", "last_modified") and field is not None:
                to_rfc3339(field)
            if name in ("published_at", "as_of", "last_modified") and field is not None:
                assert field <= RECEIVED_AT
    elif isinstance(value, (list, tuple)):
        for item in value:
            assert_sound(item)
    else:
        assert value is None or isinstance(value, (int, bool))


def try_to_parse(case: Case, payloads: Sequence[Any]) -> None:
    """Gives the payloads to the parser, one for each request, and judges what comes out."""
    _, requests, parse, _ = case
    try:
        result = parse([answer(request, payload) for request, payload in zip(requests, payloads, strict=True)])
    except BadPayload:
        return
    assert_sound(result)


@pytest.mark.parametrize("name", CASES)
def test_the_recordings_are_read(name: str) -> None:
    """What is damaged in the other tests is sound before."""
    provider, requests, parse, recordings = CASES[name]
    names = [*recordings, *[recordings[-1]] * len(requests)]
    payloads = [recorded(provider, body, request) for body, request in zip(names, requests, strict=False)]
    result = parse([answer(request, payload) for request, payload in zip(requests, payloads, strict=True)])
    assert result not in (None, [])
    assert_sound(result)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=60, deadline=None, database=None)
@given(data=st.data())
def test_arbitrary_json_gives_bad_payload_or_sound_records(name: str, data: st.DataObject) -> None:
    """Whatever an answer holds."""
    requests = CASES[name][1]
    payloads = [data.draw(ANYTHING) for _ in requests]
    if is_rpc(requests[0]):
        payloads = [
            {"id": request.body["id"], "result": payload} for request, payload in zip(requests, payloads, strict=True)
        ]
    try_to_parse(CASES[name], payloads)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=60, deadline=None, database=None)
@given(data=st.data())
def test_damaged_answers_give_bad_payload_or_sound_records(name: str, data: st.DataObject) -> None:
    """A valid answer with junk in it."""
    provider, requests, _, recordings = CASES[name]
    names = [*recordings, *[recordings[-1]] * len(requests)]
    bodies = [recorded(provider, body, request) for body, request in zip(names, requests, strict=False)]
    try_to_parse(CASES[name], [data.draw(damaged(body)) for body in bodies])


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=40, deadline=None, database=None)
@given(status=st.sampled_from([200, 400, 401, 402, 403, 404, 418, 429, 430, 435, 451, 500, 503]), data=st.data())
def test_errors_are_sought_in_anything(name: str, status: int, data: st.DataObject) -> None:
    """Looking for an error never fails by itself, and what it finds can be encoded."""
    provider, requests, _, _ = CASES[name]
    folder = RECORDINGS / ("json_rpc" if is_rpc(requests[0]) else provider.name)
    errors = [json.loads(path.read_text()) for path in sorted(folder.glob("error*.json"))]
    payload = data.draw(JSON | st.sampled_from(errors or [None]).flatmap(damaged))
    error = provider.error_in(requests[0], status, payload)
    assert error is None or isinstance(error, UpstreamError)
    str(error).encode()


@pytest.mark.parametrize("name", CASES)
def test_deep_nesting_is_not_followed(name: str) -> None:
    """A payload that is nested a hundred thousand levels deep does no harm."""
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    _, requests, _, _ = CASES[name]
    for key in ("data", "txs", "result", "results", "coins", "transactions", "extras"):
        bodies = [{"id": request.body["id"] if is_rpc(request) else 1, key: nested} for request in requests]
        try_to_parse(CASES[name], bodies)
    try_to_parse(CASES[name], [nested] * len(requests))


FRAGMENTS = st.sampled_from(
    [
        *[
            b"<item>",
            b"</item>",
            b"<entry>",
            b"</entry>",
            b"<title>",
            b"</title>",
            b"<link>",
            b"</link>",
            b"<link href='x'/>",
        ],
        *[b"<guid isPermaLink='true'>", b"</guid>", b"<pubDate>", b"</pubDate>", b"<category term='", b"'/>"],
        *[
            b"https://example.org/",
            b"Sat, 21 Nov 2026 09:41:51 +0000",
            b"9999-99-99T99:99:99Z",
            b"0001-01-01T00:00+14:00",
        ],
        *[b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?x ?>", b"<!DOCTYPE x>", b"<", b"\x00", b"\xff"],
        *[b"&amp;", b"&nbsp;", b"&#xD800;", b"&#0;", b"&"],
    ]
)


def try_to_read_feed(data: bytes) -> None:
    """Judges what the parser of feeds makes of some bytes."""
    provider = feed()
    try:
        reading = provider.parse_articles([answer(provider.article_requests()[0], data)])
    except BadPayload:
        return
    assert_sound(reading)
    for article in reading.articles or ():
        assert article.url.startswith(("https://", "http://"))
        assert 0 < len(article.title) <= MAX_TITLE
        assert article.title.isprintable()
        assert len(article.categories) <= MAX_CATEGORIES


@settings(max_examples=200, deadline=None, database=None)
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_are_no_feed(data: bytes) -> None:
    """They are refused."""
    try_to_read_feed(data)


@settings(max_examples=300, deadline=None, database=None)
@given(
    head=st.sampled_from([b"<rss><channel>", b"<feed xmlns='http://www.w3.org/2005/Atom'>", b"<rdf:RDF>", b"<?xml"]),
    parts=st.lists(
        FRAGMENTS | st.binary(max_size=6) | st.text(max_size=6).map(lambda text: text.encode(errors="ignore"))
    ),
)
def test_scrambled_feeds_do_no_harm(head: bytes, parts: list[bytes]) -> None:
    """Pieces of feeds in any order give clean articles, or none."""
    try_to_read_feed(head + b"".join(parts))


@pytest.mark.parametrize("name", ["coindesk", "cointelegraph", "atom", "rdf", "sloppy"])
@settings(max_examples=60, deadline=None, database=None)
@given(data=st.data())
def test_damaged_feeds_do_no_harm(name: str, data: st.DataObject) -> None:
    """A valid feed with pieces cut out and put in."""
    body = feed_recording(name)
    for _ in range(data.draw(st.integers(min_value=1, max_value=6))):
        begin = data.draw(st.integers(min_value=0, max_value=len(body)))
        length = data.draw(st.integers(min_value=0, max_value=12))
        body = body[:begin] + data.draw(FRAGMENTS | st.binary(max_size=6)) + body[begin + length :]
    try_to_read_feed(body)
