"""Every setting: its name, type, default, unit and help. The only reader of the environment and of ``.env``.

Settings are frozen dataclasses by area, read once at start and passed down as values. ``.env.example`` and the table
in the README are generated from here (``python -m websocket.settings env|table``).
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import math
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values
from msgspec import Meta

from websocket.errors import SettingsError

Seconds = Annotated[float, Meta(gt=0, le=31 * 86400)]
Days = Annotated[float, Meta(gt=0, le=36_500)]
Count = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Weight = Annotated[float, Meta(ge=0, le=1)]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
SearchTerm = Annotated[str, Meta(max_length=60)]
ModelName = Annotated[str, Meta(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*\Z")]

MOST_HUB_REQUESTS = 30
"""For one list, so that the requests for both fit into the budget of a minute."""


@dataclasses.dataclass(frozen=True, repr=False)
class Secret:
    """A value that must not be seen in logs, errors or dumps; ``reveal()`` gives it."""

    value: str = ""

    def reveal(self) -> str:
        """The value itself, for the one place that needs it."""
        return self.value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __repr__(self) -> str:
        return "Secret('***')" if self.value else "Secret('')"


class Url(str):
    """An http or https address without query, checked when it is read. A password in it is not shown."""

    __slots__ = ()

    @property
    def shown(self) -> str:
        """The address for people and logs."""
        parts = urlsplit(self)
        return (
            parts._replace(netloc=f"***@{parts.netloc.rpartition('@')[2]}").geturl()
            if "@" in parts.netloc
            else str(self)
        )

    def __repr__(self) -> str:
        return f"Url({self.shown!r})"


def setting(name: str, default: Any, help: str, unit: str = "", *, shared: bool = False) -> Any:
    """A dataclass field that is read from the environment variable ``name``.

    In a class that is used for several providers, ``name`` is a suffix behind the provider's prefix; with ``shared`` it
    is the whole name, and all of them read the same variable.
    """
    return dataclasses.field(default=default, metadata={"name": name, "help": help, "unit": unit, "shared": shared})


@dataclasses.dataclass(frozen=True)
class ServerSettings:
    """Where and for whom we listen."""

    host: str = setting("HOST", "0.0.0.0", "Address to listen on.")
    ports: tuple[Port, ...] = setting(
        "PORT", (5000, 7860), "Ports to listen on, separated by commas; all serve the same."
    )
    app_secret: Secret = setting(
        "APP_SECRET",
        Secret(),
        "Signs sessions. At least 16 characters. Required under gunicorn; the development server makes a random one.",
    )
    admin_token: Secret = setting(
        "ADMIN_TOKEN",
        Secret(),
        "Bearer token of the operator for backups and exports over HTTP. At least 16 characters. Empty: they are off.",
    )
    allowed_origins: tuple[str, ...] = setting(
        "ALLOWED_ORIGINS", ("*",), "Origins of pages that may connect, separated by commas; * allows every page."
    )
    max_connections: Count = setting("MAX_CONNECTIONS", 10_000, "Connections that one process accepts.", "connections")
    route_name: str = setting(
        "ROUTE_NAME",
        "",
        "Begins the id of every Socket.IO session, so that a load balancer finds the process that has it. Empty: the"
        " first port.",
    )

    @property
    def route(self) -> str:
        """What Socket.IO session ids begin with, before a dot."""
        return self.route_name or str(self.ports[0])


@dataclasses.dataclass(frozen=True)
class EdgeSettings:
    """What one client may do."""

    max_connections_per_address: Annotated[int, Meta(ge=0)] = setting(
        "MAX_CONNECTIONS_PER_ADDRESS", 0, "Connections from one address; 0 for no limit.", "connections"
    )
    trusted_proxies: tuple[str, ...] = setting(
        "TRUSTED_PROXIES",
        ("127.0.0.1", "::1"),
        "Addresses or networks of proxies that are believed about a client's address (X-Forwarded-For).",
    )
    max_message_bytes: Annotated[int, Meta(ge=128, le=1_000_000)] = setting(
        "MAX_MESSAGE_BYTES", 16_384, "Largest message from a client, over all its fragments.", "bytes"
    )
    max_nesting: Annotated[int, Meta(ge=2, le=200)] = setting(
        "MAX_NESTING", 16, "Deepest nesting of arrays and objects in a client's message.", "levels"
    )
    messages_per_second: Annotated[float, Meta(gt=0, le=10_000)] = setting(
        "MESSAGES_PER_SECOND", 20.0, "Messages that one connection may send in the long run.", "per second"
    )
    message_burst: Count = setting("MESSAGE_BURST", 100, "Messages that one connection may send at once.", "messages")
    max_subscriptions: Count = setting(
        "MAX_SUBSCRIPTIONS", 64, "Channels that one connection may be subscribed to.", "subscriptions"
    )
    handshake_timeout_s: Seconds = setting(
        "HANDSHAKE_TIMEOUT", 15.0, "Time for a client to send its request after it connected.", "seconds"
    )
    slow_client_timeout_s: Seconds = setting(
        "SLOW_CLIENT_TIMEOUT", 30.0, "A connection that takes nothing for so long is closed with 4008.", "seconds"
    )
    send_buffer_bytes: Annotated[int, Meta(ge=4096, le=10_000_000)] = setting(
        "SEND_BUFFER", 65_536, "Kernel's send buffer of a connection; a large one hides old prices.", "bytes"
    )
    max_queued_bytes: Annotated[int, Meta(ge=65_536)] = setting(
        "MAX_QUEUED_BYTES", 1_048_576, "Answers that may wait for a slow connection before it is closed.", "bytes"
    )


@dataclasses.dataclass(frozen=True)
class MetricsSettings:
    """What is told to Prometheus."""

    enabled: bool = setting("METRICS_ENABLED", True, "0 leaves the route /metrics out.")


@dataclasses.dataclass(frozen=True)
class LogSettings:
    """What is written where."""

    level: LogLevel = setting("LOG_LEVEL", "INFO", "Least severe level that is logged.")
    file: str = setting("LOG_FILE", "websocket.log", "Log file; it rotates.")
    max_bytes: Count = setting("LOG_MAX_BYTES", 10_000_000, "Size at which the log file rotates.", "bytes")
    backups: Annotated[int, Meta(ge=0, le=100)] = setting("LOG_BACKUPS", 5, "Rotated log files that are kept.", "files")


@dataclasses.dataclass(frozen=True)
class StorageSettings:
    """Where things are kept."""

    data_dir: str = setting("DATA_DIR", "data", "Folder of the embedded cache; one process at a time uses it.")


@dataclasses.dataclass(frozen=True)
class ArchiveSettings:
    """What is kept for good, and for how long."""

    enabled: bool = setting("ARCHIVE_ENABLED", True, "0 switches the archive off.")
    file: str = setting(
        "ARCHIVE_FILE",
        "",
        "File of the archive. Empty: archive.sqlite3 in DATA_DIR. In demo mode -demo is put before its suffix.",
    )
    price_days: Days = setting("ARCHIVE_PRICE_DAYS", 7.0, "How long each accepted price is kept.", "days")
    minute_days: Days = setting("ARCHIVE_MINUTE_DAYS", 90.0, "How long candles of one minute are kept.", "days")
    hour_days: Days = setting("ARCHIVE_HOUR_DAYS", 1825.0, "How long candles of one hour are kept.", "days")
    article_days: Days = setting("ARCHIVE_ARTICLE_DAYS", 365.0, "How long articles are kept.", "days")
    whale_days: Days = setting("ARCHIVE_WHALE_DAYS", 365.0, "How long large transactions are kept.", "days")
    flush_interval_s: Annotated[float, Meta(ge=0.1, le=1)] = setting(
        "ARCHIVE_FLUSH_INTERVAL", 1.0, "Time between two writes; a crash loses no more than that.", "seconds"
    )
    max_pending: Annotated[int, Meta(ge=1000, le=1_000_000)] = setting(
        "ARCHIVE_MAX_PENDING", 50_000, "Rows that wait in memory while the disk fails; then the oldest go.", "rows"
    )
    backup_interval_s: Annotated[float, Meta(ge=0, le=31 * 86400)] = setting(
        "ARCHIVE_BACKUP_INTERVAL", 86_400.0, "Time between two backups; 0 for none.", "seconds"
    )
    backups: Annotated[int, Meta(ge=1, le=1000)] = setting("ARCHIVE_BACKUPS", 7, "Backups that are kept.", "files")
    backup_dir: str = setting("ARCHIVE_BACKUP_DIR", "", "Folder of the backups. Empty: backups in DATA_DIR.")
    export_dir: str = setting(
        "ARCHIVE_EXPORT_DIR", "", "Folder of the exports that are asked for over HTTP. Empty: exports in DATA_DIR."
    )
    exports: Annotated[int, Meta(ge=1, le=1000)] = setting(
        "ARCHIVE_EXPORTS", 20, "Exports that are kept in that folder.", "files"
    )


@dataclasses.dataclass(frozen=True)
class RedisSettings:
    """The optional shared cache."""

    host: str = setting("REDIS_HOST", "", "Redis host. Empty: Redis is used if one answers on localhost, else not.")
    port: Port = setting("REDIS_PORT", 6379, "Redis port.")
    username: str = setting("REDIS_USERNAME", "", "Redis user; empty for the default user.")
    password: Secret = setting("REDIS_PASSWORD", Secret(), "Redis password.")
    db: Annotated[int, Meta(ge=0, le=1023)] = setting("REDIS_DB", 0, "Redis database number.")
    prefix: str = setting("REDIS_PREFIX", "dwt:", "Begins the name of every key that we write to Redis.")


@dataclasses.dataclass(frozen=True)
class PriceSettings:
    """How prices are collected, judged and published."""

    broadcast_interval_s: Seconds = setting("BROADCAST_INTERVAL", 10.0, "Time between two crypto-prices.", "seconds")
    market_data_interval_s: Seconds = setting("MARKET_DATA_INTERVAL", 5.0, "Time between two market_data.", "seconds")
    tick_interval_s: Seconds = setting("TICK_INTERVAL", 10.0, "Time between two looks at the exchanges.", "seconds")
    snapshot_interval_s: Seconds = setting(
        "SNAPSHOT_INTERVAL", 60.0, "Time between two looks at the aggregators (volume, market cap).", "seconds"
    )
    tick_providers: tuple[str, ...] = setting(
        "TICK_PROVIDERS", ("binance", "kraken", "coinbase_exchange"), "Exchanges asked for prices, best first."
    )
    snapshot_providers: tuple[str, ...] = setting(
        "SNAPSHOT_PROVIDERS", ("coingecko", "coinlore", "coinpaprika"), "Aggregators, best first."
    )
    delayed_after_s: Seconds = setting("DELAYED_AFTER", 60.0, "Age from which a price counts as delayed.", "seconds")
    stale_after_s: Seconds = setting("STALE_AFTER", 180.0, "Age from which a price counts as stale.", "seconds")
    max_move: Share = setting(
        "MAX_MOVE", 0.10, "Share that a price may move at once without a second source that agrees."
    )
    max_move_stable: Share = setting("MAX_MOVE_STABLE", 0.03, "The same for stablecoins.")
    confirm_wait_s: Seconds = setting(
        "CONFIRM_WAIT", 8.0, "How long the very first price of a coin waits for a second source.", "seconds"
    )


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


@dataclasses.dataclass(frozen=True)
class UpstreamSettings:
    """How providers are asked."""

    connect_timeout_s: Seconds = setting("CONNECT_TIMEOUT", 3.0, "Longest wait for a connection.", "seconds")
    read_timeout_s: Seconds = setting("READ_TIMEOUT", 5.0, "Longest silence while an answer is read.", "seconds")
    deadline_s: Seconds = setting("UPSTREAM_DEADLINE", 8.0, "Longest time for one whole answer.", "seconds")
    max_answer_bytes: Count = setting(
        "MAX_ANSWER_BYTES", 4_000_000, "Largest answer that is read, counted after decompression.", "bytes"
    )
    failures_to_open: Count = setting("CIRCUIT_FAILURES", 3, "Failures in a row that open a circuit.", "failures")
    backoff_max_s: Seconds = setting("BACKOFF_MAX", 60.0, "Longest pause of a failing provider.", "seconds")
    park_s: Seconds = setting(
        "PARK_TIME", 3600.0, "Pause of a provider that refuses us (401, 402, 403, 418, 451).", "seconds"
    )
    proxy: Url = setting("UPSTREAM_PROXY", Url(""), "HTTP proxy for the way to the providers; empty for none.")


@dataclasses.dataclass(frozen=True)
class MonitoringSettings:
    """How providers are watched. Those that services ask are judged by that; the others are probed now and then."""

    idle_after_s: Annotated[float, Meta(ge=60, le=86_400)] = setting(
        "PROBE_AFTER", 75.0, "A provider that no service asked for so long counts as idle and is probed.", "seconds"
    )
    probe_interval_s: Annotated[float, Meta(ge=10, le=86_400)] = setting(
        "PROBE_INTERVAL",
        45.0,
        "Least time between two probes of an idle provider; more where its budget asks for that.",
        "seconds",
    )
    slow_after_s: Seconds = setting("SLOW_AFTER", 2.0, "Response time from which a provider counts as slow.", "seconds")


@dataclasses.dataclass(frozen=True)
class ProviderSettings:
    """What can be set for every provider; names are prefixed with the provider's."""

    url: Url = setting("URL", Url(""), "Base address.")
    per_minute: Annotated[int, Meta(ge=0)] = setting(
        "PER_MINUTE", 0, "Own budget per minute; 0 takes what the provider publishes.", "requests"
    )
    per_month: Annotated[int, Meta(ge=0)] = setting(
        "PER_MONTH", 0, "Own budget per month; 0 takes what the provider publishes.", "requests"
    )


