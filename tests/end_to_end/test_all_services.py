"""All twelve services of a started service, over a plain WebSocket, as a dashboard sees them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.service import ServiceProcess
from websocket.catalogue import SUBSCRIBABLE, services_of

FILLED = {
    "market_data": ("prices", "volumes", "market_caps", "price_changes", "source"),
    "explorers": ("latest_block", "network_hashrate", "difficulty", "mempool_size", "transactions_count"),
    "news": ("articles", "sources", "categories"),
    "sentiment": (
        "overall_sentiment",
        "sentiment_score",
        "social_volume",
        "trending_topics",
        "sentiment_by_source",
    ),
    "whale_tracking": ("large_transactions", "whale_wallets", "total_volume", "alert_threshold"),
    "rpc_nodes": ("nodes", "active_nodes", "total_nodes", "average_latency", "events"),
    "onchain": (
        "active_addresses",
        "transaction_count",
        "total_fees",
        "gas_price",
        "network_utilization",
        "tvl",
        "contract_events",
    ),
    "health_checker": ("overall_health", "healthy_count", "total_providers", "providers"),
    "pool_manager": ("pools", "active_sources"),
    "scheduler": ("running", "total_jobs", "active_jobs", "jobs"),
    "huggingface": (
        "total_models",
        "total_datasets",
        "available_models",
        "available_datasets",
        "last_refresh",
    ),
    "persistence": ("storage_location", "total_records", "storage_size", "last_save", "active_writers"),
    "system": ("event", "message", "process", "feed", "leader"),
}
"""The documented keys of each service."""

MAY_BE_NOTHING = {
    "health_checker": ("unhealthy_count",),
    "pool_manager": ("inactive_sources", "failover_count"),
}
"""Documented keys that are there, and are 0 or empty when all is well."""

ROWS = {
    ("news", "articles"): ("title", "source", "source_id", "url", "published_at"),
    ("whale_tracking", "large_transactions"): ("hash", "value", "to", "timestamp"),
    ("onchain", "contract_events"): ("contract", "symbol", "event", "from", "to", "value", "block", "transaction"),
    ("scheduler", "jobs"): ("id", "next_run", "status"),
    ("huggingface", "model_details"): ("id", "url", "downloads"),
    ("huggingface", "dataset_details"): ("id", "url", "downloads"),
}
"""Keys of the rows of lists. Who sent a coin is not always known."""

EVERY_PAYLOAD = ("status", "timestamp")

FILLED_WITHIN_S, GOES_ON_WITHIN_S = 100.0, 60.0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceProcess]:
    """The service as people start it, in front of a stand-in internet of its own."""
    process = ServiceProcess(tmp_path)
    process.start()
    process.wait_until_live()
    yield process
    process.stop()


def connected(service: ServiceProcess, path: str) -> ClientConnection:
    """A client that takes large messages."""
    url = service.url.replace("http", "ws", 1) + path
    return connect(url, max_size=2**23, compression=None, proxy=None)


def read_snapshots_of_the_data_services(service: ServiceProcess) -> None:
    """A client of the group that asks for all has everything at once."""
    wanted = {*services_of("data_collection"), "system"}
    with connected(service, "/ws/data") as client:
        client.send(json.dumps({"action": "subscribe", "service": "all"}))
        while wanted:
            message = json.loads(client.recv(10))
            if message["type"] == "update":
                assert all(
                    message["data"].get(key) for key in FILLED[message["service"]] if key != "large_transactions"
                )
                wanted.discard(message["service"])


def lacking(updates: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """The documented keys that have not been seen filled yet, by service."""
    missing = {}
    for name, keys in FILLED.items():
        shown = [update["data"] for update in updates[name]]
        # what happened since the last update may be nothing in one of them, so each key counts by itself
        missing[name] = [key for key in (*keys, *EVERY_PAYLOAD) if not any(data.get(key) for data in shown)]
        if not any(data["status"] == "live" for data in shown if "status" in data):
            missing[name].append("live")
        for key in MAY_BE_NOTHING.get(name, ()):
            if not any(data.get(key) is not None for data in shown):
                missing[name].append(key)
    return {name: keys for name, keys in missing.items() if keys}


def test_every_documented_key_is_filled(service: ServiceProcess) -> None:
    """A client that is subscribed to everything gets all that is documented, and updates go on coming."""
    updates: dict[str, list[dict[str, Any]]] = {name: [] for name in FILLED}
    with connected(service, "/ws/all") as client:

        def read(seconds: float) -> None:
            try:
                message = json.loads(client.recv(seconds), parse_constant=pytest.fail)
            except TimeoutError:
                return
            assert message["type"] != "error", message
            if message["type"] == "update":
                updates[message["service"]].append(message)

        until = time.monotonic() + FILLED_WITHIN_S
        while lacking(updates):
            assert time.monotonic() < until, lacking(updates)
            read(1.0)

        before = {name: len(updates[name]) for name in ("market_data", "explorers", "scheduler")}
        until = time.monotonic() + GOES_ON_WITHIN_S
        while any(len(updates[name]) < count + 2 for name, count in before.items()):
            assert time.monotonic() < until, "updates stopped"
            read(1.0)

    assert set(FILLED) == set(SUBSCRIBABLE)
    read_snapshots_of_the_data_services(service)
    for name, told in updates.items():
        assert len({update["epoch"] for update in told}) == 1
        seqs = [update["seq"] for update in told]
        assert seqs == sorted(set(seqs)), name
        assert all(update["data"]["demo"] is True for update in told)
    for (name, key), columns in ROWS.items():
        rows = [row for update in updates[name] for row in update["data"].get(key) or []]
        assert rows
        assert all(any(row[column] for row in rows) for column in columns)
        assert all(row[columns[0]] for row in rows)
