"""What another process publishes is shown only when the record of its channel takes it."""

from __future__ import annotations

import pytest

from websocket import codec
from websocket.catalogue import ACCEPTED_PRICES, CHANNELS, CRYPTO_PRICES, LEADER, PRICE_BOOK, SERVICE_NAMES
from websocket.documentation.payloads import payload_of
from websocket.services.payload_check import payload_check

check = payload_check()


@pytest.mark.parametrize("channel", CHANNELS)
def test_documented_payloads_pass(channel: str) -> None:
    check(channel, codec.encode(payload_of(channel).example))


@pytest.mark.parametrize("channel", [*CHANNELS, ACCEPTED_PRICES, LEADER, PRICE_BOOK])
@pytest.mark.parametrize("body", [b"", b"null", b"1", b'"x"', b"[1]", b"{", b'{"a": 1}', b"[{}]", b"[" * 100_000])
def test_anything_else_does_not(channel: str, body: bytes) -> None:
    """Every channel has a form that these do not have."""
    with pytest.raises((ValueError, RecursionError)):
        check(channel, body)


@pytest.mark.parametrize("channel", SERVICE_NAMES)
def test_list_is_no_payload_of_a_service(channel: str) -> None:
    with pytest.raises(ValueError, match="Expected `object`"):
        check(channel, b"[]")


def test_unknown_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="no channel of ours"):
        check("not-ours", b"{}")


def test_unknown_fields_pass() -> None:
    """A newer version of us may have more."""
    rows = [{**row, "more": 1} for row in codec.decode(codec.encode(payload_of(CRYPTO_PRICES).example))]
    check(CRYPTO_PRICES, codec.encode(rows))
