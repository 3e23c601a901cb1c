"""The data services with their real parts, in front of the stand-in internet, with a clock that a test can move."""

from __future__ import annotations

import dataclasses
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from simulator.chains import SOLANA, Chains
from tests.scenarios.internet import Internet
from tests.scenarios.world import GENEROUS_PER_MINUTE, UPSTREAM, Box, Timetable
from tests.services.doubles import archive_off
from websocket import codec
from websocket.archive.progress import Jobs
from websocket.broker.base import Publication
from websocket.broker.memory_broker import MemoryBroker
from websocket.coins import SYMBOLS
from websocket.price_book import PriceBook
from websocket.providers import json_rpc, provider_classes, rss
from websocket.providers.base import Provider
from websocket.records import Ticker, to_rfc3339
from websocket.services import service_classes
from websocket.services.base import ServiceContext
from websocket.settings import NodeSettings, Settings, UpstreamSettings, load_settings, with_provider_urls
from websocket.upstream.circuit import Circuit
from websocket.upstream.client import HttpClient
from websocket.upstream.rate_limit import RateLimiter
from websocket.upstream.source import Source

PRICES_EVERY_S, HOUR_S = 60.0, 3600.0

EVENTS_JUDGED = 5
"""Of each publication; looking them up takes long."""

WITNESSES = ("binance", "kraken")
"""One alone is not believed at once."""

POSITIVE = {
    "explorers": ("latest_block", "network_hashrate", "difficulty", "mempool_size", "transactions_count"),
    "onchain": ("active_addresses", "transaction_count", "total_fees", "gas_price", "network_utilization", "tvl"),
    "rpc_nodes": ("average_latency", "total_nodes"),
    "whale_tracking": ("alert_threshold",),
    "news": (),
    "sentiment": ("sentiment_score",),
    "huggingface": ("total_models", "total_datasets"),
}
"""Figures that are null when they are not known, and never 0."""


