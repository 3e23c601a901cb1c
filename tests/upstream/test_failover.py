"""Pools: who is asked, and who is active."""

from __future__ import annotations

import logging

import pytest

from websocket.errors import NoProviderAnswered, UpstreamTimeout
from websocket.upstream.failover import Pool


class FakeSource:
    """Stands for ``Source``: well or not, due or not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.configured = True
        self.well = True
        self.state = "closed"
        self.retry_in_s = 0.0
        self.topics_not_due: set[str] = set()
        self.asked = 0

    def due(self, topic: str = "") -> bool:
        return topic not in self.topics_not_due


def ask(source: FakeSource) -> str:
    source.asked += 1
    if not source.well:
        raise UpstreamTimeout(source.name, "all", f"{source.name} is silent")
    return source.name


@pytest.fixture
def sources() -> list[FakeSource]:
    return [FakeSource(name) for name in ("first", "second", "third")]


@pytest.fixture
def pool(sources, clock) -> Pool:
    return Pool("exchanges", sources, clock=clock)


def always() -> bool:
    return True


def never() -> bool:
    return False


# fetch


def test_the_best_that_answers_is_used(pool, sources):
    """Sources are asked in order, and no further than needed."""
    sources[0].well = False
    assert pool.fetch(ask) == "second"
    assert pool.active == "second"
    assert [source.asked for source in sources] == [1, 1, 0]


def test_nobody_answers(pool, sources):
    """The error tells what each one said, in order."""
    for source in sources:
        source.well = False
    with pytest.raises(NoProviderAnswered) as raised:
        pool.fetch(ask)
    assert [attempt.provider for attempt in raised.value.attempts] == ["first", "second", "third"]
    assert raised.value.pool == "exchanges"
    assert pool.active is None


def test_an_empty_pool():
    """Nobody to ask is an answer too."""
    with pytest.raises(NoProviderAnswered, match="the pool is empty"):
        Pool("empty", []).fetch(ask)
    assert Pool("empty", []).fetch_until(ask, never) == []


def test_unconfigured_sources_are_passed_over(pool, sources):
    """They are neither asked nor mentioned."""
    sources[0].configured = False
    assert pool.fetch(ask) == "second"
    assert pool.fetch_until(ask, always) == []
    assert sources[0].asked == 0
    assert pool.status().failover_count == 0


@pytest.mark.parametrize("way", ["fetch", "fetch_until"])
def test_bugs_go_through(pool, way):
    """What is no upstream error is not swallowed."""
    with pytest.raises(ZeroDivisionError):
        getattr(pool, way)(lambda source: 1 / 0, *([always] if way == "fetch_until" else []))


# fetch_until


def test_it_asks_until_it_is_done(pool, sources):
    """Answers complete each other; the best one that answered is active."""
    answers = []
    errors = pool.fetch_until(lambda source: answers.append(ask(source)), lambda: len(answers) == 2)
    assert (answers, errors) == (["first", "second"], [])
    assert sources[2].asked == 0
    assert pool.active == "first"


def test_errors_are_returned_not_raised(pool, sources):
    """Even when everybody fails."""
    sources[0].well = False
    assert [error.provider for error in pool.fetch_until(ask, never)] == ["first"]
    assert pool.active == "second"
    for source in sources:
        source.well = False
    assert len(pool.fetch_until(ask, never)) == 3
    assert pool.active is None


def test_a_source_that_is_not_due_still_stands(pool, sources):
    """It is not asked, but remains active, also when another one is asked to complete it."""
    pool.fetch_until(ask, always)
    sources[0].topics_not_due = {""}
    pool.fetch_until(ask, never)
    assert [source.asked for source in sources] == [1, 1, 1]
    assert pool.active == "first"
    assert pool.status().failover_count == 0


def test_nothing_is_asked_when_what_stands_will_do(pool, sources):
    """A source that is not due, and whose last answers are enough, keeps the next one from being asked."""
    sources[0].topics_not_due = {""}
    pool.fetch_until(ask, always)
    assert [source.asked for source in sources] == [0, 0, 0]
    assert pool.active == "first"


def test_pools_of_other_topics_have_their_own_pace(sources):
    """Being due is asked for the pool's topic."""
    sources[0].topics_not_due = {"prices"}
    Pool("trends", sources, topic="trending").fetch_until(ask, always)
    Pool("prices", sources, topic="prices").fetch_until(ask, always)
    assert sources[0].asked == 1


