"""The composition root: settings in, wired application out. Everything is built and connected here, and only here.

gunicorn serves the attribute ``app``: ``gunicorn -k eventlet -w 1 --bind 0.0.0.0:5000 app:app``. The development
server, ``start_service.py``, calls ``build`` itself.
"""

from __future__ import annotations

from websocket import green

green.patch()

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import flask_socketio
from flask import Flask

from websocket import codec
from websocket.archive.store import Archive
from websocket.archive.tasks import ArchiveTasks
from websocket.broker.base import Broker
from websocket.broker.memory_broker import MemoryBroker
from websocket.broker.redis_broker import RedisBroker
from websocket.bus_watch import BusWatch
from websocket.cache.base import Cache
from websocket.cache.factory import open_cache
from websocket.catalogue import ACCEPTED_PRICES, CHANNELS, CRYPTO_PRICES, SYSTEM
from websocket.collector import Collector
from websocket.demo import StandInInternet
from websocket.documentation import API_VERSION
from websocket.errors import ServiceError
from websocket.feed_status import PriceFeedStatus
from websocket.health import Health
from websocket.http_server.connection import HttpLimits
from websocket.http_server.places import HttpPlaces, PlaceLimits
from websocket.http_server.server import HttpServer
from websocket.hub import Hub
from websocket.logs import set_up_logging
from websocket.metrics.families import Samples
from websocket.metrics.parts import LiveParts
from websocket.metrics.registry import Metrics, format_of
from websocket.notices import Notices
from websocket.price_book import PriceBook
from websocket.process import ConnectionRoom, calm_garbage_collector, make_room
from websocket.production import boot_failure, settings_in_force
from websocket.providers import json_rpc, provider_classes, rss
from websocket.providers.base import Provider
from websocket.scheduler import Scheduler
from websocket.services import service_classes
from websocket.services.base import ServiceContext
from websocket.services.budgets import BudgetKeeper
from websocket.services.chosen_providers import check_chosen_providers
from websocket.services.payload_check import payload_check
from websocket.services.prices import PriceService
from websocket.settings import EdgeSettings, NodeSettings, Settings, with_provider_urls
from websocket.supervisor import PROCESS
from websocket.transports.archive_admin import archive_admin
from websocket.transports.docs import docs
from websocket.transports.edge import Edge, RequestEdge, SocketIoEdge
from websocket.transports.goodbye import Goodbye
from websocket.transports.history_api import history_api
from websocket.transports.http_api import http_api
from websocket.transports.json_session import update_frame
from websocket.transports.json_websocket import JsonWebSockets
from websocket.transports.metrics_api import metrics_api
from websocket.transports.pages import pages
from websocket.transports.route_costs import cost_of
from websocket.transports.socketio_fanout import FanoutManager
from websocket.transports.socketio_namespaces import FeedNamespace
from websocket.transports.websocket_api import websocket_api
from websocket.upstream.circuit import Circuit
from websocket.upstream.client import HttpClient
from websocket.upstream.failover import Pool
from websocket.upstream.rate_limit import RateLimiter, redis_storage
from websocket.upstream.source import Source
from websocket.wire.connection import Connections, WireLimits

PING_INTERVAL_S = 10
"""Part of the wire contract: clients find a dead connection within ``PING_INTERVAL_S + PING_TIMEOUT_S``."""

PING_TIMEOUT_S = 10

SWEEP_INTERVAL_S = 1.0
"""How often slow and closing connections are looked at."""

TAKE_OVER_WAIT_S = 20.0
"""How long a gunicorn worker waits for the one that it replaces on a reload, which first drains its connections."""

HTTP_SHARES = 8
"""One address may have so much of the places for HTTP connections."""

READY_WITHIN_S = 3.0
"""How long clients wait for a process that has just come to learn what the others have published; usually it is ms."""


