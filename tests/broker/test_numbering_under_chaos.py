"""Whatever happens to processes, Redis and cables: numbers mean the same everywhere, and resuming is exact.

A process shows what it publishes to its own clients before Redis confirms it. If its cable breaks in that moment and
another process takes over, a number means two things for a while. Nobody can prevent that without making clients wait;
what is promised is that the epoch then ends, so that nobody goes on from such a number, unless the process that showed
it ended before it could reach Redis again.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.broker.members import Member, Members
from tests.cache.redis_server import RedisServer
from tests.support.processes import wait_until
from websocket import green
from websocket.broker.base import Publication
from websocket.errors import NotCollecting

CHANNELS = ("news", "prices")
STEPS = 40
HISTORY = 12
LEASE_S = 0.9

Place = tuple[str, str, int]


class Chaos:
    """Three processes, what can happen to them, and what their clients saw.

    Args:
        server: the Redis between them.
        members: makes the processes.
        seed: of everything that is drawn.
    """

    def __init__(self, server: RedisServer, members: Members, seed: int) -> None:
        self._server = server
        self._members = members
        self._random = random.Random(seed)
        self._count = 0
        self._is_paused = False
        self.running: list[Member] = []
        # what each process showed under a number
        self.meanings: dict[Place, dict[str, bytes]] = defaultdict(dict)
        self.replays: list[tuple[Member, Place, list[Publication]]] = []
        self.ended_with_secrets: set[str] = set()
        self.positions: list[Place] = []
        self.told: list[str] = []
        for _ in range(3):
            self.add_process()

    def add_process(self) -> None:
        """One more, with a client on each channel who checks everything that it gets."""
        member = self._members.join(self._server.port, with_cable=True, history=HISTORY, lease_s=LEASE_S)
        newest: dict[str, Publication] = {}

        def check(one: Publication) -> None:
            self.meanings[one.channel, one.epoch, one.seq][member.name] = one.body
            self.positions.append((one.channel, one.epoch, one.seq))
            before = newest.get(one.channel)
            newest[one.channel] = one
            if before is None:
                return
            replayed = member.broker.since(one.channel, before.epoch, before.seq)
            follows = (one.epoch, one.seq) == (before.epoch, before.seq + 1)
            # onto an island, and back from it, one publication may follow another of a different epoch
            may_follow = one.epoch != before.epoch and replayed == [one]
            if one.epoch == before.epoch and one.seq <= before.seq:
                self.told.append(f"{member.name} went from {before} back to {one}")
            elif not may_follow and replayed != ([one] if follows else None):
                self.told.append(f"{member.name} got {one} after {before}, and resuming gives {replayed}")

        member.broker.listen(check)
        self.running.append(member)

    def step(self) -> str:
        """One thing that happens, and its name."""
        happens: Callable[[], None] = self._random.choice(
            [self.publish] * 8
            + [self.resume_somewhere] * 4
            + [self.wait] * 4
            + [
                self.break_a_cable,
                self.break_in_the_worst_moment,
                self.mend_cables,
                self.mend_cables,
                self.pause_redis,
                self.wake_redis,
            ]
            + [self.restart_redis, self.flush_redis, self.replace_a_process, self.oversleep]
        )
        happens()
        return happens.__name__

    def publish(self) -> None:
        """Whoever collects publishes some."""
        for member in self.running:
            if member.broker.collecting:
                for _ in range(self._random.choice([1, 1, 2, 3, HISTORY + 3])):
                    self._count += 1
                    try:
                        member.publish(self._count, channel=self._random.choice(CHANNELS))
                    except NotCollecting:
                        break

    def resume_somewhere(self) -> None:
        """Clients come back to any process with any position that somebody had."""
        for place in self._random.sample(self.positions, min(5, len(self.positions))):
            member = self._random.choice(self.running)
            replay = member.broker.since(*place)
            if replay is not None:
                self.replays.append((member, place, replay))

    def wait(self) -> None:
        green.sleep(self._random.choice([0.01, 0.1, 0.5, 1.2]))

    def break_a_cable(self) -> None:
        cable = self._random.choice(self.running).cable
        assert cable is not None
        self._random.choice([cable.cut, cable.swallow])()

    def break_in_the_worst_moment(self) -> None:
        """The cable of whoever collects breaks, which then publishes without knowing it."""
        for member in self.running:
            if member.role == "collector":
                assert member.cable is not None
                member.cable.swallow()
        self.publish()

    def mend_cables(self) -> None:
        for member in self.running:
            assert member.cable is not None
            member.cable.mend()

    def pause_redis(self) -> None:
        self._server.pause()
        self._is_paused = True

    def wake_redis(self) -> None:
        self._server.resume()
        self._is_paused = False

    def restart_redis(self) -> None:
        self._server.kill()
        green.sleep(self._random.choice([0.0, 0.7]))
        self._server.start()
        self._is_paused = False

    def flush_redis(self) -> None:
        if not self._is_paused:
            self._server.client().flushall()

    def replace_a_process(self) -> None:
        leaving = self.running.pop(self._random.randrange(len(self.running)))
        if self._random.random() < 0.5:
            assert leaving.cable is not None
            leaving.cable.cut()  # it ends without a word
        leaving.broker.stop()
        if leaving.broker.status().outbox:
            self.ended_with_secrets.add(leaving.name)
        self.add_process()

    def oversleep(self) -> None:
        self._random.choice(self.running).oversleep(LEASE_S + 1)

    def meant(self, place: Place) -> set[bytes]:
        """What a number means to those who could tell the others."""
        return {body for name, body in self.meanings[place].items() if name not in self.ended_with_secrets}

    def calm_down(self) -> str:
        """Everything works again, and what is published reaches everybody; gives the epoch in which it does."""
        self.wake_redis()
        self.mend_cables()
        wait_until(self._all_agree, "what one publishes reaches all")
        return self.running[0].broker.status().epoch

    def _all_agree(self) -> bool:
        collecting = [member for member in self.running if member.role == "collector"]
        if len(collecting) != 1 or not all(member.broker.status().healthy for member in self.running):
            return False
        published = [collecting[0].broker.publish(channel, {"n": 0}) for channel in CHANNELS]
        green.sleep(0.3)
        return all([member.broker.last(channel) for channel in CHANNELS] == published for member in self.running)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_numbers_mean_the_same_everywhere(start_redis: Callable[..., RedisServer], members: Members, seed: int) -> None:
    """No listener goes back or misses something unnoticed; what is replayed is exactly what followed."""
    server = start_redis(*(("--appendonly", "yes") if seed % 2 else ()))
    chaos = Chaos(server, members, seed)
    happened = [chaos.step() for _ in range(STEPS)]
    epoch_now = chaos.calm_down()
    for place in set(chaos.positions):
        # one may know less than another, which has been there all the time
        answers = [answer for member in chaos.running if (answer := member.broker.since(*place)) is not None]
        assert all(answer == answers[0] for answer in answers), happened
        chaos.replays += [(chaos.running[0], place, answer) for answer in answers]
    assert chaos.told == [], happened

    ambiguous = {place[1] for place in list(chaos.meanings) if len(chaos.meant(place)) > 1}
    assert epoch_now not in ambiguous, happened
    assert chaos.replays
    for member, (channel, epoch, seq), replay in chaos.replays:
        for before, one in pairwise([(epoch, seq), *((one.epoch, one.seq) for one in replay)]):
            assert one == (before[0], before[1] + 1) or one[0] != before[0], happened
        for one in replay:
            assert one.channel == channel
            if one.epoch not in ambiguous and member.name not in chaos.ended_with_secrets:
                assert chaos.meant((channel, one.epoch, one.seq)) <= {one.body}, happened
