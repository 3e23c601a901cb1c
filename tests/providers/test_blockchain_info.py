"""Blockchain.com: the unit traps of its figures, and waiting transactions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.recorded import RECEIVED_AT, RECORDED_AT, answers, make_any, recording
from websocket.errors import BadPayload

provider = make_any("blockchain_info")


def stats(payload: Any) -> Any:
    return provider.parse_stats(answers(provider.stats_requests("bitcoin"), payload))


def test_gigahashes_and_milliseconds_become_ours() -> None:
    """The hash rate comes in GH/s, the time in milliseconds as a float."""
    read = stats(recording("blockchain_info", "stats"))
    assert read.hash_rate == pytest.approx(1.0843123456789e21)
    assert read.as_of == RECORDED_AT - 40
    assert (read.difficulty, read.transactions_24h) == (152270000000000, 498123)
    assert (read.latest_block.height, read.latest_block.hash, read.latest_block.fees) == (921600, None, None)


def test_fees_and_revenue_are_not_believed() -> None:
    """They are minus the mined coins, and zero."""
    assert stats(recording("blockchain_info", "stats")).average_fee_usd_24h is None


def test_what_is_missing_is_not_known() -> None:
    """A zero hash rate is no hash rate; without a time of its own the answer is as old as its receipt."""
    read = stats(recording("blockchain_info", "stats_gaps"))
    assert (read.hash_rate, read.difficulty, read.transactions_24h) == (None, None, None)
    assert read.as_of == RECEIVED_AT
    assert read.mempool_transactions is None


def test_waiting_transactions_show_who_pays_whom() -> None:
    """Change is left out, and so is a transaction that pays its sender only."""
    requests = provider.mempool_transfers_requests(1_000_000)
    (transfer,) = provider.parse_mempool_transfers(
        answers(requests, recording("blockchain_info", "unconfirmed_transactions"))
    )
    assert (transfer.amount, transfer.includes_change) == (15.0, False)
    assert (transfer.sender, transfer.receiver) == ("1SenderAddress", "3ReceiverAddress")
    assert (transfer.time, transfer.block_height) == (RECORDED_AT - 3, None)


@pytest.mark.parametrize("payload", [None, [], {"txs": None}])
def test_another_shape_is_a_bad_payload(payload: Any) -> None:
    with pytest.raises(BadPayload):
        provider.parse_mempool_transfers(answers(provider.mempool_transfers_requests(1), payload))
    if not isinstance(payload, dict):
        with pytest.raises(BadPayload):
            stats(payload)
