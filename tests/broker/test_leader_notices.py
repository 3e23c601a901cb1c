"""Clients of every process hear who collects, although each process numbers its notices by itself."""

from __future__ import annotations

import time
from typing import Any

from tests.broker.members import Member, Members
from tests.cache.redis_server import RedisServer
from tests.support.processes import wait_until
from websocket.catalogue import LEADER, SYSTEM
from websocket.feed_status import FeedStatus
from websocket.notices import Notices

FEED = FeedStatus(
    channel="crypto-prices",
    status="live",
    reason=None,
    demo=False,
    source="binance",
    oldest_age_s=1.0,
    timestamp="2026-11-21T10:00:00.250Z",
)


def notices_of(member: Member) -> Notices:
    """Those of one process."""
    return Notices(member.broker, process=member.name, clock=time.time)


def last_of(notices: Notices) -> Any:
    """The payload of the last notice."""
    last = notices.broker.last(SYSTEM)
    assert last is not None
    return last.data


def test_clients_of_every_process_hear_of_a_new_leader(shared_redis: RedisServer, members: Members) -> None:
    """Also those of a process that came later, with their first notice."""
    first, second = members.pair(shared_redis.port)
    third = members.join(shared_redis.port)
    notices = {member.name: notices_of(member) for member in (first, second, third)}
    notices[first.name].announce_leader()
    for member in (second, third):
        wait_until(lambda member=member: member.broker.last(LEADER), "it knows the leader")
        notices[member.name].report_feed(FEED)
        assert (last_of(notices[member.name])["event"]) == "feed_status"
        assert last_of(notices[member.name])["leader"]["process"] == first.name

    first.broker.stop()
    wait_until(lambda: second.broker.collecting or third.broker.collecting, "another one takes over")
    leader = second if second.broker.collecting else third
    notices[leader.name].announce_leader()
    for member in (second, third):
        own = notices[member.name]
        wait_until(lambda own=own: last_of(own)["event"] == "leader", "it says so")
        assert last_of(own)["leader"]["process"] == leader.name
        assert last_of(own)["process"] == member.name

    latecomer = members.join(shared_redis.port)
    latecomer.heals()
    own = notices_of(latecomer)
    own.report_feed(FEED)
    assert last_of(own)["leader"]["process"] == leader.name
