"""Anything on Socket.IO: generated packets over the WebSocket and by polling, at a running service with a watcher."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.robustness.conftest import Watcher
from tests.robustness.test_fuzz_plain import frames, values
from tests.support.service import ServiceProcess
from tests.transports.engine_client import SEPARATOR, WEBSOCKET, PollingClient, joined
from tests.wire.raw_client import CLOSE, TEXT, RawClient, masked
from websocket import codec

at_a_service = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

events = st.one_of(
    st.tuples(st.sampled_from(["subscribe", "unsubscribe", "ping", "x"]), values).map(list),
    st.lists(values, max_size=4),
)
odd = [
    "42[]", "42[1]", "4", "40", "41", "43", "44", "45", "46", "47", "451-[]", "40/unknown,", "42/unknown,[1]", "b",
    "b4", "2probe", "5", "6", "3", "2", "", "42" + "[" * 7000, '421["ping",{"data":' + "[" * 400 + "]" * 400 + "}]",
]  # fmt: skip
packets = st.one_of(
    st.builds(
        lambda head, ack, event: head + ack + codec.dumps(event),
        st.sampled_from(["42", "42/x,", "43", "45", "451-"]),
        st.sampled_from(["", "0", "17", "9" * 99, "9" * 200]),
        events,
    ),
    st.sampled_from(odd),
    st.builds(str.__add__, st.sampled_from(["4", "40", "42", "43", "45", "b", ""]), st.text(max_size=40)),
    values.map(lambda value: "4" + codec.dumps(value)),
)


def utf8(text: str) -> bytes:
    """What of a text is UTF-8."""
    return text.encode("utf-8", "ignore")


def until_the_end(client: RawClient) -> None:
    """Reads until the close frame, whose code is one of ours or the client's own, and never stands for our fault."""
    client.sock.settimeout(5)
    try:
        client.send(masked(CLOSE))
        while (frame := client.frame()).opcode != CLOSE:
            if frame.opcode == TEXT:
                assert frame.payload[:1] in b"0123456", frame
        assert frame.code is None or 1000 <= frame.code < 5000
        assert frame.code != 1011
    except (TimeoutError, ConnectionError, EOFError):
        pass  # it has not finished its last frame, or went on sending after it was closed


@at_a_service
@given(st.lists(packets, max_size=6), st.booleans())
def test_any_packets_over_the_websocket(
    service: ServiceProcess, watcher: Watcher, said: list[str], in_namespace: bool
) -> None:
    """Are answered, ignored or end the connection with a code of ours."""
    with joined(service.port) if in_namespace else RawClient(service.port).open(WEBSOCKET) as client:
        try:
            for text in said:
                client.send(masked(TEXT, utf8(text)))
        except ConnectionError:
            pass
        until_the_end(client)
    watcher.notices_nothing()


@at_a_service
@given(st.lists(frames, max_size=4))
def test_any_frames_over_the_websocket(service: ServiceProcess, watcher: Watcher, said: list[bytes]) -> None:
    """The framing is that of the plain WebSocket."""
    with joined(service.port) as client:
        try:
            for data in said:
                client.send(data)
        except ConnectionError:
            pass
        until_the_end(client)
    watcher.notices_nothing()


bodies = st.one_of(
    st.lists(packets.map(utf8), max_size=20).map(SEPARATOR.encode().join),
    st.binary(max_size=200),
    st.builds(lambda tail: b"d=" + tail, st.binary(max_size=50)),
)


@at_a_service
@given(st.lists(bodies, min_size=1, max_size=4), st.booleans())
def test_any_bodies_by_polling(
    service: ServiceProcess, watcher: Watcher, said: list[bytes], in_namespace: bool
) -> None:
    """Each gets its HTTP status at once."""
    client = PollingClient(service.port)
    if in_namespace:
        client.join('{"defaults":false}')
    for body in said:
        assert client.post(body) in {200, 400}
    client.post("1")
    watcher.notices_nothing()


@at_a_service
@given(st.lists(packets, max_size=4), st.lists(packets, max_size=3))
def test_any_packets_during_an_upgrade(
    service: ServiceProcess, watcher: Watcher, polled: list[str], said: list[str]
) -> None:
    """On both transports at once."""
    client = PollingClient(service.port).join('{"defaults":false}')
    with client.upgrade() as websocket:
        try:
            websocket.send(masked(TEXT, b"2probe"))
            for text in polled:
                assert client.post(utf8(text)) in {200, 400}
            for text in said:
                websocket.send(masked(TEXT, utf8(text)))
        except ConnectionError:
            pass
        until_the_end(websocket)
    client.post("1")
    watcher.notices_nothing()
