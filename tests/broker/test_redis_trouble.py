"""Redis and the way to it fail in every manner: local clients go on, nobody is shown a gap that looks whole."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from tests.broker.members import Members, assert_same
from tests.cache.redis_server import RedisServer
from tests.support.processes import wait_until
from websocket import green
from websocket.broker.stream_reader import DEAF_AFTER_S

StartRedis = Callable[..., RedisServer]


@pytest.fixture
def server(start_redis: StartRedis) -> RedisServer:
    return start_redis()


@pytest.mark.parametrize("trouble", ["hangs", "unreachable", "black hole"])
def test_outage_loses_nothing_that_is_still_in_the_history(members: Members, server: RedisServer, trouble: str) -> None:
    """The collecting process goes on for its clients; afterwards the others get all of it, one by one."""
    collector, follower = members.pair(server.port, with_cables=True)
    published = collector.publish(1, 2)
    follower.hears(2)
    cables = [member.cable for member in (collector, follower) if member.cable is not None]
    if trouble == "hangs":
        server.pause()
    else:
        for cable in cables:
            cable.cut() if trouble == "unreachable" else cable.swallow()
    collector.becomes("alone")
    follower.ails()
    collector.publish(3, 4)
    assert collector.numbers() == [1, 2, 3, 4]
    green.sleep(4)  # longer than the lease
    collector.publish(5)
    assert not collector.broker.status().healthy
    assert collector.broker.status().outbox >= 3
    assert follower.role == "follower"
    if trouble == "hangs":
        server.resume()
    else:
        for cable in cables:
            cable.mend()
    collector.becomes("collector")
    collector.publish(6)
    follower.hears(6)
    follower.heals()
    collector.heals()
    assert follower.numbers() == [1, 2, 3, 4, 5, 6]
    assert follower.seqs() == [1, 2, 3, 4, 5, 6]
    assert {one.epoch for one in follower.heard} == {published[0].epoch}
    assert collector.numbers() == [1, 2, 3, 4, 5, 6]
    assert collector.roles == ["gained"]
    assert collector.broker.since("news", published[0].epoch, 2) == follower.broker.since("news", published[0].epoch, 2)
    assert_same([collector, follower])


def test_outage_that_is_too_long_ends_in_snapshots(members: Members, server: RedisServer) -> None:
    """What fell out of the history is not made up for, and nobody can take what is left for everything."""
    collector, follower = members.pair(server.port, with_cables=True, history=4)
    published = collector.publish(1, 2)
    follower.hears(2)
    assert follower.cable is not None
    follower.cable.cut()
    collector.publish(*range(3, 12))
    wait_until(lambda: collector.broker.status().outbox == 0, "everything is written")
    follower.cable.mend()
    follower.hears(11)
    assert follower.numbers() == [1, 2, 8, 9, 10, 11]
    assert follower.broker.since("news", published[0].epoch, 2) is None
    assert follower.broker.since("news", published[0].epoch, 6) is None
    assert follower.broker.since("news", published[0].epoch, 7) == collector.heard[-4:]


def test_island_is_an_epoch_of_its_own(members: Members, server: RedisServer) -> None:
    """Its numbers mean nothing elsewhere; in the process that was on it, the way there and back is known."""
    collector, follower = members.pair(server.port, with_cables=True)
    (before,) = collector.publish(1)
    follower.hears(1)
    assert collector.cable is not None
    assert follower.cable is not None
    for cable in (collector.cable, follower.cable):
        cable.cut()
    collector.becomes("alone")
    (during,) = collector.publish(2)
    assert (during.epoch != before.epoch, during.seq) == (True, 1)
    assert collector.broker.since("news", during.epoch, 1) == []
    assert collector.broker.since("news", before.epoch, 1) == [during]
    assert collector.broker.since("news", before.epoch, 2) is None
    assert collector.broker.since("news", during.epoch, 2) is None
    assert collector.broker.position("news") == (during.epoch, 1)
    for cable in (collector.cable, follower.cable):
        cable.mend()
    collector.becomes("collector")
    follower.hears(2)
    for member in (collector, follower):
        assert member.broker.position("news") == (before.epoch, 2)
    assert follower.broker.since("news", during.epoch, 1) is None
    assert collector.broker.since("news", during.epoch, 1) == []
    assert collector.broker.since("news", during.epoch, 0) == collector.broker.since("news", before.epoch, 1)
    assert collector.broker.since("news", during.epoch, 2) is None
    collector.publish(3)
    assert [one.seq for one in collector.broker.since("news", during.epoch, 1) or ()] == [3]


def test_collector_that_is_cut_off_is_replaced_and_comes_back_as_a_follower(
    members: Members, server: RedisServer
) -> None:
    """Its clients go on meanwhile; what it published for them alone is forgotten, and no number means two things."""
    first, second = members.pair(server.port, with_cables=True)
    first.publish(1, 2)
    second.hears(2)
    assert first.cable is not None
    first.cable.swallow()
    second.becomes("collector")
    assert first.role == "alone"
    first.publish(100, 101)
    second.publish(3, 4)
    first.cable.mend()
    first.becomes("follower")
    first.hears(4)
    second.publish(5)
    first.hears(5)
    assert first.numbers() == [1, 2, 100, 101, 3, 4, 5]
    assert second.numbers() == [1, 2, 3, 4, 5]
    assert second.seqs() == [1, 2, 3, 4, 5]
    assert first.roles == ["gained", "lost"]
    assert_same([first, second])


def test_numbers_that_only_one_process_showed_end_the_epoch(members: Members, server: RedisServer) -> None:
    """Published in the moment when the way to Redis broke, and then somebody else took over: all begin anew."""
    first, second = members.pair(server.port, with_cables=True)
    first.publish(1)
    second.hears(1)
    assert first.cable is not None
    first.cable.swallow()
    (shown,) = first.publish(100)
    second.becomes("collector")
    second.publish(2)
    assert second.heard[-1].seq == shown.seq
    first.cable.mend()
    first.becomes("follower")
    wait_until(lambda: second.broker.status().epoch != shown.epoch, "a new epoch")
    second.publish(3)
    first.hears(3)
    third = members.join(server.port)
    third.becomes("follower")
    wait_until(lambda: third.broker.last("news") == second.broker.last("news"), "the third has it")
    for member in (first, second, third):
        assert member.broker.since("news", shown.epoch, shown.seq) is None
    heard = {(one.epoch, one.seq): one.body for one in first.heard}
    assert heard[shown.epoch, shown.seq] == shown.body


def test_restart_without_a_file_begins_anew_with_the_last_values(members: Members, server: RedisServer) -> None:
    """Followers have snapshots again, in a new epoch."""
    collector, follower = members.pair(server.port)
    (before,) = collector.publish(1)
    collector.publish(7, channel="prices")
    server.kill()
    collector.becomes("alone")
    collector.publish(2)
    server.start()
    collector.becomes("collector")
    follower.heals()
    wait_until(lambda: follower.broker.position("prices") == (collector.broker.status().epoch, 1), "prices are back")
    follower.hears(2)
    assert collector.broker.status().epoch != before.epoch
    assert follower.broker.last("news") == collector.broker.last("news")
    assert follower.broker.since("news", before.epoch, 1) is None
    collector.publish(3)
    follower.hears(3)
    assert follower.seqs()[-2:] == [1, 2]
    late = members.join(server.port)
    late.becomes("follower")
    wait_until(lambda: late.broker.last("prices"), "a new process has a snapshot")


def test_restart_with_a_file_loses_nothing(members: Members, start_redis: StartRedis) -> None:
    """The numbers go on, although Redis was not there."""
    server = start_redis("--appendonly", "yes")
    collector, follower = members.pair(server.port)
    (before,) = collector.publish(1)
    follower.hears(1)
    server.kill()
    collector.becomes("alone")
    collector.publish(2)
    green.sleep(4)  # longer than the lease
    server.start()
    collector.becomes("collector")
    collector.publish(3)
    follower.hears(3)
    assert follower.numbers() == [1, 2, 3]
    assert [(one.epoch, one.seq) for one in follower.heard] == [(before.epoch, seq) for seq in (1, 2, 3)]
    assert_same([collector, follower])


def test_old_file_is_brought_up_to_date(members: Members, server: RedisServer) -> None:
    """A dump lacks the newest publications: the collector still has them, and writes them again."""
    collector, follower = members.pair(server.port)
    collector.publish(1)
    follower.hears(1)
    server.client().save()
    published = collector.publish(2, 3)
    follower.hears(3)
    server.kill()
    server.start()
    collector.becomes("collector")
    collector.heals()
    late = members.join(server.port)
    late.becomes("follower")
    wait_until(lambda: late.broker.last("news"), "it has a snapshot")
    assert late.broker.last("news") == collector.broker.last("news")
    assert late.broker.since("news", published[0].epoch, 1) == follower.broker.since("news", published[0].epoch, 1)
    assert_same([collector, follower, late])


def test_flushed_redis_has_everything_again(members: Members, server: RedisServer) -> None:
    """Whoever collects then begins a new epoch with the last values."""
    collector, follower = members.pair(server.port)
    (before,) = collector.publish(1)
    collector.publish(7, channel="prices")
    follower.hears(7, "prices")
    server.client().flushall()
    members_now = (collector, follower)
    wait_until(lambda: all(one.broker.status().epoch != before.epoch for one in members_now), "a new epoch")
    wait_until(lambda: follower.broker.last("prices") == collector.broker.last("prices"), "prices are the same")
    for member in members_now:
        member.heals()
    assert sorted(member.role for member in members_now) == ["collector", "follower"]
    now_collecting, now_following = sorted(members_now, key=lambda one: one.role)
    now_collecting.publish(2)
    now_following.hears(2)
    assert_same([collector, follower])


def test_full_memory_is_trouble_and_passes(members: Members, server: RedisServer) -> None:
    """Redis answers but takes nothing: local clients go on, the others know; then all get everything."""
    collector, follower = members.pair(server.port)
    collector.publish(1)
    follower.hears(1)
    server.client().config_set("maxmemory", 1)
    collector.becomes("alone")
    collector.publish(2)
    assert collector.numbers() == [1, 2]
    assert "memory" in collector.broker.status().detail
    follower.ails()
    green.sleep(4)  # the lease ends, and nobody can take it
    server.client().config_set("maxmemory", 0)
    collector.becomes("collector")
    follower.hears(2)
    follower.heals()
    assert follower.seqs() == [1, 2]
    assert collector.roles == ["gained"]


def test_password_that_was_changed_is_named_and_heals(members: Members, start_redis: StartRedis) -> None:
    """Without showing any."""
    server = start_redis()
    collector, follower = members.pair(server.port)
    collector.publish(1)
    there = server.client()
    there.config_set("requirepass", "secret-of-redis")
    there.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    collector.becomes("alone")
    follower.ails()
    collector.publish(2)
    status = collector.broker.status()
    assert "auth" in status.detail.lower()
    assert "secret-of-redis" not in repr(status)
    there.config_set("requirepass", "")
    collector.becomes("collector")
    follower.hears(2)
    assert follower.numbers() == [1, 2]


def test_dropped_connections_cost_nothing(members: Members, server: RedisServer) -> None:
    """While Redis itself is well nobody changes roles or epochs because of them."""
    collector, follower = members.pair(server.port)
    collector.publish(1)
    follower.hears(1)
    for number in range(2, 8):
        server.client().execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        collector.publish(number)
        green.sleep(0.3)
    follower.hears(7)
    assert follower.seqs() == list(range(1, 8))
    assert {one.epoch for one in (*collector.heard, *follower.heard)} == {collector.heard[0].epoch}
    assert (collector.roles, follower.roles) == (["gained"], [])


def test_connection_that_breaks_in_a_call_costs_nothing(members: Members, server: RedisServer) -> None:
    """One more trial tells that Redis is well."""
    collector, follower = members.pair(server.port, with_cables=True)
    before = collector.broker.status().epoch
    for number in range(1, 8):
        for member in (collector, follower):
            assert member.cable is not None
            member.cable.break_at_next_call()
        collector.publish(number)
        green.sleep(0.7)
        assert collector.role == "collector"
        assert follower.broker.status().healthy
    follower.hears(7)
    assert follower.seqs() == list(range(1, 8))
    assert {one.epoch for one in (*collector.heard, *follower.heard)} == {before}


def test_follower_whose_position_is_wrong_notices_and_heals(members: Members, server: RedisServer) -> None:
    """Redis answers its calls, but there is never anything behind the entry that it waits behind."""
    collector, follower = members.pair(server.port)
    collector.publish(1)
    follower.hears(1)
    there = server.client()
    streams = [f"{members.prefix}bus:heartbeats", f"{members.prefix}bus:stream:news"]
    there.xadd(streams[0], {"channels": 1}, id="99999999999999-1")
    there.xadd(streams[1], {"what": "?"}, id="99999999999999-1")
    green.sleep(0.5)
    there.delete(*streams)
    collector.publish(2)
    follower.ails()
    follower.heals()
    collector.publish(3)
    follower.hears(3)
    assert follower.numbers() == [1, 2, 3]


def test_follower_that_is_deaf_says_so_and_heals(members: Members, server: RedisServer) -> None:
    """Its connection stands and nothing comes: the heartbeats tell, and it makes a new one."""
    collector, follower = members.pair(server.port, with_cables=True)
    assert follower.cable is not None
    follower.cable.swallow()
    follower.ails()
    wait_until(lambda: (follower.broker.status().silence_s or 0) > DEAF_AFTER_S, "silence is counted")
    assert collector.broker.status().healthy
    follower.cable.mend()
    follower.heals()
    collector.publish(1)
    follower.hears(1)
    assert (follower.broker.status().silence_s or 99) < DEAF_AFTER_S


def test_silence_alone_makes_a_follower_sick(members: Members, server: RedisServer) -> None:
    """Redis answers, somebody holds the lease, and no heartbeat comes: that is not health."""
    collector, follower = members.pair(server.port)
    collector.broker.stop()
    there = server.client()

    def keeps_the_lease_and_is_noticed() -> bool:
        there.set(f"{members.prefix}bus:lease", "5" * 32, px=3000)
        return not follower.broker.status().healthy

    wait_until(keeps_the_lease_and_is_noticed, "it notices")
    assert "nothing was heard" in follower.broker.status().detail
    assert follower.role == "follower"
    there.delete(f"{members.prefix}bus:lease")
    follower.becomes("collector")
    follower.heals()


def test_process_that_never_reached_redis_collects_for_itself(members: Members, server: RedisServer) -> None:
    """And joins the others when it can; its values go to channels that nobody has."""
    server.kill()
    first, second = members.join(server.port), members.join(server.port)
    for member in (first, second):
        member.becomes("alone")
        member.publish(1)
        assert not member.broker.status().healthy
    server.start()
    wait_until(lambda: sorted((first.role, second.role)) == ["collector", "follower"], "one of them gives up")
    collector, follower = sorted((first, second), key=lambda one: one.role)
    collector.publish(2)
    follower.hears(2)
    wait_until(lambda: follower.broker.last("news") == collector.broker.last("news"), "both have the same")
    assert collector.roles == ["gained"]
    assert follower.roles == ["gained", "lost"]
    assert_same([collector, follower])


def test_port_that_swallows_everything_does_not_hold_up_the_start(members: Members) -> None:
    """It collects alone after the first trial."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        member = members.join(silent.getsockname()[1])
        member.becomes("alone")
        member.publish(1)
        assert member.numbers() == [1]


