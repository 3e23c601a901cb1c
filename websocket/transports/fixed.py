"""Answers that stay the same from the start of the process to its end. They are made once, as bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, render_template, request
from flask.sansio.app import App


class Fixed:
    """One such answer. A client that has it already, and says so by ``If-None-Match``, gets 304.

    Args:
        body: all of it.
        mimetype: of the body.
        headers: what else the answer says.
    """

    def __init__(self, body: bytes, mimetype: str, headers: Mapping[str, str] | None = None) -> None:
        self._body = body
        self._mimetype = mimetype
        # it may be kept, but not used without asking: a new version may have been started
        self._headers = {"Cache-Control": "no-cache", **(headers or {})}
        self._etag = hashlib.sha256(body).hexdigest()[:32]

    def response(self, replacements: Mapping[bytes, bytes] | None = None) -> Response:
        """The answer to the request that is being handled.

        Args:
            replacements: parts of the body, and what this client gets in their place.
        """
        body, etag = self._body, self._etag
        for part, replacement in (replacements or {}).items():
            body = body.replace(part, replacement)
            etag += f"-{hashlib.sha256(replacement).hexdigest()[:16]}"
        response = Response(body, mimetype=self._mimetype)
        response.headers.update(self._headers)
        response.set_etag(etag)
        response.make_conditional(request)
        return response


def fixed_page(app: App, template: str, variables: Mapping[str, Any], headers: Mapping[str, str]) -> Fixed:
    """A page that depends on no request.

    Args:
        app: whose templates and routes there are; those of the page's links must be among them by now.
        template: its file.
        variables: of the template.
        headers: what else the answer says.
    """
    assert isinstance(app, Flask)
    with app.test_request_context():
        return Fixed(render_template(template, **variables).encode(), "text/html", headers)
