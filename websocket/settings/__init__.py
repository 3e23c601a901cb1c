"""Every setting: its name, type, default, unit and help. The only reader of the environment and of ``.env``.

Settings are frozen dataclasses by area, read once at start and passed down as values. Everybody imports them from here;
in the order of their imports, the files are:

    kinds.py           the kinds of values (Seconds, Count, Secret, Url, ...), and ``setting()``, which declares one
    service_areas.py   the service itself: server, edge, metrics, log, storage, archive, Redis, monitoring, demo
    price_areas.py     prices, and how providers are asked (upstream)
    data_areas.py      the data services: chains, whales, news, sentiment, model hub
    address_areas.py   where the data comes from: a line for each provider, nodes, feeds
    areas.py           ``Settings``: all areas in one value, in their order in the documentation
    naming.py          what each setting is called
    checks.py          what one value alone does not show
    reading.py         ``load_settings``: from texts to values, and what is refused
    reference.py       ``.env.example`` and the table in the README, which ``python -m websocket.settings env|table``
                       prints
"""

from websocket.settings.address_areas import (
    CoinGeckoSettings,
    FeedSettings,
    HuggingFaceSettings,
    KeyedProviderSettings,
    NodeSettings,
    ProviderSettings,
    ProvidersSettings,
)
from websocket.settings.areas import Settings, with_provider_urls, with_random_secret
from websocket.settings.data_areas import (
    ChainSettings,
    ModelHubSettings,
    NewsSettings,
    SentimentSettings,
    WhaleSettings,
)
from websocket.settings.kinds import Secret, Url
from websocket.settings.naming import key_setting, provider_lists
from websocket.settings.price_areas import PriceSettings, UpstreamSettings
from websocket.settings.reading import load_settings
from websocket.settings.reference import SettingInfo, describe_settings, render_env_example, render_table
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

__all__ = [
    "ArchiveSettings",
    "ChainSettings",
    "CoinGeckoSettings",
    "DemoSettings",
    "EdgeSettings",
    "FeedSettings",
    "HuggingFaceSettings",
    "KeyedProviderSettings",
    "LogSettings",
    "MetricsSettings",
    "ModelHubSettings",
    "MonitoringSettings",
    "NewsSettings",
    "NodeSettings",
    "PriceSettings",
    "ProviderSettings",
    "ProvidersSettings",
    "RedisSettings",
    "Secret",
    "SentimentSettings",
    "ServerSettings",
    "SettingInfo",
    "Settings",
    "StorageSettings",
    "UpstreamSettings",
    "Url",
    "WhaleSettings",
    "describe_settings",
    "key_setting",
    "load_settings",
    "provider_lists",
    "render_env_example",
    "render_table",
    "with_provider_urls",
    "with_random_secret",
]
