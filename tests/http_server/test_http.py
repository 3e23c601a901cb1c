"""Requests as bytes over a real connection, and what comes back as bytes."""

from __future__ import annotations

import itertools
import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.support.http_server import ROOMY, ServerInThisProcess
from tests.support.processes import wait_until
from websocket import codec, green
from websocket.http_server import connection
from websocket.http_server.connection import MAX_HEAD_BYTES, MAX_HEADERS, READ_SIZE, HttpLimits

LIMITS = HttpLimits(max_body_bytes=100)
Start = Callable[..., Any]


def echo(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Says what it was asked, as JSON; some paths do something else."""
    path = environ["PATH_INFO"]
    if path == "/empty":
        start("204 No Content", [])
        return []
    if path == "/stream":
        start("200 OK", [("Content-Type", "text/plain")])
        return (piece for piece in (b"one", b"", b"two"))
    if path == "/too-many":
        start("429 Too Many Requests", [])
        return []
    if path == "/dated":
        start("200 OK", [("date", "Tue, 01 Dec 2026 11:36:42 GMT")])
        return []
    if path == "/repeat":
        start("200 OK", [("Access-Control-Allow-Origin", environ["HTTP_ORIGIN"])])
        return []
    if path == "/fails":
        raise RuntimeError("a bug")
    if path == "/fails-late":
        return fail_late(start)
    if path == "/large":
        start("200 OK", [("Content-Length", "8000000")])
        return [b"x" * 8_000_000]
    said = {key: value for key, value in environ.items() if isinstance(value, str)}
    body = codec.encode({**said, "body": environ["wsgi.input"].read().decode("latin-1")})
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def fail_late(start: Start) -> Iterator[bytes]:
    """Fails when the head is on its way."""
    start("200 OK", [])
    yield b"something"
    raise RuntimeError("a bug")


@pytest.fixture
def server() -> Iterator[ServerInThisProcess]:
    server = ServerInThisProcess(echo, limits=LIMITS)
    yield server
    server.stop()


def connect(server: ServerInThisProcess) -> socket.socket:
    """A client that gives up after a while."""
    client = socket.create_connection(("127.0.0.1", server.port))
    client.settimeout(20)
    return client


def talk(server: ServerInThisProcess, data: bytes) -> bytes:
    """What comes back until the server closes."""
    with connect(server) as client:
        client.sendall(data)
        return read_all(client)


def read_all(client: socket.socket) -> bytes:
    received = b""
    while True:
        try:
            data = client.recv(65536)
        except ConnectionResetError:
            return received
        if not data:
            return received
        received += data


def ask(server: ServerInThisProcess, line: bytes, *headers: bytes, body: bytes = b"") -> tuple[int, Any]:
    """Status and body of one request on a connection of its own; the body decoded if it is JSON."""
    head = b"\r\n".join([line, b"Host: x", b"Connection: close", *headers, b"", b""])
    answer = talk(server, head + body)
    top, _, content = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), codec.decode(content) if content.startswith(b"{") else content


class TestRequests:
    def test_application_sees_the_request(self, server: ServerInThisProcess) -> None:
        headers = (b"X-One: 1", b"X-One: 2", b"Cookie: a", b"Cookie: b")
        status, seen = ask(server, b"GET /a%20b?x=%C3%A9 HTTP/1.1", *headers)
        assert status == 200
        assert seen["PATH_INFO"] == "/a b"
        assert seen["QUERY_STRING"] == "x=%C3%A9"
        assert seen["HTTP_X_ONE"] == "1,2"
        assert seen["HTTP_COOKIE"] == "a; b"
        assert seen["SERVER_PORT"] == str(server.port)
        assert seen["REMOTE_ADDR"] == "127.0.0.1"
        assert seen["SERVER_PROTOCOL"] == "HTTP/1.1"

    def test_body_in_chunks_is_handed_over_whole(self, server: ServerInThisProcess) -> None:
        status, seen = ask(
            server, b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
        )
        assert (status, seen["body"], seen["CONTENT_LENGTH"]) == (200, "abcde", "5")
        assert "HTTP_TRANSFER_ENCODING" not in seen

    def test_client_that_waits_for_100_gets_it(self, server: ServerInThisProcess) -> None:
        with connect(server) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
            client.sendall(b"ab")
            assert client.recv(1000).startswith(b"HTTP/1.1 200 ")

    def test_header_with_an_underscore_cannot_pose_as_another(self, server: ServerInThisProcess) -> None:
        _, seen = ask(server, b"GET / HTTP/1.1", b"X_Forwarded_For: 6.6.6.6")
        assert "HTTP_X_FORWARDED_FOR" not in seen

    @pytest.mark.parametrize("target", [b"http://other.example/path?q", b"HTTPS://other.example/path?q"])
    def test_absolute_target_is_its_path(self, server: ServerInThisProcess, target: bytes) -> None:
        _, seen = ask(server, b"GET " + target + b" HTTP/1.1")
        assert (seen["PATH_INFO"], seen["QUERY_STRING"]) == ("/path", "q")

    def test_several_requests_use_one_connection(self, server: ServerInThisProcess) -> None:
        with connect(server) as client:
            for path in (b"/one", b"/two"):
                client.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
                assert path in client.recv(2000)

    def test_requests_that_come_at_once_are_answered_in_order(self, server: ServerInThisProcess) -> None:
        one = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answers = talk(server, b"".join(one % number for number in range(50)) + last)
        positions = [answers.index(b'"PATH_INFO":"/%d"' % number) for number in range(50)]
        assert positions == sorted(positions)
        assert answers.count(b"HTTP/1.1 200") == 51


REFUSED = {
    "no HTTP at all": (b"\x16\x03\x01 hello\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "vertical tab before chunked": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "unknown coding": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    "length and chunks": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "negative length": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    "length that is no number": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x10\r\n\r\n", 400),
    "endless digits": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    "space before the colon": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "folded header": (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n\tb: c\r\n\x00\r\n\r\n", 400),
    "zero byte": (b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "bytes that are not ASCII": (b"GET /?q=\xe9 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "chunk that is no number": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", 400),
    "no path": (b"GET other HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "tunnel": (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "endless header": (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * MAX_HEAD_BYTES + b"y" * 20_000, 431),
    "many headers": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:b\r\n" * MAX_HEADERS + b"\r\n", 431),
    "body over the limit": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", 413),
    "chunks over the limit": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + b"x" * 101 + b"\r\n",
        413,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_is_refused_in_the_shape_of_every_error(
    server: ServerInThisProcess, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection ends, because nobody can tell where a next request begins; nothing is logged."""
    request, status = REFUSED[name]
    with caplog.at_level(logging.INFO):
        answer = talk(server, request)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"Connection: close" in head
    assert set(codec.decode(body)) == {"code", "message", "temporary"}
    assert not caplog.records


class TestAnswers:
    @pytest.mark.parametrize("path", [b"/", b"/stream", b"/nowhere"])
    def test_answer_to_head_has_no_body(self, server: ServerInThisProcess, path: bytes) -> None:
        """Or a proxy would take the body for the beginning of the next answer."""
        answer = talk(server, b"HEAD " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"\r\n\r\n")
        assert answer.count(b"\r\n\r\n") == 1

    @pytest.mark.parametrize(
        ("target", "header", "status"),
        [
            (b"/", b"Content-Length: 101", 413),
            (b"nowhere", b"X: y", 400),
            (b"/?q=\xe9", b"X: y", 400),
            (b"/", b"Transfer-Encoding: gzip", 501),
        ],
    )
    def test_refusal_of_head_has_no_body_and_no_traceback(
        self, server: ServerInThisProcess, caplog: pytest.LogCaptureFixture, target: bytes, header: bytes, status: int
    ) -> None:
        answer = talk(server, b"HEAD " + target + b" HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert answer.endswith(b"\r\n\r\n")
        assert not caplog.records

    def test_refusal_of_head_that_comes_after_another_request_has_no_body(self, server: ServerInThisProcess) -> None:
        answers = talk(server, b"GET /empty HTTP/1.1\r\nHost: x\r\n\r\nHEAD /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1 400 " in answers
        assert answers.endswith(b"\r\n\r\n")

    @pytest.mark.parametrize("path", [b"/", b"/dated"])
    def test_answer_has_one_date(self, server: ServerInThisProcess, path: bytes) -> None:
        """Also when the application has given it."""
        answer = talk(server, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.partition(b"\r\n\r\n")[0].lower().count(b"\r\ndate:") == 1

    def test_answer_may_repeat_bytes_that_are_not_ascii(
        self, server: ServerInThisProcess, caplog: pytest.LogCaptureFixture
    ) -> None:
        """As Socket.IO does with the origin."""
        answer = talk(server, b"GET /repeat HTTP/1.1\r\nHost: x\r\nOrigin: \xff\r\nConnection: close\r\n\r\n")
        assert b"Access-Control-Allow-Origin: \xff\r\n" in answer
        assert not caplog.records

    def test_bug_is_an_error_500_for_head_as_well(self, server: ServerInThisProcess) -> None:
        answer = talk(server, b"HEAD /fails HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 500 ")
        assert answer.endswith(b"\r\n\r\n")

    def test_answer_without_content_has_neither_body_nor_length(self, server: ServerInThisProcess) -> None:
        answer = talk(server, b"GET /empty HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 204")
        assert b"ontent-" not in answer

    def test_answer_of_unknown_length_comes_in_chunks(self, server: ServerInThisProcess) -> None:
        answer = talk(server, b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")

    def test_answer_of_unknown_length_ends_with_the_connection_in_http_1_0(self, server: ServerInThisProcess) -> None:
        assert talk(server, b"GET /stream HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nonetwo")

    def test_bug_is_an_error_500_and_ends_only_its_request(
        self, server: ServerInThisProcess, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert ask(server, b"GET /fails HTTP/1.1")[0] == 500
        assert "a bug" in caplog.text
        assert ask(server, b"GET / HTTP/1.1")[0] == 200

    def test_bug_in_the_middle_of_an_answer_ends_the_connection(self, server: ServerInThisProcess) -> None:
        """An end of the chunks would say that it was whole."""
        assert not talk(server, b"GET /fails-late HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"0\r\n\r\n")


class TestTime:
    def test_request_that_is_not_finished_in_time_is_dropped(self) -> None:
        """Byte by byte as well: the time is for the whole request, its body included."""
        server = ServerInThisProcess(echo, limits=HttpLimits(request_timeout_s=0.3))
        try:
            for start in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"):
                with connect(server) as client:
                    client.sendall(start)
                    green.spawn(drip, client)
                    assert read_all(client) == b""
            assert len(server.places) == 0
        finally:
            server.stop()

    def test_answer_that_is_not_taken_in_time_is_given_up(self) -> None:
        server = ServerInThisProcess(echo, limits=HttpLimits(answer_timeout_s=0.3))
        try:
            with connect(server) as client:
                client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
                wait_until(lambda: server.places.counts.accepted == 1, "the connection")
                wait_until(lambda: len(server.places) == 0, "its end")
        finally:
            server.stop()

    def test_large_answer_has_time_in_proportion(self) -> None:
        """As long as it is taken."""
        server = ServerInThisProcess(echo, limits=HttpLimits(answer_timeout_s=0.2))
        try:
            with connect(server) as client:
                client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                size = 0
                while data := client.recv(200_000):
                    size += len(data)
                    green.sleep(0.01)
                assert size > 8_000_000
        finally:
            server.stop()

    def test_idle_connection_is_closed_after_its_time(self) -> None:
        server = ServerInThisProcess(echo, limits=HttpLimits(idle_timeout_s=0.2))
        try:
            with connect(server) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert read_all(client).startswith(b"HTTP/1.1 200")
        finally:
            server.stop()


def drip(client: socket.socket, size: int = 100, pause_s: float = 0.02) -> None:
    """Sends a byte now and then, until the other side has enough."""
    try:
        for _ in range(size):
            client.send(b"x")
            green.sleep(pause_s)
    except OSError:
        return


def test_no_more_is_read_of_a_body_that_was_refused(server: ServerInThisProcess) -> None:
    """A client that goes on sending is cut off."""
    with connect(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
        sent = 0
        try:
            while sent < 50_000_000:
                sent += client.send(b"x" * 65536)
        except OSError:
            pass
        assert sent < 50_000_000
    wait_until(lambda: len(server.places) == 0, "the end of the connection")


def test_client_that_goes_on_after_a_refusal_is_cut_off_in_time(server: ServerInThisProcess) -> None:
    """Also one that sends so little at a time that it would take an hour until it is too much."""
    with connect(server) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
        green.spawn(drip, client, 20_000, 0.005)
        read_all(client)
        wait_until(lambda: len(server.places) == 0, "the end of the connection")


@pytest.mark.parametrize(
    "piece",
    [pytest.param(b"1\r\nx\r\n", id="tiny chunks"), pytest.param(b"1;%s\r\nx\r\n" % (b"e" * 8000), id="extensions")],
)
def test_what_is_around_the_chunks_has_a_limit(piece: bytes) -> None:
    server = ServerInThisProcess(echo)
    try:
        body = piece * (390_000 // len(piece))
        assert ask(server, b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=body)[0] == 413
    finally:
        server.stop()


def test_client_that_always_has_more_to_say_holds_nobody_up() -> None:
    """Its requests are as long as what is read at a time, so that nothing is left over when one is answered."""
    turns: list[str] = []

    def note(_environ: dict[str, Any], start: Start) -> list[bytes]:
        turns.append("served")
        start("200 OK", [])
        return []

    def others() -> None:
        while turns.count("served") < 8:
            turns.append("others")
            green.sleep(0)

    server = ServerInThisProcess(note)
    try:
        with connect(server) as client:
            head = b"GET / HTTP/1.1\r\nHost: x\r\nX: "
            client.sendall((head + b"x" * (READ_SIZE - len(head) - 4) + b"\r\n\r\n") * 8)
            others()
    finally:
        server.stop()
    served_at = [number for number, turn in enumerate(turns) if turn == "served"]
    assert all(later - earlier > 1 for earlier, later in itertools.pairwise(served_at))


@pytest.mark.parametrize(("share", "expected"), [("1.1.1.1", 1), ("", 5)])
def test_who_asks_too_much_has_to_wait(monkeypatch: pytest.MonkeyPatch, share: str, expected: int) -> None:
    """Or refusing would be all that is done here; a proxy is not held up for one of its clients."""
    monkeypatch.setattr(connection, "REFUSED_PAUSE_S", 60.0)
    server = ServerInThisProcess(echo, share_of=lambda _: share)
    try:
        with connect(server) as client:
            client.sendall(b"GET /too-many HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
            received = b""
            while received.count(b"HTTP/1.1 429") < expected:
                received += client.recv(65536)
            client.settimeout(0.3)
            with pytest.raises(TimeoutError):
                client.recv(65536)
            assert received.count(b"HTTP/1.1 429") == expected
    finally:
        server.stop()


def test_stop_lets_what_is_under_way_end() -> None:
    """And closes what is idle."""
    is_open = green.Event()

    def slow(environ: dict[str, Any], start: Start) -> list[bytes]:
        if environ["PATH_INFO"] == "/slow":
            is_open.wait(20)
        start("200 OK", [])
        return [b"done"]

    server = ServerInThisProcess(slow, places=ROOMY)
    with connect(server) as idle, connect(server) as busy:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"done" in idle.recv(1000)
        busy.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        stopping = green.start(server.server.stop, 20)
        assert idle.recv(1000) == b""
        is_open.set()
        answer = read_all(busy)
        assert answer.endswith(b"done")
        assert b"Connection: close" in answer
        stopping.kill()
    server.stop()