def test_follower_does_not_begin_to_collect_because_redis_is_gone(members: Members, server: RedisServer) -> None:
    """Somebody collects, and it cannot know that nobody does."""
    collector, follower = members.pair(server.port)
    server.kill()
    collector.becomes("alone")
    follower.ails()
    green.sleep(4)  # longer than the lease
    assert follower.role == "follower"
    assert follower.roles == []


def test_somebody_takes_over_when_the_collector_dies_in_an_outage(members: Members, server: RedisServer) -> None:
    """After the time in which the one that held the lease comes first, and in a new epoch: its clients may have seen
    numbers that nobody else has.
    """
    collector, follower = members.pair(server.port, with_cables=True)
    collector.publish(1)
    follower.hears(1)
    server.pause()
    collector.becomes("alone")
    follower.ails()
    assert collector.cable is not None
    collector.cable.cut()
    server.resume()
    follower.becomes("collector")
    follower.publish(2)
    assert follower.numbers() == [1, 1, 2]
    assert follower.seqs() == [1, 1, 2]
    assert follower.broker.status().epoch != collector.heard[0].epoch


def test_stop_does_not_wait_long_for_a_redis_that_hangs(members: Members, server: RedisServer) -> None:
    """It ends, handed over or not."""
    collector, _ = members.pair(server.port)
    server.pause()
    try:
        collector.publish(1)
        collector.broker.stop()
        assert not collector.broker.collecting
    finally:
        server.resume()
