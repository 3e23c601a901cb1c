"""One connection on a pair of sockets, whose kernel buffers are small and whose clock is the test's."""

from __future__ import annotations

import gc
import logging
import socket
import struct
import weakref
from collections.abc import Callable, Iterator

import pytest

from tests.support.processes import wait_until
from tests.wire.raw_client import CLOSE, PING, PONG, TEXT, Frame, RawClient, close_payload, masked
from websocket import green
from websocket.wire.connection import Connection, Connections, WireLimits
from websocket.wire.frames import Incoming, MessageReader, text_frame
from websocket.wire.rate import STRIKES

BIG = b"x" * 300_000
"""More than the kernel takes for a peer that does not read."""


class Recorder:
    """A session that remembers what arrived."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.ended: list[int] = []
        self.answer: Callable[[str], None] | None = None
        self.started = False

    def start(self, _connection: Connection) -> None:
        self.started = True

    def on_text(self, text: str) -> None:
        self.heard.append(text)
        if self.answer is not None:
            self.answer(text)

    def on_binary(self) -> None:
        self.heard.append("<binary>")

    def on_refused(self, text: str | None) -> None:
        self.heard.append(f"<refused {text}>")

    def on_closed(self, code: int) -> None:
        self.ended.append(code)


class Peer(RawClient):
    """The other end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(20)
        self.sees_pings = True
        self._buffer = b""


class Pair:
    """A connection, its session, and its peer.

    Args:
        beside: of whose process the connection is, when it is not alone.
        limits: of the connection.
    """

    def __init__(self, beside: Pair | None = None, **limits: float) -> None:
        self.now = 1000.0
        self.connections = (
            beside.connections
            if beside is not None
            else Connections(
                WireLimits(send_buffer_bytes=4096, **limits),  # type: ignore[arg-type]
                clock=lambda: self.now,
            )
        )
        self.session = Recorder()
        listener = green.listen("127.0.0.1", 0)
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        listener.close()
        real = green.real_socket(accepted)
        real = type(real)(fileno=real.detach())  # the green one closes its own when it is collected
        real.setblocking(False)
        self.peer = Peer(client)
        self.connection = Connection(real, self.connections, self.session)
        self.connection.open(b"")

    def is_open(self) -> bool:
        """Whether anything new is sent."""
        return self.connection.is_open

    def fill(self) -> int:
        """Pushes small frames until the kernel takes no more; gives how many were pushed."""
        count = 0
        while self.connection not in self.connections.stalled:
            self.connection.push(text_frame(b"%06d" % count * 20))
            count += 1
        return count

    def fill_exactly(self) -> None:
        """Leaves the kernel full at the end of a frame, so that the next one does not even begin."""
        pongs = b"\x8a\x00" * 500_000
        sent = times_full = 0
        while times_full < 5 or sent % 2:
            green.sleep(0.02)  # some of it may still be on its way to the peer's buffer
            times_full += 1
            for size in (10_000, 100, 2):
                try:
                    while taken := self.connection._sock.send(pongs[sent : sent + size - sent % 2]):
                        sent += taken
                        times_full = 0
                except BlockingIOError:
                    continue

    def wait_for_end(self) -> int:
        """Gives the code of the end, which comes once."""
        wait_until(lambda: self.session.ended, "the connection has ended")
        green.sleep(0.01)
        (code,) = self.session.ended
        assert not self.connections.open
        assert not self.connections.stalled
        assert not self.connections.closing
        return code


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A pair with the default limits."""
    made = Pair()
    yield made
    made.connection.abort()
    made.peer.sock.close()


# Receiving


def test_messages_reach_the_session(pair: Pair) -> None:
    """In order, whole, whatever came between."""
    pair.peer.send(masked(TEXT, b"a", fin=False) + masked(PING, b"p") + masked(0, b"b") + masked(2, b"x"))
    assert pair.peer.frame() == Frame(PONG, b"p")
    assert pair.session.heard == ["ab", "<binary>"]


def test_close_is_echoed_and_ends_it(pair: Pair) -> None:
    """With the peer's code."""
    pair.peer.send(masked(CLOSE, close_payload(4001, b"bye")) + masked(TEXT, b"after"))
    assert pair.peer.frame().code == 4001
    assert pair.peer.rest() == b""
    assert pair.wait_for_end() == 4001
    assert pair.session.heard == []


