"""The data services: who is asked about what, how often, and what is made of it."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from msgspec import Meta

from websocket.settings.kinds import ModelName, SearchTerm, Seconds, Share, Weight, setting


@dataclasses.dataclass(frozen=True)
class ChainSettings:
    """Who is asked about blockchains, and how often. Nodes of Ethereum are asked before the providers named here."""

    explorer_bitcoin_providers: tuple[str, ...] = setting(
        "EXPLORER_BITCOIN_PROVIDERS",
        ("mempool_space", "blockstream", "blockchain_info", "blockchair"),
        "Explorers of Bitcoin, best first.",
    )
    explorer_tip_providers: tuple[str, ...] = setting(
        "EXPLORER_TIP_PROVIDERS",
        ("blockstream", "mempool_space"),
        "Asked for Bitcoin's newest block between two full looks, best first.",
    )
    explorer_ethereum_providers: tuple[str, ...] = setting(
        "EXPLORER_ETHEREUM_PROVIDERS", ("blockchair", "blockcypher"), "Explorers of Ethereum behind its nodes."
    )
    explorer_day_providers: tuple[str, ...] = setting(
        "EXPLORER_DAY_PROVIDERS",
        ("blockchair", "blockchain_info"),
        "Explorers that count the transactions of 24 h, best first.",
    )
    explorer_fee_providers: tuple[str, ...] = setting(
        "EXPLORER_FEE_PROVIDERS", ("mempool_space",), "Asked what a Bitcoin transaction should pay, best first."
    )
    explorer_interval_s: Seconds = setting(
        "EXPLORER_INTERVAL", 60.0, "Time between two looks at the explorers of Bitcoin.", "seconds"
    )
    explorer_ethereum_interval_s: Seconds = setting(
        "EXPLORER_ETHEREUM_INTERVAL", 15.0, "Time between two looks at Ethereum's newest block.", "seconds"
    )
    explorer_day_interval_s: Seconds = setting(
        "EXPLORER_DAY_INTERVAL", 1800.0, "Time between two looks at figures of 24 h.", "seconds"
    )
    onchain_gas_providers: tuple[str, ...] = setting(
        "ONCHAIN_GAS_PROVIDERS",
        ("etherscan", "blockscout", "blockcypher"),
        "Asked what gas costs, behind the nodes of Ethereum.",
    )
    onchain_activity_providers: tuple[str, ...] = setting(
        "ONCHAIN_ACTIVITY_PROVIDERS", ("blockscout",), "Count the transactions of today, best first."
    )
    onchain_daily_providers: tuple[str, ...] = setting(
        "ONCHAIN_DAILY_PROVIDERS", ("coinmetrics",), "Count addresses and transactions day by day, best first."
    )
    onchain_fee_providers: tuple[str, ...] = setting(
        "ONCHAIN_FEE_PROVIDERS", ("blockchair",), "Know what transactions paid in 24 h, best first."
    )
    onchain_block_providers: tuple[str, ...] = setting(
        "ONCHAIN_BLOCK_PROVIDERS", ("mempool_space",), "Know what Bitcoin's newest blocks earned in fees, best first."
    )
    onchain_tvl_providers: tuple[str, ...] = setting(
        "ONCHAIN_TVL_PROVIDERS", ("defillama",), "Know the value locked on chains, best first."
    )
    onchain_gas_interval_s: Seconds = setting(
        "ONCHAIN_GAS_INTERVAL", 15.0, "Time between two looks at the price of gas.", "seconds"
    )
    onchain_activity_interval_s: Seconds = setting(
        "ONCHAIN_ACTIVITY_INTERVAL", 60.0, "Time between two looks at the transactions of today.", "seconds"
    )
    onchain_daily_interval_s: Seconds = setting(
        "ONCHAIN_DAILY_INTERVAL", 6 * 3600.0, "Time between two looks at figures of whole days.", "seconds"
    )
    onchain_fee_interval_s: Seconds = setting(
        "ONCHAIN_FEE_INTERVAL", 1800.0, "Time between two looks at the fees of 24 h.", "seconds"
    )
    onchain_block_interval_s: Seconds = setting(
        "ONCHAIN_BLOCK_INTERVAL", 300.0, "Time between two looks at the fees in Bitcoin's newest blocks.", "seconds"
    )
    onchain_tvl_interval_s: Seconds = setting(
        "ONCHAIN_TVL_INTERVAL", 600.0, "Time between two looks at the value locked on chains.", "seconds"
    )
    node_probe_interval_s: Seconds = setting(
        "NODE_PROBE_INTERVAL", 60.0, "Time between two whole checks of a JSON-RPC node.", "seconds"
    )
    node_height_interval_s: Seconds = setting(
        "NODE_HEIGHT_INTERVAL", 20.0, "Time between two looks at the height of a chain.", "seconds"
    )


@dataclasses.dataclass(frozen=True)
class WhaleSettings:
    """What counts as a large transaction, and where they are looked for. Ethereum's are read from its nodes."""

    threshold_usd: Annotated[float, Meta(ge=1000, le=1e12)] = setting(
        "WHALE_THRESHOLD", 1_000_000.0, "A transaction counts as large from this value.", "US dollars"
    )
    block_providers: tuple[str, ...] = setting(
        "WHALE_BLOCK_PROVIDERS", ("mempool_space", "blockstream"), "Asked for Bitcoin's new blocks, best first."
    )
    transaction_providers: tuple[str, ...] = setting(
        "WHALE_TRANSACTION_PROVIDERS",
        ("blockstream", "mempool_space"),
        "Asked for single Bitcoin transactions with their addresses, best first.",
    )
    mempool_providers: tuple[str, ...] = setting(
        "WHALE_MEMPOOL_PROVIDERS",
        ("blockchain_info", "mempool_space", "blockstream", "blockchair"),
        "Asked for Bitcoin transactions that wait for a block, best first.",
    )
    transfer_providers: tuple[str, ...] = setting(
        "WHALE_TRANSFER_PROVIDERS", ("whale_alert",), "Asked for large transactions of further chains, best first."
    )
    bitcoin_interval_s: Seconds = setting(
        "WHALE_BITCOIN_INTERVAL", 60.0, "Time between two looks for new blocks of Bitcoin.", "seconds"
    )
    mempool_interval_s: Seconds = setting(
        "WHALE_MEMPOOL_INTERVAL", 30.0, "Time between two looks at waiting Bitcoin transactions.", "seconds"
    )
    ethereum_interval_s: Seconds = setting(
        "WHALE_ETHEREUM_INTERVAL", 12.0, "Time between two looks for new blocks of Ethereum.", "seconds"
    )
    transfer_interval_s: Seconds = setting(
        "WHALE_TRANSFER_INTERVAL", 60.0, "Time between two looks at large transactions of further chains.", "seconds"
    )
    catch_up_blocks: Annotated[int, Meta(ge=1, le=100)] = setting(
        "WHALE_CATCH_UP", 12, "Missed blocks of a chain that are read later; older ones are given up.", "blocks"
    )
    listed: Annotated[int, Meta(ge=1, le=500)] = setting(
        "WHALE_LISTED", 100, "Large transactions in one publication.", "transactions"
    )


