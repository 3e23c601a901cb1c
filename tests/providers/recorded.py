"""What the provider tests share: providers with given settings, recorded answers, and the moment of receipt."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from websocket.coins import SYMBOLS
from websocket.providers import provider_classes
from websocket.providers.base import Answer, Request, TickerProvider
from websocket.records import Ticker
from websocket.settings import ProvidersSettings

RECORDINGS = Path(__file__).parents[1] / "recordings"
RECORDED_AT = 1_795_255_190.0
"""2026-11-21T09:59:50Z, the moment of the newest values in the recordings."""
RECEIVED_AT = RECORDED_AT + 5


def make_provider(name: str, **changes: Any) -> TickerProvider:
    """A provider with its default settings, save for ``changes``."""
    settings = dataclasses.replace(getattr(ProvidersSettings(), name), **changes)
    provider = provider_classes()[name](settings)
    assert isinstance(provider, TickerProvider)
    return provider


def recording(provider: str, name: str) -> Any:
    """The body in ``tests/recordings/<provider>/<name>.json``, decoded."""
    return json.loads((RECORDINGS / provider / f"{name}.json").read_text())


def only_request(provider: TickerProvider, symbols: Collection[str] = SYMBOLS) -> Request:
    """The request for these symbols, where the provider needs exactly one."""
    (request,) = provider.ticker_requests(symbols)
    return request


def answer(request: Request, payload: Any) -> Answer:
    """The payload as the answer to this request."""
    return Answer(request=request, payload=payload, received_at=RECEIVED_AT)


def parse(provider: TickerProvider, payload: Any) -> dict[str, Ticker]:
    """Tickers by symbol from one payload, as the answer to the provider's first request for all coins."""
    return by_symbol(provider.parse_tickers([answer(provider.ticker_requests(SYMBOLS)[0], payload)]))


def by_symbol(tickers: Collection[Ticker]) -> dict[str, Ticker]:
    """The tickers by their symbol; each symbol may occur once."""
    found = {ticker.symbol: ticker for ticker in tickers}
    assert len(found) == len(tickers)
    return found
