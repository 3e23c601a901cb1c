"""The composition root: settings in, wired application out. Everything is built and connected here, and only here.

gunicorn serves the attribute ``app``: ``gunicorn -k eventlet -w 1 --bind 0.0.0.0:5000 app:app``. The development
server, ``start_service.py``, calls ``build`` itself.
"""

from __future__ import annotations

from websocket import green

green.patch()

import os
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import flask_socketio
from flask import Flask

from websocket import codec
from websocket.archive.store import Archive
from websocket.archive.tasks import DUE_CHECK_INTERVAL_S, ArchiveTasks
from websocket.broker.base import Broker
from websocket.broker.memory_broker import MemoryBroker
from websocket.broker.redis_broker import RedisBroker
from websocket.bus_watch import BusWatch
from websocket.cache.base import Cache
from websocket.cache.factory import open_cache
from websocket.catalogue import CHANNELS, CRYPTO_PRICES
from websocket.collector import Collector
from websocket.demo import StandInInternet
from websocket.documentation import API_VERSION
from websocket.errors import ServiceError
from websocket.feed_status import PriceFeedStatus
from websocket.health import Health
from websocket.hub import Hub
from websocket.logs import set_up_logging
from websocket.metrics.parts import LiveParts
from websocket.metrics.registry import Metrics
from websocket.price_book import PriceBook
from websocket.process import allow_descriptors, calm_garbage_collector
from websocket.providers import json_rpc, provider_classes, rss
from websocket.providers.base import Provider
from websocket.scheduler import Scheduler
from websocket.services import service_classes
from websocket.services.base import ServiceContext
from websocket.services.budgets import BudgetKeeper
from websocket.services.prices import PriceService
from websocket.settings import NodeSettings, Settings, load_settings, with_provider_urls
from websocket.transports.archive_admin import archive_admin
from websocket.transports.docs import docs
from websocket.transports.edge import Edge, SocketIoEdge
from websocket.transports.goodbye import Goodbye
from websocket.transports.history_api import history_api
from websocket.transports.http_api import http_api
from websocket.transports.json_session import update_frame
from websocket.transports.json_websocket import JsonWebSockets
from websocket.transports.metrics_api import metrics_api
from websocket.transports.pages import pages
from websocket.transports.socketio_fanout import FanoutManager
from websocket.transports.socketio_namespaces import FeedNamespace
from websocket.transports.websocket_api import websocket_api
from websocket.upstream.circuit import Circuit
from websocket.upstream.client import HttpClient
from websocket.upstream.failover import Pool
from websocket.upstream.rate_limit import RateLimiter, redis_storage
from websocket.upstream.source import Source
from websocket.wire.connection import Connections, WireLimits

ROOT = Path(__file__).resolve().parent

PING_INTERVAL_S = 10
"""Part of the wire contract: clients find a dead connection within ``PING_INTERVAL_S + PING_TIMEOUT_S``."""

PING_TIMEOUT_S = 10

SWEEP_INTERVAL_S = 1.0
"""How often slow and closing connections are looked at."""

ARCHIVE_DEADLINE_S = 30.0
"""A disk that takes longer for a write is reported as a job that fails; the write itself goes on."""

PRUNE_INTERVAL_S = 3600.0

TAKE_OVER_WAIT_S = 20.0
"""How long a gunicorn worker waits for the one that it replaces on a reload, which first drains its connections."""


@dataclass
class Service:
    """A built service: the WSGI application, and the parts that have to be started and stopped."""

    app: Flask
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
        self.housekeeping.start()
        self.collector.start()
        self.broker.start()
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
        self.broker.stop()
        self.housekeeping.stop()
        self.archive_tasks.close()
        self.archive.close()
        self.cache.close()
        if self.stand_in is not None:
            self.stand_in.stop()


