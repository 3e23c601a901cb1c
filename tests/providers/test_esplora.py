"""The explorers of Bitcoin that speak like Esplora: blocks, mempool, hash rate, transactions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.recorded import RECEIVED_AT, RECORDED_AT, answer, answers, make_any, recording
from websocket.chain_records import BlockInfo
from websocket.errors import BadPayload
from websocket.providers.base import Request
from websocket.providers.esplora import bitcoin_transfer, hash_rate_from

HOSTS = ["mempool_space", "blockstream"]
HASH = "ab" * 32


def stats_of(name: str, **left_out: bool) -> Any:
    """What a provider makes of its recorded answers, save for the operations that are left out."""
    provider = make_any(name)
    bodies = {"blocks": "blocks", "mempool": "mempool", "hash_rate": "hashrate_3d"}
    requests = [request for request in provider.stats_requests("bitcoin") if request.operation not in left_out]
    return provider.parse_stats(
        answers(requests, *(recording(name, bodies[request.operation]) for request in requests))
    )


def test_everything_of_the_first_source_is_read() -> None:
    """Latest block with its fees, hash rate in H/s, difficulty and mempool come in one round."""
    stats = stats_of("mempool_space")
    assert (stats.chain, stats.source, stats.as_of) == ("bitcoin", "mempool_space", RECEIVED_AT)
    assert stats.hash_rate == pytest.approx(1.0843123456789e21)
    assert not stats.hash_rate_estimated
    assert stats.difficulty == 152270000000000.5
    assert (stats.mempool_transactions, stats.mempool_vbytes) == (42310, 18451220)
    block = stats.latest_block
    assert (block.height, block.time, block.transactions) == (921600, RECORDED_AT - 240, 3120)
    assert block.fees == 0.042
    assert len(block.hash) == len(block.previous_hash) == 64


def test_a_missing_hash_rate_is_computed_and_says_so() -> None:
    """Without an endpoint, or without its answer, the difficulty tells the hash rate."""
    assert [request.operation for request in make_any("blockstream").stats_requests("bitcoin")] == ["blocks", "mempool"]
    for stats in (stats_of("blockstream"), stats_of("mempool_space", hash_rate=True)):
        assert stats.hash_rate == pytest.approx(152270000000000.5 * 2**32 / 600)
        assert stats.hash_rate_estimated
    assert stats_of("blockstream").latest_block.fees is None


def test_parts_that_did_not_come_are_not_known() -> None:
    """One answer of three is worth something; the rest is None, not zero."""
    stats = stats_of("mempool_space", blocks=True, hash_rate=True)
    assert stats.mempool_transactions == 42310
    assert (stats.latest_block, stats.difficulty, stats.hash_rate) == (None, None, None)
    stats = stats_of("mempool_space", mempool=True)
    assert (stats.mempool_transactions, stats.mempool_vbytes) == (None, None)


@pytest.mark.parametrize("name", HOSTS)
def test_other_chains_are_not_asked_for(name: str) -> None:
    """They know Bitcoin only."""
    assert make_any(name).stats_requests("ethereum") == []


@pytest.mark.parametrize("name", HOSTS)
def test_blocks_come_newest_first(name: str) -> None:
    """Whatever their order in the answer."""
    provider = make_any(name)
    rows = recording(name, "blocks")
    blocks = provider.parse_blocks(answers(provider.blocks_requests(), rows[::-1]))
    assert [block.height for block in blocks] == sorted((row["height"] for row in rows), reverse=True)
    assert blocks[0].previous_hash == blocks[1].hash


@pytest.mark.parametrize("payload", [None, {}, [], [1], [{"height": "x"}], "<html>"])
def test_no_blocks_are_a_bad_payload(payload: Any) -> None:
    """A list without a single block says nothing about the chain."""
    provider = make_any("mempool_space")
    with pytest.raises(BadPayload, match="mempool_space blocks"):
        provider.parse_blocks(answers(provider.blocks_requests(), payload))
    with pytest.raises(BadPayload):
        provider.parse_stats(answers(provider.blocks_requests(), payload))


def test_fee_rates_are_read() -> None:
    """In satoshi per virtual byte."""
    provider = make_any("mempool_space")
    fees = provider.parse_fee_rates(
        answers(provider.fee_rates_requests(), recording("mempool_space", "fees_recommended"))
    )
    assert (fees.fastest, fees.half_hour, fees.hour, fees.economy, fees.minimum) == (4, 3, 2, 1.5, 1)


def test_a_block_is_summed_up_in_one_request() -> None:
    """The summary has sums of outputs, says so, and leaves out the reward of the miner."""
    provider = make_any("mempool_space")
    block = BlockInfo(chain="bitcoin", height=921600, hash=HASH, time=5.0)
    (request,) = provider.block_transactions_requests(block)
    assert request.path == f"/api/v1/block/{HASH}/summary"
    transfers = provider.parse_block_transactions(block, [answer(request, recording("mempool_space", "block_summary"))])
    assert [transfer.amount for transfer in transfers] == [1500.5, 0.00081]
    first = transfers[0]
    assert first.includes_change
    assert (first.sender, first.receiver) == (None, None)
    assert (first.asset, first.time, first.block_height, first.block_hash) == ("BTC", 5.0, 921600, HASH)


def test_a_block_is_read_page_by_page() -> None:
    """Pages of 25 with addresses; new coins, and what comes back to its sender, are no transfers."""
    provider = make_any("blockstream")
    block = BlockInfo(chain="bitcoin", height=921600, hash=HASH, time=5.0, transactions=51)
    requests = provider.block_transactions_requests(block)
    assert [request.path for request in requests] == [f"/block/{HASH}/txs/{start}" for start in (0, 25, 50)]
    pages = [answer(request, recording("blockstream", "block_txs")) for request in requests[:2]]
    (transfer,) = provider.parse_block_transactions(block, pages)
    assert (transfer.amount, transfer.includes_change, transfer.block_height) == (1250.0, False, 921600)


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("hash", [None, "", "../../x", "0" * 63])
def test_a_block_without_a_hash_is_not_asked_for(name: str, hash: str | None) -> None:
    """Nothing but a hash gets into an address."""
    assert make_any(name).block_transactions_requests(BlockInfo(chain="bitcoin", height=1, hash=hash)) == []
    assert make_any(name).transaction_requests([hash or ""]) == []


def test_a_whole_block_fits_into_the_budget() -> None:
    """The longest block that is asked for can be read within a minute."""
    provider = make_any("blockstream")
    longest = BlockInfo(chain="bitcoin", height=1, hash=HASH, transactions=12_000)
    assert len(provider.block_transactions_requests(longest)) == 120 <= provider.budget.per_minute


@pytest.mark.parametrize(("name", "path"), [("mempool_space", "/api/tx/"), ("blockstream", "/tx/")])
def test_a_transaction_shows_who_paid_whom(name: str, path: str) -> None:
    """Change to an address of the inputs does not count; the largest of either side gives its name."""
    provider = make_any(name)
    (request,) = provider.transaction_requests([HASH])
    assert request.path == path + HASH
    (transfer,) = provider.parse_transactions([answer(request, recording(name, "tx"))])
    assert transfer.amount == 1250.0
    assert (transfer.sender, transfer.receiver) == ("bc1qsenderlarge", "bc1qreceiver")
    assert (transfer.block_height, transfer.time) == (921600, RECORDED_AT - 240)
    assert len(transfer.block_hash) == 64
    assert not transfer.includes_change


def test_a_waiting_transaction_has_no_block() -> None:
    """Its time is not known either: the host does not say when it came."""
    provider = make_any("mempool_space")
    requests = provider.transaction_requests([HASH])
    (transfer,) = provider.parse_transactions(answers(requests, recording("mempool_space", "tx_unconfirmed")))
    assert (transfer.amount, transfer.block_height, transfer.block_hash, transfer.time) == (4.9999, None, None, None)


def test_new_transactions_are_sums() -> None:
    """What enters the mempool comes without addresses."""
    provider = make_any("mempool_space")
    requests = provider.mempool_transfers_requests(1_000_000)
    transfers = provider.parse_mempool_transfers(answers(requests, recording("mempool_space", "mempool_recent")))
    assert [(transfer.amount, transfer.includes_change) for transfer in transfers] == [(12.5, True), (0.00054321, True)]


def test_more_bitcoins_than_there_are_is_not_believed() -> None:
    """An amount beyond 21 million is no amount."""
    request = Request(operation="mempool_recent", path="/")
    rows = [{"txid": HASH, "value": 21_000_001 * 10**8}, {"txid": HASH, "value": -1}, {"txid": "x", "value": 1}]
    assert make_any("mempool_space").parse_mempool_transfers([answer(request, rows)]) == []


def test_outputs_without_an_address_count_but_name_nobody() -> None:
    """Bare scripts can receive money."""
    facts = {"source": "s", "hash": HASH, "time": None, "block_height": None, "block_hash": None}
    transfer = bitcoin_transfer(paid_in=[("a", 10**8)], paid_out=[(None, 10**8)], **facts)
    assert transfer is not None
    assert (transfer.amount, transfer.sender, transfer.receiver) == (1.0, "a", None)
    assert bitcoin_transfer(paid_in=[], paid_out=[("b", 10**8)], **facts) is None
    assert bitcoin_transfer(paid_in=[("a", 10**8)], paid_out=[("a", 10**8)], **facts) is None


def test_a_hash_rate_follows_from_the_difficulty() -> None:
    """Difficulty 1 is about 7 million hashes a second."""
    assert hash_rate_from(1.0) == pytest.approx(7_158_278.8, abs=0.1)
    assert hash_rate_from(1.7e308) is None
