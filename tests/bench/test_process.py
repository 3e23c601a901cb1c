"""What the process asks of the system before it takes thousands of connections."""

from __future__ import annotations

import gc
import resource
from collections.abc import Iterator

import pytest

from websocket.process import COLLECTOR_THRESHOLDS, SPARE_DESCRIPTORS, calm_garbage_collector, make_room, wanted_room

MAX_CONNECTIONS = 10_000
WANTED = wanted_room(MAX_CONNECTIONS)
ENOUGH = WANTED.total + SPARE_DESCRIPTORS


class Limits:
    """The system's limit of descriptors: (soft, hard)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> None:
        self.now = (soft, hard)
        monkeypatch.setattr(resource, "getrlimit", lambda _which: self.now)
        monkeypatch.setattr(resource, "setrlimit", self.set)

    def set(self, _which: int, limits: tuple[int, int]) -> None:
        assert limits[0] <= limits[1] or limits[1] == resource.RLIM_INFINITY
        self.now = limits


@pytest.fixture
def collector() -> Iterator[None]:
    """Puts the garbage collector back as it was."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.parametrize("soft", [ENOUGH, 1_000_000, resource.RLIM_INFINITY])
def test_a_limit_that_is_enough_stays(
    soft: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(monkeypatch, soft, resource.RLIM_INFINITY)
    assert make_room(MAX_CONNECTIONS) == WANTED
    assert limits.now == (soft, resource.RLIM_INFINITY)
    assert not caplog.records


@pytest.mark.parametrize("hard", [ENOUGH, 1_000_000, resource.RLIM_INFINITY])
def test_a_soft_limit_is_raised_as_far_as_needed(
    hard: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(monkeypatch, 1024, hard)
    assert make_room(MAX_CONNECTIONS) == WANTED
    assert limits.now == (ENOUGH, hard)
    assert not caplog.records


def test_one_warning_says_what_to_do_when_the_hard_limit_is_too_low(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(monkeypatch, 1024, 4096)
    room = make_room(MAX_CONNECTIONS)
    assert room.total == 4096 - SPARE_DESCRIPTORS
    assert limits.now == (4096, 4096)
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert f"allow {ENOUGH} (ulimit -n, or LimitNOFILE of the systemd unit)" in record.getMessage()
    assert f"so at most {room.clients}" in record.getMessage()


@pytest.mark.parametrize("hard", [16, 160, 300, 1024])
def test_there_is_room_for_the_rest_of_the_service_however_low_the_limit(
    hard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Limits(monkeypatch, 10, hard)
    room = make_room(MAX_CONNECTIONS)
    assert room.clients >= 1
    assert room.http >= 1
    assert room.total <= hard * 3 / 4


@pytest.mark.usefixtures("collector")
def test_what_exists_at_the_start_is_never_collected_and_the_rest_seldom() -> None:
    frozen_before = gc.get_freeze_count()
    calm_garbage_collector()
    assert gc.get_freeze_count() > frozen_before
    assert gc.get_threshold() == COLLECTOR_THRESHOLDS