@dataclasses.dataclass(frozen=True)
class KeyedProviderSettings(ProviderSettings):
    """A provider that may be used with a key."""

    api_key: Secret = setting("API_KEY", Secret(), "API key; empty to go without.")


@dataclasses.dataclass(frozen=True)
class CoinGeckoSettings(KeyedProviderSettings):
    """CoinGecko has two kinds of key and two price endpoints."""

    plan: Literal["demo", "pro"] = setting("PLAN", "demo", "Kind of the key: demo or pro.")
    endpoint: Literal["simple_price", "coins_markets"] = setting(
        "ENDPOINT", "simple_price", "Price endpoint: simple_price is fresher, coins_markets knows more."
    )


@dataclasses.dataclass(frozen=True)
class HuggingFaceSettings(KeyedProviderSettings):
    """Hugging Face runs several services, which one token opens; its name is the one that all its tools read."""

    api_key: Secret = setting(
        "HF_TOKEN",
        Secret(),
        "Token of Hugging Face, for a language model in sentiment; empty to go without.",
        shared=True,
    )


@dataclasses.dataclass(frozen=True)
class ProvidersSettings:
    """One line a provider: the field's name is its registry name, in capitals the prefix of its settings."""

    coingecko: CoinGeckoSettings = CoinGeckoSettings(url=Url("https://api.coingecko.com/api/v3"))
    coinlore: ProviderSettings = ProviderSettings(url=Url("https://api.coinlore.net"))
    coinpaprika: KeyedProviderSettings = KeyedProviderSettings(url=Url("https://api.coinpaprika.com/v1"))
    binance: ProviderSettings = ProviderSettings(url=Url("https://data-api.binance.vision"))
    kraken: ProviderSettings = ProviderSettings(url=Url("https://api.kraken.com"))
    coinbase_exchange: ProviderSettings = ProviderSettings(url=Url("https://api.exchange.coinbase.com"))
    mempool_space: ProviderSettings = ProviderSettings(url=Url("https://mempool.space"))
    blockstream: ProviderSettings = ProviderSettings(url=Url("https://blockstream.info/api"))
    blockchain_info: ProviderSettings = ProviderSettings(url=Url("https://blockchain.info"))
    blockchair: KeyedProviderSettings = KeyedProviderSettings(url=Url("https://api.blockchair.com"))
    blockcypher: ProviderSettings = ProviderSettings(url=Url("https://api.blockcypher.com/v1"))
    blockscout: ProviderSettings = ProviderSettings(url=Url("https://eth.blockscout.com"))
    etherscan: KeyedProviderSettings = KeyedProviderSettings(url=Url("https://api.etherscan.io/v2"))
    coinmetrics: ProviderSettings = ProviderSettings(url=Url("https://community-api.coinmetrics.io/v4"))
    defillama: ProviderSettings = ProviderSettings(url=Url("https://api.llama.fi"))
    alternative_me: ProviderSettings = ProviderSettings(url=Url("https://api.alternative.me"))
    cryptopanic: KeyedProviderSettings = KeyedProviderSettings(url=Url("https://cryptopanic.com/api/developer/v2"))
    whale_alert: KeyedProviderSettings = KeyedProviderSettings(url=Url("https://api.whale-alert.io/v1"))
    huggingface: HuggingFaceSettings = HuggingFaceSettings(url=Url("https://huggingface.co/api"))
    huggingface_inference: HuggingFaceSettings = HuggingFaceSettings(
        url=Url("https://router.huggingface.co/hf-inference")
    )


