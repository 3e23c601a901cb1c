"""Frames: what we send, byte by byte, and what is read from any bytes in any pieces."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.raw_client import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_payload, masked
from websocket.wire.frames import (
    Incoming,
    MessageReader,
    ProtocolFault,
    binary_frame,
    close_frame,
    ping_frame,
    pong_frame,
    text_frame,
)

LIMIT = 1000


def read(pieces: Iterable[bytes], limit: int = LIMIT) -> tuple[list[Incoming], int | None]:
    """The messages and control frames that came, and the code of the fault that ended it."""
    reader, whole = MessageReader(limit), []
    try:
        for piece in pieces:
            for incoming in reader.feed(piece):
                if incoming.kind != "fragment":
                    whole.append(incoming)
                if incoming.kind == "close":
                    return whole, None
    except ProtocolFault as fault:
        return whole, fault.code
    return whole, None


def split(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """The same bytes in pieces of these sizes, and the rest."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [*pieces, data[at:]]


# Sending


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_length_takes_as_few_bytes_as_it_can(size: int, head: bytes) -> None:
    """Unmasked, final, without reserved bits."""
    assert text_frame(b"x" * size) == head + b"x" * size


def test_kinds_of_frames() -> None:
    """Each has its opcode."""
    assert binary_frame(b"a") == b"\x82\x01a"
    assert ping_frame() == b"\x89\x00"
    assert pong_frame(b"a") == b"\x8a\x01a"
    assert close_frame(None) == b"\x88\x00"
    assert close_frame(4008, "slow") == b"\x88\x06\x0f\xa8slow"


@given(st.text(max_size=200))
def test_close_reason_is_cut_between_characters(reason: str) -> None:
    """A control frame has at most 125 bytes, and its reason stays UTF-8."""
    frame = close_frame(1000, reason)
    assert len(frame) <= 2 + 125
    text = frame[4:].decode()
    assert reason.startswith(text)
    assert len(text.encode()) == len(reason.encode()) or len(text.encode()) > 119


# Reading


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 999, 1000])
def test_text_is_read_whole(size: int) -> None:
    """Up to the limit."""
    assert read([masked(TEXT, b"x" * size)]) == ([Incoming("text", text="x" * size)], None)


def test_control_frames_between_fragments() -> None:
    """Come out at once; the message when it is whole."""
    data = (
        masked(TEXT, b"one ", fin=False) + masked(PING, b"p") + masked(CONTINUATION, b"two ", fin=False)
        + masked(PONG) + masked(CONTINUATION, b"three") + masked(CLOSE)
    )  # fmt: skip
    assert read([data]) == (
        [Incoming("ping", payload=b"p"), Incoming("pong"), Incoming("text", text="one two three"), Incoming("close")],
        None,
    )


def test_characters_may_be_split_between_fragments() -> None:
    """UTF-8 is judged over the message."""
    euro = "€".encode()
    data = masked(TEXT, euro[:1], fin=False) + masked(CONTINUATION, euro[1:2], fin=False) + masked(0, euro[2:])
    assert read([data]) == ([Incoming("text", text="€")], None)


def test_each_fragment_is_reported_once() -> None:
    """When it is whole, so that it can be paid for."""
    reader = MessageReader(LIMIT)
    data = masked(TEXT, b"x" * 200, fin=False) + masked(CONTINUATION, b"", fin=False) + masked(CONTINUATION, b"y")
    kinds = [incoming.kind for piece in split(data, [1] * 300) for incoming in reader.feed(piece)]
    assert kinds == ["fragment", "fragment", "text"]


def test_binary_content_is_dropped() -> None:
    """Nobody wants it."""
    assert read([masked(BINARY, b"\xff\x00", fin=False) + masked(CONTINUATION, b"x")]) == ([Incoming("binary")], None)


