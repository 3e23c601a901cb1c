"""The fixtures of ``test_recorded_answers`` that are not prices, and a list of those that nobody reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.providers.recorded import answer, answers, evm_node, feed, make_any, solana_node
from tests.providers.test_recorded_answers import ERRORS as TICKER_ERRORS
from tests.providers.test_recorded_answers import FIXTURES, TICKERS, load, needs_fixtures
from websocket.chain_records import BlockInfo
from websocket.errors import AccessRefused, RateLimited, UpstreamError, UpstreamStatus
from websocket.news_records import FeedReading
from websocket.providers.base import Provider, Request, parse_iso_time
from websocket.settings import Secret

KEY = Secret("k")
BLOCK = BlockInfo(chain="bitcoin", height=1, hash="0" * 64)


def spoken(name: str, builder: str, parser: str, *args: Any, **changes: Any) -> Callable[[Any], Any]:
    """Reads a payload as the answer to the first request of a builder."""

    def read(payload: Any) -> Any:
        provider = make_any(name, **changes)
        request = getattr(provider, builder)(*args)[0]
        assert provider.error_in(request, 200, payload) is None
        return getattr(provider, parser)([answer(request, payload)])

    return read


def hash_rate(payload: Any) -> Any:
    provider = make_any("mempool_space")
    return provider.parse_stats(answers(provider.hash_rate_requests(), payload))


def mempool(name: str) -> Callable[[Any], Any]:
    def read(payload: Any) -> Any:
        provider = make_any(name)
        return provider.parse_stats(answers(provider.mempool_requests(), payload))

    return read


def transaction(payload: Any) -> Any:
    provider = make_any("mempool_space")
    return provider.parse_transactions(answers(provider.transaction_requests([payload["txid"]]), payload))


def waiting(payload: Any) -> Any:
    """One transaction, in the list that it comes in."""
    return spoken("blockchain_info", "mempool_transfers_requests", "parse_mempool_transfers", 1)({"txs": [payload]})


def large(chain: str) -> Callable[[Any], Any]:
    def read(payload: Any) -> Any:
        provider = make_any("blockchair")
        requests = provider.large_transfers_requests(chain, min_usd=1e6, since=0)
        return provider.parse_large_transfers(answers(requests, payload))

    return read


def alerts(payload: Any) -> Any:
    provider = make_any("whale_alert", api_key=KEY)
    requests = provider.large_transfers_requests("ethereum", min_usd=1e6, since=0)
    return provider.parse_large_transfers(answers(requests, payload))


def exchange(parser: str, *, solana: bool = False) -> Callable[[Any], Any]:
    """Reads the answer of an exchange with a node, under the request that it was given to."""

    def read(payload: Any) -> Any:
        node: Any = solana_node() if solana else evm_node()
        request = Request(operation=payload["request"]["method"], path="", body=payload["request"])
        assert node.error_in(request, 200, payload["response"]) is None
        return getattr(node, parser)([answer(request, payload["response"])])

    return read


def models(payload: Any) -> Any:
    """Models of a list; a single one as the list that it comes in."""
    provider = make_any("huggingface")
    request = provider.list_request("model", "x")
    return provider.parse_list("model", [answer(request, payload if isinstance(payload, list) else [payload])])


def proxied_block(payload: Any) -> Any:
    """A node's own answer has the same shape."""
    request = Request(operation="eth_getBlockByNumber", path="", body={"id": payload["id"]})
    return evm_node().parse_block([answer(request, payload)])


