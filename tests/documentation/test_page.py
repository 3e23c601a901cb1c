"""The page ``/docs`` as people meet it."""

from __future__ import annotations

import html as html_module
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.support.plain_http import get
from tests.support.service import ServiceProcess
from websocket.catalogue import CHANNELS, ENDPOINTS, SERVICE_NAMES
from websocket.documentation import reference
from websocket.documentation.codes import CLOSE_CODES, HANDSHAKE_ANSWERS, error_codes
from websocket.documentation.openapi import routes
from websocket.documentation.payloads import payload_of
from websocket.documentation.schemas import as_json

OPEN_ALL = "document.querySelectorAll('details').forEach((entry) => { entry.open = true; })"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, service: ServiceProcess) -> Iterator[OpenPage]:
    """Opens the page with options of ``Browser.new_context``; afterwards no page may have complained about anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note_message(message: ConsoleMessage) -> None:
        complaints.append(f"console: {message.text}")

    def note_foreign(request: Request) -> None:
        if not request.url.startswith(service.url):
            complaints.append(f"foreign: {request.url}")

    def open_page(anchor: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note_message)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on("request", note_foreign)
        page.goto(f"{service.url}/docs{anchor}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def html(service: ServiceProcess) -> str:
    """The page as it comes from the service."""
    return get(f"{service.url}/docs").body.decode()


def hosts_in(text: str) -> set[str]:
    """The hosts of all addresses."""
    return set(re.findall(r"\b(?:https?|wss?)://([^\s\"&<'`/]+)", text))


def test_policy_allows_nothing_but_its_own_files(service: ServiceProcess, html: str) -> None:
    """No inline script or style, nothing from elsewhere; shared caches do not keep it, since it names the host."""
    headers = get(f"{service.url}/docs").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "private, no-cache"
    assert not re.search(r"<script(?![^>]*src=)|<style|<[^>]+\s(style|on\w+)=", html)
    assert not re.search(r"(?:src|href|action)=[\"']?(?:\w+:)?//", html)
    shown = {host for channel in CHANNELS for host in hosts_in(json.dumps(as_json(payload_of(channel).example)))}
    assert hosts_in(html) - shown == {f"127.0.0.1:{service.port}"}


def test_programs_have_the_address_of_the_reader(service: ServiceProcess) -> None:
    """So that they run when they are pasted; a host that is none is not repeated."""
    assert "ws://prices.example.org/ws" in get(f"{service.url}/docs", Host="prices.example.org").body.decode()
    odd = get(f"{service.url}/docs", Host="x.example.org/<b>").body.decode()
    assert "x.example.org" not in odd


def test_everything_is_on_the_page(html: str) -> None:
    """Every name that people may look for."""
    for name in (
        *CHANNELS,
        *SERVICE_NAMES,
        *(endpoint.path for endpoint in ENDPOINTS),
        *(error.code for error in error_codes()),
        *(str(close.code) for close in CLOSE_CODES),
        *(str(answer.status) for answer in HANDSHAKE_ANSWERS),
        *(html_module.escape(route.name, quote=False) for route in routes()),
        *(message.name for message in reference.plain_from_client()),
        *(message.name for message in reference.plain_from_service()),
        *(message.name for message in reference.socketio_acks()),
    ):
        assert re.search(rf"<code[^>]*>{re.escape(name)}</code>", html), name


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_the_screen(open_page: OpenPage, width: int, scheme: str) -> None:
    """Whatever is open; and colours follow the reader's choice."""
    page = open_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert page.evaluate(OVERFLOW) <= 0
    page.evaluate(OPEN_ALL)
    assert page.evaluate(OVERFLOW) <= 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    lightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert (lightness < 64) if scheme == "dark" else (lightness > 192)


@pytest.mark.browser
def test_links_of_the_page_lead_somewhere(open_page: OpenPage, service: ServiceProcess) -> None:
    """To a place on it, or to a route that answers."""
    page = open_page()
    for link in page.locator("a[href]").all():
        target = str(link.get_attribute("href"))
        if target.startswith("#"):
            assert page.locator(target).count() == 1, target
        else:
            assert get(f"{service.url}{target}").status == 200, target


@pytest.mark.browser
def test_names_of_places_are_unique(open_page: OpenPage) -> None:
    """A link could lead to either."""
    ids = open_page().evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.browser
def test_link_to_a_message_opens_it(open_page: OpenPage) -> None:
    """So that people can send each other links."""
    page = open_page("#plain-service-update")
    expect(page.locator("#plain-service-update")).to_have_attribute("open", "")
    expect(page.locator("#plain-service-update [data-example]").first).to_be_visible()


@pytest.mark.browser
def test_example_can_be_copied(open_page: OpenPage) -> None:
    """As it is shown."""
    page = open_page("#plain-client-ping", permissions=["clipboard-read", "clipboard-write"])
    entry = page.locator("#plain-client-ping")
    entry.get_by_role("button", name="Copy").click()
    expect(entry.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == entry.locator("[data-example]").inner_text()


@pytest.mark.browser
def test_works_without_script(open_page: OpenPage) -> None:
    """Everything is in the page that the service sends."""
    page = open_page(java_script_enabled=False)
    page.locator("#plain-service-status > summary").click()
    expect(page.locator("#plain-service-status [data-example]").first).to_be_visible()
