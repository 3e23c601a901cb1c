"""Kraken: two kinds of names, and errors inside of HTTP 200."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.recorded import RECEIVED_AT, make_provider, only_request, parse, recording
from websocket.coins import SYMBOLS
from websocket.errors import AccessRefused, BadPayload, RateLimited, UnknownSymbol, UpstreamStatus
from websocket.providers.base import Budget
from websocket.records import Ticker


def test_all_coins_are_asked_for_at_once() -> None:
    """One request brings ten dollar pairs under their new names."""
    request = only_request(make_provider("kraken"))
    assert (request.operation, request.path, request.symbols) == ("ticker", "/0/public/Ticker", SYMBOLS)
    params = dict(request.params)
    assert params["assetVersion"] == "1"
    assert params["pair"].split(",")[0] == "BTC/USD"
    assert params["pair"].split(",")[-1] == "POL/USD"


@pytest.mark.parametrize("name", ["ticker", "ticker_legacy_keys"])
def test_tickers_are_parsed(name: str) -> None:
    """The last trade is the price; changes, time and volume are not known, under new names and old ones."""
    tickers = parse(make_provider("kraken"), recording("kraken", name))
    assert set(tickers) == set(SYMBOLS)
    assert tickers["BTC"] == Ticker(
        symbol="BTC", source="kraken", price=97412.35, source_time=None, received_at=RECEIVED_AT
    )
    assert tickers["MATIC"].price == 0.21846


def test_a_warning_is_no_error() -> None:
    """Warnings come in the same list as errors, and the result is good."""
    provider, payload = make_provider("kraken"), recording("kraken", "ticker_with_warning")
    assert provider.error_in(only_request(provider), 200, payload) is None
    assert set(parse(provider, payload)) == {"BTC"}


@pytest.mark.parametrize("row", [{}, {"c": []}, {"c": None}, {"c": {}}, {"c": "97412"}, {"c": [None]}, {"c": [True]}])
def test_a_pair_without_a_last_trade_has_no_price(row: Any) -> None:
    """A row that lacks its price says so with None."""
    assert parse(make_provider("kraken"), {"error": [], "result": {"BTC/USD": row}})["BTC"].price is None


def test_single_junk_rows_are_left_out() -> None:
    """A row that is no object, another pair, or a pair under both of its names costs nothing but itself."""
    result = {"ETH/USD": 5, "DOGE/USD": {"c": ["1"]}, "BTC/USD": {"c": ["1"]}, "XXBTZUSD": {"c": ["2"]}}
    tickers = parse(make_provider("kraken"), {"error": [], "result": result})
    assert {symbol: ticker.price for symbol, ticker in tickers.items()} == {"BTC": 1.0}


@pytest.mark.parametrize("payload", [None, [], "x", {}, {"error": []}, {"error": [], "result": []}])
def test_another_shape_is_a_bad_payload(payload: Any) -> None:
    """An answer without an object of results is an error that names the request."""
    with pytest.raises(BadPayload, match="kraken ticker: expected"):
        parse(make_provider("kraken"), payload)


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("error_unknown_pair", UnknownSymbol, 404),
        ("error_too_many_requests", RateLimited, 429),
        ("error_rate_limit", RateLimited, 429),
        ("error_lockout", RateLimited, 429),
        ("error_unavailable", UpstreamStatus, 503),
        ("error_busy", UpstreamStatus, 503),
        ("error_internal", UpstreamStatus, 500),
        ("error_permission_denied", AccessRefused, 403),
        ("error_invalid_arguments", UpstreamStatus, 400),
    ],
)
def test_errors_inside_of_a_success_are_translated(name: str, kind: type[UpstreamStatus], status: int) -> None:
    """HTTP 200 with an error in the list is the error that it says."""
    provider, payload = make_provider("kraken"), recording("kraken", name)
    error = provider.error_in(only_request(provider), 200, payload)
    assert type(error) is kind
    assert error.status == status
    assert payload["error"][0] in str(error)


def test_an_unknown_pair_is_reported_with_all_that_were_asked() -> None:
    """The exchange does not say which pair it is, so all are named."""
    provider = make_provider("kraken")
    error = provider.error_in(only_request(provider, ["BTC", "BNB"]), 200, recording("kraken", "error_unknown_pair"))
    assert isinstance(error, UnknownSymbol)
    assert error.symbols == ("BTC", "BNB")


def test_what_an_error_says_is_quoted_and_short() -> None:
    """Foreign text goes into our logs in one line of limited length."""
    provider = make_provider("kraken")
    error = provider.error_in(only_request(provider), 200, {"error": ["E:\n" + "x" * 5000]})
    assert error is not None
    assert "\n" not in str(error)
    assert len(str(error)) < 200


@pytest.mark.parametrize("payload", [None, [], {}, {"error": []}, {"error": [None, 5]}, {"error": 5}])
def test_what_is_no_error_is_none(payload: Any) -> None:
    """An empty or strange list of errors leaves the judgement to the status and the parser."""
    provider = make_provider("kraken")
    assert provider.error_in(only_request(provider), 200, payload) is None


def test_budget() -> None:
    """One request a second, and a look every ten seconds."""
    assert make_provider("kraken").budget == Budget(per_minute=60, min_interval_s=10)
