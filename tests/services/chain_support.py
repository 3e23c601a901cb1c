"""Doubles for the tests of the services of chains: a clock, an internet that answers as told, and a world of them.

The sources, circuits, budgets and pools are the real ones. Only what providers say is scripted: each scripted provider
answers every question with whatever lies under the name of that question, or with the error that lies there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from tests.services.doubles import archive_off
from websocket import codec
from websocket.archive.progress import Jobs
from websocket.broker.memory_broker import MemoryBroker
from websocket.errors import UpstreamTimeout
from websocket.price_book import PriceBook
from websocket.providers.base import Answer, Budget, Provider, Request
from websocket.providers.capabilities import ActivityProvider, BlockExplorer, ChainExplorer, ChainNode, GasOracle
from websocket.records import Ticker
from websocket.services.base import DataService, ServiceContext
from websocket.settings import ProviderSettings, Settings, UpstreamSettings, Url
from websocket.upstream.circuit import Circuit
from websocket.upstream.rate_limit import RateLimiter
from websocket.upstream.source import Source

NOW = 1_795_219_200.0
"""2026-11-21 00:00 UTC."""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Scripted(Provider):
    """A provider of the tests. It has no registry name of its own class, so the registry does not know it."""

    def __init__(self, name: str, min_interval_s: float) -> None:
        super().__init__(ProviderSettings(url=Url("http://127.0.0.1:1")))
        self.name = name
        self.title = name.capitalize()
        self.is_configured = True
        self._min_interval_s = min_interval_s

    @property
    def budget(self) -> Budget:
        return Budget(per_minute=100_000, min_interval_s=self._min_interval_s)

    @property
    def configured(self) -> bool:
        return self.is_configured

    @staticmethod
    def question(operation: str) -> list[Request]:
        """One request, named for what is asked."""
        return [Request(operation=operation, path=f"/{operation}")]

    @staticmethod
    def said(answers: Sequence[Answer]) -> Any:
        """The record that the script put into the answer."""
        return answers[-1].payload


class Explorer(Scripted, ChainExplorer, BlockExplorer):
    """Answers ``bitcoin_stats``, ``ethereum_stats``, ``blocks`` and ``fee_rates``."""

    def __init__(self, name: str, min_interval_s: float, chains: Sequence[str] = ("bitcoin", "ethereum")) -> None:
        super().__init__(name, min_interval_s)
        self.chains = tuple(chains)

    def stats_requests(self, chain: str) -> list[Request]:
        return self.question(f"{chain}_stats") if chain in self.chains else []

    def parse_stats(self, answers: Sequence[Answer]) -> Any:
        return self.said(answers)

    def blocks_requests(self) -> list[Request]:
        return self.question("blocks")

    def parse_blocks(self, answers: Sequence[Answer]) -> Any:
        return self.said(answers)

    def fee_rates_requests(self) -> list[Request]:
        return self.question("fee_rates")

    def parse_fee_rates(self, answers: Sequence[Answer]) -> Any:
        return self.said(answers)


class Oracle(Scripted, GasOracle, ActivityProvider):
    """Answers ``gas`` and ``activity``."""

    gas_chain = "ethereum"

    def gas_requests(self) -> list[Request]:
        return self.question("gas")

    def parse_gas(self, answers: Sequence[Answer]) -> Any:
        return self.said(answers)

    def activity_requests(self) -> list[Request]:
        return self.question("activity")

    def parse_activity(self, answers: Sequence[Answer]) -> Any:
        return self.said(answers)


class Counter(Scripted):
    """Answers ``tvl`` and ``fees``."""

    def tvl_requests(self) -> list[Request]:
        return self.question("tvl")

    def parse_tvl(self, answers: Sequence[Answer]) -> Any:
        return self.said(answers)

    def fees_requests(self, chain: str = "ethereum") -> list[Request]:
        return self.question("fees")

    def parse_fees(self, answers: Sequence[Answer]) -> Any:
        return self.said(answers)


class Node(Scripted, ChainNode, ChainExplorer, GasOracle):
    """Answers ``probe``, ``height``, ``gas``, ``events``, and the statistics of its chain."""

    def __init__(self, name: str, min_interval_s: float = 12.0) -> None:
        super().__init__(name, min_interval_s)
        self.chain, self.host = name.split(":")
        self.chains = (self.chain,)
        self.gas_chain = self.chain

    def probe_requests(self) -> list[Request]:
        return self.question("probe")

    def height_requests(self) -> list[Request]:
        return self.question("height")

    def parse_probe(self, answers: Sequence[Answer]) -> Any:
        return self.said(answers)

    def stats_requests(self, chain: str) -> list[Request]:
        return self.question(f"{chain}_stats")

    def parse_stats(self, answers: Sequence[Answer]) -> Any:
        return self.said(answers)

    def gas_requests(self) -> list[Request]:
        return self.question("gas")

    def parse_gas(self, answers: Sequence[Answer]) -> Any:
        return self.said(answers)

    def contract_events_requests(self, _blocks: range) -> list[Request]:
        return self.question("events")

    def parse_contract_events(self, _blocks: range, answers: Sequence[Answer]) -> Any:
        return self.said(answers)


class Internet:
    """Stands for ``HttpClient``: gives each provider's scripted word, or raises it; silence is a time-out.

    A word may be a function without arguments: it is called for each answer.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.words: dict[tuple[str, str], Any] = {}
        self.asked: list[tuple[str, str]] = []
        self.takes_s = 0.0

    def fetch(self, provider: Provider, request: Request) -> Answer:
        self.asked.append((provider.name, request.operation))
        self.clock.advance(self.takes_s)
        word = self.words.get((provider.name, request.operation))
        if callable(word):
            word = word()
        if word is None:
            raise UpstreamTimeout(provider.name, request.operation, "no answer in time")
        if isinstance(word, Exception):
            raise word
        return Answer(request=request, payload=word, received_at=self.clock())


