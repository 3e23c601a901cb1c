"""What the type of one value does not show: values that contradict each other, and texts with rules of their own."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from urllib.parse import urlsplit

from websocket.errors import SettingsError
from websocket.settings.areas import Settings
from websocket.settings.naming import provider_lists

MOST_HUB_REQUESTS = 30
"""For one list, so that the requests for both fit into the budget of a minute."""


def check_together(settings: Settings) -> None:
    """Looks at all values together.

    Raises:
        SettingsError: names one that cannot be, and what was expected.
    """
    _check_prices(settings)
    _check_server(settings)
    _check_proxies(settings)
    _check_sentiment(settings)
    _check_model_hub(settings)
    _check_providers(settings)


def _check_prices(settings: Settings) -> None:
    prices = settings.prices
    if prices.delayed_after_s > prices.stale_after_s:
        raise SettingsError("DELAYED_AFTER", f"expected at most STALE_AFTER ({prices.stale_after_s:g})")


def _check_server(settings: Settings) -> None:
    server = settings.server
    if server.app_secret and len(server.app_secret.reveal()) < 16:
        raise SettingsError("APP_SECRET", "expected at least 16 characters")
    if server.admin_token and not re.fullmatch("[!-~]{16,}", server.admin_token.reveal()):
        raise SettingsError("ADMIN_TOKEN", "expected at least 16 characters of ASCII without spaces")
    for origin in server.allowed_origins:
        parts = urlsplit(origin)
        if origin != "*" and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path):
            raise SettingsError("ALLOWED_ORIGINS", f"expected * or origins such as https://example.org, got {origin!r}")
    if not re.fullmatch("[A-Za-z0-9_-]{0,32}", server.route_name):
        raise SettingsError("ROUTE_NAME", "expected at most 32 letters, digits, - and _")
    if len(set(server.ports)) != len(server.ports):
        raise SettingsError("PORT", "expected each port once")


def _check_proxies(settings: Settings) -> None:
    for proxy in settings.edge.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise SettingsError("TRUSTED_PROXIES", f"expected addresses or networks, got {proxy!r}") from None


def _check_sentiment(settings: Settings) -> None:
    mood = settings.sentiment
    if mood.bearish_to >= mood.bullish_from:
        raise SettingsError(
            "SENTIMENT_BEARISH_TO", f"expected less than SENTIMENT_BULLISH_FROM ({mood.bullish_from:g})"
        )
    if mood.index_weight + mood.headline_weight + mood.vote_weight + mood.model_weight <= 0:
        raise SettingsError("SENTIMENT_INDEX_WEIGHT", "expected at least one of the four weights above 0")


def _check_model_hub(settings: Settings) -> None:
    if not re.fullmatch("[!-~]*", settings.providers.huggingface.api_key.reveal()):
        raise SettingsError("HF_TOKEN", "expected letters, digits and signs of ASCII without blanks")
    hub = settings.model_hub
    if len(hub.search) * hub.pages > MOST_HUB_REQUESTS:
        raise SettingsError(
            "HUGGINGFACE_PAGES", f"expected at most {MOST_HUB_REQUESTS} pages for all terms of HUGGINGFACE_SEARCH"
        )


def _check_providers(settings: Settings) -> None:
    known = [field.name for field in dataclasses.fields(settings.providers)]
    for name, chosen in provider_lists(settings).items():
        for provider in chosen:
            if provider not in known:
                raise SettingsError(name, f"expected names out of {', '.join(known)}, got {provider!r}")
        if len(set(chosen)) != len(chosen):
            raise SettingsError(name, "expected each provider once")
