"""Sources of moods and of whales with keys: Alternative.me, CoinGecko's searches and votes, Whale Alert."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.recorded import RECEIVED_AT, RECORDED_AT, answers, make_any, recording
from websocket.errors import AccessRefused, BadPayload, RateLimited, UpstreamStatus
from websocket.settings import Secret

alternative_me = make_any("alternative_me")
coingecko = make_any("coingecko")
whale_alert = make_any("whale_alert", api_key=Secret("k-123"))


def test_fear_and_greed_is_read() -> None:
    """All values are strings; the value stands since midnight."""
    requests = alternative_me.fear_greed_requests()
    mood = alternative_me.parse_fear_greed(answers(requests, recording("alternative_me", "fng")))
    assert (mood.value, mood.label, mood.time) == (72.0, "Greed", 1_795_219_200)
    assert mood.next_update_at == RECEIVED_AT + 50410


@pytest.mark.parametrize(
    ("value", "label"),
    [("0", "Extreme Fear"), ("30", "Fear"), ("50", "Neutral"), ("60", "Greed"), ("100", "Extreme Greed")],
)
def test_a_missing_label_follows_from_the_value(value: str, label: str) -> None:
    """And so does one that is none of the five."""
    for given in ({}, {"value_classification": "<b>Bliss</b>"}, {"value_classification": 3}):
        payload = {"data": [{"value": value, "timestamp": "1795219200", **given}]}
        mood = alternative_me.parse_fear_greed(answers(alternative_me.fear_greed_requests(), payload))
        assert (mood.label, mood.next_update_at) == (label, None)


@pytest.mark.parametrize(
    "row",
    [{}, {"value": "101"}, {"value": "-1"}, {"value": "nan"}, {"timestamp": "21-11-2026"}, {"timestamp": "1895219200"}],
)
def test_an_index_that_cannot_be_is_a_bad_payload(row: dict[str, str]) -> None:
    """Out of its range, without its time, or of the future."""
    payload = {"data": [{"value": "50", "timestamp": "1795219200", **row}] if row else []}
    with pytest.raises(BadPayload):
        alternative_me.parse_fear_greed(answers(alternative_me.fear_greed_requests(), payload))


def test_an_error_of_the_index_is_seen() -> None:
    request = alternative_me.fear_greed_requests()[0]
    assert isinstance(alternative_me.error_in(request, 200, recording("alternative_me", "error")), UpstreamStatus)
    assert alternative_me.error_in(request, 200, recording("alternative_me", "fng")) is None


def test_searched_coins_are_read() -> None:
    """In the order of the answer; what is null is not known."""
    requests = coingecko.trending_requests()
    first, second, third = coingecko.parse_trending(answers(requests, recording("coingecko", "search_trending")))
    assert (first.coin_id, first.symbol, first.rank, first.market_cap_rank) == ("bitcoin", "BTC", 1, 1)
    assert (first.price_usd, first.change_percent_24h) == (97412.35, 1.24)
    assert (second.symbol, second.rank, second.market_cap_rank) == ("NOT", 2, None)
    assert (third.price_usd, third.change_percent_24h) == (None, None)


def test_votes_are_read() -> None:
    requests = coingecko.votes_requests(["BTC", "MATIC", "NOBODY"])
    assert [request.path for request in requests] == ["/coins/bitcoin", "/coins/polygon-ecosystem-token"]
    assert dict(requests[0].params)["market_data"] == "false"
    bodies = recording("coingecko", "coins_bitcoin"), recording("coingecko", "coins_polygon_gaps")
    bitcoin, polygon = coingecko.parse_votes(answers(requests, *bodies))
    assert (bitcoin.symbol, bitcoin.up_percent, bitcoin.down_percent) == ("BTC", 82.65, 17.35)
    assert (bitcoin.watchlists, bitcoin.as_of) == (2188545, pytest.approx(RECORDED_AT - 47.676))
    assert (polygon.symbol, polygon.up_percent, polygon.down_percent) == ("MATIC", None, None)
    assert polygon.as_of == RECEIVED_AT


def test_a_coin_without_votes_keeps_its_price() -> None:
    """Requests for votes name no symbol, which a refusal would disable for prices too."""
    assert all(request.symbols == () for request in coingecko.votes_requests(["BTC"]))


def test_alerts_are_read() -> None:
    """All chains at once, owners where they are known; coins that are made are no transfers."""
    (request,) = requests = whale_alert.large_transfers_requests("bitcoin", min_usd=1000, since=RECORDED_AT)
    params = dict(request.params)
    assert (params["min_value"], params["start"], params["api_key"]) == ("500000", "1795255190", "k-123")
    ether, bitcoin = whale_alert.parse_large_transfers(answers(requests, recording("whale_alert", "transactions")))
    assert (ether.chain, ether.asset, ether.amount, ether.amount_usd) == ("ethereum", "USDT", 25000000, 24990000.5)
    assert (ether.sender, ether.sender_owner, ether.receiver_owner) == ("0x" + "a" * 40, "binance", None)
    assert ether.hash.startswith("0x")
    assert (bitcoin.chain, bitcoin.sender, bitcoin.receiver_owner) == ("bitcoin", "bc1qone", "kraken")
    assert not bitcoin.hash.startswith("0x")
    assert bitcoin.time == RECORDED_AT - 90


def test_an_answer_without_alerts_is_empty() -> None:
    requests = whale_alert.large_transfers_requests("ethereum", min_usd=1e6, since=0)
    assert whale_alert.parse_large_transfers(answers(requests, recording("whale_alert", "transactions_none"))) == []
    assert whale_alert.large_transfers_requests("dogecoin", min_usd=1, since=0) == []


@pytest.mark.parametrize(("name", "kind"), [("error_key", AccessRefused), ("error_limit", RateLimited)])
def test_refusals_of_alerts_are_told_apart(name: str, kind: type[Exception]) -> None:
    request = whale_alert.large_transfers_requests("bitcoin", min_usd=1e6, since=0)[0]
    error = whale_alert.error_in(request, 200, recording("whale_alert", name))
    assert type(error) is kind
    assert "k-123" not in str(error)


@pytest.mark.parametrize("payload", [None, [], 1, {"result": "odd"}])
def test_another_shape_is_a_bad_payload(payload: Any) -> None:
    with pytest.raises(BadPayload):
        coingecko.parse_trending(answers(coingecko.trending_requests(), payload))
    requests = whale_alert.large_transfers_requests("bitcoin", min_usd=1e6, since=0)
    with pytest.raises(BadPayload):
        whale_alert.parse_large_transfers(answers(requests, payload))
    if not isinstance(payload, dict):
        with pytest.raises(BadPayload):
            coingecko.parse_votes(answers(coingecko.votes_requests(["BTC"]), payload))
