"""The judge of the contract finds what it has to find: each test alters something sound, which it then refuses."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.contract import documents
from tests.contract.checker import (
    catalogue_faults,
    differences,
    interval_faults,
    message_faults,
    schedule_faults,
)

CONTRACT = documents.contract()

MESSAGES = [name for name, example in CONTRACT.examples.items() if "type" in example and "service" in example]


def example(name: str) -> Any:
    """A copy of an example, whose service is live if it is an update."""
    message = copy.deepcopy(CONTRACT.examples[name])
    if name.endswith(" update"):
        message["data"]["status"] = "live"
    return message


def catalogue() -> list[dict[str, Any]]:
    """What ``/ws/services`` lists when all is well."""
    return [
        {"name": name, "description": "Words.", "interval_s": service.interval_s, "endpoints": [service.endpoint]}
        for name, service in CONTRACT.services.items()
    ]


def times(*gaps_s: float) -> list[str]:
    """Moments that are so far apart."""
    moments = [datetime(2026, 11, 21, 10, tzinfo=timezone.utc)]
    for gap_s in gaps_s:
        moments.append(moments[-1] + timedelta(seconds=gap_s))
    return [moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") for moment in moments]


@pytest.mark.parametrize("name", [name for name in MESSAGES if name != "service_name message_type"])
def test_documented_examples_are_sound(name: str) -> None:
    assert message_faults(CONTRACT, example(name)) == []


def keys_below(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all keys of an example, save for the names of sources, which are no keys."""
    if isinstance(value, list):
        return [way for item in value[:1] for way in keys_below(item, (*path, 0))]
    if not isinstance(value, dict) or documents.ANYTHING in value or path[-1:] == ("sentiment_by_source",):
        return []
    return [way for key in value for way in ((*path, key), *keys_below(value[key], (*path, key)))]


RENAMED = [(name, way) for name in MESSAGES for way in keys_below(CONTRACT.examples[name]) if name != "system pong"]


@pytest.mark.parametrize(("name", "way"), RENAMED, ids=lambda part: part if isinstance(part, str) else None)
def test_a_renamed_key_is_found(name: str, way: tuple[Any, ...]) -> None:
    """Every documented key of every message, one after the other."""
    message = example(name)
    holder = message
    for step in way[:-1]:
        holder = holder[step]
    holder["renamed"] = holder.pop(way[-1])
    assert any(f"{way[-1]} is missing" in fault for fault in message_faults(CONTRACT, message))


LISTS_OF_TEXT = [
    ("news update", "sources"),
    ("news update", "categories"),
    ("sentiment update", "trending_topics"),
    ("huggingface update", "available_models"),
    ("huggingface update", "available_datasets"),
    ("pool_manager update", "active_sources"),
    ("pool_manager update", "inactive_sources"),
    ("system status", "subscriptions"),
]


@pytest.mark.parametrize(("name", "key"), LISTS_OF_TEXT)
def test_a_list_of_objects_for_a_list_of_text_is_found(name: str, key: str) -> None:
    message = example(name)
    message["data"][key] = [{"name": text} for text in message["data"][key]]
    assert "is an object instead of text" in message_faults(CONTRACT, message)[0]


def test_a_missing_total_clients_is_found() -> None:
    message = example("system status")
    del message["data"]["total_clients"]
    assert message_faults(CONTRACT, message) == ["status.data.total_clients is missing"]


@pytest.mark.parametrize(
    ("name", "key", "value", "fault"),
    [
        ("market_data update", "prices", {"bitcoin": 1.5, "ethereum": 2, "cardano": "0.3"}, "text instead of a number"),
        ("market_data update", "prices", {"bitcoin": 1.5, "ethereum": None}, "null instead of a number"),
        ("market_data update", "prices", [1.5], "a list instead of an object"),
        ("market_data update", "timestamp", 1731324000, "a number instead of text"),
        ("market_data update", "timestamp", "2025-11-11 10:30", "is not a time"),
        ("sentiment update", "sentiment_by_source", {"news": {"score": 0.5}}, "an object instead of a number"),
        ("scheduler update", "running", 1, "a number instead of true or false"),
        ("health_checker update", "healthy_count", True, "true or false instead of a number"),
        ("health_checker update", "providers", {"kraken": {}, "coingecko": {}}, "kraken.status is missing"),
        ("pool_manager update", "pools", {"other": {}}, "pools.market_data is missing"),
        ("persistence update", "storage_size", "2500000000", "is not a size"),
        ("system welcome", "available_services", {"data_collection": []}, "monitoring is missing"),
        ("system status", "client_id", "17", "is not a client id"),
    ],
)
def test_another_type_is_found(name: str, key: str, value: Any, fault: str) -> None:
    message = example(name)
    message["data"][key] = value
    assert any(fault in found for found in message_faults(CONTRACT, message))