@dataclasses.dataclass(frozen=True)
class NodeSettings:
    """Public JSON-RPC nodes, best first: a chain a field, several hosts each."""

    ethereum: tuple[Url, ...] = setting(
        "NODES_ETHEREUM",
        (
            Url("https://ethereum-rpc.publicnode.com"),
            Url("https://eth.drpc.org"),
            Url("https://eth.merkle.io"),
        ),
        "JSON-RPC nodes of Ethereum, best first.",
    )
    bnb: tuple[Url, ...] = setting(
        "NODES_BNB",
        (Url("https://bsc-dataseed.bnbchain.org"), Url("https://bsc-rpc.publicnode.com"), Url("https://bsc.drpc.org")),
        "JSON-RPC nodes of BNB Chain.",
    )
    polygon: tuple[Url, ...] = setting(
        "NODES_POLYGON",
        (Url("https://polygon-bor-rpc.publicnode.com"), Url("https://polygon.drpc.org")),
        "JSON-RPC nodes of Polygon.",
    )
    arbitrum: tuple[Url, ...] = setting(
        "NODES_ARBITRUM",
        (
            Url("https://arb1.arbitrum.io/rpc"),
            Url("https://arbitrum-one-rpc.publicnode.com"),
            Url("https://arbitrum.drpc.org"),
        ),
        "JSON-RPC nodes of Arbitrum One.",
    )
    optimism: tuple[Url, ...] = setting(
        "NODES_OPTIMISM",
        (
            Url("https://mainnet.optimism.io"),
            Url("https://optimism-rpc.publicnode.com"),
            Url("https://optimism.drpc.org"),
        ),
        "JSON-RPC nodes of OP Mainnet.",
    )
    base: tuple[Url, ...] = setting(
        "NODES_BASE",
        (Url("https://base-rpc.publicnode.com"), Url("https://base.drpc.org")),
        "JSON-RPC nodes of Base.",
    )
    solana: tuple[Url, ...] = setting(
        "NODES_SOLANA",
        (Url("https://api.mainnet-beta.solana.com"), Url("https://solana-rpc.publicnode.com")),
        "JSON-RPC nodes of Solana.",
    )


