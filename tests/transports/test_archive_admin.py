"""Backups and exports over HTTP: for whom, one at a time, and never to a place that a client names."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventlet.patcher import original
from flask import Flask
from werkzeug.test import TestResponse

from tests.archive.sample import MONDAY, make_archive
from tests.documentation.contract import check, check_http_error
from tests.support.processes import wait_until
from websocket import codec
from websocket.archive import tasks as tasks_module
from websocket.archive.store import Archive
from websocket.archive.tasks import ArchiveTasks
from websocket.documentation import archive_answers
from websocket.settings import ArchiveSettings, Secret
from websocket.transports.archive_admin import MAX_BODY_BYTES, WRONG_TOKENS_PER_MINUTE, archive_admin

TOKEN = "correct-horse-battery"
ROUTES = [("POST", "/api/archive/backup"), ("POST", "/api/archive/export"), ("GET", "/api/archive/tasks")]


class Operator:
    """Asks the routes of one archive.

    Args:
        folder: ``DATA_DIR``.
        token: that is set; empty for none.
    """

    def __init__(self, folder: Path, token: str = TOKEN, *, enabled: bool = True) -> None:
        self.folder = folder
        settings = ArchiveSettings(enabled=enabled)
        self.archive = Archive(settings, folder, demo=False, clock=lambda: MONDAY)
        self.archive.start()
        self.tasks = ArchiveTasks(self.archive, settings, folder, demo=False, clock=lambda: MONDAY)
        app = Flask(__name__)
        app.register_blueprint(
            archive_admin(
                self.tasks, Secret(token), address_of=lambda environ: environ["REMOTE_ADDR"], clock=lambda: MONDAY
            )
        )
        self._client = app.test_client()

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        authorization: str | None = f"Bearer {TOKEN}",
        address: str = "",
    ) -> TestResponse:
        """Asks; a body that is no bytes is sent as JSON."""
        return self._client.open(
            path,
            method=method,
            data=body if body is None or isinstance(body, bytes) else codec.encode(body),
            headers={} if authorization is None else {"Authorization": authorization},
            environ_base={"REMOTE_ADDR": address or "192.0.2.1"},
        )

    def export(self, **order: Any) -> TestResponse:
        """Asks for an export."""
        return self.ask("POST", "/api/archive/export", {name.rstrip("_"): value for name, value in order.items()})

    def ended(self) -> dict[str, Any]:
        """The newest task, when it has ended."""
        wait_until(lambda: self.tasks.jobs.running is None, "the task has ended")
        reply = self.ask("GET", "/api/archive/tasks")
        check(archive_answers.TasksAnswer, reply.json)
        assert reply.json is not None
        newest: dict[str, Any] = reply.json["data"]["tasks"][0]
        return newest

    def stop(self) -> None:
        """Ends it."""
        self.tasks.close()
        self.archive.close()


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """Of an archive with some rows of every kind."""
    make_archive(tmp_path / "archive.sqlite3")
    made = Operator(tmp_path)
    yield made
    made.stop()


def test_backup(operator: Operator) -> None:
    """It is begun at once and told about until it is done."""
    reply = operator.ask("POST", "/api/archive/backup")
    assert reply.status_code == 202
    check(archive_answers.TaskAnswer, reply.json)
    assert reply.json is not None
    assert reply.json["data"]["state"] == "running"
    done = operator.ended()
    assert (done["task"], done["state"]) == ("backup", "done")
    assert (operator.folder / "backups" / done["file"]).stat().st_size == done["size_bytes"]


@pytest.mark.parametrize(
    ("order", "name", "lines"),
    [
        ({"kind": "prices"}, "prices-20251124T000000Z.csv", 104),
        ({"kind": "prices", "symbol": "eth", "format": "jsonl"}, "prices-ETH-20251124T000000Z.jsonl", 3),
        ({"kind": "candles", "interval": "1h"}, "candles-1h-20251124T000000Z.csv", 2),
        ({"kind": "whales", "from_": None, "to": MONDAY}, "whales-20251124T000000Z.csv", 1),
        ({"kind": "prices", "from_": 0, "to": "2025-11-24T00:00:05Z"}, "prices-20251124T000000Z.csv", 9),
    ],
)
def test_export(operator: Operator, order: dict[str, Any], name: str, lines: int) -> None:
    """Into the folder of the settings, under a name that the service makes."""
    assert operator.export(**order).status_code == 202
    done = operator.ended()
    assert (done["state"], done["file"]) == ("done", name)
    assert (operator.folder / "exports" / name).read_bytes().count(b"\n") == lines


def test_compressed_export(operator: Operator) -> None:
    """With the bytes of gzip."""
    operator.export(kind="articles", compressed=True)
    name = operator.ended()["file"]
    assert name.endswith(".csv.gz")
    assert (operator.folder / "exports" / name).read_bytes().startswith(b"\x1f\x8b")


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({}, "kind"),
        ({"kind": "secrets"}, "kind"),
        ({"kind": "prices", "file": "/etc/passwd"}, "file"),
        ({"kind": "prices", "path": "../x"}, "path"),
        ({"kind": "prices", "format": "parquet"}, "format"),
        ({"kind": "prices", "symbol": "../../x"}, "symbol"),
        ({"kind": "prices", "symbol": 5}, "symbol"),
        ({"kind": "articles", "symbol": "BTC"}, "symbol"),
        ({"kind": "prices", "interval": "1m"}, "interval"),
        ({"kind": "candles", "interval": "5m"}, "interval"),
        ({"kind": "prices", "from_": "yesterday"}, "from"),
        ({"kind": "prices", "from_": -5}, "from"),
        ({"kind": "prices", "from_": 10, "to": 5}, "from"),
        ({"kind": "prices", "from_": 1e300}, "from"),
        ({"kind": "prices", "to": True}, "to"),
        ({"kind": "prices", "compressed": "yes"}, "compressed"),
    ],
)
def test_nonsense_is_refused_by_name(operator: Operator, order: dict[str, Any], named: str) -> None:
    """And nothing is begun."""
    reply = operator.export(**order)
    assert reply.status_code == 400, reply.text
    error = check_http_error(reply.data)
    assert error["code"] == "bad_request"
    assert named in error["message"]
    assert operator.tasks.jobs.recent() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"kind":"prices"}x', b"\xff\xfe", b"[" * 4000, b"NaN"])
def test_body_that_is_no_order(operator: Operator, body: bytes) -> None:
    """400, whatever it is."""
    reply = operator.ask("POST", "/api/archive/export", body)
    assert reply.status_code == 400, reply.text
    check_http_error(reply.data)


def test_large_body_is_not_read(operator: Operator) -> None:
    """413."""
    assert operator.ask("POST", "/api/archive/export", b" " * (MAX_BODY_BYTES + 1)).status_code == 413
    assert operator.ask("POST", "/api/archive/backup", b" " * (MAX_BODY_BYTES + 1)).status_code == 413


def test_second_task_is_told_to_wait(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """409 while one runs; afterwards it may come again."""
    gate = original("threading").Event()
    export = tasks_module.export

    def slow_export(*arguments: Any, **options: Any) -> Path:
        gate.wait(30)
        return export(*arguments, **options)

    monkeypatch.setattr(tasks_module, "export", slow_export)
    assert operator.export(kind="prices").status_code == 202
    for path, body in (("/api/archive/backup", None), ("/api/archive/export", {"kind": "whales"})):
        reply = operator.ask("POST", path, body)
        assert reply.status_code == 409
        error = check_http_error(reply.data)
        assert (error["code"], error["temporary"]) == ("conflict", True)
        assert "export" in error["message"]
    gate.set()
    assert operator.ended()["state"] == "done"
    assert operator.ask("POST", "/api/archive/backup").status_code == 202
    operator.ended()


def test_failure_is_in_the_tasks(operator: Operator) -> None:
    """With its reason."""
    (operator.folder / "backups").write_text("in the way")
    assert operator.ask("POST", "/api/archive/backup").status_code == 202
    failed = operator.ended()
    assert failed["state"] == "failed"
    assert "cannot be written" in failed["reason"]


# Who may


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
    ],
)
def test_wrong_token(operator: Operator, method: str, path: str, authorization: str | None) -> None:
    """401, which says what is expected and nothing about what it was."""
    reply = operator.ask(method, path, authorization=authorization)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert TOKEN not in reply.text
    check_http_error(reply.data)
    assert operator.tasks.jobs.recent() == []


def test_odd_tokens_are_wrong_tokens(operator: Operator) -> None:
    """Not a 500."""
    for authorization in ("Bearer ünïcode", "Bearer " + "x" * 5000, "bearer\t" + TOKEN):
        assert operator.ask("GET", "/api/archive/tasks", authorization=authorization).status_code == 401


def test_word_bearer_is_the_same_in_any_case(operator: Operator) -> None:
    """As of every scheme of HTTP."""
    assert operator.ask("GET", "/api/archive/tasks", authorization=f"bearer {TOKEN}").status_code == 200


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_token_in_the_settings_it_is_off(tmp_path: Path, method: str, path: str) -> None:
    """For everybody, and an empty token opens nothing."""
    operator = Operator(tmp_path, token="")
    for authorization in (None, "Bearer ", f"Bearer {TOKEN}"):
        reply = operator.ask(method, path, authorization=authorization)
        assert reply.status_code == 403
        assert "ADMIN_TOKEN" in check_http_error(reply.data)["message"]
    operator.stop()


def test_guessing_is_slowed_down(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """By address: after ten wrong tokens even the right one has to wait, elsewhere it does not."""
    for n in range(WRONG_TOKENS_PER_MINUTE):
        assert operator.ask("GET", "/api/archive/tasks", authorization=f"Bearer {n}").status_code == 401
    for authorization in ("Bearer wrong", f"Bearer {TOKEN}"):
        reply = operator.ask("GET", "/api/archive/tasks", authorization=authorization)
        assert reply.status_code == 429
        assert int(reply.headers["Retry-After"]) > 0
        assert check_http_error(reply.data)["temporary"] is True
    assert operator.ask("GET", "/api/archive/tasks", address="192.0.2.2").status_code == 200
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert operator.ask("GET", "/api/archive/tasks").status_code == 200


def test_right_token_is_not_counted(operator: Operator) -> None:
    """An operator may look as often as is needed."""
    for _ in range(3 * WRONG_TOKENS_PER_MINUTE):
        assert operator.ask("GET", "/api/archive/tasks").status_code == 200


def test_archive_that_is_off(tmp_path: Path) -> None:
    """503, which says so."""
    operator = Operator(tmp_path, enabled=False)
    for path, body in (("/api/archive/backup", None), ("/api/archive/export", {"kind": "whales"})):
        reply = operator.ask("POST", path, body)
        assert reply.status_code == 503
        assert "ARCHIVE_ENABLED" in check_http_error(reply.data)["message"]
    operator.stop()