def test_close_without_code() -> None:
    """Is none, not 1005, which may not be sent."""
    assert read([masked(CLOSE)])[0] == [Incoming("close", code=None)]
    assert read([masked(CLOSE, close_payload(4321, b"why"))])[0] == [Incoming("close", code=4321)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        *[(masked(TEXT, b"x", rsv=rsv), 1002) for rsv in range(1, 8)],
        *[(masked(opcode, b""), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
        (masked(TEXT, b"x", mask=None), 1002),
        (masked(CONTINUATION, b"x"), 1002),
        (masked(TEXT, b"x", fin=False) + masked(TEXT, b"y"), 1002),
        (masked(PING, b"x", fin=False), 1002),
        (masked(CLOSE, b"", fin=False), 1002),
        (masked(PING, b"x" * 126), 1002),
        (masked(TEXT, b"x", wide=16), 1002),
        (masked(TEXT, b"x", wide=64), 1002),
        (masked(TEXT, b"", length=2**63), 1002),
        (masked(CLOSE, b"\x03"), 1002),
        *[(masked(CLOSE, close_payload(code)), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000)],
        (masked(CLOSE, close_payload(1000, b"\xff")), 1007),
        (masked(TEXT, b"\xff"), 1007),
        (masked(TEXT, b"\xe2\x82"), 1007),
        (masked(TEXT, b"\xed\xa0\x80"), 1007),
        (masked(TEXT, b"\xf4\x90\x80\x80"), 1007),
        (masked(TEXT, b"\xe2", fin=False) + masked(CONTINUATION, b"x"), 1007),
        (masked(TEXT, b"x" * 1001), 1009),
        (masked(BINARY, b"x" * 1001), 1009),
        (masked(TEXT, b"x" * 999, fin=False) + masked(CONTINUATION, b"xx"), 1009),
        (masked(TEXT, "€".encode() * 334), 1009),
    ],
)
def test_fault_has_its_code(data: bytes, code: int) -> None:
    """What came before it counts, what comes after does not; one byte at a time is the same."""
    stream = masked(TEXT, b"before") + data + masked(TEXT, b"after")
    assert read([stream]) == ([Incoming("text", text="before")], code)
    assert read([stream[n : n + 1] for n in range(len(stream))]) == ([Incoming("text", text="before")], code)


def test_invalid_text_is_found_before_the_message_is_whole() -> None:
    """There is no need to wait for the rest."""
    assert read([masked(TEXT, b"\xff", length=500)]) == ([], 1007)


def test_fragments_without_content_take_no_memory() -> None:
    """They are allowed, in any number, and the limit of bytes does not count them."""
    reader = MessageReader(LIMIT)
    list(reader.feed(masked(TEXT, b"a", fin=False)))
    for _ in range(100):
        assert len(list(reader.feed(masked(CONTINUATION, b"", fin=False) * 100))) == 100
    assert reader._parts == ["a"]
    assert list(reader.feed(masked(CONTINUATION, b"b"))) == [Incoming("text", text="ab")]


# Properties

texts = st.text(max_size=300)
small = st.binary(max_size=125)
masks = st.binary(min_size=4, max_size=4)


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, list[Incoming]]:
    """A message in fragments, with control frames in between; and what has to be read."""
    body = draw(texts).encode()[:LIMIT]
    text = body.decode(errors="ignore")
    body = text.encode()
    pieces = split(body, draw(st.lists(st.integers(0, 40), max_size=5)))
    data, whole = b"", []
    for n, piece in enumerate(pieces):
        data += masked(CONTINUATION if n else TEXT, piece, fin=n == len(pieces) - 1, mask=draw(masks))
        if n < len(pieces) - 1 and draw(st.booleans()):
            payload = draw(small)
            data += masked(PING, payload, mask=draw(masks))
            whole.append(Incoming("ping", payload=payload))
    return data, [*whole, Incoming("text", text=text)]


@given(st.lists(messages(), max_size=4), st.lists(st.integers(0, 200), max_size=20))
def test_valid_messages_are_read_however_they_are_split(
    said: list[tuple[bytes, list[Incoming]]], sizes: list[int]
) -> None:
    """By fragments, masks and pieces of TCP."""
    stream = b"".join(data for data, _ in said)
    expected = [incoming for _, whole in said for incoming in whole]
    assert read(split(stream, sizes)) == (expected, None)


hostile = st.one_of(
    messages().map(lambda message: message[0]),
    st.binary(max_size=60),
    st.builds(
        masked,
        st.integers(0, 15),
        st.binary(max_size=200),
        fin=st.booleans(),
        rsv=st.sampled_from([0, 0, 0, 1, 4, 7]),
        mask=st.one_of(masks, st.none()),
    ),
    st.builds(masked, st.sampled_from([TEXT, PING, CLOSE]), small, wide=st.sampled_from([16, 64])),
    st.builds(masked, st.just(TEXT), small, length=st.integers(0, 2**64 - 1).filter(lambda n: n > 125)),
)


@settings(max_examples=300)
@given(st.lists(hostile, max_size=4), st.lists(st.integers(0, 100), max_size=20))
def test_any_bytes_are_read_the_same_however_they_are_split(said: list[bytes], sizes: list[int]) -> None:
    """The result is messages and at most one fault with a code of ours, never another exception."""
    stream = b"".join(said)
    whole, code = read([stream])
    assert code in {None, 1002, 1007, 1009}
    assert read(split(stream, sizes)) == (whole, code)
    assert read([stream[n : n + 1] for n in range(len(stream))]) == (whole, code)