@dataclasses.dataclass(frozen=True)
class FeedSettings:
    """News feeds (RSS), a feed a field."""

    coindesk: Url = setting("FEED_COINDESK", Url("https://www.coindesk.com/arc/outboundfeeds/rss/"), "RSS of CoinDesk.")
    cointelegraph: Url = setting("FEED_COINTELEGRAPH", Url("https://cointelegraph.com/rss"), "RSS of Cointelegraph.")
    decrypt: Url = setting("FEED_DECRYPT", Url("https://decrypt.co/feed"), "RSS of Decrypt.")
    cryptoslate: Url = setting("FEED_CRYPTOSLATE", Url("https://cryptoslate.com/feed/"), "RSS of CryptoSlate.")
    bitcoin_magazine: Url = setting(
        "FEED_BITCOIN_MAGAZINE", Url("https://bitcoinmagazine.com/feed"), "RSS of Bitcoin Magazine."
    )


@dataclasses.dataclass(frozen=True)
class DemoSettings:
    """The stand-in internet."""

    enabled: bool = setting(
        "DEMO", False, "1 replaces the internet by a simulator on this machine; all output says so."
    )
    seed: int = setting("DEMO_SEED", 1, "Seed of the simulated market.")
    scenario: str = setting("DEMO_SCENARIO", "normal", "Scenario that the simulator plays from the start.")