@pytest.mark.parametrize(("code", "counted"), [(1000, 1000), (1001, 1001), (1011, 4999), (4008, 4999), (3333, 4999)])
def test_codes_of_clients_are_not_taken_for_ours(pair: Pair, code: int, counted: int) -> None:
    """Whoever reads the statistics must be able to believe a 1011."""
    pair.peer.send(masked(CLOSE, close_payload(code)))
    assert pair.wait_for_end() == code
    assert pair.connections.closed_codes == {counted: 1}


def test_close_without_code_is_answered_without(pair: Pair) -> None:
    """And counts as 1005."""
    pair.peer.send(masked(CLOSE))
    assert pair.peer.frame() == Frame(CLOSE, b"")
    assert pair.wait_for_end() == 1005


def test_fault_is_answered_with_its_code_after_what_came_before(pair: Pair) -> None:
    """Then nothing that arrives means anything."""
    pair.session.answer = lambda text: pair.connection.push(text_frame(text.encode()))
    pair.peer.send(masked(TEXT, b"before") + masked(TEXT, b"bad", rsv=1) + masked(TEXT, b"after"))
    assert pair.peer.frame() == Frame(TEXT, b"before")
    assert pair.peer.frame().code == 1002
    pair.peer.send(b"\xff" * 1000)
    pair.peer.sock.close()
    assert pair.wait_for_end() == 1002
    assert pair.session.heard == ["before"]


def test_own_fault_is_1011_and_logged(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """Later messages are not handled any more."""

    def fail(_text: str) -> None:
        raise RuntimeError("secret detail")

    pair.session.answer = fail
    pair.peer.send(masked(TEXT, b"a") + masked(TEXT, b"b"))
    frame = pair.peer.frame()
    assert (frame.code, b"secret" in frame.payload) == (1011, False)
    assert "secret detail" in caplog.text
    assert pair.session.heard == ["a"]


@pytest.mark.parametrize("how", ["close", "reset"])
def test_peer_that_vanishes_ends_it(pair: Pair, how: str) -> None:
    """By FIN or by RST; there was no close frame, so it is 1006."""
    getattr(pair.peer, how)()
    assert pair.wait_for_end() == 1006


def test_session_is_not_ended_while_it_sends(pair: Pair) -> None:
    """A peer that is gone is found out by sending; the session learns of it afterwards, when it is not in the middle of
    something.
    """
    ended_meanwhile: list[bool] = []

    def answer(_text: str) -> None:
        pair.peer.reset()
        for _ in range(3):
            pair.connection.push(text_frame(b"answer"))
            pair.connection.offer("news", text_frame(b"news"))
            ended_meanwhile.append(bool(pair.session.ended))
        pair.connection.close(1000)
        ended_meanwhile.append(bool(pair.session.ended))

    pair.session.answer = answer
    pair.peer.send(masked(TEXT, b"x"))
    assert pair.wait_for_end() == 1006
    assert not any(ended_meanwhile)


def test_failing_session_does_not_disturb_the_others(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """Also when it fails at the very end."""

    def fail(_code: int) -> None:
        raise RuntimeError("at the end")

    pair.session.on_closed = fail  # type: ignore[assignment,method-assign]
    pair.connection.abort()
    assert "at the end" in caplog.text
    assert not pair.connections.open


# Tokens

FEW = {"message_burst": 10, "messages_per_second": 0.001}
"""Ten tokens, and no more during a test."""


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        (masked(PING, b"p"), 20),
        (masked(PONG), 0),
        (masked(TEXT, b"", fin=False) + masked(0, b"", fin=False) * 30, 0),
        (masked(TEXT, b"x"), 0),
        (masked(2, b"x"), 0),
        (masked(TEXT, b"x", fin=False) + masked(0, b"x") + masked(PING) + masked(PONG), 4),
    ],
    ids=["pings", "pongs", "empty fragments", "texts", "binaries", "all kinds"],
)
def test_flood_is_ended_whatever_it_consists_of(said: bytes, answers: int) -> None:
    """Every frame costs, and nothing is answered that is not paid."""
    pair = Pair(**FEW)
    pair.peer.send(said * 50 if said[0] & 0x80 or len(said) < 40 else said)
    for _ in range(answers):
        assert pair.peer.frame().opcode == PONG
    assert pair.peer.frame().code == 1008
    assert len(pair.session.heard) <= 10 + STRIKES
    pair.peer.sock.close()
    assert pair.wait_for_end() == 1008


