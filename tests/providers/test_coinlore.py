"""CoinLore: strings, rows without time, and the id that must be looked up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.recorded import RECEIVED_AT, answer, by_symbol, make_provider, only_request, parse, recording
from websocket.coins import SYMBOLS
from websocket.errors import BadPayload
from websocket.providers.base import Budget, TickerProvider
from websocket.records import Ticker

KNOWN = tuple(symbol for symbol in SYMBOLS if symbol != "MATIC")


def look_up(provider: TickerProvider, page: Any) -> dict[str, Ticker]:
    """Answers the lookup request, if there is one, with this page."""
    return by_symbol(provider.parse_tickers([answer(only_request(provider, ["MATIC"]), page)]))


def polygon_row(**changes: Any) -> dict[str, Any]:
    """The row of Polygon's token, changed."""
    return {"id": "177202", "symbol": "POL", "name": "Polygon", "price_usd": "0.21846", **changes}


def test_known_coins_are_asked_for_by_id() -> None:
    """The nine known ids go into one request; nothing is looked up unless Polygon's token is asked for."""
    request = only_request(make_provider("coinlore"), KNOWN)
    assert (request.operation, request.path, request.symbols) == ("ticker", "/api/ticker/", KNOWN)
    assert request.params == (("id", "90,80,2710,257,48543,45219,518,33285,58"),)


def test_tickers_are_parsed() -> None:
    """Strings become numbers; rows without a time are dated as old as they can be; there is no absolute change."""
    tickers = parse(make_provider("coinlore"), recording("coinlore", "ticker"))
    assert set(tickers) == set(KNOWN)
    assert tickers["BTC"] == Ticker(
        symbol="BTC",
        source="coinlore",
        price=97412.35,
        source_time=RECEIVED_AT - 60,
        received_at=RECEIVED_AT,
        change_percent_24h=1.24,
        volume_24h=38214507113.0,
        market_cap=1945120334118.0,
    )


def test_empty_strings_are_unknown() -> None:
    """An empty string is a null, not a zero, and does not cost the price."""
    ether = parse(make_provider("coinlore"), recording("coinlore", "ticker_gaps"))["ETH"]
    assert (ether.price, ether.change_percent_24h, ether.volume_24h, ether.market_cap) == (3318.47, None, None, None)


def test_polygon_is_looked_up_page_by_page() -> None:
    """Polygon's token is looked for in the first hundred coins, then in the second, then from the start again."""
    provider = make_provider("coinlore")
    starts = []
    for _ in range(3):
        request = only_request(provider, ["MATIC"])
        starts.append(dict(request.params))
        assert (request.operation, request.path, request.symbols) == ("tickers", "/api/tickers/", ("MATIC",))
        assert look_up(provider, recording("coinlore", "tickers_first_page")) == {}
    assert [params["start"] for params in starts] == ["0", "100", "0"]
    assert {params["limit"] for params in starts} == {"100"}


def test_polygon_is_found_by_symbol_and_name() -> None:
    """Another coin with the same symbol is not taken for it; numbers of the list may be JSON numbers."""
    tickers = look_up(make_provider("coinlore"), recording("coinlore", "tickers_second_page"))
    assert set(tickers) == {"MATIC"}
    assert tickers["MATIC"].price == 0.21846
    assert tickers["MATIC"].volume_24h == pytest.approx(88410227.4471)


def test_a_learned_id_is_used_from_then_on() -> None:
    """Once found, Polygon's token is asked for like any other coin."""
    provider = make_provider("coinlore")
    look_up(provider, recording("coinlore", "tickers_second_page"))
    request = only_request(provider)
    assert request.symbols == SYMBOLS
    assert request.params[0][1].endswith(",177202")
    tickers = parse(provider, recording("coinlore", "ticker_all"))
    assert set(tickers) == set(SYMBOLS)
    assert tickers["MATIC"].price == 0.21846


def test_what_one_instance_learned_is_its_own() -> None:
    """The id is kept on the instance, so another instance looks for itself."""
    look_up(make_provider("coinlore"), recording("coinlore", "tickers_second_page"))
    assert len(make_provider("coinlore").ticker_requests(SYMBOLS)) == 2


@pytest.mark.parametrize("name", ["Polygon", "POL (ex-MATIC)", "Polygon Ecosystem Token", "pol"])
def test_names_of_polygon(name: str) -> None:
    """The token goes by several names."""
    assert set(look_up(make_provider("coinlore"), {"data": [polygon_row(name=name)]})) == {"MATIC"}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Proof Of Liquidity"},
        {"name": None},
        {"name": "Polar"},
        {"symbol": "WPOL"},
        {"id": "90"},
        {"id": "1&limit=9"},
        {"id": ""},
        {"id": 177202.5},
        {"id": "9" * 400},
    ],
)
def test_what_is_not_polygon_is_not_learned(changes: dict[str, Any]) -> None:
    """Another name, another coin's id, or an id that is not fit for a request: looked for further."""
    provider = make_provider("coinlore")
    assert look_up(provider, {"data": [polygon_row(**changes)]}) == {}
    assert only_request(provider, ["MATIC"]).operation == "tickers"


def test_both_answers_together() -> None:
    """The lookup and the known coins come in one go; each coin comes out once."""
    provider = make_provider("coinlore")
    ticker, tickers = provider.ticker_requests(SYMBOLS)
    answers = [
        answer(ticker, recording("coinlore", "ticker")),
        answer(tickers, recording("coinlore", "tickers_second_page")),
    ]
    assert set(by_symbol(provider.parse_tickers(answers))) == set(SYMBOLS)


@pytest.mark.parametrize("payload", [None, {}, "", 5, {"data": []}])
def test_another_shape_is_a_bad_payload(payload: Any) -> None:
    """The ticker endpoint answers with a list, or the answer is worth nothing."""
    with pytest.raises(BadPayload, match="coinlore ticker: expected"):
        parse(make_provider("coinlore"), payload)


@pytest.mark.parametrize("payload", [None, [], {}, {"data": {}}, {"data": None}])
def test_another_shape_of_the_list_is_a_bad_payload(payload: Any) -> None:
    """The list of coins is an object with a list in it."""
    with pytest.raises(BadPayload, match="coinlore tickers: expected"):
        look_up(make_provider("coinlore"), payload)


def test_single_junk_rows_are_left_out() -> None:
    """A row that is no object, or about no coin of ours, costs nothing but itself."""
    rows = [None, 1, {"id": "90", "price_usd": "1"}, {"id": "90", "price_usd": "2"}, {"id": 80}, {"id": "7"}]
    tickers = parse(make_provider("coinlore"), rows)
    assert {symbol: ticker.price for symbol, ticker in tickers.items()} == {"BTC": 1.0}


def test_budget() -> None:
    """One request a second, one refresh a minute."""
    assert make_provider("coinlore").budget == Budget(per_minute=60, min_interval_s=60)
