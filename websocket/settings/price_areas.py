"""Prices, and how any provider is asked."""

from __future__ import annotations

import dataclasses

from websocket.settings.kinds import Count, Seconds, Share, Url, setting


@dataclasses.dataclass(frozen=True)
class PriceSettings:
    """How prices are collected, judged and published."""

    broadcast_interval_s: Seconds = setting("BROADCAST_INTERVAL", 10.0, "Time between two crypto-prices.", "seconds")
    market_data_interval_s: Seconds = setting("MARKET_DATA_INTERVAL", 5.0, "Time between two market_data.", "seconds")
    tick_interval_s: Seconds = setting("TICK_INTERVAL", 10.0, "Time between two looks at the exchanges.", "seconds")
    snapshot_interval_s: Seconds = setting(
        "SNAPSHOT_INTERVAL", 60.0, "Time between two looks at the aggregators (volume, market cap).", "seconds"
    )
    tick_providers: tuple[str, ...] = setting(
        "TICK_PROVIDERS", ("binance", "kraken", "coinbase_exchange"), "Exchanges asked for prices, best first."
    )
    snapshot_providers: tuple[str, ...] = setting(
        "SNAPSHOT_PROVIDERS", ("coingecko", "coinlore", "coinpaprika"), "Aggregators, best first."
    )
    delayed_after_s: Seconds = setting("DELAYED_AFTER", 60.0, "Age from which a price counts as delayed.", "seconds")
    stale_after_s: Seconds = setting("STALE_AFTER", 180.0, "Age from which a price counts as stale.", "seconds")
    max_move: Share = setting(
        "MAX_MOVE", 0.10, "Share that a price may move at once without a second source that agrees."
    )
    max_move_stable: Share = setting("MAX_MOVE_STABLE", 0.03, "The same for stablecoins.")
    confirm_wait_s: Seconds = setting(
        "CONFIRM_WAIT", 8.0, "How long the very first price of a coin waits for a second source.", "seconds"
    )


@dataclasses.dataclass(frozen=True)
class UpstreamSettings:
    """How providers are asked."""

    connect_timeout_s: Seconds = setting("CONNECT_TIMEOUT", 3.0, "Longest wait for a connection.", "seconds")
    read_timeout_s: Seconds = setting("READ_TIMEOUT", 5.0, "Longest silence while an answer is read.", "seconds")
    deadline_s: Seconds = setting("UPSTREAM_DEADLINE", 8.0, "Longest time for one whole answer.", "seconds")
    max_answer_bytes: Count = setting(
        "MAX_ANSWER_BYTES", 4_000_000, "Largest answer that is read, counted after decompression.", "bytes"
    )
    failures_to_open: Count = setting("CIRCUIT_FAILURES", 3, "Failures in a row that open a circuit.", "failures")
    backoff_max_s: Seconds = setting("BACKOFF_MAX", 60.0, "Longest pause of a failing provider.", "seconds")
    park_s: Seconds = setting(
        "PARK_TIME", 3600.0, "Pause of a provider that refuses us (401, 402, 403, 418, 451).", "seconds"
    )
    proxy: Url = setting("UPSTREAM_PROXY", Url(""), "HTTP proxy for the way to the providers; empty for none.")
