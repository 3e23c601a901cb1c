"""One request against a web server that means ill, or well."""

from __future__ import annotations

import email.utils
import gc
import gzip
import logging
import socket
import time
import tracemalloc
import zlib

import pytest

from websocket import green
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
from websocket.providers.base import Request
from websocket.settings import UpstreamSettings, Url
from websocket.upstream.client import HttpClient

SETTINGS = UpstreamSettings(
    connect_timeout_s=0.3, read_timeout_s=0.3, deadline_s=0.8, max_answer_bytes=100_000, proxy=Url("")
)
ASKED = Request(operation="all", path="/all", params=(("ids", "a,b"), ("secret", "s3cret")), symbols=("BTC", "ETH"))
SYMBOL_FREE = Request(operation="tip", path="/tip")


@pytest.fixture
def client():
    client = HttpClient(SETTINGS)
    yield client
    client.close()


@pytest.fixture
def acme(make_provider, server):
    return make_provider("acme", server.url)


def refusal(client, provider, request=ASKED) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        client.fetch(provider, request)
    error = raised.value
    assert (error.provider, error.operation) == (provider.name, request.operation)
    return error


# good answers


def test_a_good_answer_comes_back_decoded(client, acme, server):
    """The payload is plain JSON values, with the request and the time beside it."""
    server.answers(server.reply(b'{"price": [1.5, null]}'))
    before = time.time()
    answer = client.fetch(acme, ASKED)
    assert answer.payload == {"price": [1.5, None]}
    assert answer.request is ASKED
    assert before <= answer.received_at <= time.time()


def test_what_is_sent(client, acme, server):
    """Path, parameters in order, product name, accepted formats, and the provider's own headers."""
    acme.sent_headers = {"X-Key": "k3y"}
    server.answers(server.reply())
    client.fetch(acme, ASKED)
    lines = server.heads[0].split("\r\n")
    assert lines[0] == "GET /all?ids=a%2Cb&secret=s3cret HTTP/1.1"
    for line in ("Accept: application/json", "Accept-Encoding: gzip, deflate", "X-Key: k3y"):
        assert line in lines
    assert any(line.startswith("User-Agent: DWT-Exchange") for line in lines)


def test_the_environment_has_no_say(client, acme, server, monkeypatch, tmp_path):
    """No proxy out of the environment, no password out of a .netrc."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login joe password pw\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    server.answers(server.reply())
    client.fetch(acme, ASKED)
    assert "Authorization" not in server.heads[0]


def test_the_proxy_of_the_settings_is_used_but_not_for_loopback(make_provider, server):
    """A provider on the internet is asked through the proxy; one on this machine directly."""
    server.answers(server.reply(b'"proxied"'))
    client = HttpClient(UpstreamSettings(proxy=Url(server.url), deadline_s=2))
    assert client.fetch(make_provider("far", "http://provider.example"), SYMBOL_FREE).payload == "proxied"
    assert server.heads[0].startswith("GET http://provider.example/tip ")
    for host in ("127.0.0.1", "localhost"):
        client.fetch(make_provider(host, f"http://{host}:{server.port}"), SYMBOL_FREE)
        assert server.heads[-1].startswith("GET /tip ")


def test_cookies_are_not_kept(client, acme, server):
    """A provider cannot make our memory grow, or track us, with cookies."""
    server.answers(server.reply(Set_Cookie="id=1; Path=/"))
    client.fetch(acme, ASKED)
    client.fetch(acme, ASKED)
    assert "Cookie" not in server.heads[1]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_answers(client, acme, server, encoding, pack):
    """Both kinds of compression that are asked for are understood."""
    server.answers(server.reply(pack(b"[1]"), Content_Encoding=encoding))
    assert client.fetch(acme, ASKED).payload == [1]


def test_chunked_answers(client, acme, server):
    """An answer without a length is read to its end, and the connection used again."""
    server.answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n")
    assert [client.fetch(acme, ASKED).payload for _ in range(2)] == [[1], [1]]
    assert server.connections == 1


def test_connections_are_used_again(client, acme, server):
    """Answers that were read to the end, errors included, leave their connection open for the next."""
    server.answers(
        server.reply(b"[1]"),
        server.reply(gzip.compress(b"[2]"), Content_Encoding="gzip"),
        server.reply(status=500),
        server.reply(),
    )
    client.fetch(acme, ASKED)
    client.fetch(acme, ASKED)
    refusal(client, acme)
    client.fetch(acme, ASKED)
    assert server.connections == 1


# slow, broken, or too much


def test_a_drip_ends_at_the_deadline(client, acme, server):
    """A byte now and then keeps the read time-out from firing, but not the deadline."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            green.sleep(0.05)

    server.answers(drip)
    began_at = time.monotonic()
    error = refusal(client, acme)
    assert isinstance(error, UpstreamTimeout)
    assert error.reason == "no whole answer within 0.8 s"
    assert time.monotonic() - began_at < 1.5