def build(settings: Settings, *, lock_wait_s: float = 0.0) -> Service:
    """Builds the service from settings; nothing runs until ``start()``.

    Args:
        settings: all settings.
        lock_wait_s: seconds to wait for another process that is about to leave ``DATA_DIR``.

    Raises:
        StartError: the machine does not let us start.
    """
    set_up_logging(settings.log)
    allow_descriptors(settings.server.max_connections)
    cache = open_cache(settings.redis, settings.storage, lock_wait_s=lock_wait_s)
    stand_in = None
    named_after = settings.nodes
    if settings.demo.enabled:
        stand_in = StandInInternet(settings.demo)
        settings = with_provider_urls(settings, stand_in.start())

    # whoever shares a Redis shares what is collected, and the budgets: one allowance behind one address
    is_shared = cache.status().kind == "redis"
    limiter = RateLimiter(redis_storage(settings.redis) if is_shared else None)
    sources = _build_sources(settings, names=named_after, limiter=limiter)
    ticks = Pool("price ticks", [sources[name] for name in settings.prices.tick_providers])
    snapshots = Pool("price snapshots", [sources[name] for name in settings.prices.snapshot_providers])
    book = PriceBook(settings.prices, clock=time.time)
    broker = _build_broker(settings, is_shared=is_shared)
    bus_watch = BusWatch(broker)
    hub = Hub(broker, frame=update_frame, trouble=bus_watch.deaf)
    feed_status = PriceFeedStatus(
        book,
        settings.prices,
        demo=settings.demo.enabled,
        troubles=lambda: {name: trouble for name, source in sources.items() if (trouble := source.trouble)},
        deaf=bus_watch.deaf,
        clock=time.time,
    )
    connections = Connections(
        WireLimits(
            max_message_bytes=settings.edge.max_message_bytes,
            max_queued_bytes=settings.edge.max_queued_bytes,
            send_buffer_bytes=settings.edge.send_buffer_bytes,
            stall_timeout_s=settings.edge.slow_client_timeout_s,
        )
    )
    edge = Edge(settings.server, settings.edge)
    prices = PriceService(
        book=book,
        ticks=ticks,
        snapshots=snapshots,
        feed_status=feed_status,
        broker=broker,
        cache=cache,
        cache_key="prices:demo" if settings.demo.enabled else "prices",
        settings=settings.prices,
        clock=time.time,
    )
    data_dir = Path(settings.storage.data_dir)
    archive = Archive(settings.archive, data_dir, demo=settings.demo.enabled)
    archive_tasks = ArchiveTasks(archive, settings.archive, data_dir, demo=settings.demo.enabled, clock=time.time)
    broker.listen(archive.on_publication)
    collecting, housekeeping = Scheduler("collecting"), Scheduler("housekeeping")
    context = ServiceContext(
        settings=settings,
        broker=broker,
        sources=sources,
        book=book,
        cache=cache,
        limiter=limiter,
        clock=time.time,
        archive=archive,
        archive_jobs=archive_tasks.jobs,
        schedulers=(collecting, housekeeping),
    )
    context.pools.update({pool.name: pool for pool in (ticks, snapshots)})
    services = [cls(context) for cls in service_classes().values()]
    health = Health(
        book=book,
        feed_status=feed_status,
        sources=sources,
        pools=context.pools,
        essential=(ticks, snapshots),
        cache=cache,
        broker=broker,
        settings=settings.prices,
        demo=settings.demo.enabled,
        clock=time.time,
    )

    app = Flask(__name__)
    app.url_map.strict_slashes = False
    app.config["SECRET_KEY"] = settings.server.app_secret.reveal()
    namespace = FeedNamespace(hub, edge=settings.edge, feed_status=prices.feed_status, clock=time.time)
    prices.on_status_change(namespace.emit_feed_status)
    manager = FanoutManager(connections, edge, route=settings.server.route)
    _socketio(app, settings, manager).on_namespace(namespace)
    json_websockets = JsonWebSockets(
        SocketIoEdge(app.wsgi_app, edge), hub=hub, edge=edge, connections=connections, limits=settings.edge
    )
    app.wsgi_app = json_websockets  # type: ignore[method-assign]
    app.register_blueprint(http_api(health, allowed_origins=settings.server.allowed_origins))
    app.register_blueprint(websocket_api(json_websockets, clock=time.time))
    app.register_blueprint(history_api(archive, demo=settings.demo.enabled, clock=time.time))
    app.register_blueprint(
        archive_admin(archive_tasks, settings.server.admin_token, address_of=edge.address_of, clock=time.time)
    )
    app.register_blueprint(pages())
    app.register_blueprint(docs(settings))
    metrics = None
    if settings.metrics.enabled:
        metrics = Metrics(
            LiveParts(
                connections=connections,
                clients=lambda: {
                    ("json", "websocket"): json_websockets.clients,
                    **{("socketio", transport): count for transport, count in manager.transports().items()},
                },
                subscribers={"json": hub.count, "socketio": namespace.count},
                traffic={"json": hub.traffic, "socketio": manager.traffic},
                hub=hub,
                broker=broker,
                channels=CHANNELS,
                book=book,
                feed_status=feed_status,
                feeds=(CRYPTO_PRICES,),
                sources=sources,
                limiter=limiter,
                pools=context.pools,
                schedulers=context.schedulers,
                cache=cache,
                archive=archive.status,
                version=API_VERSION,
                demo=settings.demo.enabled,
            )
        )
        app.register_blueprint(metrics_api(metrics.exposition))

    prices.schedule(collecting, settings.upstream)
    budgets = BudgetKeeper(limiter, cache, cache_key="budgets:demo" if settings.demo.enabled else "budgets")
    budgets.schedule(collecting)
    for service in services:
        service.schedule(collecting)
    collector = Collector(
        collecting,
        restore=[budgets.load, prices.load, *(service.begin for service in services)],
        save=[prices.save, budgets.save, *(service.save for service in services)],
    )
    broker.on_role_change(gained=collector.begin, lost=collector.end)
    prices.schedule_status(housekeeping)
    bus_watch.schedule(housekeeping)
    if stand_in is not None:
        stand_in.schedule(housekeeping)
    bus_watch.on_change(json_websockets.tell_status)
    housekeeping.every(SWEEP_INTERVAL_S, "sweep connections", connections.sweep, deadline_s=SWEEP_INTERVAL_S)
    housekeeping.every(settings.archive.flush_interval_s, "archive flush", archive.flush, deadline_s=ARCHIVE_DEADLINE_S)
    housekeeping.every(
        PRUNE_INTERVAL_S, "archive prune", archive.prune, deadline_s=PRUNE_INTERVAL_S, delay_s=ARCHIVE_DEADLINE_S
    )
    if settings.archive.backup_interval_s:
        due_s = min(DUE_CHECK_INTERVAL_S, settings.archive.backup_interval_s)
        housekeeping.every(
            due_s, "archive backup", archive_tasks.back_up_if_due, deadline_s=ARCHIVE_DEADLINE_S, delay_s=due_s
        )
    goodbye = Goodbye(
        edge=edge, namespace=namespace, manager=manager, websockets=json_websockets, connections=connections
    )
    return Service(
        app, broker, collector, housekeeping, archive, archive_tasks, health, cache, goodbye, stand_in, metrics
    )


def _build_broker(settings: Settings, *, is_shared: bool) -> Broker:
    if is_shared:
        return RedisBroker(settings.redis, clock=time.time, demo=settings.demo.enabled)
    return MemoryBroker(clock=time.time)


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
        service = build(load_settings(os.environ, ROOT / ".env"), lock_wait_s=TAKE_OVER_WAIT_S)
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        # gunicorn's code for a worker that cannot boot: it then stops instead of trying for ever
        raise SystemExit(3) from None
    service.start()
    globals().update(service=service, app=service.app)
    return service.app
