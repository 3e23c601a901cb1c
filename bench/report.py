"""The tables: medians of all runs, and the ratios that the targets are about, taken within each run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

from bench.measure import Broadcasts, Idle, Stalled
from bench.peers import FLOOR, NODE, SERVICE, STOCK, Peer

Key = tuple[str, str, int]
"""(protocol whose payload is sent, title, clients)."""


class Report:
    """Collects what was measured and renders it."""

    def __init__(self) -> None:
        self._idle: dict[Key, Idle] = {}
        self._broadcasts: defaultdict[Key, list[Broadcasts]] = defaultdict(list)
        self._stalled: dict[str, Stalled] = {}

    def add_idle(self, peer: Peer, clients: int, idle: Idle) -> None:
        """Adds a measurement of idle connections."""
        self._idle[(peer.same_as, peer.title, clients)] = idle

    def add_broadcasts(self, peer: Peer, clients: int, broadcasts: Broadcasts) -> None:
        """Adds one run; runs of different servers with the same number belong together."""
        self._broadcasts[(peer.same_as, peer.title, clients)].append(broadcasts)

    def add_stalled(self, peer: Peer, stalled: Stalled) -> None:
        """Adds a measurement with clients that never read."""
        self._stalled[peer.protocol] = stalled

    def render(self) -> str:
        """Everything as Markdown."""
        return "\n".join([*self._servers(), *self._ratios(), *self._stalls()]) + "\n"

    def _servers(self) -> Iterable[str]:
        head = (
            "clients", "payload", "server", "CPU µs per message (range)", "net of idle", "spread ms", "longest",
            "CPU % idle", "KB per idle connection", "accepted per s", "CPU µs per accept",
        )  # fmt: skip
        rows = []
        for key, runs in self._broadcasts.items():
            protocol, title, clients = key
            idle = self._idle[key]
            costs = [run.us_per_message for run in runs]
            troubles = sum(run.lost for run in runs) + idle.failed
            incomplete = min(run.complete for run in runs)
            remark = f" ({troubles} connections lost)" if troubles else ""
            remark += f" ({incomplete:.0%} of broadcasts complete)" if incomplete < 1 else ""
            rows.append(
                (
                    f"{clients}",
                    f"{protocol}, {runs[0].message_bytes:.0f} B",
                    title + remark,
                    f"{median(costs):.2f} ({min(costs):.2f}-{max(costs):.2f})",
                    f"{median(self._net(key)):.2f}",
                    f"{median(run.spread_ms for run in runs):.1f}",
                    f"{max(run.spread_max_ms for run in runs):.1f}",
                    f"{idle.cpu_percent:.1f}",
                    f"{idle.kb_per_connection:.1f}",
                    f"{idle.accepted_per_s:.0f}",
                    f"{idle.cpu_us_per_accept:.0f}",
                )
            )
        return _table(head, rows, left=3)

    def _ratios(self) -> Iterable[str]:
        head = ("clients", "payload", "service against", "CPU per message", "net of idle")
        rows = []
        for key in self._broadcasts:
            protocol, title, clients = key
            if title == SERVICE:
                for other in (FLOOR, NODE[protocol], STOCK):
                    theirs = (protocol, other, clients)
                    if theirs in self._broadcasts:
                        total = _ratio(self._total(key), self._total(theirs))
                        rows.append((f"{clients}", protocol, other, total, _ratio(self._net(key), self._net(theirs))))
        return _table(head, rows, left=3)

    def _total(self, key: Key) -> list[float]:
        """Processor time for each message, by run."""
        return [run.us_per_message for run in self._broadcasts[key]]

    def _net(self, key: Key) -> list[float]:
        """The same without what the server uses when nothing is broadcast, with as many clients."""
        idle_share = self._idle[key].cpu_percent / 100
        return [run.us_per_message - idle_share / run.messages_per_s * 1e6 for run in self._broadcasts[key]]

    def _stalls(self) -> Iterable[str]:
        head = ("service", "readers' p99 ms before", "while others stall", "ratio", "growth KB", "readers complete")
        rows = []
        for protocol, stalled in self._stalled.items():
            before, during = stalled.before.delay_p99_ms, stalled.during.delay_p99_ms
            rows.append(
                (
                    protocol,
                    f"{before:.1f}",
                    f"{during:.1f}",
                    f"{during / before:.2f}",
                    f"{stalled.growth_kb}",
                    f"{stalled.during.complete:.1%}",
                )
            )
        return _table(head, rows, left=1)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Median of the ratios within each run, with their range."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """A Markdown table, or nothing without rows; columns after the first few are numbers, aligned to the right."""
    if not rows:
        return []
    lines = [head, ["---" if column < left else "--:" for column in range(len(head))], *rows]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]