PARSED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Any]] = {
    "alternative_me/fng.json": (
        spoken("alternative_me", "fear_greed_requests", "parse_fear_greed"),
        lambda mood: (mood.value, mood.label, mood.time),
        (25.0, "Extreme Fear", 1639958400.0),
    ),
    "blockchain_info/stats_doc.json": (
        spoken("blockchain_info", "stats_requests", "parse_stats", "bitcoin"),
        lambda stats: (stats.hash_rate, stats.difficulty, stats.latest_block.height, stats.transactions_24h),
        (1841098926.6292908 * 1e9, 225832872179.0, 430098, 233805),
    ),
    "blockchain_info/stats_2026_partial.json": (
        spoken("blockchain_info", "stats_requests", "parse_stats", "bitcoin"),
        lambda stats: (stats.hash_rate, stats.difficulty, stats.as_of),
        (932513615580.6332 * 1e9, None, 1780730885.0),
    ),
    "blockchain_info/rawtx.json": (waiting, list, []),
    "blockchair/bitcoin_stats.json": (
        spoken("blockchair", "stats_requests", "parse_stats", "bitcoin"),
        lambda stats: (stats.hash_rate, stats.mempool_transactions, stats.latest_block.time),
        (92904707138521187685.0, 6591, parse_iso_time("2021-07-08T14:37:00Z")),
    ),
    "blockchair/ethereum_stats.json": (
        spoken("blockchair", "stats_requests", "parse_stats", "ethereum"),
        lambda stats: (stats.hash_rate, stats.transactions_24h, stats.latest_block.height),
        (None, 1302619, 12023240),
    ),
    "blockchair/bitcoin_transactions.json": (
        large("bitcoin"), lambda found: [(t.amount, t.amount_usd) for t in found], [(0.29340274, 2408.89)]
    ),
    "blockchair/ethereum_transactions.json": (
        large("ethereum"),
        lambda found: [(t.amount, t.sender) for t in found],
        [(3.1337e-14, "0xa1e4380a3b1f749673e270229993ee55f35663b4")],
    ),
    "blockcypher/eth_main.json": (
        spoken("blockcypher", "gas_requests", "parse_gas"),
        lambda gas: (gas.block, gas.base_fee_gwei, gas.fast_gwei),
        (20281809, 4.249814166, 21.176989206),
    ),
    "blockscout/stats_ethereum.json": (
        spoken("blockscout", "gas_requests", "parse_gas"),
        lambda gas: (gas.slow_gwei, gas.average_gwei, gas.fast_gwei, gas.utilization_percent),
        (0.57, 0.9, 2.4, 56.6),
    ),
    "blockscout/stats_other_chain.json": (
        spoken("blockscout", "activity_requests", "parse_activity"),
        lambda found: [(a.transactions, a.transactions_total, a.average_block_time_s) for a in found],
        [(245563, 2256864, 0.454)],
    ),
    "coingecko/search_trending.json": (
        spoken("coingecko", "trending_requests", "parse_trending"),
        lambda coins: [(coin.symbol, coin.rank, coin.market_cap_rank) for coin in coins],
        [("QUBIC", 1, 368), ("NOT", 2, 250), ("FARTCOIN", 3, 130)],
    ),
    "coingecko/coins_bitcoin_slim.json": (
        spoken("coingecko", "votes_requests", "parse_votes", ["BTC"]),
        lambda votes: [(vote.symbol, vote.up_percent, vote.watchlists) for vote in votes],
        [("BTC", 82.65, 1588545)],
    ),
    "coingecko/coins_id_full.json": (
        spoken("coingecko", "votes_requests", "parse_votes", ["BTC"]),
        lambda votes: [(vote.symbol, vote.up_percent is not None) for vote in votes],
        [("BTC", True)],
    ),
    "coinmetrics/asset_metrics.json": (
        spoken("coinmetrics", "activity_requests", "parse_activity"),
        lambda found: [(a.chain, a.day, a.active_addresses, a.transactions) for a in found],
        [("bitcoin", "2026-02-17", 595445, 661420)],
    ),
    "coinmetrics/asset_metrics_paged.json": (
        spoken("coinmetrics", "activity_requests", "parse_activity"), list, []
    ),
    "defillama/v2_chains.json": (
        spoken("defillama", "tvl_requests", "parse_tvl"),
        lambda chains: [(tvl.chain, tvl.tvl_usd, tvl.chain_id) for tvl in chains],
        [("Ethereum", 65998652431.40251, 1)],
    ),
    "defillama/overview_fees_ethereum.json": (
        spoken("defillama", "fees_requests", "parse_fees"), lambda fees: fees.fees_usd_24h, 5000000.0
    ),
    "esplora/mempool.json": (
        mempool("blockstream"), lambda stats: (stats.mempool_transactions, stats.mempool_vbytes), (8134, 3444604)
    ),
    "etherscan/gasoracle.json": (
        spoken("etherscan", "gas_requests", "parse_gas", api_key=KEY),
        lambda gas: (gas.block, gas.average_gwei, round(gas.utilization_percent, 3)),
        (23467872, 0.496840168, 57.376),
    ),
    "etherscan/proxy_eth_blockNumber.json": (
        spoken("etherscan", "block_number_requests", "parse_block_number", api_key=KEY), int, 0x29DDD94
    ),
    "etherscan/proxy_eth_getBlockByNumber_full.json": (
        proxied_block,
        lambda block: (block.info.height, len(block.transfers), block.transfers[0].amount, block.base_fee_gwei),
        (0x95CCA9, 3, 0x91C9A782873E80C00 / 10**18, None),
    ),
    "huggingface/api_models_row.json": (
        models,
        lambda page: [(m.id, m.author, m.downloads, m.likes, m.pipeline_tag, m.gated, m.served) for m in page.repos],
        [("JetBrains/Mellum2-12B-A2.5B-Thinking", "JetBrains", 3516, 288, "text-generation", False, None)],
    ),
    "huggingface/model_expand_inference.json": (
        models,
        lambda page: [(m.id, m.downloads, m.served) for m in page.repos],
        [("google/gemma-3-27b-it", None, True)],
    ),
    "json_rpc/eth_blockNumber.publicnode.json": (exchange("parse_probe"), lambda probe: probe.height, 0xFE22AB),
    "json_rpc/eth_blockNumber.drpc_polygon.json": (exchange("parse_probe"), lambda probe: probe.height, 0x4566486),
    "json_rpc/eth_chainId.execution_apis.json": (
        exchange("parse_probe"), lambda probe: (probe.chain_id, probe.right_chain), (0xC72DD9D5E883E, False)
    ),
    "json_rpc/eth_syncing_false.execution_apis.json": (exchange("parse_probe"), lambda probe: probe.syncing, False),
    "json_rpc/eth_getBlockByNumber_hashes.merkle.json": (
        exchange("parse_block"),
        lambda block: (block.info.height, block.info.transactions, block.transfers, block.base_fee_gwei),
        (0x151B03B, 5, (), 0x259D4524 / 1e9),
    ),
    "json_rpc/eth_getBlockByNumber_notfound.execution_apis.json": (exchange("parse_block"), lambda block: block, None),
    "json_rpc/eth_feeHistory.execution_apis.json": (
        exchange("parse_gas"), lambda gas: (gas.block, gas.base_fee_gwei, gas.slow_gwei), (0x1B, 0x342A385A / 1e9, None)
    ),
    "json_rpc/solana_getHealth.json": (exchange("parse_probe", solana=True), lambda probe: probe.syncing, False),
    "mempool_space/blocks_v1.json": (
        spoken("mempool_space", "blocks_requests", "parse_blocks"),
        lambda blocks: [(block.height, block.transactions, block.fees) for block in blocks],
        [(730000, 1627, 0.16321983)],
    ),
    "mempool_space/fees_recommended.json": (
        spoken("mempool_space", "fee_rates_requests", "parse_fee_rates"),
        lambda fees: (fees.fastest, fees.minimum),
        (1, 1),
    ),
    "mempool_space/mempool.json": (mempool("mempool_space"), lambda stats: stats.mempool_vbytes, 1891542),
    "mempool_space/mempool_recent.json": (
        spoken("mempool_space", "mempool_transfers_requests", "parse_mempool_transfers", 1),
        lambda found: [transfer.amount for transfer in found],
        [0.04972029],
    ),
    "mempool_space/mining_hashrate_3d.json": (hash_rate, lambda stats: stats.hash_rate, 252033247355212300000.0),
    "mempool_space/tx.json": (
        transaction,  # it pays nobody but its sender
        list,
        [],
    ),
    "whale_alert/v1_transaction.json": (
        alerts,
        lambda found: [(t.asset, t.amount, t.sender_owner, t.sender) for t in found],
        [("ETH", 42000.0, "gemini", "0xd24400ae8bfebb18ca49be86258a3c749cf46853")],
    ),
}  # fmt: skip
"""File to its parser, what is looked at, and what should be there."""

