"""What is read from the live parts for a scrape. It asks nobody, and nothing of it is kept."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from websocket import green
from websocket.feed_status import State
from websocket.http_server.places import Refusal, Waiting
from websocket.metrics.families import counter, counters, gauge, gauges, states
from websocket.metrics.parts import LiveParts
from websocket.upstream.rate_limit import RateLimiter, effective_budget
from websocket.upstream.source import Source

logger = logging.getLogger(__name__)

KNOWN_CODES = frozenset({*range(1000, 1016), 4008})
"""Close codes that have a label of their own; clients can send any other."""


Topic = Callable[[LiveParts], Iterator[Metric]]


class LiveCollector(Collector):
    """Gives the figures of all topics. A topic that fails is left out and counted, so that the others are there.

    All of them take longer than the event loop can spare, so others run before each topic and between its families.

    Args:
        parts: what to read.
    """

    def __init__(self, parts: LiveParts) -> None:
        self._parts = parts
        self._failures: dict[str, int] = {topic.__name__: 0 for topic in TOPICS}

    def describe(self) -> Iterable[Metric]:
        """Nothing: the names are found out when they are collected, and not while the service is being built."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All families at this moment."""
        for topic in TOPICS:
            green.sleep(0)
            try:
                families = list(topic(self._parts))
            except Exception:
                # a bug in one of them must not make the operator blind
                logger.exception("metrics failed topic=%s", topic.__name__)
                self._failures[topic.__name__] += 1
            else:
                for family in families:
                    # whoever asked for it writes it as text before it takes the next one
                    yield family
                    green.sleep(0)
        yield counters(
            "dwt_metrics_failures",
            "Scrapes in which a topic of these metrics was left out because reading it failed; see the log.",
            ("topic",),
            {(topic,): count for topic, count in self._failures.items()},
        )


def clients(parts: LiveParts) -> Iterator[Metric]:
    """Who is connected, and what goes over the wire."""
    connections = parts.connections
    yield gauges(
        "dwt_connections",
        "Connected clients, by protocol (json: plain WebSocket, socketio) and transport (websocket, polling).",
        ("protocol", "transport"),
        parts.clients(),
    )
    yield gauges(
        "dwt_subscriptions",
        "Subscribed clients, by protocol and channel.",
        ("protocol", "channel"),
        {(protocol, one): count(one) for protocol, count in parts.subscribers.items() for one in parts.channels},
    )
    yield gauge(
        "dwt_http_connections",
        "Connections that are not WebSockets: requests, polls, and those that wait for a next request.",
        len(parts.places),
    )
    counts = parts.places.counts
    yield counter(
        "dwt_http_accepted",
        "Connections that were given a place, WebSockets before their upgrade included.",
        counts.accepted,
    )
    yield counters(
        "dwt_http_refused",
        "Connections that were answered 503 at once, by reason: full, address (has its share), descriptors.",
        ("reason",),
        {(reason,): counts.refused[reason] for reason in get_args(Refusal)},
    )
    yield counters(
        "dwt_http_evicted",
        "Connections that gave way to others, by what they waited for: next_request, request, reader, application.",
        ("waiting_for",),
        {(kind.value,): counts.evicted[kind.value] for kind in Waiting},
    )
    yield gauge(
        "dwt_stalled_connections",
        "WebSockets that do not take what waits for them at the moment.",
        len(connections.stalled),
    )
    yield counters(
        "dwt_broadcast_frames",
        "Frames of broadcasts that were offered to WebSockets, by protocol, those that were merged included.",
        ("protocol",),
        {(protocol,): traffic.frames for protocol, traffic in parts.traffic.items()},
    )
    yield counters(
        "dwt_broadcast_bytes",
        "Bytes of the frames of broadcasts that were offered to WebSockets, by protocol.",
        ("protocol",),
        {(protocol,): traffic.bytes for protocol, traffic in parts.traffic.items()},
    )
    yield counter(
        "dwt_reply_frames",
        "All other frames to WebSockets: answers, snapshots, pings and handshakes.",
        connections.pushed,
    )
    yield counter("dwt_reply_bytes", "Bytes of all other frames to WebSockets.", connections.pushed_bytes)
    yield counter("dwt_received_messages", "Messages that came in over WebSockets.", connections.received)
    yield counter(
        "dwt_received_bytes", "Bytes that came in over WebSockets, control frames included.", connections.received_bytes
    )
    yield counter(
        "dwt_merged_updates",
        "Updates that were replaced by a newer one of their channel before a slow client took them.",
        connections.merged,
    )
    yield counters(
        "dwt_disconnects",
        "WebSockets that ended, by close code: 4008 too slow, 1006 without a close frame, other for codes of clients.",
        ("code",),
        _disconnects(connections.closed_codes),
    )


