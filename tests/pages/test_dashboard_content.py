"""What the dashboard makes of what it is sent: hostile, senseless, endless, and the past of a price."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages.conftest import OpenPage
from tests.pages.dashboard_wire import (
    DESKTOP,
    SENSELESS_WORDS,
    Tap,
    card,
    expect_status,
    figure,
    utc,
)
from tests.support.service import ServiceProcess
from websocket.catalogue import SERVICE_NAMES

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.body.dataset.hit='1'\"><script>document.body.dataset.hit='1'</script>"


def answer_history(page: Page, rows: list[dict[str, Any]], *, status: int = 200, message: str = "") -> None:
    """The archive of this page says that and nothing else."""

    def fulfil(route: Route) -> None:
        body = {"status": "success", "data": {"rows": rows, "next": None}, "message": message}
        route.fulfill(status=status, json=body)

    page.route("**/api/history/**", fulfil)


def test_hostile_texts_stay_texts(dashboard: Page, wire: Tap) -> None:
    """Markup in titles, names, addresses and reasons is shown as written; only http and https become links."""
    article = {"id": "1", "source": "evil", "published_at": utc(60), "categories": []}
    wire.send(
        "news",
        status="degraded",
        reason=HOSTILE,
        parts={HOSTILE: {"status": "down", "as_of": None, "source": HOSTILE, "reason": HOSTILE}},
        articles=[
            {**article, "title": HOSTILE, "url": "javascript:document.body.dataset.hit='1'"},
            {**article, "id": "2", "title": "plain", "url": "https://news.example/a"},
        ],
        sources=[],
    )
    party = {"value": 2e6, "amount": 1.0, "asset": HOSTILE, "timestamp": utc(9), "confirmed": True}
    wire.send(
        "whale_tracking",
        large_transactions=[{**party, "chain": HOSTILE, "hash": "javascript:0", "from": HOSTILE, "to_label": HOSTILE}],
    )
    wire.send("rpc_nodes", nodes=[{"name": HOSTILE, "host": HOSTILE, "chain": HOSTILE, "status": HOSTILE}], events=[])
    wire.send("pool_manager", pools={HOSTILE: {"active_source": HOSTILE, "health": HOSTILE}}, failovers=[])
    wire.send("health_checker", providers={HOSTILE: {"status": HOSTILE, "reason": HOSTILE}})
    wire.send("scheduler", jobs=[{"id": HOSTILE, "status": "failing", "last_error": HOSTILE}])
    wire.send("huggingface", model_details=[{"id": HOSTILE, "url": "data:text/html,x"}], dataset_details=[])

    articles = card(dashboard, "news").locator("[data-field=articles] a")
    expect(articles).to_have_count(2)
    expect(articles.first.locator("[data-field=title]")).to_have_text(HOSTILE)
    assert articles.first.get_attribute("href") is None
    assert articles.nth(1).get_attribute("href") == "https://news.example/a"
    assert articles.nth(1).get_attribute("rel") == "noopener noreferrer"
    for name in ("rpc_nodes", "pool_manager", "health_checker", "scheduler", "huggingface", "whale_tracking"):
        expect(card(dashboard, name)).to_contain_text("<img src=x")
    assert dashboard.locator("a[href^=javascript], a[href^=data]").count() == 0
    assert dashboard.locator("main img, main script").count() == 0
    assert dashboard.locator("body").get_attribute("data-hit") is None


def test_senseless_payloads_cost_nobody_else(dashboard: Page, wire: Tap) -> None:
    """Every field may be missing, null or of another type: dashes, no words of machines, and the other cards go on."""
    for name in SERVICE_NAMES:
        wire.send(name)
    for name in SERVICE_NAMES:
        expect(card(dashboard, name)).to_have_attribute("data-status", "live")
    senseless: list[Any] = [None, 7, "x", [None, 7, [], {}], {"a": None, "b": 7, "c": []}, -1, 1e308, True]
    lists = ["articles", "sources", "nodes", "events", "large_transactions", "failovers", "jobs", "tasks"]
    maps = [
        "prices",
        "price_changes",
        "volumes",
        "last_updated",
        "parts",
        "chains",
        "providers",
        "pools",
        "tvl_by_chain",
    ]
    figures = ["sentiment_score", "total_models", "storage_size", "average_latency", "trending_topic_details"]
    keys = [*lists, *maps, *figures, "source_details", "model_details"]
    for value in senseless:
        for name in SERVICE_NAMES:
            wire.send(name, **dict.fromkeys(keys, value))
    wire.muted.clear()
    expect_status(dashboard, "market_data", "live")
    expect(figure(dashboard, "market_data", "price")).to_have_text(re.compile(r"^[\d,]+\.\d\d$"))
    assert not SENSELESS_WORDS.search(dashboard.locator("main").inner_text())


def test_long_lists_have_an_end(dashboard: Page, wire: Tap) -> None:
    """However much is sent, the page stays as small as it was, and lists scroll within their card."""
    articles = [{"id": str(number), "title": f"Title {number}", "url": "https://a.example/"} for number in range(3000)]
    wire.send("news", articles=articles, sources=[])
    nodes = [{"name": str(number), "host": "h", "status": "healthy"} for number in range(3000)]
    wire.send("rpc_nodes", nodes=nodes, events=[])
    expect(card(dashboard, "news").locator("[data-field=articles] li")).to_have_count(60)
    expect(card(dashboard, "rpc_nodes").locator("[data-field=nodes] tr")).to_have_count(80)
    assert dashboard.evaluate("document.documentElement.scrollHeight") <= DESKTOP["height"]


def test_rows_that_did_not_change_are_not_touched(dashboard: Page, wire: Tap) -> None:
    """A second update with one new article adds a row and leaves the others alone."""
    known = [{"id": str(number), "title": f"Title {number}", "published_at": utc(91_800)} for number in range(20)]
    wire.send("news", articles=known, sources=[])
    rows = card(dashboard, "news").locator("[data-field=articles] li")
    expect(rows).to_have_count(20)
    # ages are drawn once a second, the first ones as well
    expect(rows.last.locator("[data-field=age]")).to_have_text(re.compile("."))
    dashboard.evaluate(
        """() => {
          globalThis.touched = [];
          const list = document.querySelector("#card-news [data-field=articles]");
          new MutationObserver((changes) => globalThis.touched.push(...changes.map((change) => change.target)))
            .observe(list, { subtree: true, childList: true, characterData: true, attributes: true });
        }"""
    )
    wire.send("news", articles=[{"id": "new", "title": "New", "published_at": utc(91_800)}, *known], sources=[])
    expect(rows).to_have_count(21)
    expect(rows.first).to_contain_text("New")
    elsewhere = (
        "globalThis.touched.filter((node) => node !== document.querySelector('#card-news [data-field=articles]'))"
    )
    rows_touched = f"{elsewhere}.filter((node) => !node.parentElement.closest('li').textContent.includes('New'))"
    assert dashboard.evaluate(f"{rows_touched}.map((node) => node.outerHTML ?? node.textContent)") == []


def test_the_chart_draws_the_archive_and_the_live_price(open_page: OpenPage, service: ServiceProcess) -> None:
    """History comes from the service's own archive; the line ends with the price of now, for any coin and range."""
    page = open_page(service, path="/dashboard", viewport=DESKTOP)
    chart = card(page, "chart")
    deadline = time.monotonic() + 60
    while chart.get_attribute("data-history") != "there" and time.monotonic() < deadline:
        # a service that has just started may not have written its first prices
        page.locator("#card-chart [data-range='24h']").click()
        page.locator("#card-chart [data-range='1h']").click()
        page.wait_for_timeout(1000)
    expect(chart).to_have_attribute("data-history", "there")
    expect(page.locator("#chart")).to_have_attribute("data-points", re.compile(r"^([2-9]|\d\d+)$"), timeout=60_000)
    painted = "node => node.querySelector('canvas').getContext('2d').getImageData(0, 0, 400, 200).data.some(Boolean)"
    assert page.locator("#chart").evaluate(painted)
    expect(page.locator("#chart-price")).to_have_text(re.compile(r"^\$[\d,]+\.\d\d$"))
    chart.locator("[data-symbol=ETH]").click()
    expect(page.locator("#chart-symbol")).to_have_text("ETH")
    expect(page.locator("tr[data-symbol=ETH] button")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#chart")).to_have_attribute("aria-label", re.compile(r"^ETH, last hour: from"))
    page.locator("tr[data-symbol=XRP] button").click()
    expect(page.locator("#chart-symbol")).to_have_text("XRP")


def test_the_chart_draws_candles_of_weeks_with_their_gaps(open_page: OpenPage, service: ServiceProcess) -> None:
    """Hours without prices stay a gap; a row that makes no sense is left out."""
    hours = [hour for hour in range(1, 160) if not 50 <= hour < 60]
    rows: list[dict[str, Any]] = [
        {"start": utc(hour * 3600), "open": 100.0, "high": 110.0, "low": 90.0, "close": 100.0 + hour} for hour in hours
    ]
    rows += [{"start": None, "close": 5.0}, {"start": utc(0), "close": -1.0}, {"start": "x", "close": "y"}]
    page = open_page(service, path="/dashboard", prepare=lambda page: answer_history(page, rows), viewport=DESKTOP)
    page.locator("#card-chart [data-range='7d']").click()
    expect(card(page, "chart")).to_have_attribute("data-history", "there")
    drawn = len({utc_hour(row["start"]) for row in rows[: len(hours)]})
    # and one for the live price of this hour
    expect(page.locator("#chart")).to_have_attribute("data-points", re.compile(f"^({drawn}|{drawn + 1})$"))
    expect(page.locator("#chart")).to_have_attribute("aria-label", re.compile("^BTC, last 7 days: from 259.00 to"))


def utc_hour(moment: str) -> str:
    return moment[:13]


def test_an_empty_archive_and_a_silent_one_are_told(open_page: OpenPage, service: ServiceProcess) -> None:
    """The chart says why there is no history, in words and not in markup, and draws what comes."""
    empty = open_page(service, path="/dashboard", prepare=lambda page: answer_history(page, []), viewport=DESKTOP)
    expect(card(empty, "chart")).to_have_attribute("data-history", "empty")
    expect(empty.locator("#chart-note")).to_contain_text("The archive has no prices of BTC in the last hour.")
    expect(empty.locator("#chart")).to_have_attribute("data-points", re.compile(r"^([2-9]|\d\d+)$"), timeout=60_000)
    broken = open_page(
        service,
        path="/dashboard",
        prepare=lambda page: answer_history(page, [], status=503, message=f"archive: {HOSTILE}"),
        viewport=DESKTOP,
    )
    expect(card(broken, "chart")).to_have_attribute("data-history", "unavailable")
    expect(broken.locator("#chart-note")).to_contain_text("archive: <img src=x")
    assert broken.locator("main img").count() == 0
