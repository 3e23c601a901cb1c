"""JSON in and out, in one place and strictly.

Out: NaN and infinity are refused with an exception instead of becoming ``null`` or a bare ``NaN``, which makes every
JavaScript client drop its connection. In: standard JSON only, so no ``NaN``; of two equal keys the last one counts.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

_decoder = msgspec.json.Decoder()


def encode(value: Any) -> bytes:
    """UTF-8 JSON of records, dicts, lists and plain values.

    Raises:
        ValueError: a number in it is NaN or infinite.
        TypeError: something in it has no JSON form.
    """
    plain = msgspec.to_builtins(value)
    return json.dumps(plain, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def decode(data: bytes | str) -> Any:
    """Plain values from JSON.

    Raises:
        ValueError: it is not JSON (``msgspec.DecodeError`` and bad UTF-8 are ValueErrors).
        RecursionError: it is nested too deeply.
    """
    return _decoder.decode(data)


def dumps(value: Any, **_options: Any) -> str:
    """``encode`` under the name and with the result that the Socket.IO library expects of a JSON module."""
    return encode(value).decode()


def loads(text: str, **_options: Any) -> Any:
    """``decode`` under the name that the Socket.IO library expects of a JSON module."""
    return decode(text)
