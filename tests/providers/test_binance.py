"""Binance: prices in USDT, two kinds of rows, and errors for a whole request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.providers.recorded import RECEIVED_AT, RECORDED_AT, make_provider, only_request, parse, recording
from websocket.coins import SYMBOLS
from websocket.errors import AccessRefused, BadPayload, RateLimited, UnknownSymbol
from websocket.providers.base import Budget

LISTED = tuple(symbol for symbol in SYMBOLS if symbol != "USDT")


def test_all_coins_are_asked_for_at_once() -> None:
    """The list is JSON without spaces, USDT is not in it, and the request has its weight."""
    request = only_request(make_provider("binance"))
    ((key, symbols),) = request.params
    assert (request.path, request.symbols, request.cost, key) == ("/api/v3/ticker/24hr", LISTED, 2, "symbols")
    assert symbols.startswith('["BTCUSDT","ETHUSDT",')
    assert json.loads(symbols)[-1] == "POLUSDT"
    assert "MATICUSDT" not in symbols
    assert list(make_provider("binance").ticker_requests(["USDT"])) == []


def test_full_rows_are_parsed() -> None:
    """All nine coins come out in USDT, with the exchange's own changes and time."""
    tickers = parse(make_provider("binance"), recording("binance", "ticker_24hr_full"))
    assert set(tickers) == set(LISTED)
    assert {ticker.quote for ticker in tickers.values()} == {"USDT"}
    bitcoin = tickers["BTC"]
    assert (bitcoin.price, bitcoin.source) == (97428.91, "binance")
    assert (bitcoin.change_24h, bitcoin.change_percent_24h) == (1196.27, 1.243)
    assert (bitcoin.source_time, bitcoin.received_at) == (RECORDED_AT, RECEIVED_AT)
    assert tickers["ETH"].source_time == pytest.approx(RECORDED_AT + 0.017)


def test_volume_is_not_given() -> None:
    """The exchange knows its own turnover only, which is not the coin's."""
    tickers = parse(make_provider("binance"), recording("binance", "ticker_24hr_full"))
    assert {(ticker.volume_24h, ticker.market_cap) for ticker in tickers.values()} == {(None, None)}


def test_mini_rows_give_the_same() -> None:
    """Rows without changes give them too, computed from the price 24 h ago."""
    provider = make_provider("binance")
    full = parse(provider, recording("binance", "ticker_24hr_full"))
    mini = parse(provider, recording("binance", "ticker_24hr_mini"))
    assert set(mini) == set(full)
    for symbol, ticker in mini.items():
        assert ticker.price == full[symbol].price
        assert ticker.change_24h == pytest.approx(full[symbol].change_24h, abs=1e-9)
        assert ticker.change_percent_24h == pytest.approx(full[symbol].change_percent_24h, abs=0.0006)


@pytest.mark.parametrize("payload", [None, {}, "x", recording("binance", "error_invalid_symbol")])
def test_another_shape_is_a_bad_payload(payload: Any) -> None:
    """An answer that is no list is an error that names the request."""
    with pytest.raises(BadPayload, match="binance ticker_24hr: expected"):
        parse(make_provider("binance"), payload)


def test_single_junk_rows_are_left_out() -> None:
    """A row that is no object, or a second one about a coin, costs nothing but itself."""
    rows = [7, {"symbol": "BTCUSDT", "lastPrice": "1"}, {"symbol": "BTCUSDT", "lastPrice": "2"}, {"symbol": "BNBBTC"}]
    tickers = parse(make_provider("binance"), rows)
    assert {symbol: ticker.price for symbol, ticker in tickers.items()} == {"BTC": 1.0}


def test_junk_fields_are_unknown() -> None:
    """Values that are no finite numbers become None, one by one; negative ones pass."""
    row = {
        "symbol": "BTCUSDT",
        "lastPrice": "-4.5",
        "priceChange": "NaN",
        "priceChangePercent": True,
        "openPrice": "Infinity",
        "closeTime": "9" * 400,
    }
    ticker = parse(make_provider("binance"), [row])["BTC"]
    assert ticker.price == -4.5
    assert (ticker.change_24h, ticker.change_percent_24h, ticker.source_time) == (None, None, None)


def test_one_invalid_symbol_is_reported_with_all_that_were_asked() -> None:
    """The exchange does not say which symbol it is, so all are named."""
    provider = make_provider("binance")
    request = only_request(provider)
    error = provider.error_in(request, 400, recording("binance", "error_invalid_symbol"))
    assert isinstance(error, UnknownSymbol)
    assert (error.symbols, error.status) == (LISTED, 400)


def test_a_restricted_location_is_a_refusal() -> None:
    """451 will not go away by asking again, whatever the body."""
    provider = make_provider("binance")
    for payload in (recording("binance", "error_restricted_location"), None):
        error = provider.error_in(only_request(provider), 451, payload)
        assert isinstance(error, AccessRefused)
        assert error.status == 451


def test_too_much_weight_is_a_rate_limit_but_a_ban_is_not() -> None:
    """The same code comes with a ban (418), which the status decides as a refusal."""
    provider = make_provider("binance")
    request = only_request(provider)
    assert isinstance(provider.error_in(request, 429, recording("binance", "error_too_much_weight")), RateLimited)
    assert provider.error_in(request, 418, recording("binance", "error_banned")) is None


def test_what_is_no_error_is_none() -> None:
    """A normal answer, or a status that speaks for itself, is left alone."""
    provider = make_provider("binance")
    assert provider.error_in(only_request(provider), 200, recording("binance", "ticker_24hr_full")) is None
    assert provider.error_in(only_request(provider), 503, None) is None


def test_budget() -> None:
    """The published weight a minute, and a look every ten seconds."""
    assert make_provider("binance").budget == Budget(per_minute=6000, min_interval_s=10)
