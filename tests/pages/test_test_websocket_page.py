"""The page ``/test-websocket`` as people meet it: in a browser, in front of the running service."""

from __future__ import annotations

import colorsys
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.pages.conftest import OpenPage
from tests.support.service import ServiceProcess

SYMBOLS = ["BTC", "ETH", "BNB", "ADA", "SOL", "DOT", "USDT", "USDC", "XRP", "MATIC"]

pytestmark = pytest.mark.browser

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"

PHONE = {"width": 390, "height": 844}

SENSELESS_WORDS = re.compile(r"\b(NaN|undefined|null|Infinity|\[object Object\])")


class WireTap:
    """Stands between page and service, lets everything through, and speaks to the page in the server's name.

    Usable as soon as the page's transport is the WebSocket; earlier, Socket.IO ignores what comes over it.
    """

    def __init__(self) -> None:
        self._route: WebSocketRoute | None = None

    def attach(self, page: Page) -> None:
        page.route_web_socket(re.compile("/socket.io/"), self._on_socket)

    def _on_socket(self, route: WebSocketRoute) -> None:
        route.connect_to_server()
        self._route = route

    def send_event(self, event: str, *args: Any) -> None:
        self.send_packet("42" + json.dumps([event, *args]))

    def send_packet(self, packet: str) -> None:
        assert self._route is not None
        self._route.send(packet)


@pytest.fixture
def tap() -> WireTap:
    return WireTap()


@pytest.fixture
def page(open_page: OpenPage, service: ServiceProcess) -> Page:
    """The page with prices on it."""
    page = open_page(service)
    expect_ten_prices(page)
    return page


@pytest.fixture
def tapped_page(open_page: OpenPage, service: ServiceProcess, tap: WireTap) -> Page:
    """The page without a subscription, so that only what the test sends through ``tap`` changes its prices."""
    page = open_page(service, prepare=tap.attach)
    expect_ten_prices(page)
    expect(page.locator("#transport")).to_have_text("websocket")
    page.locator("#btn-unsubscribe").click()
    expect(page.locator("#subscription")).to_have_attribute("data-state", "none")
    return page


def a_ticker(symbol: Any = "BTC", *, age_s: float = 1, **changes: Any) -> dict[str, Any]:
    """A sound item of ``crypto-prices``."""
    updated = datetime.now(timezone.utc) - timedelta(seconds=age_s)
    return {
        "symbol": symbol,
        "name": "Bitcoin",
        "price": 64250.5,
        "change24h": -1250.25,
        "changePercent24h": -1.91,
        "volume24h": 32_140_000_000,
        "marketCap": 1_270_000_000_000,
        "lastUpdated": updated.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **changes,
    }


def a_feed_status(**changes: Any) -> dict[str, Any]:
    """A sound ``feed-status``."""
    return {
        "channel": "crypto-prices",
        "status": "live",
        "reason": None,
        "demo": False,
        "source": "coingecko",
        "oldestAgeSeconds": 2.5,
        "timestamp": "2025-01-01T00:00:00.000Z",
        **changes,
    }


def cut_off(page: Page) -> None:
    """Lets the page load, but not connect."""
    page.route(re.compile(r"/socket\.io/\?"), lambda route: route.abort())


def expect_ten_prices(page: Page) -> None:
    expect(page.locator("#price-rows tr")).to_have_count(len(SYMBOLS))


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("#status")).to_have_attribute("data-state", state)


def expect_enabled(page: Page, *names: str) -> None:
    """Exactly the named ones of the four buttons can be pressed."""
    for name in ("connect", "disconnect", "subscribe", "unsubscribe"):
        button = page.locator(f"#btn-{name}")
        if name in names:
            expect(button).to_be_enabled()
        else:
            expect(button).to_be_disabled()


def expect_more_messages(page: Page) -> None:
    expect(page.locator("#message-count")).not_to_have_text(page.locator("#message-count").inner_text())


def expect_only_sense(page: Page) -> None:
    """No panel shows what JavaScript writes for a missing value; the frame log quotes and is exempt."""
    for part in (".panels", "#prices"):
        assert not SENSELESS_WORDS.search(page.locator(part).inner_text())