def test_what_follows_the_end_of_a_flood_is_not_read(pair: Pair) -> None:
    """Not even the rest of what was received with it: it would hold up the others."""
    read: list[Incoming] = []

    class Counting(MessageReader):
        __slots__ = ()

        def feed(self, data: bytes) -> Iterator[Incoming]:
            for incoming in super().feed(data):
                read.append(incoming)
                yield incoming

    pair.connection._reader = Counting(1000)
    pair.peer.send(masked(PONG) * 600)
    assert pair.peer.frame().code == 1008
    count = len(read)  # a token or two may have come back meanwhile
    assert 200 + STRIKES + 1 <= count < 400
    pair.peer.send(masked(PONG) * 600)
    green.sleep(0.01)
    assert len(read) == count


def test_flood_after_our_close_frame_costs_as_well(pair: Pair) -> None:
    """It waits for the close frame of the peer, and reads no more than is paid."""
    pair.connection.close(1012)
    assert pair.peer.frame().code == 1012
    pair.peer.send(masked(PONG) * 600)
    wait_until(lambda: not isinstance(pair.connection._reader, MessageReader), "it reads no more")


def test_frame_that_comes_byte_by_byte_costs(pair: Pair) -> None:
    """Each byte would take a turn of the event loop."""
    for byte in masked(TEXT, b"x" * 1000)[:800]:
        if not pair.is_open():
            break
        pair.peer.send(bytes([byte]))
        green.sleep(0)
    assert pair.peer.frame().code == 1008


def test_answers_cost_by_their_bytes() -> None:
    """Whoever asked for much waits until it is paid, and is told so by the session."""
    pair = Pair(message_burst=10, messages_per_second=1)
    pair.session.answer = lambda _text: pair.connection.push(text_frame(b"x" * 100_000))
    pair.peer.send(masked(TEXT, b"a") + masked(TEXT, b"b"))
    assert len(pair.peer.frame().payload) == 100_000
    wait_until(lambda: len(pair.session.heard) == 2, "both were read")
    assert pair.session.heard == ["a", "<refused b>"]
    assert 14 < pair.connection.rate.retry_after_s <= 16


def test_publications_cost_the_client_nothing() -> None:
    """They are not what it asked for."""
    pair = Pair(**FEW)
    for _ in range(20):
        pair.connection.offer("a", text_frame(b"x" * 10_000))
        pair.peer.frame()
    assert pair.connection.rate.retry_after_s == 0


# Snapshots


def test_snapshot_with_fields_of_the_client_is_sent_if_it_can_be(pair: Pair) -> None:
    """Otherwise the one for all is."""
    pair.connection.show("a", text_frame(b"for all"), text_frame(b"own"))
    pair.connection.show("b", text_frame(b"for all"))
    assert [pair.peer.frame().payload for _ in range(2)] == [b"own", b"for all"]
    pair.fill_exactly()
    pair.connection.show("a", text_frame(b"for all"), text_frame(b"own"))
    assert pair.connection._slots == {"a": text_frame(b"for all")}
    assert pair.connection.queued_bytes == 0


def test_unread_snapshots_take_no_memory_of_their_own(pair: Pair) -> None:
    """Whatever a client has them say: what waits is what everybody gets, once."""
    shared = text_frame(BIG)
    pair.connection.show("a", shared, text_frame(b"first" + BIG))
    waiting = pair.connection.queued_bytes
    assert waiting < len(BIG)
    for n in range(100):
        pair.connection.forget("a")
        pair.connection.show("a", shared, text_frame(b"own %d" % n + BIG))
    assert pair.connection.queued_bytes == waiting
    assert pair.connection._slots == {"a": shared}
    assert pair.connection._slots["a"] is shared
    assert pair.peer.frame().payload == b"first" + BIG
    assert pair.peer.frame().payload == BIG
    assert pair.connections.queued_bytes == 0


