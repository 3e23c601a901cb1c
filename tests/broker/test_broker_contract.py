"""What every broker promises; each backend is put through the same tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest

from tests.broker.members import Members
from tests.support.processes import wait_until
from websocket.broker.base import Broker, Publication
from websocket.broker.memory_broker import MemoryBroker
from websocket.broker.redis_broker import RedisBroker
from websocket.settings import RedisSettings

MakeBroker = Callable[[int], Broker]

NOW = 1_790_000_000.0


def memory_broker(_request: pytest.FixtureRequest, _members: Members, history: int) -> Broker:
    """A broker of a single process."""
    return MemoryBroker(clock=lambda: NOW, history=history)


def redis_broker(request: pytest.FixtureRequest, members: Members, history: int) -> Broker:
    """A broker of many processes, alone on its Redis until somebody joins."""
    server = request.getfixturevalue("shared_redis")
    settings = RedisSettings(host="127.0.0.1", port=server.port, prefix=members.prefix)
    return RedisBroker(settings, clock=lambda: NOW, demo=False, history=history)


@pytest.fixture(params=[memory_broker, redis_broker], ids=["memory", "redis"])
def make_unstarted(request: pytest.FixtureRequest, members: Members) -> Iterator[MakeBroker]:
    """Makes an empty broker that remembers so many publications a channel."""
    made: list[Broker] = []

    def make(history: int) -> Broker:
        made.append(request.param(request, members, history))
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture
def make_broker(make_unstarted: MakeBroker) -> MakeBroker:
    """Makes one that collects."""

    def make(history: int) -> Broker:
        broker = make_unstarted(history)
        broker.start()
        wait_until(lambda: broker.collecting, "it collects")
        return broker

    return make


def test_numbers_are_consecutive_per_channel(make_broker: MakeBroker) -> None:
    """Each channel counts from 1, whatever happens on the others."""
    broker = make_broker(5)
    numbers = [broker.publish(channel, {}).seq for channel in ("a", "b", "a", "a", "b")]
    assert numbers == [1, 1, 2, 3, 2]


def test_listeners_get_everything_in_order(make_broker: MakeBroker) -> None:
    """Each publication once, in the order of the numbers, before publish returns."""
    broker = make_broker(5)
    heard: list[Publication] = []
    broker.listen(heard.append)
    published = [broker.publish("a", {"n": n}) for n in range(10)]
    assert heard == published


def test_failing_listener_hurts_nobody(make_broker: MakeBroker, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in one listener is logged; the others and later publications go on."""
    broker = make_broker(5)
    heard: list[int] = []

    def fail(_publication: Publication) -> None:
        raise RuntimeError("bug")

    broker.listen(fail)
    broker.listen(lambda publication: heard.append(publication.seq))
    broker.publish("a", {})
    broker.publish("a", {})
    assert heard == [1, 2]
    assert "listener failed" in caplog.text


def test_last_is_the_newest(make_broker: MakeBroker) -> None:
    """A snapshot is the newest publication, or nothing before the first."""
    broker = make_broker(2)
    assert broker.last("a") is None
    for n in range(5):
        broker.publish("a", {"n": n})
    last = broker.last("a")
    assert last is not None
    assert (last.seq, last.time, last.data, last.body) == (5, NOW, {"n": 4}, b'{"n":4}')


def test_position_names_epoch_and_newest(make_broker: MakeBroker) -> None:
    """The position is what a client must send to resume from here."""
    broker = make_broker(2)
    epoch, seq = broker.position("a")
    assert seq == 0
    publication = broker.publish("a", {})
    assert broker.position("a") == (publication.epoch, 1)
    assert publication.epoch == epoch


def test_history_is_what_is_remembered(make_broker: MakeBroker) -> None:
    """Oldest first, and no more than its size; nothing of other channels."""
    broker = make_broker(3)
    assert broker.history("a") == []
    published = [broker.publish("a", {"n": n}) for n in range(5)]
    broker.publish("b", {})
    assert broker.history("a") == published[-3:]


