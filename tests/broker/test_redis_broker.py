"""Many processes on one Redis: all show the same, one collects, and another takes over."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.broker.children import Child
from tests.broker.members import Members, assert_same
from tests.cache.redis_server import RedisServer
from tests.support.processes import wait_until
from websocket import green
from websocket.broker.base import Publication
from websocket.broker.bus import Known
from websocket.broker.history import HISTORY
from websocket.broker.lease import unused_epoch
from websocket.errors import NotCollecting

StartChild = Callable[..., Child]


@pytest.fixture
def start_child(folder: Path, shared_redis: RedisServer, members: Members) -> Iterator[StartChild]:
    """Starts one more process on the shared Redis."""
    children: list[Child] = []

    def start(interval_s: float = 0.05) -> Child:
        child = Child(folder / f"child-{len(children)}", shared_redis.port, members.prefix, interval_s)
        children.append(child)
        return child

    yield start
    for child in children:
        child.resume()
        child.kill()


def test_followers_hear_what_is_published(members: Members, shared_redis: RedisServer) -> None:
    """The same publications, to the byte, in the same order on each channel."""
    collector, follower = members.pair(shared_redis.port)
    other = members.join(shared_redis.port)
    other.becomes("follower")
    published = collector.publish(1, 2, 3) + collector.publish(4, channel="prices") + collector.publish(5)
    for member in (follower, other):
        member.hears(5)
        member.hears(4, "prices")
        assert sorted(member.heard, key=lambda one: (one.channel, one.seq)) == sorted(
            published, key=lambda one: (one.channel, one.seq)
        )
    assert collector.heard == published


def test_client_resumes_at_any_process(members: Members, shared_redis: RedisServer) -> None:
    """``last``, ``position`` and ``since`` answer the same everywhere."""
    collector, follower = members.pair(shared_redis.port, history=4)
    published = collector.publish(*range(8))
    follower.hears(7)
    epoch = published[0].epoch
    for ask in (
        lambda broker: broker.last("news"),
        lambda broker: broker.position("news"),
        lambda broker: [broker.since("news", epoch, seq) for seq in range(-1, 11)],
        lambda broker: broker.since("news", "another", 3),
    ):
        assert ask(collector.broker) == ask(follower.broker)
    assert follower.broker.since("news", epoch, 6) == published[6:]
    assert follower.broker.since("news", epoch, 3) is None


def test_new_process_knows_the_history(members: Members, shared_redis: RedisServer) -> None:
    """Its clients can resume at once; its listeners are only told of what comes from then on."""
    collector, _ = members.pair(shared_redis.port)
    published = collector.publish(*range(5))
    late = members.join(shared_redis.port)
    late.becomes("follower")
    wait_until(lambda: late.broker.last("news") == published[-1], "it has read the history")
    assert late.broker.since("news", published[0].epoch, 0) == published
    assert late.heard == []
    collector.publish(5)
    late.hears(5)
    assert late.numbers() == [5]


def test_who_is_ready_knows_what_was_published_before(members: Members, shared_redis: RedisServer) -> None:
    """The first client of a process that has just come can resume there, and gets a snapshot."""
    collector = members.join(shared_redis.port)
    collector.broker.get_ready(10.0)
    published = collector.publish(1, 2, 3)
    wait_until(lambda: collector.broker.status().outbox == 0, "all is written")
    late = members.join(shared_redis.port)
    assert late.broker.last("news") is None
    late.broker.get_ready(10.0)
    assert late.broker.since("news", published[0].epoch, 1) == published[1:]
    assert late.broker.last("news") == published[-1]


def test_nobody_waits_long_to_be_ready(members: Members) -> None:
    """Without Redis a process is ready alone; with one that nobody collects on, when the time is over."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        lonely = members.join(silent.getsockname()[1])
        lonely.broker.get_ready(20.0)
        assert lonely.role == "alone"
    unborn = members.join(9, start=False)
    unborn.broker.get_ready(0.1)
    assert unborn.role == "seeking"


def test_followers_do_not_publish(members: Members, shared_redis: RedisServer) -> None:
    """They are told so, and nothing is numbered."""
    collector, follower = members.pair(shared_redis.port)
    with pytest.raises(NotCollecting):
        follower.publish(1)
    assert collector.broker.position("news")[1] == follower.broker.position("news")[1] == 0