def _disconnects(closed_codes: Mapping[int, int]) -> dict[Sequence[str], float | None]:
    # the two that are watched are there from the beginning: a counter that appears has no rate
    counts: dict[Sequence[str], float | None] = {("1006",): 0, ("4008",): 0}
    for code, count in closed_codes.items():
        label = (str(code) if code in KNOWN_CODES else "other",)
        counts[label] = (counts.get(label) or 0) + count
    return counts


def prices(parts: LiveParts) -> Iterator[Metric]:
    """How true the feed is."""
    yield states(
        "dwt_feed_state",
        "1 for the state that a feed is in (live, delayed, stale, down), 0 for the others.",
        ("channel", "state"),
        {channel: parts.feed_status.of(channel).status for channel in parts.feeds},
        get_args(State),
    )
    yield gauges(
        "dwt_price_age_seconds",
        "Age of the accepted price by its source's own time; none while there is no price.",
        ("symbol",),
        {(symbol,): parts.book.age(symbol) for symbol in parts.book.symbols},
    )
    yield counters(
        "dwt_prices_judged",
        "Prices that providers offered, by what became of them: accepted, unchanged, or the reason of the refusal.",
        ("provider", "verdict"),
        {(source, verdict.value): count for (source, verdict), count in list(parts.book.verdicts.items())},
    )
    last = {channel: parts.broker.last(channel) for channel in parts.channels}
    yield gauges(
        "dwt_last_publication_timestamp_seconds",
        "When the newest publication of a channel was published, Unix time.",
        ("channel",),
        {(channel,): None if publication is None else publication.time for channel, publication in last.items()},
    )


def providers(parts: LiveParts) -> Iterator[Metric]:
    """How providers and their pools are doing, those that lack a key aside."""
    sources = {name: source for name, source in parts.sources.items() if source.configured}
    asks: dict[Sequence[str], float | None] = {}
    for name, source in sources.items():
        asks[(name, "success")] = source.record.succeeded
        asks.update({(name, kind): count for kind, count in list(source.record.errors.items())})
    yield counters(
        "dwt_provider_asks",
        "Asks to providers by result: success, or the kind of error (budget_spent, circuit_open: nothing was sent).",
        ("provider", "result"),
        asks,
    )
    yield gauges(
        "dwt_provider_available",
        "1 while a provider may be asked, 0 while it is left alone because it failed or refused us.",
        ("provider",),
        {(name,): float(source.state in ("closed", "half_open")) for name, source in sources.items()},
    )
    times = {name: source.record.response_time_ms for name, source in sources.items()}
    yield gauges(
        "dwt_provider_response_seconds",
        "Response time of the last request to a provider.",
        ("provider",),
        {(name,): None if ms is None else ms / 1000 for name, ms in times.items()},
    )
    yield gauges(
        "dwt_provider_budget_left_ratio",
        "Share of our own budget for a provider that is left, of the running minute and of the month.",
        ("provider", "window"),
        _budgets(sources, parts.limiter),
    )
    pools = {
        name: pool.status() for name, pool in parts.pools.items() if any(source.configured for source in pool.sources)
    }
    yield gauges(
        "dwt_pool_has_source",
        "1 while a provider of the pool answers, 0 before the first answer and while nobody does.",
        ("pool",),
        {(name,): float(pool.active_source is not None) for name, pool in pools.items()},
    )
    yield gauges(
        "dwt_pool_active_source",
        "1 for the provider whose answers a pool uses.",
        ("pool", "provider"),
        {(name, pool.active_source): 1 for name, pool in pools.items() if pool.active_source is not None},
    )
    yield counters(
        "dwt_pool_failovers",
        "Changes of the provider whose answers a pool uses, those back to a better one included.",
        ("pool",),
        {(name,): pool.failover_count for name, pool in pools.items()},
    )


def _budgets(sources: Mapping[str, Source[Any]], limiter: RateLimiter) -> dict[Sequence[str], float | None]:
    shares: dict[Sequence[str], float | None] = {}
    for name, source in sources.items():
        budget = effective_budget(source.provider)
        minute_left, month_left = limiter.remaining_here(source.provider)
        shares[(name, "minute")] = minute_left / budget.per_minute
        if budget.per_month is not None and month_left is not None:
            shares[(name, "month")] = month_left / budget.per_month
    return shares