def test_since_replays_exactly_what_was_missed(make_broker: MakeBroker) -> None:
    """No more, no less, oldest first; nothing missed is an empty list."""
    broker = make_broker(5)
    epoch, _ = broker.position("a")
    assert broker.since("a", epoch, 0) == []
    published = [broker.publish("a", {"n": n}) for n in range(5)]
    assert broker.since("a", epoch, 2) == published[2:]
    assert broker.since("a", epoch, 5) == []
    assert broker.since("a", epoch, 0) == published


def test_since_never_replays_a_part(make_broker: MakeBroker) -> None:
    """When history is gone, the epoch is another or the number is from the future, it says that it cannot tell."""
    broker = make_broker(3)
    epoch, _ = broker.position("a")
    for n in range(5):
        broker.publish("a", {"n": n})
    assert broker.since("a", epoch, 1) is None
    assert broker.since("a", epoch, 2) is not None
    assert broker.since("a", "another", 4) is None
    assert broker.since("a", epoch, 6) is None
    assert broker.since("a", epoch, -1) is None


@pytest.mark.parametrize("size", [1, 2, 7])
def test_history_is_bounded(make_broker: MakeBroker, size: int) -> None:
    """Each channel keeps exactly as many as it was told, whatever the others do."""
    broker = make_broker(size)
    epoch, _ = broker.position("a")
    for n in range(20):
        broker.publish("a", {"n": n})
        broker.publish("b", {"n": n}) if n % 3 == 0 else None
    assert [one.data["n"] for one in broker.since("a", epoch, 20 - size) or ()] == list(range(20))[-size:]
    assert broker.since("a", epoch, 19 - size) is None
    assert broker.since("b", epoch, 7 - size) is not None


def test_new_broker_is_a_new_epoch(make_unstarted: MakeBroker) -> None:
    """What has heard of no other begins anew, and nobody can mistake its numbers for others."""
    assert make_unstarted(1).position("a")[0] != make_unstarted(1).position("a")[0]


def test_epoch_is_that_of_all_channels(make_broker: MakeBroker) -> None:
    """Also of those on which nothing was published, and as its status says."""
    broker = make_broker(5)
    broker.publish("a", {})
    assert broker.position("a")[0] == broker.position("never heard of")[0] == broker.status().epoch


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_are_refused(make_broker: MakeBroker, number: float) -> None:
    """One NaN would disconnect every JavaScript client; it is not published, and uses up no number."""
    broker = make_broker(5)
    with pytest.raises(ValueError, match="JSON"):
        broker.publish("a", {"rows": [number]})
    assert broker.position("a")[1] == 0


def test_collecting_is_announced_after_the_start(make_unstarted: MakeBroker) -> None:
    """Once, also to somebody who has a bug."""
    broker = make_unstarted(5)
    told: list[str] = []

    def gained() -> None:
        told.append("gained")
        raise RuntimeError("bug")

    broker.on_role_change(gained=gained, lost=lambda: told.append("lost"))
    assert told == []
    broker.start()
    wait_until(lambda: told, "it is told")
    assert broker.collecting
    broker.publish("a", {})
    assert told == ["gained"]


def test_status_says_that_all_is_well(make_broker: MakeBroker) -> None:
    """And nothing waits to be written in the end."""
    broker = make_broker(5)
    broker.publish("a", {})
    wait_until(lambda: broker.status().outbox == 0 and broker.status().healthy, "all is written and heard")
    status = broker.status()
    assert status.role in ("single", "collector")
    assert status.detail
    assert status.last_error is None


def test_stop_may_be_repeated(make_broker: MakeBroker) -> None:
    """And what was published can still be read."""
    broker = make_broker(5)
    published = broker.publish("a", {})
    broker.stop()
    broker.stop()
    assert broker.last("a") == published