def test_nobody_publishes_before_it_is_known_who_collects(members: Members, shared_redis: RedisServer) -> None:
    """Nor after the stop."""
    member = members.join(shared_redis.port, start=False)
    with pytest.raises(NotCollecting):
        member.publish(1)
    member.broker.start()
    member.becomes("collector")
    member.publish(1)
    member.broker.stop()
    with pytest.raises(NotCollecting):
        member.publish(2)


def test_polite_stop_hands_over_at_once(members: Members, shared_redis: RedisServer) -> None:
    """With everything that was published, long before the lease would have ended; the numbers go on."""
    collector, follower = members.pair(shared_redis.port)
    published = collector.publish(1, 2)
    collector.broker.stop()
    wait_until(lambda: follower.broker.collecting, "the other one takes over", timeout_s=2.5)
    published += follower.publish(3)
    assert follower.heard == published
    assert [one.seq for one in published] == [1, 2, 3]
    assert len({one.epoch for one in published}) == 1
    assert follower.roles == ["gained"]
    assert collector.roles == ["gained"]


def test_demo_and_real_processes_share_nothing(members: Members, shared_redis: RedisServer) -> None:
    """Both collect, and hear themselves alone."""
    real, demo = members.join(shared_redis.port), members.join(shared_redis.port, demo=True)
    real.becomes("collector")
    demo.becomes("collector")
    real.publish(1)
    demo.publish(2)
    green.sleep(0.3)
    assert (real.numbers(), demo.numbers()) == ([1], [2])


def test_everything_in_redis_has_the_prefix_and_a_bound(members: Members, shared_redis: RedisServer) -> None:
    """Streams keep the history and no more."""
    there = shared_redis.client()
    others = set(there.keys("*"))
    collector, _ = members.pair(shared_redis.port, history=3)
    collector.publish(*range(50))
    wait_until(lambda: collector.broker.status().outbox == 0, "everything is written")
    names = set(there.keys("*")) - others
    assert all(name.startswith(f"{members.prefix}bus:".encode()) for name in names)
    assert there.xlen(f"{members.prefix}bus:stream:news") == 3
    assert there.xlen(f"{members.prefix}bus:heartbeats") <= 8


def test_many_large_publications_at_once(members: Members, shared_redis: RedisServer) -> None:
    """More than fits into one call go out in several, on all channels, in order."""
    collector, follower = members.pair(shared_redis.port)
    channels = [f"channel {n}" for n in range(20)]
    for channel in channels:
        for n in range(60):
            collector.broker.publish(channel, {"n": n, "text": "x" * 5000})
    for channel in channels:
        follower.hears(59, channel)
        assert follower.numbers(channel) == list(range(60))
    assert_same([collector, follower])


def test_no_client_of_the_collector_waits_for_redis(members: Members, start_redis: Callable[..., RedisServer]) -> None:
    """Its listeners have heard it when ``publish`` returns, also while Redis hangs."""
    server = start_redis()
    collector, _ = members.pair(server.port)
    server.pause()
    try:
        for number in range(50):
            collector.publish(number)
            assert collector.numbers()[-1] == number
    finally:
        server.resume()


def test_who_wakes_up_late_asks_before_it_publishes(members: Members, shared_redis: RedisServer) -> None:
    """The lease is over and nobody knows who has it: nothing is published until that is settled."""
    collector, follower = members.pair(shared_redis.port)
    collector.publish(1)
    collector.oversleep(10)
    collector.publish(2)  # nobody else had it
    follower.hears(2)
    assert follower.seqs() == [1, 2]

    collector.broker.status()
    shared_redis.client().set(f"{members.prefix}bus:lease", uuid.uuid4().hex, px=2000)
    collector.oversleep(10)
    with pytest.raises(NotCollecting):
        collector.publish(3)
    assert collector.role == "follower"
    assert collector.roles == ["gained", "lost"]
    assert collector.numbers() == [1, 2]