def test_dripping_headers_end_at_the_deadline(client, acme, server):
    """The deadline covers the headers too."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(1000):
            connection.sendall(f"X-{number}: y\r\n".encode())
            green.sleep(0.05)

    server.answers(drip)
    assert isinstance(refusal(client, acme), UpstreamTimeout)


def test_silence_times_out(client, acme, server):
    """Silence before and within the body ends after the read time-out."""
    server.answers(lambda connection: green.sleep(1))
    assert refusal(client, acme).reason == "silent for 0.3 s"

    def stop_halfway(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[1,")
        green.sleep(1)

    server.answers(stop_halfway)
    error = refusal(client, acme)
    assert isinstance(error, UpstreamTimeout)
    assert error.reason == "silent for 0.3 s"


def test_no_connection_in_time(client, make_provider):
    """A host that does not accept connections is given up after the connect time-out."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(full.getsockname())
        error = refusal(client, make_provider("acme", f"http://127.0.0.1:{full.getsockname()[1]}"))
        for connection in waiting:
            connection.close()
    assert isinstance(error, UpstreamTimeout)
    assert error.reason == "no connection within 0.3 s"


def test_nobody_listens(client, make_provider):
    """A refused connection is unreachable."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert isinstance(refusal(client, make_provider("acme", f"http://127.0.0.1:{port}")), UpstreamUnreachable)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[1,",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[1",
    ],
    ids=["nothing", "not http", "short of its length", "short of its chunk", "broken chunk"],
)
def test_broken_answers_are_unreachable(client, acme, server, sent):
    """A connection that breaks before the answer is whole, or does not speak HTTP."""
    server.answers(lambda connection: connection.sendall(sent))
    assert isinstance(refusal(client, acme), UpstreamUnreachable)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_faults_are_unreachable(client, make_provider, server):
    """A server that does not speak TLS where it should."""
    server.answers_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    error = refusal(client, make_provider("acme", server.url.replace("http:", "https:")))
    assert isinstance(error, UpstreamUnreachable)
    assert error.reason == "no trusted connection (TLS)"
    # eventlet leaves the socket of a failed handshake to the garbage collector, which warns: here, not in a later test
    del error
    gc.collect()


@pytest.mark.parametrize("address", ["", "nonsense", "http://", "http://" + "a" * 70 + ".example", "http://[::1"])
def test_unusable_addresses(client, make_provider, address):
    """A base address that no request can be made to is unreachable, not a crash."""
    assert isinstance(refusal(client, make_provider("acme", address)), UpstreamUnreachable)


@pytest.mark.parametrize("key", ["k3y\nX-Evil: 1", "k€y"])
def test_unusable_keys(client, acme, server, key):
    """A key that cannot be a header is an error that does not repeat it."""
    server.answers(server.reply())
    acme.sent_headers = {"X-Key": key}
    error = refusal(client, acme)
    assert isinstance(error, UpstreamUnreachable)
    assert error.reason == "the address or a header cannot be used"


def test_an_announced_size_is_believed(client, acme, server):
    """An answer that says it is too large is not read at all."""
    server.answers(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n[1"))
    error = refusal(client, acme)
    assert isinstance(error, BadPayload)
    assert error.reason == "answer of more than 100000 bytes"


def test_the_largest_answer_fits(client, acme, server):
    """The limit itself is still allowed."""
    server.answers(server.reply(b'"' + b"a" * 99_998 + b'"'))
    assert len(client.fetch(acme, ASKED).payload) == 99_998


def test_an_endless_answer_is_cut(client, acme, server):
    """Without a length the bytes are counted as they come."""

    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)

    server.answers(pour)
    assert isinstance(refusal(client, acme), BadPayload)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_gzip_bomb_is_stopped_early(client, acme, server, layers):
    """60 MB in a small answer are stopped with little memory, packed once or twice."""
    bomb = b" " * 60_000_000
    for _ in range(layers):
        bomb = gzip.compress(bomb)
    assert len(bomb) < 100_000
    server.answers(server.reply(bomb, Content_Encoding=", ".join(["gzip"] * layers)))
    tracemalloc.start()
    try:
        assert isinstance(refusal(client, acme), BadPayload)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_broken_compression_is_bad(client, acme, server):
    """What says gzip and is none."""
    server.answers(server.reply(b"not gzip at all", Content_Encoding="gzip"))
    assert isinstance(refusal(client, acme), BadPayload)


@pytest.mark.parametrize("spoiler", ["too large", "deadline", "redirect"])
def test_connections_of_aborted_answers_are_not_used_again(client, acme, server, spoiler):
    """The rest of an abandoned answer cannot be taken for the next one."""
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'bad'"

    def stall(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + smuggled)
        for _ in range(40):
            green.sleep(0.05)
            connection.sendall(b" ")

    first = {
        "too large": server.reply(b"[" + smuggled * 4000),
        "deadline": stall,
        "redirect": server.reply(smuggled, 302, Location="http://elsewhere.example/"),
    }[spoiler]
    server.answers(first, server.reply(b'"good"'))
    refusal(client, acme)
    assert client.fetch(acme, ASKED).payload == "good"
    assert server.connections == 2


# redirects


def test_redirects_within_the_provider_are_followed(client, acme, server):
    """Up to three hops on the same host, relative or absolute; the parameters are the target's."""
    server.answers(
        server.reply(status=301, Location="/two?x=1"),
        server.reply(status=307, Location=f"{server.url}/three"),
        server.reply(status=308, Location="four"),
        server.reply(b'"there"'),
    )
    assert client.fetch(acme, ASKED).payload == "there"
    assert [head.split()[1].split("?")[0] for head in server.heads] == ["/all", "/two", "/three", "/four"]


