"""What the figures are read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from websocket.archive.status import ArchiveStatus
from websocket.broker.base import Broker
from websocket.cache.base import Cache
from websocket.feed_status import PriceFeedStatus
from websocket.http_server.places import HttpPlaces
from websocket.hub import Hub, Traffic
from websocket.metrics.families import Samples
from websocket.price_book import PriceBook
from websocket.scheduler import Scheduler
from websocket.supervisor import Supervisor
from websocket.upstream.failover import Pool
from websocket.upstream.rate_limit import RateLimiter
from websocket.upstream.source import Source
from websocket.wire.connection import Connections


@dataclass(frozen=True, kw_only=True)
class LiveParts:
    """The parts of one service.

    Attributes:
        connections: the WebSockets of this process.
        places: its connections that are not WebSockets.
        clients: connected clients by protocol and transport.
        subscribers: by protocol, how many clients are subscribed to a channel.
        traffic: by protocol, what broadcasts have offered.
        hub: delivers publications.
        broker: numbers them.
        channels: the public ones.
        book: accepted prices.
        feed_status: whether they can be trusted.
        feeds: channels that have such a status.
        sources: every provider, by registry name.
        limiter: their budgets.
        pools: the pools that they form.
        schedulers: all of this process.
        supervisor: of its long-lived green threads.
        cache: the cache.
        archive: gives the status of the archive.
        version: of the service.
        demo: whether the simulated internet feeds it.
    """

    connections: Connections
    places: HttpPlaces
    clients: Callable[[], Samples]
    subscribers: Mapping[str, Callable[[str], int]]
    traffic: Mapping[str, Traffic]
    hub: Hub
    broker: Broker
    channels: Sequence[str]
    book: PriceBook
    feed_status: PriceFeedStatus
    feeds: Sequence[str]
    sources: Mapping[str, Source[Any]]
    limiter: RateLimiter
    pools: Mapping[str, Pool[Any]]
    schedulers: Sequence[Scheduler]
    supervisor: Supervisor
    cache: Cache
    archive: Callable[[], ArchiveStatus]
    version: str
    demo: bool
