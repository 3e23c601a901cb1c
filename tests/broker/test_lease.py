"""The lease: one process has it, knows until when, and what it wrote without it is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.broker.members import Members
from tests.cache.redis_server import RedisServer
from tests.support.processes import wait_until
from websocket import green
from websocket.broker.base import Publication
from websocket.broker.bus import Bus, ClaimAnswer, Known, Term
from websocket.broker.entries import FIRST
from websocket.broker.lease import Lease, unused_epoch
from websocket.cache.redis_connection import REDIS_FAILURES

LEASE_S = 1.5


class ManualClock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class SlowBus(Bus):
    """Answers of which some time has passed since they were true."""

    takes_s = 0.0
    clock: ManualClock

    def claim(self, token: str, **arguments: object) -> ClaimAnswer:
        answer = super().claim(token, **arguments)  # type: ignore[arg-type]
        self.clock.now += self.takes_s
        return answer


def publication(term: Term, seq: int, text: str = "x") -> Publication:
    return Publication("news", term.epoch, seq, 1.5, f'"{text}"'.encode())


def write(bus: Bus, lease: Lease, term: Term, *publications: Publication) -> str:
    """Writes publications to the one channel, whatever stands there."""
    written = bus.write(lease.token, term, publications, {"news": Known()}, kept=5, beat=False)
    return written.outcome


@pytest.fixture
def bus(members: Members, shared_redis: RedisServer) -> Bus:
    return members.bus(shared_redis.port)


def lease_on(bus: Bus, clock: Callable[[], float] | None = None) -> Lease:
    """The lease of one more process."""
    return Lease(bus, lease_s=LEASE_S) if clock is None else Lease(bus, clock=clock, lease_s=LEASE_S)


def take(lease: Lease, numbering: str = "") -> Term:
    """A claim that must be granted."""
    term = lease.claim(numbering).term
    assert term is not None
    return term


def test_the_first_who_claims_has_it(bus: Bus) -> None:
    """And nobody else, as long as it lasts."""
    first, second = lease_on(bus), lease_on(bus)
    assert not first.is_valid
    take(first)
    assert first.is_valid
    for _ in range(3):
        assert second.claim("").term is None
        assert not second.is_valid


def test_renewing_keeps_the_term(bus: Bus) -> None:
    """Fence and epoch stay, beyond the time that it would have lasted."""
    first, second = lease_on(bus), lease_on(bus)
    term = take(first)
    for _ in range(4):
        green.sleep(LEASE_S / 2)
        assert take(first, term.epoch) == term
        assert second.claim("").term is None


def test_another_gets_it_when_it_ends(bus: Bus) -> None:
    """With a higher fence, in the same epoch: the numbers go on."""
    first, second = lease_on(bus), lease_on(bus)
    term = take(first)
    taken = wait_until(lambda: second.claim("").term, "it ends", timeout_s=10 * LEASE_S)
    assert taken == Term(term.epoch, term.fence + 1)
    assert not first.is_valid
    assert first.claim(term.epoch).term is None


def test_it_is_the_same_term_when_nobody_else_had_it(bus: Bus) -> None:
    """Also long after its end: nothing can have been published meanwhile."""
    lease = lease_on(bus)
    term = take(lease)
    wait_until(lambda: not lease.is_valid, "it ends")
    green.sleep(0.3)
    assert take(lease, term.epoch) == term


def test_release_hands_it_over_at_once(bus: Bus) -> None:
    """And that of somebody else cannot be released."""
    first, second = lease_on(bus), lease_on(bus)
    take(first)
    second.release()
    assert second.claim("").term is None
    first.release()
    assert not first.is_valid
    take(second)


def test_it_counts_from_before_the_call(members: Members, shared_redis: RedisServer) -> None:
    """An answer that took long leaves less of it."""
    bus = members.bus(shared_redis.port)
    slow = SlowBus(bus._client, f"{members.prefix}bus:")
    slow.clock, slow.takes_s = ManualClock(), LEASE_S + 0.5
    lease = lease_on(slow, slow.clock)
    take(lease)
    assert not lease.is_valid


def test_who_was_stopped_finds_it_over(bus: Bus) -> None:
    """Without asking."""
    clock = ManualClock()
    lease = lease_on(bus, clock)
    take(lease)
    clock.now += LEASE_S
    assert not lease.is_valid


def test_never_longer_here_than_there(bus: Bus) -> None:
    """Whenever another one gets it, the one before knew that it was over."""
    first, second = lease_on(bus), lease_on(bus)
    take(first)
    while second.claim("").term is None:
        green.sleep(0.01)
    assert not first.is_valid


def test_what_was_written_without_it_is_refused(bus: Bus) -> None:
    """By the fence: a process that was stopped cannot add to what another one has taken over."""
    first, second = lease_on(bus), lease_on(bus)
    term = take(first)
    assert write(bus, first, term, publication(term, 1)) == "written"
    first.release()
    new_term = take(second)
    assert write(bus, first, term, publication(term, 2)) == "lost"
    assert write(bus, second, new_term, publication(new_term, 2, "y")) == "written"
    newest = bus.entries_after("news", FIRST).entries[-1].publication
    assert newest == publication(new_term, 2, "y")


def test_writing_twice_does_no_harm(bus: Bus) -> None:
    """Who got no answer writes again."""
    lease = lease_on(bus)
    term = take(lease)
    for _ in range(2):
        assert write(bus, lease, term, publication(term, 1), publication(term, 2)) == "written"
    entries = bus.entries_after("news", FIRST).entries
    assert [entry.publication.seq for entry in entries if entry.publication is not None] == [1, 2]


def test_nobody_writes_in_an_epoch_that_was_ended(bus: Bus) -> None:
    """The holder is told to begin a new one, and gets it with its next claim."""
    lease = lease_on(bus)
    term = take(lease)
    bus.end_epoch("another", unused_epoch())
    assert take(lease, term.epoch) == term
    new = unused_epoch()
    bus.end_epoch(term.epoch, new)
    assert write(bus, lease, term, publication(term, 1)) == "renumber"
    assert take(lease, term.epoch) == Term(new, term.fence)


def test_redis_that_was_emptied_begins_a_new_epoch(bus: Bus, members: Members, shared_redis: RedisServer) -> None:
    """Also for the process that holds the lease."""
    lease = lease_on(bus)
    term = take(lease)
    there = shared_redis.client()
    there.delete(*there.keys(f"{members.prefix}*"))
    assert take(lease, term.epoch).epoch != term.epoch


def test_claim_that_waited_in_front_of_a_hung_redis_does_nothing(
    members: Members, start_redis: Callable[..., RedisServer]
) -> None:
    """Whoever sent it gave up; the lease must not go to somebody who does not know it."""
    server = start_redis()
    bus = members.bus(server.port)
    lease, other = lease_on(bus), lease_on(members.bus(server.port))
    take(lease)
    lease.release()
    server.pause()
    try:
        with pytest.raises(REDIS_FAILURES):
            lease.claim("")
        green.sleep(1.5)
    finally:
        server.resume()
    wait_until(lambda: other.claim("").term, "another one gets it", timeout_s=LEASE_S / 2)


def test_who_has_numbers_comes_first_after_a_restart(members: Members, start_redis: Callable[..., RedisServer]) -> None:
    """However fast it was, and although nothing in Redis says who that is."""
    server = start_redis()
    buses = members.bus(server.port), members.bus(server.port)
    holder, other = (lease_on(bus) for bus in buses)
    term = take(holder)
    assert other.claim("").taken
    server.kill()
    server.start()
    for bus in buses:
        bus.disconnect()
    claim = other.claim("")
    assert (claim.term, claim.taken, claim.restarted) == (None, False, True)
    assert take(holder, term.epoch).epoch != term.epoch


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_clock_that_was_set_does_not_keep_the_lease_away(bus: Bus, jump_s: float) -> None:
    """Here or in Redis: what counts is what they differ by, and that is learnt anew."""
    clock = ManualClock()
    lease = lease_on(bus, clock)
    term = take(lease)
    clock.now += jump_s
    assert take(lease, term.epoch) == term
    assert lease.is_valid


def test_holder_goes_on_after_a_restart_with_a_file(members: Members, start_redis: Callable[..., RedisServer]) -> None:
    """It is told of the restart, since what was written last may be lost; its numbers go on."""
    server = start_redis("--appendonly", "yes", "--appendfsync", "always")
    bus = members.bus(server.port)
    lease = lease_on(bus)
    term = take(lease)
    assert not lease.claim(term.epoch).restarted
    server.kill()
    server.start()
    bus.disconnect()
    assert not bus.look().confirmed
    claim = lease.claim(term.epoch)
    assert (claim.term, claim.restarted) == (term, True)
    assert bus.look().confirmed
    assert not lease.claim(term.epoch).restarted


def test_others_begin_anew_after_a_restart_with_a_file(
    members: Members, start_redis: Callable[..., RedisServer]
) -> None:
    """They cannot know whether the newest publications were lost."""
    server = start_redis("--appendonly", "yes", "--appendfsync", "always")
    bus = members.bus(server.port)
    term = take(lease_on(bus))
    server.kill()
    server.start()
    bus.disconnect()
    other = lease_on(bus)
    taken = wait_until(lambda: other.claim("").term, "the old lease ends")
    assert taken.epoch != term.epoch


def test_user_who_may_not_ask_for_the_run_can_still_collect(
    members: Members, start_redis: Callable[..., RedisServer]
) -> None:
    """Users of hosted servers often may not; then a restart is not noticed."""
    server = start_redis()
    server.client().execute_command("ACL", "SETUSER", "default", "-info")
    bus = members.bus(server.port)
    lease = lease_on(bus)
    term = take(lease)
    assert bus.look() == (term.epoch, True, [], FIRST)
    assert take(lease, term.epoch) == term


def test_it_ends_by_itself_in_redis(bus: Bus, members: Members, shared_redis: RedisServer) -> None:
    """Whatever becomes of its holder."""
    take(lease_on(bus))
    there: redis.Redis = shared_redis.client()
    assert 0 < there.pttl(f"{members.prefix}bus:lease") <= LEASE_S * 1000