def test_more_keys_and_whole_numbers_are_allowed() -> None:
    message = example("market_data update")
    message["data"] |= {"prices": {"bitcoin": 45000, "ethereum": 3200, "cardano": 1}, "further": None}
    assert message_faults(CONTRACT, {**message, "seq": 5}) == []


def test_null_is_allowed_only_until_a_service_is_live() -> None:
    message = example("huggingface update")
    message["data"] |= {"last_refresh": None, "status": "down"}
    assert message_faults(CONTRACT, message) == []
    message["data"]["status"] = "live"
    assert "null instead of text" in message_faults(CONTRACT, message)[0]


def test_null_is_allowed_only_in_rows_that_are_not_healthy() -> None:
    message = example("pool_manager update")
    pool = message["data"]["pools"]["market_data"]
    pool |= {"active_source": None, "health": "unconfigured"}
    assert message_faults(CONTRACT, message) == []
    pool["health"] = "healthy"
    assert "null instead of text" in message_faults(CONTRACT, message)[0]


def test_a_strange_sender_or_type_is_found() -> None:
    message = example("system status")
    assert message_faults(CONTRACT, {**message, "type": "state"}) == ["state is not a message type"]
    assert message_faults(CONTRACT, {**message, "service": "news"}) == ["status comes from news instead of system"]
    update = example("news update")
    assert message_faults(CONTRACT, {**update, "service": "weather"}) == ["weather is not a service"]
    assert message_faults(CONTRACT, {**update, "data": []}) == ["the whole.data is a list instead of an object: []"]


def test_statistics_without_counts_are_found() -> None:
    statistics = example("statistics")
    assert differences(CONTRACT.examples["statistics"], statistics) == []
    del statistics["data"]["subscription_counts"]
    assert differences(CONTRACT.examples["statistics"], statistics) == ["the whole.data.subscription_counts is missing"]


def test_eight_seconds_for_five_are_found_in_the_catalogue() -> None:
    rows = catalogue()
    assert catalogue_faults(CONTRACT, rows) == []
    next(row for row in rows if row["name"] == "market_data")["interval_s"] = 8
    assert catalogue_faults(CONTRACT, rows) == ["market_data comes every 8 s instead of 5 s"]


def test_eight_seconds_for_five_are_found_in_the_updates() -> None:
    assert interval_faults(5, times(0.2, 5, 4.9, 5.1)) == []
    assert interval_faults(5, times(8, 8, 8, 8)) == ["updates do not come every 5 s, but after 8.0 8.0 8.0 8.0 s"]
    assert interval_faults(5, times(3, 3, 3, 3))
    assert interval_faults(5, times(5, 5, 11)) == ["an update came late: 5.0 5.0 11.0 s"]
    assert interval_faults(10, times(0.2, 0.1, 8.8, 10, 3, 7, 10)) == []


def test_eight_seconds_for_five_are_found_in_the_schedule() -> None:
    now, soon, late = times(4, 100)
    jobs = [
        {"id": f"publish_{name}", "interval_s": service.interval_s, "next_run": soon}
        for name, service in CONTRACT.services.items()
        if service.interval_s is not None
    ]
    assert schedule_faults(CONTRACT, jobs, now) == []
    altered = [{**jobs[0], "interval_s": 8}, {**jobs[1], "next_run": late}, *jobs[3:]]
    assert schedule_faults(CONTRACT, altered, now) == [
        "market_data is published every 8 s instead of 5 s",
        f"explorers is due {late}, more than 10 s from {now}",
        "nobody publishes news",
    ]


def test_a_service_that_is_not_listed_or_elsewhere_is_found() -> None:
    rows = catalogue()[1:-2]
    rows[0]["endpoints"] = ["/ws/explorers"]
    assert catalogue_faults(CONTRACT, rows) == [
        "market_data is not described",
        "explorers is not at /ws/data",
        "system is not described",
        "all is not described",
    ]
