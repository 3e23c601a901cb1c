"""What is kept of the publications, and under which numbers: no hole is ever replayed, and no epoch comes back."""

from __future__ import annotations

from websocket.broker.base import Publication
from websocket.broker.history import History, Listeners
from websocket.broker.numbering import Numbering


def publication(seq: int, epoch: str = "e", channel: str = "news") -> Publication:
    return Publication(channel, epoch, seq, 1.0, b"%d" % seq)


def numbering() -> tuple[Numbering, list[tuple[str, int]]]:
    """One with a listener, and what that hears."""
    heard: list[tuple[str, int]] = []
    listeners = Listeners()
    listeners.add(lambda one: heard.append((one.epoch, one.seq)))
    return Numbering(5, listeners=listeners, clock=lambda: 1.0), heard


def test_what_is_behind_a_hole_is_forgotten() -> None:
    """Although there is room for it."""
    history = History("e", 10)
    for seq in (1, 2, 5, 6):
        assert history.add(publication(seq))
    assert history.since("news", "e", 2) is None
    assert history.since("news", "e", 3) is None
    assert history.since("news", "e", 4) == [publication(5), publication(6)]
    assert history.since("news", "e", 6) == []


def test_another_epoch_begins_anew() -> None:
    """Nothing of the one before can be replayed."""
    history = History("e", 10)
    history.add(publication(1))
    history.add(publication(2, "f"))
    assert history.position("news") == ("f", 2)
    assert history.since("news", "e", 1) is None
    assert history.since("news", "f", 1) == [publication(2, "f")]


def test_what_is_there_is_not_added_again() -> None:
    """Nor what is older than the newest."""
    history = History("e", 10)
    history.add(publication(3))
    assert not history.add(publication(3))
    assert not history.add(publication(2))
    assert history.newer_than("news", 0) == [publication(3)]


def test_epoch_that_is_over_never_comes_back() -> None:
    """Whatever a Redis that was restored from an old file says."""
    numbers, heard = numbering()
    numbers.take(publication(7, "old"), is_news=True)
    numbers.take(publication(1, "new"), is_news=True)
    numbers.take(publication(8, "old"), is_news=True)
    numbers.take(publication(2, "new"), is_news=True)
    assert heard == [("old", 7), ("new", 1), ("new", 2)]
    assert numbers.of("news").position("news") == ("new", 2)


def test_island_is_renumbered_behind_what_is_shared() -> None:
    """Listeners are not told again."""
    numbers, heard = numbering()
    numbers.begin("e")
    numbers.number("news", b"1")
    numbers.isolate()
    island = [numbers.number("news", b"%d" % n) for n in (2, 3)]
    numbers.number("prices", b"4")
    assert [one.seq for one in island] == [1, 2]
    assert numbers.on_island == 3
    assert numbers.of("news").since("news", "e", 1) is None
    numbers.rejoin()
    assert numbers.on_island == 0
    assert [(one.seq, one.body) for one in numbers.of("news").since("news", "e", 0) or ()] == [
        (1, b"1"),
        (2, b"2"),
        (3, b"3"),
    ]
    assert numbers.of("prices").position("prices") == ("e", 1)
    assert heard == []


def test_new_epoch_begins_with_the_last_values() -> None:
    """Those of the island where they are newer; each becomes number 1."""
    numbers, heard = numbering()
    numbers.take(publication(7), is_news=True)
    numbers.take(publication(9, channel="prices"), is_news=True)
    numbers.isolate()
    numbers.number("news", b"8")
    heard.clear()
    numbers.begin("f")
    assert sorted(heard) == [("f", 1), ("f", 1)]
    for channel, body in (("news", b"8"), ("prices", b"9")):
        last = numbers.of(channel).last(channel)
        assert last is not None
        assert (last.epoch, last.seq, last.body) == ("f", 1, body)
