"""One HTTP request to a provider, bounded in time and memory.

This is the only place that knows requests, urllib3 and their exceptions: what leaves it is an ``Answer`` or an
``UpstreamError``. Reasons in errors are our own words; they never repeat headers, keys, query strings or bodies.
"""

from __future__ import annotations

import http.client
import ipaddress
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter

from websocket import codec, green
from websocket.errors import (
    AccessRefused,
    BadPayload,
    RateLimited,
    UnknownSymbol,
    UpstreamError,
    UpstreamStatus,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from websocket.providers.base import KEPT_HEADERS, Answer, Provider, Request
from websocket.settings import UpstreamSettings

logger = logging.getLogger(__name__)

USER_AGENT = "DWT-Exchange-streaming/1.0"
MAX_REDIRECTS = 3
CONNECTIONS_PER_PROVIDER = 8
CHUNK_BYTES = 64 * 1024
MAX_ERROR_BODY_BYTES = 64 * 1024
"""An error's body only helps to name the error; when it is larger, the status has to do."""

NOT_MODIFIED = 304

ACCEPT = {"json": "application/json", "text": "text/plain, */*;q=0.5", "bytes": "*/*"}

REFUSED = frozenset({401, 402, 403, 418, 451})

RATE_LIMIT_WINDOW = re.compile(r";\s*t\s*=\s*([0-9]{1,6})(?![0-9])")
"""Of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/."""

FOREIGN_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    UnicodeError,
)
"""What a request may raise: ssl's errors are OSErrors; a host or header that cannot be encoded is a UnicodeError."""

UNUSABLE_ADDRESS_ERRORS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)


