"""The page ``/dashboard`` as people meet it: in a browser, in front of the running service."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, WebSocketRoute, expect

from tests.pages.conftest import OpenPage
from tests.pages.dashboard_wire import MadeUpServer, Tap, an_update, utc
from tests.support.service import ServiceProcess
from websocket.catalogue import SERVICE_NAMES

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
SMALLEST = {"width": 320, "height": 640}
DESKTOP = {"width": 1440, "height": 900}

CARDS = [*SERVICE_NAMES, "connections"]

SENSELESS_WORDS = re.compile(r"\b(NaN|undefined|null|Infinity|\[object Object\])")

HOSTILE = "<img src=x onerror=\"document.body.dataset.hit='1'\"><script>document.body.dataset.hit='1'</script>"

SLOW_MS = 90_000
"""For what comes only after the slowest provider was asked."""


@pytest.fixture
def tap() -> Tap:
    return Tap()


@pytest.fixture
def tapped(open_page: OpenPage, service: ServiceProcess, tap: Tap) -> Page:
    """The dashboard, connected; ``tap`` can speak to it."""
    page = open_page(service, path="/dashboard", prepare=tap.attach, viewport=DESKTOP)
    expect_status(page, "market_data", "live")
    return page


def card(page: Page, service: str) -> Locator:
    return page.locator(f"#card-{service}")


def figure(page: Page, service: str, name: str) -> Locator:
    return card(page, service).locator(f"[data-field={name}]").first


def expect_status(page: Page, service: str, status: str) -> None:
    expect(card(page, service)).to_have_attribute("data-status", status, timeout=60_000)


def overflow_px(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def answer_history(page: Page, rows: list[dict[str, Any]], *, status: int = 200, message: str = "") -> None:
    """The archive of this page says that and nothing else."""

    def fulfil(route: Route) -> None:
        body = {"status": "success", "data": {"rows": rows, "next": None}, "message": message}
        route.fulfill(status=status, json=body)

    page.route("**/api/history/**", fulfil)


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


def test_a_service_without_a_source_says_so(tapped: Page, tap: Tap) -> None:
    """Not set up is neither a fault nor overdue: the card shows the reason in place of its content."""
    tap.send("huggingface", age_s=3600, status="unconfigured", reason="no source in this version")
    expect_status(tapped, "huggingface", "unconfigured")
    expect(card(tapped, "huggingface")).to_have_attribute("data-content", "none")
    expect(figure(tapped, "huggingface", "empty-reason")).to_have_text("no source in this version")
    expect(tapped.locator("#summary")).to_contain_text("1 not set up")


def test_what_the_server_calls_stale_is_visibly_so(tapped: Page, tap: Tap) -> None:
    """The pill, the reason, the price itself, the strip above and the title of the tab."""
    tap.send(
        "market_data",
        status="stale",
        reason="BTC older than 180 s",
        prices={"bitcoin": 64000.0},
        last_updated={"bitcoin": utc(600)},
    )
    expect_status(tapped, "market_data", "stale")
    expect(figure(tapped, "market_data", "card-reason")).to_have_text("BTC older than 180 s")
    expect(tapped.locator("tr[data-symbol=BTC]")).to_have_attribute("data-age", "stale")
    expect(tapped.locator("tr[data-symbol=ETH] [data-field=price]")).to_have_text("\N{EN DASH}")
    expect(tapped.locator(".strip [data-service=market_data]")).to_have_attribute("data-status", "stale")
    expect(tapped.locator("#summary")).to_contain_text("attention")
    assert tapped.title().startswith("(")


def test_a_card_without_updates_becomes_overdue_by_itself(tapped: Page, tap: Tap) -> None:
    """The connection is open and the last status was live, but nothing came for two and a half intervals."""
    tap.muted.add("market_data")
    expect_status(tapped, "market_data", "overdue")
    expect(figure(tapped, "market_data", "card-reason")).to_contain_text("one is due every 5s")
    expect(tapped.locator("body")).to_have_attribute("data-connection", "connected")
    tap.muted.clear()
    expect_status(tapped, "market_data", "live")


def test_a_service_that_never_speaks_is_overdue(open_page: OpenPage, service: ServiceProcess) -> None:
    """Waiting has an end: without a first update the card says so after two and a half intervals."""
    silent = MadeUpServer(lambda route, number: None)
    page = open_page(service, path="/dashboard", prepare=silent.attach, viewport=DESKTOP)
    expect_status(page, "market_data", "waiting")
    expect(figure(page, "market_data", "empty-title")).to_have_text("Waiting for the first update")
    expect_status(page, "market_data", "overdue")
    expect(figure(page, "market_data", "empty-reason")).to_contain_text("one is due every 5s")


def test_lost_sources_and_failing_jobs_are_told_above_all(tapped: Page, tap: Tap) -> None:
    """A report can be live and tell of trouble: the summary says it, and the row in question comes first."""
    providers = {"calm": {"status": "healthy"}, "gone": {"status": "unhealthy", "reason": "connection failed"}}
    tap.send("health_checker", providers=providers, unhealthy_count=1, parked_count=0, healthy_count=1)
    tap.send("scheduler", jobs=[{"id": "fine", "status": "scheduled"}, {"id": "broken", "status": "failing"}])
    expect(tapped.locator("#summary")).to_contain_text("1 source is lost")
    expect(tapped.locator("#summary")).to_contain_text("1 job fails")
    expect(card(tapped, "health_checker").locator("[data-field=providers] tr").first).to_contain_text("connection failed")
    expect(card(tapped, "scheduler").locator("[data-field=jobs] li").first).to_contain_text("broken")


def test_a_lost_connection_is_told_and_taken_up_again(open_page: OpenPage, own_service: ServiceProcess) -> None:
    """Everything is dimmed under a banner; nobody has to press anything when the service comes back."""
    page = open_page(own_service, path="/dashboard", reconnect_delay_ms=500, viewport=DESKTOP)
    expect_status(page, "market_data", "live")
    price = figure(page, "market_data", "price").inner_text()
    own_service.kill()
    expect(page.locator("#lost-banner")).to_be_visible()
    expect(page.locator("#lost-text")).to_contain_text("The figures are those of")
    expect(page.locator("body")).to_have_attribute("data-connection", "lost")
    assert float(page.locator(".cards").evaluate("node => getComputedStyle(node).opacity")) < 1
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


def test_hostile_texts_stay_texts(tapped: Page, tap: Tap) -> None:
    """Markup in titles, names, addresses and reasons is shown as written; only http and https become links."""
    article = {"id": "1", "source": "evil", "published_at": utc(60), "categories": []}
    tap.send(
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
    tap.send(
        "whale_tracking",
        large_transactions=[{**party, "chain": HOSTILE, "hash": "javascript:0", "from": HOSTILE, "to_label": HOSTILE}],
    )
    tap.send("rpc_nodes", nodes=[{"name": HOSTILE, "host": HOSTILE, "chain": HOSTILE, "status": HOSTILE}], events=[])
    tap.send("pool_manager", pools={HOSTILE: {"active_source": HOSTILE, "health": HOSTILE}}, failovers=[])
    tap.send("health_checker", providers={HOSTILE: {"status": HOSTILE, "reason": HOSTILE}})
    tap.send("scheduler", jobs=[{"id": HOSTILE, "status": "failing", "last_error": HOSTILE}])
    tap.send("huggingface", available_models=[{"id": HOSTILE, "url": "data:text/html,x"}], available_datasets=[])

    articles = card(tapped, "news").locator("[data-field=articles] a")
    expect(articles).to_have_count(2)
    expect(articles.first.locator("[data-field=title]")).to_have_text(HOSTILE)
    assert articles.first.get_attribute("href") is None
    assert articles.nth(1).get_attribute("href") == "https://news.example/a"
    assert articles.nth(1).get_attribute("rel") == "noopener noreferrer"
    for name in ("rpc_nodes", "pool_manager", "health_checker", "scheduler", "huggingface", "whale_tracking"):
        expect(card(tapped, name)).to_contain_text("<img src=x")
    assert tapped.locator("a[href^=javascript], a[href^=data]").count() == 0
    assert tapped.locator("main img, main script").count() == 0
    assert tapped.locator("body").get_attribute("data-hit") is None


def test_senseless_payloads_cost_nobody_else(tapped: Page, tap: Tap) -> None:
    """Every field may be missing, null or of another type: dashes, no words of machines, and the other cards go on."""
    for name in SERVICE_NAMES:
        tap.send(name)
    for name in SERVICE_NAMES:
        expect(card(tapped, name)).to_have_attribute("data-status", "live")
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
    figures = ["sentiment_score", "total_models", "storage_size", "average_latency", "trending_topics"]
    keys = [*lists, *maps, *figures, "sentiment_by_source", "available_models"]
    for value in senseless:
        for name in SERVICE_NAMES:
            tap.send(name, **dict.fromkeys(keys, value))
    tap.muted.clear()
    expect_status(tapped, "market_data", "live")
    expect(figure(tapped, "market_data", "price")).to_have_text(re.compile(r"^[\d,]+\.\d\d$"))
    assert not SENSELESS_WORDS.search(tapped.locator("main").inner_text())


def test_long_lists_have_an_end(tapped: Page, tap: Tap) -> None:
    """However much is sent, the page stays as small as it was, and lists scroll within their card."""
    articles = [{"id": str(number), "title": f"Title {number}", "url": "https://a.example/"} for number in range(3000)]
    tap.send("news", articles=articles, sources=[])
    nodes = [{"name": str(number), "host": "h", "status": "healthy"} for number in range(3000)]
    tap.send("rpc_nodes", nodes=nodes, events=[])
    expect(card(tapped, "news").locator("[data-field=articles] li")).to_have_count(60)
    expect(card(tapped, "rpc_nodes").locator("[data-field=nodes] tr")).to_have_count(80)
    assert tapped.evaluate("document.documentElement.scrollHeight") <= DESKTOP["height"]


def test_rows_that_did_not_change_are_not_touched(tapped: Page, tap: Tap) -> None:
    """A second update with one new article adds a row and leaves the others alone."""
    known = [{"id": str(number), "title": f"Title {number}", "published_at": utc(86_400)} for number in range(20)]
    tap.send("news", articles=known, sources=[])
    rows = card(tapped, "news").locator("[data-field=articles] li")
    expect(rows).to_have_count(20)
    tapped.evaluate(
        """() => {
          globalThis.touched = [];
          const list = document.querySelector("#card-news [data-field=articles]");
          new MutationObserver((changes) => globalThis.touched.push(...changes.map((change) => change.target)))
            .observe(list, { subtree: true, childList: true, characterData: true, attributes: true });
        }"""
    )
    tap.send("news", articles=[{"id": "new", "title": "New", "published_at": utc(86_400)}, *known], sources=[])
    expect(rows).to_have_count(21)
    expect(rows.first).to_contain_text("New")
    elsewhere = (
        "globalThis.touched.filter((node) => node !== document.querySelector('#card-news [data-field=articles]'))"
    )
    rows_touched = f"{elsewhere}.filter((node) => !node.parentElement.closest('li').textContent.includes('New')).length"
    assert tapped.evaluate(rows_touched) == 0


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


def test_the_parts_of_a_service_can_be_looked_at_by_keyboard(tapped: Page, tap: Tap) -> None:
    """The pill opens how the service stands, part by part, and Escape closes it."""
    part = {"status": "stale", "as_of": utc(7200), "source": "blockchair", "reason": "older than 5400 s"}
    tap.send("explorers", status="degraded", reason="ethereum_day: older than 5400 s", parts={"ethereum_day": part})
    expect_status(tapped, "explorers", "degraded")
    pill = card(tapped, "explorers").locator(".pill")
    standing = tapped.locator("#standing-explorers")
    pill.focus()
    tapped.keyboard.press("Enter")
    expect(standing).to_be_visible()
    expect(pill).to_have_attribute("aria-expanded", "true")
    for words in ("ethereum day", "blockchair", "2h", "older than 5400 s", "Published every 10s"):
        expect(standing).to_contain_text(words)
    tapped.keyboard.press("Escape")
    expect(standing).to_be_hidden()
    expect(pill).to_be_focused()


@pytest.mark.parametrize("path", ["/dashboard", "/test-websocket", "/docs"])
def test_the_pages_lead_to_each_other(open_page: OpenPage, service: ServiceProcess, path: str) -> None:
    """Every page has the same links, and marks its own."""
    page = open_page(service, path=path)
    links = page.locator("nav[aria-label=Service] a")
    expect(links).to_have_text(["Dashboard", "Feed test", "Docs", "Health"])
    expect(page.locator("nav[aria-label=Service] [aria-current=page]")).to_have_attribute("href", path)