@dataclasses.dataclass(frozen=True)
class NewsSettings:
    """How articles are collected. Every feed of the ``FEED_`` settings is read."""

    providers: tuple[str, ...] = setting("NEWS_PROVIDERS", ("cryptopanic",), "News providers beside the feeds.")
    interval_s: Seconds = setting("NEWS_INTERVAL", 300.0, "Time between two readings of a feed.", "seconds")
    stale_after_s: Seconds = setting(
        "NEWS_STALE_AFTER", 1800.0, "A feed that could not be read for so long counts as stale.", "seconds"
    )
    listed: Annotated[int, Meta(ge=1, le=500)] = setting("NEWS_LISTED", 100, "Articles in one publication.", "articles")


@dataclasses.dataclass(frozen=True)
class SentimentSettings:
    """How the mood of the market is measured."""

    index_providers: tuple[str, ...] = setting(
        "SENTIMENT_INDEX_PROVIDERS", ("alternative_me",), "Asked for the Fear & Greed index, best first."
    )
    vote_providers: tuple[str, ...] = setting(
        "SENTIMENT_VOTE_PROVIDERS", ("coingecko",), "Asked how people voted on coins, best first."
    )
    trend_providers: tuple[str, ...] = setting(
        "SENTIMENT_TREND_PROVIDERS", ("coingecko",), "Asked which coins people search for, best first."
    )
    vote_symbols: tuple[str, ...] = setting("SENTIMENT_VOTE_SYMBOLS", ("BTC", "ETH"), "Coins whose votes count.")
    index_interval_s: Seconds = setting(
        "SENTIMENT_INDEX_INTERVAL", 3600.0, "Time between two looks at the index; it changes once a day.", "seconds"
    )
    vote_interval_s: Seconds = setting(
        "SENTIMENT_VOTE_INTERVAL", 1800.0, "Time between two looks at the votes; one request a coin.", "seconds"
    )
    trend_interval_s: Seconds = setting(
        "SENTIMENT_TREND_INTERVAL", 600.0, "Time between two looks at what people search for.", "seconds"
    )
    index_weight: Weight = setting(
        "SENTIMENT_INDEX_WEIGHT", 0.4, "Weight of the Fear & Greed index in the score.", "0 to 1"
    )
    headline_weight: Weight = setting(
        "SENTIMENT_HEADLINE_WEIGHT", 0.4, "Weight of the headlines in the score.", "0 to 1"
    )
    vote_weight: Weight = setting("SENTIMENT_VOTE_WEIGHT", 0.2, "Weight of the votes in the score.", "0 to 1")
    model_providers: tuple[str, ...] = setting(
        "SENTIMENT_MODEL_PROVIDERS", ("huggingface_inference",), "Run a language model on headlines, best first."
    )
    models: tuple[ModelName, ...] = setting(
        "SENTIMENT_MODELS",
        ("ProsusAI/finbert", "ElKulako/cryptobert"),
        "Language models that judge headlines; the first that is served is used.",
    )
    model_interval_s: Seconds = setting(
        "SENTIMENT_MODEL_INTERVAL", 1800.0, "Time between two requests to a language model; they are paid.", "seconds"
    )
    model_batch: Annotated[int, Meta(ge=1, le=64)] = setting(
        "SENTIMENT_MODEL_BATCH", 16, "New headlines in one request to a language model.", "headlines"
    )
    model_weight: Weight = setting(
        "SENTIMENT_MODEL_WEIGHT", 0.4, "Weight of what a language model makes of the headlines in the score.", "0 to 1"
    )
    bullish_from: Share = setting(
        "SENTIMENT_BULLISH_FROM", 0.55, "Score from which the mood is called bullish.", "0 to 1"
    )
    bearish_to: Share = setting("SENTIMENT_BEARISH_TO", 0.45, "Score up to which the mood is called bearish.", "0 to 1")


@dataclasses.dataclass(frozen=True)
class ModelHubSettings:
    """What is looked for on the hub of models and datasets."""

    providers: tuple[str, ...] = setting(
        "HUGGINGFACE_PROVIDERS", ("huggingface",), "Asked for models and datasets, best first."
    )
    search: tuple[SearchTerm, ...] = setting(
        "HUGGINGFACE_SEARCH",
        ("crypto", "bitcoin", "finance", "financial"),
        "What models and datasets are searched for, term by term.",
    )
    pages: Annotated[int, Meta(ge=1, le=20)] = setting(
        "HUGGINGFACE_PAGES", 4, "Pages of 500 rows that are read for each term; what is behind them is not counted."
    )
    interval_s: Seconds = setting("HUGGINGFACE_INTERVAL", 1800.0, "Time between two readings of the lists.", "seconds")
    listed: Annotated[int, Meta(ge=1, le=500)] = setting(
        "HUGGINGFACE_LISTED", 50, "Models, and as many datasets, in one publication: the most downloaded.", "rows"
    )
