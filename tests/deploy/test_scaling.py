"""The figures of docs/scaling.md are those that were measured, and what follows from them."""

from __future__ import annotations

import pytest

from tests.support.service import ROOT
from websocket.settings import Settings

PAGE = (ROOT / "docs" / "scaling.md").read_text()
RESULTS = (ROOT / "bench" / "RESULTS.md").read_text()

CLIENTS_MEASURED = 8000
CLIENTS = 10_000
PROCESS_MB = 91
"""Measured for the page."""

PROTOCOLS = ("plain", "Socket.IO")


def cells(line: str) -> list[str]:
    """Of a line of a table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def measured(protocol: str) -> dict[str, float]:
    """The service's row with 8 000 clients."""
    titles, _, *lines = RESULTS.partition("## Servers")[2].partition("##")[0].strip().splitlines()
    for line in lines:
        row = dict(zip(cells(titles), cells(line), strict=True))
        clients, payload, server = row.pop("clients"), row.pop("payload"), row.pop("server")
        if (clients, server) == (str(CLIENTS_MEASURED), "service") and payload.startswith(protocol):
            figures = {name: float(text.split()[0]) for name, text in row.items()}
            return {**figures, "bytes": float(payload.split()[-2])}
    raise AssertionError(f"no row of the service for {protocol}")


def shown(title: str, protocol: str) -> str:
    """What a table of the page says."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {title} |")]
    return cells(line)[1 + PROTOCOLS.index(protocol)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_quoted_figures_are_the_measured_ones(protocol: str) -> None:
    """A new measurement calls for a new page."""
    row = measured(protocol)
    assert shown("CPU per message, net of idle", protocol) == f"{row['net of idle']:.2f} µs"
    assert shown("CPU of all idle clients (pings and the service's own work)", protocol) == f"{row['CPU % idle']} %"
    assert shown("from the first to the last client of a broadcast, median", protocol) == f"{row['spread ms']} ms"
    assert shown("CPU per accepted client", protocol) == f"{row['CPU µs per accept']:.0f} µs"
    assert shown("accepted per second", protocol) == f"{row['accepted per s']:.0f}"
    assert shown("memory per idle connection, in the process", protocol) == f"{row['KB per idle connection']} KB"
    assert f"{row['bytes']:,.0f} B".replace(",", " ") in PAGE


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_figures_of_one_process_follow(protocol: str) -> None:
    """At the default intervals and with as many clients as the default allows."""
    row, prices = measured(protocol), Settings().prices
    assert Settings().server.max_connections == CLIENTS
    interval = prices.market_data_interval_s if protocol == "plain" else prices.broadcast_interval_s
    idle_us_per_s = row["CPU % idle"] / 100 * 1e6 / CLIENTS_MEASURED
    percent = CLIENTS * (row["net of idle"] / interval + idle_us_per_s) / 1e6 * 100
    assert shown("CPU", protocol) == f"{percent:.1f} %"
    assert shown("CPU of one broadcast", protocol) == f"{CLIENTS * row['net of idle'] / 1000:.0f} ms"
    assert shown("to take them all in", protocol) == f"{CLIENTS * row['CPU µs per accept'] / 1e6:.1f} s"
    assert shown("memory", protocol) == f"{PROCESS_MB + CLIENTS * row['KB per idle connection'] / 1000:.0f} MB"


def test_figures_of_a_million_follow() -> None:
    """CPU and network of Socket.IO clients, from the same row."""
    row = measured("Socket.IO")
    on_the_wire = row["bytes"] + 2 * 52
    table = {cells(line)[0]: cells(line)[1] for line in PAGE.partition("## A million")[2].splitlines() if "|" in line}
    assert table["CPU of one broadcast, all processes"] == f"{row['net of idle']:.1f} s"
    assert table["network, on average"] == f"{on_the_wire * 8 / 10 / 1000:.1f} Gbit/s"
    assert table["network, when a broadcast is to be out within 1 s"] == f"{on_the_wire * 8 / 1000:.0f} Gbit/s"
    assert table["to take all in again, after a loss of power"] == f"{row['CPU µs per accept'] / 100:.1f} s"
    assert table["nginx: workers"] == f"{-(-2 * 1_000_000 // 32768)}"
