"""The hub: every publication reaches every subscriber once and in order, whoever else runs in between."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.processes import wait_until
from websocket import green
from websocket.broker.base import Publication
from websocket.broker.memory_broker import MemoryBroker
from websocket.hub import OFFERS_PER_TURN, Hub, Traffic, fan_out, in_turns


class Client:
    """Stands for a connection; remembers what it was offered."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.forgotten: list[str] = []

    def offer(self, _channel: str, frame: bytes) -> None:
        self.got.append(frame)

    def forget(self, channel: str) -> None:
        self.forgotten.append(channel)


class World:
    """A hub with a broker, and the number of frames that were made."""

    def __init__(self) -> None:
        self.broker = MemoryBroker(clock=lambda: 0.0)
        self.frames_made = 0
        self.hub = Hub(self.broker, frame=self.frame)

    def frame(self, publication: Publication, *, snapshot: bool = False) -> bytes:
        self.frames_made += 1
        return b"%d" % publication.seq

    def publish(self, count: int = 1, channel: str = "news") -> None:
        for _ in range(count):
            self.broker.publish(channel, {})

    def join(self, channel: str = "news") -> Any:
        """A subscriber; what it began with is the first thing that it got, as if its transport had sent it."""
        client = Client()
        last = self.hub.subscribe(client, channel)  # type: ignore[arg-type]
        if last is not None:
            client.got.append(b"snapshot %d" % last.seq)
        return client


@pytest.fixture
def world() -> World:
    """A hub without history."""
    return World()


def settle() -> None:
    """Lets all deliveries happen."""
    for _ in range(20):
        green.sleep(0)


def test_publication_is_framed_once_for_all(world: World) -> None:
    """And reaches each subscriber of its channel, and nobody else."""
    clients, other = [world.join() for _ in range(5)], world.join("onchain")
    world.publish()
    settle()
    assert [client.got for client in clients] == [[b"1"]] * 5
    assert other.got == []
    assert world.frames_made == 1


def test_nothing_is_framed_for_nobody(world: World) -> None:
    """A channel without subscribers costs nothing."""
    world.publish()
    settle()
    assert world.frames_made == 0


def test_publisher_does_not_wait_for_the_delivery(world: World) -> None:
    """It has a green thread of its own."""
    client = world.join()
    world.publish(3)
    assert client.got == []
    settle()
    assert client.got == [b"1", b"2", b"3"]


def test_subscriber_between_publication_and_delivery_gets_it_once(world: World) -> None:
    """As its beginning, and not once more."""
    world.publish(2)
    client = world.join()
    world.publish()
    settle()
    assert client.got == [b"snapshot 2", b"3"]


def test_delivery_that_yields_is_not_overtaken(world: World) -> None:
    """A loop over many subscribers lets others run; the next publication of the channel waits for it."""
    clients = [world.join() for _ in range(2 * OFFERS_PER_TURN + 500)]
    world.publish()
    green.sleep(0)
    assert clients[0].got == [b"1"]
    assert clients[-1].got == [], "so many offers did not yield"
    world.publish()
    world.publish()
    settle()
    assert all(client.got == [b"1", b"2", b"3"] for client in clients)


def test_other_channels_go_on_meanwhile(world: World) -> None:
    """Only publications of the same channel wait."""
    for _ in range(5 * OFFERS_PER_TURN):
        world.join()
    other = world.join("onchain")
    world.publish()
    world.publish(channel="onchain")
    green.sleep(0)
    assert other.got == [b"1"]
    settle()


def test_subscriber_during_a_delivery_gets_each_once(world: World) -> None:
    """It begins with the newest, and the loop that is under way passes it over."""
    for _ in range(2 * OFFERS_PER_TURN):
        world.join()
    world.publish()
    green.sleep(0)
    client = world.join()
    world.publish()
    settle()
    assert client.got == [b"snapshot 1", b"2"]


def test_unsubscription_during_a_delivery_stops_at_once(world: World) -> None:
    """Although the loop had begun when the client was still subscribed."""
    clients = [world.join() for _ in range(2 * OFFERS_PER_TURN)]
    world.publish()
    green.sleep(0)
    leaving = clients[-1]
    world.hub.unsubscribe(leaving, "news")
    settle()
    assert leaving.got == []
    assert clients[-2].got == [b"1"]