@dataclasses.dataclass(frozen=True)
class Settings:
    """All settings of one process."""

    server: ServerSettings = ServerSettings()
    edge: EdgeSettings = EdgeSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    storage: StorageSettings = StorageSettings()
    archive: ArchiveSettings = ArchiveSettings()
    redis: RedisSettings = RedisSettings()
    prices: PriceSettings = PriceSettings()
    chains: ChainSettings = ChainSettings()
    whales: WhaleSettings = WhaleSettings()
    news: NewsSettings = NewsSettings()
    sentiment: SentimentSettings = SentimentSettings()
    model_hub: ModelHubSettings = ModelHubSettings()
    upstream: UpstreamSettings = UpstreamSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    providers: ProvidersSettings = ProvidersSettings()
    nodes: NodeSettings = NodeSettings()
    feeds: FeedSettings = FeedSettings()
    demo: DemoSettings = DemoSettings()


@dataclasses.dataclass(frozen=True)
class SettingInfo:
    """One setting as documentation shows it."""

    name: str
    kind: str
    default: str
    unit: str
    help: str


def load_settings(environ: Mapping[str, str], env_file: Path | None = None) -> Settings:
    """Settings from ``.env`` and the environment; the environment wins.

    Args:
        environ: usually ``os.environ``. A name in it that is nearly one of ours is taken for a misspelling.
        env_file: a ``.env`` file, or None. Every name in it must be ours. A missing file counts as empty.

    Raises:
        SettingsError: names the first setting that is unknown or invalid, and what was expected.
    """
    known = {info.name for info in describe_settings()}
    values: dict[str, str] = {}
    if env_file is not None and env_file.is_file():
        try:
            # as it stands: a password may hold what looks like ${a reference}
            from_file = dotenv_values(env_file, interpolate=False)
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(str(env_file), f"cannot be read: {error}") from error
        for name, value in from_file.items():
            if name not in known:
                raise SettingsError(name, f"is not a setting (in {env_file.name}).{_suggestion(name, known)}")
            values[name] = value or ""
    for name, value in environ.items():
        if name in known:
            values[name] = value
        elif suggestion := _suggestion(name, known):
            raise SettingsError(name, f"is not a setting.{suggestion}")
    settings: Settings = _read_area(Settings, Settings(), values, "")
    _check_together(settings)
    return settings


