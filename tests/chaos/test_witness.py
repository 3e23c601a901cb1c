"""The witness of the chaos suite notices what it is there for."""

from __future__ import annotations

import time

import msgspec
import pytest

from chaos.clients import PlainClient
from chaos.report import Outcome, as_markdown, as_text
from chaos.witness import Witness
from simulator.market import Market
from websocket.records import to_rfc3339


@pytest.fixture
def witness() -> Witness:
    """It knows the market of the first seed."""
    return Witness(1)


def judged(witness: Witness, seq: int, factor: float = 1.0, *, ahead_s: float = -2.0) -> list[str]:
    """What it has to say about a price of Bitcoin."""
    now = time.time()
    prices = {"bitcoin": Market(1, time.time).price("BTC", now - 2) * factor}
    witness.judge("e", seq, msgspec.json.encode(prices), prices, {"bitcoin": to_rfc3339(now + ahead_s)})
    return witness.wrong


def test_true_price_is_believed(witness: Witness) -> None:
    """The market moves a little between two looks, and sources differ by a little."""
    assert judged(witness, 1, 1.002) == []


def test_wrong_price_is_noticed(witness: Witness) -> None:
    """By more than sources can differ."""
    assert "bitcoin: shown" in judged(witness, 1, 1.02)[0]


def test_price_from_the_future_is_noticed(witness: Witness) -> None:
    """Nobody can know it yet."""
    assert "bitcoin is from the future" in judged(witness, 1, ahead_s=30)


def test_two_updates_of_one_name_are_noticed(witness: Witness) -> None:
    """Wherever a client gets a number, it gets the same."""
    judged(witness, 1)
    assert judged(witness, 1, 1.0001) == ["two updates called e 1"]


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
    client = PlainClient([1], witness)
    for epoch, seq, is_snapshot in [("e", 1, True), *moves]:
        client._follow(epoch, seq, is_snapshot=is_snapshot)
    assert (witness.missed, witness.repeated, witness.renumbered) == (missed, repeated, renumbered)


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
