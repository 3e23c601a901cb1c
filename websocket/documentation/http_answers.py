"""The answers of the HTTP routes. Times are RFC 3339 UTC; null is not known."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from websocket.broker.base import BusStatus
from websocket.cache.base import CacheStatus
from websocket.catalogue import EndpointInfo, ServiceInfo
from websocket.documentation.messages import ServiceName, ServiceOrAll, Timestamp
from websocket.feed_status import FeedStatus
from websocket.records import Price
from websocket.upstream.circuit import CircuitState


class PriceHealth(Struct, frozen=True, kw_only=True):
    """The held price of one coin.

    Attributes:
        age_seconds: since its source's own time.
        source: registry name of the provider.
        confirmed: false while no second source has agreed.
        last_updated: its source's own time.
    """

    age_seconds: float
    source: str
    confirmed: bool
    last_updated: Timestamp


class ProviderHealth(Struct, frozen=True, kw_only=True):
    """How a provider has been doing since the start of the process.

    Attributes:
        name: registry name.
        title: name for people.
        configured: false while a key or the like is missing.
        state: ``closed``: it is asked; ``open``: it failed and is left alone for a while; ``half_open``: one request is
            trying it; ``parked``: it refused us and is left alone for long.
        retry_at: when it may be asked again; null when it may be asked now.
        last_check: when it was last asked.
        last_success: when an ask that succeeded began.
        last_error: what went wrong last; it stays after a success.
        last_error_at: when that was.
        response_time_ms: of the last request.
        succeeded: asks that brought everything that was asked for.
        failed: asks with an error that counts against the provider.
        errors: how many asks ended with each kind of error.
        asks_last_hour: how many asks ended in the last hour; of a very busy provider the last 1000.
        success_rate: share of these that did not fail, 0 to 1; null when there were none.
        p95_ms: 95 of 100 answers of the last hour took no longer, milliseconds; null without an answer.
        disabled_symbols: coins that it does not know at present.
    """

    name: str
    title: str
    configured: bool
    state: CircuitState
    retry_at: Timestamp | None
    last_check: Timestamp | None
    last_success: Timestamp | None
    last_error: str | None
    last_error_at: Timestamp | None
    response_time_ms: float | None
    succeeded: int
    failed: int
    errors: dict[str, int]
    asks_last_hour: int
    success_rate: float | None
    p95_ms: float | None
    disabled_symbols: tuple[str, ...]


class FailoverRecord(Struct, frozen=True, kw_only=True):
    """A change of a pool's active source.

    Attributes:
        pool: name of the pool.
        previous: who was active.
        active: who is active since.
        reason: in words.
        at: when.
    """

    pool: str
    previous: str
    active: str
    reason: str
    at: Timestamp


class PoolHealth(Struct, frozen=True, kw_only=True):
    """A pool of sources.

    Attributes:
        name: name of the pool.
        active_source: whose answers are used; null before the first answer and while nobody answers.
        available_sources: who can be asked, best first.
        inactive_sources: who cannot: not configured, or left alone for a while.
        silent: true while nobody answers; false before the first round.
        better_source: the best source before the active one that is left alone for a while, or null. While nobody
            answers, the one that is tried first again.
        retry_at: when that one may be asked again.
        failover_count: changes of the active source since the start.
        failovers: the last of them, oldest first.
    """

    name: str
    active_source: str | None
    available_sources: tuple[str, ...]
    inactive_sources: tuple[str, ...]
    silent: bool
    better_source: str | None
    retry_at: Timestamp | None
    failover_count: int
    failovers: tuple[FailoverRecord, ...]


class HealthReport(Struct, frozen=True, kw_only=True):
    """The whole picture, read from the live parts.

    Attributes:
        status: ``healthy``; ``degraded``: something is wrong, but a price is younger than ``STALE_AFTER``;
            ``starting``: the process is young, and the first price is awaited; ``unhealthy``: no price is that young.
        reason: why it is not healthy, or null.
        demo: true when a simulated internet feeds the service.
        timestamp: now.
        uptime_seconds: since the start of the process.
        feeds: whether each price feed can be trusted, by channel.
        prices: the held price of each coin by symbol; null without one.
        providers: by registry name.
        pools: by name.
        cache: how the cache is doing.
        bus: whether this process collects, and how it stands with those that share its Redis.
    """

    status: Literal["starting", "healthy", "degraded", "unhealthy"]
    reason: str | None
    demo: bool
    timestamp: Timestamp
    uptime_seconds: float
    feeds: dict[str, FeedStatus]
    prices: dict[str, PriceHealth | None]
    providers: dict[str, ProviderHealth]
    pools: dict[str, PoolHealth]
    cache: CacheStatus
    bus: BusStatus


class Live(Struct, frozen=True, kw_only=True):
    """The process answers.

    Attributes:
        status: always ``live``.
        timestamp: now.
    """

    status: Literal["live"]
    timestamp: Timestamp


class ThreadEnds(Struct, frozen=True, kw_only=True):
    """A long-lived thread of the service that ended although it should have run on, and is started again.

    Attributes:
        name: which one.
        ends: how often, since the start of the process.
        down: true until it runs again.
        last_end: when it ended last.
        reason: how; the log has more.
    """

    name: str
    ends: int
    down: bool
    last_end: Timestamp
    reason: str


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether clients should be sent here.

    Attributes:
        ready: true while at least one price is younger than ``STALE_AFTER``, this process hears of new ones, and all of
            its threads run.
        reason: why not, or null.
        threads: those that ever ended although they should have run on; usually empty.
        timestamp: now.
    """

    ready: bool
    reason: str | None
    threads: tuple[ThreadEnds, ...]
    timestamp: Timestamp