# who is active


def test_down_and_back_up_are_recorded(pool, sources, clock, caplog):
    """One record and one line per change, with the reason; the way back is automatic."""
    caplog.set_level(logging.INFO)
    pool.fetch(ask)
    sources[0].well = False
    went_at = clock()
    for _ in range(3):
        pool.fetch(ask)
    clock.advance(60)
    sources[0].well = True
    pool.fetch_until(ask, always)
    status = pool.status()
    assert [(f.previous, f.active, f.reason, f.at) for f in status.failovers] == [
        ("first", "second", "first is silent", went_at),
        ("second", "first", "a better source answers again", went_at + 60),
    ]
    assert status.failover_count == 2
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "provider failed over pool=exchanges from=first to=second reason=first is silent"),
        ("INFO", "provider failed over pool=exchanges from=second to=first reason=a better source answers again"),
    ]


def test_the_way_back_has_its_own_reason(pool, sources):
    """Also when the one that stood in fails in the very round in which the better one is back."""
    sources[0].well = False
    pool.fetch_until(ask, always)
    assert pool.active == "second"
    sources[0].well, sources[1].well = True, False
    pool.fetch_until(ask, never)
    assert pool.active == "first"
    assert pool.status().failovers[-1].reason == "a better source answers again"


def test_a_time_when_nobody_answers(pool, sources, caplog):
    """Said once when it begins and once when it is over; the same source afterwards is no failover."""
    caplog.set_level(logging.INFO)
    pool.fetch_until(ask, always)
    for source in sources:
        source.well = False
    for _ in range(3):
        pool.fetch_until(ask, always)
    sources[0].well = True
    pool.fetch_until(ask, always)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "second all: second is silent" in caplog.messages[0]
    assert caplog.messages[1] == "provider answers again pool=exchanges active=first"
    assert pool.status().failover_count == 0


def test_only_the_last_failovers_are_kept(pool, sources):
    """Fifty records, but all are counted."""
    for _ in range(40):
        for well in (True, False):
            sources[0].well = well
            pool.fetch(ask)
    status = pool.status()
    assert (len(status.failovers), status.failover_count) == (50, 79)


def test_status_tells_who_can_be_asked(pool, sources):
    """Open, parked and unconfigured sources are inactive; half open ones may be asked."""
    sources[0].state, sources[1].state, sources[2].configured = "half_open", "parked", False
    status = pool.status()
    assert (status.name, status.active_source) == ("exchanges", None)
    assert (status.available_sources, status.inactive_sources) == (("first",), ("second", "third"))


def test_status_tells_when_a_better_source_is_tried_again(pool, sources, clock):
    """The best of those before the active one that are left alone; nobody while the best one is active."""
    pool.fetch(ask)
    assert (pool.status().better_source, pool.status().retry_at) == (None, None)
    sources[0].well = sources[1].well = False
    pool.fetch(ask)
    sources[0].retry_in_s, sources[1].retry_in_s = 40.0, 5.0
    status = pool.status()
    assert (status.active_source, status.better_source) == ("third", "first")
    assert status.retry_at == clock() + 40


def test_status_tells_who_is_tried_first_while_nobody_answers(pool, sources, clock):
    """Silent from the first round without an answer, not before it; an unconfigured source is never tried."""
    assert pool.status().silent is False
    for source, retry_in_s in zip(sources, (40.0, 5.0, 1.0), strict=True):
        source.well, source.retry_in_s = False, retry_in_s
    sources[2].configured = False
    with pytest.raises(NoProviderAnswered):
        pool.fetch(ask)
    status = pool.status()
    assert (status.silent, status.active_source) == (True, None)
    assert (status.better_source, status.retry_at) == ("second", clock() + 5)
