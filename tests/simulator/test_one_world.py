"""All sources tell of one market."""

import json

import pytest

from simulator.coins import MAIN_SYMBOLS
from simulator.providers import binance, coinbase_exchange, coingecko, coinlore, coinpaprika
from simulator.providers.base import find_providers

from .world import World


def prices_usd(world, symbol):
    """Gives the price of a coin at every source which has it; Binance counted back from USDT."""
    found = {}
    gecko = {coin: coin_id for coin_id, coin in coingecko.IDS.items()}[symbol]
    lore = {coin: coin_id for coin_id, coin in coinlore.IDS.items()}[symbol]
    paprika = {coin: coin_id for coin_id, coin in coinpaprika.IDS.items()}[symbol]
    simple = world.json(f"/coingecko/api/v3/simple/price?ids={gecko}&vs_currencies=usd&precision=full")
    found["coingecko"] = simple[gecko]["usd"]
    found["coinlore"] = world.json(f"/coinlore/api/ticker/?id={lore}")[0]["price_usd"]
    found["coinpaprika"] = world.json(f"/coinpaprika/v1/tickers/{paprika}")["quotes"]["USD"]["price"]
    kraken = world.json(f"/kraken/0/public/Ticker?pair={symbol}/USD&assetVersion=1")
    found["kraken"] = kraken["result"][f"{symbol}/USD"]["c"][0]
    if f"{symbol}-USD" in coinbase_exchange._BASE_BY_PRODUCT:
        found["coinbase_exchange"] = world.json(f"/coinbase_exchange/products/{symbol}-USD/ticker")["price"]
    if f"{symbol}USDT" in binance._BASE_BY_PAIR:
        row = world.json(f"/binance/api/v3/ticker/24hr?symbol={symbol}USDT")
        found["binance"] = float(row["lastPrice"]) * world.market.price("USDT", world.clock.now)
    return {source: float(price) for source, price in found.items()}


@pytest.mark.parametrize("symbol", MAIN_SYMBOLS)
@pytest.mark.parametrize("later_s", [0, 17, 26, 40_000, 1_000_000])
def test_sources_agree_within_three_tenths_of_a_percent(world, symbol, later_s):
    world.clock.advance(later_s)
    prices = prices_usd(world, symbol)

    assert max(prices.values()) / min(prices.values()) < 1.003
    assert len(prices) >= 5


def test_sources_do_not_agree_to_the_digit(world):
    prices = prices_usd(world, "BTC")

    assert len({round(price, 1) for price in prices.values()}) == len(prices)


def test_the_day_changes_agree(world):
    gecko = world.json("/coingecko/api/v3/simple/price?ids=bitcoin&vs_currencies=usd&include_24hr_change=true")
    row = world.json("/binance/api/v3/ticker/24hr?symbol=BTCUSDT")
    stats = world.json("/coinbase_exchange/products/BTC-USD/stats")
    changes = [
        gecko["bitcoin"]["usd_24h_change"],
        float(row["priceChangePercent"]),
        (float(stats["last"]) / float(stats["open"]) - 1) * 100,
        float(world.json("/coinlore/api/ticker/?id=90")[0]["percent_change_24h"]),
    ]

    assert max(changes) - min(changes) < 0.3


def test_binance_prices_rise_when_usdt_falls_and_the_others_stay(world):
    before = world.json("/binance/api/v3/ticker/24hr?symbol=BTCUSDT")["lastPrice"]
    world.begin("depeg")
    world.clock.advance(3)

    after = world.json("/binance/api/v3/ticker/24hr?symbol=BTCUSDT")["lastPrice"]
    tether = world.json("/coinbase_exchange/products/USDT-USD/ticker")["price"]

    assert float(after) / float(before) == pytest.approx(1 / 0.9, rel=0.003)
    assert float(tether) == pytest.approx(0.9, rel=0.001)


def test_a_pinned_price_shows_everywhere_at_once(world):
    world.market.pin({"BTC": 50_000.0})

    assert all(price == pytest.approx(50_000, rel=0.001) for price in prices_usd(world, "BTC").values())


def test_caching_sources_step_and_the_others_move_on(world):
    def gecko():
        return world.json(
            "/coingecko/api/v3/simple/price?ids=bitcoin&vs_currencies=usd&precision=full&include_last_updated_at=true"
        )["bitcoin"]

    first, live = gecko(), prices_usd(world, "BTC")["kraken"]
    world.clock.advance(20)
    assert gecko() == first
    assert prices_usd(world, "BTC")["kraken"] != live

    world.clock.advance(10)
    assert gecko()["last_updated_at"] == first["last_updated_at"] + 30
    assert gecko()["usd"] != first["usd"]


def test_the_cache_can_be_switched_off():
    world = World(refresh_s=0)
    world.clock.now = 1_795_289_017.0
    body = world.json("/coingecko/api/v3/simple/price?ids=bitcoin&vs_currencies=usd&include_last_updated_at=true")

    assert body["bitcoin"]["last_updated_at"] == 1_795_289_017


def test_equal_seeds_give_equal_answers_and_other_seeds_do_not():
    def answers(seed):
        return World(seed=seed).get("/kraken/0/public/Ticker").text

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)


def test_the_registry_finds_every_provider_by_its_file():
    assert list(find_providers()) == [
        "alternative_me",
        "binance",
        "blockchain_info",
        "blockchair",
        "blockcypher",
        "blockscout",
        "blockstream",
        "coinbase_exchange",
        "coingecko",
        "coinlore",
        "coinmetrics",
        "coinpaprika",
        "cryptopanic",
        "defillama",
        "etherscan",
        "huggingface",
        "huggingface_inference",
        "json_rpc",
        "kraken",
        "mempool_space",
        "rss",
        "whale_alert",
    ]


@pytest.mark.parametrize("provider", [name for name in find_providers() if name != "json_rpc"])
def test_unknown_paths_and_methods_are_refused_in_the_providers_own_form(world, provider):
    unknown = world.get(f"/{provider}/nothing/here")
    posted = world.client.post(f"/{provider}/nothing/here", headers={"User-Agent": "tests"})

    # one of them answers nothing but POST
    assert {unknown.status_code, posted.status_code} == {404, 405}
    for refused in (unknown, posted):
        if provider in ("blockstream", "mempool_space"):
            assert refused.content_type.startswith("text/plain")
        elif provider == "rss":
            assert refused.content_type.startswith("text/html")
        else:
            assert json.loads(refused.text)


def test_an_unknown_provider_is_named_together_with_the_known_ones(world):
    response = world.get("/nobody/api")

    assert response.status_code == 404
    assert "/kraken" in response.json["error"]
    assert "/nobody/api" in response.json["error"]
