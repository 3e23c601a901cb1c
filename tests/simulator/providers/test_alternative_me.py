"""Alternative.me's wire format."""

import pytest

from ..world import recorded, shape

PATH = "/alternative_me/fng/"


def test_the_index_has_the_recorded_shape(world):
    assert shape(world.json(PATH)) == shape(recorded("alternative_me/fng.json"))


def test_days_come_newest_first_and_only_the_newest_tells_the_next(world):
    rows = world.json(f"{PATH}?limit=10")["data"]
    days = [int(row["timestamp"]) for row in rows]

    assert days == [1_795_219_200 - 86_400 * ago for ago in range(10)]
    assert [("time_until_update" in row) for row in rows] == [True] + [False] * 9
    assert int(rows[0]["time_until_update"]) == pytest.approx(1_795_219_200 + 86_400 - world.clock.now, abs=1)


def test_everything_since_the_beginning(world):
    rows = world.json(f"{PATH}?limit=0")["data"]

    assert rows[-1]["timestamp"] == "1517443200"
    values = {int(row["value"]) for row in rows}
    assert min(values) >= 5
    assert max(values) <= 95
    assert {row["value_classification"] for row in rows} == {
        "Extreme Fear",
        "Fear",
        "Neutral",
        "Greed",
        "Extreme Greed",
    }


def test_dates_can_be_formatted(world):
    row = world.json(f"{PATH}?date_format=world")["data"][0]

    assert row["timestamp"] == "21-11-2026"


def test_fear_follows_losses(world):
    rows = world.json(f"{PATH}?limit=1000")["data"]
    changes = {}
    for row in rows:
        now, week_ago = (world.market.price("BTC", int(row["timestamp"]) - ago_s) for ago_s in (0, 7 * 86_400))
        changes.setdefault(row["value_classification"], []).append(now / week_ago - 1)

    assert sum(changes["Extreme Fear"]) / len(changes["Extreme Fear"]) < -0.02
    assert sum(changes["Extreme Greed"]) / len(changes["Extreme Greed"]) > 0.02


@pytest.mark.parametrize("query", ["limit=-1", "limit=many", "date_format=moon"])
def test_bad_parameters_are_told_in_the_metadata(world, query):
    body = world.json(f"{PATH}?{query}")

    assert body["data"] == []
    assert body["metadata"]["error"]
