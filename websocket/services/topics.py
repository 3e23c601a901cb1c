"""What headlines are about: categories of news, and coins and subjects that are talked of. Computes only."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

CATEGORY_WORDS: Mapping[str, str] = {
    "bitcoin": r"bitcoin|btc|satoshis?|halving|lightning network",
    "ethereum": r"ethereum|ether|eth|vitalik|buterin",
    "altcoins": r"altcoins?|solana|xrp|ripple|cardano|dogecoin|memecoins?|meme coins?|bnb|polkadot|polygon|avalanche",
    "stablecoins": r"stablecoins?|usdt|usdc|tether|circle|depeg\w*",
    "defi": r"defi|dex|dexs|decentrali[sz]ed finance|lending protocol|liquidity pools?|staking|restaking|aave|uniswap",
    "nft": r"nfts?|non-fungible|metaverse|opensea",
    "regulation": r"regulat\w*|sec|cftc|mica|lawmakers?|senate|congress|court|lawsuits?|sues?|sued|judge|bill|ban|bans"
    r"|banned|sanctions?|sanctioned|compliance|licen[cs]es?|tax|taxes|doj|fca|esma",
    "security": r"hack\w*|exploit\w*|phishing|scams?|rug ?pulls?|stolen|theft|breach\w*|vulnerabilit\w*|drained",
    "markets": r"markets?|prices?|rally|rallies|etfs?|futures|options|liquidations?|traders?|bulls?|bears?|inflows?"
    r"|outflows?|fed|rate cuts?|inflation|all-time high|ath|sell-?off",
    "mining": r"mining|miners?|hash ?rate|hash ?price",
    "business": r"acqui\w*|funding|raises|ipo|partnership|treasury|layoffs|earnings",
}
"""Category to the words that a headline of it has."""

_CATEGORIES = {name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for name, words in CATEGORY_WORDS.items()}


class Topic(msgspec.Struct, frozen=True):
    """A coin or a subject.

    Attributes:
        name: for people.
        symbol: of a coin, or None.
        words: names of it, as a regular expression; upper and lower case are the same.
    """

    name: str
    symbol: str | None
    words: str


TOPICS: tuple[Topic, ...] = (
    Topic("Bitcoin", "BTC", "bitcoin"),
    Topic("Ethereum", "ETH", "ethereum|ether"),
    Topic("BNB", "BNB", "bnb chain"),
    Topic("Cardano", "ADA", "cardano"),
    Topic("Solana", "SOL", "solana"),
    Topic("Polkadot", "DOT", "polkadot"),
    Topic("Tether", "USDT", "tether"),
    Topic("USD Coin", "USDC", "usd coin|circle"),
    Topic("XRP", "XRP", "ripple"),
    Topic("Polygon", "POL", "polygon"),
    Topic("Dogecoin", "DOGE", "dogecoin"),
    Topic("Avalanche", "AVAX", "avalanche"),
    Topic("Chainlink", "LINK", "chainlink"),
    Topic("Litecoin", "LTC", "litecoin"),
    Topic("TRON", "TRX", "tron"),
    Topic("Toncoin", "TON", "toncoin"),
    Topic("Sui", "SUI", "sui network"),
    Topic("Hyperliquid", "HYPE", "hyperliquid"),
    Topic("Uniswap", "UNI", "uniswap"),
    Topic("Aave", "AAVE", "aave"),
    Topic("Shiba Inu", "SHIB", "shiba inu"),
    Topic("Pepe", "PEPE", "pepe coin"),
    Topic("Zcash", "ZEC", "zcash"),
    Topic("Monero", "XMR", "monero"),
    Topic("ETF", None, "etfs?"),
    Topic("Stablecoins", None, "stablecoins?"),
    Topic("DeFi", None, "defi|decentralized finance"),
    Topic("Regulation", None, "regulat\\w*|sec|cftc|mica"),
    Topic("Federal Reserve", None, "fed|federal reserve|rate cuts?|powell"),
    Topic("Hacks", None, "hack\\w*|exploit\\w*|breach\\w*"),
    Topic("Mining", None, "mining|miners?|hash ?rate"),
    Topic("Liquidations", None, "liquidat\\w*"),
    Topic("Tokenization", None, "tokeni[sz]\\w*|real-world assets?|rwas?"),
    Topic("Artificial intelligence", None, "ai|artificial intelligence"),
    Topic("Memecoins", None, "memecoins?|meme coins?"),
    Topic("Airdrops", None, "airdrops?"),
)

_WORDS = {topic: re.compile(rf"\b(?:{topic.words})\b", re.IGNORECASE) for topic in TOPICS}
_SYMBOLS = {
    # capitals only, since many symbols are English words; LINK and TON are ones in shouted headlines too
    topic: re.compile(rf"(?<![A-Za-z0-9]){topic.symbol}(?![A-Za-z0-9])")
    for topic in TOPICS
    if topic.symbol is not None and topic.symbol not in ("LINK", "TON", "UNI", "HYPE")
}


def categories_of(text: str) -> list[str]:
    """The categories that a headline belongs to; may be none."""
    return [name for name, words in _CATEGORIES.items() if words.search(text)]


def topics_of(text: str) -> list[Topic]:
    """The coins and subjects that a headline names, each once."""
    return [
        topic for topic in TOPICS if _WORDS[topic].search(text) or (topic in _SYMBOLS and _SYMBOLS[topic].search(text))
    ]
