"""The ledger of large transactions: each once, judged, valued at first sight."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.doubles import NOW, PRICES, Clock
from websocket.chain_records import Transfer
from websocket.services import whale_ledger
from websocket.services.whale_ledger import Verdict, WhaleLedger

HASH = "ab" * 32
BINANCE = "34xp4vRoCGJym3xR7yCVPFHoCNxv4Twseo"


def transfer(hash: str = HASH, **facts: object) -> Transfer:
    """100 BTC that wait for a block, unless said otherwise."""
    known = {"chain": "bitcoin", "source": "stub", "hash": hash, "asset": "BTC", "amount": 100.0, **facts}
    return msgspec.convert(known, Transfer)


def in_block(hash: str = HASH, *, block: str = "b1", height: int = 1, **facts: object) -> Transfer:
    return transfer(hash, block_height=height, block_hash=block, time=NOW - 60, **facts)


class Prices(dict[str, float]):
    """Prices that a test may change."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def prices() -> Prices:
    return Prices(PRICES)


@pytest.fixture
def ledger(clock: Clock, prices: Prices) -> WhaleLedger:
    return WhaleLedger(threshold_usd=1e6, price=prices.get, priced=frozenset(PRICES), clock=clock)


def test_large_is_kept_small_is_not(ledger: WhaleLedger) -> None:
    """The threshold is in dollars."""
    assert ledger.offer(transfer(amount=100.0)) is Verdict.NEW
    assert ledger.offer(transfer("cd" * 32, amount=1.0)) is Verdict.SMALL
    assert [move.value_usd for move in ledger.newest(10)] == [6_000_000.0]


def test_waiting_transaction_becomes_confirmed_and_is_one(ledger: WhaleLedger, prices: Prices) -> None:
    """It keeps the value that it had at first sight, and counts in the sums only from then on."""
    ledger.offer(transfer())
    assert ledger.volume(3600) == 0
    prices["BTC"] = 61_000.0
    assert ledger.offer(in_block()) is Verdict.CONFIRMED
    assert ledger.offer(transfer()) is Verdict.KNOWN
    (move,) = ledger.newest(10)
    assert (move.confirmed, move.block_height, move.value_usd, move.time) == (True, 1, 6_000_000.0, NOW - 60)
    assert ledger.volume(3600) == 6_000_000.0


def test_replaced_block_takes_its_transactions_along(ledger: WhaleLedger) -> None:
    """Told again in another block, they count once."""
    ledger.offer(in_block(block="b1"))
    ledger.drop_blocks("bitcoin", ["b1"])
    assert ledger.newest(10) == []
    ledger.offer(in_block(block="b2"))
    ledger.offer(in_block(block="b3"))
    assert ledger.volume(3600) == 6_000_000.0
    assert [move.block_hash for move in ledger.newest(10)] == ["b3"]


def test_transfers_of_tokens_in_one_transaction_are_told_apart(ledger: WhaleLedger) -> None:
    """By their position; a source that knows no positions does not make them three."""
    facts = {"chain": "ethereum", "asset": "USDT", "amount": 2e6}
    for index in (3, 4, None):
        ledger.offer(transfer(f"0x{HASH}", index=index, **facts))
    assert len(ledger.newest(10)) == 2
    ledger.offer(transfer(f"0x{'cd' * 32}", index=None, **facts))
    ledger.offer(transfer(f"0x{'cd' * 32}", index=7, **facts))
    assert len(ledger.newest(10)) == 3


@pytest.mark.parametrize(
    "facts",
    [
        {"amount": math.nan},
        {"amount": math.inf},
        {"amount": -5.0},
        {"amount": 0.0},
        {"amount": 21e6 + 1},
        {"hash": "<script>alert(1)</script>"},
        {"asset": "<b>BTC</b>"},
        {"asset": "FOO", "amount": 1.0, "amount_usd": 1e15},
        {"asset": "FOO", "amount": 1.0, "amount_usd": -1e9},
    ],
)
def test_what_cannot_be_is_refused(ledger: WhaleLedger, facts: dict[str, object]) -> None:
    """No number that is none, no more than there is of a coin, no markup."""
    assert ledger.offer(transfer(**facts)) is Verdict.REFUSED  # type: ignore[arg-type]
    assert ledger.newest(10) == []


def test_without_a_price_nothing_is_invented(ledger: WhaleLedger, prices: Prices) -> None:
    """The transfer is not counted, and it is known which asset lacks a price."""
    del prices["USDC"]
    assert ledger.offer(transfer(asset="USDC", amount=5e6, amount_usd=5e6)) is Verdict.UNPRICED
    assert ledger.unpriced(3600) == ["USDC"]
    assert ledger.volume(3600) == 0


