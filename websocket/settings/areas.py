"""All areas in one value, in the order of ``.env.example`` and of the README's table."""

from __future__ import annotations

import dataclasses
import secrets
from urllib.parse import urlsplit

from websocket.settings.address_areas import FeedSettings, NodeSettings, ProvidersSettings
from websocket.settings.data_areas import (
    ChainSettings,
    ModelHubSettings,
    NewsSettings,
    SentimentSettings,
    WhaleSettings,
)
from websocket.settings.kinds import Secret, Url
from websocket.settings.price_areas import PriceSettings, UpstreamSettings
from websocket.settings.service_areas import (
    ArchiveSettings,
    DemoSettings,
    EdgeSettings,
    LogSettings,
    MetricsSettings,
    MonitoringSettings,
    RedisSettings,
    ServerSettings,
    StorageSettings,
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """All settings of one process."""

    server: ServerSettings = ServerSettings()
    edge: EdgeSettings = EdgeSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    storage: StorageSettings = StorageSettings()
    archive: ArchiveSettings = ArchiveSettings()
    redis: RedisSettings = RedisSettings()
    prices: PriceSettings = PriceSettings()
    chains: ChainSettings = ChainSettings()
    whales: WhaleSettings = WhaleSettings()
    news: NewsSettings = NewsSettings()
    sentiment: SentimentSettings = SentimentSettings()
    model_hub: ModelHubSettings = ModelHubSettings()
    upstream: UpstreamSettings = UpstreamSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    providers: ProvidersSettings = ProvidersSettings()
    nodes: NodeSettings = NodeSettings()
    feeds: FeedSettings = FeedSettings()
    demo: DemoSettings = DemoSettings()


def with_random_secret(settings: Settings) -> Settings:
    """The same settings with a random ``APP_SECRET``, for the development server."""
    server = dataclasses.replace(settings.server, app_secret=Secret(secrets.token_urlsafe(32)))
    return dataclasses.replace(settings, server=server)


def with_provider_urls(settings: Settings, base_url: str) -> Settings:
    """The same settings with every provider's address under ``base_url``, as the simulator lays them out."""
    replaced = {
        field.name: dataclasses.replace(
            getattr(settings.providers, field.name),
            url=Url(f"{base_url}/{field.name}{urlsplit(field.default.url).path}"),  # type: ignore[union-attr]
        )
        for field in dataclasses.fields(settings.providers)
    }
    nodes = {
        field.name: tuple(
            Url(f"{base_url}/json_rpc/{field.name}/{urlsplit(url).hostname}")
            for url in getattr(settings.nodes, field.name)
        )
        for field in dataclasses.fields(settings.nodes)
    }
    feeds = {field.name: Url(f"{base_url}/rss/{field.name}") for field in dataclasses.fields(settings.feeds)}
    return dataclasses.replace(
        settings,
        providers=dataclasses.replace(settings.providers, **replaced),
        nodes=dataclasses.replace(settings.nodes, **nodes),
        feeds=dataclasses.replace(settings.feeds, **feeds),
    )
