"""The witness of the chaos suite notices what it is there for."""

from __future__ import annotations

import time

import msgspec
import pytest

from chaos.clients import Trail
from chaos.report import Outcome, as_markdown, as_text
from chaos.witness import Witness
from simulator.market import Market
from websocket.records import to_rfc3339


@pytest.fixture
def witness() -> Witness:
    """It knows the market of the first seed."""
    return Witness(1)


def update(factor: float = 1.0, *, age_s: float = 2.0, made_s: float = 0.0, **changes: object) -> dict[str, object]:
    """A ``market_data`` with a price of Bitcoin, made now or so many seconds from now."""
    now = time.time()
    return {
        "prices": {"bitcoin": Market(1, time.time).price("BTC", now - 2) * factor},
        "last_updated": {"bitcoin": to_rfc3339(now - age_s)},
        "status": "live",
        "timestamp": to_rfc3339(now + made_s),
        **changes,
    }


def judged(witness: Witness, seq: int, factor: float = 1.0, *, age_s: float = 2.0) -> list[str]:
    """What it has to say about a price of Bitcoin."""
    witness.judge("e", seq, update(factor, age_s=age_s))
    return witness.wrong


def test_true_price_is_believed(witness: Witness) -> None:
    """The market moves a little between two looks, and sources differ by a little."""
    assert judged(witness, 1, 1.002) == []


def test_wrong_price_is_noticed(witness: Witness) -> None:
    """By more than sources can differ."""
    assert "bitcoin: shown" in judged(witness, 1, 1.02)[0]


def test_price_from_the_future_is_noticed(witness: Witness) -> None:
    """Nobody can know it yet."""
    assert "bitcoin is from the future" in judged(witness, 1, age_s=-30)


def test_two_updates_of_one_name_are_noticed(witness: Witness) -> None:
    """Wherever a client gets a number, it gets the same."""
    judged(witness, 1)
    assert judged(witness, 1, 1.0001) == ["two updates called e 1"]


def test_old_price_must_not_be_called_live(witness: Witness) -> None:
    """A screen that says so is worse than one that says nothing."""
    assert "live, with a price that is 300 s old" in judged(witness, 1, age_s=300)[0]
    witness.reset()
    witness.judge("e", 2, update(age_s=300, status="stale"))
    assert not any("live" in wrong for wrong in witness.wrong)


def test_coin_that_is_gone_is_noticed(witness: Witness) -> None:
    """Whoever takes over shows no less than the process before."""
    judged(witness, 1)
    witness.judge("e", 2, update(prices={}, last_updated={}))
    assert witness.wrong == ["market_data: 0 coins, there were 1"]


@pytest.mark.parametrize(
    ("moves", "missed", "repeated", "renumbered"),
    [
        ([("e", 2, False), ("e", 3, False)], 0, 0, 0),
        ([("e", 4, False)], 2, 0, 0),
        ([("e", 5, True)], 3, 0, 0),
        ([("e", 1, True)], 0, 0, 0),
        ([("e", 1, False)], 0, 1, 0),
        ([("f", 9, True), ("f", 10, False)], 0, 0, 1),
    ],
)
def test_client_counts_what_it_lacks(
    witness: Witness, moves: list[tuple[str, int, bool]], missed: int, repeated: int, renumbered: int
) -> None:
    """From where it stood, number 1."""
    trail = Trail(witness)
    for epoch, seq, is_snapshot in [("e", 1, True), *moves]:
        trail.follow(epoch, seq, 0.0, is_snapshot=is_snapshot)
    witness.count_changes()
    assert (witness.missed, witness.repeated, witness.renumbered) == (missed, repeated, renumbered)


@pytest.mark.parametrize(("first", "missed"), [(1, 0), (2, 0), (3, 1), (4, 2)])
def test_change_of_epoch_hides_nothing(witness: Witness, first: int, missed: int) -> None:
    """What others got in the new epoch before a client came to it counts, unless it had that under another number."""
    for seq in (1, 2, 3, 4):
        witness.judge("new", seq, update(made_s=float(seq)))
    trail = Trail(witness)
    trail.follow("old", 7, time.time() + 1.5, is_snapshot=False)  # number 1 of the new one is among what it had
    trail.follow("new", first, time.time() + first, is_snapshot=False)
    witness.count_changes()
    assert (witness.missed, witness.renumbered) == (missed, 1)


def outcome(**changes: object) -> Outcome:
    """A clean one, but for some fields."""
    clean = Outcome(
        title="a fault",
        took_s=9.0,
        without_news_s=2.5,
        updates=100,
        missed=0,
        repeated=0,
        replayed=3,
        renumbered=0,
        unrecovered=0,
        may_lose=False,
        reconnects=3,
        goodbyes=0,
        wrong=[],
        helped=0,
    )
    return msgspec.structs.replace(clean, **changes)


@pytest.mark.parametrize("fault", [{"missed": 1}, {"repeated": 1}, {"wrong": ["x"]}, {"helped": 1}, {"unrecovered": 1}])
def test_what_must_not_happen_is_not_clean(fault: dict[str, object]) -> None:
    """And the line about it says so."""
    assert outcome().is_clean
    assert not outcome(**fault).is_clean
    assert as_text(outcome(**fault)).startswith("BAD")


def test_new_epoch_is_in_order_where_data_was_lost() -> None:
    """Nobody can say what was missed when Redis came back empty."""
    assert outcome(unrecovered=5, may_lose=True).is_clean


def test_report_replaces_the_last_one() -> None:
    """The text around it stays."""
    page = "before\n<!-- report -->\nold\n<!-- end of report -->\nafter\n"
    renewed = as_markdown(page, [outcome()], 60)
    assert renewed.startswith("before\n<!-- report -->\n")
    assert renewed.endswith("<!-- end of report -->\nafter\n")
    assert "| a fault | 2.5 | 0 | 0 | 0 | 0 | 0 | 0 | 3 | 100 |" in renewed
    assert "old" not in renewed
