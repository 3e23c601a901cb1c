"""CoinPaprika's wire format."""

import pytest

from ..world import recorded, shape

TICKERS = "/coinpaprika/v1/tickers"


def test_a_ticker_has_the_recorded_shape(world):
    wanted = recorded("coinpaprika/tickers_btc.json")
    answer = world.json(f"{TICKERS}/btc-bitcoin?quotes=USD")

    assert shape(answer) == shape(wanted)
    assert list(answer["quotes"]["USD"]) == list(wanted["quotes"]["USD"])


def test_the_list_holds_the_same_rows(world):
    rows = {row["id"]: row for row in world.json(TICKERS)}

    assert rows["usdc-usd-coin"] == world.json(f"{TICKERS}/usdc-usd-coin")
    assert rows["pol-polygon-ecosystem-token"]["symbol"] == "POL"
    assert len(rows) > 40
    assert [row["rank"] for row in rows.values()] == list(range(1, len(rows) + 1))


def test_quotes_are_honoured(world):
    quotes = world.json(f"{TICKERS}/eth-ethereum?quotes=USD,btc")["quotes"]

    assert list(quotes) == ["USD", "BTC"]
    assert quotes["BTC"]["price"] < 1 < quotes["USD"]["price"]


def test_no_maximum_supply_is_zero(world):
    assert world.json(f"{TICKERS}/eth-ethereum")["max_supply"] == 0


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/nothing", 404, "id not found"),
        ("/matic-polygon", 404, "id not found"),
        ("/btc-bitcoin?quotes=MOON", 400, "invalid parameters"),
        ("?quotes=,", 400, "invalid parameters"),
    ],
)
def test_refusals(world, path, status, message):
    response = world.get(TICKERS + path)

    assert (response.status_code, response.json) == (status, {"error": message})


def test_the_source_time_is_that_of_the_last_refresh(world):
    first = world.json(f"{TICKERS}/btc-bitcoin")
    world.clock.advance(15)
    assert world.json(f"{TICKERS}/btc-bitcoin") == first

    world.clock.advance(15)
    assert world.json(f"{TICKERS}/btc-bitcoin")["last_updated"] > first["last_updated"]
