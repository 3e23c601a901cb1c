"""Arbitrary JSON for every parser: nothing but our own errors comes out, and every number is finite."""

from __future__ import annotations

import copy
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.recorded import RECORDINGS, answer, by_symbol, make_provider, recording
from websocket.coins import SYMBOLS
from websocket.errors import BadPayload, UpstreamError
from websocket.providers.base import TickerProvider
from websocket.records import Ticker, to_rfc3339

VARIANTS: list[tuple[str, dict[str, str]]] = [
    ("binance", {}),
    ("coinbase_exchange", {}),
    ("coingecko", {}),
    ("coingecko", {"endpoint": "coins_markets"}),
    ("coinlore", {}),
    ("coinpaprika", {}),
    ("kraken", {}),
]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        [10**400, -(10**400), "9" * 400, "NaN", "Infinity", "-1e999", "1e-999", "", "-5", 0, -1, 1e308, 5e-324]
    ),
    st.sampled_from(["2026-11-21T10:00:00Z", "0001-01-01T00:00:00+14:00", "\ud800", "USD", "usd", "error", "status"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """A valid answer in which up to eight values, at any depth, are replaced by arbitrary JSON."""
    holder = {"answer": copy.deepcopy(value)}
    for _ in range(draw(st.integers(min_value=1, max_value=8))):
        container, key = draw(st.sampled_from(places(holder)))
        container[key] = draw(JSON)
    return holder["answer"]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place below a value, as its container and its key there."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *places(value[key]))]


def assert_sound(tickers: list[Ticker]) -> None:
    """Each ticker is of a coin of ours, at most one a coin, and all its numbers and times are usable."""
    assert set(by_symbol(tickers)) <= set(SYMBOLS)
    for ticker in tickers:
        values = msgspec.structs.asdict(ticker)
        assert all(math.isfinite(value) for value in values.values() if isinstance(value, float))
        assert {type(value) for value in values.values()} <= {str, float, type(None)}
        if ticker.source_time is not None:
            to_rfc3339(ticker.source_time)


def try_to_parse(provider: TickerProvider, payloads: list[Any]) -> None:
    """Gives the payloads to the parser, one for each request, and judges what comes out."""
    requests = provider.ticker_requests(SYMBOLS)
    answers = [answer(request, payload) for request, payload in zip(requests, payloads, strict=False)]
    try:
        tickers = provider.parse_tickers(answers)
    except BadPayload:
        return
    assert_sound(tickers)


@pytest.mark.parametrize(("name", "changes"), VARIANTS)
@settings(max_examples=100, deadline=None, database=None)
@given(first=JSON, last=JSON)
def test_arbitrary_json_gives_bad_payload_or_sound_tickers(
    name: str, changes: dict[str, str], first: Any, last: Any
) -> None:
    """Whatever an answer holds, the parser gives sound tickers or says BadPayload."""
    provider = make_provider(name, **changes)
    half = (len(provider.ticker_requests(SYMBOLS)) + 1) // 2
    try_to_parse(provider, [first] * half + [last] * half)


@pytest.mark.parametrize(
    ("name", "changes", "recorded"),
    [
        ("binance", {}, ["ticker_24hr_full"]),
        ("binance", {}, ["ticker_24hr_mini"]),
        ("coinbase_exchange", {}, ["BTC-USD_ticker"] * 9 + ["BTC-USD_stats"] * 9),
        ("coingecko", {}, ["simple_price"]),
        ("coingecko", {"endpoint": "coins_markets"}, ["coins_markets"]),
        ("coinlore", {}, ["ticker", "tickers_second_page"]),
        ("coinpaprika", {}, ["tickers_btc-bitcoin", "tickers_eth-ethereum"]),
        ("kraken", {}, ["ticker"]),
        ("kraken", {}, ["ticker_legacy_keys"]),
    ],
)
@settings(max_examples=40, deadline=None, database=None)
@given(data=st.data())
def test_damaged_answers_give_bad_payload_or_sound_tickers(
    name: str, changes: dict[str, str], recorded: list[str], data: st.DataObject
) -> None:
    """A valid answer with junk in it gives sound tickers or BadPayload."""
    bodies = {body: data.draw(damaged(recording(name, body))) for body in set(recorded)}
    try_to_parse(make_provider(name, **changes), [bodies[body] for body in recorded])


@pytest.mark.parametrize(("name", "changes"), VARIANTS)
@settings(max_examples=60, deadline=None, database=None)
@given(status=st.sampled_from([200, 400, 401, 402, 403, 404, 418, 429, 451, 500, 503]), data=st.data())
def test_errors_are_sought_in_anything(name: str, changes: dict[str, str], status: int, data: st.DataObject) -> None:
    """Looking for an error never fails by itself: one of our errors comes out, or None."""
    provider = make_provider(name, **changes)
    errors = [recording(name, path.stem) for path in sorted((RECORDINGS / name).glob("error_*.json"))]
    payload = data.draw(JSON | st.sampled_from(errors or [None]).flatmap(damaged))
    error = provider.error_in(provider.ticker_requests(SYMBOLS)[0], status, payload)
    assert error is None or isinstance(error, UpstreamError)


@pytest.mark.parametrize(("name", "changes"), VARIANTS)
def test_deep_nesting_is_not_followed(name: str, changes: dict[str, str]) -> None:
    """A payload that is nested a hundred thousand levels deep does no harm."""
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    provider = make_provider(name, **changes)
    count = len(provider.ticker_requests(SYMBOLS))
    try_to_parse(provider, [nested] * count)
    try_to_parse(provider, [{"data": nested, "result": {"BTC/USD": nested}, "bitcoin": nested}] * count)
