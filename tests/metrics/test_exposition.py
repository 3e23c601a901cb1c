"""/metrics: what comes is what Prometheus reads, and nothing that a client sends makes it grow."""

from __future__ import annotations

import math
import platform
import re
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics

import app
from tests.metrics.conftest import samples, scrape
from tests.test_app import Built, _own_handlers  # noqa: F401 - the fixture is for every test here
from websocket import green
from websocket.documentation import API_VERSION
from websocket.metrics import live
from websocket.transports import recent

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

UNITS = ("_seconds", "_bytes", "_ratio")


def test_families_are_named_and_explained(service: app.Service) -> None:
    """Ours by a prefix of their own, those of the process as everywhere; each with a sentence that explains it."""
    families = scrape(service)
    assert len(families) > 40
    for name, family in families.items():
        assert re.fullmatch("(dwt|process)_[a-z0-9_]+", name), name
        assert family.type in ("gauge", "counter", "histogram"), name
        assert len(family.documentation) > 20, name
        assert family.documentation.endswith(".") or name.startswith("process_"), name
    assert not any(unit in name for name in families for unit in ("_ms", "_milliseconds", "_percent", "_kb"))


def test_durations_and_sizes_are_in_base_units(service: app.Service) -> None:
    """So that nobody has to convert on a dashboard."""
    families = scrape(service)
    for word, unit in (("duration", "_seconds"), ("age", "_seconds"), ("lag", "_seconds"), ("size", "_bytes")):
        named = [name for name in families if f"_{word}" in name]
        assert named
        assert all(name.endswith(unit) for name in named), named


def test_both_formats_say_the_same(service: app.Service) -> None:
    """Prometheus asks for OpenMetrics, a person for neither."""
    plain = service.app.test_client().get("/metrics")
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    assert plain.headers["Cache-Control"] == "no-store"
    assert "Accept" in plain.headers["Vary"]
    reply = service.app.test_client().get("/metrics", headers={"Accept": OPENMETRICS})
    assert reply.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert reply.text.endswith("# EOF\n")
    families = read_openmetrics(reply.text)  # type: ignore[no-untyped-call]
    assert {family.name for family in families} == scrape(service).keys()


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/html",
        "text/plain; version=nonsense",
        "application/openmetrics-text; version=",
        "application/openmetrics-text; version=x.y",
        "application/openmetrics-text; version=1.0.0; escaping=nonsense",
        "application/openmetrics-text; =; ;,,;",
        "application/openmetrics-text; version=" + "9" * 5000,
    ],
)
def test_whatever_is_accepted_there_is_an_answer(service: app.Service, accept: str) -> None:
    """A header of a client is no reason to fail."""
    reply = service.app.test_client().get("/metrics", headers={"Accept": accept})
    assert reply.status_code == 200
    assert "dwt_build_info" in reply.text


def test_can_be_switched_off(built: Built) -> None:
    """Then there is no such route."""
    assert built(METRICS_ENABLED="0").app.test_client().get("/metrics").status_code == 404


def test_topic_that_fails_is_left_out_and_counted(
    service: app.Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in one of them must not make the operator blind."""
    assert set(samples(scrape(service)["dwt_metrics_failures"]).values()) == {0}

    def prices(_parts: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(live, "TOPICS", tuple(prices if topic is live.prices else topic for topic in live.TOPICS))
    families = scrape(service)
    assert "dwt_price_age_seconds" not in families
    assert "dwt_connections" in families
    assert samples(families["dwt_metrics_failures"])[("prices",)] == 1
    assert "metrics failed topic=prices" in caplog.text


def test_service_that_has_just_been_built(service: app.Service) -> None:
    """There is no price, so no age; no feed, and no archive yet. Nothing is made up."""
    families = scrape(service)
    assert families["dwt_price_age_seconds"].samples == []
    assert samples(families["dwt_feed_state"]) == {
        ("crypto-prices", "starting"): 1,
        ("crypto-prices", "live"): 0,
        ("crypto-prices", "delayed"): 0,
        ("crypto-prices", "stale"): 0,
        ("crypto-prices", "down"): 0,
    }
    assert samples(families["dwt_demo"]) == {(): 0}
    assert set(samples(families["dwt_pool_has_source"]).values()) == {0}
    assert families["dwt_archive_last_backup_timestamp_seconds"].samples == []
    assert all(math.isfinite(each.value) for family in families.values() for each in family.samples)


def test_archive_that_is_off_has_no_figures(built: Built) -> None:
    """Zeros would look like an archive that works."""
    assert not [name for name in scrape(built(ARCHIVE_ENABLED="0")) if name.startswith("dwt_archive")]


def test_running_service_is_measured(service: app.Service) -> None:
    """The event loop by its ticker, the jobs by their runs."""
    service.start()
    green.sleep(1.0)
    families = scrape(service)
    ticks = {each.name: each.value for each in families["dwt_event_loop_lag_seconds"].samples}
    assert ticks["dwt_event_loop_lag_seconds_count"] >= 1
    runs = samples(families["dwt_job_runs"])
    assert runs[("sweep_connections", "success", "housekeeping")] >= 1
    assert samples(families["dwt_job_failing"])[("sweep_connections", "housekeeping")] == 0
    assert samples(families["dwt_build_info"])[(platform.python_version(), API_VERSION)] == 1
    assert samples(families["dwt_collecting"]) == {(): 1}


def test_others_run_while_the_figures_are_read(service: app.Service) -> None:
    """All of them take longer than a ping should wait."""
    turns: list[int] = []

    def take_turns() -> None:
        while True:
            turns.append(1)
            green.sleep(0)

    ticking = green.start(take_turns)
    families = scrape(service)
    ticking.kill()
    assert len(turns) > len(families) / 2


def test_figures_are_read_once_a_second_for_everybody(service: app.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask for them; each format by itself."""
    monkeypatch.setattr(recent, "MAX_AGE_S", 60.0)
    read: list[int] = []

    def prices(_parts: Any) -> list[Any]:
        read.append(1)
        return []

    monkeypatch.setattr(live, "TOPICS", (prices,))
    client = service.app.test_client()
    for _ in range(5):
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", headers={"Accept": OPENMETRICS}).status_code == 200
    assert len(read) == 2