@dataclass
class Service:
    """A built service: the WSGI application with its server, and the parts that have to be started and stopped."""

    app: Flask
    server: HttpServer
    broker: Broker
    collector: Collector
    housekeeping: Scheduler
    archive: Archive
    archive_tasks: ArchiveTasks
    health: Health
    cache: Cache
    goodbye: Goodbye
    stand_in: StandInInternet | None
    metrics: Metrics | None

    def start(self) -> None:
        """Begins to serve, and to collect as soon as the broker says that it is this process's turn."""
        self.archive.start()
        self.collector.start()
        self.broker.start()
        self.broker.get_ready(READY_WITHIN_S)
        # what other processes published while this one was away; the archive takes each price once
        for publication in self.broker.history(ACCEPTED_PRICES):
            self.archive.on_publication(publication)
        self.housekeeping.start()
        if self.metrics is not None:
            self.metrics.start()
        calm_garbage_collector()

    def say_goodbye(self) -> None:
        """Tells the clients that this process ends, and admits no more of them. Idempotent."""
        self.goodbye.say()

    def stop(self) -> None:
        """Tells the clients, then ends what ``start`` and ``build`` began; what is worth keeping is saved."""
        self.say_goodbye()
        if self.metrics is not None:
            self.metrics.stop()
        self.collector.stop()
        # before the broker: its watch would report that the broker is silent
        self.housekeeping.stop()
        self.broker.stop()
        self.archive_tasks.close()
        self.archive.close()
        self.cache.close()
        if self.stand_in is not None:
            self.stand_in.stop()


@dataclass(frozen=True)
class _Feed:
    """The way from the providers to the broker."""

    limiter: RateLimiter
    sources: Mapping[str, Source[Any]]
    ticks: Pool[Any]
    snapshots: Pool[Any]
    book: PriceBook
    broker: Broker
    bus_watch: BusWatch
    status: PriceFeedStatus
    prices: PriceService
    notices: Notices


@dataclass(frozen=True)
class _Web:
    """The way from the broker to the clients."""

    app: Flask
    server: HttpServer
    connections: Connections
    edge: Edge
    hub: Hub
    namespace: FeedNamespace
    manager: FanoutManager
    websockets: JsonWebSockets


def build(settings: Settings, *, lock_wait_s: float = 0.0) -> Service:
    """Builds the service from settings; nothing runs until ``start()``.

    Args:
        settings: all settings.
        lock_wait_s: seconds to wait for another process that is about to leave ``DATA_DIR``.

    Raises:
        SettingsError: a setting cannot be used, which only the providers or the simulator know.
        StartError: the machine does not let us start.
    """
    check_chosen_providers(settings, provider_classes())
    set_up_logging(settings.log)
    room = make_room(settings.server.max_connections)
    cache = open_cache(settings.redis, settings.storage, lock_wait_s=lock_wait_s)
    stand_in = None
    named_after = settings.nodes
    if settings.demo.enabled:
        stand_in = StandInInternet(settings.demo)
        settings = with_provider_urls(settings, stand_in.start())
    demo = settings.demo.enabled
    feed = _build_feed(settings, cache, named_after=named_after)
    data_dir = Path(settings.storage.data_dir)
    archive = Archive(settings.archive, data_dir, demo=demo)
    archive_tasks = ArchiveTasks(archive, settings.archive, data_dir, demo=demo, clock=time.time)
    feed.broker.listen(archive.on_publication)
    collecting, housekeeping = Scheduler("collecting"), Scheduler("housekeeping")
    context = ServiceContext(
        settings=settings,
        broker=feed.broker,
        sources=feed.sources,
        book=feed.book,
        cache=cache,
        limiter=feed.limiter,
        clock=time.time,
        archive=archive,
        archive_jobs=archive_tasks.jobs,
        schedulers=(collecting, housekeeping),
    )
    context.pools.update({pool.name: pool for pool in (feed.ticks, feed.snapshots)})
    health = Health(
        book=feed.book,
        feed_status=feed.status,
        sources=feed.sources,
        pools=context.pools,
        essential=(feed.ticks, feed.snapshots),
        cache=cache,
        archive=archive.status,
        broker=feed.broker,
        settings=settings.prices,
        demo=demo,
        clock=time.time,
    )
    collector = _build_collector(collecting, feed, context)
    web = _build_web(settings, feed, room)
    metrics = Metrics(_live_parts(feed, web, context)) if settings.metrics.enabled else None

    add_routes = web.app.register_blueprint
    add_routes(http_api(health, allowed_origins=settings.server.allowed_origins))
    add_routes(websocket_api(web.websockets, clock=time.time))
    add_routes(history_api(archive, demo=demo, address_of=web.edge.address_of, clock=time.time))
    add_routes(
        archive_admin(archive_tasks, settings.server.admin_token, address_of=web.edge.address_of, clock=time.time)
    )
    if metrics is not None:
        add_routes(metrics_api(metrics.exposition, format_of))
    add_routes(pages())
    add_routes(docs(settings))

    feed.prices.schedule_status(housekeeping)
    feed.bus_watch.schedule(housekeeping)
    archive_tasks.schedule(housekeeping)
    if stand_in is not None:
        stand_in.schedule(housekeeping)
    sweep = web.connections.sweep
    housekeeping.every(SWEEP_INTERVAL_S, "sweep_connections", sweep, deadline_s=SWEEP_INTERVAL_S)
    goodbye = Goodbye(
        edge=web.edge,
        namespace=web.namespace,
        manager=web.manager,
        websockets=web.websockets,
        notices=feed.notices,
        connections=web.connections,
    )
    return Service(
        app=web.app,
        server=web.server,
        broker=feed.broker,
        collector=collector,
        housekeeping=housekeeping,
        archive=archive,
        archive_tasks=archive_tasks,
        health=health,
        cache=cache,
        goodbye=goodbye,
        stand_in=stand_in,
        metrics=metrics,
    )