def test_newer_publication_replaces_an_unread_snapshot(pair: Pair) -> None:
    """Behind the confirmation that was queued before it."""
    pair.connection.push(text_frame(BIG))
    pair.connection.push(text_frame(b"confirmed"))
    pair.connection.show("a", text_frame(b"snapshot"))
    pair.connection.offer("a", text_frame(b"newer"))
    pair.peer.frame()
    assert [pair.peer.frame().payload for _ in range(2)] == [b"confirmed", b"newer"]


# All connections together


def test_fullest_queue_is_closed_when_it_is_too_much_together() -> None:
    """The others keep what waits for them, and what was freed is free."""
    first = Pair(max_queued_bytes_together=1_000_000)
    others = [Pair(first) for _ in range(3)]
    sizes = {first: 20_000, others[0]: 60_000, others[1]: 20_000, others[2]: 20_000}
    for pair in sizes:
        pair.connection.offer("a", text_frame(BIG))
    while all(pair.is_open() for pair in sizes):
        for pair, size in sizes.items():
            pair.connection.push(text_frame(b"x" * size))
    assert not others[0].is_open()
    assert [pair.is_open() for pair in sizes] == [True, False, True, True]
    connections = first.connections
    assert connections.queued_bytes == sum(pair.connection.queued_bytes for pair in sizes) < 875_000
    assert others[0].peer.frame() == Frame(TEXT, BIG)
    assert others[0].peer.end() == 4008
    for pair in sizes:
        pair.connection.abort()
    assert connections.queued_bytes == 0


def test_half_sent_answers_are_given_up_as_well() -> None:
    """When closing was not enough: what is half sent cannot be followed by a close frame."""
    pair = Pair(max_queued_bytes_together=200_000)
    pair.connection.push(text_frame(BIG))
    assert not pair.is_open()
    pair.connections.relieve()
    assert pair.connections.queued_bytes == 0
    pair.connections.sweep()
    assert pair.wait_for_end() == 4008


def test_answer_larger_than_the_limit_ends_in_a_close_frame() -> None:
    """Although there is no room for that one either."""
    pair = Pair(max_queued_bytes=100_000)
    pair.connection.push(text_frame(BIG))
    pair.connection.push(text_frame(b"one more"))
    assert pair.peer.frame() == Frame(TEXT, BIG)
    assert pair.peer.end() == 4008


# Sending


def test_what_the_kernel_does_not_take_is_sent_later_in_order(pair: Pair) -> None:
    """No frame is cut by another, and none is lost."""
    count = pair.fill()
    for n in range(count, count + 100):
        pair.connection.push(text_frame(b"%06d" % n * 20))
    for n in range(count + 100):
        assert pair.peer.frame() == Frame(TEXT, b"%06d" % n * 20)
    assert not pair.connections.stalled
    assert pair.connection.room_bytes == pair.connections.limits.max_queued_bytes


def test_half_sent_frame_is_finished_first(pair: Pair) -> None:
    """Although newer ones replace what waits behind it."""
    pair.connection.offer("a", text_frame(BIG))
    for n in range(10):
        pair.connection.offer("a", text_frame(b"a%d" % n))
    pair.connection.push(text_frame(b"answer"))
    assert pair.peer.frame() == Frame(TEXT, BIG)
    assert pair.peer.frame() == Frame(TEXT, b"a9")
    assert pair.peer.frame() == Frame(TEXT, b"answer")
    assert pair.connections.merged == 9


def test_one_slot_a_channel_and_the_newest_wins(pair: Pair) -> None:
    """The order of the channels is that of their first waiting publication."""
    pair.connection.push(text_frame(BIG))
    for n in range(5):
        for channel in ("a", "b", "c"):
            pair.connection.offer(channel, text_frame(b"%s%d" % (channel.encode(), n)))
    pair.peer.frame()
    assert [pair.peer.frame().payload for _ in range(3)] == [b"a4", b"b4", b"c4"]
    assert pair.connections.merged == 12
    pair.connection.offer("a", text_frame(b"a5"))
    assert pair.peer.frame().payload == b"a5"


