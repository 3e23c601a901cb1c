"""A request as WSGI applications expect it (PEP 3333)."""

from __future__ import annotations

import io
import sys
from typing import Any
from urllib.parse import unquote_to_bytes

import h11


class BadTarget(ValueError):
    """The request's target is none of the forms that we serve."""


def wsgi_environ(request: h11.Request, body: bytes, *, peer: tuple[str, int], local: tuple[str, int]) -> dict[str, Any]:
    """The environment of one request.

    Header names with an underscore are left out: WSGI could not tell them from those with a dash, and a proxy that
    sets ``X-Forwarded-For`` does not remove ``X_Forwarded_For``.

    Args:
        request: its head.
        body: its body, whole and without chunks.
        peer: address and port of the other side.
        local: address and port of ours.

    Raises:
        BadTarget: the target is not a path.
    """
    path, query = _split(request.target.decode("latin-1"))
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method.decode("ascii"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": local[0],
        "SERVER_PORT": str(local[1]),
        "SERVER_PROTOCOL": f"HTTP/{request.http_version.decode('ascii')}",
        "REMOTE_ADDR": peer[0],
        "REMOTE_PORT": str(peer[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in request.headers:
        name = raw_name.decode("ascii")
        if "_" in name or name == "transfer-encoding":
            continue
        key = f"HTTP_{name.upper().replace('-', '_')}"
        if key in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
            key = key[5:]
        value = raw_value.decode("latin-1")
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    if body or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _split(target: str) -> tuple[str, str]:
    """Path and query of a target in origin form or absolute form."""
    for scheme in ("http://", "https://"):
        if target[: len(scheme)].lower() == scheme:
            slash = target.find("/", len(scheme))
            target = "/" if slash < 0 else target[slash:]
    if not target.startswith("/"):
        raise BadTarget("Expected the path of a resource.")
    path, _, query = target.partition("?")
    return path, query
