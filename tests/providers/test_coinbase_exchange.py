"""Coinbase Exchange: two answers make one ticker, and one of them is enough."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.recorded import RECEIVED_AT, RECORDED_AT, answer, by_symbol, make_provider, recording
from websocket.coins import SYMBOLS
from websocket.errors import BadPayload, UnknownSymbol, UpstreamStatus
from websocket.providers.base import Answer, Budget, TickerProvider
from websocket.records import Ticker

LISTED = tuple(symbol for symbol in SYMBOLS if symbol != "USDC")


def recorded_answers(provider: TickerProvider, operation: str = "") -> list[Answer]:
    """The recorded answers to all requests, or to those of one operation."""
    return [
        answer(request, recording("coinbase_exchange", request.path.removeprefix("/products/").replace("/", "_")))
        for request in provider.ticker_requests(SYMBOLS)
        if not operation or request.operation == operation
    ]


def test_each_coin_has_two_requests_prices_first() -> None:
    """Nine coins take eighteen requests; a refresh that is cut short has prices before it has changes."""
    requests = make_provider("coinbase_exchange").ticker_requests(SYMBOLS)
    assert [request.symbols for request in requests] == [(symbol,) for symbol in LISTED * 2]
    assert [request.operation for request in requests] == ["product_ticker"] * 9 + ["product_stats"] * 9
    assert (requests[0].path, requests[9].path) == ("/products/BTC-USD/ticker", "/products/BTC-USD/stats")
    assert requests[8].path == "/products/POL-USD/ticker"


def test_both_answers_are_merged() -> None:
    """Price and time come from one answer, the price 24 h ago from the other."""
    provider = make_provider("coinbase_exchange")
    tickers = by_symbol(provider.parse_tickers(recorded_answers(provider)))
    assert set(tickers) == set(LISTED)
    bitcoin = tickers["BTC"]
    assert (bitcoin.price, bitcoin.source, bitcoin.quote) == (97412.35, "coinbase_exchange", "USD")
    assert bitcoin.source_time == pytest.approx(RECORDED_AT + 0.2107)
    assert bitcoin.received_at == RECEIVED_AT
    assert bitcoin.change_24h == pytest.approx(97412.35 - 96216.28, abs=0.02)
    assert bitcoin.change_percent_24h == pytest.approx(1.2431, abs=0.0001)
    assert (bitcoin.volume_24h, bitcoin.market_cap) == (None, None)


def test_prices_do_without_the_stats() -> None:
    """Without the second answer there is a price and a time, but no change."""
    provider = make_provider("coinbase_exchange")
    tickers = by_symbol(provider.parse_tickers(recorded_answers(provider, "product_ticker")))
    assert set(tickers) == set(LISTED)
    assert tickers["BTC"].price == 97412.35
    assert tickers["BTC"].source_time is not None
    assert (tickers["BTC"].change_24h, tickers["BTC"].change_percent_24h) == (None, None)


def test_stats_do_without_the_ticker() -> None:
    """Without the first answer the last price of the second one counts, whose time is not known."""
    provider = make_provider("coinbase_exchange")
    tickers = by_symbol(provider.parse_tickers(recorded_answers(provider, "product_stats")))
    assert tickers["BTC"].price == 97383.13
    assert tickers["BTC"].source_time is None
    assert tickers["BTC"].change_percent_24h == pytest.approx(1.2127, abs=0.001)


def merged(ticker: Any, stats: Any) -> Ticker:
    """The ticker of one coin from two payloads."""
    provider = make_provider("coinbase_exchange")
    requests = provider.ticker_requests(["BTC"])
    answers = [answer(request, payload) for request, payload in zip(requests, (ticker, stats), strict=True)]
    (found,) = provider.parse_tickers(answers)
    return found


def test_a_ticker_without_a_price_falls_back_to_the_stats() -> None:
    """The time belongs to the price of its own answer, so it does not go with another one."""
    found = merged({"price": "", "time": "2026-11-21T09:59:50Z"}, {"last": "100", "open": "80"})
    assert (found.price, found.source_time, found.change_24h, found.change_percent_24h) == (100, None, 20, 25)


@pytest.mark.parametrize("open_price", [None, "", "0", "-5", "NaN", True, [], "9" * 400])
def test_no_change_from_a_senseless_open_price(open_price: Any) -> None:
    """The price stays good when the price 24 h ago is not."""
    found = merged({"price": "100", "time": "2026-11-21T09:59:50Z"}, {"open": open_price})
    assert (found.price, found.change_24h, found.change_percent_24h) == (100, None, None)


def test_no_price_at_all_is_none() -> None:
    """Objects without a price give a ticker without one."""
    assert merged({}, {}).price is None


@pytest.mark.parametrize("payload", [None, [], "x", 5])
def test_another_shape_is_a_bad_payload(payload: Any) -> None:
    """An answer that is no object is an error that names the request."""
    with pytest.raises(BadPayload, match="coinbase_exchange product_ticker: expected"):
        merged(payload, {"open": "1"})
    with pytest.raises(BadPayload, match="coinbase_exchange product_stats: expected"):
        merged({"price": "1"}, payload)


def test_errors() -> None:
    """A product that is not found disables its coin; an error inside HTTP 200 is one; else the status decides."""
    provider = make_provider("coinbase_exchange")
    request = provider.ticker_requests(["BNB"])[0]
    error = provider.error_in(request, 404, recording("coinbase_exchange", "error_not_found"))
    assert isinstance(error, UnknownSymbol)
    assert error.symbols == ("BNB",)
    limited = recording("coinbase_exchange", "error_rate_limit")
    assert provider.error_in(request, 429, limited) is None
    assert isinstance(provider.error_in(request, 200, limited), UpstreamStatus)
    assert provider.error_in(request, 200, recording("coinbase_exchange", "BTC-USD_ticker")) is None
    assert provider.error_in(request, 404, None) is None


def test_budget() -> None:
    """Ten requests a second, and a refresh every half minute."""
    assert make_provider("coinbase_exchange").budget == Budget(per_minute=600, min_interval_s=30)
