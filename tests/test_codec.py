"""JSON in and out."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from websocket import codec
from websocket.records import Price

PRICE = Price(
    symbol="BTC",
    name="Bitcoin",
    price=65519.18,
    change24h=-1.5,
    change_percent24h=0.0,
    volume24h=3e10,
    market_cap=1,
    last_updated="2026-11-21T10:00:00.250Z",
)

JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Nested(msgspec.Struct):
    """A record that holds others."""

    values: list[Any]


class TestEncode:
    @pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [1, x], lambda x: {"a": {"b": x}}, lambda x: Nested([x])])
    def test_what_is_no_number_is_refused_wherever_it_is(self, number: float, wrap: Any) -> None:
        """One of them on the wire makes every JavaScript client drop its connection."""
        with pytest.raises(ValueError):
            codec.encode(wrap(number))
        with pytest.raises(ValueError):
            codec.dumps(wrap(number))

    def test_records_have_their_wire_names_in_order(self) -> None:
        """As browsers read them."""
        assert list(json.loads(codec.encode(PRICE))) == [
            *("symbol", "name", "price", "change24h", "changePercent24h", "volume24h", "marketCap", "lastUpdated")
        ]

    def test_text_is_utf8_and_compact(self) -> None:
        """No escapes that triple its length, no blanks."""
        assert codec.encode({"a": ["€", 1]}) == '{"a":["€",1]}'.encode()

    def test_what_has_no_json_form_is_refused(self) -> None:
        """Instead of being written as something else."""
        with pytest.raises(TypeError):
            codec.encode({"a": object()})

    @given(JSON_VALUES)
    def test_every_json_value_comes_back(self, value: Any) -> None:
        """Through ours and through the standard library's reader."""
        assert codec.decode(codec.encode(value)) == value
        assert json.loads(codec.encode(value)) == value


class TestDecode:
    @pytest.mark.parametrize(
        "text",
        [
            "NaN",
            "[Infinity]",
            '{"a":-Infinity}',
            "",
            "   ",
            "{",
            "[1,]",
            "{'a':1}",
            "{} {}",
            "nul",
            "01",
            '"\t"',
            "\ufeff{}",
        ],
    )
    def test_what_is_not_json_is_refused(self, text: str) -> None:
        """All of it is the same kind of error."""
        for data in (text, text.encode()):
            with pytest.raises(ValueError):
                codec.decode(data)

    def test_bytes_that_are_no_text_are_refused(self) -> None:
        """As an error of the same kind."""
        for data in (b"\xff", b'"\xc3"', b'["\xed\xa0\x80"]'):
            with pytest.raises(ValueError):
                codec.decode(data)

    def test_too_deep_is_refused(self) -> None:
        """Without harm to the process."""
        with pytest.raises(RecursionError):
            codec.decode("[" * 100_000)

    def test_large_integers_do_not_stall(self) -> None:
        """A megabyte of digits is read at once, as an approximate number, or refused; it takes no time either way."""
        try:
            value = codec.decode(b"1" * 1_000_000)
        except ValueError:
            return
        assert isinstance(value, (int, float))

    @given(st.binary(max_size=64))
    def test_any_bytes_are_read_or_refused(self, data: bytes) -> None:
        """Nothing else can happen."""
        with contextlib.suppress(ValueError):
            codec.decode(data)


class TestForSocketIO:
    def test_options_of_the_standard_library_are_taken_and_ignored(self) -> None:
        """The Socket.IO library passes them."""
        assert codec.dumps({"a": 1}, separators=(",", ": "), indent=2) == '{"a":1}'
        assert codec.loads('{"a":1}', object_hook=dict) == {"a": 1}

    def test_text_in_and_out(self) -> None:
        """Not bytes."""
        assert codec.dumps(PRICE) == codec.encode(PRICE).decode()
        assert codec.loads(codec.dumps("€")) == "€"
