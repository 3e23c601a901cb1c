"""``python -m chaos [--short] [--clients N] [--server NAME] [--report FILE]``: plays faults, prints what clients saw.

Exit code 0 when nothing was wrong, missed, or had to be helped.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import msgspec

from chaos.clients import Crowd
from chaos.cluster import SEED, Cluster, ClusterError, Server
from chaos.faults import FAULTS, Fault, Stage
from chaos.report import Outcome, as_markdown, as_text
from chaos.witness import Witness

RECOVERY_S = 40.0
"""So much time the cluster has to recover from a fault by itself."""

WELL_WITHIN_S = 4.0

SETTLE_S = 6.0
"""A fault may show only after a while; until then nobody is asked whether everything is well again."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description="Breaks a cluster while clients watch.")
    parser.add_argument("--short", action="store_true", help="only the faults that matter most, with fewer clients")
    parser.add_argument("--clients", type=int, help="plain clients (default: 500, short: 60)")
    parser.add_argument("--server", choices=get_args(Server), default="gunicorn", help="what runs each service")
    parser.add_argument("--only", default="", metavar="WORDS", help="only faults whose title has these words")
    parser.add_argument("--folder", type=Path, help="where data and logs go and stay (default: a temporary folder)")
    parser.add_argument("--report", type=Path, help="a Markdown file whose marked part gets the report")
    options = parser.parse_args(arguments)
    faults = [fault for fault in FAULTS if (fault.in_short or not options.short) and options.only in fault.title]
    clients = options.clients or (60 if options.short else 500)
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
            folder = options.folder or Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            outcomes = asyncio.run(_play(faults, clients, folder, options.server))
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.report is not None:
        options.report.write_text(as_markdown(options.report.read_text(), outcomes, clients))
    return 0 if all(outcome.is_clean for outcome in outcomes) else 1


async def _play(faults: Sequence[Fault], clients: int, folder: Path, server: Server) -> list[Outcome]:
    outcomes: list[Outcome] = []
    cluster = Cluster(folder, server=server)
    witness = Witness(SEED)
    crowd = Crowd([service.port for service in cluster.services], witness, plain=clients, socketio_clients=9)
    try:
        await asyncio.to_thread(cluster.start)
        await crowd.start()
        await _recover(cluster, crowd)
        for fault in faults:
            outcome = await _play_one(fault, cluster, crowd, witness)
            sys.stdout.write(as_text(outcome) + "\n")
            sys.stdout.flush()
            outcomes.append(outcome)
    finally:
        await crowd.stop()
        await asyncio.to_thread(cluster.stop)
    return outcomes


async def _play_one(fault: Fault, cluster: Cluster, crowd: Crowd, witness: Witness) -> Outcome:
    await crowd.spread()
    await _recover(cluster, crowd)
    witness.reset()
    crowd.begin_to_count()
    began_at = time.monotonic()
    await asyncio.to_thread(fault.play, Stage(cluster, crowd, witness))
    await asyncio.sleep(SETTLE_S)
    helped = await _recover(cluster, crowd)
    crowd.look()
    witness.count_changes()
    if fault.is_polite and witness.unannounced:
        witness.complain(f"{witness.unannounced} clients were not told that their process ends")
    for service in cluster.services:
        if bugs := await asyncio.to_thread(service.new_tracebacks):
            witness.complain(f"{service.name} has logged {bugs} errors of its own")
    return Outcome(
        title=fault.title,
        took_s=time.monotonic() - began_at,
        without_news_s=witness.longest_gap_s,
        updates=witness.updates,
        missed=witness.missed,
        repeated=witness.repeated,
        replayed=witness.replayed,
        renumbered=witness.renumbered,
        unrecovered=witness.unrecovered,
        may_lose=fault.may_lose,
        reconnects=witness.reconnects,
        goodbyes=witness.goodbyes,
        wrong=list(witness.wrong),
        helped=helped,
    )


async def _recover(cluster: Cluster, crowd: Crowd) -> int:
    """Waits until everybody is well again; what does not become so by itself is restarted, and counted."""
    until = time.monotonic() + RECOVERY_S
    while time.monotonic() < until:
        ready = await asyncio.to_thread(lambda: [service for service in cluster.services if service.is_ready])
        if len(ready) == len(cluster.services) and crowd.all_are_well(WELL_WITHIN_S):
            return 0
        await asyncio.sleep(0.3)
    ill = await asyncio.to_thread(lambda: [service for service in cluster.services if not service.is_ready])
    for service in ill:
        sys.stderr.write(f"{service.name} had to be helped: {msgspec.json.encode(service.readiness()).decode()}\n")
        await asyncio.to_thread(service.kill)
        service.start()
    if not ill:
        alone = sum(not client.is_connected for client in crowd.everybody)
        sys.stderr.write(f"all processes are ready, but {alone} clients are not connected, or without news\n")
    await asyncio.sleep(RECOVERY_S / 4)
    return max(1, len(ill))


if __name__ == "__main__":
    sys.exit(main())
