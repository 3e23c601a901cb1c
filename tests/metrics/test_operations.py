"""docs/operations.md, the alerts and the dashboard name metrics and labels that exist, and leave none out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import Metric

import app
from tests.metrics.conftest import scrape
from tests.support.service import ROOT
from tests.test_app import _own_handlers  # noqa: F401 - the fixture is for every test here
from websocket.metrics.counted import TICK_S
from websocket.price_book import Verdict
from websocket.settings import Settings

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"

ROWS = ("Feed freshness", "Providers", "Clients", "Process", "Archive and cache", "Bus")

OWN_LABELS = {"instance", "job", "le"}
"""What Prometheus adds."""

NAME = re.compile(r"\b(?:dwt|process)_[a-z0-9_]+")
SELECTOR = re.compile(r"\b((?:dwt|process)_[a-z0-9_]+)\{([^}]*)\}")


def alerts() -> list[dict[str, Any]]:
    """All rules."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert isinstance(board, dict)
    return board


def panels() -> list[dict[str, Any]]:
    """Its panels, the rows aside."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression in PromQL, with where it stands."""
    yield from ((rule["alert"], rule["expr"]) for rule in alerts())
    yield from ((panel["title"], target["expr"]) for panel in panels() for target in panel["targets"])


def exposed(family: Metric) -> str:
    """The name under which people look for it."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def names_of(family: Metric) -> set[str]:
    """The names of its time series."""
    if family.type == "histogram":
        return {f"{family.name}_{part}" for part in ("bucket", "count", "sum")}
    return {exposed(family)}


def table() -> dict[str, tuple[str, str]]:
    """Of the documentation: metric -> kind and labels."""
    chapter = OPERATIONS.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in chapter.splitlines() if line.startswith("| `")]
    assert all(len(row) == 4 for row in rows)
    return {row[0].strip("`"): (row[1], row[2]) for row in rows}


def test_every_metric_is_documented(service: app.Service) -> None:
    """And nothing else; with its kind."""
    families = scrape(service).values()
    assert {name: kind for name, (kind, _) in table().items()} == {exposed(each): each.type for each in families}


def test_labels_are_documented(service: app.Service) -> None:
    """Of all that have samples; a price has none before there is one."""
    for family in scrape(service).values():
        found = {label for each in family.samples for label in each.labels} - {"le"}
        documented = set(re.findall("`(.+?)`", table()[exposed(family)][1]))
        assert found == documented or not family.samples, family.name


def test_expressions(service: app.Service) -> None:
    """Every name in them is a metric, every label one of that metric; and what was opened is closed."""
    known = {name: family for family in scrape(service).values() for name in names_of(family)}
    documented = {name: set(re.findall("`(.+?)`", labels)) for name, (_, labels) in table().items()}
    for where, expression in expressions():
        names = set(NAME.findall(expression))
        assert names or expression.startswith("up{"), where
        assert names <= known.keys(), where
        for name, selector in SELECTOR.findall(expression):
            used = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selector))
            assert used <= documented[exposed(known[name])] | OWN_LABELS, where
        for opening, closing in ("()", "{}", "[]"):
            assert expression.count(opening) == expression.count(closing), where


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_alert(rule: dict[str, Any]) -> None:
    """It says how bad it is and what is wrong, and has a chapter that says what to do."""
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"].endswith(".")
    chapter = OPERATIONS.partition(f"\n### {rule['alert']}\n")[2].partition("\n### ")[0]
    assert len(chapter.split()) > 15
    labels = set(re.findall(r"\$labels\.([a-z_]+)", rule["annotations"]["summary"]))
    for kept in re.findall(r"^(?:histogram_quantile\(.*?)?sum by \(([a-z_, ]+)\)", rule["expr"]):
        assert labels <= set(kept.split(", "))


def test_chapters_are_those_of_the_alerts() -> None:
    """A renamed one leaves no chapter behind."""
    assert re.findall("^### (Dwt.+)$", OPERATIONS, re.MULTILINE) == [rule["alert"] for rule in alerts()]


def test_verdicts_in_an_alert_are_those_of_the_price_book() -> None:
    """All refusals, and nothing but refusals; those that are too old are late and no lies."""
    (rule,) = [rule for rule in alerts() if rule["alert"] == "DwtPricesRefused"]
    pattern = re.findall(r'verdict=~"(.+?)"', rule["expr"])[0]
    matched = {verdict for verdict in Verdict if re.fullmatch(pattern, verdict.value)}
    assert matched == {verdict for verdict in Verdict if verdict.refused} - {Verdict.TOO_OLD}


def test_share_of_refused_prices_counts_each_price_once() -> None:
    """A price that waits is judged again. Counted twice, a source that is wrong throughout would seem half right."""
    (rule,) = [rule for rule in alerts() if rule["alert"] == "DwtPricesRefused"]
    (pattern,) = re.findall(r'verdict!~"(.+?)"', rule["expr"])
    assert set(pattern.split("|")) == {Verdict.WAITING.value, Verdict.NO_QUOTE_RATE.value}


def test_archive_that_never_had_a_backup_is_an_alarm(service: app.Service) -> None:
    """It has no time of the last one, so an expression about that time alone would be deaf for ever."""
    (rule,) = [rule for rule in alerts() if rule["alert"] == "DwtBackupLate"]
    backup = "dwt_archive_last_backup_timestamp_seconds"
    families = scrape(service)
    assert not families[backup].samples
    late, _, never = rule["expr"].partition(" or ")
    present, _, missing = never.partition(" unless on (instance) ")
    assert backup in late
    assert missing == backup
    for name in NAME.findall(present):
        assert families[name].samples, name


def test_limits_are_those_of_the_settings() -> None:
    """By default."""
    prices = Settings().prices
    by_name = {rule["alert"]: rule["expr"] for rule in alerts()}
    assert by_name["DwtPriceStale"].endswith(f"> {prices.stale_after_s:g}")
    assert by_name["DwtPublicationsStopped"].endswith(f"> {6 * prices.broadcast_interval_s:g}")
    assert f"take nothing for {Settings().edge.slow_client_timeout_s:g} s (code 4008)" in OPERATIONS
    assert TICK_S == 0.25, "four times a second"


def test_dashboard_is_ready_to_import() -> None:
    """It asks for the data source, and for nothing else; no panel overlaps another."""
    board = dashboard()
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "instance"]
    assert board["templating"]["list"][0]["type"] == "datasource"
    assert tuple(panel["title"] for panel in board["panels"] if panel["type"] == "row") == ROWS
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert all(x < 24 for x, _ in cells), panel["title"]
        assert not taken & cells, panel["title"]
        taken |= cells


def test_every_metric_is_on_the_dashboard(service: app.Service) -> None:
    """Some are there as a part of another; those of the process in a selection."""
    shown = {name for panel in panels() for target in panel["targets"] for name in NAME.findall(target["expr"])}
    missing = {each.name for each in scrape(service).values() if not names_of(each) & shown}
    assert missing <= {"dwt_pool_active_source", "process_virtual_memory_bytes", "process_start_time_seconds"}
