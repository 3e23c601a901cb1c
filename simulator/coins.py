"""The coins of the simulated world and the facts about them that do not move.

Prices are the level around which ``market.py`` lets a coin move. The figures are of the size seen in late
2026. Identifiers which belong to one provider live in that provider's file, not here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Coin:
    """One coin.

    Attributes:
        symbol: Upper case, for instance ``BTC``.
        name: As the listing sites write it.
        price_usd: The level around which the price moves.
        circulating_supply: In coins.
        total_supply: In coins.
        max_supply: In coins; ``None`` when unlimited.
        volume_usd: Typical turnover of 24 hours on all markets together.
        volatility: How far the coin moves, 1 is Bitcoin. Stablecoins are close to 0.
        ath_usd: The highest price ever, reached on ``ath_date`` (ISO 8601, UTC).
        atl_usd: The lowest price ever, reached on ``atl_date`` (ISO 8601, UTC).
        first_data_at: When the first price was recorded (ISO 8601, UTC).
        stable: Whether the coin is tied to the US dollar.
    """

    symbol: str
    name: str
    price_usd: float
    circulating_supply: float
    total_supply: float
    max_supply: float | None
    volume_usd: float
    volatility: float
    ath_usd: float
    ath_date: str
    atl_usd: float
    atl_date: str
    first_data_at: str
    stable: bool = False


MAIN_COINS = (
    Coin(
        "BTC", "Bitcoin", 65_670.0, 20_034_000, 20_034_000, 21_000_000, 31.4e9, 1.0,
        126_080.0, "2025-10-06T18:57:42.558Z", 67.81, "2013-07-06T00:00:00.000Z", "2010-07-17T00:00:00Z",
    ),
    Coin(
        "ETH", "Ethereum", 1_926.8, 120_690_000, 120_690_000, None, 16.2e9, 1.15,
        4_946.05, "2025-08-24T19:21:03.333Z", 0.432979, "2015-10-20T00:00:00.000Z", "2015-08-07T00:00:00Z",
    ),
    Coin(
        "BNB", "BNB", 569.4, 134_800_000, 134_800_000, 200_000_000, 1.35e9, 0.95,
        1_369.99, "2025-10-13T08:41:24.131Z", 0.0398177, "2017-10-19T00:00:00.000Z", "2017-07-25T00:00:00Z",
    ),
    Coin(
        "ADA", "Cardano", 0.17389, 36_700_000_000, 45_000_000_000, 45_000_000_000, 412e6, 1.2,
        3.09, "2021-09-02T06:00:10.474Z", 0.01925275, "2020-03-13T02:22:55.044Z", "2017-10-01T00:00:00Z",
    ),
    Coin(
        "SOL", "Solana", 77.51, 571_300_000, 625_900_000, None, 2.9e9, 1.25,
        293.31, "2025-01-19T11:15:27.957Z", 0.500801, "2020-05-11T19:35:23.449Z", "2020-04-10T00:00:00Z",
    ),
    Coin(
        "DOT", "Polkadot", 0.8187, 1_672_000_000, 1_672_000_000, 2_100_000_000, 96e6, 1.2,
        54.98, "2021-11-04T14:10:09.301Z", 0.5512, "2026-06-30T03:12:44.210Z", "2020-08-20T00:00:00Z",
    ),
    Coin(
        "USDT", "Tether", 0.9998, 189_400_000_000, 194_100_000_000, None, 68e9, 0.003,
        1.32, "2018-07-24T00:00:00.000Z", 0.572521, "2015-03-02T00:00:00.000Z", "2015-02-25T00:00:00Z", True,
    ),
    Coin(
        "USDC", "USDC", 1.0, 75_300_000_000, 75_300_000_000, None, 11.8e9, 0.003,
        1.17, "2019-05-08T00:40:28.300Z", 0.877647, "2023-03-11T08:02:13.981Z", "2018-10-08T00:00:00Z", True,
    ),
    Coin(
        "XRP", "XRP", 1.1339, 60_900_000_000, 99_985_600_000, 100_000_000_000, 2.2e9, 1.15,
        3.65, "2025-07-18T03:40:53.808Z", 0.00268621, "2014-05-22T00:00:00.000Z", "2013-08-04T00:00:00Z",
    ),
    Coin(
        "POL", "POL (ex-MATIC)", 0.07887, 10_590_000_000, 10_590_000_000, None, 61e6, 1.25,
        1.29, "2024-03-13T18:55:06.692Z", 0.05421, "2026-07-02T11:20:05.118Z", "2024-09-04T00:00:00Z",
    ),
)  # fmt: skip

_FILLER_NAMES = (
    "QLL Quillcoin", "MRW Marrow", "TNS Tansy", "BRK Brackwater", "LMN Lumenfold", "OXB Oxbow", "VRG Verge Hill",
    "HLX Heliox", "PPL Poplar", "NMB Nimbus Chain", "CRD Cordage", "WTH Wether", "FLX Flaxen", "GRT Gritstone",
    "KST Kestrel", "SLK Silkroad Rail", "DNE Dune Ledger", "ORC Orchard", "BLW Bellows", "TRF Truffle Pay",
    "JNP Juniper", "HRB Harbourlight", "MOS Mosswork", "EMB Embercoin", "RVT Rivetnet", "SDL Saddleback",
    "CLV Clovercast", "PTR Petrel", "GLN Glenmark", "ASH Ashlar", "FRN Fernway", "TDL Tidal Token", "LOM Loomis",
    "BYR Byre", "WCK Wicker", "SPR Sparrow Cash",
)  # fmt: skip


def _filler(index: int, name: str) -> Coin:
    """Gives an invented coin whose size falls with its index, so that lists look like real ones."""
    symbol, full_name = name.split(" ", 1)
    market_cap_usd = 3.6e9 * 0.86**index
    supply = float(10 ** (7 + index % 5))
    price_usd = market_cap_usd / supply
    return Coin(
        symbol, full_name, price_usd, supply, supply * 1.2, supply * 2 if index % 3 else None, market_cap_usd * 0.03,
        1.3, price_usd * 4, "2024-12-04T10:00:00.000Z", price_usd / 3, "2022-11-21T10:00:00.000Z",
        "2021-01-01T00:00:00Z",
    )  # fmt: skip


FILLER_COINS = tuple(_filler(index, name) for index, name in enumerate(_FILLER_NAMES))
"""Invented coins which only make the long lists long; no exchange trades them."""

ALL_COINS = tuple(
    sorted(MAIN_COINS + FILLER_COINS, key=lambda coin: coin.price_usd * coin.circulating_supply, reverse=True)
)
"""Every coin, largest market value first."""

COINS = {coin.symbol: coin for coin in ALL_COINS}
MAIN_SYMBOLS = tuple(coin.symbol for coin in MAIN_COINS)
RANKS = {coin.symbol: rank for rank, coin in enumerate(ALL_COINS, start=1)}
"""Place by market value, 1 is the largest. Fixed, so that a list does not reorder between two pages."""
