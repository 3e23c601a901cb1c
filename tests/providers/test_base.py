"""Numbers, times, changes and rows in the dialects of the providers."""

from __future__ import annotations

from typing import Any

import pytest

from websocket.providers.base import change_since, parse_iso_time, parse_number, parse_unix_time, rows_by_symbol

MOMENT = 1_795_255_200.0  # 2026-11-21T10:00:00Z


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5.0),
        (0.25, 0.25),
        ("97412.35000000", 97412.35),
        (" 12 ", 12.0),
        ("1e3", 1000.0),
        ("-3.50", -3.5),
        (-3.5, -3.5),
        (0, 0.0),
    ],
)
def test_numbers_and_decimal_strings_are_read(value: Any, number: float) -> None:
    """JSON numbers and decimal strings give the same numbers, negative ones too."""
    assert parse_number(value) == number


@pytest.mark.parametrize(
    "value",
    [
        None, "", " ", "abc", "0x10", "NaN", "sNaN", "Infinity", "-inf", float("nan"), float("inf"), True, False,
        10**400, "9" * 400, "1e999", "1e99999999999999999999", "\ud800", [], [1], {}, {"a": 1}, b"1",
    ],
)  # fmt: skip
def test_what_is_no_finite_number_is_unknown(value: Any) -> None:
    """Nulls, blanks, booleans, NaN, infinities, too large numbers and junk are unknown, not zero."""
    assert parse_number(value) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-21T10:00:00Z", MOMENT),
        ("2026-11-21T10:00:00.736Z", MOMENT + 0.736),
        ("2026-11-21T10:00:00.210762Z", MOMENT + 0.210762),
        ("2026-11-21T10:00:00.123456789Z", MOMENT + 0.123456),
        ("2026-11-21T10:00:00.1Z", MOMENT + 0.1),
        ("2026-11-21T11:00:00+01:00", MOMENT),
        ("2026-11-21T11:00:00.500000000+01:00", MOMENT + 0.5),
    ],
)
def test_iso_times_with_a_zone_are_read(text: str, seconds: float) -> None:
    """Up to nine decimals are read, and Z or any offset."""
    assert parse_iso_time(text) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    "value",
    [
        None, "", "2026-11-21T10:00:00", "2026-11-21", "soon", 1_795_255_200, True, [], "2026-13-41T10:00:00Z",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    ],
)  # fmt: skip
def test_what_is_no_iso_time_with_a_zone_is_unknown(value: Any) -> None:
    """A time without a zone could mean anything; junk and times outside of the calendar are unknown as well."""
    assert parse_iso_time(value) is None


def test_unix_times_are_read_in_seconds_and_milliseconds() -> None:
    """Whatever the unit of the source, seconds come out."""
    assert parse_unix_time(1_795_255_200) == MOMENT
    assert parse_unix_time("1795255200") == MOMENT
    assert parse_unix_time(1_795_255_200_250, ticks_per_second=1000) == MOMENT + 0.25


@pytest.mark.parametrize("value", [None, "", True, "NaN", 10**400, 1e300, -1e300, 1_795_255_200_000, {}])
def test_unix_times_outside_of_the_calendar_are_unknown(value: Any) -> None:
    """A moment that could not be printed is no moment; milliseconds taken for seconds are such a case."""
    assert parse_unix_time(value) is None


def test_change_is_computed_from_the_open_price() -> None:
    """The change is absolute and in percent of the open price."""
    assert change_since(99.0, 110.0) == (-11.0, pytest.approx(-10.0))


@pytest.mark.parametrize(("price", "open_price"), [(None, 1.0), (1.0, None), (1.0, 0.0), (1.0, -1.0)])
def test_change_is_unknown_without_two_sensible_prices(price: float | None, open_price: float | None) -> None:
    """Nothing is computed from a missing price or an open price that is not above zero."""
    assert change_since(price, open_price) == (None, None)


def test_change_stays_finite() -> None:
    """A quotient beyond the largest number is unknown, not infinite."""
    assert change_since(1e308, 5e-324) == (1e308, None)
    assert change_since(-1.7e308, 1.7e308) == (None, None)


def test_rows_are_found_by_their_id() -> None:
    """Junk and foreign rows are passed over, and the first of two rows about one coin counts."""
    first = {"id": "b", "n": 1}
    rows = [None, 1, "b", [], {}, {"id": None}, {"id": ["b"]}, {"id": "other"}, first, {"id": "b", "n": 2}]
    assert rows_by_symbol(rows, "id", {"BTC": "b", "ETH": "e"}) == {"BTC": first}
