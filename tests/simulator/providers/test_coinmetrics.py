"""Coin Metrics' wire format."""

from urllib.parse import urlsplit

import pytest

from ..world import lacking, recorded

PATH = "/coinmetrics/v4/timeseries/asset-metrics"


def test_rows_have_the_recorded_keys_and_kinds(world):
    answer = world.json(f"{PATH}?assets=btc&metrics=AdrActCnt,TxCnt,BlkCnt&frequency=1d&limit_per_asset=1")
    wanted = recorded("coinmetrics/asset_metrics.json")

    assert lacking(answer, wanted) == []
    assert list(answer["data"][0]) == list(wanted["data"][0])


def test_errors_are_as_recorded(world):
    unknown = world.get(f"{PATH}?assets=sdvwbtc&metrics=TxCnt")
    paid = world.get(f"{PATH}?assets=btc&metrics=TxCnt,SplyBMXNtv")

    assert (unknown.status_code, unknown.json) == (400, recorded("coinmetrics/error_bad_parameter.json"))
    assert (paid.status_code, paid.json) == (403, recorded("coinmetrics/error_forbidden.json"))


def test_paid_metrics_can_be_ignored(world):
    row = world.json(f"{PATH}?assets=btc&metrics=TxCnt,SplyBMXNtv&ignore_forbidden_errors=true")["data"][0]

    assert set(row) == {"asset", "time", "TxCnt"}


def test_days_come_late_and_end_with_yesterday(world):
    query = f"{PATH}?assets=eth&metrics=TxCnt&limit_per_asset=2"
    assert [row["time"][:10] for row in world.json(query)["data"]] == ["2026-11-19", "2026-11-20"]

    # At two in the morning yesterday is not there yet.
    world.clock.now = 1_795_219_200 + 86_400 + 2 * 3_600
    assert world.json(query)["data"][-1]["time"][:10] == "2026-11-20"


def test_a_long_answer_is_cut_into_pages_newest_page_first(world):
    whole = world.json(f"{PATH}?assets=btc&metrics=PriceUSD&start_time=2026-11-11&end_time=2026-11-20")["data"]
    page = world.json(f"{PATH}?assets=btc&metrics=PriceUSD&start_time=2026-11-11&end_time=2026-11-20&page_size=4")
    pages = [page]
    while "next_page_url" in page:
        address = urlsplit(page["next_page_url"])
        assert address.netloc == "localhost"
        page = world.json(f"{address.path}?{address.query}")
        pages.append(page)

    assert [len(one["data"]) for one in pages] == [4, 4, 2]
    assert [row for one in reversed(pages) for row in one["data"]] == whole
    assert whole[0]["time"] == "2026-11-11T00:00:00.000000000Z"


def test_pages_can_begin_with_the_oldest(world):
    query = "assets=btc&metrics=TxCnt&start_time=2026-11-11&paging_from=start&page_size=3"

    assert world.json(f"{PATH}?{query}")["data"][0]["time"][:10] == "2026-11-11"


def test_bitcoin_has_a_hash_rate_and_ethereum_has_none(world):
    bitcoin, ethereum = world.json(f"{PATH}?assets=btc,eth&metrics=HashRate,FeeTotNtv&limit_per_asset=1")["data"]

    assert float(bitcoin["HashRate"]) == pytest.approx(1e9, rel=0.5)
    assert "HashRate" not in ethereum
    assert float(ethereum["FeeTotNtv"]) > 0


@pytest.mark.parametrize(
    "query",
    [
        "metrics=TxCnt",
        "assets=btc",
        "assets=btc&metrics=Nonsense",
        "assets=btc&metrics=TxCnt&frequency=1b",
        "assets=btc&metrics=TxCnt&page_size=0",
        "assets=btc&metrics=TxCnt&start_time=soon",
    ],
)
def test_bad_parameters_are_named(world, query):
    response = world.get(f"{PATH}?{query}")

    assert (response.status_code, response.json["error"]["type"]) == (400, "bad_parameter")
