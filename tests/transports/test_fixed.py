"""Documents and pages: made once a start, asked for again and again."""

from __future__ import annotations

from typing import Any

import flask
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.documentation.contract import check_http_error
from tests.support.service import ROOT
from websocket.settings import load_settings
from websocket.transports import docs as docs_module
from websocket.transports import fixed
from websocket.transports.docs import docs
from websocket.transports.http_api import http_api
from websocket.transports.pages import pages

PATHS = ("/docs", "/docs/asyncapi.json", "/docs/openapi.json", "/dashboard", "/test-websocket", "/favicon.ico")


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """Asks the pages and documents of one process."""
    app = Flask("app", root_path=str(ROOT))
    app.url_map.strict_slashes = False
    app.register_blueprint(pages())
    app.register_blueprint(docs(load_settings({})))
    return app.test_client()


@pytest.mark.parametrize("path", PATHS)
def test_who_has_it_already_does_not_get_it_again(client: FlaskClient, path: str) -> None:
    """A browser asks each time, and mostly gets a few bytes."""
    first = client.get(path)
    etag = first.headers["ETag"]
    assert first.status_code == 200
    assert "no-cache" in first.headers["Cache-Control"]
    again = client.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"another"'}).data == first.data


@pytest.mark.parametrize("path", PATHS)
def test_head_has_the_headers_and_no_body(client: FlaskClient, path: str) -> None:
    """The length is that of the answer to GET."""
    head, got = client.head(path), client.get(path)
    assert head.data == b""
    assert head.headers["Content-Length"] == str(len(got.data))
    assert head.headers["ETag"] == got.headers["ETag"]


def test_nothing_is_made_for_a_request(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a page nor a document."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("made again")

    monkeypatch.setattr(fixed, "render_template", refuse)
    monkeypatch.setattr(flask, "render_template", refuse)
    for name in ("build_asyncapi", "build_openapi", "_content", "_programs_for_the_reader"):
        monkeypatch.setattr(docs_module, name, refuse)
    for path in PATHS:
        assert client.get(path, headers={"Host": "new.example.org"}).status_code == 200


def test_answers_share_the_bytes_of_a_large_body() -> None:
    """Many that are read slowly would otherwise fill the memory."""
    app, page = Flask("app"), fixed.Fixed(b"a" * 1000 + b"HERE" + b"b" * 1000, "text/html", replaced=[b"HERE"])
    with app.test_request_context():
        one, other = (list(page.response({b"HERE": host}).iter_encoded()) for host in (b"one", b"other"))
    assert b"".join(one) == b"a" * 1000 + b"one" + b"b" * 1000
    assert [mine is theirs for mine, theirs in zip(one, other, strict=True)] == [True, False, True]


def test_page_for_one_host_is_not_taken_for_another(client: FlaskClient) -> None:
    """The address in its examples is the reader's, and its tag says so."""
    one = client.get("/docs", headers={"Host": "one.example.org"})
    other = client.get("/docs", headers={"Host": "two.example.org", "If-None-Match": one.headers["ETag"]})
    assert other.status_code == 200
    assert "ws://two.example.org/ws" in other.text
    assert "one.example.org" not in other.text
    assert docs_module.READER not in other.text
    assert "private" in other.headers["Cache-Control"]


@pytest.mark.parametrize("host", ["x" * 300, "a b", '"><script>', "[::1", "", "a:123456", "\xe9"])
def test_host_that_is_none_is_not_repeated(client: FlaskClient, host: str) -> None:
    """The examples are then for this machine."""
    reply = client.get("/docs", headers={"Host": host})
    assert reply.status_code in (200, 400)
    if reply.status_code == 200:
        assert "ws://localhost:5000/ws" in reply.text


def test_route_that_fails_is_an_error_like_all(caplog: pytest.LogCaptureFixture) -> None:
    """500 in the one shape; the reason is in the log, not in the answer."""
    app = Flask("failing")
    app.register_blueprint(http_api(None, allowed_origins=()))  # type: ignore[arg-type]

    @app.get("/bug")
    def bug() -> str:
        raise ZeroDivisionError("secret reason")

    reply = app.test_client().get("/bug")
    assert reply.status_code == 500
    error = check_http_error(reply.data)
    assert (error["code"], error["temporary"]) == ("internal", True)
    assert "secret" not in reply.text
    assert "secret reason" in caplog.text