ERRORS: dict[str, tuple[Callable[[], Provider], Callable[[Any], Any], int, type[UpstreamError] | None]] = {
    "coinmetrics/error_bad_parameter.json": (lambda: make_any("coinmetrics"), dict, 200, UpstreamStatus),
    "coinmetrics/error_forbidden.json": (lambda: make_any("coinmetrics"), dict, 403, AccessRefused),
    "etherscan/error_chain_not_on_free_plan.json": (lambda: make_any("etherscan"), dict, 200, AccessRefused),
    "etherscan/error_rate_limit.json": (lambda: make_any("etherscan"), dict, 200, RateLimited),
    "etherscan/error_temporarily_unavailable.json": (lambda: make_any("etherscan"), dict, 200, RateLimited),
    "etherscan/error_v1_deprecated.json": (lambda: make_any("etherscan"), dict, 200, AccessRefused),
    "etherscan/txlist_empty.json": (lambda: make_any("etherscan"), dict, 200, None),
    "json_rpc/error_getLogs_range.1rpc.json": (evm_node, lambda file: file["response"], 200, UpstreamStatus),
    "json_rpc/error_missing_trie.publicnode.json": (evm_node, lambda file: file["response"], 200, UpstreamStatus),
}
"""File to its provider, the body in it, the HTTP status that it came with, and our error (None: it is no error)."""

