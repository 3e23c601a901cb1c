"""What every broker promises; each backend is put through the same tests."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from websocket.broker.base import Broker, Publication
from websocket.broker.memory_broker import MemoryBroker


def memory_broker(history: int) -> Broker:
    """A broker of a single process."""
    return MemoryBroker(clock=lambda: 1_790_000_000.0, history=history)


@pytest.fixture(params=[memory_broker], ids=["memory"])
def make_broker(request: pytest.FixtureRequest) -> Callable[[int], Broker]:
    """Makes an empty broker that remembers so many publications a channel."""
    factory: Callable[[int], Broker] = request.param
    return factory


def test_numbers_are_consecutive_per_channel(make_broker: Callable[[int], Broker]) -> None:
    """Each channel counts from 1, whatever happens on the others."""
    broker = make_broker(5)
    numbers = [broker.publish(channel, {}).seq for channel in ("a", "b", "a", "a", "b")]
    assert numbers == [1, 1, 2, 3, 2]


def test_listeners_get_everything_in_order(make_broker: Callable[[int], Broker]) -> None:
    """Each publication once, in the order of the numbers, before publish returns."""
    broker = make_broker(5)
    heard: list[Publication] = []
    broker.listen(heard.append)
    published = [broker.publish("a", {"n": n}) for n in range(10)]
    assert heard == published


def test_failing_listener_hurts_nobody(make_broker: Callable[[int], Broker], caplog: pytest.LogCaptureFixture) -> None:
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


def test_last_is_the_newest(make_broker: Callable[[int], Broker]) -> None:
    """A snapshot is the newest publication, or nothing before the first."""
    broker = make_broker(2)
    assert broker.last("a") is None
    for n in range(5):
        broker.publish("a", {"n": n})
    last = broker.last("a")
    assert last is not None
    assert (last.seq, last.data, last.body) == (5, {"n": 4}, b'{"n":4}')


def test_position_names_epoch_and_newest(make_broker: Callable[[int], Broker]) -> None:
    """The position is what a client must send to resume from here."""
    broker = make_broker(2)
    epoch, seq = broker.position("a")
    assert seq == 0
    publication = broker.publish("a", {})
    assert broker.position("a") == (publication.epoch, 1)
    assert publication.epoch == epoch


def test_since_replays_exactly_what_was_missed(make_broker: Callable[[int], Broker]) -> None:
    """No more, no less, oldest first; nothing missed is an empty list."""
    broker = make_broker(5)
    epoch, _ = broker.position("a")
    published = [broker.publish("a", {"n": n}) for n in range(5)]
    assert broker.since("a", epoch, 2) == published[2:]
    assert broker.since("a", epoch, 5) == []
    assert broker.since("a", epoch, 0) == published


def test_since_never_replays_a_part(make_broker: Callable[[int], Broker]) -> None:
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


def test_new_broker_is_a_new_epoch(make_broker: Callable[[int], Broker]) -> None:
    """After a restart the numbers begin anew, and nobody can mistake them for the old ones."""
    assert make_broker(1).position("a")[0] != make_broker(1).position("a")[0]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_are_refused(make_broker: Callable[[int], Broker], number: float) -> None:
    """One NaN would disconnect every JavaScript client; it is not published, and uses up no number."""
    broker = make_broker(5)
    with pytest.raises(ValueError, match="JSON"):
        broker.publish("a", {"rows": [number]})
    assert broker.position("a")[1] == 0