def test_forgotten_channel_is_not_sent(pair: Pair) -> None:
    """The client unsubscribed while its frame waited."""
    pair.connection.push(text_frame(BIG))
    for channel in ("a", "b"):
        pair.connection.offer(channel, text_frame(channel.encode()))
    pair.connection.forget("a")
    pair.connection.forget("never offered")
    pair.peer.frame()
    assert pair.peer.frame().payload == b"b"


def test_forgetting_all_that_waits_ends_the_waiting(pair: Pair) -> None:
    """It is not stalled any more, sweeping does not fail over it, and it goes on later."""
    pair.fill_exactly()
    pair.connection.offer("a", text_frame(b"a"))
    assert pair.connection in pair.connections.stalled
    pair.connection.forget("a")
    assert pair.connection not in pair.connections.stalled
    pair.now += 3600
    pair.connections.sweep()
    assert pair.is_open()
    pair.connection.offer("b", text_frame(b"b"))
    frame = pair.peer.frame()
    while frame.opcode in {PING, PONG}:
        frame = pair.peer.frame()
    assert frame.payload == b"b"


def test_offer_waits_in_its_slot_when_the_kernel_is_full(pair: Pair) -> None:
    """Nothing of it was sent, so a newer one replaces all of it."""
    pair.fill_exactly()
    pair.connection.offer("a", text_frame(b"old"))
    pair.connection.offer("a", text_frame(b"new"))
    frame = pair.peer.frame()
    while frame.opcode == PONG:
        frame = pair.peer.frame()
    assert frame.payload == b"new"


def test_answers_that_pile_up_close_it() -> None:
    """They are never replaced, so there is a limit, counted exactly."""
    pair = Pair(max_queued_bytes=100_000)
    pair.connection.offer("a", text_frame(BIG))  # publications do not count
    pair.connection.offer("b", text_frame(BIG))
    for _ in range(10):
        pair.connection.push(b"\x8a\x00" * 5_000)
    assert pair.is_open()
    assert pair.connection.room_bytes == 0
    pair.connection.push(b"\x8a\x00")
    assert not pair.is_open()
    assert pair.peer.frame() == Frame(TEXT, BIG)
    assert pair.peer.end() == 4008
    assert pair.wait_for_end() == 4008


def test_halves_of_publications_do_not_count_as_answers(pair: Pair) -> None:
    """However many are half sent while answers wait behind them."""
    limit = pair.connections.limits.max_queued_bytes
    for n in range(20):
        pair.connection.offer("a", text_frame(b"%d" % n + BIG))
        pair.connection.offer("b", text_frame(b"%d" % n + BIG))
        pair.peer.sock.recv(100_000)
        green.sleep(0)
        assert pair.connection.room_bytes == limit
    pair.connection.push(b"\x8a\x00")
    assert pair.connection.room_bytes == limit - 2


# Closing


def test_close_comes_after_what_waits(pair: Pair) -> None:
    """And the connection goes on reading, so that nothing is lost by a reset."""
    count = pair.fill()
    pair.connection.close(1000, "done")
    pair.peer.send(masked(TEXT, b"unread " * 100))
    for _ in range(count):
        assert pair.peer.frame().opcode == TEXT
    assert pair.peer.end() == 1000
    assert pair.wait_for_end() == 1000
    assert pair.session.heard == []


def test_nothing_is_sent_after_a_close(pair: Pair) -> None:
    """Publications that come while the peer takes its time neither arrive nor end it early."""
    pair.connection.close(1000)
    pair.connection.close(1002)
    pair.connection.push(text_frame(b"late"))
    pair.connection.offer("a", text_frame(b"late"))
    pair.connection.drop_and_close(4008, "too slow")
    green.sleep(0.01)
    assert pair.session.ended == []
    assert pair.peer.end() == 1000
    assert pair.wait_for_end() == 1000


def test_peer_that_does_not_answer_a_close_is_cut_off(pair: Pair) -> None:
    """After a while, which is the test's clock."""
    pair.connection.close(1000)
    pair.now += 4.9
    pair.connections.sweep()
    assert pair.session.ended == []
    pair.now += 0.2
    pair.connections.sweep()
    assert pair.wait_for_end() == 1000


