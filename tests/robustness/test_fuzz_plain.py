"""Anything on the plain WebSocket: generated frames and generated JSON, at a running service that somebody watches."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.robustness.conftest import Watcher
from tests.support.service import ServiceProcess
from tests.wire.raw_client import BINARY, CLOSE, CONTINUATION, PING, TEXT, RawClient, masked
from websocket import codec
from websocket.catalogue import SERVICE_NAMES

ERRORS = {
    "bad_request",
    "unknown_action",
    "invalid_service",
    "unsupported_data",
    "rate_limited",
    "too_many_subscriptions",
}

at_a_service = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

masks = st.binary(min_size=4, max_size=4)
payloads = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b'{"action":"ping"}', b'{"action":"subscribe","service":"all"}', b"", b"\xff", b"x" * 9000]),
)
opcodes = st.sampled_from([TEXT, TEXT, TEXT, BINARY, CONTINUATION, PING, 10, CLOSE, 3, 7, 11, 15])


@st.composite
def fragments(draw: st.DrawFn) -> bytes:
    """A message in pieces, with pings between them."""
    pieces = draw(st.lists(payloads, min_size=2, max_size=4))
    data = b""
    for n, piece in enumerate(pieces):
        data += masked(CONTINUATION if n else TEXT, piece, fin=n == len(pieces) - 1, mask=draw(masks))
        data += masked(PING, draw(st.binary(max_size=125)), mask=draw(masks)) if draw(st.booleans()) else b""
    return data


frames = st.one_of(
    st.builds(masked, st.just(TEXT), payloads, mask=masks),
    st.builds(masked, opcodes, payloads, mask=masks, fin=st.booleans()),
    st.builds(masked, opcodes, payloads, mask=st.one_of(masks, st.none()), rsv=st.integers(0, 7)),
    st.builds(masked, opcodes, payloads, wide=st.sampled_from([16, 64])),
    st.builds(masked, st.just(TEXT), payloads, length=st.integers(126, 2**64 - 1)),
    fragments(),
    st.binary(max_size=300),
)


def converse(port: int, said: list[bytes]) -> None:
    """Says it, then closes; whatever it was, what comes back are whole messages of ours and an end of ours."""
    with RawClient(port).open("/ws") as client:
        client.sock.settimeout(5)
        try:
            for data in said:
                client.send(data)
            client.send(masked(CLOSE))
        except OSError:
            pass  # it was closed before it had said everything
        try:
            while True:
                frame = client.frame()
                if frame.opcode == TEXT:
                    message = frame.json()
                    assert message["type"] != "error" or message["data"]["code"] in ERRORS
                if frame.opcode == CLOSE:
                    # one of ours, or the client's own, which is echoed; never our own fault
                    assert frame.code is None or 1000 <= frame.code < 5000
                    assert frame.code != 1011
                    break
        except TimeoutError:
            pass  # the last frame was not whole, so it still waits for the rest
        except ConnectionError:
            pass  # it went on sending after it was closed


@at_a_service
@given(st.lists(frames, max_size=5))
def test_any_frames_get_an_answer_or_a_code(service: ServiceProcess, watcher: Watcher, said: list[bytes]) -> None:
    """Valid, fragmented, with wrong masks, opcodes, lengths or reserved bits, or garbage."""
    converse(service.port, said)
    watcher.notices_nothing()


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    st.sampled_from(["all", "news", "market_data", "ping", "subscribe", "", "\x00", "__class__"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
requests = st.fixed_dictionaries(
    {"action": st.one_of(st.sampled_from(["subscribe", "unsubscribe", "get_status", "ping"]), values)},
    optional={
        "service": st.one_of(st.sampled_from([*SERVICE_NAMES, "all"]), values),
        "services": st.one_of(st.lists(st.sampled_from(SERVICE_NAMES), max_size=4), values),
        "since": st.one_of(st.fixed_dictionaries({"epoch": st.text(max_size=12), "seq": st.integers()}), values),
        "data": values,
        "req_id": st.one_of(st.integers(), st.text(max_size=130), values),
        "extra": values,
    },
)
messages = st.one_of(
    requests.map(codec.dumps),
    values.map(codec.dumps),
    st.text(max_size=100),
    requests.map(codec.dumps).flatmap(lambda text: st.integers(0, len(text)).map(lambda cut: text[:cut])),
    st.integers(1, 8000).map(lambda depth: '{"action":"ping","data":' + "[" * depth + "]" * depth + "}"),
)


@at_a_service
@given(st.lists(messages, min_size=1, max_size=8))
def test_any_json_is_answered(service: ServiceProcess, watcher: Watcher, said: list[str]) -> None:
    """Each message with at least one answer, in order; the connection stays."""
    with RawClient(service.port).open("/ws") as client:
        client.hear_type("welcome")
        for n, text in enumerate(said):
            encoded = text.encode("utf-8", "surrogatepass")
            if len(encoded) > 16_384:
                continue
            try:
                encoded.decode()
            except UnicodeDecodeError:
                continue
            client.send(masked(TEXT, encoded))
            client.say({"action": "ping", "req_id": f"marker {n}"})
            answers = until_marker(client, f"marker {n}")
            assert answers, text
            for answer in answers:
                if answer["type"] == "error":
                    assert answer["data"]["code"] in ERRORS
                    assert answer["data"]["message"]
    watcher.notices_nothing()


def until_marker(client: RawClient, marker: str) -> list[Any]:
    """What came before the answer to the marker; updates, which may come at any time, count as well."""
    answers = []
    while (answer := client.hear()).get("req_id") != marker:
        assert answer["type"] in {
            "error", "pong", "status", "subscription_confirmed", "unsubscription_confirmed", "update",
        }  # fmt: skip
        answers.append(answer)
    return answers
