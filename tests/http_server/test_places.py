"""Who gives way to whom."""

from __future__ import annotations

import pytest

from websocket.http_server.places import GRACE_S, HttpPlaces, PlaceLimits, Waiting


class Occupant:
    """Notes that it was evicted."""

    def __init__(self, address: str = "1.1.1.1") -> None:
        self.address = address
        self.is_evicted = False

    def evict(self) -> None:
        self.is_evicted = True


class Clock:
    """Goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def places_of(clock: Clock, *, total: int = 3, http: int = 3, per_address: int = 3, websockets: int = 0) -> HttpPlaces:
    """Places with few of each."""
    limits = PlaceLimits(total=total, http=http, http_per_address=per_address)
    return HttpPlaces(limits, websockets=lambda: websockets, clock=clock)


def enter(places: HttpPlaces, kind: Waiting | None, address: str = "1.1.1.1") -> Occupant:
    """One more connection, which waits for something or is served."""
    assert places.refusal(address) is None
    occupant = Occupant(address)
    places.enter(occupant)
    if kind is not None:
        places.wait(occupant, kind)
    return occupant


def test_idle_connection_that_waited_longest_gives_way_first(clock: Clock) -> None:
    places = places_of(clock)
    unfinished = enter(places, Waiting.REQUEST)
    clock.now += 10
    older, younger = enter(places, Waiting.NEXT_REQUEST), enter(places, Waiting.NEXT_REQUEST)
    enter(places, None)
    assert (older.is_evicted, younger.is_evicted, unfinished.is_evicted) == (True, False, False)
    assert places.counts.evicted == {"next_request": 1}


@pytest.mark.parametrize("kind", [Waiting.REQUEST, Waiting.READER, Waiting.APPLICATION])
def test_slow_peer_gives_way_only_after_its_time_of_grace(clock: Clock, kind: Waiting) -> None:
    places = places_of(clock, http=1)
    slow = enter(places, kind)
    clock.now += GRACE_S / 2
    assert places.refusal("2.2.2.2") == "full"
    assert not slow.is_evicted
    clock.now += GRACE_S
    assert places.refusal("2.2.2.2") is None
    assert slow.is_evicted


def test_connection_that_is_served_never_gives_way(clock: Clock) -> None:
    places = places_of(clock, http=1)
    enter(places, None)
    clock.now += 1000
    assert places.refusal("2.2.2.2") == "full"


def test_websockets_count_against_the_total(clock: Clock) -> None:
    assert places_of(clock, total=3, websockets=3).refusal("1.1.1.1") == "full"
    assert places_of(clock, total=3, websockets=2).refusal("1.1.1.1") is None


def test_address_with_its_share_gets_no_more_by_evicting_others(clock: Clock) -> None:
    places = places_of(clock, per_address=1)
    other = enter(places, Waiting.NEXT_REQUEST, "2.2.2.2")
    own = enter(places, None)
    assert places.refusal("1.1.1.1") == "address"
    assert not other.is_evicted
    places.wait(own, Waiting.NEXT_REQUEST)
    assert places.refusal("1.1.1.1") is None
    assert own.is_evicted


def test_proxy_has_no_share(clock: Clock) -> None:
    places = places_of(clock, per_address=1)
    enter(places, None, "")
    assert places.refusal("") is None


def test_who_has_given_way_cannot_give_way_again(clock: Clock) -> None:
    """It may still have something to read; the place that it had is somebody else's by now."""
    places = places_of(clock, http=1)
    gone = enter(places, Waiting.NEXT_REQUEST)
    assert places.refusal("2.2.2.2") is None
    enter(places, None, "2.2.2.2")
    places.wait(gone, Waiting.NEXT_REQUEST)
    assert places.refusal("3.3.3.3") == "full"


def test_place_is_free_again_once_it_was_left(clock: Clock) -> None:
    places = places_of(clock, http=1, per_address=1)
    occupant = enter(places, Waiting.REQUEST)
    places.leave(occupant)
    places.leave(occupant)
    assert len(places) == 0
    assert places.refusal("1.1.1.1") is None
    assert not places.make_room()
