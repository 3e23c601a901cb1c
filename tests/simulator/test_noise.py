"""Drawn numbers and identifiers."""

import pytest

from simulator.noise import Draws


@pytest.mark.parametrize("zero_bytes", [0, 10])
@pytest.mark.parametrize("number", [0, 1, 7_181_158_292, 2**63])
def test_an_identifier_leads_back_to_its_number(number, zero_bytes):
    draws = Draws(7, "any")
    identifier = draws.identifier(number, zero_bytes)

    assert len(identifier) == 64
    assert identifier.startswith("00" * zero_bytes)
    assert draws.number_of(identifier, zero_bytes) == number


@pytest.mark.parametrize("text", ["", "zz" * 32, "00" * 31, "ab" * 32, Draws(7, "other").identifier(5)])
def test_what_is_no_identifier_leads_nowhere(text):
    assert Draws(7, "any").number_of(text) is None


def test_draws_differ_by_seed_name_and_number():
    drawn = {Draws(seed, name).unit(number) for seed in (1, 2) for name in "ab" for number in (-1, 0, 1)}

    assert len(drawn) == 12
    assert all(0 <= value < 1 for value in drawn)
