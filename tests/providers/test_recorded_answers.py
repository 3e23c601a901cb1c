"""Every answer in the folder of fixtures next to this repository, where there is one.

The fixtures are answers that somebody else recorded or that the providers' documentation shows. Each file is parsed to
what it should give, translated to the error that it is, or named as one that is not ours to read, with the reason. They
are in ``../shared/fixtures``, or where ``DWT_FIXTURES`` says. Those of prices are here, the others in
``test_recorded_services``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.providers.recorded import answer, by_symbol, make_provider
from websocket.errors import AccessRefused, RateLimited, UnknownSymbol, UpstreamError
from websocket.providers.base import Request, TickerProvider, parse_iso_time
from websocket.records import Ticker

FIXTURES = Path(os.environ.get("DWT_FIXTURES") or Path(__file__).parents[3] / "shared" / "fixtures")

TICKERS: dict[str, tuple[dict[str, str], str, dict[str, float]]] = {
    "binance/ticker_24hr_full.json": ({}, "ticker_24hr", {}),
    "binance/ticker_24hr_mini.json": ({}, "ticker_24hr", {}),
    "coinbase_exchange/product_stats.json": ({}, "product_stats", {"BTC": 83233.97}),
    "coinbase_exchange/product_ticker.json": ({}, "product_ticker", {"BTC": 83127.85}),
    "coingecko/coins_markets.json": ({"endpoint": "coins_markets"}, "coins_markets", {"BTC": 70187}),
    "coingecko/simple_price.json": ({}, "simple_price", {"BTC": 67187.3358936566}),
    "coingecko/simple_price_minimal.json": ({}, "simple_price", {"BTC": 88927, "BNB": 594.59}),
    "coinlore/ticker.json": ({}, "ticker", {"BTC": 23864.25}),
    "coinlore/tickers.json": ({}, "tickers", {}),
    "coinpaprika/tickers_btc.json": ({}, "ticker", {"BTC": 104504.64368286531}),
    "kraken/ticker_assetversion1.json": (
        {},
        "ticker",
        {
            "BTC": 65670.3, "ETH": 1926.82, "SOL": 77.51, "ADA": 0.173885, "DOT": 0.8187, "XRP": 1.1339,
            "USDT": 0.99937, "USDC": 0.9999, "BNB": 569.42, "MATIC": 0.07887,
        },
    ),
    "kraken/ticker_legacy_keys.json": ({}, "ticker", {"BTC": 30303.2}),
}  # fmt: skip
"""File to settings, operation that it answers, and prices. Markets and coins that are not ours give nothing."""

ERRORS: dict[str, tuple[int, type[UpstreamError]]] = {
    "binance/error_451_restricted_location.json": (451, AccessRefused),
    "binance/error_invalid_symbol.json": (400, UnknownSymbol),
    "coingecko/error_429.json": (429, RateLimited),
}
"""File to the HTTP status that it came with, and our error."""

needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="there is no folder of fixtures next to this one")


def load(name: str) -> Any:
    """The decoded body of a fixture; the test is skipped when the folder does not have it."""
    path = FIXTURES / name
    if not path.is_file():
        pytest.skip(f"no fixture {name}")
    return json.loads(path.read_text())


def request_for(provider: TickerProvider, operation: str) -> Request:
    """The provider's request for Bitcoin and Polygon's token that this operation answers."""
    return next(request for request in provider.ticker_requests(["BTC", "MATIC"]) if request.operation == operation)


def parsed(name: str, payload: Any) -> dict[str, Ticker]:
    """Tickers by symbol from a payload of the fixture's kind."""
    settings, operation, _ = TICKERS[name]
    provider = make_provider(name.partition("/")[0], **settings)
    request = request_for(provider, operation)
    assert provider.error_in(request, 200, payload) is None
    return by_symbol(provider.parse_tickers([answer(request, payload)]))


@needs_fixtures
@pytest.mark.parametrize("name", TICKERS)
def test_recorded_tickers_are_parsed(name: str) -> None:
    """A real answer gives the prices that it shows, of our coins and no others."""
    prices = {symbol: ticker.price for symbol, ticker in parsed(name, load(name)).items()}
    assert prices == pytest.approx(TICKERS[name][2])


@needs_fixtures
@pytest.mark.parametrize("name", ERRORS)
def test_recorded_errors_are_translated(name: str) -> None:
    """A real refusal becomes the error that tells what to do."""
    status, kind = ERRORS[name]
    provider = make_provider(name.partition("/")[0])
    assert type(provider.error_in(provider.ticker_requests(["BTC"])[0], status, load(name))) is kind


@needs_fixtures
@pytest.mark.parametrize("name", ["binance/ticker_24hr_full.json", "binance/ticker_24hr_mini.json"])
def test_documented_rows_are_parsed_under_our_symbol(name: str) -> None:
    """The documentation shows a market that is not ours; under the name of one of ours, its row is read."""
    assert load(name)[0]["symbol"] == "BNBBTC"
    ticker = parsed(name, [{**load(name)[0], "symbol": "BNBUSDT"}])["BNB"]
    assert (ticker.price, ticker.quote, ticker.source_time) == (4.000002, "USDT", 1499869899.04)
    assert ticker.change_24h == pytest.approx(-94.999998)
    assert ticker.change_percent_24h == pytest.approx(-95.96, abs=0.001)


@needs_fixtures
def test_recorded_fields_are_read() -> None:
    """Volume, market cap, change and time of real answers arrive in the right fields."""
    name = "coingecko/coins_markets.json"
    ticker = parsed(name, load(name))["BTC"]
    assert (ticker.volume_24h, ticker.market_cap) == (20154184933, 1381651251183)
    assert (ticker.change_24h, ticker.change_percent_24h) == (2126.88, 3.12502)
    assert ticker.source_time == parse_iso_time("2024-04-07T16:49:31.736Z")

    name = "coinpaprika/tickers_btc.json"
    ticker = parsed(name, load(name))["BTC"]
    assert (ticker.volume_24h, ticker.market_cap) == (56876637294.10885, 2070620105381)
    assert (ticker.change_percent_24h, ticker.source_time) == (-2.5, parse_iso_time("2025-01-22T17:39:28Z"))

    name = "coinlore/ticker.json"
    ticker = parsed(name, load(name))["BTC"]
    assert (ticker.volume_24h, ticker.market_cap) == (28850217961.42, 460296162080.63)
    assert (ticker.change_percent_24h, ticker.received_at - ticker.source_time) == (-2.25, 60)
