"""Blockchair: figures of two chains, their largest transactions, its own statuses, and the points of a day."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.recorded import RECORDED_AT, answers, make_any, recording
from websocket.errors import AccessRefused, BadPayload, RateLimited, UpstreamStatus
from websocket.settings import Secret

provider = make_any("blockchair")


def stats(chain: str) -> Any:
    return provider.parse_stats(answers(provider.stats_requests(chain), recording("blockchair", f"{chain}_stats")))


def test_figures_of_bitcoin_are_read() -> None:
    """The hash rate is a string, the time UTC without saying so."""
    read = stats("bitcoin")
    assert read.hash_rate == pytest.approx(1.0843123456789e21)
    assert (read.mempool_transactions, read.transactions_24h) == (41999, 498770)
    assert read.mempool_vbytes is None
    assert read.average_fee_usd_24h == 1.3842
    assert (read.latest_block.height, read.latest_block.time) == (921600, RECORDED_AT - 240)


def test_ethereum_has_no_mining() -> None:
    """What the answer says of difficulty and hash rate is a leftover."""
    read = stats("ethereum")
    assert (read.chain, read.difficulty, read.hash_rate) == ("ethereum", None, None)
    assert read.latest_block.hash.startswith("0x")
    assert len(read.latest_block.hash) == 66


def test_large_transfers_of_bitcoin_are_asked_for_by_worth() -> None:
    """The list costs more than other requests; rewards of miners are left out."""
    (request,) = requests = provider.large_transfers_requests("bitcoin", min_usd=1e6, since=RECORDED_AT - 600)
    assert dict(request.params)["q"] == "output_total_usd(1000000..),time(2026-11-21 09:49:50..)"
    assert request.cost == 5
    (transfer,) = provider.parse_large_transfers(answers(requests, recording("blockchair", "bitcoin_transactions")))
    assert (transfer.amount, transfer.amount_usd, transfer.includes_change) == (1500.5, 146167000, True)
    assert (transfer.block_height, transfer.time) == (921600, RECORDED_AT - 240)


def test_large_transfers_of_ethereum_have_addresses() -> None:
    """Wei come as a string; failed transactions and rewards are left out."""
    requests = provider.large_transfers_requests("ethereum", min_usd=1e6, since=0)
    (transfer,) = provider.parse_large_transfers(answers(requests, recording("blockchair", "ethereum_transactions")))
    assert (transfer.asset, transfer.amount_usd) == ("ETH", 4012345.6)
    assert transfer.amount == pytest.approx(1234.5)
    assert (transfer.sender, transfer.receiver) == ("0x" + "a" * 40, "0x" + "b" * 40)
    assert not transfer.includes_change


def test_waiting_transactions_have_no_block() -> None:
    """Block -1 is none."""
    (request,) = requests = provider.mempool_transfers_requests(2e6)
    assert dict(request.params)["q"] == "output_total_usd(2000000..)"
    (transfer,) = provider.parse_mempool_transfers(
        answers(requests, recording("blockchair", "bitcoin_mempool_transactions"))
    )
    assert (transfer.amount, transfer.block_height) == (120.0, None)


def test_unknown_chains_are_not_asked_for() -> None:
    assert provider.stats_requests("solana") == []
    assert provider.large_transfers_requests("solana", min_usd=1, since=0) == []


def test_the_key_goes_into_the_query() -> None:
    """Without a key there is no such parameter: an empty one would be an error."""
    keyed = make_any("blockchair", api_key=Secret("k-123"))
    assert ("key", "k-123") in keyed.stats_requests("bitcoin")[0].params
    assert provider.stats_requests("bitcoin")[0].params == ()


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("error_402", 402, AccessRefused),
        ("error_402", 200, AccessRefused),
        ("error_430", 430, AccessRefused),
        ("error_400", 200, UpstreamStatus),
    ],
)
def test_its_own_statuses_are_understood(name: str, status: int, kind: type[Exception]) -> None:
    """Also where the envelope alone says so."""
    request = provider.stats_requests("bitcoin")[0]
    assert type(provider.error_in(request, status, recording("blockchair", name))) is kind


def test_too_many_requests_have_two_numbers() -> None:
    """435 is a limit of requests a second; other errors are left to the status."""
    request = provider.stats_requests("bitcoin")[0]
    assert isinstance(provider.error_in(request, 435, None), RateLimited)
    assert isinstance(provider.error_in(request, 429, None), RateLimited)
    assert provider.error_in(request, 404, recording("blockchair", "error_400")) is None
    assert provider.error_in(request, 200, recording("blockchair", "bitcoin_stats")) is None


def test_the_day_has_enough_points() -> None:
    """All that is asked every interval stays below the 1,440 points a day."""
    rounds = 86_400 / provider.budget.min_interval_s
    requests = [
        *(request for chain in provider.chains for request in provider.stats_requests(chain)),
        *(request for c in provider.chains for request in provider.large_transfers_requests(c, min_usd=1, since=0)),
        *provider.mempool_transfers_requests(1),
    ]
    assert rounds * sum(request.cost for request in requests) <= 1440


@pytest.mark.parametrize("payload", [None, [], {}, {"data": None}, {"data": 1}])
def test_another_shape_is_a_bad_payload(payload: Any) -> None:
    with pytest.raises(BadPayload):
        provider.parse_stats(answers(provider.stats_requests("bitcoin"), payload))
    requests = provider.large_transfers_requests("bitcoin", min_usd=1, since=0)
    with pytest.raises(BadPayload):
        provider.parse_large_transfers(answers(requests, payload))
