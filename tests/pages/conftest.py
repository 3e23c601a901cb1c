"""A real Chromium in front of the real service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.pages.dashboard_wire import DESKTOP, Tap, expect_status
from tests.support.service import ServiceProcess

SERVICE_SETTINGS = {"BROADCAST_INTERVAL": "1"}

# A loaded machine takes longer than Playwright's default of 5 s, above all for the first prices after a start.
expect.set_options(timeout=20_000)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One running service for all tests that leave it alone."""
    process = ServiceProcess(tmp_path_factory.mktemp("service"), SERVICE_SETTINGS)
    process.start()
    try:
        process.wait_until_live()
        yield process
    finally:
        process.stop()


@pytest.fixture
def own_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A running service for one test, which may kill it."""
    process = ServiceProcess(tmp_path_factory.mktemp("own_service"), SERVICE_SETTINGS)
    process.start()
    try:
        process.wait_until_live()
        yield process
    finally:
        process.stop()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Gives a function that opens a page of a service in a fresh browser context.

    Its arguments: the service; ``path``, by default ``/test-websocket``; ``reconnect_delay_ms`` to shorten the delays
    between attempts; ``prepare``, called with the page before it loads; and whatever ``Browser.new_context`` takes.
    Afterwards the fixture holds each page to account: no script error, no violation of the content policy, no request
    to another host.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def note_policy_violation(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            faults.append(message.text)

    def note_foreign_request(request: Request, service: ServiceProcess) -> None:
        if not request.url.startswith(service.url):
            faults.append(f"foreign request: {request.url}")

    def open_page(
        service: ServiceProcess,
        *,
        path: str = "/test-websocket",
        reconnect_delay_ms: int | None = None,
        prepare: Callable[[Page], None] | None = None,
        **context_options: Any,
    ) -> Page:
        context = browser.new_context(**context_options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        page.on("console", note_policy_violation)
        page.on("request", lambda request: note_foreign_request(request, service))
        if reconnect_delay_ms is not None:
            _shorten_delays(page, reconnect_delay_ms)
        if prepare is not None:
            prepare(page)
        page.goto(f"{service.url}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def wire() -> Tap:
    """Between the page of ``dashboard`` and the service."""
    return Tap()


@pytest.fixture
def dashboard(open_page: OpenPage, service: ServiceProcess, wire: Tap) -> Page:
    """The dashboard, connected; ``wire`` can speak to it."""
    page = open_page(service, path="/dashboard", prepare=wire.attach, viewport=DESKTOP)
    expect_status(page, "market_data", "live")
    return page


def _shorten_delays(page: Page, delay_ms: int) -> None:
    # Not by answering the request ourselves: Chromium keeps a page that did not come from this machine away from
    # WebSockets on it.
    page.add_init_script(
        """new MutationObserver((_, observer) => {
          if (!document.body) return;
          document.body.dataset.reconnectDelayMs = "DELAY";
          document.body.dataset.reconnectDelayMaxMs = "DELAY";
          observer.disconnect();
        }).observe(document, { childList: true, subtree: true });""".replace("DELAY", str(delay_ms))
    )
