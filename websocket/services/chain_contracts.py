"""What services of chains need of providers for questions that only one kind of provider answers, so far.

As in ``contracts.py`` they are structural, so that a service says what it needs and names nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, cast, runtime_checkable

from websocket.chain_records import ContractEvents, FeeRates, ProtocolFees, Tvl
from websocket.providers.base import Answer, Provider, Request
from websocket.services.base import ServiceContext
from websocket.upstream.failover import Pool

C = TypeVar("C")


@runtime_checkable
class FeeRateSource(Protocol):
    """Knows what a Bitcoin transaction should pay."""

    def fee_rates_requests(self) -> Sequence[Request]:
        """The requests that bring the fee rates."""

    def parse_fee_rates(self, answers: Sequence[Answer]) -> FeeRates:
        """The fee rates."""


@runtime_checkable
class TvlSource(Protocol):
    """Knows the value locked on chains."""

    def tvl_requests(self) -> Sequence[Request]:
        """The requests that bring it."""

    def parse_tvl(self, answers: Sequence[Answer]) -> list[Tvl]:
        """A row for each chain, largest first."""


@runtime_checkable
class ApplicationFeesSource(Protocol):
    """Knows what users paid to the applications on a chain."""

    def fees_requests(self, chain: str = ...) -> Sequence[Request]:
        """The requests that bring it."""

    def parse_fees(self, answers: Sequence[Answer]) -> ProtocolFees:
        """The fees of that chain."""


@runtime_checkable
class EventNode(Protocol):
    """Knows what well-known contracts wrote to the log of their chain."""

    def contract_events_requests(self, blocks: range) -> Sequence[Request]:
        """The requests that bring the events of some blocks in a row."""

    def parse_contract_events(self, blocks: range, answers: Sequence[Answer]) -> ContractEvents:
        """The events of these blocks."""


def as_kind(provider: Provider, kind: Callable[..., C]) -> C:
    """The same provider as one that answers a kind of question.

    Args:
        provider: named in the settings.
        kind: a contract of this module; its type is wider because contracts are no ``type[C]`` to mypy.
    """
    assert isinstance(kind, type)
    assert isinstance(provider, kind), f"{provider.name} is no {kind.__name__}"
    return cast(C, provider)


def pool_of(
    context: ServiceContext, name: str, providers: Sequence[str], kind: Callable[..., object], *, topic: str
) -> Pool[Provider]:
    """As ``context.pool``, for the contracts of this module.

    Raises:
        SettingsError: a provider is unknown, or is not of that kind.
    """
    context.require(name, providers, kind)
    return context.pool(name, providers, Provider, topic=topic)