def _build_feed(settings: Settings, cache: Cache, *, named_after: NodeSettings) -> _Feed:
    # whoever shares a Redis shares what is collected, and the budgets: one allowance behind one address
    is_shared, demo = cache.status().kind == "redis", settings.demo.enabled
    limiter = RateLimiter(redis_storage(settings.redis, demo=demo) if is_shared else None)
    broker: Broker = MemoryBroker(clock=time.time)
    if is_shared:
        broker = RedisBroker(settings.redis, clock=time.time, demo=demo, check=payload_check())
    sources = _build_sources(settings, names=named_after, limiter=limiter)
    ticks = Pool("market_data", [sources[name] for name in settings.prices.tick_providers])
    snapshots = Pool("market_figures", [sources[name] for name in settings.prices.snapshot_providers])
    book = PriceBook(settings.prices, clock=time.time)
    bus_watch = BusWatch(broker)
    status = PriceFeedStatus(
        book,
        settings.prices,
        demo=demo,
        deaf=bus_watch.deaf,
        clock=time.time,
    )
    prices = PriceService(
        book=book,
        ticks=ticks,
        snapshots=snapshots,
        feed_status=status,
        broker=broker,
        cache=cache,
        cache_key="prices:demo" if demo else "prices",
        settings=settings.prices,
        clock=time.time,
    )
    notices = Notices(broker, process=settings.server.route, clock=time.time)
    prices.on_status_change(notices.report_feed)
    return _Feed(
        limiter=limiter,
        sources=sources,
        ticks=ticks,
        snapshots=snapshots,
        book=book,
        broker=broker,
        bus_watch=bus_watch,
        status=status,
        prices=prices,
        notices=notices,
    )


def _build_collector(scheduler: Scheduler, feed: _Feed, context: ServiceContext) -> Collector:
    """Plans the jobs that collect, and connects them with the broker, which says when they run."""
    cache_key = "budgets:demo" if context.demo else "budgets"
    budgets = BudgetKeeper(feed.limiter, context.cache, cache_key=cache_key)
    services = [cls(context) for cls in service_classes().values()]
    feed.prices.schedule(scheduler, context.settings.upstream)
    budgets.schedule(scheduler)
    for service in services:
        service.schedule(scheduler)
    collector = Collector(
        scheduler,
        restore=[
            budgets.load,
            feed.prices.load,
            *(service.begin for service in services),
            feed.notices.announce_leader,
        ],
        save=[feed.prices.save, budgets.save, *(service.save for service in services)],
    )
    feed.broker.on_role_change(gained=collector.begin, lost=collector.end)
    return collector


def _build_web(settings: Settings, feed: _Feed, room: ConnectionRoom) -> _Web:
    connections = Connections(
        WireLimits(
            max_message_bytes=settings.edge.max_message_bytes,
            messages_per_second=settings.edge.messages_per_second,
            message_burst=settings.edge.message_burst,
            max_queued_bytes=settings.edge.max_queued_bytes,
            send_buffer_bytes=settings.edge.send_buffer_bytes,
            stall_timeout_s=settings.edge.slow_client_timeout_s,
        )
    )
    edge = Edge(settings.server, settings.edge, max_clients=room.clients)
    own = {SYSTEM: feed.notices.broker}
    hub = Hub(feed.broker, frame=update_frame, trouble=feed.bus_watch.deaf, own=own)
    app = Flask(__name__)
    app.url_map.strict_slashes = False
    app.config["SECRET_KEY"] = settings.server.app_secret.reveal()
    namespace = FeedNamespace(hub, feed_status=feed.prices.feed_status, clock=time.time)
    feed.prices.on_status_change(namespace.emit_feed_status)
    manager = FanoutManager(connections, edge, route=settings.server.route)
    _socketio(app, settings, manager).on_namespace(namespace)
    websockets = JsonWebSockets(
        SocketIoEdge(app.wsgi_app, edge), hub=hub, edge=edge, connections=connections, limits=settings.edge
    )
    feed.bus_watch.on_change(websockets.tell_status)
    app.wsgi_app = RequestEdge(websockets, edge, cost_of=cost_of)  # type: ignore[method-assign]
    return _Web(
        app=app,
        server=_build_server(app, settings.edge, edge, connections, room),
        connections=connections,
        edge=edge,
        hub=hub,
        namespace=namespace,
        manager=manager,
        websockets=websockets,
    )


