"""CoinGecko: both endpoints, the three kinds of access, and its errors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.recorded import RECEIVED_AT, RECORDED_AT, make_provider, only_request, parse, recording
from websocket.coins import SYMBOLS
from websocket.errors import AccessRefused, BadPayload, RateLimited, UpstreamStatus
from websocket.providers.base import Budget
from websocket.settings import Secret, Url

KEY = Secret("k-123")


def test_simple_price_asks_for_all_coins_at_once() -> None:
    """One request brings the ten coins with volume, market cap, change and time, at full precision."""
    request = only_request(make_provider("coingecko"))
    params = dict(request.params)
    assert (request.operation, request.path, request.symbols) == ("simple_price", "/simple/price", SYMBOLS)
    assert params["ids"].split(",")[0] == "bitcoin"
    assert params["ids"].endswith("polygon-ecosystem-token")
    assert "matic-network" not in params["ids"]
    assert params["vs_currencies"] == "usd"
    assert params["precision"] == "full"
    for part in ("market_cap", "24hr_vol", "24hr_change", "last_updated_at"):
        assert params[f"include_{part}"] == "true"


def test_coins_markets_asks_for_all_coins_at_once() -> None:
    """The other endpoint is chosen by a setting."""
    request = only_request(make_provider("coingecko", endpoint="coins_markets"), ["MATIC"])
    assert (request.operation, request.path) == ("coins_markets", "/coins/markets")
    assert dict(request.params) == {"vs_currency": "usd", "ids": "polygon-ecosystem-token", "precision": "full"}


def test_simple_price_is_parsed() -> None:
    """All ten coins come out with every field that the endpoint has."""
    tickers = parse(make_provider("coingecko"), recording("coingecko", "simple_price"))
    assert set(tickers) == set(SYMBOLS)
    bitcoin = tickers["BTC"]
    assert (bitcoin.price, bitcoin.source, bitcoin.quote) == (97412.350421, "coingecko", "USD")
    assert (bitcoin.source_time, bitcoin.received_at) == (RECORDED_AT, RECEIVED_AT)
    assert bitcoin.change_24h is None
    assert bitcoin.change_percent_24h == pytest.approx(1.24314127)
    assert bitcoin.volume_24h == pytest.approx(38214507113.0713)
    assert bitcoin.market_cap == pytest.approx(1945120334118.25)
    assert tickers["MATIC"].price == pytest.approx(0.218881)


def test_simple_price_tells_absence_from_zero() -> None:
    """A stale price (null change) stays, a dead coin has no price, and a coin that is not in the answer is left out."""
    tickers = parse(make_provider("coingecko"), recording("coingecko", "simple_price_gaps"))
    assert set(tickers) == {"BTC", "ETH", "ADA", "MATIC"}
    assert tickers["ETH"].price is not None
    assert tickers["ETH"].change_percent_24h is None
    assert tickers["ADA"].price is None
    assert tickers["MATIC"].price is None


def test_coins_markets_is_parsed() -> None:
    """All ten coins come out, here with the absolute change and milliseconds."""
    tickers = parse(make_provider("coingecko", endpoint="coins_markets"), recording("coingecko", "coins_markets"))
    assert set(tickers) == set(SYMBOLS)
    bitcoin = tickers["BTC"]
    assert bitcoin.price == 97412.35
    assert bitcoin.change_24h == pytest.approx(1196.0644, abs=0.001)
    assert bitcoin.change_percent_24h == 1.2431
    assert (bitcoin.volume_24h, bitcoin.market_cap) == (38214507113.0, 1945120334118.0)
    assert bitcoin.source_time == pytest.approx(RECORDED_AT + 0.113)


def test_coins_markets_tells_absence_from_zero() -> None:
    """A dead coin has nulls everywhere."""
    provider = make_provider("coingecko", endpoint="coins_markets")
    dead = parse(provider, recording("coingecko", "coins_markets_gaps"))["MATIC"]
    assert (dead.price, dead.change_24h, dead.change_percent_24h, dead.volume_24h, dead.market_cap) == (None,) * 5


def test_single_junk_rows_are_left_out() -> None:
    """A row that is no object costs nothing but itself."""
    assert set(parse(make_provider("coingecko"), {"bitcoin": {"usd": 1}, "ethereum": [2], "cardano": None})) == {"BTC"}
    rows = [None, {"id": "bitcoin", "current_price": 1}, {"id": "bitcoin", "current_price": 2}, {"id": {}}]
    tickers = parse(make_provider("coingecko", endpoint="coins_markets"), rows)
    assert {symbol: ticker.price for symbol, ticker in tickers.items()} == {"BTC": 1.0}


@pytest.mark.parametrize(
    ("endpoint", "payload"),
    [("simple_price", []), ("simple_price", None), ("coins_markets", {}), ("coins_markets", "x")],
)
def test_another_shape_is_a_bad_payload(endpoint: str, payload: Any) -> None:
    """An answer of another type than documented is an error that names the request."""
    with pytest.raises(BadPayload, match=f"coingecko {endpoint}"):
        parse(make_provider("coingecko", endpoint=endpoint), payload)


def test_access_without_a_key() -> None:
    """Without a key there is no header, and little is asked for."""
    provider = make_provider("coingecko")
    assert provider.base_url == "https://api.coingecko.com/api/v3"
    assert provider.headers() == {}
    assert provider.budget == Budget(per_minute=10, min_interval_s=60)


def test_access_with_a_demo_key() -> None:
    """A Demo key goes to the public host in its own header, and has a month to keep to."""
    provider = make_provider("coingecko", api_key=KEY)
    assert provider.base_url == "https://api.coingecko.com/api/v3"
    assert provider.headers() == {"x-cg-demo-api-key": "k-123"}
    assert provider.budget == Budget(per_minute=100, per_month=10_000, min_interval_s=60)


@pytest.mark.parametrize(("endpoint", "interval_s"), [("simple_price", 20), ("coins_markets", 45)])
def test_access_with_a_pro_key(endpoint: str, interval_s: float) -> None:
    """A Pro key goes to the Pro host in its own header, as often as data are renewed there."""
    provider = make_provider("coingecko", api_key=KEY, plan="pro", endpoint=endpoint)
    assert provider.base_url == "https://pro-api.coingecko.com/api/v3"
    assert provider.headers() == {"x-cg-pro-api-key": "k-123"}
    assert provider.budget.min_interval_s == interval_s


def test_an_own_address_is_kept_on_every_plan() -> None:
    """Who sets an address of their own means it, on the Pro plan too."""
    url = Url("http://127.0.0.1:9000/coingecko/api/v3/")
    assert make_provider("coingecko", url=url, plan="pro", api_key=KEY).base_url == url.rstrip("/")


def test_a_pro_plan_needs_its_key() -> None:
    """The Pro host refuses everybody without a key, so it is not worth asking."""
    assert not make_provider("coingecko", plan="pro").configured
    assert make_provider("coingecko", plan="pro", api_key=KEY).configured


@pytest.mark.parametrize("status", [200, 429])
def test_the_rate_limit_is_seen_in_the_body(status: int) -> None:
    """Code 429 in the body is a rate limit, whatever the HTTP status."""
    provider = make_provider("coingecko")
    error = provider.error_in(only_request(provider), status, recording("coingecko", "error_429"))
    assert isinstance(error, RateLimited)


@pytest.mark.parametrize(
    ("name", "help_text"),
    [
        ("error_10002", "COINGECKO_API_KEY"),
        ("error_10005", "plan"),
        ("error_10010", "COINGECKO_PLAN=pro"),
        ("error_10011", "COINGECKO_PLAN=demo"),
    ],
)
def test_refusals_say_what_to_do(name: str, help_text: str) -> None:
    """A key on the wrong plan is told apart, with the setting to change, and the key stays out of the text."""
    provider = make_provider("coingecko", api_key=KEY)
    error = provider.error_in(only_request(provider), 400, recording("coingecko", name))
    assert isinstance(error, AccessRefused)
    assert help_text in str(error)
    assert "k-123" not in str(error)


def test_other_errors_in_a_success_are_errors() -> None:
    """An error code inside HTTP 200 is an error; with an HTTP error the status decides."""
    provider, payload = make_provider("coingecko"), {"status": {"error_code": 10012}}
    assert isinstance(provider.error_in(only_request(provider), 200, payload), UpstreamStatus)
    assert provider.error_in(only_request(provider), 500, payload) is None
    assert provider.error_in(only_request(provider), 200, recording("coingecko", "simple_price")) is None
