"""What stands in Redis and cannot be ours: it is refused, counted and said, and changes nothing that clients see."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest
import redis

from tests.broker.members import Member, Members, assert_same
from tests.cache.redis_server import RedisServer
from tests.support.processes import wait_until
from websocket import green
from websocket.broker.base import BODY_MAX_BYTES, SEQ_MAX
from websocket.broker.lease import unused_epoch
from websocket.broker.numbering import JUMP_MAX
from websocket.refused import SAY_INTERVAL_S

LAST_POSITION = f"{2**64 - 1}-{2**64 - 1}"


class Neighbour:
    """Somebody else in the same Redis, who writes to our names.

    Args:
        there: a connection of its own.
        prefix: of our keys.
        epoch: in which we number.
    """

    def __init__(self, there: redis.Redis, prefix: str, epoch: str) -> None:
        self.there = there
        self.prefix = f"{prefix}bus:"
        self.epoch = epoch

    def put(self, key: str, kind: str) -> None:
        """A value of some type in place of what is there."""
        name = self.prefix + key
        self.there.delete(name)
        if kind == "list":
            self.there.rpush(name, "x")
        elif kind == "string":
            self.there.set(name, "x")
        else:
            self.there.hset(name, "x", "y")

    def add(self, position: str = "*", stream: str = "stream:news", **fields: object) -> None:
        """An entry in one of our streams; what is not given is what we would write."""
        ours: dict[str, object] = {"epoch": self.epoch, "seq": 2, "time": time.time(), "body": '{"n":-1}'}
        self.there.xadd(self.prefix + stream, {**ours, **fields}, id=position)  # type: ignore[dict-item]


Act = Callable[[Neighbour], object]

UNREADABLE: dict[str, Act] = {
    "other fields": lambda it: it.there.xadd(f"{it.prefix}stream:news", {"what": "?"}),
    "one field more": lambda it: it.add(more="1"),
    "a field twice": lambda it: it.there.execute_command(
        *("XADD", f"{it.prefix}stream:news", "*"),
        *("epoch", "x", "epoch", it.epoch, "seq", "2", "time", "1", "body", "{}"),
    ),
    "a number in words": lambda it: it.add(seq="two"),
    "a number below one": lambda it: it.add(seq=0),
    "a number beyond all": lambda it: it.add(seq=SEQ_MAX + 1),
    "a number of many digits": lambda it: it.add(seq="9" * 60),
    "no time": lambda it: it.add(time="nan"),
    "a time without end": lambda it: it.add(time="inf"),
    "a time before all": lambda it: it.add(time="-1"),
    "a time that has not come": lambda it: it.add(time=time.time() + 10 * 86_400),
    "no JSON": lambda it: it.add(body="{"),
    "a nest": lambda it: it.add(body="[" * 100_000),
    "a small nest": lambda it: it.add(body="[" * 40 + "]" * 40),
    "no text": lambda it: it.add(body=b'"\xff"'),
    "a large body": lambda it: it.add(body=b'"' + b"x" * BODY_MAX_BYTES + b'"'),
    "no epoch": lambda it: it.add(epoch=b"\xff"),
    "a long epoch": lambda it: it.add(epoch="0" * 1000),
    "another epoch": lambda it: it.add(epoch=unused_epoch()),
    "the last position": lambda it: it.add(LAST_POSITION, what="?"),
    "a far position": lambda it: it.add(f"{2**63}-1", what="?"),
    "heartbeats of others": lambda it: it.there.xadd(f"{it.prefix}heartbeats", {"x": "y"}),
    "heartbeats without numbers": lambda it: it.there.xadd(f"{it.prefix}heartbeats", {"channels": "many"}),
    "a heartbeat larger than any answer": lambda it: it.there.xadd(f"{it.prefix}heartbeats", {"x": b"x" * 33_000_000}),
    "the last heartbeat": lambda it: it.there.xadd(f"{it.prefix}heartbeats", {"channels": "1"}, id=LAST_POSITION),
    "names without end": lambda it: it.there.sadd(f"{it.prefix}channels", *range(5000)),
    "a name that nobody publishes": lambda it: it.there.sadd(f"{it.prefix}channels", b"\xff"),
    "a list for a stream": lambda it: it.put("stream:news", "list"),
    "a text for the heartbeats": lambda it: it.put("heartbeats", "string"),
    "a text for the channels": lambda it: it.put("channels", "string"),
}
"""What nobody can take for ours; the numbers just go on."""

TAKEN_OVER: dict[str, Act] = {
    "a list for the state": lambda it: it.put("state", "list"),
    "a state of others": lambda it: it.put("state", "hash"),
    "a fence in words": lambda it: it.there.hset(f"{it.prefix}state", "fence", "high"),
    "a fence beyond all": lambda it: it.there.hset(f"{it.prefix}state", "fence", "9" * 30),
    "an epoch in words": lambda it: it.there.hset(f"{it.prefix}state", "epoch", "x" * 100_000),
    "an epoch of others": lambda it: it.there.hset(f"{it.prefix}state", "epoch", unused_epoch()),
    "an epoch of others with an entry": lambda it: (
        it.there.hset(f"{it.prefix}state", "epoch", "ab" * 6),
        it.add(epoch="ab" * 6, seq=1),
    ),
    "a lease without end": lambda it: it.there.set(f"{it.prefix}lease", "maintenance"),
    "a token without end": lambda it: it.there.set(f"{it.prefix}lease", "a" * 32),
    "a token for a day": lambda it: it.there.set(f"{it.prefix}lease", "a" * 32, ex=86_400),
    "a large lease": lambda it: it.there.set(f"{it.prefix}lease", b"x" * 1_000_000, ex=1),
    "a list for the lease": lambda it: it.put("lease", "list"),
    "the next number": lambda it: it.add(),
    "a number far ahead": lambda it: it.add(seq=2 + JUMP_MAX // 2),
    "a number that cannot follow": lambda it: it.add(seq=SEQ_MAX),
    # it keeps Redis itself busy, as an outage does
    "a body larger than any answer": lambda it: it.add(body=b'"' + b"x" * 33_000_000 + b'"'),
    "many entries": lambda it: [it.add(seq=number) for number in range(2, 300)],
}
"""What somebody may have taken for ours, or what all depends on: it heals within seconds, maybe in a new epoch."""


def stands(members: Members, server: RedisServer, act: Act) -> tuple[Member, Member]:
    """A pair with one publication, in whose Redis somebody has written."""
    collector, follower = members.pair(server.port)
    collector.publish(1)
    follower.hears(1)
    wait_until(lambda: collector.broker.status().outbox == 0, "it is written")
    act(Neighbour(server.client(), members.prefix, collector.broker.status().epoch))
    return collector, follower


def assert_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """What comes from outside is no bug."""
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_nobody_can_take_for_ours_is_passed_over(
    members: Members, shared_redis: RedisServer, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    """Neither process shows it, the numbers go on in the same epoch, and it is removed: who comes later does not meet
    it.
    """
    collector, follower = stands(members, shared_redis, UNREADABLE[what])
    epoch = collector.broker.status().epoch
    wait_until(lambda: sum(one.broker.status().refused for one in (collector, follower)) > 0, "it is counted")
    collector.publish(2, 3)
    follower.hears(3)
    for member in (collector, follower):
        assert member.numbers() == [1, 2, 3]
        assert member.seqs() == [1, 2, 3]
        member.heals()
    late = members.join(shared_redis.port)
    late.becomes("follower")
    late.heals()
    assert late.broker.position("news") == (epoch, 3)
    collector.publish(4)
    late.hears(4)
    assert collector.broker.status().epoch == epoch
    assert_no_traceback(caplog)


@pytest.mark.parametrize("what", TAKEN_OVER)
def test_what_all_depends_on_is_taken_over(
    members: Members, shared_redis: RedisServer, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    """Somebody collects, what is published then reaches all under the same numbers, and all are well."""
    first, second = stands(members, shared_redis, TAKEN_OVER[what])

    def publishes() -> bool:
        collecting = [one for one in (first, second) if one.role == "collector"]
        if len(collecting) != 1:
            return False
        number = 10 + len(collecting[0].heard)
        collecting[0].publish(number)
        green.sleep(0.3)
        return all(one.numbers()[-1] == number for one in (first, second))

    wait_until(publishes, "both show what is published")
    late = members.join(shared_redis.port)
    # whoever asks first takes over a lease that is nobody's
    wait_until(lambda: late.role in ("collector", "follower"), "it joins")
    for member in (first, second, late):
        member.heals()
        wait_until(lambda member=member: member.broker.last("news") == late.broker.last("news"), "all have the same")
    position = late.broker.position("news")
    assert position[1] < 1000
    assert_no_traceback(caplog)


def test_a_number_that_cannot_follow_is_not_shown(members: Members, shared_redis: RedisServer) -> None:
    """Not for a moment: no number jumps so far."""
    collector, follower = stands(members, shared_redis, TAKEN_OVER["a number that cannot follow"])
    wait_until(lambda: collector.broker.status().refused, "it is noticed")
    collector.publish(2)
    follower.hears(2)
    assert -1 not in follower.numbers() + collector.numbers()
    assert_same([collector, follower])


def test_foreign_entries_without_end_do_not_hold_up_the_feed(
    members: Members, shared_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """All that is published arrives, and the log gets a line a second."""
    began = time.monotonic()
    collector, follower = stands(members, shared_redis, UNREADABLE["no JSON"])
    neighbour = Neighbour(shared_redis.client(), members.prefix, collector.broker.status().epoch)
    for number in range(2, 12):
        for _ in range(20):
            neighbour.add(body="{")
            neighbour.add(epoch=unused_epoch())
        collector.publish(number)
        follower.hears(number)
    assert follower.numbers() == collector.numbers() == list(range(1, 12))
    wait_until(lambda: follower.broker.status().refused >= 200, "all of them are counted")
    seconds = time.monotonic() - began
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    # each of the two processes has a line of its own
    assert len(lines) <= 2 * (seconds / SAY_INTERVAL_S + 1)
    assert follower.broker.status().healthy


def test_foreign_lease_is_said_in_a_line(
    members: Members, shared_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator finds what it was."""
    collector, follower = stands(members, shared_redis, TAKEN_OVER["a lease without end"])
    wait_until(lambda: collector.broker.status().refused + follower.broker.status().refused, "somebody takes it over")
    assert "lease was no token" in caplog.text
