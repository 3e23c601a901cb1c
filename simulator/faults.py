"""The layer around every provider which makes scenarios visible.

Providers know nothing of scenarios. Some faults replace the answer, some change what the provider sees of the
market, some change the answer afterwards; where a fault depends on a provider's dialect, it asks the provider.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from simulator.answers import Answer, Dripped, Dropped, Flooded, Request, Truncated, html_page
from simulator.chains import Chains
from simulator.coins import MAIN_SYMBOLS
from simulator.market import Market
from simulator.nodes import NodeTrouble
from simulator.providers.base import Provider
from simulator.scenarios import ActiveScenario
from simulator.source_view import SourceView

Params = Mapping[str, Any]

_EVERY_SECOND_COIN = frozenset(MAIN_SYMBOLS[1::2])


def answer_request(
    provider: Provider,
    request: Request,
    market: Market,
    chains: Chains,
    scenario: ActiveScenario | None,
    refresh_s: float,
) -> Answer:
    """Gives a provider's answer under the scenario in force.

    Args:
        provider: Who is asked.
        request: What is asked.
        market: Where its prices come from.
        chains: Where its blocks come from.
        scenario: ``None`` when all is well.
        refresh_s: The step in which a caching provider looks at the market; 0 means that none caches.
    """
    name, params = ("normal", {}) if scenario is None else (scenario.name, scenario.params)
    if name in REPLACEMENTS:
        return REPLACEMENTS[name](provider, params)
    broken = name == "feed_broken" and request.path.strip("/") == params["feed"]
    if broken:
        # A client that has the feed already must not be spared by a 304.
        request = replace(request, headers={})
    answer = provider.answer(request, _view(provider, market, chains, scenario, refresh_s))
    if broken:
        _break_feed(answer, params)
    if name in ALTERATIONS:
        ALTERATIONS[name](provider, answer, params)
    return answer


def _view(
    provider: Provider, market: Market, chains: Chains, scenario: ActiveScenario | None, refresh_s: float
) -> SourceView:
    """Gives what the provider sees of the world, wrong prices, stopped clocks and late nodes included."""

    def looked_at(time_s: float) -> float:
        caching = provider.caches and refresh_s > 0
        return math.floor(time_s / refresh_s) * refresh_s if caching else time_s

    now = market.clock()
    as_of = claimed_at = looked_at(now)
    factor = 1.0
    if scenario is not None and scenario.name == "one_source_wrong":
        factor = scenario.params["factor"]
    if scenario is not None and scenario.name == "stuck_clock":
        claimed_at = looked_at(scenario.since)
    trouble = None
    if scenario is not None and scenario.name == "node_lagging":
        params = scenario.params
        trouble = NodeTrouble(
            params["chain"], params["node"], int(params["blocks"]), int(params["chain_id"]), params["syncing"] >= 0.5
        )
    return SourceView(market, chains, provider.name, now, as_of, claimed_at, factor, trouble)


def _drop(provider: Provider, params: Params) -> Answer:
    return Answer(None, delivery=Dropped())


def _limit_rate(provider: Provider, params: Params) -> Answer:
    answer = provider.rate_limited()
    answer.headers["Retry-After"] = str(math.ceil(params["retry_after_s"]))
    return answer


def _send_html(provider: Provider, params: Params) -> Answer:
    return html_page("Just a moment...", "Checking your browser before you can access this site.", 200)


def _block_region(provider: Provider, params: Params) -> Answer:
    return provider.geo_blocked()


def _drip(provider: Provider, answer: Answer, params: Params) -> None:
    answer.delivery = Dripped(int(params["piece_bytes"]), params["interval_s"], params["limit_s"])


def _truncate(provider: Provider, answer: Answer, params: Params) -> None:
    answer.delivery = Truncated(params["fraction"])


def _put_nan(provider: Provider, answer: Answer, params: Params) -> None:
    for row in answer.rows:
        for key in row.fields:
            row.values[key] = provider.not_a_number(row.values[key])


def _put_null(provider: Provider, answer: Answer, params: Params) -> None:
    for row in answer.rows:
        missing: tuple[str, ...] = ()
        if row.symbol is None:
            missing = row.fields[::2]
        elif row.symbol in _EVERY_SECOND_COIN:
            missing = row.fields
        for key in missing:
            row.values[key] = provider.missing(row.values[key])


def _break_feed(answer: Answer, params: Params) -> None:
    """Replaces a feed by something that is none; its headers stay."""
    if params["kind"] == "junk":
        answer.delivery = Flooded(int(params["size_mb"] * 1_000_000))
    elif params["kind"] == "entity_bomb":
        answer.body = entity_bomb()
    else:
        answer.body = answer.body[: len(answer.body) * 2 // 3] + "<item><title>Half a story & no end"


def entity_bomb() -> str:
    """Gives a small XML document whose only text is a billion words long once its entities are expanded."""
    lines = ['<!ENTITY e0 "word ">', *(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))]
    declared = "\n".join(lines)
    return (
        f'<?xml version="1.0"?>\n<!DOCTYPE rss [\n{declared}\n]>\n<rss version="2.0"><channel><title>News</title>'
        "<item><title>&e9;</title><link>https://example.org/</link></item></channel></rss>\n"
    )


REPLACEMENTS: Mapping[str, Callable[[Provider, Params], Answer]] = {
    "outage": _drop,
    "rate_limited": _limit_rate,
    "html_instead_of_json": _send_html,
    "geo_blocked": _block_region,
}
"""The scenarios in which the provider is not asked at all."""

ALTERATIONS: Mapping[str, Callable[[Provider, Answer, Params], Any]] = {
    "slow": _drip,
    "truncated": _truncate,
    "nan": _put_nan,
    "null_fields": _put_null,
}
"""The scenarios which change an answer in place."""