def test_subscribing_anew_during_a_delivery_brings_it_once(world: World) -> None:
    """The snapshot is it."""
    clients = [world.join() for _ in range(2 * OFFERS_PER_TURN)]
    world.publish()
    green.sleep(0)
    leaving = clients[-1]
    world.hub.unsubscribe(leaving, "news")
    world.hub.subscribe(leaving, "news")
    settle()
    assert leaving.got == []


def test_unsubscription_forgets_what_waits(world: World) -> None:
    """And may be repeated."""
    client = world.join()
    for _ in range(2):
        world.hub.unsubscribe(client, "news")
    world.hub.unsubscribe(client, "unheard of")
    assert client.forgotten == ["news"]
    assert world.hub.count("news") == 0


def test_failing_transport_does_not_end_the_channel(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; the others and the next publication go out."""
    seen: list[int] = []

    def fail(_publication: Publication) -> None:
        raise RuntimeError("a bug")

    world.hub.attach(fail)
    world.hub.attach(lambda publication: seen.append(publication.seq))
    client = world.join()
    world.publish(2)
    settle()
    assert (client.got, seen) == ([b"1", b"2"], [1, 2])
    assert caplog.text.count("delivery failed") == 2


def test_transports_get_every_publication_in_order(world: World) -> None:
    """Also one that yields; of each channel by itself."""
    seen: list[int] = []

    def slow(publication: Publication) -> None:
        green.sleep(0.001 if publication.seq % 2 else 0)
        seen.append(publication.seq)

    world.hub.attach(slow)
    world.publish(10)
    green.sleep(0.1)
    settle()
    assert seen == list(range(1, 11))


@pytest.mark.parametrize(
    ("connections", "yields"),
    [(0, 0), (1, 0), (OFFERS_PER_TURN, 0), (OFFERS_PER_TURN + 1, 1), (3 * OFFERS_PER_TURN + 1, 3)],
)
def test_fan_out_lets_others_run(monkeypatch: pytest.MonkeyPatch, connections: int, yields: int) -> None:
    """Between two parts of a large crowd, so that a ping is answered soon."""
    yielded: list[float] = []
    monkeypatch.setattr(green, "sleep", yielded.append)
    clients: list[Any] = [Client() for _ in range(connections)]
    fan_out(in_turns(clients), "news", b"x", Traffic())
    assert all(client.got == [b"x"] for client in clients)
    assert yielded == [0] * yields


def test_offers_are_counted(world: World) -> None:
    """Frames and bytes, by those who were there when their turn came."""
    for _ in range(3):
        world.join()
    world.join("onchain")
    world.publish(2)
    settle()
    assert (world.hub.traffic.frames, world.hub.traffic.bytes) == (6, 6 * len(b"1"))


def test_end_of_a_delivery_is_told(world: World) -> None:
    """Once for each publication, with the time that it took for everybody."""
    told: list[tuple[str, float]] = []
    world.hub.on_delivered(lambda channel, seconds: told.append((channel, seconds)))
    world.hub.attach(lambda _publication: green.sleep(0.05))
    world.publish(2)
    green.sleep(0.3)
    settle()
    assert [channel for channel, _ in told] == ["news", "news"]
    assert told[0][1] >= 0.05
    assert told[1][1] >= 0.1


def test_delivery_goes_on_after_a_failure_of_its_own(world: World) -> None:
    """What failed is not the end of the channel: the publications behind it are delivered, and those to come."""
    failures = [RuntimeError("a bug")]

    def fail_once(_channel: str, _seconds: float) -> None:
        if failures:
            raise failures.pop()

    world.hub.on_delivered(fail_once)
    client = world.join()
    world.publish(3)
    wait_until(lambda: len(client.got) == 3, "the publications behind the failure")
    world.publish()
    wait_until(lambda: len(client.got) == 4, "the one after it")
    assert client.got == [b"1", b"2", b"3", b"4"]
