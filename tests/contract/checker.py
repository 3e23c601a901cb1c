"""The one judge of what the service sends. Every function gives what is wrong, in words; nothing when all is well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.contract.documents import ANYTHING, Contract

NAMED_VALUES = frozenset(
    {"prices", "volumes", "providers", "pools", "sentiment_by_source", "subscription_counts"},
)
"""Objects whose keys are names of coins, sources and so on: every value in them is as the documented ones are."""

OTHER_NAMES = frozenset({"sentiment_by_source"})
"""Those among them whose names are only examples: where a mood comes from is not said anywhere else."""

TEXTS = {
    "a time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    "a client id": re.compile(r"client_\d+_\d+"),
    "a size": re.compile(r"\d+(\.\d+)? [kKMGT]?B"),
    "an address": re.compile(r"https?://\S+"),
}
"""Text that follows a pattern in the documents follows it in the service."""

BY_SYSTEM = frozenset(
    {
        "connection_established", "welcome", "status", "pong", "error",
        "subscription_confirmed", "unsubscription_confirmed",
    },
)  # fmt: skip
"""Message types that are about the connection, which is what ``system`` is for."""

INTERVAL_TOLERANCE = 0.2
"""Share of an interval by which two updates may be nearer or further apart. Machines that run tests are busy."""


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true or false", False: "true or false"}[value]
    if isinstance(value, (int, float)):
        return "a number"
    return {str: "text", list: "a list", dict: "an object"}[type(value)]


def differences(documented: Any, sent: Any, place: str = "", *, may_be_null: bool = False) -> list[str]:
    """Where a value is not as a documented one: keys that are missing, and other JSON types.

    Args:
        documented: an example.
        sent: what came instead of it; it may have more keys.
        place: of the value, for the words.
        may_be_null: whether null may stand for what is not known yet. In rows that are documented as ``healthy`` it
            always may when they are not: who was never asked has no response time.
    """
    return list(_differences(documented, sent, place or "the whole", may_be_null))


def _differences(documented: Any, sent: Any, place: str, may_be_null: bool) -> Iterator[str]:
    if sent is None and may_be_null:
        return
    if _kind(documented) != _kind(sent):
        yield f"{place} is {_kind(sent)} instead of {_kind(documented)}: {str(sent)[:80]}"
    elif isinstance(documented, str):
        for name, pattern in TEXTS.items():
            if pattern.fullmatch(documented) and not pattern.fullmatch(sent):
                yield f"{place} is not {name}: {sent[:80]}"
    elif isinstance(documented, list):
        if documented and documented != [ANYTHING]:
            for number, item in enumerate(sent):
                yield from _differences(documented[0], item, f"{place}[{number}]", may_be_null)
    elif isinstance(documented, dict) and documented != {ANYTHING: ANYTHING}:
        name = place.rpartition(".")[2]
        state = next((key for key in ("status", "health") if documented.get(key) == "healthy"), None)
        may_be_null = may_be_null or (state is not None and sent.get(state) != "healthy")
        keys = documented.keys() - ({*documented} if name in OTHER_NAMES else set())
        yield from (f"{place}.{key} is missing" for key in documented if key in keys - sent.keys())
        some = next(iter(documented.values()), None)
        for key, value in sent.items():
            if key in documented or name in NAMED_VALUES:
                yield from _differences(documented.get(key, some), value, f"{place}.{key}", may_be_null)


def message_faults(contract: Contract, message: Any) -> list[str]:
    """What is wrong with a message of the plain WebSocket.

    An update whose ``data.status`` is other than ``live`` may have null where nothing has come yet: the documents show
    no service without its data.
    """
    envelope = contract.examples["service_name message_type"]
    if faults := differences(envelope, message):
        return faults
    service, kind, data = message["service"], message["type"], message["data"]
    if kind not in contract.message_types:
        return [f"{kind} is not a message type"]
    if kind in BY_SYSTEM and service != "system":
        faults.append(f"{kind} comes from {service} instead of system")
    example = contract.examples.get(f"{service} {kind}")
    if kind == "update":
        if service not in contract.services:
            faults.append(f"{service} is not a service")
        may_be_null = data.get("status", "live") != "live"
        faults += differences(example or envelope, message, f"{service} update", may_be_null=may_be_null)
    elif kind != "pong":
        faults += differences(example or envelope, message, kind)
    return faults


def catalogue_faults(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the services that ``/ws/services`` lists: name, description, interval and endpoint."""
    listed = {row["name"]: row for row in rows}
    faults = []
    for name, service in contract.services.items():
        row = listed.get(name, {})
        if not row.get("description"):
            faults.append(f"{name} is not described")
        elif service.interval_s is not None and row["interval_s"] != service.interval_s:
            faults.append(f"{name} comes every {row['interval_s']} s instead of {service.interval_s:g} s")
        elif service.endpoint.startswith("/") and service.endpoint not in row["endpoints"]:
            faults.append(f"{name} is not at {service.endpoint}")
    return faults


def schedule_faults(contract: Contract, jobs: Sequence[Mapping[str, Any]], now: str) -> list[str]:
    """What is wrong with the publishing jobs of the ``scheduler``: each documented interval, and a next run within it.

    Args:
        contract: what the documents say.
        jobs: rows of ``jobs`` with ``id``, ``interval_s`` and ``next_run``.
        now: ``timestamp`` of the payload that has them.
    """
    listed = {job["id"]: job for job in jobs}
    faults = []
    for name, service in contract.services.items():
        if service.interval_s is not None:
            job = listed.get(f"publish_{name}")
            if job is None:
                faults.append(f"nobody publishes {name}")
            elif job["interval_s"] != service.interval_s:
                faults.append(f"{name} is published every {job['interval_s']} s instead of {service.interval_s:g} s")
            elif abs(seconds_between(now, job["next_run"])) > service.interval_s + 1:
                faults.append(f"{name} is due {job['next_run']}, more than {service.interval_s:g} s from {now}")
    return faults


def interval_faults(interval_s: float, timestamps: Sequence[str]) -> list[str]:
    """What is wrong with the times of consecutive updates of one service.

    A change may bring an update earlier than the interval does. So at least two updates have to come as long after the
    one before them as documented, and none may come after twice that time.
    """
    gaps = [seconds_between(earlier, later) for earlier, later in pairwise(timestamps)]
    regular = [gap for gap in gaps if abs(gap - interval_s) <= INTERVAL_TOLERANCE * interval_s]
    words = " ".join(f"{gap:.1f}" for gap in gaps)
    if len(regular) < 2:
        return [f"updates do not come every {interval_s:g} s, but after {words} s"]
    return [f"an update came late: {words} s"] if max(gaps) > 2 * interval_s else []


def seconds_between(earlier: str, later: str) -> float:
    """Between two documented times."""
    first, second = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (earlier, later))
    return (second - first).total_seconds()
