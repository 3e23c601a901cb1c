"""CoinGecko's wire format."""

import pytest

from ..world import START, recorded, shape

SIMPLE = "/coingecko/api/v3/simple/price"
MARKETS = "/coingecko/api/v3/coins/markets"
ALL_FLAGS = (
    "include_market_cap=true&include_24hr_vol=true&include_24hr_change=true&include_last_updated_at=true&precision=full"
)


def test_simple_price_has_the_recorded_shape(world):
    answer = world.json(f"{SIMPLE}?ids=bitcoin&vs_currencies=usd&{ALL_FLAGS}")

    assert shape(answer) == shape(recorded("coingecko/simple_price.json"))
    assert list(answer["bitcoin"]) == list(recorded("coingecko/simple_price.json")["bitcoin"])


def test_simple_price_without_flags_has_the_recorded_shape(world):
    answer = world.json(f"{SIMPLE}/?ids=binancecoin%2Cbitcoin&vs_currencies=usd")
    wanted = recorded("coingecko/simple_price_minimal.json")

    assert shape(answer) == {coin_id: shape(wanted[coin_id]) for coin_id in ("binancecoin", "bitcoin")}


def test_markets_has_the_recorded_shape(world):
    answer = world.json(f"{MARKETS}?vs_currency=usd&ids=bitcoin")
    wanted = recorded("coingecko/coins_markets.json")

    assert shape(answer) == shape(wanted)
    assert list(answer[0]) == list(wanted[0])


def test_the_list_has_the_recorded_ids(world):
    listed = world.json("/coingecko/api/v3/coins/list")
    wanted = [row for row in recorded("coingecko/coins_list.json") if row["id"] != "wmatic"]

    assert listed == wanted


def test_each_flag_adds_its_field(world):
    fields = {
        "include_market_cap": "usd_market_cap",
        "include_24hr_vol": "usd_24h_vol",
        "include_24hr_change": "usd_24h_change",
        "include_last_updated_at": "last_updated_at",
    }
    for flag, field in fields.items():
        row = world.json(f"{SIMPLE}?ids=ethereum&vs_currencies=usd&{flag}=true")["ethereum"]
        assert set(row) == {"usd", field}
        assert set(world.json(f"{SIMPLE}?ids=ethereum&vs_currencies=usd&{flag}=false")["ethereum"]) == {"usd"}


def test_the_source_time_is_a_refresh_and_not_the_present(world):
    row = world.json(f"{SIMPLE}?ids=bitcoin&vs_currencies=usd&{ALL_FLAGS}")["bitcoin"]

    assert row["last_updated_at"] == START // 30 * 30
    assert row["last_updated_at"] < int(START)


def test_unknown_ids_are_left_out_and_the_dead_id_is_empty(world):
    body = world.json(f"{SIMPLE}?ids=bitcoin,nothing,matic-network&vs_currencies=usd")

    assert set(body) == {"bitcoin", "matic-network"}
    assert body["matic-network"] == {}


def test_ids_count_before_symbols(world):
    assert list(world.json(f"{SIMPLE}?symbols=pol&vs_currencies=usd")) == ["polygon-ecosystem-token"]
    assert list(world.json(f"{SIMPLE}?ids=bitcoin&symbols=pol&vs_currencies=usd")) == ["bitcoin"]
    assert list(world.json(f"{SIMPLE}?names=XRP&vs_currencies=usd")) == ["ripple"]


def test_unknown_currencies_are_left_out_and_known_ones_count_each_other(world):
    row = world.json(f"{SIMPLE}?ids=ethereum,bitcoin&vs_currencies=usd,btc,moon&precision=full")

    assert set(row["ethereum"]) == {"usd", "btc"}
    assert row["bitcoin"]["btc"] == 1
    assert row["ethereum"]["btc"] == pytest.approx(row["ethereum"]["usd"] / row["bitcoin"]["usd"], rel=0.001)


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("ids=bitcoin", 422, "Missing parameter vs_currencies"),
        ("vs_currencies=usd", 422, "Missing parameter ids"),
        ("ids=bitcoin&vs_currencies=usd&precision=19", 400, "Invalid value for precision"),
    ],
)
def test_simple_price_refuses_bad_parameters(world, query, status, message):
    response = world.get(f"{SIMPLE}?{query}")

    assert (response.status_code, response.json) == (status, {"error": message})


@pytest.mark.parametrize("precision", ["0", "2", "6"])
def test_precision_limits_the_decimal_places(world, precision):
    price = world.json(f"{SIMPLE}?ids=ripple&vs_currencies=usd&precision={precision}")["ripple"]["usd"]

    assert price == round(price, int(precision))


def test_markets_pages_orders_and_tells_the_total(world):
    response = world.get(f"{MARKETS}?vs_currency=usd&per_page=4&page=3&order=market_cap_asc")
    everything = world.json(f"{MARKETS}?vs_currency=usd")

    assert len(everything) == 10
    assert [row["id"] for row in response.json] == [row["id"] for row in everything][:2][::-1]
    assert (response.headers["per-page"], response.headers["total"]) == ("4", "10")
    assert "max-age=30" in response.headers["Cache-Control"]


def test_markets_adds_windows_and_a_sparkline_when_asked(world):
    row = world.json(f"{MARKETS}?vs_currency=usd&ids=solana&price_change_percentage=1h,24h,7d&sparkline=true")[0]

    assert row["price_change_percentage_24h_in_currency"] == pytest.approx(row["price_change_percentage_24h"], abs=1e-4)
    assert {"price_change_percentage_1h_in_currency", "price_change_percentage_7d_in_currency"} < set(row)
    assert len(row["sparkline_in_7d"]["price"]) == 168
    assert row["low_24h"] <= row["current_price"] <= row["high_24h"]


def test_markets_gives_nulls_for_the_dead_coin_and_for_no_maximum(world):
    rows = {row["id"]: row for row in world.json(f"{MARKETS}?vs_currency=usd&ids=ethereum,matic-network")}

    assert rows["ethereum"]["max_supply"] is None
    assert set(rows["matic-network"]) == set(rows["ethereum"])
    assert rows["matic-network"]["current_price"] is None


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("vs_currency=moon", 400),
        ("vs_currency=usd&per_page=251", 400),
        ("vs_currency=usd&page=0", 400),
        ("vs_currency=usd&order=random", 400),
        ("vs_currency=usd&price_change_percentage=2h", 400),
    ],
)
def test_markets_refuses_bad_parameters(world, query, status):
    assert world.get(f"{MARKETS}?{query}").status_code == status


def test_ping(world):
    assert set(world.json("/coingecko/api/v3/ping")) == {"gecko_says"}


def test_a_refused_rate_has_the_recorded_body(world):
    world.begin("rate_limited", ["coingecko"])

    assert world.get("/coingecko/api/v3/ping").json == recorded("coingecko/error_429.json")