def _build_server(
    app: Flask, limits: EdgeSettings, edge: Edge, connections: Connections, room: ConnectionRoom
) -> HttpServer:
    places = HttpPlaces(
        PlaceLimits(total=room.total, http=room.http, http_per_address=max(1, room.http // HTTP_SHARES)),
        websockets=lambda: len(connections.open),
    )
    return HttpServer(
        app,
        places=places,
        limits=HttpLimits(
            request_timeout_s=limits.handshake_timeout_s,
            answer_timeout_s=limits.slow_client_timeout_s,
            max_body_bytes=max(HttpLimits().max_body_bytes, limits.max_message_bytes),
        ),
        share_of=edge.share_of,
    )


def _live_parts(feed: _Feed, web: _Web, context: ServiceContext) -> LiveParts:
    """What the metrics are read from."""

    def clients() -> Samples:
        counts: dict[Sequence[str], float | None] = {("json", "websocket"): web.websockets.clients}
        counts.update({("socketio", transport): count for transport, count in web.manager.transports().items()})
        return counts

    return LiveParts(
        connections=web.connections,
        places=web.server.places,
        clients=clients,
        subscribers={"json": web.hub.count, "socketio": web.namespace.count},
        traffic={"json": web.hub.traffic, "socketio": web.manager.traffic},
        hub=web.hub,
        broker=feed.broker,
        channels=CHANNELS,
        book=feed.book,
        feed_status=feed.status,
        feeds=(CRYPTO_PRICES,),
        sources=feed.sources,
        limiter=feed.limiter,
        pools=context.pools,
        schedulers=context.schedulers,
        supervisor=PROCESS,
        cache=context.cache,
        archive=context.archive.status,
        version=API_VERSION,
        demo=context.demo,
    )


def _build_sources(settings: Settings, *, names: NodeSettings, limiter: RateLimiter) -> dict[str, Source[Any]]:
    """One source for each provider, node and feed; all pools share it, and with it the budget and the circuit.

    Args:
        settings: addresses, keys and limits.
        names: the nodes that give the sources of nodes their names; in demo mode the addresses are the simulator's.
        limiter: the budgets.
    """
    client = HttpClient(settings.upstream)
    classes = provider_classes()
    providers: dict[str, Provider] = {
        field.name: classes[field.name](getattr(settings.providers, field.name)) for field in fields(settings.providers)
    }
    providers.update(json_rpc.nodes(settings.nodes, named_after=names))
    providers.update(rss.feeds(settings.feeds))
    return {
        name: Source(provider, client, limiter, Circuit(name, settings.upstream))
        for name, provider in providers.items()
    }


def _socketio(app: Flask, settings: Settings, manager: FanoutManager) -> flask_socketio.SocketIO:
    return flask_socketio.SocketIO(
        app,
        async_mode=green.ASYNC_MODE,
        # origins were checked at the edge, for polling as well, where our own pages are always welcome
        cors_allowed_origins="*",
        ping_interval=PING_INTERVAL_S,
        ping_timeout=PING_TIMEOUT_S,
        max_http_buffer_size=settings.edge.max_message_bytes,
        client_manager=manager,
        # the manager's pinger does it, without waking up a hundred times a second
        monitor_clients=False,
        # what the connect handler emits must not precede the acknowledgement of the connection
        always_connect=True,
        # messages of one client are handled in their order, without a green thread for each
        async_handlers=False,
        manage_session=False,
        json=codec,
    )


def __getattr__(name: str) -> Any:
    """Builds and starts the service when gunicorn asks for ``app``, and not when somebody imports this module."""
    if name != "app":
        raise AttributeError(name)
    try:
        service = build(settings_in_force(), lock_wait_s=TAKE_OVER_WAIT_S)
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        raise boot_failure() from None
    service.start()
    globals().update(service=service, app=service.app)
    return service.app
