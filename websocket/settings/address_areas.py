"""Where the data comes from: a line for each provider, the JSON-RPC nodes, and the news feeds."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from msgspec import Meta

from websocket.settings.kinds import Secret, Url, setting


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
