"""How numbers and times are written."""

import pytest

from simulator.formats import fixed, iso_ms, iso_s, iso_us, significant, whole


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((65_670.3456, 1, 5), "65670.30000"),
        ((0.17, 6, 6), "0.170000"),
        ((4.0, 0), "4"),
        ((4.0, 0, 3), "4.000"),
        ((-1.005, 2), "-1.00"),
    ],
)
def test_fixed(arguments, text):
    assert fixed(*arguments) == text


def test_significant_and_whole():
    assert significant(0.0788712345, 6) == 0.0788712
    assert significant(65_670.123456789, 7) == 65_670.12
    assert significant(0.0, 3) == 0
    assert whole(3.0) == 3
    assert isinstance(whole(3.0), int)
    assert whole(3.5) == 3.5


def test_times_are_utc_and_keep_their_width_at_a_whole_second():
    assert iso_s(0.9) == "1970-01-01T00:00:00Z"
    assert iso_ms(1.0) == "1970-01-01T00:00:01.000Z"
    assert iso_us(1.5) == "1970-01-01T00:00:01.500000Z"