def test_endless_redirects_end(client, acme, server):
    """The fourth hop is refused."""
    server.answers(server.reply(status=302, Location="/all"))
    error = refusal(client, acme)
    assert error.reason == "more than 3 redirects"
    assert len(server.heads) == 4


@pytest.mark.parametrize(
    "target",
    [
        "http://elsewhere.example/",
        "//elsewhere.example/",
        "http://127.0.0.1:1/",
        "https://127.0.0.1/",
        "http://user@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "http://[::1",
        "http://127.0.0.1:99999/",
    ],
)
def test_redirects_elsewhere_are_refused(client, acme, server, target):
    """Another host, port or scheme never sees our headers."""
    server.answers(server.reply(status=302, Location=target.format(port=server.port)))
    error = refusal(client, acme)
    assert isinstance(error, UpstreamStatus)
    assert error.status == 302
    assert "elsewhere" not in error.reason
    assert len(server.heads) == 1


def test_the_body_of_a_redirect_is_not_read(client, acme, server):
    """However large it is."""

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /two\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)

    server.answers(endless, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
    assert client.fetch(acme, ASKED).payload == []


# what the answer says


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UpstreamStatus),
        (401, AccessRefused),
        (402, AccessRefused),
        (403, AccessRefused),
        (404, UnknownSymbol),
        (418, AccessRefused),
        (429, RateLimited),
        (451, AccessRefused),
        (500, UpstreamStatus),
        (503, UpstreamStatus),
    ],
)
def test_statuses(client, acme, server, status, kind):
    """Each status becomes its error, whether the body is JSON or not."""
    for body in (b"{}", b"<html>", b""):
        server.answers(server.reply(body, status))
        error = refusal(client, acme)
        assert type(error) is kind
        assert error.status == status
        assert error.reason == f"HTTP {status}"


def test_unknown_symbols_are_named(client, acme, server):
    """404 names the request's symbols; without symbols it is a plain status."""
    server.answers(server.reply(status=404))
    assert refusal(client, acme).symbols == ("BTC", "ETH")
    assert type(refusal(client, acme, SYMBOL_FREE)) is UpstreamStatus


@pytest.mark.parametrize(
    ("value", "expected_s"),
    [("119", 119), (" 7 ", 7), ("0", 0), ("-5", None), ("soon", None), ("", None), ("1.5.2", None), ("9" * 5000, None)],
)
def test_retry_after_in_seconds(client, acme, server, value, expected_s):
    """Whole seconds count; garbage and negative numbers are as if nothing was said."""
    server.answers(server.reply(status=429, Retry_After=value))
    assert refusal(client, acme).retry_after_s == expected_s


