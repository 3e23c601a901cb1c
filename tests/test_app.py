"""The composition root: what is built, and when."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import app
from tests.support.processes import run_to_end
from tests.support.service import CLOSED_PORT, ROOT, service_environment
from websocket import green
from websocket.catalogue import SERVICE_NAMES
from websocket.errors import SettingsError, StartError
from websocket.providers import provider_classes
from websocket.scheduler import Scheduler
from websocket.services.chosen_providers import NEEDED
from websocket.settings import Settings, load_settings, with_provider_urls


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    """Puts the handlers of the test run aside; building a service sets logging up."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    root.handlers.clear()
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = kept
    root.setLevel(level)


def settings_in(folder: Path, **environ: str) -> Settings:
    """Settings of a service that reaches neither the internet nor a Redis, with its files in ``folder``."""
    own = {"DATA_DIR": str(folder / "data"), "LOG_FILE": str(folder / "log"), "REDIS_PORT": str(CLOSED_PORT)}
    return with_provider_urls(load_settings({**own, **environ}), f"http://127.0.0.1:{CLOSED_PORT}")


class Built:
    """Builds services, and stops them after the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._services: list[app.Service] = []

    def __call__(self, **environ: str) -> app.Service:
        service = app.build(settings_in(self._folder, **environ))
        self._services.append(service)
        return service

    def stop(self) -> None:
        """Stops all."""
        for service in self._services:
            service.stop()


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Built]:
    built = Built(tmp_path)
    yield built
    built.stop()


def test_import_builds_nothing(tmp_path: Path) -> None:
    """Tests, checks and tools import it without a service coming to life."""
    script = "import app; print('service' in vars(app), 'app' in vars(app))"
    ended = run_to_end([sys.executable, "-c", script], cwd=ROOT, env=service_environment(tmp_path))
    assert ended.stdout == "False False\n"
    assert list(tmp_path.iterdir()) == []


def test_unknown_attribute_is_an_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError):
        _ = app.no_such_thing


def test_start_that_fails_is_one_line_and_the_code_that_ends_gunicorn(tmp_path: Path) -> None:
    """With another code gunicorn would start workers for ever."""
    env = service_environment(tmp_path, {"STALE_AFTER": "abc"})
    ended = run_to_end([sys.executable, "-c", "import app; app.app"], cwd=ROOT, env=env)
    assert ended.code == 3
    assert ended.stderr.startswith("STALE_AFTER: ")
    assert ended.stderr.count("\n") == 1


def test_building_starts_nothing(build: Built) -> None:
    """No job has run, no request was made."""
    service = build()
    green.sleep(0.1)
    report = service.health.report()
    assert all(provider["last_check"] is None for provider in report["providers"].values())
    assert report["status"] == "starting"


def test_pools_share_their_sources(build: Built) -> None:
    """And with them budget and circuit: a provider in both pools is one provider."""
    service = build(TICK_PROVIDERS="kraken,coingecko", SNAPSHOT_PROVIDERS="coingecko")
    report = service.health.report()
    assert list(report["pools"]["market_data"]["available_sources"]) == ["kraken", "coingecko"]
    assert list(report["pools"]["market_figures"]["available_sources"]) == ["coingecko"]
    assert list(report["providers"]).count("coingecko") == 1


def test_pools_and_jobs_have_plain_names(build: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each begins with the service that it is for, or says what it does."""
    jobs: list[str] = []
    plan = Scheduler.every

    def every(scheduler: Scheduler, interval_s: float, name: str, *work: Any, **times: Any) -> None:
        jobs.append(name)
        plan(scheduler, interval_s, name, *work, **times)

    monkeypatch.setattr(Scheduler, "every", every)
    pools = build().health.report()["pools"]
    names = [*jobs, *pools]
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []
    assert {"market_data", "market_figures", "news_coindesk", "onchain_gas"} <= set(pools)
    assert {f"publish_{service}" for service in SERVICE_NAMES} <= set(jobs)
    assert {"market_data_collection", "market_figures_collection", "news_coindesk_collection"} <= set(jobs)
    assert [name for name in pools if not name.startswith((*SERVICE_NAMES, "market_figures"))] == []


def test_provider_that_cannot_do_what_it_is_chosen_for_is_a_wrong_setting(build: Built, tmp_path: Path) -> None:
    """Said before anything is opened."""
    with pytest.raises(SettingsError, match="TICK_PROVIDERS: 'mempool_space' cannot stand here"):
        build(TICK_PROVIDERS="kraken,mempool_space")
    assert list(tmp_path.iterdir()) == []


def test_services_take_every_provider_that_settings_may_choose(build: Built) -> None:
    """What a setting asks of its providers is what the services ask of them."""
    classes = provider_classes()
    chosen = {
        setting: ",".join(name for name, provider in classes.items() if needed.lack_of(provider) is None)
        for setting, needed in NEEDED.items()
    }
    pools = build(**chosen).health.report()["pools"]
    assert list(pools["onchain_daily"]["available_sources"]) == chosen["ONCHAIN_DAILY_PROVIDERS"].split(",")


def test_folder_is_free_after_stop(build: Built) -> None:
    """And only then; stopping is idempotent."""
    first = build()
    with pytest.raises(StartError, match="DATA_DIR"):
        build()
    first.stop()
    first.stop()
    build()


def test_our_own_fault_is_a_json_error_without_details(build: Built) -> None:
    """The client learns that it is temporary, the log gets the traceback."""
    service = build()

    def fail() -> Any:
        raise ZeroDivisionError("an inner secret")

    service.app.add_url_rule("/fail", view_func=fail)
    reply = service.app.test_client().get("/fail")
    assert reply.status_code == 500
    assert reply.json == {
        "code": "internal",
        "message": "This failed on our side; it is logged.",
        "temporary": True,
    }
    assert b"inner secret" not in reply.data


@pytest.mark.parametrize(
    ("allowed", "origin", "answer"),
    [
        ("*", "https://any.example", "*"),
        ("https://a.example,https://b.example", "https://b.example", "https://b.example"),
        ("https://a.example", "https://evil.example", None),
    ],
)
def test_other_pages_may_read_only_if_they_are_allowed(
    build: Built, allowed: str, origin: str, answer: str | None
) -> None:
    """``ALLOWED_ORIGINS`` holds for the HTTP API."""
    client = build(ALLOWED_ORIGINS=allowed).app.test_client()
    reply = client.get("/health/live", headers={"Origin": origin})
    assert reply.headers.get("Access-Control-Allow-Origin") == answer


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_wrong_method_is_a_json_error(build: Built, method: str) -> None:
    """In the one shape of all errors."""
    reply = getattr(build().app.test_client(), method)("/api/prices")
    assert reply.status_code == 405
    assert reply.json["code"] == "method_not_allowed"


def test_help_of_the_development_server() -> None:
    """Every option is explained."""
    said = subprocess.run(
        [sys.executable, "start_service.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for option in ("--demo", "--host", "--port", "--check"):
        assert option in said
