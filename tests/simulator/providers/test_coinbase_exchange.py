"""Coinbase Exchange's wire format."""

import pytest

from ..world import recorded, shape

PRODUCTS = "/coinbase_exchange/products"


@pytest.mark.parametrize(("kind", "name"), [("ticker", "product_ticker"), ("stats", "product_stats")])
def test_answers_have_the_recorded_shape(world, kind, name):
    wanted = recorded(f"coinbase_exchange/{name}.json")
    answer = world.json(f"{PRODUCTS}/BTC-USD/{kind}")

    assert shape(answer) == shape(wanted)
    assert list(answer) == list(wanted)


@pytest.mark.parametrize("kind", ["ticker", "stats"])
@pytest.mark.parametrize("product", ["USDC-USD", "BTC-EUR", "btc-usd"])
def test_unknown_products_are_not_found(world, kind, product):
    response = world.get(f"{PRODUCTS}/{product}/{kind}")

    assert (response.status_code, response.json) == (404, {"message": "NotFound"})


def test_numbers_are_texts_and_the_open_is_a_day_old(world):
    stats = world.json(f"{PRODUCTS}/ETH-USD/stats")
    ticker = world.json(f"{PRODUCTS}/ETH-USD/ticker")

    assert all(isinstance(value, str) for value in stats.values())
    assert isinstance(ticker["trade_id"], int)
    assert float(stats["open"]) == pytest.approx(world.market.price("ETH", world.clock.now - 86_400), rel=0.0003)
    assert float(stats["low"]) <= float(stats["last"]) <= float(stats["high"])
    assert stats["last"] == ticker["price"]
    assert float(ticker["bid"]) < float(ticker["ask"])


def test_a_client_without_a_name_is_refused(world):
    response = world.get(f"{PRODUCTS}/BTC-USD/ticker", user_agent="")

    assert response.status_code == 400
    assert set(response.json) == {"message"}
