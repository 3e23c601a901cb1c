"""What a run has shown: a line for each fault, and the table of ``docs/reliability.md``."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone

import msgspec

BEGIN, END = "<!-- report -->", "<!-- end of report -->"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What clients saw of one fault.

    Attributes:
        title: of the fault.
        took_s: from its beginning until everybody was well again.
        without_news_s: longest time that any client had no newer price.
        updates: that clients got, all together.
        missed: updates that a client never got although it resumed, or stayed connected.
        repeated: updates that a client got a second time, or out of order.
        replayed: updates that came behind a resumed position.
        renumbered: times that a client had to go on under another epoch.
        unrecovered: those of them that had resumed, and cannot know what they missed.
        may_lose: whether that is in order.
        reconnects: connections that ended.
        goodbyes: clients that were told of it.
        wrong: what differed from the truth, or from what another client got under the same number.
        helped: processes that did not recover by themselves.
    """

    title: str
    took_s: float
    without_news_s: float
    updates: int
    missed: int
    repeated: int
    replayed: int
    renumbered: int
    unrecovered: int
    may_lose: bool
    reconnects: int
    goodbyes: int
    wrong: list[str]
    helped: int

    @property
    def is_clean(self) -> bool:
        """Nothing happened that must not."""
        lost = 0 if self.may_lose else self.unrecovered
        return not (self.missed or self.repeated or self.wrong or self.helped or lost)


def as_text(outcome: Outcome) -> str:
    """One line, and one for each kind of wrong price."""
    line = (
        f"{'ok  ' if outcome.is_clean else 'BAD '} {outcome.title}: {outcome.without_news_s:.1f} s without news,"
        f" missed {outcome.missed}, repeated {outcome.repeated}, wrong {len(outcome.wrong)}, helped {outcome.helped};"
        f" {outcome.updates} updates, {outcome.reconnects} reconnects, {outcome.replayed} replayed,"
        f" {outcome.renumbered} renumbered, {outcome.unrecovered} of them after a resume,"
        f" {outcome.goodbyes} goodbyes, {outcome.took_s:.0f} s"
    )
    return "\n    ".join([line, *outcome.wrong[:5]])


def as_markdown(page: str, outcomes: Sequence[Outcome], clients: int) -> str:
    """The page with the report of this run between its marks.

    Args:
        page: Markdown with both marks.
        outcomes: of all faults.
        clients: plain ones that were connected.
    """
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    rows = [
        f"| {one.title} | {one.without_news_s:.1f} | {one.missed} | {one.repeated} | {len(one.wrong)} | {one.helped} |"
        f" {one.renumbered} | {one.unrecovered} | {one.reconnects} | {one.updates} |"
        for one in outcomes
    ]
    when = datetime.now(timezone.utc)
    lines = [
        BEGIN,
        f"Run of {when:%Y-%m-%d}, {clients} plain clients and 9 of Socket.IO (3 of them polling), three processes,"
        f" an update every second; Python {platform.python_version()}, {os.cpu_count()} cores.",
        "",
        "| Fault | Longest time without a newer price, s | Missed | Repeated | Wrong | Helped | New epoch |"
        " After a resume | Reconnects | Updates |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *rows,
        END,
    ]
    return head + "\n".join(lines) + tail
