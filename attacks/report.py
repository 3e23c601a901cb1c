"""What came of the attacks: a line for each, and the table of ``docs/operations.md``."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

import msgspec

from attacks.victim import Fared

BEGIN, END = "<!-- attacks -->", "<!-- end of attacks -->"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One attack, as the client beside it saw it.

    Attributes:
        title: what the attackers did.
        fared: what the client noticed.
        grown_kb: by how much the service's memory has grown meanwhile, KiB.
        tracebacks: that the service has logged.
    """

    title: str
    fared: Fared
    grown_kb: int
    tracebacks: int

    @property
    def is_clean(self) -> bool:
        """Whether the client lacked nothing but speed."""
        return not (self.fared.missed or self.fared.unanswered or self.tracebacks) and self.fared.updates > 0


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share of all is not above; 0 of none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def as_text(outcome: Outcome) -> str:
    """A line for the terminal."""
    fared = outcome.fared
    median, p99 = (percentile(fared.pings_ms, share) for share in (0.5, 0.99))
    return (
        f"{outcome.title} ping ms: median {median:.1f}, p99 {p99:.1f}; updates {fared.updates}, missed {fared.missed};"
        f" newcomers {fared.newcomers}, refused {fared.refused}, unanswered {fared.unanswered},"
        f" p99 {percentile(fared.newcomers_ms, 0.99):.0f} ms; memory {outcome.grown_kb / 1024:+.1f} MiB;"
        f" tracebacks {outcome.tracebacks}"
    )


def as_markdown(page: str, outcomes: Sequence[Outcome], seconds: float) -> str:
    """The page with the table between its marks replaced.

    Raises:
        ValueError: it has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    rows = [
        f"`python -m attacks --seconds {seconds:g}`, {os.cpu_count()} cores, Python {platform.python_version()}.",
        "",
        "| what attackers did | ping median, ms | ping p99, ms | updates missed | newcomers refused | memory, MiB |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {outcome.title} | {percentile(outcome.fared.pings_ms, 0.5):.1f}"
            f" | {percentile(outcome.fared.pings_ms, 0.99):.1f} | {outcome.fared.missed} of {outcome.fared.updates}"
            f" | {outcome.fared.refused + outcome.fared.unanswered} of {outcome.fared.newcomers}"
            f" | {outcome.grown_kb / 1024:+.0f} |"
            for outcome in outcomes
        ),
    ]
    return f"{before}{BEGIN}\n{chr(10).join(rows)}\n{END}{after}"
