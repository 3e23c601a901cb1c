"""What the process asks of the system before it takes thousands of connections."""

from __future__ import annotations

import gc
import resource
from collections.abc import Iterator

import pytest

from websocket.process import COLLECTOR_THRESHOLDS, SPARE_DESCRIPTORS, allow_descriptors, calm_garbage_collector

MAX_CONNECTIONS = 10_000
ENOUGH = MAX_CONNECTIONS + SPARE_DESCRIPTORS


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
    allow_descriptors(MAX_CONNECTIONS)
    assert limits.now == (soft, resource.RLIM_INFINITY)
    assert not caplog.records


@pytest.mark.parametrize("hard", [ENOUGH, 1_000_000, resource.RLIM_INFINITY])
def test_a_soft_limit_is_raised_as_far_as_needed(
    hard: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(monkeypatch, 1024, hard)
    allow_descriptors(MAX_CONNECTIONS)
    assert limits.now == (ENOUGH, hard)
    assert not caplog.records


def test_one_warning_says_what_to_do_when_the_hard_limit_is_too_low(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(monkeypatch, 1024, 4096)
    allow_descriptors(MAX_CONNECTIONS)
    assert limits.now == (4096, 4096)
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert f"allow {ENOUGH} (ulimit -n, or LimitNOFILE of the systemd unit)" in record.getMessage()
    assert f"MAX_CONNECTIONS to at most {4096 - SPARE_DESCRIPTORS}" in record.getMessage()


@pytest.mark.usefixtures("collector")
def test_what_exists_at_the_start_is_never_collected_and_the_rest_seldom() -> None:
    frozen_before = gc.get_freeze_count()
    calm_garbage_collector()
    assert gc.get_freeze_count() > frozen_before
    assert gc.get_threshold() == COLLECTOR_THRESHOLDS
