"""Kraken's wire format."""

import pytest

from ..world import START, places, recorded, shape

TICKER = "/kraken/0/public/Ticker"


def text_places(value):
    """Gives the decimal places of every text in a row, structure kept."""
    if isinstance(value, list):
        return [text_places(item) for item in value]
    return places(value) if isinstance(value, str) else None


def test_all_pairs_have_the_recorded_shape_and_decimal_places(world):
    wanted = recorded("kraken/ticker_assetversion1.json")
    answer = world.json(f"{TICKER}?assetVersion=1")

    assert shape(answer) == shape(wanted)
    for pair, row in wanted["result"].items():
        for key, value in row.items():
            assert text_places(answer["result"][pair][key]) == text_places(value), (pair, key)


def test_a_legacy_answer_has_the_recorded_shape(world):
    assert shape(world.json(f"{TICKER}?pair=XBTUSD")) == shape(recorded("kraken/ticker_legacy_keys.json"))


@pytest.mark.parametrize("spelling", ["XBTUSD", "XXBTZUSD", "BTC/USD", "BTCUSD"])
def test_a_pair_has_several_spellings_and_the_version_decides_the_key(world, spelling):
    assert list(world.json(f"{TICKER}?pair={spelling}")["result"]) == ["XXBTZUSD"]
    assert list(world.json(f"{TICKER}?pair={spelling}&assetVersion=1")["result"]) == ["BTC/USD"]


def test_legacy_keys(world):
    keys = list(world.json(f"{TICKER}?pair=ETHUSD,SOLUSD,XRPUSD,USDTUSD")["result"])

    assert keys == ["XETHZUSD", "SOLUSD", "XXRPZUSD", "USDTZUSD"]


@pytest.mark.parametrize("pair", ["NOPE", "BTC/USD,MATIC/USD"])
def test_an_unknown_pair_fails_the_call_inside_a_200(world, pair):
    assert world.json(f"{TICKER}?pair={pair}") == {"error": ["EQuery:Unknown asset pair"]}


def test_a_wrong_version_is_refused_inside_a_200(world):
    assert world.json(f"{TICKER}?assetVersion=2")["error"] == ["EGeneral:Invalid arguments:assetVersion"]


def test_the_open_is_that_of_midnight_and_the_first_of_two_is_today(world):
    row = world.json(f"{TICKER}?pair=BTC/USD&assetVersion=1")["result"]["BTC/USD"]
    midnight = START // 86_400 * 86_400

    assert float(row["o"]) == pytest.approx(world.market.price("BTC", midnight), rel=0.0003)
    assert float(row["v"][0]) < float(row["v"][1])
    assert row["t"][0] < row["t"][1]
    assert float(row["l"][1]) <= float(row["l"][0]) <= float(row["c"][0]) <= float(row["h"][0]) <= float(row["h"][1])
    assert float(row["b"][0]) < float(row["a"][0])


def test_midnight_itself_is_answered(world):
    world.clock.now = START // 86_400 * 86_400

    assert float(world.json(f"{TICKER}?pair=XBTUSD")["result"]["XXBTZUSD"]["p"][0]) > 0
