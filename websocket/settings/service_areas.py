"""The service itself: where it listens, what clients may do, where it keeps things, how it is watched, the demo."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from msgspec import Meta

from websocket.settings.kinds import Count, Days, Limit, LogLevel, Port, Seconds, Secret, setting


@dataclasses.dataclass(frozen=True)
class ServerSettings:
    """Where and for whom we listen."""

    host: str = setting("HOST", "0.0.0.0", "Address to listen on.")
    ports: tuple[Port, ...] = setting(
        "PORT", (5000, 7860), "Ports to listen on, separated by commas; all serve the same."
    )
    app_secret: Secret = setting(
        "APP_SECRET",
        Secret(),
        "Signs sessions. At least 16 characters. Required under gunicorn; the development server makes a random one.",
    )
    admin_token: Secret = setting(
        "ADMIN_TOKEN",
        Secret(),
        "Bearer token of the operator for backups and exports over HTTP. At least 16 characters. Empty: they are off.",
    )
    allowed_origins: tuple[str, ...] = setting(
        "ALLOWED_ORIGINS", ("*",), "Origins of pages that may connect, separated by commas; * allows every page."
    )
    max_connections: Count = setting(
        "MAX_CONNECTIONS",
        10_000,
        "WebSockets and polling sessions that one process accepts; a fifth as many plain HTTP connections come on top.",
        "connections",
    )
    route_name: str = setting(
        "ROUTE_NAME",
        "",
        "Begins the id of every Socket.IO session, so that a load balancer finds the process that has it. Empty: the"
        " first port.",
    )

    @property
    def route(self) -> str:
        """What Socket.IO session ids begin with, before a dot."""
        return self.route_name or str(self.ports[0])


@dataclasses.dataclass(frozen=True)
class EdgeSettings:
    """What one client may do."""

    max_connections_per_address: Limit | None = setting(
        "MAX_CONNECTIONS_PER_ADDRESS",
        None,
        "Of them from one address (IPv6: network of 64 bits); 0 for no limit. Empty: a twentieth of MAX_CONNECTIONS,"
        " and trusted proxies that do not name their clients have no limit.",
        "connections",
    )
    requests_per_second: Annotated[float, Meta(ge=0)] = setting(
        "REQUESTS_PER_SECOND",
        50.0,
        "HTTP requests from one address in the long run, dear ones counted several times; 0 for no limit.",
        "per second",
    )
    trusted_proxies: tuple[str, ...] = setting(
        "TRUSTED_PROXIES",
        ("127.0.0.1", "::1"),
        "Addresses or networks of proxies that are believed about a client's address (X-Forwarded-For).",
    )
    max_message_bytes: Annotated[int, Meta(ge=128, le=1_000_000)] = setting(
        "MAX_MESSAGE_BYTES", 16_384, "Largest message from a client, over all its fragments.", "bytes"
    )
    max_nesting: Annotated[int, Meta(ge=2, le=200)] = setting(
        "MAX_NESTING", 16, "Deepest nesting of arrays and objects in a client's message.", "levels"
    )
    messages_per_second: Annotated[float, Meta(gt=0, le=10_000)] = setting(
        "MESSAGES_PER_SECOND", 20.0, "Messages that one connection may send in the long run.", "per second"
    )
    message_burst: Count = setting("MESSAGE_BURST", 100, "Messages that one connection may send at once.", "messages")
    max_subscriptions: Count = setting(
        "MAX_SUBSCRIPTIONS", 64, "Channels that one connection may be subscribed to.", "subscriptions"
    )
    handshake_timeout_s: Seconds = setting(
        "HANDSHAKE_TIMEOUT", 15.0, "Time for a client to send a whole request, head and body.", "seconds"
    )
    slow_client_timeout_s: Seconds = setting(
        "SLOW_CLIENT_TIMEOUT", 30.0, "A connection that takes nothing for so long is closed with 4008.", "seconds"
    )
    send_buffer_bytes: Annotated[int, Meta(ge=4096, le=10_000_000)] = setting(
        "SEND_BUFFER", 65_536, "Kernel's send buffer of a connection; a large one hides old prices.", "bytes"
    )
    max_queued_bytes: Annotated[int, Meta(ge=65_536)] = setting(
        "MAX_QUEUED_BYTES", 1_048_576, "Answers that may wait for a slow connection before it is closed.", "bytes"
    )


@dataclasses.dataclass(frozen=True)
class MetricsSettings:
    """What is told to Prometheus."""

    enabled: bool = setting("METRICS_ENABLED", True, "0 leaves the route /metrics out.")


@dataclasses.dataclass(frozen=True)
class LogSettings:
    """What is written where."""

    level: LogLevel = setting("LOG_LEVEL", "INFO", "Least severe level that is logged.")
    file: str = setting("LOG_FILE", "websocket.log", "Log file; it rotates.")
    max_bytes: Count = setting("LOG_MAX_BYTES", 10_000_000, "Size at which the log file rotates.", "bytes")
    backups: Annotated[int, Meta(ge=0, le=100)] = setting("LOG_BACKUPS", 5, "Rotated log files that are kept.", "files")


@dataclasses.dataclass(frozen=True)
class StorageSettings:
    """Where things are kept."""

    data_dir: str = setting("DATA_DIR", "data", "Folder of the embedded cache; one process at a time uses it.")


@dataclasses.dataclass(frozen=True)
class ArchiveSettings:
    """What is kept for good, and for how long."""

    enabled: bool = setting("ARCHIVE_ENABLED", True, "0 switches the archive off.")
    file: str = setting(
        "ARCHIVE_FILE",
        "",
        "File of the archive. Empty: archive.sqlite3 in DATA_DIR. In demo mode -demo is put before its suffix.",
    )
    price_days: Days = setting("ARCHIVE_PRICE_DAYS", 7.0, "How long each accepted price is kept.", "days")
    minute_days: Days = setting("ARCHIVE_MINUTE_DAYS", 90.0, "How long candles of one minute are kept.", "days")
    hour_days: Days = setting("ARCHIVE_HOUR_DAYS", 1825.0, "How long candles of one hour are kept.", "days")
    article_days: Days = setting("ARCHIVE_ARTICLE_DAYS", 365.0, "How long articles are kept.", "days")
    whale_days: Days = setting("ARCHIVE_WHALE_DAYS", 365.0, "How long large transactions are kept.", "days")
    flush_interval_s: Annotated[float, Meta(ge=0.1, le=1)] = setting(
        "ARCHIVE_FLUSH_INTERVAL", 1.0, "Time between two writes; a crash loses no more than that.", "seconds"
    )
    max_pending: Annotated[int, Meta(ge=1000, le=1_000_000)] = setting(
        "ARCHIVE_MAX_PENDING", 50_000, "Rows that wait in memory while the disk fails; then the oldest go.", "rows"
    )
    backup_interval_s: Annotated[float, Meta(ge=0, le=31 * 86400)] = setting(
        "ARCHIVE_BACKUP_INTERVAL", 86_400.0, "Time between two backups; 0 for none.", "seconds"
    )
    backups: Annotated[int, Meta(ge=1, le=1000)] = setting("ARCHIVE_BACKUPS", 7, "Backups that are kept.", "files")
    backup_dir: str = setting("ARCHIVE_BACKUP_DIR", "", "Folder of the backups. Empty: backups in DATA_DIR.")
    export_dir: str = setting(
        "ARCHIVE_EXPORT_DIR", "", "Folder of the exports that are asked for over HTTP. Empty: exports in DATA_DIR."
    )
    exports: Annotated[int, Meta(ge=1, le=1000)] = setting(
        "ARCHIVE_EXPORTS", 20, "Exports that are kept in that folder.", "files"
    )


@dataclasses.dataclass(frozen=True)
class RedisSettings:
    """The optional shared cache."""

    host: str = setting("REDIS_HOST", "", "Redis host. Empty: Redis is used if one answers on localhost, else not.")
    port: Port = setting("REDIS_PORT", 6379, "Redis port.")
    username: str = setting("REDIS_USERNAME", "", "Redis user; empty for the default user.")
    password: Secret = setting("REDIS_PASSWORD", Secret(), "Redis password.")
    db: Annotated[int, Meta(ge=0, le=1023)] = setting("REDIS_DB", 0, "Redis database number.")
    prefix: str = setting("REDIS_PREFIX", "dwt:", "Begins the name of every key that we write to Redis.")


@dataclasses.dataclass(frozen=True)
class MonitoringSettings:
    """How providers are watched. Those that services ask are judged by that; the others are probed now and then."""

    idle_after_s: Annotated[float, Meta(ge=60, le=86_400)] = setting(
        "PROBE_AFTER", 75.0, "A provider that no service asked for so long counts as idle and is probed.", "seconds"
    )
    probe_interval_s: Annotated[float, Meta(ge=10, le=86_400)] = setting(
        "PROBE_INTERVAL",
        45.0,
        "Least time between two probes of an idle provider; more where its budget asks for that.",
        "seconds",
    )
    slow_after_s: Seconds = setting("SLOW_AFTER", 2.0, "Response time from which a provider counts as slow.", "seconds")


@dataclasses.dataclass(frozen=True)
class DemoSettings:
    """The stand-in internet."""

    enabled: bool = setting(
        "DEMO", False, "1 replaces the internet by a simulator on this machine; all output says so."
    )
    seed: int = setting("DEMO_SEED", 1, "Seed of the simulated market.")
    scenario: str = setting("DEMO_SCENARIO", "normal", "Scenario that the simulator plays from the start.")
