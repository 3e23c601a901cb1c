"""The providers that need a key: CryptoPanic and Whale Alert."""

import pytest

from ..world import lacking, recorded

POSTS = "/cryptopanic/api/developer/v2/posts/"
TRANSFERS = "/whale_alert/v1/transactions"


@pytest.mark.parametrize("path", [POSTS, TRANSFERS])
def test_without_a_key_there_is_nothing(world, path):
    assert world.get(path).status_code == 401


def test_posts_are_those_of_the_feeds_with_votes(world):
    body = world.json(f"{POSTS}?auth_token=key&public=true")

    assert body["count"] == len(body["results"]) == 20
    assert set(body["results"][0]) >= {"title", "url", "published_at", "source", "instruments", "votes", "kind"}
    assert len(body["results"][0]["votes"]) == 9


def test_posts_can_be_chosen_by_coin_and_mood(world):
    coins = world.json(f"{POSTS}?auth_token=key&currencies=ETH,SOL")["results"]
    assert {row["instruments"][0]["code"] for row in coins} == {"ETH", "SOL"}

    world.begin("flash_crash")
    world.clock.advance(110)
    falling = world.json(f"{POSTS}?auth_token=key&filter=bearish")["results"]
    rising = world.json(f"{POSTS}?auth_token=key&filter=bullish")["results"]
    assert not {row["id"] for row in falling} & {row["id"] for row in rising}


def test_transfers_have_the_recorded_keys_and_kinds(world):
    answer, wanted = world.json(f"{TRANSFERS}?api_key=key"), recorded("whale_alert/v1_transaction.json")
    answer["transactions"] = [row for row in answer["transactions"] if "owner" in row["from"]]

    assert lacking(answer, wanted) == []


def test_transfers_have_no_prefixes_and_known_owners(world):
    rows = world.json(f"{TRANSFERS}?api_key=key&limit=100")["transactions"]

    assert not any(row["hash"].startswith("0x") or row["from"]["address"].startswith("0x") for row in rows)
    sides = [row[side] for row in rows for side in ("from", "to")]
    assert {side["owner_type"] for side in sides} == {"exchange", "unknown"}
    assert all(("owner" in side) == (side["owner_type"] == "exchange") for side in sides)


def test_transfers_can_be_chosen_by_size_and_time(world):
    start = int(world.clock.now) - 300
    rows = world.json(f"{TRANSFERS}?api_key=key&min_value=10000000&start={start}&limit=100")["transactions"]

    assert rows
    assert all(row["amount_usd"] >= 10_000_000 and row["timestamp"] >= start - 12 for row in rows)
    nothing = world.json(f"{TRANSFERS}?api_key=key&min_value=1e15")
    assert (nothing["count"], "transactions" in nothing) == (0, False)
    assert world.get(f"{TRANSFERS}?api_key=key&limit=all").status_code == 400


@pytest.mark.parametrize("provider", ["cryptopanic", "whale_alert"])
def test_a_refused_rate_is_an_object(world, provider):
    world.begin("rate_limited", [provider])
    response = world.get(f"/{provider}/any")

    assert response.status_code == 429
    assert len(response.json) == 2
