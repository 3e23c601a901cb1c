"""Moments as clients write and read them, and numbers as they get them."""

from __future__ import annotations

import pytest

from websocket.records import LATEST_TIME, figure, parse_time, to_rfc3339


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2025-11-24T00:00:00Z", 1_763_942_400.0),
        ("2025-11-24t00:00:00.250z", 1_763_942_400.25),
        ("2025-11-24T05:30:00+05:30", 1_763_942_400.0),
        ("2025-11-23T19:00:00.000001-05:00", 1_763_942_400.000001),
        ("9999-12-31T23:59:59Z", LATEST_TIME),
        ("0", 0.0),
        ("1763942400.5", 1_763_942_400.5),
    ],
)
def test_time_is_understood(text: str, seconds: float) -> None:
    """RFC 3339 with any offset, or Unix seconds; what we write ourselves as well."""
    assert parse_time(text) == pytest.approx(seconds, abs=1e-6)
    assert parse_time(to_rfc3339(seconds)) == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "nan",
        "inf",
        "-1",
        "1e9",
        "0x10",
        "1_000",
        " 1",
        "1763942400000",
        "\u0661",
        "2025-11-24",
        "2025-11-24T00:00:00",
        "2025-11-24 00:00:00Z",
        "2025-02-30T00:00:00Z",
        "2025-11-24T24:00:00Z",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """With one kind of exception."""
    with pytest.raises(ValueError):
        parse_time(text)


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (65262.844727100004, None, 65262.8447271),
        (0.1 + 0.2, None, 0.3),
        (1.1e-7 * 3, None, 3.3e-7),
        (1.0127228963837485e21, None, 1.01272289638e21),
        (241.1019370001668, 1, 241.1),
        (28_450_000_000.0, 2, 28_450_000_000.0),
        (-0.0125, None, -0.0125),
        (0.0, None, 0.0),
        (None, None, None),
        (None, 2, None),
    ],
)
def test_computed_number_has_no_binary_noise(value: float | None, decimals: int | None, shown: float | None) -> None:
    """Twelve significant digits at most, and what is not known stays so."""
    assert figure(value, decimals) == shown
