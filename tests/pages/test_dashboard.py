"""The page ``/dashboard`` as people meet it: in a browser, in front of the running service."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.pages.conftest import OpenPage
from tests.pages.dashboard_wire import (
    CARDS,
    DESKTOP,
    SENSELESS_WORDS,
    SLOW_MS,
    MadeUpServer,
    Tap,
    an_update,
    card,
    expect_status,
    figure,
    utc,
)
from tests.support.service import ServiceProcess

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
SMALLEST = {"width": 320, "height": 640}


def overflow_px(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_every_card_fills_in_demo_mode_and_says_that_it_is_a_demo(open_page: OpenPage, service: ServiceProcess) -> None:
    """All twelve services and the connections are there, without words of machines, faults in the console or doubt
    about what is real.
    """
    complaints: list[str] = []

    def listen(page: Page) -> None:
        page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)

    page = open_page(service, path="/dashboard", prepare=listen, viewport=DESKTOP)
    for name in CARDS:
        expect(card(page, name)).to_have_attribute("data-content", "there", timeout=SLOW_MS)
    expect(page.locator("#demo-banner")).to_be_visible()
    expect(page.locator("#connection")).to_have_attribute("data-phase", "connected")
    expect(page.locator("#latency")).to_have_text(re.compile(r"ms$"))
    for name, field in (
        ("market_data", "price"),
        ("health_checker", "healthy"),
        ("pool_manager", "pool-count"),
        ("rpc_nodes", "active"),
        ("whale_tracking", "threshold"),
        ("news", "feeds"),
        ("sentiment", "score"),
        ("explorers", "bitcoin-block"),
        ("onchain", "gas"),
        ("scheduler", "active"),
        ("persistence", "size"),
        ("huggingface", "model-count"),
        ("connections", "open"),
    ):
        expect(figure(page, name, field)).to_have_text(re.compile(r"\d"), timeout=SLOW_MS)
    assert not SENSELESS_WORDS.search(page.locator("main").inner_text())
    assert complaints == []


def test_everything_fits_on_one_screen(open_page: OpenPage, service: ServiceProcess) -> None:
    """On an ordinary desktop nothing has to be scrolled to, however long the lists are."""
    page = open_page(service, path="/dashboard", viewport=DESKTOP)
    expect(card(page, "news")).to_have_attribute("data-content", "there", timeout=SLOW_MS)
    assert page.evaluate("document.documentElement.scrollHeight") <= DESKTOP["height"]
    for name in CARDS:
        box = card(page, name).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= DESKTOP["height"], name


def test_nothing_jumps_when_data_arrive(open_page: OpenPage, service: ServiceProcess) -> None:
    """The cards have their places before the first update."""
    places = "[...document.querySelectorAll('.card')].map((card) => JSON.stringify(card.getBoundingClientRect()))"
    silent = MadeUpServer(lambda route, number: None)
    before = open_page(service, path="/dashboard", prepare=silent.attach, viewport=DESKTOP)
    after = open_page(service, path="/dashboard", viewport=DESKTOP)
    expect(card(after, "news")).to_have_attribute("data-content", "there", timeout=SLOW_MS)
    assert before.evaluate(places) == after.evaluate(places)


def test_a_service_without_a_source_says_so(dashboard: Page, wire: Tap) -> None:
    """Not set up is neither a fault nor overdue: the card shows the reason in place of its content."""
    wire.send("huggingface", age_s=3600, status="unconfigured", reason="no source in this version")
    expect_status(dashboard, "huggingface", "unconfigured")
    expect(card(dashboard, "huggingface")).to_have_attribute("data-content", "none")
    expect(figure(dashboard, "huggingface", "empty-reason")).to_have_text("no source in this version")
    expect(dashboard.locator("#summary")).to_contain_text("1 not set up")


def test_a_start_is_no_fault(dashboard: Page, wire: Tap) -> None:
    """Nothing is red while the first values are awaited; what has come is shown already."""
    empty = {"status": "starting", "as_of": None, "source": None, "reason": "nothing has come yet"}
    wire.send("market_data", status="starting", reason="no price yet")
    wire.send("onchain", status="starting", reason="gas: nothing has come yet", parts={"gas": empty})
    come = {"status": "live", "as_of": utc(), "source": "alpha", "reason": None}
    wire.send("explorers", status="starting", reason="tip: nothing has come yet", parts={"tip": empty, "block": come})
    for service, content in (("market_data", "none"), ("onchain", "none"), ("explorers", "there")):
        expect_status(dashboard, service, "starting")
        expect(card(dashboard, service)).to_have_attribute("data-content", content)
        expect(figure(dashboard, service, "card-status")).to_have_text("Starting")
    expect(figure(dashboard, "market_data", "empty-reason")).to_have_text("no price yet")
    expect(dashboard.locator("#summary")).to_contain_text("3 starting")
    expect(dashboard.locator("#summary")).not_to_contain_text("attention")
    red = dashboard.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--bad').trim()")
    tone = card(dashboard, "onchain").evaluate("node => getComputedStyle(node).getPropertyValue('--tone').trim()")
    assert tone != red


ILL = {"health": "unhealthy", "reason": "no source answers"}
WELL = {"health": "healthy"}


@pytest.mark.parametrize(
    ("name", "data", "status", "reason"),
    [
        (
            "health_checker",
            {"overall_health": "unhealthy", "healthy_count": 0, "unhealthy_count": 39, "total_providers": 39},
            "unhealthy",
            "0 of 39 sources are healthy",
        ),
        (
            "health_checker",
            {
                "overall_health": "degraded",
                "healthy_count": 38,
                "unhealthy_count": 1,
                "degraded_count": 1,
                "total_providers": 39,
            },
            "degraded",
            "38 of 39 sources are healthy",
        ),
        ("pool_manager", {"pools": {"a": ILL, "b": ILL, "c": {"health": "idle"}}}, "unhealthy", "for 2 of 2 pools"),
        ("pool_manager", {"pools": {"a": ILL, "b": WELL, "c": WELL}}, "degraded", "for 1 of 3 pools"),
        ("pool_manager", {"pools": {"a": {"health": "degraded"}, "b": WELL}}, "degraded", "without their best source"),
        ("pool_manager", {"pools": {"a": WELL, "b": {"health": "idle"}}}, "live", None),
        ("rpc_nodes", {"nodes": [{"name": "a", "status": "unreachable"}]}, "unhealthy", "1 of 1 nodes are not healthy"),
        (
            "rpc_nodes",
            {"nodes": [{"name": "a", "status": "unchecked"}, {"name": "b", "status": "healthy"}]},
            "live",
            None,
        ),
        ("scheduler", {"running": False, "jobs": []}, "unhealthy", "the scheduler is stopped"),
        ("scheduler", {"running": True, "jobs": [{"id": "a", "status": "failing"}]}, "degraded", "1 job fails"),
        ("persistence", {"active_writers": 0}, "degraded", "nothing is being written"),
    ],
)
def test_no_card_is_greener_than_its_payload(
    dashboard: Page, wire: Tap, name: str, data: dict[str, Any], status: str, reason: str | None
) -> None:
    """A report that is live can be about things that are not: the card shows the worse of the two, and why."""
    wire.send(name, **data)
    expect_status(dashboard, name, status)
    expect(dashboard.locator(f".strip [data-service={name}]")).to_have_attribute("data-status", status)
    if reason is None:
        expect(figure(dashboard, name, "card-reason")).to_be_hidden()
    else:
        expect(figure(dashboard, name, "card-reason")).to_contain_text(reason)


def test_what_the_server_calls_stale_is_visibly_so(dashboard: Page, wire: Tap) -> None:
    """The pill, the reason, the price itself, the strip above and the title of the tab."""
    wire.send(
        "market_data",
        status="stale",
        reason="BTC older than 180 s",
        prices={"bitcoin": 64000.0},
        last_updated={"bitcoin": utc(600)},
    )
    expect_status(dashboard, "market_data", "stale")
    expect(figure(dashboard, "market_data", "card-reason")).to_have_text("BTC older than 180 s")
    expect(dashboard.locator("tr[data-symbol=BTC]")).to_have_attribute("data-age", "stale")
    expect(dashboard.locator("tr[data-symbol=ETH] [data-field=price]")).to_have_text("\N{EN DASH}")
    expect(dashboard.locator(".strip [data-service=market_data]")).to_have_attribute("data-status", "stale")
    expect(dashboard.locator("#summary")).to_contain_text("attention")
    assert dashboard.title().startswith("(")


def test_a_card_without_updates_becomes_overdue_by_itself(dashboard: Page, wire: Tap) -> None:
    """The connection is open and the last status was live, but nothing came for two and a half intervals."""
    wire.muted.add("market_data")
    expect_status(dashboard, "market_data", "overdue")
    expect(figure(dashboard, "market_data", "card-reason")).to_contain_text("one is due every 5s")
    expect(dashboard.locator("body")).to_have_attribute("data-connection", "connected")
    wire.muted.clear()
    expect_status(dashboard, "market_data", "live")


def test_a_service_that_never_speaks_is_overdue(open_page: OpenPage, service: ServiceProcess) -> None:
    """Waiting has an end: without a first update the card says so after two and a half intervals."""
    silent = MadeUpServer(lambda route, number: None)
    page = open_page(service, path="/dashboard", prepare=silent.attach, viewport=DESKTOP)
    expect_status(page, "market_data", "waiting")
    expect(figure(page, "market_data", "empty-title")).to_have_text("Waiting for the first update")
    expect_status(page, "market_data", "overdue")
    expect(figure(page, "market_data", "empty-reason")).to_contain_text("one is due every 5s")


def test_lost_sources_and_failing_jobs_are_told_above_all(dashboard: Page, wire: Tap) -> None:
    """A report can be live and tell of trouble: the summary says it, and the row in question comes first."""
    providers = {"calm": {"status": "healthy"}, "gone": {"status": "unhealthy", "reason": "connection failed"}}
    wire.send("health_checker", providers=providers, unhealthy_count=1, parked_count=0, healthy_count=1)
    wire.send("scheduler", jobs=[{"id": "fine", "status": "scheduled"}, {"id": "broken", "status": "failing"}])
    expect(dashboard.locator("#summary")).to_contain_text("1 source is lost")
    expect(dashboard.locator("#summary")).to_contain_text("1 job fails")
    expect(card(dashboard, "health_checker").locator("[data-field=providers] tr").first).to_contain_text(
        "connection failed"
    )
    expect(card(dashboard, "scheduler").locator("[data-field=jobs] li").first).to_contain_text("broken")


def test_a_lost_connection_is_told_and_taken_up_again(open_page: OpenPage, own_service: ServiceProcess) -> None:
    """Everything is dimmed under a banner; nobody has to press anything when the service comes back."""
    page = open_page(own_service, path="/dashboard", reconnect_delay_ms=500, viewport=DESKTOP)
    expect_status(page, "market_data", "live")
    price = figure(page, "market_data", "price").inner_text()
    own_service.kill()
    expect(page.locator("#lost-banner")).to_be_visible()
    expect(page.locator("#lost-text")).to_contain_text("The figures are those of")
    expect(page.locator("body")).to_have_attribute("data-connection", "lost")
    expect(page.locator(".cards")).not_to_have_css("opacity", "1")
    assert page.title().startswith("Disconnected")
    assert figure(page, "market_data", "price").inner_text() == price
    own_service.start()
    expect(page.locator("#lost-banner")).to_be_hidden(timeout=60_000)
    expect(page.locator("body")).to_have_attribute("data-connection", "connected")
    expect_status(page, "market_data", "live")


def test_what_was_missed_is_asked_for(open_page: OpenPage, service: ServiceProcess) -> None:
    """After a lost connection the blocks of the updates between are listed, too: resume by ``since``."""

    def blocks(seq: int) -> dict[str, Any]:
        event = {"kind": "new_blocks", "chain": "base", "height": 1000 + seq, "blocks": 1, "time": utc(60 - seq)}
        return {"events": [event], "nodes": []}

    def on_connection(route: WebSocketRoute, number: int) -> None:
        if number == 0:
            route.send(an_update("rpc_nodes", 1, blocks(1), snapshot=True))
            route.close(code=1012, reason="restart")
        else:
            route.send(an_update("rpc_nodes", 4, blocks(4), snapshot=True))

    def on_message(route: WebSocketRoute, message: dict[str, Any]) -> None:
        if message["action"] == "subscribe":
            for seq in range(message["since"]["seq"] + 1, 5):
                route.send(an_update("rpc_nodes", seq, blocks(seq)))
            route.send(an_update("rpc_nodes", 5, blocks(5)))

    server = MadeUpServer(on_connection)
    server.on_message = on_message
    page = open_page(service, path="/dashboard", reconnect_delay_ms=100, prepare=server.attach, viewport=DESKTOP)
    heights = card(page, "rpc_nodes").locator("[data-field=blocks] [data-field=height]")
    expect(heights).to_have_text(["1,005", "1,004", "1,003", "1,002", "1,001"])
    asked = [message for message in server.received if message["action"] != "ping"]
    assert asked == [
        {"action": "unsubscribe", "service": "rpc_nodes"},
        {"action": "subscribe", "service": "rpc_nodes", "since": {"epoch": "test", "seq": 1}},
    ]


@pytest.mark.parametrize("viewport", [PHONE, SMALLEST], ids=["phone", "smallest"])
def test_a_phone_has_one_column_and_room_for_fingers(
    open_page: OpenPage, service: ServiceProcess, viewport: dict[str, int]
) -> None:
    """Nothing is wider than the screen, and what can be pressed is at least 44 pixels high."""
    page = open_page(service, path="/dashboard", viewport=viewport, has_touch=True, is_mobile=True)
    for name in ("news", "whale_tracking", "rpc_nodes"):
        expect(card(page, name)).to_have_attribute("data-content", "there", timeout=SLOW_MS)
    assert overflow_px(page) == 0
    lefts = page.locator(".card").evaluate_all("cards => cards.map(card => card.getBoundingClientRect().left)")
    assert len(set(lefts)) == 1
    small = page.locator("main button, main a[href], nav a").evaluate_all(
        """nodes => nodes.filter(node => node.offsetParent !== null && node.getBoundingClientRect().height < 44)
          .map(node => node.outerHTML.slice(0, 120))"""
    )
    assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_and_can_be_read(open_page: OpenPage, service: ServiceProcess, scheme: str) -> None:
    """Words in the colours of the states have the contrast of WCAG AA on the cards and behind the banners."""
    page = open_page(service, path="/dashboard", color_scheme=scheme, viewport=DESKTOP)
    expect_status(page, "market_data", "live")
    ratios = page.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          const light = (name) => {
            const hex = style.getPropertyValue(name).trim();
            const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
              .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const pairs = ["--text", "--text-soft", "--good", "--warn", "--bad", "--accent"]
            .flatMap((name) => [[name, "--surface"], [name, "--sunken"], [name, "--canvas"]]);
          pairs.push(["--warn", "--warn-soft"], ["--bad", "--bad-soft"], ["--good", "--good-soft"]);
          return pairs.map(([one, other]) => {
            const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
            return [`${one} on ${other}`, (high + 0.05) / (low + 0.05)];
          });
        }"""
    )
    assert [pair for pair, ratio in ratios if ratio < 4.5] == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    channels = [int(value) for value in re.findall(r"\d+", background)[:3]]
    assert (sum(channels) > 600) == (scheme == "light")