def field(page: Page, symbol: str, name: str) -> Any:
    return page.locator(f"tr[data-symbol={symbol}] [data-field={name}]")


def symbols_in_order(page: Page) -> list[str]:
    symbols = page.locator("#price-rows tr").evaluate_all("rows => rows.map(row => row.dataset.symbol)")
    return [str(symbol) for symbol in symbols]


def overflow_px(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


class TestPrices:
    def test_all_ten_coins_appear_with_every_column_filled(self, page: Page) -> None:
        expect_state(page, "connected")
        assert sorted(symbols_in_order(page)) == sorted(SYMBOLS)
        for symbol in SYMBOLS:
            for name in ("name", "price", "change", "percent", "volume", "market-cap", "age"):
                expect(field(page, symbol, name)).not_to_be_empty()
        expect(page.locator("#prices-empty")).to_be_hidden()
        expect_only_sense(page)

    def test_keep_flowing_and_the_rows_stay_in_order(self, page: Page) -> None:
        before = symbols_in_order(page)
        three_points = re.compile(r"^\S+ \S+ \S+")
        expect(page.locator("tr[data-symbol=BTC] polyline")).to_have_attribute("points", three_points)
        assert symbols_in_order(page) == before

    def test_changes_are_signed_as_well_as_coloured(self, tapped_page: Page, tap: WireTap) -> None:
        rising = a_ticker("ETH", change24h=12.5, changePercent24h=0.75)
        flat = a_ticker("USDT", price=1.0002, change24h=-0.00001, changePercent24h=-0.001)
        tap.send_event("crypto-prices", [a_ticker("BTC"), rising, flat])
        expect(field(tapped_page, "BTC", "percent")).to_have_text(f"{MINUS}1.91%")
        expect(field(tapped_page, "BTC", "percent")).to_have_attribute("data-direction", "down")
        expect(field(tapped_page, "ETH", "change")).to_have_text("+12.50")
        expect(field(tapped_page, "ETH", "change")).to_have_attribute("data-direction", "up")
        expect(field(tapped_page, "USDT", "percent")).to_have_text("0.00%")
        expect(field(tapped_page, "USDT", "percent")).to_have_attribute("data-direction", "flat")

    @pytest.mark.parametrize(("price", "way"), [(1e9, "up"), (1e-9, "down")])
    def test_a_move_flashes(self, tapped_page: Page, tap: WireTap, price: float, way: str) -> None:
        tap.send_event("crypto-prices", [a_ticker(price=price)])
        expect(field(tapped_page, "BTC", "price")).to_have_attribute("data-flash", way)
        expect(field(tapped_page, "BTC", "price")).not_to_have_attribute("data-flash", way)

    @pytest.mark.parametrize(("age_s", "mark"), [(30, "fresh"), (90, "delayed"), (400, "stale")])
    def test_an_old_price_is_marked(self, tapped_page: Page, tap: WireTap, age_s: float, mark: str) -> None:
        tap.send_event("crypto-prices", [a_ticker(age_s=age_s)])
        expect(tapped_page.locator("tr[data-symbol=BTC]")).to_have_attribute("data-age", mark)
        words = {"fresh": "", "delayed": "Delayed", "stale": "Stale"}
        expect(field(tapped_page, "BTC", "age-mark")).to_have_text(words[mark])

    def test_a_coin_that_stays_away_keeps_its_row_and_grows_older(self, tapped_page: Page, tap: WireTap) -> None:
        tap.send_event("crypto-prices", [a_ticker("ADA", price=0.5, age_s=10)])
        expect(field(tapped_page, "ADA", "price")).to_have_text("0.5000")
        age = field(tapped_page, "ADA", "age").inner_text()
        tap.send_event("crypto-prices", [a_ticker("BTC")])
        expect(field(tapped_page, "ADA", "age")).not_to_have_text(age)
        expect(field(tapped_page, "ADA", "price")).to_have_text("0.5000")

    def test_a_new_coin_takes_its_place_in_the_order_of_the_server(self, tapped_page: Page, tap: WireTap) -> None:
        first, *rest = symbols_in_order(tapped_page)
        tap.send_event("crypto-prices", [a_ticker(first), a_ticker("NEW"), *map(a_ticker, reversed(rest))])
        expect(tapped_page.locator("#price-rows tr")).to_have_count(len(SYMBOLS) + 1)
        assert symbols_in_order(tapped_page) == [first, "NEW", *rest]

    def test_an_honest_empty_state_before_the_first_price(self, open_page: OpenPage, service: ServiceProcess) -> None:
        page = open_page(service, prepare=cut_off)
        expect(page.locator("#prices-empty")).to_contain_text("Waiting for the first prices")
        expect(page.locator("#price-table")).to_be_hidden()
        expect_only_sense(page)


class TestFeedStatus:
    def test_says_that_it_is_demo_data(self, page: Page) -> None:
        expect(page.locator("#demo-banner")).to_be_visible()
        expect(page.locator("#demo-banner")).to_contain_text("Demo data")
        expect(page.locator("#feed-status")).to_have_attribute("data-status", re.compile("live|delayed"))
        expect(page.locator("#feed-source")).not_to_have_text(NOTHING)
        expect(page.locator("#oldest-age")).to_have_text(re.compile(r"^\d+\w.* \(\w+\)$"))

    def test_real_data_carries_no_banner(self, tapped_page: Page, tap: WireTap) -> None:
        tap.send_event("feed-status", a_feed_status())
        expect(tapped_page.locator("#demo-banner")).to_be_hidden()
        expect(tapped_page.locator("#feed-status")).to_have_text("Live")

    @pytest.mark.parametrize("status", ["delayed", "stale", "down"])
    def test_shows_the_reason_of_the_server(self, tapped_page: Page, tap: WireTap, status: str) -> None:
        reason = "no source answers; without internet: start with --demo"
        tap.send_event("feed-status", a_feed_status(status=status, reason=reason))
        expect(tapped_page.locator("#feed-status")).to_have_attribute("data-status", status)
        expect(tapped_page.locator("#feed-status")).to_have_text(status.capitalize())
        expect(tapped_page.locator("#feed-reason")).to_have_text(reason)
        expect(tapped_page.locator("#feed-reason code")).to_have_text("--demo")

    def test_is_unknown_without_a_subscription(self, page: Page) -> None:
        page.locator("#btn-unsubscribe").click()
        expect(page.locator("#feed-status")).to_have_attribute("data-status", "unknown")
        expect(page.locator("#demo-banner")).to_be_visible()

    def test_an_error_of_the_server_is_shown_until_dismissed(self, tapped_page: Page, tap: WireTap) -> None:
        tap.send_event("error", {"code": "rate_limited", "message": "Slow down.", "temporary": True})
        expect(tapped_page.locator("#server-error")).to_contain_text("Slow down. (rate_limited, temporary)")
        tapped_page.locator("#server-error-dismiss").click()
        expect(tapped_page.locator("#server-error")).to_be_hidden()


class TestControls:
    def test_figures_of_the_connection(self, page: Page) -> None:
        expect(page.locator("#latency")).to_have_text(re.compile(r"^(< 1|\d+) ms$"))
        expect(page.locator("#last-message")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d \(.+ ago\)$"))
        expect(page.locator("#transport")).to_have_text("websocket")
        expect_more_messages(page)

    def test_unsubscribe_and_subscribe(self, page: Page) -> None:
        expect(page.locator("#subscription")).to_have_attribute("data-state", "subscribed")
        expect_enabled(page, "disconnect", "unsubscribe")
        page.locator("#btn-unsubscribe").click()
        expect(page.locator("#subscription")).to_have_attribute("data-state", "none")
        expect_enabled(page, "disconnect", "subscribe")
        expect(page.locator("#prices-note")).to_contain_text("Not subscribed")
        page.locator("#btn-subscribe").click()
        expect(page.locator("#subscription")).to_have_attribute("data-state", "subscribed")
        expect(page.locator("#prices-note")).to_be_hidden()
        expect_more_messages(page)

    def test_disconnect_lasts_until_connect_which_subscribes_again(self, page: Page) -> None:
        page.locator("#btn-disconnect").click()
        expect_state(page, "disconnected")
        expect(page.locator("#status")).to_have_text("Disconnected")
        expect_enabled(page, "connect")
        page.wait_for_timeout(1500)
        expect_state(page, "disconnected")
        page.locator("#btn-connect").click()
        expect_state(page, "connected")
        expect(page.locator("#subscription")).to_have_attribute("data-state", "subscribed")
        expect_more_messages(page)

    def test_who_has_unsubscribed_stays_so_over_a_new_connection(self, page: Page) -> None:
        page.locator("#btn-unsubscribe").click()
        page.locator("#btn-disconnect").click()
        page.locator("#btn-connect").click()
        expect_state(page, "connected")
        expect_enabled(page, "disconnect", "subscribe")
        expect(page.locator("#frame-log [data-event=connected][data-direction=received]")).to_have_count(2)
        newest = page.locator("#frame-log [data-direction=received]").first
        page.wait_for_timeout(1500)
        expect(newest).to_have_attribute("data-event", re.compile("message|connected"))


class TestReconnection:
    def test_a_killed_service_that_comes_back_is_found_without_a_click(
        self, open_page: OpenPage, own_service: ServiceProcess
    ) -> None:
        page = open_page(own_service)
        expect_ten_prices(page)
        own_service.kill()
        expect_state(page, "reconnecting")
        expect(page.locator("#status")).to_have_text(re.compile(r"^\s*Reconnecting \(attempt [1-5] of 5\)\s*$"))
        expect_enabled(page, "disconnect")
        expect(page.locator("#prices-note")).to_contain_text("Not connected")
        expect(page.locator("#feed-status")).to_have_attribute("data-status", "unknown")

        own_service.start()
        expect_state(page, "connected")
        expect(page.locator("#subscription")).to_have_attribute("data-state", "subscribed")
        expect(page.locator("#prices-note")).to_be_hidden()
        expect(page.locator("#frame-log [data-event=crypto-prices]").first).to_be_visible()
        expect_more_messages(page)

    def test_gives_up_after_five_attempts_and_connects_again_on_demand(
        self, open_page: OpenPage, own_service: ServiceProcess
    ) -> None:
        page = open_page(own_service, reconnect_delay_ms=100)
        expect_ten_prices(page)
        own_service.kill()
        expect_state(page, "disconnected")
        expect(page.locator("#status-detail")).to_contain_text("Gave up after 5 attempts")
        for attempt in range(1, 6):
            assert page.locator(f"#frame-log [data-event='reconnecting {attempt}/5']").count() >= 1
        assert page.locator("#frame-log [data-event='reconnecting 6/5']").count() == 0
        expect_enabled(page, "connect")

        own_service.start()
        own_service.wait_until_live()
        page.locator("#btn-connect").click()
        expect_state(page, "connected")
        expect(page.locator("#subscription")).to_have_attribute("data-state", "subscribed")

    def test_disconnect_ends_the_attempts(self, open_page: OpenPage, own_service: ServiceProcess) -> None:
        page = open_page(own_service)
        expect_ten_prices(page)
        own_service.kill()
        expect_state(page, "reconnecting")
        page.locator("#btn-disconnect").click()
        expect_state(page, "disconnected")
        page.wait_for_timeout(2500)
        expect_state(page, "disconnected")
        expect_enabled(page, "connect")

    def test_a_connection_closed_by_the_server_is_opened_again(
        self, open_page: OpenPage, service: ServiceProcess, tap: WireTap
    ) -> None:
        page = open_page(service, prepare=tap.attach)
        expect_ten_prices(page)
        expect(page.locator("#transport")).to_have_text("websocket")
        tap.send_packet("41")
        expect_state(page, "reconnecting")
        expect(page.locator("#status-detail")).to_have_text("The server closed the connection.")
        expect_state(page, "connected")
        expect(page.locator("#subscription")).to_have_attribute("data-state", "subscribed")

    def test_a_server_that_always_closes_is_left_alone_after_five_attempts(
        self, open_page: OpenPage, service: ServiceProcess, tap: WireTap
    ) -> None:
        page = open_page(service, prepare=tap.attach, reconnect_delay_ms=50)
        for _ in range(6):
            expect_state(page, "connected")
            expect(page.locator("#transport")).to_have_text("websocket")
            tap.send_packet("41")
            expect(page.locator("#status")).not_to_have_attribute("data-state", "connected")
        expect_state(page, "disconnected")
        expect(page.locator("#status-detail")).to_contain_text("Gave up after 5 attempts")


class TestIndicator:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_is_green_yellow_or_red(self, open_page: OpenPage, service: ServiceProcess, scheme: str) -> None:
        page = open_page(service, color_scheme=scheme)
        expect_state(page, "connected")
        assert 90 < hue(page, "#status") < 170
        page.locator("#btn-disconnect").click()
        expect_state(page, "disconnected")
        assert not 15 < hue(page, "#status") < 345

        page = open_page(service, color_scheme=scheme, prepare=cut_off)
        expect_state(page, "reconnecting")
        assert 30 < hue(page, "#status") < 65


class TestMalformedFrames:
    @pytest.mark.parametrize(
        "payload",
        [
            "prices",
            None,
            {"symbol": "BTC"},
            [None],
            [[]],
            [{"symbol": "BTC"}],
            [a_ticker(price=None)],
            [a_ticker(price="64250.5")],
            [a_ticker(price=0)],
            [a_ticker(volume24h=-1)],
            [a_ticker(lastUpdated="yesterday")],
            [a_ticker(symbol="")],
            [a_ticker(symbol=12)],
        ],
        ids=repr,
    )
    def test_prices_that_make_no_sense_change_nothing(self, tapped_page: Page, tap: WireTap, payload: Any) -> None:
        before = field(tapped_page, "BTC", "price").inner_text()
        tap.send_event("crypto-prices", payload)
        frame = tapped_page.locator("#frame-log [data-malformed]")
        expect(frame).to_have_attribute("data-event", "crypto-prices")
        expect(frame).to_contain_text("malformed")
        expect(field(tapped_page, "BTC", "price")).to_have_text(before)
        expect_ten_prices(tapped_page)
        expect_only_sense(tapped_page)

    def test_one_bad_item_costs_only_itself(self, tapped_page: Page, tap: WireTap) -> None:
        tap.send_event("crypto-prices", [a_ticker("ETH", marketCap=None), a_ticker("BTC", price=70001.0)])
        expect(field(tapped_page, "BTC", "price")).to_have_text("70,001.00")
        expect(tapped_page.locator("#frame-log [data-malformed]")).to_contain_text("ETH: marketCap is not a number")

    @pytest.mark.parametrize(
        ("event", "payload"),
        [
            ("feed-status", "down"),
            ("feed-status", a_feed_status(status="splendid")),
            ("feed-status", a_feed_status(demo="yes")),
            ("feed-status", {}),
            ("connected", None),
            ("error", {"code": 7}),
            ("error", None),
        ],
    )
    def test_other_events_that_make_no_sense_are_only_logged(
        self, tapped_page: Page, tap: WireTap, event: str, payload: Any
    ) -> None:
        tap.send_event(event, payload)
        expect(tapped_page.locator("#frame-log [data-malformed]")).to_have_attribute("data-event", event)
        expect(tapped_page.locator("#feed-status")).to_have_attribute("data-status", "unknown")
        expect(tapped_page.locator("#server-error")).to_be_hidden()
        expect_only_sense(tapped_page)

    def test_markup_from_a_provider_stays_text(self, tapped_page: Page, tap: WireTap) -> None:
        markup = "<img src=x onerror=alert(1)>"
        tap.send_event("crypto-prices", [a_ticker(name=markup)])
        tap.send_event("feed-status", a_feed_status(status="down", reason=markup, source=markup))
        expect(field(tapped_page, "BTC", "name")).to_have_text(markup)
        expect(tapped_page.locator("#feed-reason")).to_have_text(markup)
        assert tapped_page.locator("img").count() == 0

    def test_numbers_of_any_size_stay_inside_their_cells(self, tapped_page: Page, tap: WireTap) -> None:
        huge = a_ticker(price=1e300, change24h=-1e300, changePercent24h=1e300, volume24h=1e300, marketCap=1e300)
        tap.send_event("crypto-prices", [huge])
        expect(field(tapped_page, "BTC", "price")).to_have_text("1.000e+300")
        assert overflow_px(tapped_page) == 0
        expect_only_sense(tapped_page)


class TestFrameLog:
    def test_shows_what_was_sent_and_received(self, page: Page) -> None:
        log = page.locator("#frame-log")
        for direction, event in [("sent", "subscribe"), ("ack", "subscribe"), ("received", "crypto-prices")]:
            expect(log.locator(f"[data-direction={direction}][data-event={event}]").first).to_be_attached()
        frame = log.locator("[data-direction=sent][data-event=subscribe]")
        frame.locator("summary").click()
        expect(frame.locator("pre")).to_be_visible()
        expect(frame.locator("pre")).to_contain_text('"channel": "crypto-prices"')

    def test_is_bounded(self, tapped_page: Page, tap: WireTap) -> None:
        for number in range(120):
            tap.send_event("noise", number)
        expect(tapped_page.locator("#frame-log li").first).to_contain_text("119")
        assert tapped_page.locator("#frame-log li").count() == 50
        tap.send_event("noise", "x" * 100_000)
        expect(tapped_page.locator("#frame-log pre").first).to_contain_text("characters more")

    def test_pause_holds_the_list_still(self, tapped_page: Page, tap: WireTap) -> None:
        pause = tapped_page.locator("#log-pause")
        pause.click()
        expect(pause).to_have_attribute("aria-pressed", "true")
        tap.send_event("noise", "one")
        expect(tapped_page.locator("#log-waiting")).to_have_text("Paused. 1 new frame.")
        assert tapped_page.locator("#frame-log [data-event=noise]").count() == 0
        pause.click()
        expect(tapped_page.locator("#frame-log [data-event=noise]")).to_have_count(1)
        expect(tapped_page.locator("#log-waiting")).to_be_hidden()

    def test_pings_are_shown_on_demand(self, page: Page) -> None:
        expect(page.locator("#latency")).to_contain_text("ms")
        assert page.locator("#frame-log [data-event=ping]").count() == 0
        page.locator("#log-pings").check()
        expect(page.locator("#frame-log [data-event=ping][data-direction=ack]").first).to_be_attached()


class TestAccessAndLayout:
    def test_works_by_keyboard_and_never_loses_the_focus(self, page: Page) -> None:
        page.keyboard.press("Tab")
        expect(page.locator(".skip-link")).to_be_focused()
        order = ["btn-disconnect", "btn-unsubscribe", "log-pings", "log-clear", "log-pause"]
        seen: list[str] = []
        for _ in range(len(order) + 5):
            page.keyboard.press("Tab")
            focused = page.evaluate("document.activeElement.id")
            if focused:
                seen.append(focused)
                outline = "(e => e.outlineStyle + e.outlineWidth)(getComputedStyle(document.activeElement))"
                assert page.evaluate(outline) not in ("none0px", "none2px")
        assert seen == order

        page.locator("#btn-unsubscribe").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#btn-subscribe")).to_be_focused()
        page.keyboard.press("Space")
        expect(page.locator("#subscription")).to_have_attribute("data-state", "subscribed")
        page.locator("#btn-disconnect").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#btn-connect")).to_be_focused()
        page.keyboard.press("Enter")
        expect_state(page, "connected")

    def test_changes_of_state_are_announced(self, page: Page) -> None:
        for part in ("#status", "#feed-status"):
            expect(page.locator(part)).to_have_attribute("role", "status")
        expect(page.locator("#server-error-text")).to_have_attribute("role", "alert")

    def test_the_table_remains_a_table_for_screen_readers_on_a_phone(
        self, open_page: OpenPage, service: ServiceProcess
    ) -> None:
        page = open_page(service, viewport=PHONE)
        expect_ten_prices(page)
        table = page.get_by_role("table", name="Prices")
        expect(table.get_by_role("row")).to_have_count(len(SYMBOLS) + 1)
        expect(table.get_by_role("columnheader")).to_have_count(7)
        expect(table.get_by_role("rowheader", name="BTC")).to_be_visible()

    @pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440])
    def test_nothing_runs_out_of_the_page(self, open_page: OpenPage, service: ServiceProcess, width: int) -> None:
        page = open_page(service, viewport={"width": width, "height": 844})
        expect_ten_prices(page)
        assert overflow_px(page) == 0
        for name in ("symbol", "price", "percent", "volume", "age"):
            expect(field(page, "BTC", name)).to_be_visible()
        page.locator("#btn-disconnect").click()
        expect_state(page, "disconnected")
        assert overflow_px(page) == 0

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_text_stands_out_in_light_and_dark(self, open_page: OpenPage, service: ServiceProcess, scheme: str) -> None:
        page = open_page(service, color_scheme=scheme)
        expect_ten_prices(page)
        background = luminance(page, ".panel", "backgroundColor")
        assert background > 0.9 if scheme == "light" else background < 0.05
        for selector in ("#status", "#status-detail", "#last-message", "dt", ".coin__name", ".coin__price", "thead th"):
            assert contrast(luminance(page, selector, "color"), background) >= 4.5, selector

    def test_stands_still_for_those_who_asked_for_it(self, open_page: OpenPage, service: ServiceProcess) -> None:
        page = open_page(service, reduced_motion="reduce", prepare=cut_off)
        expect_state(page, "reconnecting")
        assert page.evaluate("document.getAnimations().length") == 0

    def test_no_address_leads_to_another_host(self, page: Page, service: ServiceProcess) -> None:
        addresses = page.evaluate("[...document.querySelectorAll('[src], [href]')].map(e => e.src || e.href)")
        assert addresses
        assert [address for address in addresses if not str(address).startswith(service.url)] == []
        assert page.locator("style, script:not([src]), [style], [onclick]").count() == 0