def describe_settings() -> list[SettingInfo]:
    """Every setting once, in the order of this module, with its default as it would be written in ``.env``."""
    found: dict[str, SettingInfo] = {}
    for prefix, field, hint, default in _walk(Settings, Settings(), ""):
        name, told = _name(prefix, field), field.metadata
        found.setdefault(name, SettingInfo(name, _kind(hint), _format(default), told["unit"], told["help"]))
    return list(found.values())


def key_setting(provider: str) -> str:
    """The name of the setting with a provider's key, for example ``COINGECKO_API_KEY``.

    Raises:
        KeyError: it takes no key.
    """
    kinds = {field.name: type(field.default) for field in dataclasses.fields(ProvidersSettings)}
    fields = {field.name: field for field in dataclasses.fields(kinds[provider])}  # type: ignore[arg-type]
    return _name(f"{provider.upper()}_", fields["api_key"])


def with_random_secret(settings: Settings) -> Settings:
    """The same settings with a random ``APP_SECRET``, for the development server."""
    server = dataclasses.replace(settings.server, app_secret=Secret(secrets.token_urlsafe(32)))
    return dataclasses.replace(settings, server=server)


def with_provider_urls(settings: Settings, base_url: str) -> Settings:
    """The same settings with every provider's address under ``base_url``, as the simulator lays them out."""
    replaced = {
        field.name: dataclasses.replace(
            getattr(settings.providers, field.name),
            url=Url(f"{base_url}/{field.name}{urlsplit(field.default.url).path}"),  # type: ignore[union-attr]
        )
        for field in dataclasses.fields(settings.providers)
    }
    nodes = {
        field.name: tuple(
            Url(f"{base_url}/json_rpc/{field.name}/{urlsplit(url).hostname}")
            for url in getattr(settings.nodes, field.name)
        )
        for field in dataclasses.fields(settings.nodes)
    }
    feeds = {field.name: Url(f"{base_url}/rss/{field.name}") for field in dataclasses.fields(settings.feeds)}
    return dataclasses.replace(
        settings,
        providers=dataclasses.replace(settings.providers, **replaced),
        nodes=dataclasses.replace(settings.nodes, **nodes),
        feeds=dataclasses.replace(settings.feeds, **feeds),
    )