class World:
    """The sources, the context and what the providers say.

    Args:
        providers: all there are.
        settings: all settings.
    """

    def __init__(self, providers: Sequence[Scripted], settings: Settings | None = None) -> None:
        self.clock = Clock()
        self.internet = Internet(self.clock)
        self.settings = settings or Settings()
        self.providers = {provider.name: provider for provider in providers}
        upstream = UpstreamSettings()
        self.sources = {
            provider.name: Source(
                provider,
                self.internet,  # type: ignore[arg-type]
                RateLimiter(),
                Circuit(provider.name, upstream, clock=self.clock, rng=random.Random(1)),
                clock=self.clock,
                wall=self.clock,
            )
            for provider in providers
        }
        self.broker = MemoryBroker(clock=self.clock)
        self.book = PriceBook(self.settings.prices, clock=self.clock)
        self.context = ServiceContext(
            settings=self.settings,
            broker=self.broker,
            sources=self.sources,
            book=self.book,
            cache=None,  # type: ignore[arg-type]
            limiter=RateLimiter(),
            clock=self.clock,
            archive=archive_off(self.clock),
            archive_jobs=Jobs(clock=self.clock),
        )

    def say(self, provider: str, question: str, word: Any) -> None:
        """From now on a provider answers a question so; None is silence, an exception is raised."""
        self.internet.words[provider, question] = word

    def asked(self, question: str | None = None) -> list[str]:
        """Who was asked since the last look, in order; for one question or for any."""
        asked, self.internet.asked = self.internet.asked, []
        return [name for name, operation in asked if question in (None, operation)]

    def price(self, symbol: str, price: float) -> None:
        """Lets the price book believe a price."""
        for source in ("one", "other"):
            self.book.offer(Ticker(symbol=symbol, source=source, price=price, received_at=self.clock()))


class Plan:
    """Stands for the scheduler: takes note of the jobs."""

    def __init__(self) -> None:
        self.jobs: dict[str, tuple[float, float, float]] = {}
        self.calls: dict[str, Callable[[], object]] = {}

    def every(
        self, interval_s: float, name: str, job: Callable[[], object], *, deadline_s: float, delay_s: float = 0.0
    ) -> None:
        assert name not in self.jobs
        self.jobs[name] = (interval_s, deadline_s, delay_s)
        self.calls[name] = job


def published(service: DataService) -> Any:
    """What clients get: the payload as JSON, there and back."""
    service.publish()
    publication = service.context.broker.last(service.name)
    assert publication is not None
    return codec.decode(publication.body)


def part_of(payload: Any, name: str) -> tuple[str, str | None, str | None]:
    """Status, source and reason of one part."""
    part = payload["parts"][name]
    return part["status"], part["source"], part["reason"]
