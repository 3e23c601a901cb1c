"""Each attack for a few seconds at full strength: an honest client misses nothing, and memory stays within bounds.

How long pings take meanwhile depends on the machine; ``python -m attacks`` measures that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from attacks.attackers import ATTACKS
from attacks.report import BEGIN, END, Outcome, as_markdown, as_text, percentile
from attacks.stage import Stage, memory_kb
from attacks.victim import Fared

SECONDS = 2.0

MOST_GROWTH_KB = 120 * 1024
"""Of one attack; the bounds together are in ``docs/operations.md``."""

MOST_KB = 400 * 1024
"""After all of them."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.mark.parametrize("name", ATTACKS)
def test_honest_client_lacks_nothing_but_speed(stage: Stage, name: str) -> None:
    outcome = asyncio.run(stage.play(name, SECONDS))
    assert outcome.is_clean, as_text(outcome)
    assert len(outcome.fared.pings_ms) > 1
    assert outcome.grown_kb < MOST_GROWTH_KB, as_text(outcome)


def test_memory_stays_within_bounds_and_the_log_short(stage: Stage) -> None:
    """After everything that was tried."""
    assert memory_kb(stage.worker) < MOST_KB
    assert stage.service.said().count("\n") < 200


def outcome(**changes: object) -> Outcome:
    """A clean one, with changes."""
    fared = Fared(pings_ms=[1.0, 2.0, 3.0], updates=5, newcomers=2, newcomers_ms=[4.0])
    values = {"title": "They knock.", "fared": fared, "grown_kb": 1024, "tracebacks": 0}
    return Outcome(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "worse",
    [
        outcome(tracebacks=1),
        outcome(fared=Fared(updates=5, missed=1)),
        outcome(fared=Fared(updates=5, unanswered=1)),
        outcome(fared=Fared(updates=0)),
    ],
)
def test_outcome_that_is_not_clean(worse: Outcome) -> None:
    assert outcome().is_clean
    assert not worse.is_clean


def test_report_takes_its_place_in_the_page() -> None:
    page = as_markdown(f"before\n{BEGIN}\nold\n{END}\nafter\n", [outcome()], 20)
    assert "old" not in page
    assert "| They knock. | 2.0 | 3.0 | 0 of 5 | 0 of 2 | +1 |" in page
    with pytest.raises(ValueError, match="has no"):
        as_markdown("nothing", [], 20)


def test_percentile_of_nothing_is_nothing() -> None:
    assert percentile([], 0.99) == 0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
