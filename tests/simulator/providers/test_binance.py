"""Binance's wire format."""

from urllib.parse import quote

import pytest

from ..world import places, recorded, shape

TICKER = "/binance/api/v3/ticker/24hr"


def many(*pairs):
    return "symbols=" + quote("[" + ",".join(f'"{pair}"' for pair in pairs) + "]")


@pytest.mark.parametrize(("kind", "name"), [("FULL", "ticker_24hr_full"), ("MINI", "ticker_24hr_mini")])
def test_a_row_has_the_recorded_shape(world, kind, name):
    wanted = recorded(f"binance/{name}.json")[0]
    answer = world.json(f"{TICKER}?{many('BNBUSDT')}&type={kind}")

    assert shape(answer) == [shape(wanted)]
    assert list(answer[0]) == list(wanted)


def test_prices_are_texts_with_eight_places(world):
    row = world.json(f"{TICKER}?symbol=ADAUSDT")

    assert places(row["lastPrice"]) == places(row["volume"]) == places(row["quoteVolume"]) == 8
    assert places(row["priceChangePercent"]) == 3
    assert float(row["lowPrice"]) <= float(row["lastPrice"]) <= float(row["highPrice"])
    assert float(row["bidPrice"]) < float(row["askPrice"])
    assert row["count"] == row["lastId"] - row["firstId"] + 1
    assert row["closeTime"] - row["openTime"] == 86_400_000
    assert row["closeTime"] == int(world.clock.now * 1000)


def test_symbol_gives_an_object_symbols_an_array_none_gives_all(world):
    assert world.json(f"{TICKER}?symbol=BTCUSDT")["symbol"] == "BTCUSDT"
    assert [row["symbol"] for row in world.json(f"{TICKER}?{many('SOLUSDT', 'BTCUSDT')}")] == ["SOLUSDT", "BTCUSDT"]
    assert len(world.json(TICKER)) == 9


def test_one_unknown_pair_fails_the_call_with_the_recorded_body(world):
    response = world.get(f"{TICKER}?{many('BTCUSDT', 'MATICUSDT')}")

    assert response.status_code == 400
    assert response.json == recorded("binance/error_invalid_symbol.json")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("symbol=USDTUSDT", -1121),
        ("symbol=btcusdt", -1100),
        ("symbol=", -1105),
        ("symbols=" + quote('["BTCUSDT", "ETHUSDT"]'), -1100),
        ("symbols=BTCUSDT", -1100),
        (many("BTCUSDT", "BTCUSDT"), -1151),
        ("symbol=BTCUSDT&" + many("ETHUSDT"), -1128),
        ("symbol=BTCUSDT&type=TINY", -1139),
        ("symbol=BTCUSDT&limit=5", -1104),
    ],
)
def test_refusals_carry_their_code(world, query, code):
    response = world.get(f"{TICKER}?{query}")

    assert (response.status_code, response.json["code"]) == (400, code)
    assert set(response.json) == {"code", "msg"}


def test_used_weight_adds_up_and_starts_again_with_the_minute(world):
    def weight(query=""):
        return int(world.get(f"{TICKER}{query}").headers["X-MBX-USED-WEIGHT-1M"])

    assert weight("?symbol=BTCUSDT") == 2
    assert weight("?" + many("BTCUSDT", "ETHUSDT")) == 4
    assert weight() == 84
    world.clock.advance(60)
    assert weight("?symbol=BTCUSDT") == 2


def test_exchange_info_names_the_pairs_and_the_limit(world):
    body = world.json("/binance/api/v3/exchangeInfo")

    assert {entry["symbol"] for entry in body["symbols"]} == {row["symbol"] for row in world.json(TICKER)}
    assert body["rateLimits"][0]["limit"] == 6_000
    assert len(world.json("/binance/api/v3/exchangeInfo?symbol=BTCUSDT")["symbols"]) == 1
    assert world.get("/binance/api/v3/exchangeInfo?symbol=NOPE").json["code"] == -1121


def test_a_blocked_region_gets_the_recorded_body(world):
    world.begin("geo_blocked")
    response = world.get(TICKER)

    assert response.status_code == 451
    assert response.json == recorded("binance/error_451_restricted_location.json")