class _Reply(msgspec.Struct, frozen=True):
    """What came over the wire. ``body`` is None when it is that of an error and could not be read."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class _Session(requests.Session):
    """A session that leaves redirects alone.

    Even with ``allow_redirects=False`` requests prepares the next hop, and reads the whole body of the redirect to
    do so, however large it is.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Always None: ``HttpClient`` follows redirects itself."""
        return None


class HttpClient:
    """Sends requests to any provider, each through its own connection pool.

    Green threads may share it. It retries nothing: that is decided by circuits and pools.
    """

    def __init__(self, settings: UpstreamSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._sessions: dict[str, requests.Session] = {}

    def fetch(self, provider: Provider, request: Request) -> Answer:
        """Gives the decoded answer to one request.

        The calling green thread waits ``deadline_s`` at most, however slowly the answer drips in. At most
        ``max_answer_bytes`` of it are held.

        Raises:
            UpstreamTimeout: no connection, silence, or no whole answer in time.
            UpstreamUnreachable: no connection, a TLS fault, or a connection that broke.
            RateLimited: 429, or 403 and 5xx that say when to come back.
            AccessRefused: 401, 402, 403, 418, 451.
            UnknownSymbol: 404 to a request that names symbols.
            UpstreamStatus: any other status of 400 or above, and redirects that lead away or never end.
            BadPayload: too large, not decompressible, or not JSON.
            UpstreamError: whatever ``provider.error_in`` finds in the body; that comes before the status.
        """
        address = provider.base_url + request.path
        headers = {"Accept": ACCEPT[request.accepts], **provider.headers(), **dict(request.headers)}
        began_at = self._clock()
        with self._foreign_errors_translated(provider.name, request.operation):
            reply = self._get(provider.name, request, address, headers)
        received_at = self._clock()
        logger.debug(
            "provider answered provider=%s operation=%s status=%d bytes=%d ms=%.0f",
            provider.name,
            request.operation,
            reply.status,
            len(reply.body or b""),
            (received_at - began_at) * 1000,
        )
        return Answer(
            request=request,
            payload=_judge(provider, request, reply),
            received_at=received_at,
            headers={name: reply.headers[name] for name in KEPT_HEADERS if name in reply.headers},
            not_modified=reply.status == NOT_MODIFIED,
        )

    def close(self) -> None:
        """Drop all idle connections."""
        for session in self._sessions.values():
            session.close()

    def _get(self, name: str, request: Request, address: str, headers: dict[str, str]) -> _Reply:
        params: tuple[tuple[str, str], ...] | None = request.params
        body = request.body
        if body is not None:
            headers = {"Content-Type": "application/json", **headers}
        session = self._session(name)
        with green.deadline(self._settings.deadline_s):
            for _ in range(MAX_REDIRECTS + 1):
                response = session.request(
                    "GET" if request.body is None else "POST",
                    address,
                    params=params,
                    data=None if body is None else codec.encode(body),
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                    timeout=(self._settings.connect_timeout_s, self._settings.read_timeout_s),
                    proxies=self._proxies(address),
                )
                try:
                    # a redirected POST is not followed: some redirects would turn it into another request
                    if not response.is_redirect or body is not None:
                        return self._read(name, request, response)
                    address, params = _follow(name, request, response, address), None
                finally:
                    # closes the connection too, unless the answer was read to its end
                    response.close()
        raise UpstreamStatus(name, request.operation, f"more than {MAX_REDIRECTS} redirects", response.status_code)

    def _session(self, name: str) -> requests.Session:
        if name not in self._sessions:
            session = _Session()
            session.trust_env = False
            session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"})
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
            adapter = HTTPAdapter(pool_connections=2, pool_maxsize=CONNECTIONS_PER_PROVIDER, max_retries=0)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            self._sessions[name] = session
        return self._sessions[name]

    def _proxies(self, address: str) -> dict[str, str]:
        proxy = self._settings.proxy
        if not proxy or _is_loopback(urlsplit(address).hostname or ""):
            return {}
        return {"http": proxy, "https": proxy}

    def _read(self, name: str, request: Request, response: requests.Response) -> _Reply:
        status = response.status_code
        if status < 400:
            body = _read_body(response, self._settings.max_answer_bytes)
            if body is None:
                limit = self._settings.max_answer_bytes
                raise BadPayload(name, request.operation, f"answer of more than {limit} bytes")
        else:
            try:
                body = _read_body(response, MAX_ERROR_BODY_BYTES)
            except FOREIGN_ERRORS as error:
                # the status is known, and a 429 says more than "the connection broke"
                logger.debug("error body unreadable provider=%s cause=%s", name, type(error).__name__)
                body = None
        return _Reply(status, response.headers, body)

    @contextmanager
    def _foreign_errors_translated(self, name: str, operation: str) -> Iterator[None]:
        try:
            yield
        except green.DeadlineExceeded as error:
            reason = f"no whole answer within {self._settings.deadline_s:g} s"
            raise UpstreamTimeout(name, operation, reason) from error
        except requests.exceptions.ConnectTimeout as error:
            reason = f"no connection within {self._settings.connect_timeout_s:g} s"
            raise UpstreamTimeout(name, operation, reason) from error
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError) as error:
            raise UpstreamTimeout(name, operation, f"silent for {self._settings.read_timeout_s:g} s") from error
        except urllib3.exceptions.DecodeError as error:
            raise BadPayload(name, operation, "cannot be decompressed") from error
        except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
            raise UpstreamUnreachable(name, operation, "no trusted connection (TLS)") from error
        except UNUSABLE_ADDRESS_ERRORS as error:
            raise UpstreamUnreachable(name, operation, "the address or a header cannot be used") from error
        except FOREIGN_ERRORS as error:
            raise UpstreamUnreachable(name, operation, f"connection failed ({type(error).__name__})") from error


def _read_body(response: requests.Response, max_bytes: int) -> bytes | None:
    """The decompressed body, or None as soon as it is known to have more than ``max_bytes``."""
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and (len(announced) > 15 or int(announced) > max_bytes):
        return None
    body = bytearray()
    for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            return None
    return bytes(body)


def _follow(name: str, request: Request, response: requests.Response, address: str) -> str:
    """The address that a redirect leads to, when it stays with the same provider.

    Keys travel in headers and query strings; they must not be carried anywhere else.
    """
    status = response.status_code
    try:
        target = urljoin(address, response.headers["Location"])
        stays = _origin(target) == _origin(address) and "@" not in urlsplit(target).netloc
    except ValueError as error:
        raise UpstreamStatus(name, request.operation, "redirect without a usable address", status) from error
    if not stays:
        raise UpstreamStatus(name, request.operation, "redirect to another host", status)
    return target


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _judge(provider: Provider, request: Request, reply: _Reply) -> Any:
    """The payload of a good answer; the error of any other, by its body first and then by its status."""
    payload: Any = None
    not_json: Exception | None = None
    if reply.status == NOT_MODIFIED and any(name.lower().startswith("if-") for name, _ in request.headers):
        return None
    if request.accepts != "json" and reply.status < 300:
        return _plain_payload(provider, request, reply.body or b"")
    try:
        payload = codec.decode(reply.body or b"")
    except (ValueError, RecursionError) as error:
        not_json = error
    if not_json is None or reply.status >= 400:
        told = provider.error_in(request, reply.status, payload)
        if isinstance(told, RateLimited) and told.retry_after_s is None:
            told.retry_after_s = _retry_after_s(reply)
        if told is not None:
            raise told
    if reply.status >= 300:
        raise _status_error(provider.name, request, reply)
    if not_json is not None:
        if isinstance(not_json, RecursionError):
            found = "JSON nested too deeply"
        else:
            found = "HTML" if (reply.body or b"").lstrip()[:1] == b"<" else "no valid JSON"
        raise BadPayload(provider.name, request.operation, f"{found} with HTTP {reply.status}") from not_json
    return payload


def _plain_payload(provider: Provider, request: Request, body: bytes) -> str | bytes:
    if request.accepts == "bytes":
        return body
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadPayload(provider.name, request.operation, "expected UTF-8 text") from error


def _status_error(name: str, request: Request, reply: _Reply) -> UpstreamError:
    status, reason = reply.status, f"HTTP {reply.status}"
    retry_after_s = _retry_after_s(reply)
    # firewalls answer 403, and overloaded servers 5xx, with a wait: then it is no refusal but a limit
    if status == 429 or (retry_after_s is not None and (status == 403 or status >= 500)):
        return RateLimited(name, request.operation, reason, status, retry_after_s)
    if status in REFUSED:
        if retry_after_s is not None:
            reason += f", to come back in {retry_after_s:.0f} s"
        return AccessRefused(name, request.operation, reason, status)
    if status == 404 and request.symbols:
        return UnknownSymbol(name, request.operation, reason, request.symbols, status)
    return UpstreamStatus(name, request.operation, reason, status)


def _retry_after_s(reply: _Reply) -> float | None:
    """Seconds from now that ``Retry-After`` asks for, or None when it is missing or makes no sense.

    A 429 may say it by a ``RateLimit`` header instead: ``"api";r=0;t=53``, the seconds until its window ends.
    """
    value = reply.headers.get("Retry-After")
    if value is None:
        windows = RATE_LIMIT_WINDOW.findall(reply.headers.get("RateLimit", "")) if reply.status == 429 else []
        return max((float(seconds) for seconds in windows), default=None)
    try:
        return float(urllib3.util.Retry().parse_retry_after(value))
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return None
