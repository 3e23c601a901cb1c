"""Several brokers in one test process, each as one process of the service has it, with a cable that can be pulled."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import defaultdict
from collections.abc import Sequence

from tests.support.processes import wait_until
from websocket import green
from websocket.broker.base import Publication
from websocket.broker.bus import Bus
from websocket.broker.history import HISTORY
from websocket.broker.lease import steady_clock
from websocket.broker.redis_broker import RedisBroker
from websocket.cache.redis_connection import redis_client
from websocket.settings import RedisSettings, Secret


class Cable:
    """Between one broker and Redis.

    Args:
        port: where Redis listens on this machine.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._ends: list[socket.socket] = []
        self._is_cut = False
        self._swallows = False
        self._breaks_next = False
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        green.spawn(self._accept)

    def mend(self) -> None:
        """Lets everything through, on new connections."""
        self._break_all()
        self._is_cut = self._swallows = False

    def cut(self) -> None:
        """Breaks all connections, also new ones."""
        self._is_cut = True
        self._break_all()

    def swallow(self) -> None:
        """Connections stay and can be made, but nothing comes through."""
        self._swallows = True

    def break_at_next_call(self) -> None:
        """The connection on which something is said next breaks, before it arrives."""
        self._breaks_next = True

    def _break_all(self) -> None:
        for end in self._ends:
            _shut(end)
        self._ends.clear()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self._is_cut:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            self._ends += [near, far]
            green.spawn(self._forward, near, far, True)
            green.spawn(self._forward, far, near)

    def _forward(self, source: socket.socket, target: socket.socket, is_call: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if is_call and self._breaks_next:
                    self._breaks_next = False
                    break
                if not self._swallows:
                    target.sendall(data)
        _shut(target)
        _shut(source)
        source.close()


def _shut(end: socket.socket) -> None:
    """Ends a connection under whoever reads from it, who then closes it."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


class Member:
    """A broker, and what its listener and its role changes said.

    Args:
        name: for messages.
        settings: how to reach Redis.
        cable: in between, if any.
        demo: as for the broker.
        history: as for the broker.
        lease_s: as for the broker.
    """

    def __init__(
        self,
        name: str,
        settings: RedisSettings,
        cable: Cable | None,
        *,
        demo: bool,
        history: int,
        lease_s: float,
    ) -> None:
        self.name = name
        self._slept_s = 0.0
        self.cable = cable
        self.heard: list[Publication] = []
        self.roles: list[str] = []
        self.broker = RedisBroker(
            settings,
            clock=time.time,
            demo=demo,
            history=history,
            on_gained=lambda: self.roles.append("gained"),
            on_lost=lambda: self.roles.append("lost"),
            lease_s=lease_s,
            steady=lambda: steady_clock() + self._slept_s,
        )
        self.broker.listen(self.heard.append)

    @property
    def role(self) -> str:
        """As its status says."""
        return self.broker.status().role

    def oversleep(self, seconds: float) -> None:
        """Makes it find that so much time has passed, as after SIGSTOP."""
        self._slept_s += seconds

    def publish(self, *numbers: int, channel: str = "news") -> list[Publication]:
        """Publishes some payloads."""
        return [self.broker.publish(channel, {"n": number}) for number in numbers]

    def numbers(self, channel: str = "news") -> list[int]:
        """The payloads that its listener heard."""
        return [publication.data["n"] for publication in self.heard if publication.channel == channel]

    def seqs(self, channel: str = "news") -> list[int]:
        """The positions that its listener heard."""
        return [publication.seq for publication in self.heard if publication.channel == channel]

    def becomes(self, role: str) -> None:
        """Waits until it has a role."""
        wait_until(lambda: self.role == role, f"{self.name} becomes {role}")

    def heals(self) -> None:
        """Waits until it says that all is well."""
        wait_until(lambda: self.broker.status().healthy, f"{self.name} heals")

    def ails(self) -> None:
        """Waits until it says that something is wrong."""
        wait_until(lambda: not self.broker.status().healthy, f"{self.name} notices")

    def hears(self, number: int, channel: str = "news") -> None:
        """Waits until its listener has heard a payload."""
        wait_until(lambda: number in self.numbers(channel), f"{self.name} hears {number}")


class Members:
    """Makes brokers that are to share what they publish, and stops them."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._made: list[Member] = []
        self._cables: list[Cable] = []

    def join(
        self,
        port: int,
        *,
        with_cable: bool = False,
        demo: bool = False,
        history: int = HISTORY,
        password: str = "",
        lease_s: float = 3.0,
        start: bool = True,
    ) -> Member:
        """One more broker on the Redis at ``port``; it has been started."""
        cable = Cable(port) if with_cable else None
        if cable is not None:
            self._cables.append(cable)
        settings = RedisSettings(
            host="127.0.0.1",
            port=cable.port if cable is not None else port,
            prefix=self.prefix,
            password=Secret(password),
        )
        name = f"process {len(self._made)}"
        member = Member(name, settings, cable, demo=demo, history=history, lease_s=lease_s)
        self._made.append(member)
        if start:
            member.broker.start()
        return member

    def pair(self, port: int, *, with_cables: bool = False, history: int = HISTORY) -> tuple[Member, Member]:
        """One that collects and one that follows."""
        collector = self.join(port, with_cable=with_cables, history=history)
        collector.becomes("collector")
        follower = self.join(port, with_cable=with_cables, history=history)
        follower.becomes("follower")
        follower.heals()
        return collector, follower

    def bus(self, port: int) -> Bus:
        """A look at, or a hand in, what they share."""
        return Bus(redis_client(RedisSettings(host="127.0.0.1", port=port)), f"{self.prefix}bus:")

    def stop(self) -> None:
        """Stops all of them."""
        for cable in self._cables:
            cable.cut()
        for member in self._made:
            member.broker.stop()


def assert_same(members: Sequence[Member]) -> None:
    """Whatever two of them heard under one number is the same, and none heard a number twice or went back."""
    known: dict[tuple[str, str, int], tuple[float, bytes]] = {}
    for member in members:
        newest: dict[tuple[str, str], int] = defaultdict(int)
        for one in member.heard:
            place = (one.channel, one.epoch, one.seq)
            said = (one.time, one.body)
            assert known.setdefault(place, said) == said, f"{member.name} heard something else as {place}"
            run = (one.channel, one.epoch)
            assert one.seq > newest[run], f"{member.name} heard {place} after {newest[run]}"
            newest[run] = one.seq