def test_retry_after_as_a_date(client, acme, server):
    """An HTTP date is turned into seconds from now; one in the past into none to wait."""
    server.answers(server.reply(status=429, Retry_After=email.utils.formatdate(time.time() + 100, usegmt=True)))
    assert 95 < refusal(client, acme).retry_after_s <= 100
    server.answers(server.reply(status=429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"))
    assert refusal(client, acme).retry_after_s == 0


@pytest.mark.parametrize(
    ("value", "expected_s"),
    [
        ('"api";r=0;t=53', 53),
        ('"api"; r=0 ; t = 53', 53),
        ('"api";r=0;t=53, "pages";r=9;t=200', 200),
        ("limit=500, remaining=0", None),
        ('"api";r=0;t=-5', None),
        ('"api";r=0;t=9999999999', None),
        ("", None),
    ],
)
def test_end_of_the_window_in_a_rate_limit_header(client, acme, server, value, expected_s):
    """Some providers say it this way; Retry-After counts for more, and other errors are no limits by it."""
    server.answers(server.reply(status=429, RateLimit=value))
    assert refusal(client, acme).retry_after_s == expected_s
    server.answers(server.reply(status=429, RateLimit=value, Retry_After="7"))
    assert refusal(client, acme).retry_after_s == 7
    server.answers(server.reply(status=503, RateLimit=value))
    assert type(refusal(client, acme)) is UpstreamStatus


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_wait_makes_a_refusal_a_rate_limit(client, acme, server, status):
    """Firewalls and overloaded servers that say when to come back are taken at their word."""
    server.answers(server.reply(status=status, Retry_After="30"))
    error = refusal(client, acme)
    assert isinstance(error, RateLimited)
    assert (error.status, error.retry_after_s) == (status, 30)


def test_a_ban_stays_a_refusal(client, acme, server):
    """418 is a ban; how long it lasts is told in words."""
    server.answers(server.reply(status=418, Retry_After="120"))
    error = refusal(client, acme)
    assert isinstance(error, AccessRefused)
    assert error.reason == "HTTP 418, to come back in 120 s"


@pytest.mark.parametrize("status", [200, 404, 500])
def test_the_provider_judges_the_body_first(client, acme, server, status):
    """An error in the body wins over the status, and a rate limit in it takes the header's wait."""
    seen = []

    def told(request, status, payload):
        seen.append((request, status, payload))
        return RateLimited("acme", "all", "code 1008")

    acme.told = told
    server.answers(server.reply(b'{"error": 1008}', status, Retry_After="60"))
    error = refusal(client, acme)
    assert (error.reason, error.retry_after_s) == ("code 1008", 60)
    assert seen == [(ASKED, status, {"error": 1008})]


def test_a_body_that_is_no_json_is_shown_as_none(client, acme, server):
    """For an error status the provider may still judge by the status; for 200 it is not asked."""
    seen = []
    acme.told = lambda request, status, payload: seen.append((status, payload))
    server.answers(server.reply(b"Throttled", 500), server.reply(b"Throttled"))
    refusal(client, acme)
    refusal(client, acme)
    assert seen == [(500, None)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!doctype html><title>hi</title>", "HTML with HTTP 200"),
        (b"\n <html>", "HTML with HTTP 200"),
        (b"", "no valid JSON with HTTP 200"),
        (b"Throttled", "no valid JSON with HTTP 200"),
        (b'{"price": NaN}', "no valid JSON with HTTP 200"),
        (b'{"price": 1', "no valid JSON with HTTP 200"),
        (b'"\xff"', "no valid JSON with HTTP 200"),
        (b"[" * 50_000, "JSON nested too deeply with HTTP 200"),
    ],
    ids=["html", "html indented", "empty", "text", "nan", "cut", "bad utf-8", "deep"],
)
def test_what_is_not_json_is_bad(client, acme, server, body, words):
    """A 200 that is not the documented JSON."""
    server.answers(server.reply(body))
    error = refusal(client, acme)
    assert isinstance(error, BadPayload)
    assert error.reason == words


def test_a_large_error_page_keeps_its_status(client, acme, server):
    """The status counts, also where the body is too large or breaks off."""
    server.answers(
        server.reply(b"<" * 90_000, 429, Retry_After="9"),
        lambda connection: connection.sendall(b"HTTP/1.1 429 X\r\nRetry-After: 9\r\nContent-Length: 50\r\n\r\n<"),
    )
    for _ in range(2):
        error = refusal(client, acme)
        assert isinstance(error, RateLimited)
        assert error.retry_after_s == 9


def test_errors_and_logs_keep_secrets(client, acme, server, caplog):
    """Neither reasons nor log lines repeat keys, parameters, or what the other side wrote."""
    caplog.set_level(logging.DEBUG, "websocket")
    acme.sent_headers = {"X-Key": "k3y"}
    server.answers(
        server.reply(b"b0dy", 500, Content_Type="h3ader"),
        server.reply(b"b0dy", 200, Content_Type="h3ader"),
        server.reply(status=302, Location="http://h3ader/"),
        lambda connection: None,
    )
    told = [str(refusal(client, acme)) for _ in range(4)] + caplog.messages
    assert len(told) >= 6
    for secret in ("k3y", "s3cret", "ids=", "b0dy", "h3ader"):
        assert not any(secret in text for text in told)


def test_bugs_are_not_disguised(client, acme, server):
    """An exception out of a provider's own code goes through as it is."""

    def broken(request, status, payload):
        raise ValueError("a bug")

    acme.told = broken
    server.answers(server.reply())
    with pytest.raises(ValueError, match="a bug"):
        client.fetch(acme, ASKED)
