"""CoinPaprika: one request a coin, few of them a month."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.recorded import (
    RECEIVED_AT,
    RECORDED_AT,
    answer,
    by_symbol,
    make_provider,
    only_request,
    parse,
    recording,
)
from websocket.coins import SYMBOLS
from websocket.errors import AccessRefused, BadPayload, UnknownSymbol, UpstreamStatus
from websocket.providers.base import Budget
from websocket.records import Ticker
from websocket.settings import Secret


def test_each_coin_has_its_request() -> None:
    """Ten coins take ten requests, each about one coin."""
    requests = make_provider("coinpaprika").ticker_requests(SYMBOLS)
    assert [request.symbols for request in requests] == [(symbol,) for symbol in SYMBOLS]
    assert requests[0].path == "/tickers/btc-bitcoin"
    assert requests[-1].path == "/tickers/pol-polygon-ecosystem-token"
    assert {(request.operation, request.params) for request in requests} == {("ticker", (("quotes", "USD"),))}


def test_tickers_are_parsed() -> None:
    """All ten coins come out with time, volume, market cap and change in percent."""
    provider = make_provider("coinpaprika")
    answers = [
        answer(request, recording("coinpaprika", request.path.strip("/").replace("/", "_")))
        for request in provider.ticker_requests(SYMBOLS)
    ]
    tickers = by_symbol(provider.parse_tickers(answers))
    assert set(tickers) == set(SYMBOLS)
    assert tickers["BTC"] == Ticker(
        symbol="BTC",
        source="coinpaprika",
        price=97412.35031842,
        source_time=RECORDED_AT - 10,
        received_at=RECEIVED_AT,
        change_percent_24h=1.24,
        volume_24h=38214507113.1187,
        market_cap=1945120334118.0,
    )
    assert set(by_symbol(provider.parse_tickers(answers[3:]))) == set(SYMBOLS[3:])


def test_an_answer_about_another_coin_is_left_out() -> None:
    """A price is only believed for the coin that was asked for."""
    assert parse(make_provider("coinpaprika"), recording("coinpaprika", "tickers_eth-ethereum")) == {}


@pytest.mark.parametrize("quotes", [None, [], {}, {"USD": None}, {"USD": 5}, {"EUR": {"price": 1}}])
def test_a_coin_without_dollar_quotes_is_left_out(quotes: Any) -> None:
    """Without quotes in dollars there is nothing to tell."""
    assert parse(make_provider("coinpaprika"), {"id": "btc-bitcoin", "quotes": quotes}) == {}


@pytest.mark.parametrize("payload", [None, [], "x", 5, [{"id": "btc-bitcoin"}]])
def test_another_shape_is_a_bad_payload(payload: Any) -> None:
    """An answer that is no object is an error that names the request."""
    with pytest.raises(BadPayload, match="coinpaprika ticker: expected"):
        parse(make_provider("coinpaprika"), payload)


def test_402_is_a_refusal() -> None:
    """Payment required means that asking again will not help, whatever the body says."""
    provider = make_provider("coinpaprika")
    request = only_request(provider, ["BTC"])
    for payload in (recording("coinpaprika", "error_402"), None):
        error = provider.error_in(request, 402, payload)
        assert isinstance(error, AccessRefused)
        assert "paid plan" in str(error)


def test_an_unknown_id_disables_one_coin() -> None:
    """An id that is not known speaks for its coin alone."""
    provider = make_provider("coinpaprika")
    request = only_request(provider, ["MATIC"])
    error = provider.error_in(request, 404, recording("coinpaprika", "error_404"))
    assert isinstance(error, UnknownSymbol)
    assert error.symbols == ("MATIC",)


def test_other_errors() -> None:
    """An error inside HTTP 200 is an error; with other statuses, the status decides."""
    provider = make_provider("coinpaprika")
    request, payload = only_request(provider, ["BTC"]), recording("coinpaprika", "error_429")
    assert provider.error_in(request, 429, payload) is None
    assert provider.error_in(request, 404, None) is None
    assert isinstance(provider.error_in(request, 200, payload), UpstreamStatus)
    assert provider.error_in(request, 200, recording("coinpaprika", "tickers_btc-bitcoin")) is None


def test_access_with_a_key() -> None:
    """A key goes to its own host as a bearer token."""
    provider = make_provider("coinpaprika", api_key=Secret("k-123"))
    assert provider.base_url == "https://api-pro.coinpaprika.com/v1"
    assert provider.headers() == {"Authorization": "Bearer k-123"}
    assert make_provider("coinpaprika").base_url == "https://api.coinpaprika.com/v1"


def test_budget() -> None:
    """Half an hour between refreshes, so that the month's calls last."""
    assert make_provider("coinpaprika").budget == Budget(per_minute=60, per_month=20_000, min_interval_s=1800)
