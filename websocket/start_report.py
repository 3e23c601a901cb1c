"""What a start would do, in words, and what on this machine would hinder it: ``start_service.py --check``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields

from websocket.cache.base import CacheStatus
from websocket.cache.factory import open_cache
from websocket.demo import StandInInternet
from websocket.errors import InUse, ServiceError
from websocket.logs import open_log_file
from websocket.providers import provider_classes
from websocket.server import listen_on
from websocket.services.chosen_providers import check_chosen_providers
from websocket.settings import DemoSettings, RedisSettings, ServerSettings, Settings, StorageSettings, Url


@dataclass
class StartReport:
    """What was found.

    Attributes:
        lines: what the service would do, and what another process has at this moment, a line each.
        hindrances: what would hinder a start even when nothing else runs, and what to do about it, a line each.
    """

    lines: list[str] = field(default_factory=list)
    hindrances: list[str] = field(default_factory=list)

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Around what a start would do as well: a failure ends the block and is in the report."""
        try:
            yield
        except InUse as error:
            self.lines.append(f"in use now: {error}")
        except ServiceError as error:
            self.hindrances.append(str(error))


def report_start(settings: Settings) -> StartReport:
    """What the service would do with these settings: feed, ports, log, cache and providers.

    Simulator, ports, log file and cache are opened and closed again, so the report says what would really be used. A
    service that runs keeps what it has.
    """
    report = StartReport()
    with report.trying():
        check_chosen_providers(settings, provider_classes())
    _report_feed(settings.demo, report)
    _report_server(settings.server, report)
    with report.trying():
        open_log_file(settings.log).close()
        report.lines.append(f"log: {settings.log.file}, {settings.log.level}")
    _report_cache(settings, report)
    prices = settings.prices
    chosen = f"{', '.join(prices.tick_providers)} and {', '.join(prices.snapshot_providers)}"
    report.lines.append(f"prices: every {prices.broadcast_interval_s:g} s from {chosen}")
    _report_providers(settings, report)
    return report


def _report_feed(settings: DemoSettings, report: StartReport) -> None:
    if not settings.enabled:
        report.lines.append("feed: real providers")
        return
    report.lines.append("feed: simulated internet (demo)")
    stand_in = StandInInternet(settings)
    with report.trying():
        stand_in.start()
    stand_in.stop()


def _report_server(settings: ServerSettings, report: StartReport) -> None:
    report.lines.append(f"listen: {settings.host} on {', '.join(str(port) for port in settings.ports)}")
    for port in settings.ports:
        with report.trying():
            for listener in listen_on(settings.host, [port]):
                listener.close()
    secret = "set" if settings.app_secret else "not set (random under start_service.py, refused by gunicorn)"
    report.lines.append(f"app secret: {secret}")


def _report_cache(settings: Settings, report: StartReport) -> None:
    with report.trying():
        try:
            report.lines.append(f"cache: {_try_cache(settings.redis, settings.storage).detail}")
        except InUse:
            # whether there is a Redis that takes us can be seen without the folder
            with tempfile.TemporaryDirectory() as folder, report.trying():
                report.lines.append(f"cache: {_try_cache(settings.redis, StorageSettings(data_dir=folder)).kind}")
            raise


def _try_cache(redis: RedisSettings, storage: StorageSettings) -> CacheStatus:
    cache = open_cache(redis, storage)
    try:
        return cache.status()
    finally:
        cache.close()


def _report_providers(settings: Settings, report: StartReport) -> None:
    classes = provider_classes()
    for each in fields(settings.providers):
        chosen = getattr(settings.providers, each.name)
        provider = classes[each.name](chosen)
        key = "" if not hasattr(chosen, "api_key") else ", with key" if chosen.api_key else ", without key"
        state = "" if provider.configured else ", not configured"
        report.lines.append(f"provider: {provider.title} at {Url(provider.base_url).shown}{key}{state}")
