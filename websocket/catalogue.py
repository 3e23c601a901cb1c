"""The services, the channels and the WebSocket endpoints. The only place that knows their names.

Everything that lists, validates or documents them reads it here: ``/ws/services``, ``/ws/endpoints``, ``welcome``,
the validation of subscriptions, the documentation, and the channels of Socket.IO.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Group = Literal["data_collection", "monitoring", "integration", "system"]
GROUPS: tuple[Group, ...] = get_args(Group)

CRYPTO_PRICES = "crypto-prices"
MARKET_DATA = "market_data"

ACCEPTED_PRICES = "accepted-prices"
"""Between processes only: each price that the price book accepted, for the archives."""

PRICE_BOOK = "price-book"
"""Between processes only: what the price book holds, for processes that do not collect themselves."""

LEADER = "leader"
"""Between processes only: which of them collects for all."""

SYSTEM = "system"
"""The process's own messages: what answers a client comes from it, and its notices can be subscribed to."""

ALL = "all"
"""Stands for every service of an endpoint in a subscription."""


class ServiceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A name that can be subscribed to. Each but ``all`` is a channel.

    Attributes:
        name: what a subscription says.
        group: what kind of service it is.
        interval_s: seconds between two publications; None when it publishes on change, and for ``all``.
        description: one line for people.
    """

    name: str
    group: Group
    interval_s: float | None
    description: str


class EndpointInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One WebSocket address.

    Attributes:
        path: where it is.
        services: what can be subscribed to there, by name or as ``all``.
        subscribes: the name that a connection is subscribed to by itself, as if it had asked for it; None where clients
            subscribe by hand.
        welcomes: True when a second message explains the services and how to use them.
        description: one line for people.
    """

    path: str
    services: tuple[str, ...]
    subscribes: str | None
    welcomes: bool = False
    description: str

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a subscription may have there."""
        return (*self.services, ALL)


def _service(name: str, group: Group, interval_s: float | None, description: str) -> ServiceInfo:
    return ServiceInfo(name=name, group=group, interval_s=interval_s, description=description)


SERVICES: tuple[ServiceInfo, ...] = (
    _service(MARKET_DATA, "data_collection", 5, "Prices, volumes, market caps and 24 h changes of ten coins."),
    _service("explorers", "data_collection", 10, "Newest block, hash rate, difficulty and mempool per chain."),
    _service("news", "data_collection", 60, "Articles of crypto news feeds, newest first."),
    _service("sentiment", "data_collection", 30, "Mood of the market from indices, votes and headlines."),
    _service("whale_tracking", "data_collection", 15, "Transactions that move large sums."),
    _service("rpc_nodes", "data_collection", 20, "Latency, height and health of public RPC nodes."),
    _service(
        "onchain",
        "data_collection",
        30,
        "Addresses, transactions, fees, gas and TVL per chain; large events of contracts.",
    ),
    _service("health_checker", "monitoring", 30, "Health of every data provider."),
    _service("pool_manager", "monitoring", 20, "Pools of sources: who is active, and failovers."),
    _service("scheduler", "monitoring", 15, "Jobs of this process and their runs."),
    _service("huggingface", "integration", 60, "Models and datasets for crypto and finance."),
    _service("persistence", "integration", 30, "Archive: size, records, last save."),
)
"""The services that carry data, over both protocols."""

SYSTEM_SERVICES: tuple[ServiceInfo, ...] = (
    _service(SYSTEM, "system", None, "Notices on change: state of the price feed, new leader, planned end."),
    _service(ALL, "system", None, "Every service of the endpoint at once."),
)
"""What can be subscribed to besides, over the plain WebSocket only."""

SERVICE_NAMES: tuple[str, ...] = tuple(service.name for service in SERVICES)

SUBSCRIBABLE: tuple[str, ...] = (*SERVICE_NAMES, SYSTEM)
"""Channels that a client of the plain WebSocket may be subscribed to."""

CHANNELS: tuple[str, ...] = (CRYPTO_PRICES, *SERVICE_NAMES)
"""What a Socket.IO client may subscribe to: the exchange's feed and every service."""


def services_of(group: Group) -> tuple[str, ...]:
    """Names of a group's services."""
    return tuple(service.name for service in (*SERVICES, *SYSTEM_SERVICES) if service.group == group)


def _by_hand(path: str, services: tuple[str, ...], description: str, *, welcomes: bool = False) -> EndpointInfo:
    services = (*services, SYSTEM)
    return EndpointInfo(path=path, services=services, subscribes=None, welcomes=welcomes, description=description)


def _at_once(path: str, service: str, description: str) -> EndpointInfo:
    services = SUBSCRIBABLE if service == ALL else (service, SYSTEM)
    return EndpointInfo(path=path, services=services, subscribes=service, description=description)


ENDPOINTS: tuple[EndpointInfo, ...] = (
    _by_hand("/ws", SERVICE_NAMES, "Every service, subscribed by hand.", welcomes=True),
    _by_hand("/ws/master", SERVICE_NAMES, "The same as /ws.", welcomes=True),
    _at_once("/ws/all", ALL, "Every service at once."),
    _by_hand("/ws/data", services_of("data_collection"), "The data services, subscribed by hand."),
    _by_hand("/ws/monitoring", services_of("monitoring"), "The monitoring services, subscribed by hand."),
    _by_hand("/ws/integration", services_of("integration"), "The integration services, subscribed by hand."),
    _at_once("/ws/market_data", MARKET_DATA, "Market data at once."),
    _at_once("/ws/whale_tracking", "whale_tracking", "Large transactions at once."),
    _at_once("/ws/news", "news", "News at once."),
    _at_once("/ws/sentiment", "sentiment", "Sentiment at once."),
    _at_once("/ws/health", "health_checker", "Health of the providers at once."),
    _at_once("/ws/pool_status", "pool_manager", "Pools of sources at once."),
    _at_once("/ws/scheduler_status", "scheduler", "Jobs at once."),
    _at_once("/ws/huggingface", "huggingface", "Models and datasets at once."),
    _at_once("/ws/ai", "huggingface", "The same as /ws/huggingface."),
    _at_once("/ws/persistence", "persistence", "The archive at once."),
)


def interval_of(name: str) -> float:
    """Seconds between two publications of a service that carries data.

    Raises:
        KeyError: there is none of that name.
    """
    for service in SERVICES:
        if service.name == name and service.interval_s is not None:
            return service.interval_s
    raise KeyError(name)