def _walk(area: type, defaults: Any, prefix: str) -> Iterator[tuple[str, dataclasses.Field[Any], Any, Any]]:
    """Yields (prefix, field, type hint, default) of each setting below ``area``."""
    hints = get_type_hints(area, include_extras=True)
    for field in dataclasses.fields(area):
        default = getattr(defaults, field.name)
        if "name" in field.metadata:
            yield prefix, field, hints[field.name], default
        else:
            yield from _walk(type(default), default, _prefix_below(area, field, prefix))


def _name(prefix: str, field: dataclasses.Field[Any]) -> str:
    name: str = field.metadata["name"]
    return name if field.metadata["shared"] else prefix + name


def _prefix_below(area: type, field: dataclasses.Field[Any], prefix: str) -> str:
    return f"{field.name.upper()}_" if area is ProvidersSettings else prefix


def _read_area(area: type, defaults: Any, values: Mapping[str, str], prefix: str) -> Any:
    hints = get_type_hints(area, include_extras=True)
    read: dict[str, Any] = {}
    for field in dataclasses.fields(area):
        default = getattr(defaults, field.name)
        if "name" not in field.metadata:
            read[field.name] = _read_area(type(default), default, values, _prefix_below(area, field, prefix))
            continue
        name = _name(prefix, field)
        text = values.get(name, "").strip()
        read[field.name] = default if text == "" else _parse(name, text, hints[field.name])
    return area(**read)


def _parse(name: str, text: str, hint: Any) -> Any:
    if hint is Secret:
        return Secret(text)
    if hint is Url:
        return _parse_url(name, text)
    value: Any = text
    if get_origin(hint) is tuple:
        value = [part.strip() for part in text.split(",") if part.strip()]
        if not value:
            raise SettingsError(name, f"expected {_kind(hint)}")
        if get_args(hint)[0] is Url:
            return tuple(_parse_url(name, part) for part in value)
    if hint is bool:
        value = {
            "1": True,
            "true": True,
            "yes": True,
            "on": True,
            "0": False,
            "false": False,
            "no": False,
            "off": False,
        }.get(text.lower(), text)
    try:
        parsed = msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(name, f"expected {_kind(hint)}, got {text!r} ({error})") from None
    if isinstance(parsed, float) and not math.isfinite(parsed):
        raise SettingsError(name, f"expected {_kind(hint)}, got {text!r}")
    return parsed


def _parse_url(name: str, text: str) -> Url:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment:
        raise SettingsError(name, "expected an http or https address without query, such as https://example.org/api")
    return Url(text)


