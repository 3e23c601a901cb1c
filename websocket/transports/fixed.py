"""Answers that stay the same from the start of the process to its end. They are made once, as bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask, Response, render_template, request
from flask.sansio.app import App


class Fixed:
    """One such answer. A client that has it already, and says so by ``If-None-Match``, gets 304.

    Args:
        body: all of it.
        mimetype: of the body.
        headers: what else the answer says.
        replaced: parts of the body in whose place a client may get something else.
    """

    def __init__(
        self, body: bytes, mimetype: str, headers: Mapping[str, str] | None = None, replaced: Iterable[bytes] = ()
    ) -> None:
        # in pieces that all answers share: a body for each client that reads slowly would fill the memory
        parts = b"|".join(map(re.escape, replaced))
        self._pieces = re.split(b"(" + parts + b")", body) if parts else [body]
        self._mimetype = mimetype
        # it may be kept, but not used without asking: a new version may have been started
        self._headers = {"Cache-Control": "no-cache", **(headers or {})}
        self._etag = hashlib.sha256(body).hexdigest()[:32]

    def response(self, replacements: Mapping[bytes, bytes] | None = None) -> Response:
        """The answer to the request that is being handled.

        Args:
            replacements: what this client gets in the place of each of the parts that are ``replaced``.
        """
        replacements = replacements or {}
        etag = "-".join((self._etag, *(hashlib.sha256(own).hexdigest()[:16] for own in replacements.values())))
        response = Response([replacements.get(piece, piece) for piece in self._pieces], mimetype=self._mimetype)
        response.headers.update(self._headers)
        response.set_etag(etag)
        response.make_conditional(request)
        return response


def fixed_page(
    app: App,
    template: str,
    variables: Mapping[str, Any],
    headers: Mapping[str, str],
    replaced: Iterable[bytes] = (),
) -> Fixed:
    """A page that depends on no request.

    Args:
        app: whose templates and routes there are; those of the page's links must be among them by now.
        template: its file.
        variables: of the template.
        headers: what else the answer says.
        replaced: parts in whose place a client may get something else.
    """
    assert isinstance(app, Flask)
    with app.test_request_context():
        return Fixed(render_template(template, **variables).encode(), "text/html", headers, replaced)