def test_who_was_replaced_and_collects_again_has_what_came_between(members: Members, shared_redis: RedisServer) -> None:
    """It may never have noticed: it was stopped, and its successor has handed over before it woke up. Its own clients
    get what the successor published all the same, in its place.
    """
    collector, follower = members.pair(shared_redis.port)
    collector.publish(1, 2)
    wait_until(lambda: collector.broker.status().outbox == 0, "all is written")
    bus = members.bus(shared_redis.port)
    shared_redis.client().delete(f"{members.prefix}bus:lease")
    successor = uuid.uuid4().hex
    claimed = bus.claim(
        successor, lease_ms=3000, unused_epoch=unused_epoch(), our_epoch="", our_run="", not_after_ms=0, within_s=1.0
    )
    assert claimed.term is not None
    epoch = collector.heard[-1].epoch
    between = [Publication("news", epoch, n, time.time(), b'{"n":%d}' % n) for n in (3, 4)]
    known = {"news": Known(bus.heads(["news"], 1)["news"][0][0])}
    assert bus.write(successor, claimed.term, between, known, kept=HISTORY, beat=True).outcome == "written"
    bus.release(successor)
    follower.hears(4)
    wait_until(lambda: collector.broker.collecting or follower.broker.collecting, "somebody collects")
    publisher = next(member for member in (collector, follower) if member.broker.collecting)
    publisher.oversleep(10)
    publisher.publish(5)
    for member in (collector, follower):
        member.hears(5)
        assert member.numbers() == member.seqs() == [1, 2, 3, 4, 5]


def test_who_wakes_up_without_redis_goes_on_alone(members: Members, start_redis: Callable[..., RedisServer]) -> None:
    """After one bounded round trip, in an epoch of its own."""
    server = start_redis()
    collector, _ = members.pair(server.port)
    (before,) = collector.publish(1)
    wait_until(lambda: collector.broker.status().outbox == 0, "it is written")
    server.pause()
    try:
        collector.oversleep(10)
        (after,) = collector.publish(2)
        assert collector.role == "alone"
        assert after.epoch != before.epoch
    finally:
        server.resume()


def test_killed_collector_is_replaced(start_child: StartChild) -> None:
    """``kill -9``: another one publishes within 5 s, the numbers go on, and nothing that a client saw is lost."""
    first = start_child()
    first.becomes("collector")
    second, third = start_child(), start_child()
    second.becomes("follower")
    third.becomes("follower")
    second.hears_more(20)
    first.kill()
    last = first.heard()[-1]
    for child in (second, third):
        wait_until(lambda child=child: child.heard()[-1]["heard"] > last["heard"] + 20, "the numbers go on")
    after = next(line for line in second.heard() if line["heard"] == last["heard"] + 1)
    assert after["at"] - last["at"] < 5
    known = {(line["epoch"], line["heard"]): line["body"] for line in first.heard()}
    for child in (second, third):
        heard = child.heard()
        assert {line["epoch"] for line in heard} == {last["epoch"]}
        numbers = [line["heard"] for line in heard]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        for line in heard:
            place = (line["epoch"], line["heard"])
            assert known.setdefault(place, line["body"]) == line["body"]
    assert sorted(role for child in (second, third) for role, _ in child.statuses()[-1:]) == ["collector", "follower"]


def test_stopped_collector_wakes_up_as_a_follower(start_child: StartChild) -> None:
    """SIGSTOP: it publishes nothing under numbers that another one gives out, and its clients get what it missed."""
    first = start_child(0.02)
    first.becomes("collector")
    second = start_child(0.02)
    second.becomes("follower")
    second.hears_more(20)
    first.pause()
    second.becomes("collector")
    second.hears_more(20)
    first.resume()
    first.becomes("follower")
    first.hears_more(20)
    known = {(line["epoch"], line["heard"]): line["body"] for line in second.heard()}
    newest: dict[str, int] = {}
    for line in first.heard():
        epoch, seq = line["epoch"], line["heard"]
        assert seq > newest.get(epoch, 0)
        newest[epoch] = seq
        # what it published in the moment when it was stopped may be in an epoch that the others gave up for that
        assert known.get((epoch, seq), line["body"]) == line["body"]
    assert [line["role"] for line in first.said() if "role" in line] == ["gained", "lost"]