def test_stalled_connection_is_closed_with_4008(pair: Pair) -> None:
    """Only the rest of a half-sent frame comes before the close frame; what waited is forgotten."""
    pair.connection.offer("a", text_frame(BIG))
    pair.connection.offer("b", text_frame(b"b"))
    pair.connection.push(text_frame(b"answer"))
    pair.now += 29.9
    pair.connections.sweep()
    assert pair.is_open()
    pair.now += 0.2
    pair.connections.sweep()
    assert not pair.is_open()
    assert pair.peer.frame() == Frame(TEXT, BIG)
    assert pair.peer.end() == 4008
    assert pair.wait_for_end() == 4008


def test_progress_is_no_stall(pair: Pair) -> None:
    """A slow client that takes something is left alone."""
    pair.connection.offer("a", text_frame(b"x" * 2_000_000))
    for _ in range(5):
        pair.now += 29
        taken = 0
        while taken < 200_000:
            taken += len(pair.peer.sock.recv(100_000))
            green.sleep(0)
        pair.connections.sweep()
        assert pair.is_open()


def test_stalled_connection_that_stays_so_is_cut_off(pair: Pair) -> None:
    """The close frame cannot be delivered; descriptors are not held for ever."""
    pair.connection.offer("a", text_frame(BIG))
    for _ in range(2):
        pair.now += 31
        pair.connections.sweep()
    assert pair.wait_for_end() == 4008


def test_close_while_too_much_waits_keeps_one_code() -> None:
    """The one that is sent is the one that is counted."""
    pair = Pair(max_queued_bytes=100_000)
    pair.connection.offer("a", text_frame(BIG))
    pair.connection.push(b"\x8a\x00" * 49_999)
    pair.connection.close(1000, "a reason that does not fit")
    assert pair.peer.frame() == Frame(TEXT, BIG)
    assert pair.peer.end() == pair.wait_for_end() == 4008


def test_close_frame_of_a_stalled_peer_ends_its_input(pair: Pair) -> None:
    """What it sends after its close frame is not kept."""
    pair.connection.offer("a", text_frame(BIG))
    pair.peer.send(masked(CLOSE, close_payload(1000)))
    wait_until(lambda: not pair.is_open(), "the close frame was read")
    pair.peer.send(masked(TEXT, b"x" * 1000) * 10)
    assert pair.peer.frame() == Frame(TEXT, BIG)
    assert pair.peer.frame().code == 1000
    pair.peer.sock.close()
    assert pair.wait_for_end() == 1000
    assert pair.session.heard == []


def test_abort_ends_it_at_once(pair: Pair) -> None:
    """Without a word; twice is once."""
    pair.connection.abort()
    pair.connection.abort()
    assert pair.peer.rest() == b""
    assert pair.session.ended == [1006]


def test_pings_are_spread_over_the_interval(pair: Pair) -> None:
    """Each connection gets one an interval; one that is stalled gets none, and late sweeps make up for no more."""
    for _ in range(4 * 25):
        pair.now += 1
        pair.connections.sweep()
    pair.now += 3600
    pair.connections.sweep()
    assert [pair.peer.frame() for _ in range(5)] == [Frame(PING, b"")] * 5
    assert pair.peer.silence(0.05)


def test_nothing_of_a_connection_is_kept(pair: Pair) -> None:
    """When it is gone, nobody refers to it any more."""
    made = Pair()
    watched = weakref.ref(made.connection)
    made.fill()
    made.peer.reset()
    made.wait_for_end()
    made.session.answer = None
    del made
    green.sleep(0)
    gc.collect()
    assert watched() is None


def test_socket_options(pair: Pair) -> None:
    """Frames leave at once, old ones are not hidden in a large buffer, and a dead peer is given up."""
    sock = pair.connection._sock
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * 4096 + 4096
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000


def test_many_pairs_end_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever state they are in when their peers vanish."""
    caplog.set_level(logging.DEBUG)
    pairs = [Pair() for _ in range(30)]
    for n, pair in enumerate(pairs):
        if n % 3 == 0:
            pair.fill()
        if n % 3 == 1:
            pair.connection.close(1000)
        pair.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", n % 2, 0))
        pair.peer.sock.close()
    for pair in pairs:
        pair.wait_for_end()
    assert "Traceback" not in caplog.text