class PriceRow(Price, frozen=True, kw_only=True):
    """One coin as ``crypto-prices`` sends it, and where the price comes from.

    Attributes:
        source: registry name of the provider.
        age_s: seconds since its source's own time.
        confirmed: false while no second source has agreed.
    """

    source: str
    age_s: float = field(name="ageSeconds")
    confirmed: bool


class Success(Struct, frozen=True, kw_only=True):
    """What every successful answer with ``data`` has.

    Attributes:
        status: always ``success``.
        timestamp: now.
    """

    status: Literal["success"]
    timestamp: Timestamp


class PricesAnswer(Success, frozen=True, kw_only=True):
    """The current prices.

    Attributes:
        data: a coin a row; coins without an accepted price are left out.
    """

    data: tuple[PriceRow, ...]


class ClientStats(Struct, frozen=True, kw_only=True):
    """One connected client of the plain WebSocket.

    Attributes:
        client_id: ``client_<n>_<unix seconds>``.
        endpoint: the path that it opened.
        connected_at: when.
        last_activity: when it sent something last.
        subscriptions: what it is subscribed to.
        messages_received: messages from it.
        messages_sent: answers to it, updates to everybody not counted.
    """

    client_id: str
    endpoint: str
    connected_at: Timestamp
    last_activity: Timestamp
    subscriptions: tuple[ServiceName, ...]
    messages_received: int
    messages_sent: int


class Stats(Struct, frozen=True, kw_only=True):
    """The clients of the plain WebSocket of this process.

    Attributes:
        active_connections: connected now.
        total_connections: the same.
        connections_since_start: those that are gone included.
        total_subscriptions: now.
        subscription_counts: now, by service.
        subscriptions: the same.
        messages_received: from clients, since the start.
        messages_sent: answers to clients, since the start; updates to everybody not counted.
        merged_updates: updates that were replaced by a newer one before a slow client took them.
        stalled_connections: clients that do not take what is sent, at this moment.
        closed: how many connections ended with each close code; 1006 is an end without one, and 4999 stands for all
            that clients make up.
        clients: who is connected, a page of them, the newest first; all counts are of all.
        next_offset: `offset` of the next page; null on the last one.
    """

    active_connections: int
    total_connections: int
    connections_since_start: int
    total_subscriptions: int
    subscription_counts: dict[str, int]
    subscriptions: dict[str, int]
    messages_received: int
    messages_sent: int
    merged_updates: int
    stalled_connections: int
    closed: dict[str, int]
    clients: tuple[ClientStats, ...]
    next_offset: int | None


class StatsAnswer(Success, frozen=True, kw_only=True):
    """Who is connected, and what was exchanged.

    Attributes:
        data: the figures.
    """

    data: Stats


class ServiceRow(ServiceInfo, frozen=True, kw_only=True):
    """One service, and where it can be had.

    Attributes:
        endpoints: paths on which it is offered.
    """

    endpoints: tuple[str, ...]


class Services(Struct, frozen=True, kw_only=True):
    """The services.

    Attributes:
        services: all of them.
        groups: their names, by group.
    """

    services: tuple[ServiceRow, ...]
    groups: dict[str, tuple[ServiceOrAll, ...]]


class ServicesAnswer(Success, frozen=True, kw_only=True):
    """What can be subscribed to.

    Attributes:
        data: the services.
    """

    data: Services


class EndpointRow(EndpointInfo, frozen=True, kw_only=True):
    """One WebSocket address.

    Attributes:
        url: to connect to, with the host that the request was sent to.
    """

    url: str


class Endpoints(Struct, frozen=True, kw_only=True):
    """The WebSocket endpoints.

    Attributes:
        endpoints: all of them.
        supported_actions: what a client may send.
    """

    endpoints: tuple[EndpointRow, ...]
    supported_actions: tuple[str, ...]


class EndpointsAnswer(Success, frozen=True, kw_only=True):
    """Where to connect.

    Attributes:
        data: the endpoints.
    """

    data: Endpoints


class HttpError(Struct, frozen=True, kw_only=True):
    """Every answer that is an error.

    Attributes:
        code: for programs: the phrase of the HTTP status in lower case, with underscores.
        message: for people.
        temporary: true when the same request may succeed later.
    """

    code: str
    message: str
    temporary: bool