def test_assets_that_we_do_not_follow_have_the_value_that_their_source_says(ledger: WhaleLedger) -> None:
    """Without one they are not counted either."""
    assert ledger.offer(transfer(asset="TRX", amount=1e8, amount_usd=2e7)) is Verdict.NEW
    assert ledger.offer(transfer("cd" * 32, asset="TRX", amount=1e8)) is Verdict.UNPRICED


@pytest.mark.parametrize("time", [NOW + 86_400, NOW - 10 * 86_400, 0.0, None])
def test_unbelievable_times_become_that_of_the_first_sight(ledger: WhaleLedger, time: float | None) -> None:
    """Neither the future nor the distant past."""
    ledger.offer(transfer(time=time))
    assert ledger.newest(1)[0].time == NOW


def test_miners_clocks_may_be_ahead(ledger: WhaleLedger) -> None:
    """By two hours, and the transaction is shown as of now."""
    ledger.offer(transfer(time=NOW + 3600))
    assert ledger.newest(1)[0].time == NOW


def test_known_addresses_have_the_name_of_their_exchange(ledger: WhaleLedger) -> None:
    """Ours first, then that of the source; what is no address or no name is left out."""
    ledger.offer(in_block(sender=BINANCE, sender_owner="somebody", receiver="<img src=x>", receiver_owner="<b>"))
    ledger.offer(in_block("cd" * 32, receiver="bc1" + "q" * 30, receiver_owner="kraken"))
    first, second = sorted(ledger.newest(2), key=lambda move: move.hash)
    assert (first.sender_label, first.receiver, first.receiver_label) == ("Binance cold wallet", None, None)
    assert second.receiver_label == "kraken"


def test_wallets_are_ranked_by_what_they_moved(ledger: WhaleLedger) -> None:
    """Sent and received count both, in confirmed transactions of the time only."""
    ledger.offer(in_block("aa" * 32, sender=BINANCE, receiver="bc1" + "q" * 30))
    ledger.offer(in_block("bb" * 32, sender=BINANCE, receiver="bc1" + "p" * 30, amount=50.0))
    ledger.offer(transfer("cc" * 32, sender="bc1" + "z" * 30))
    first, second, third = ledger.wallets(3600, 10)
    assert (first.address, first.sent, first.received, first.transactions) == (BINANCE, 9e6, 0, 2)
    assert (second.received, third.received) == (6e6, 3e6)


def test_sums_forget_what_is_old(ledger: WhaleLedger, clock: Clock) -> None:
    """The list keeps it in quiet times."""
    ledger.offer(in_block())
    clock.advance(3700)
    assert ledger.volume(3600) == 0
    assert len(ledger.newest(10)) == 1


def test_waiting_transactions_are_given_up(ledger: WhaleLedger, clock: Clock) -> None:
    """One that was replaced by another would be listed for ever."""
    ledger.offer(transfer())
    clock.advance(7 * 3600)
    assert ledger.newest(10) == []


def test_memory_is_bounded_and_says_so(ledger: WhaleLedger, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """When there are too many for an hour, the sums say since when they are complete."""
    monkeypatch.setattr(whale_ledger, "KEPT_MOVES", 20)
    for number in range(50):
        clock.advance(1)
        ledger.offer(transfer(f"{number:064x}", block_height=1, block_hash="b1", time=clock()))
    assert len(ledger.newest(100)) == 20
    assert ledger.complete_since is not None
    assert NOW < ledger.complete_since <= clock()


def test_survives_a_restart(ledger: WhaleLedger, clock: Clock) -> None:
    """Through JSON, as the cache keeps it; what was edited into nonsense is passed over."""
    ledger.offer(in_block())
    kept = msgspec.json.decode(msgspec.json.encode(ledger.dump()), type=list[whale_ledger.Move])
    nonsense = msgspec.structs.replace(kept[0], hash="cd" * 32, value_usd=-1.0)
    again = WhaleLedger(threshold_usd=1e6, price=PRICES.get, priced=frozenset(PRICES), clock=clock)
    again.restore([*kept, nonsense])
    assert again.newest(10) == ledger.newest(10)
    assert again.offer(in_block()) is Verdict.KNOWN


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from(["b1", "b2"])), max_size=30))
def test_the_order_of_the_news_does_not_matter(told: list[tuple[int, bool, str]]) -> None:
    """However often and in whatever order transactions are told, each is kept once."""
    ledger = WhaleLedger(threshold_usd=1e6, price=PRICES.get, priced=frozenset(PRICES), clock=Clock())
    for number, confirmed, block in told:
        hash = f"{number:064x}"
        ledger.offer(in_block(hash, block=block) if confirmed else transfer(hash))
    moves = ledger.newest(100)
    assert sorted(move.hash for move in moves) == sorted({f"{number:064x}" for number, _, _ in told})
    confirmed_hashes = {f"{number:064x}" for number, confirmed, _ in told if confirmed}
    assert {move.hash for move in moves if move.confirmed} == confirmed_hashes
