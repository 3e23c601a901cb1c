"""CoinLore's wire format."""

from ..world import recorded, shape

TICKER = "/coinlore/api/ticker/"
TICKERS = "/coinlore/api/tickers/"


def test_ticker_has_the_recorded_shape(world):
    wanted = recorded("coinlore/ticker.json")
    answer = world.json(f"{TICKER}?id=90")

    assert shape(answer) == shape(wanted)
    assert list(answer[0]) == list(wanted[0])


def test_tickers_has_the_recorded_shape(world):
    wanted = {row["symbol"]: row for row in recorded("coinlore/tickers.json")["data"]}
    answer = {row["symbol"]: row for row in world.json(TICKERS)["data"]}

    for symbol, row in wanted.items():
        assert shape(answer[symbol]) == shape(row)
        assert list(answer[symbol]) == list(row)


def test_ticker_gives_texts_and_tickers_gives_volumes_as_numbers(world):
    single = world.json(f"{TICKER}?id=90")[0]
    listed = world.json(f"{TICKERS}?limit=1")["data"][0]

    assert isinstance(single["volume24"], str)
    assert isinstance(listed["volume24"], float)
    assert isinstance(listed["price_usd"], str)
    assert listed["price_btc"] == "1.00"


def test_ticker_keeps_the_order_asked_for_and_leaves_unknown_ids_out(world):
    rows = world.json(f"{TICKER}?id=80,999999999,90,518")

    assert [row["symbol"] for row in rows] == ["ETH", "BTC", "USDT"]
    assert world.json(TICKER) == []
    assert world.json(f"{TICKER[:-1]}?id=90") == world.json(f"{TICKER}?id=90")


def test_tickers_pages_through_all_coins_by_rank(world):
    whole = world.json(TICKERS)
    pages = [world.json(f"{TICKERS}?start={start}&limit=20") for start in (0, 20, 40, 60)]

    assert [row for page in pages for row in page["data"]] == whole["data"]
    assert [row["rank"] for row in whole["data"]] == list(range(1, len(whole["data"]) + 1))
    assert whole["info"]["coins_num"] == len(whole["data"]) > 40
    assert whole["info"]["time"] == int(world.clock.now)


def test_wrong_page_parameters_count_as_missing(world):
    assert world.json(f"{TICKERS}?start=x&limit=-1") == world.json(TICKERS)


def test_pol_is_found_in_the_list_under_an_id_that_works(world):
    found = [row for row in world.json(TICKERS)["data"] if row["symbol"] == "POL"]

    assert len(found) == 1
    assert world.json(f"{TICKER}?id={found[0]['id']}")[0]["symbol"] == "POL"


def test_an_unlimited_supply_is_an_empty_text(world):
    bitcoin, ether = world.json(f"{TICKER}?id=90,80")

    assert bitcoin["msupply"] == "21000000"
    assert ether["msupply"] == ""
