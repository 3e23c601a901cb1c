"""The ten coins that the service follows."""

from __future__ import annotations

import msgspec


class Coin(msgspec.Struct, frozen=True):
    """One coin under the name that clients know.

    Attributes:
        symbol: name on the wire. ``MATIC`` stays although its token is POL now: deployed front ends ask for it.
        name: for people.
        coin_id: lower-case key of the coin in keyed payloads, for example ``bitcoin``.
        stable: True for a coin that is meant to be worth one dollar; it is judged more strictly.
    """

    symbol: str
    name: str
    coin_id: str
    stable: bool = False


COINS: tuple[Coin, ...] = (
    Coin("BTC", "Bitcoin", "bitcoin"),
    Coin("ETH", "Ethereum", "ethereum"),
    Coin("BNB", "Binance Coin", "binancecoin"),
    Coin("ADA", "Cardano", "cardano"),
    Coin("SOL", "Solana", "solana"),
    Coin("DOT", "Polkadot", "polkadot"),
    Coin("USDT", "Tether", "tether", stable=True),
    Coin("USDC", "USD Coin", "usd-coin", stable=True),
    Coin("XRP", "Ripple", "ripple"),
    Coin("MATIC", "Polygon", "matic-network"),
)

SYMBOLS: tuple[str, ...] = tuple(coin.symbol for coin in COINS)