def jobs(parts: LiveParts) -> Iterator[Metric]:
    """The jobs of the schedulers. Their label is not ``job``, which is Prometheus's own."""
    statuses = [status for scheduler in parts.schedulers for status in scheduler.jobs()]
    labels = ("scheduler", "job_name")
    runs: dict[Sequence[str], float | None] = {}
    for status in statuses:
        succeeded = status.runs - status.failures - status.interrupted
        runs[(status.scheduler, status.id, "success")] = succeeded
        runs[(status.scheduler, status.id, "failure")] = status.failures
        runs[(status.scheduler, status.id, "interrupted")] = status.interrupted
    yield counters(
        "dwt_job_runs",
        "Runs of a job by result; interrupted are those that took longer than their deadline.",
        (*labels, "result"),
        runs,
    )
    yield counters(
        "dwt_job_missed_turns",
        "Turns of a job that were left out because it still ran or the process was late.",
        labels,
        {(status.scheduler, status.id): status.missed for status in statuses},
    )
    yield gauges(
        "dwt_job_failing",
        "1 from a run that raised or took too long until one that succeeds.",
        labels,
        {(status.scheduler, status.id): float(status.status == "failing") for status in statuses},
    )
    yield gauges(
        "dwt_job_last_duration_seconds",
        "How long the last run of a job took that has ended.",
        labels,
        {(status.scheduler, status.id): status.last_duration_s for status in statuses},
    )


def threads(parts: LiveParts) -> Iterator[Metric]:
    """The long-lived green threads."""
    yield counters(
        "dwt_thread_ends",
        "Long-lived green threads that ended although they should run on, and were started again, by name.",
        ("thread",),
        {(status.name,): status.ends for status in parts.supervisor.status()},
    )


def storage(parts: LiveParts) -> Iterator[Metric]:
    """Cache and archive."""
    cache = parts.cache.status()
    yield counters(
        "dwt_cache_reads",
        "Reads of the cache by result: hit or miss.",
        ("result",),
        {("hit",): cache.hits, ("miss",): cache.misses},
    )
    yield gauges(
        "dwt_cache_healthy",
        "0 while values are not kept where they should be, by the kind of cache in use (embedded, redis).",
        ("kind",),
        {(cache.kind,): float(cache.healthy)},
    )
    archive = parts.archive()
    if not archive.enabled:
        return
    yield gauge("dwt_archive_healthy", "0 while the archive cannot be written.", float(archive.healthy))
    yield counter("dwt_archive_rows_written", "Rows that were written to the archive.", archive.rows_written)
    yield counter("dwt_archive_failed_writes", "Attempts to write to the archive that failed.", archive.failed_writes)
    yield counter("dwt_archive_dropped_rows", "Rows that were given up; they are lost.", archive.dropped)
    yield gauge("dwt_archive_pending_rows", "Rows that wait to be written.", archive.pending)
    yield gauge("dwt_archive_size_bytes", "Size of the archive's file with its write-ahead log.", archive.size_bytes)
    yield gauge("dwt_archive_last_save_timestamp_seconds", "When rows were last written, Unix time.", archive.last_save)
    yield gauge(
        "dwt_archive_last_backup_timestamp_seconds",
        "When the last backup was finished, Unix time.",
        archive.last_backup,
    )


def bus(parts: LiveParts) -> Iterator[Metric]:
    """How this process and the others stand."""
    status = parts.broker.status()
    yield gauge(
        "dwt_collecting", "1 while this process asks the providers and publishes.", float(parts.broker.collecting)
    )
    yield gauge(
        "dwt_bus_healthy",
        "0 while what is shown here may lag behind, or the other processes do not get what is collected here.",
        float(status.healthy),
    )
    yield gauge(
        "dwt_bus_silence_seconds",
        "Time since a heartbeat of the collecting process came through the bus; none without a bus.",
        status.silence_s,
    )
    yield gauge("dwt_bus_outbox", "Publications that the other processes cannot have yet.", status.outbox)
    yield counters(
        "dwt_refused",
        "What was found in Redis, or in the file of the cache, that cannot be ours, by who found it.",
        ("part",),
        {
            ("bus",): status.refused,
            ("cache",): parts.cache.status().refused,
            ("budgets",): parts.limiter.refused.count,
        },
    )


def build(parts: LiveParts) -> Iterator[Metric]:
    """What runs here."""
    yield gauges(
        "dwt_build_info",
        "1, labelled with the version of the service and of Python.",
        ("version", "python"),
        {(parts.version, platform.python_version()): 1},
    )
    yield gauge("dwt_demo", "1 when a simulated internet feeds the service, 0 in earnest.", float(parts.demo))


TOPICS: tuple[Topic, ...] = (clients, prices, providers, jobs, threads, storage, bus, build)