def test_the_parts_of_a_service_can_be_looked_at_by_keyboard(dashboard: Page, wire: Tap) -> None:
    """The pill opens how the service stands, part by part, and Escape closes it."""
    part = {"status": "stale", "as_of": utc(7200), "source": "blockchair", "reason": "older than 5400 s"}
    wire.send("explorers", status="degraded", reason="ethereum_day: older than 5400 s", parts={"ethereum_day": part})
    expect_status(dashboard, "explorers", "degraded")
    pill = card(dashboard, "explorers").locator(".pill")
    standing = dashboard.locator("#standing-explorers")
    pill.focus()
    dashboard.keyboard.press("Enter")
    expect(standing).to_be_visible()
    expect(pill).to_have_attribute("aria-expanded", "true")
    for words in ("ethereum day", "blockchair", "2h", "older than 5400 s", "Published every 10s"):
        expect(standing).to_contain_text(words)
    dashboard.keyboard.press("Escape")
    expect(standing).to_be_hidden()
    expect(pill).to_be_focused()


@pytest.mark.parametrize("path", ["/dashboard", "/test-websocket", "/docs"])
def test_the_pages_lead_to_each_other(open_page: OpenPage, service: ServiceProcess, path: str) -> None:
    """Every page has the same links, and marks its own."""
    page = open_page(service, path=path)
    links = page.locator("nav[aria-label=Service] a")
    expect(links).to_have_text(["Dashboard", "Feed test", "Docs", "Health"])
    expect(page.locator("nav[aria-label=Service] [aria-current=page]")).to_have_attribute("href", path)
    links.last.click()
    expect(page).to_have_url(f"{service.url}/dashboard#card-health_checker")
    report = card(page, "health_checker").get_by_role("link", name="JSON")
    expect(report).to_have_attribute("href", "/health")