class DataWorld:
    """Some data services whose minutes pass in a moment. Prices are true and at hand, whoever is in trouble.

    Args:
        internet: where the providers are, and the clock.
        services: names of the services.
        chains: the chains whose nodes are known; the fewer, the less there is to wait for.
        upstream: how patient everybody is.
        token: of the providers that share one; empty for none.
    """

    def __init__(
        self,
        internet: Internet,
        *services: str,
        chains: Sequence[str] = ("ethereum",),
        upstream: UpstreamSettings = UPSTREAM,
        token: str = "",
    ) -> None:
        self.internet = internet
        self.truth = Chains(1)
        self.offences: list[str] = []
        self.updates: dict[str, list[dict[str, Any]]] = {name: [] for name in services}
        known = NodeSettings()
        named_after = dataclasses.replace(
            known, **{field.name: () for field in dataclasses.fields(known) if field.name not in chains}
        )
        shared = load_settings({"HF_TOKEN": token}).providers
        settings = with_provider_urls(Settings(upstream=upstream, nodes=named_after, providers=shared), internet.url)
        self.client, limiter = HttpClient(upstream, clock=internet.now), RateLimiter(wall=internet.now)
        providers: dict[str, Provider] = {
            name: cls(getattr(settings.providers, name)) for name, cls in provider_classes().items()
        }
        providers.update(json_rpc.nodes(settings.nodes, named_after=named_after))
        providers.update(rss.feeds(settings.feeds))
        self.sources: dict[str, Source[Any]] = {}
        for name, provider in providers.items():
            provider.settings = dataclasses.replace(provider.settings, per_minute=GENEROUS_PER_MINUTE)
            circuit = Circuit(name, upstream, clock=self._seconds, rng=random.Random(1))
            self.sources[name] = Source(provider, self.client, limiter, circuit, clock=self._seconds, wall=internet.now)
        self.book = PriceBook(settings.prices, clock=internet.now)
        self.broker = MemoryBroker(clock=internet.now)
        self.broker.listen(self._on_publication)
        self.context = ServiceContext(
            settings=settings,
            broker=self.broker,
            sources=self.sources,
            book=self.book,
            cache=Box(),
            limiter=limiter,
            clock=internet.now,
            archive=archive_off(internet.now),
            archive_jobs=Jobs(clock=internet.now),
        )
        self._types = {name: service_classes()[name].payload_type for name in services}
        self.services = {name: service_classes()[name](self.context) for name in services}
        self._timetable = Timetable(internet.now)
        self._timetable.every(PRICES_EVERY_S, "prices", self.tell_prices, deadline_s=1)
        for service in self.services.values():
            service.begin()
            service.schedule(self._timetable)

    # Time

    def run(self, seconds: float) -> None:
        """Lets the services work for a while, as their scheduler would."""
        until = self.internet.now() + seconds
        self._timetable.run_due()
        while (left := until - self.internet.now()) > 0:
            self.internet.advance(min(self._timetable.until_next(), left))
            self._timetable.run_due()

    def run_until(self, seen: Callable[[], bool], seconds: float) -> None:
        """Lets them work until something is to be seen.

        Raises:
            AssertionError: it was not seen in time.
        """
        until = self.internet.now() + seconds
        self._timetable.run_due()
        while not seen():
            last = {name: (told["status"], told["reason"]) for name, told in self._last_of_all()}
            assert self.internet.now() < until, f"not within {seconds:g} s; {last}"
            self.internet.advance(min(self._timetable.until_next(), seconds))
            self._timetable.run_due()

    def run_until_live(self, seconds: float = 180.0) -> None:
        """Lets them work until every service calls itself live."""
        self.run_until(
            lambda: all(self.updates.values()) and all(told["status"] == "live" for _, told in self._last_of_all()),
            seconds,
        )

    def forget(self) -> None:
        """Begins anew with what was published last; offences stay."""
        for told in self.updates.values():
            del told[:-1]

    def tell_prices(self) -> None:
        """Puts the true prices into the book."""
        now = self.internet.now()
        self.book.offer_all(
            Ticker(symbol=symbol, source=witness, price=self.internet.price(symbol, now), received_at=now)
            for symbol in SYMBOLS
            for witness in WITNESSES
        )
        self.book.settle()

    def close(self) -> None:
        """Lets go of the connections to the providers."""
        self.client.close()

    # What clients see

    def last(self, service: str) -> dict[str, Any]:
        """The newest payload of a service."""
        return self.updates[service][-1]

    def part(self, service: str, name: str) -> dict[str, Any]:
        """How a part stood in it."""
        found: dict[str, Any] = self.last(service)["parts"][name]
        return found

    def states(self, service: str) -> list[str]:
        """The states that it told, without repetitions."""
        told = [update["status"] for update in self.updates[service]]
        return [state for place, state in enumerate(told) if place == 0 or told[place - 1] != state]

    def _last_of_all(self) -> Iterator[tuple[str, dict[str, Any]]]:
        return ((name, told[-1]) for name, told in self.updates.items() if told)

    def _seconds(self) -> float:
        return time.monotonic() + self.internet.passed_s

    # Judging

    def _on_publication(self, publication: Publication) -> None:
        name = publication.channel
        if name not in self.updates:
            return
        payload = codec.decode(publication.body)
        msgspec.convert(payload, self._types[name])
        for path, number in _numbers(payload):
            if not math.isfinite(number):
                self._object(name, f"{path} is {number}")
        for key in POSITIVE.get(name, ()):
            if payload[key] is not None and not payload[key] > 0:
                self._object(name, f"{key} is {payload[key]}")
        for part, info in payload["parts"].items():
            if info["as_of"] is not None and info["as_of"] > payload["timestamp"]:
                self._object(name, f"{part} stands from {info['as_of']}, the future")
            if (info["status"] == "live") == (info["reason"] is not None):
                self._object(name, f"{part} is {info['status']} because of {info['reason']}")
        if (payload["status"] == "live") == (payload["reason"] is not None):
            self._object(name, f"{payload['status']} because of {payload['reason']}")
        judge = getattr(self, f"_judge_{name}", None)
        if judge is not None:
            judge(payload)
        self.updates[name].append(payload)

    def _judge_explorers(self, payload: dict[str, Any]) -> None:
        now, bitcoin = self.internet.now(), self.truth.bitcoin
        self._judge_heights("explorers", {name: chain["latest_block"] for name, chain in payload["chains"].items()})
        hash_rate, difficulty = payload["network_hashrate"], payload["difficulty"]
        if hash_rate is not None and not 0.7 < hash_rate / bitcoin.hash_rate(now) < 1.4:
            self._object("explorers", f"network_hashrate {hash_rate}, true {bitcoin.hash_rate(now)}")
        true_difficulty = bitcoin.difficulty(bitcoin.height(now))
        if difficulty is not None and not 0.7 < difficulty / true_difficulty < 1.4:
            self._object("explorers", f"difficulty {difficulty}, true {true_difficulty}")

    def _judge_rpc_nodes(self, payload: dict[str, Any]) -> None:
        self._judge_heights("rpc_nodes", payload["block_number"])
        if payload["active_nodes"] != sum(node["status"] == "healthy" for node in payload["nodes"]):
            self._object("rpc_nodes", "active_nodes are not the healthy ones")

    def _judge_onchain(self, payload: dict[str, Any]) -> None:
        gas, utilisation = payload["gas_price"], payload["network_utilization"]
        true_gas = self.truth.ethereum.base_fee(self.truth.ethereum.height(self.internet.now())) / 1e9
        if gas is not None and payload["parts"]["gas"]["status"] == "live" and not 0.3 < gas / true_gas < 5:
            self._object("onchain", f"gas_price {gas}, true base fee {true_gas}")
        if utilisation is not None and not 0 < utilisation <= 100:
            self._object("onchain", f"network_utilization {utilisation}")
        before = self.updates["onchain"][-1] if self.updates["onchain"] else payload
        for key in ("active_addresses", "total_fees", "tvl"):
            if payload[key] and before[key] and not 0.25 < payload[key] / before[key] < 4:
                self._object("onchain", f"{key} went from {before[key]} to {payload[key]}")
        for event in payload["contract_events"][:EVENTS_JUDGED]:
            if not self._has_happened(event):
                self._object("onchain", f"an event that no block holds: {event}")

    def _has_happened(self, event: dict[str, Any]) -> bool:
        chain = self.truth.ethereum
        # a reorganisation may have moved its transaction to the next block
        heights = range(event["block"] - 1, event["block"] + 2)
        found = [chain.transaction(n) for height in heights for n in chain.numbers(height, self.internet.now())]
        return any(
            one.hash == event["transaction"]
            and one.transfer is not None
            and one.transfer.amount / 10**one.transfer.token.decimals == event["value"]
            and (one.transfer.token.symbol, one.sender, one.transfer.recipient)
            == (event["symbol"], event["from"], event["to"])
            for one in found
        )

    def _judge_whale_tracking(self, payload: dict[str, Any]) -> None:
        moves = payload["large_transactions"]
        values = [(move["chain"], move["hash"], move["asset"], move["from"], move["to"]) for move in moves]
        if len(set(values)) != len(values):
            self._object("whale_tracking", "a move is listed twice")
        if any(move["value"] < payload["alert_threshold"] for move in moves):
            self._object("whale_tracking", "a move below the threshold")

        if len(moves) < self.context.settings.whales.listed and payload["total_volume"] is not None:
            begin = to_rfc3339(self.internet.now() - HOUR_S)
            counted = math.fsum(move["value"] for move in moves if move["confirmed"] and move["timestamp"] >= begin)
            if not math.isclose(payload["total_volume"], counted, rel_tol=0.01, abs_tol=1):
                self._object("whale_tracking", f"total_volume {payload['total_volume']} of moves of {counted}")

    def _judge_news(self, payload: dict[str, Any]) -> None:
        ids = [article["id"] for article in payload["articles"]]
        if len(set(ids)) != len(ids):
            self._object("news", "an article is listed twice")
        if any(not article["title"].strip() or "<" in article["title"] for article in payload["articles"]):
            self._object("news", "a title that is none")

    def _judge_sentiment(self, payload: dict[str, Any]) -> None:
        score = payload["sentiment_score"]
        if score is not None and not 0 <= score <= 1:
            self._object("sentiment", f"sentiment_score {score}")
        if (score is None) != (payload["overall_sentiment"] is None):
            self._object("sentiment", f"{payload['overall_sentiment']} with a score of {score}")

    def _judge_huggingface(self, payload: dict[str, Any]) -> None:
        for kind in ("models", "datasets"):
            names, total = payload[f"available_{kind}"], payload[f"total_{kind}"]
            rows = payload[f"{kind.removesuffix('s')}_details"]
            if names != [row["id"] for row in rows]:
                self._object("huggingface", f"{kind} and what is known about them differ")
            if len(set(names)) != len(names) or len(names) > (total or 0):
                self._object("huggingface", f"{len(names)} {kind} in the list of {total}")
            if any(not row["url"].startswith("https://huggingface.co/") for row in rows):
                self._object("huggingface", f"an address of {kind} that leads elsewhere")

    def _judge_heights(self, service: str, heights: dict[str, int | None]) -> None:
        before = self.updates[service][-1] if self.updates[service] else None
        for chain, height in heights.items():
            if height is None:
                continue
            true = self.true_height(chain)
            if height > true:
                self._object(service, f"{chain} is at {height}, in truth at {true}")
            if before is not None:
                earlier = (
                    before["block_number"][chain]
                    if service == "rpc_nodes"
                    else (before["chains"][chain]["latest_block"])
                )
                if earlier is not None and height < earlier:
                    self._object(service, f"{chain} fell from {earlier} to {height}")

    def true_height(self, chain: str) -> int:
        """Of the newest block that there is."""
        now = self.internet.now()
        if chain == "bitcoin":
            return self.truth.bitcoin.height(now)
        return self.truth.solana.height(now) if chain == SOLANA else self.truth.evm[chain].height(now)

    def _object(self, service: str, offence: str) -> None:
        self.offences.append(f"{service}, update {len(self.updates[service]) + 1}: {offence}")


def _numbers(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a value, with where it is."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, f"{path}.{key}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _numbers(item, f"{path}[{place}]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, value