FEEDS = {"rss/coindesk.xml": "coindesk", "rss/cointelegraph.xml": "cointelegraph"}

WEBSOCKET = "a message of a WebSocket; providers are asked over HTTP"
NOT_ASKED = "an endpoint that no provider asks"
DEAD = "a provider that is gone"
BY_STATUS = "its HTTP status says enough"
NO_ANSWER = "no answer: labels of addresses, headers, or quotations"

STREAMS = "exchange_feeds"
"""Folder of messages from the streams of exchanges, none of which is read."""

NOT_READ: dict[str, str] = {
    "binance/ws_miniticker_combined.json": WEBSOCKET,
    "binance/ws_server_shutdown.json": WEBSOCKET,
    "binance/ws_subscribe_roundtrip.json": WEBSOCKET,
    "blockchain_info/charts.json": NOT_ASKED,
    "coinbase_exchange/ws_ticker.json": WEBSOCKET,
    "coincap/v2_deprecated_notice.json": DEAD,
    "coingecko/coins_binancecoin_history.json": NOT_ASKED,
    "coingecko/coins_list.json": NOT_ASKED,
    "coingecko/global.json": NOT_ASKED,
    "cryptocompare/error_rate_limit_legacy.json": DEAD,
    "cryptocompare/pricemulti.json": DEAD,
    "defillama/coins_prices_current.json": NOT_ASKED,
    "defillama/protocols.json": NOT_ASKED,
    "json_rpc/error_dead_endpoints.json": NO_ANSWER,
    "json_rpc/eth_maxPriorityFeePerGas.merkle.json": NOT_ASKED,
    "json_rpc/net_version.publicnode.json": NOT_ASKED,
    "json_rpc/solana_public_headers.json": NO_ANSWER,
    "json_rpc/web3_clientVersion.drpc.json": NOT_ASKED,
    "json_rpc/web3_clientVersion.publicnode.json": NOT_ASKED,
    "kraken/ws_v2_ticker.json": WEBSOCKET,
    "labels/bitcoin_exchange_wallets.json": NO_ANSWER,
    "labels/ethereum_exchange_wallets.json": NO_ANSWER,
    "mempool_space/blocks_tip_height.json": NOT_ASKED,
    "mempool_space/difficulty_adjustment.json": NOT_ASKED,
    "mempool_space/error_429.html": BY_STATUS,
    "mempool_space/fees_mempool_blocks.json": NOT_ASKED,
    "mempool_space/prices.json": NOT_ASKED,
    "mempool_space/ws_block.json": WEBSOCKET,
    "mempool_space/ws_live_data.json": WEBSOCKET,
    "mempool_space/ws_mempool_blocks.json": WEBSOCKET,
    "huggingface/ratelimit_headers.json": NO_ANSWER,
}


@needs_fixtures
@pytest.mark.parametrize("name", PARSED)
def test_recorded_answers_give_what_they_show(name: str) -> None:
    """A real answer becomes the record that its numbers say."""
    parse, look, expected = PARSED[name]
    seen = look(parse(load(name)))
    if isinstance(seen, tuple) and seen and isinstance(seen[0], float):
        assert seen == pytest.approx(expected)
    else:
        assert seen == expected


@needs_fixtures
@pytest.mark.parametrize("name", ERRORS)
def test_recorded_errors_are_translated(name: str) -> None:
    """A real refusal becomes the error that tells what to do."""
    make, body, status, kind = ERRORS[name]
    error = make().error_in(Request(operation="x", path="/"), status, body(load(name)))
    assert (type(error) if error else None) is kind


@needs_fixtures
@pytest.mark.parametrize("name", FEEDS)
def test_recorded_feeds_are_read(name: str) -> None:
    """Two articles each, with their times and clean addresses."""
    path = FIXTURES / name
    if not path.is_file():
        pytest.skip(f"no fixture {name}")
    provider = feed(FEEDS[name])
    reading = provider.parse_articles(answers(provider.article_requests(), path.read_bytes()))
    assert isinstance(reading, FeedReading)
    assert reading.articles is not None
    assert len(reading.articles) == 2
    assert all(article.published_at and "utm_" not in article.url for article in reading.articles)


@needs_fixtures
def test_every_fixture_is_accounted_for() -> None:
    """A new file must be read, or be named here with the reason why it is not."""
    files = {str(path.relative_to(FIXTURES)) for path in FIXTURES.rglob("*") if path.is_file()} - {"README.md"}
    files -= {name for name in files if name.startswith(f"{STREAMS}/")}
    assert files <= {*TICKERS, *TICKER_ERRORS, *PARSED, *ERRORS, *FEEDS, *NOT_READ}
