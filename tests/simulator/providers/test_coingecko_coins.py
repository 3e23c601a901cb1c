"""CoinGecko beyond prices: what is searched for, and the page of a coin."""

import pytest

from ..world import lacking, recorded

SLIM = "localization=false&tickers=false&market_data=false&community_data=false&developer_data=false&sparkline=false"
TRENDING = "/coingecko/api/v3/search/trending"
COIN = "/coingecko/api/v3/coins/bitcoin"


def test_trending_has_the_recorded_keys_and_kinds(world):
    wanted = recorded("coingecko/search_trending.json")
    for group in ("coins", "categories"):
        change = wanted[group][0].get("item", wanted[group][0])["data"]
        for key in ("price_change_percentage_24h", "market_cap_change_percentage_24h"):
            if key in change:
                change[key] = {"usd": change[key]["usd"], "btc": change[key]["btc"]}

    assert lacking(world.json(TRENDING), wanted) == []


def test_trending_ranks_fifteen_coins_and_changes_every_ten_minutes(world):
    coins = [entry["item"] for entry in world.json(TRENDING)["coins"]]
    assert [coin["score"] for coin in coins] == list(range(15))
    assert len({coin["id"] for coin in coins}) == 15
    assert coins[-1]["market_cap_rank"] is None
    assert all(coin["data"]["market_cap"].startswith("$") for coin in coins)

    world.clock.advance(1_200)
    assert [entry["item"]["id"] for entry in world.json(TRENDING)["coins"]] != [coin["id"] for coin in coins]


def test_a_slim_page_has_the_recorded_keys_and_kinds(world):
    answer = world.json(f"{COIN}?{SLIM}")
    wanted = recorded("coingecko/coins_bitcoin_slim.json")
    del wanted["links"]

    assert lacking(answer, wanted) == []
    assert list(answer) == [*list(wanted)[:14], "links", *list(wanted)[14:]]


def test_votes_add_up_and_follow_the_week(world):
    page = world.json(f"{COIN}?{SLIM}")

    assert page["sentiment_votes_up_percentage"] + page["sentiment_votes_down_percentage"] == pytest.approx(100)
    before = page["sentiment_votes_up_percentage"]
    world.begin("flash_crash")
    world.clock.advance(30)
    assert world.json(f"{COIN}?{SLIM}")["sentiment_votes_up_percentage"] < before - 20


def test_blocks_are_there_unless_switched_off(world):
    blocks = {"localization", "tickers", "market_data", "community_data", "developer_data"}
    page = world.json(COIN)

    assert blocks <= set(page)
    assert not blocks & set(world.json(f"{COIN}?{SLIM}"))
    assert page["community_data"]["facebook_likes"] is None
    assert page["market_data"]["current_price"]["usd"] == pytest.approx(
        world.market.price("BTC", world.clock.now), rel=0.01
    )


def test_an_unknown_coin_is_not_found(world):
    response = world.get("/coingecko/api/v3/coins/nonsense")

    assert (response.status_code, response.json) == (404, {"error": "coin not found"})
