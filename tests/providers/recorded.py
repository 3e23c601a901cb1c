"""What the provider tests share: providers with given settings, recorded answers, and the moment of receipt."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from websocket.coins import SYMBOLS
from websocket.providers import provider_classes
from websocket.providers.base import Answer, Provider, Request, TickerProvider
from websocket.providers.json_rpc import EvmNode, SolanaNode, nodes
from websocket.providers.rss import RssFeed, feeds
from websocket.records import Ticker
from websocket.settings import FeedSettings, NodeSettings, ProvidersSettings

RECORDINGS = Path(__file__).parents[1] / "recordings"
RECORDED_AT = 1_795_255_190.0
"""2026-11-21T09:59:50Z, the moment of the newest values in the recordings."""
RECEIVED_AT = RECORDED_AT + 5


def make_any(name: str, **changes: Any) -> Any:
    """A provider of any kind with its default settings, save for ``changes``; tests know which methods it has."""
    settings = dataclasses.replace(getattr(ProvidersSettings(), name), **changes)
    provider = provider_classes()[name](settings)
    assert isinstance(provider, Provider)
    return provider


def make_provider(name: str, **changes: Any) -> TickerProvider:
    """A provider of prices with its default settings, save for ``changes``."""
    provider = make_any(name, **changes)
    assert isinstance(provider, TickerProvider)
    return provider


def evm_node(chain: str = "ethereum") -> EvmNode:
    """The first configured node of a chain."""
    node = next(node for node in nodes(NodeSettings()).values() if node.chain == chain)
    assert isinstance(node, EvmNode)
    return node


def solana_node() -> SolanaNode:
    """The first configured node of Solana."""
    node = next(node for node in nodes(NodeSettings()).values() if node.chain == "solana")
    assert isinstance(node, SolanaNode)
    return node


def feed(name: str = "coindesk") -> RssFeed:
    """A feed with its default address."""
    return feeds(FeedSettings())[name]


def feed_recording(name: str) -> bytes:
    """The body in ``tests/recordings/rss/<name>.xml``."""
    return (RECORDINGS / "rss" / f"{name}.xml").read_bytes()


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


def answers(requests: Sequence[Request], *payloads: Any) -> list[Answer]:
    """The payloads as the answers to these requests, one each, in their order."""
    return [answer(request, payload) for request, payload in zip(requests, payloads, strict=True)]


def rpc_answers(requests: Sequence[Request], *payloads: dict[str, Any]) -> list[Answer]:
    """The same for JSON-RPC: each payload gets the number of its request."""
    numbered = [{**payload, "id": request.body["id"]} for request, payload in zip(requests, payloads, strict=True)]
    return answers(requests, *numbered)


def parse(provider: TickerProvider, payload: Any) -> dict[str, Ticker]:
    """Tickers by symbol from one payload, as the answer to the provider's first request for all coins."""
    return by_symbol(provider.parse_tickers([answer(provider.ticker_requests(SYMBOLS)[0], payload)]))


def by_symbol(tickers: Collection[Ticker]) -> dict[str, Ticker]:
    """The tickers by their symbol; each symbol may occur once."""
    found = {ticker.symbol: ticker for ticker in tickers}
    assert len(found) == len(tickers)
    return found