def _check_together(settings: Settings) -> None:
    """What one value alone does not show."""
    prices = settings.prices
    if prices.delayed_after_s > prices.stale_after_s:
        raise SettingsError("DELAYED_AFTER", f"expected at most STALE_AFTER ({prices.stale_after_s:g})")
    secret = settings.server.app_secret
    if secret and len(secret.reveal()) < 16:
        raise SettingsError("APP_SECRET", "expected at least 16 characters")
    token = settings.server.admin_token
    if token and not re.fullmatch("[!-~]{16,}", token.reveal()):
        raise SettingsError("ADMIN_TOKEN", "expected at least 16 characters of ASCII without spaces")
    for origin in settings.server.allowed_origins:
        parts = urlsplit(origin)
        if origin != "*" and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path):
            raise SettingsError("ALLOWED_ORIGINS", f"expected * or origins such as https://example.org, got {origin!r}")
    mood = settings.sentiment
    if mood.bearish_to >= mood.bullish_from:
        raise SettingsError(
            "SENTIMENT_BEARISH_TO", f"expected less than SENTIMENT_BULLISH_FROM ({mood.bullish_from:g})"
        )
    if mood.index_weight + mood.headline_weight + mood.vote_weight + mood.model_weight <= 0:
        raise SettingsError("SENTIMENT_INDEX_WEIGHT", "expected at least one of the four weights above 0")
    if not re.fullmatch("[!-~]*", settings.providers.huggingface.api_key.reveal()):
        raise SettingsError("HF_TOKEN", "expected letters, digits and signs of ASCII without blanks")
    hub = settings.model_hub
    if len(hub.search) * hub.pages > MOST_HUB_REQUESTS:
        raise SettingsError(
            "HUGGINGFACE_PAGES", f"expected at most {MOST_HUB_REQUESTS} pages for all terms of HUGGINGFACE_SEARCH"
        )
    if not re.fullmatch("[A-Za-z0-9_-]{0,32}", settings.server.route_name):
        raise SettingsError("ROUTE_NAME", "expected at most 32 letters, digits, - and _")
    ports = settings.server.ports
    if len(set(ports)) != len(ports):
        raise SettingsError("PORT", "expected each port once")
    for proxy in settings.edge.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise SettingsError("TRUSTED_PROXIES", f"expected addresses or networks, got {proxy!r}") from None
    known = [field.name for field in dataclasses.fields(settings.providers)]
    pools = [("TICK_PROVIDERS", prices.tick_providers), ("SNAPSHOT_PROVIDERS", prices.snapshot_providers)]
    pools += [
        (field.name.upper(), getattr(settings.chains, field.name))
        for field in dataclasses.fields(settings.chains)
        if field.name.endswith("_providers")
    ]
    pools += [
        (field.metadata["name"], getattr(area, field.name))
        for area in (settings.whales, settings.news, settings.sentiment, settings.model_hub)
        for field in dataclasses.fields(area)
        if field.name.endswith("providers")
    ]
    for name, chosen in pools:
        for provider in chosen:
            if provider not in known:
                raise SettingsError(name, f"expected names out of {', '.join(known)}, got {provider!r}")
        if len(set(chosen)) != len(chosen):
            raise SettingsError(name, "expected each provider once")


def _suggestion(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.88)
    return f" Did you mean {close[0]}?" if close else ""


def _kind(hint: Any) -> str:
    """A type as people read it, for example ``number, greater than 0``."""
    if get_origin(hint) is Annotated:
        base, *notes = get_args(hint)
        bounds = [
            f"{words} {bound}"
            for note in notes
            for words, bound in (("above", note.gt), ("at least", note.ge), ("below", note.lt), ("at most", note.le))
            if bound is not None
        ]
        return ", ".join([_kind(base), *bounds])
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(get_args(hint))
    if get_origin(hint) is tuple:
        return f"list of {_kind(get_args(hint)[0])}"
    names: dict[Any, str] = {
        int: "whole number",
        float: "number",
        bool: "0 or 1",
        str: "text",
        Secret: "secret",
        Url: "address",
    }
    return names[hint]


def _format(default: object) -> str:
    if isinstance(default, bool):
        return "1" if default else "0"
    if isinstance(default, Secret):
        return ""
    if isinstance(default, tuple):
        return ",".join(str(item) for item in default)
    return f"{default:g}" if isinstance(default, float) else str(default)


def render_env_example() -> str:
    """The text of ``.env.example``: every setting, commented out, with its help and default."""
    lines = [
        "# Copy to .env and change what you need. Every line below shows the default; an empty value means that, too.",
        "",
    ]
    for info in describe_settings():
        unit = f" ({info.unit})" if info.unit else ""
        lines += [f"# {info.help}{unit} Expected: {info.kind}.", f"#{info.name}={info.default}", ""]
    return "\n".join(lines)


def render_table() -> str:
    """The settings as a Markdown table, for the README."""
    rows = ["| setting | default | unit | what it does |", "|---|---|---|---|"]
    for info in describe_settings():
        default = f"`{info.default}`" if info.default else ""
        rows.append(f"| `{info.name}` | {default} | {info.unit} | {info.help} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    renderers = {"env": render_env_example, "table": render_table}
    if len(sys.argv) != 2 or sys.argv[1] not in renderers:
        raise SystemExit("usage: python -m websocket.settings env|table")
    sys.stdout.write(renderers[sys.argv[1]]())