class TestFormat:
    @pytest.mark.parametrize(
        ("call", "text"),
        [
            ("formatPrice(111234.5)", "111,234.50"),
            ("formatPrice(1.00021)", "1.0002"),
            ("formatPrice(0.99979)", "0.9998"),
            ("formatPrice(0.0123456)", "0.012346"),
            ("formatSigned(-0.004, 2)", "0.00"),
            ("formatSigned(-12.345, 2)", f"{MINUS}12.35"),
            ("formatPercent(1.5)", "+1.50%"),
            ("formatCompact(32140000000)", "32.14B"),
            ("formatAge(-3)", "0s"),
            ("formatAge(59.9)", "59s"),
            ("formatAge(125)", "2m 05s"),
            ("formatAge(7980)", "2h 13m"),
            ("formatAge(500000)", "5d"),
            ("formatLatency(0.4)", "< 1 ms"),
            ("shorten('abcdef', 4)", "abc…"),
        ],
    )
    def test_numbers_become_words(self, page: Page, call: str, text: str) -> None:
        assert page.evaluate(f"import('/static/js/format.js').then(format => format.{call})") == text


def luminance(page: Page, selector: str, style: str) -> float:
    """Relative luminance of a computed colour, as WCAG 2 defines it: 0 is black, 1 is white."""
    colour = page.locator(selector).first.evaluate(f"element => getComputedStyle(element).{style}")
    channels = [int(channel) / 255 for channel in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def hue(page: Page, selector: str) -> float:
    """Of an element's colour, in degrees: red is 0, yellow 60, green 120."""
    colour = page.locator(selector).first.evaluate("element => getComputedStyle(element).color")
    red, green, blue = (int(channel) / 255 for channel in re.findall(r"\d+", colour)[:3])
    return colorsys.rgb_to_hsv(red, green, blue)[0] * 360


def contrast(one: float, other: float) -> float:
    lighter, darker = max(one, other), min(one, other)
    return (lighter + 0.05) / (darker + 0.05)
