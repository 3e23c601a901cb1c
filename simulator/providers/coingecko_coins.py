"""What CoinGecko tells beyond prices: which coins are searched for, and the page of one coin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow
from simulator.coins import ALL_COINS, RANKS, Coin
from simulator.formats import iso_ms, significant
from simulator.market import DAY_S
from simulator.noise import Draws, noise, noise_key
from simulator.source_view import SourceView

_TREND_S = 600.0
_TRENDING = 15
_NFTS = ("Quiet Frogs", "Paper Moons", "Node Runners")
_CATEGORIES = ("Layer 1 (L1)", "Meme", "Liquid Staking")
_QUOTES = {"usd": "USD", "btc": "BTC", "eth": "ETH"}
_GENESIS = {"BTC": "2009-01-03", "ETH": "2015-07-30"}
_BLOCK_MINUTES = {"BTC": 10}


def trending(view: SourceView, ids: Mapping[str, str]) -> Answer:
    """Gives what people search for: coins that moved a lot, with some luck; it changes every ten minutes.

    Args:
        view: What the source knows.
        ids: Coin symbol by CoinGecko id.
    """
    step = int(view.as_of // _TREND_S)
    draws = Draws(view.market.seed, "trending")

    def interest(coin: Coin) -> float:
        luck = draws.unit(step * 1_000 + RANKS[coin.symbol])
        return abs(view.change_percent(coin.symbol)) * (0.5 + luck) if not coin.stable else 0.0

    by_symbol = {symbol: coin_id for coin_id, symbol in ids.items()}
    chosen = sorted(ALL_COINS, key=interest, reverse=True)[:_TRENDING]
    items = [
        {"item": _item(view, coin, by_symbol.get(coin.symbol, coin.name.lower().replace(" ", "-")), place)}
        for place, coin in enumerate(chosen)
    ]
    nfts = [_nft(view, name, place) for place, name in enumerate(_NFTS)]
    categories = [_category(view, name, place) for place, name in enumerate(_CATEGORIES)]
    answer = Answer({"coins": items, "nfts": nfts, "categories": categories})
    answer.rows = [PricedRow(entry["item"]["symbol"], entry["item"]["data"], ("price",)) for entry in items]
    return answer


def coin_page(view: SourceView, coin_id: str, coin: Coin, image: str, query: Mapping[str, str]) -> Answer:
    """Gives one coin; the blocks that can be switched off are there unless they are."""
    up = _votes_up(view, coin)
    body: dict[str, Any] = {
        "id": coin_id,
        "symbol": coin.symbol.lower(),
        "name": coin.name,
        "web_slug": coin_id,
        "asset_platform_id": None,
        "platforms": {"": ""},
        "detail_platforms": {"": {"decimal_place": None, "contract_address": ""}},
        "block_time_in_minutes": _BLOCK_MINUTES.get(coin.symbol, 0),
        "hashing_algorithm": "SHA-256" if coin.symbol == "BTC" else None,
        "categories": ["Stablecoins"] if coin.stable else ["Layer 1 (L1)", "Cryptocurrency"],
        "preview_listing": False,
        "public_notice": None,
        "additional_notices": [],
        "description": {"en": f"{coin.name} as simulated."},
        "links": {"homepage": [f"https://example.org/{coin_id}", "", ""], "subreddit_url": ""},
        "image": {size: image.replace("/large/", f"/{size}/") for size in ("thumb", "small", "large")},
        "country_origin": "",
        "genesis_date": _GENESIS.get(coin.symbol),
        "sentiment_votes_up_percentage": up,
        "sentiment_votes_down_percentage": round(100.0 - up, 2),
        "watchlist_portfolio_users": int(2_000_000 / RANKS[coin.symbol]),
        "market_cap_rank": RANKS[coin.symbol],
        "status_updates": [],
        "last_updated": iso_ms(view.claimed_at),
    }
    votes = ("sentiment_votes_up_percentage", "sentiment_votes_down_percentage")
    answer = Answer(body, rows=[PricedRow(coin.symbol, body, votes)])
    if query.get("localization") != "false":
        body["localization"] = {"en": coin.name, "de": coin.name}
    if query.get("market_data") != "false":
        prices = {
            currency: significant(view.price(coin.symbol, quote=quote), 15) for currency, quote in _QUOTES.items()
        }
        body["market_data"] = {
            "current_price": prices,
            "market_cap": {currency: round(price * coin.circulating_supply) for currency, price in prices.items()},
            "total_volume": {"usd": round(view.volume(coin.symbol))},
            "price_change_percentage_24h": round(view.change_percent(coin.symbol), 5),
            "price_change_percentage_7d": round(view.change_percent(coin.symbol, 7 * DAY_S), 5),
            "circulating_supply": coin.circulating_supply,
            "last_updated": iso_ms(view.claimed_at),
        }
        answer.rows.append(PricedRow(coin.symbol, prices, tuple(prices)))
    if query.get("community_data") != "false":
        # Without content for years, but still sent.
        body["community_data"] = {
            "facebook_likes": None,
            "reddit_average_posts_48h": 0.0,
            "reddit_average_comments_48h": 0.0,
            "reddit_subscribers": 0,
            "reddit_accounts_active_48h": 0,
            "telegram_channel_user_count": None,
        }
    if query.get("developer_data") != "false":
        body["developer_data"] = {"forks": 0, "stars": 0, "subscribers": 0}
    if query.get("tickers") != "false":
        body["tickers"] = []
    return answer


def _votes_up(view: SourceView, coin: Coin) -> float:
    """Gives the percentage of votes which are good: more after a good week, never all or none."""
    luck = 6.0 * noise(noise_key(view.market.seed, f"votes/{coin.symbol}"), view.as_of / DAY_S)
    return round(min(max(68.0 + 1.6 * view.change_percent(coin.symbol, 7 * DAY_S) + luck, 8.0), 97.0), 2)


def _item(view: SourceView, coin: Coin, coin_id: str, place: int) -> dict[str, Any]:
    number = 1_000 + RANKS[coin.symbol]
    images = f"https://coin-images.coingecko.com/coins/images/{number}"
    price_btc = view.price(coin.symbol, quote="BTC")
    return {
        "id": coin_id,
        "coin_id": number,
        "name": coin.name,
        "symbol": coin.symbol,
        "market_cap_rank": RANKS[coin.symbol] if place != _TRENDING - 1 else None,
        "thumb": f"{images}/standard/{coin_id}.png",
        "small": f"{images}/small/{coin_id}.png",
        "large": f"{images}/large/{coin_id}.png",
        "slug": coin_id,
        "price_btc": significant(price_btc, 17),
        "score": place,
        "data": {
            "price": significant(view.price(coin.symbol), 15),
            "price_btc": f"{price_btc:.26f}",
            "price_change_percentage_24h": {
                currency: significant(view.change_percent(coin.symbol, quote=quote), 15)
                for currency, quote in _QUOTES.items()
            },
            "market_cap": f"${view.market_cap(coin.symbol):,.0f}",
            "market_cap_btc": f"{view.market_cap(coin.symbol, quote='BTC'):.12f}",
            "total_volume": f"${view.volume(coin.symbol):,.0f}",
            "total_volume_btc": f"{view.volume(coin.symbol, quote='BTC'):.14f}",
            "sparkline": f"https://www.coingecko.com/coins/{number}/sparkline.svg",
            "content": None,
        },
    }


def _nft(view: SourceView, name: str, place: int) -> dict[str, Any]:
    change = 20.0 * noise(noise_key(view.market.seed, f"nft/{name}"), view.as_of / DAY_S)
    slug = name.lower().replace(" ", "-")
    return {
        "id": slug,
        "name": name,
        "symbol": name.split(" ", maxsplit=1)[0].upper(),
        "thumb": f"https://coin-images.coingecko.com/nft_contracts/images/{place}/standard/{slug}.png",
        "nft_contract_id": 4_200 + place,
        "native_currency_symbol": "eth",
        "floor_price_in_native_currency": 0.5 + place,
        "floor_price_24h_percentage_change": change,
        "data": {
            "floor_price": f"{0.5 + place} ETH",
            "floor_price_in_usd_24h_percentage_change": str(change),
            "h24_volume": "12.40 ETH",
            "h24_average_sale_price": f"{0.52 + place} ETH",
            "sparkline": f"https://www.coingecko.com/nft/{4_200 + place}/sparkline.svg",
            "content": None,
        },
    }


def _category(view: SourceView, name: str, place: int) -> dict[str, Any]:
    market_cap = 4e9 * (place + 1)
    bitcoin = view.price("BTC")
    return {
        "id": 225 + place,
        "name": name,
        "market_cap_1h_change": noise(noise_key(view.market.seed, f"category/{name}"), view.as_of / 3_600.0),
        "slug": "-".join(name.lower().replace("(", "").replace(")", "").split()),
        "coins_count": str(11 + 40 * place),
        "data": {
            "market_cap": market_cap,
            "market_cap_btc": market_cap / bitcoin,
            "total_volume": market_cap * 0.1,
            "total_volume_btc": market_cap * 0.1 / bitcoin,
            "market_cap_change_percentage_24h": {
                "usd": view.change_percent("ETH"),
                "btc": view.change_percent("ETH", quote="BTC"),
            },
            "sparkline": f"https://www.coingecko.com/categories/{225 + place}/sparkline.svg",
        },
    }
