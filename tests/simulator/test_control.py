"""The control interface under ``/_control``."""

import json

import pytest

from simulator.scenarios import SCENARIOS


def post(world, path, body=None):
    data = body if isinstance(body, (bytes, str)) else json.dumps(body) if body is not None else b""
    return world.client.post(f"/_control{path}", data=data)


def state(world):
    return world.json("/_control")


def test_the_state_tells_seed_time_scenarios_and_requests(world):
    world.get("/kraken/0/public/Ticker?pair=XBTUSD")
    world.get("/kraken/0/public/Ticker")
    world.begin("outage", ["coinlore"])

    seen = state(world)

    assert (seen["seed"], seen["time"], seen["pinned_usd"]) == (7, world.clock.now, {})
    assert seen["requests"]["kraken"] == {"/0/public/Ticker": 2}
    assert seen["requests"]["binance"] == {}
    assert seen["providers"] == list(seen["requests"])
    assert [entry["scenario"] for entry in seen["scenarios"]] == ["outage"]
    assert world.json("/_control/state") == seen


def test_requests_count_during_an_outage_too(served):
    served.begin("outage")
    with pytest.raises(ConnectionAbortedError):
        served.get("/kraken/0/public/Ticker")

    assert state(served)["requests"]["kraken"] == {"/0/public/Ticker": 1}


def test_a_scenario_begins_and_the_answer_is_the_state(world):
    response = post(
        world,
        "/scenario",
        {"scenario": "rate_limited", "providers": ["kraken"], "for_s": 60, "params": {"retry_after_s": 7}},
    )

    assert response.status_code == 200
    assert response.json == state(world)
    assert response.json["scenarios"] == [
        {
            "scenario": "rate_limited",
            "providers": ["kraken"],
            "since": world.clock.now,
            "until": world.clock.now + 60,
            "params": {"retry_after_s": 7},
        }
    ]
    assert world.get("/kraken/0/public/Ticker").headers["Retry-After"] == "7"


def test_nulls_count_as_left_out(world):
    body = {"scenario": "nan", "providers": None, "for_s": None, "params": None}

    assert post(world, "/scenario", body).json["scenarios"][0]["providers"] == list(world.simulator.providers)


def test_prices_are_pinned_and_released(world):
    assert post(world, "/market", {"pin": {"BTC": 50_000, "ETH": 1}}).json["pinned_usd"] == {"BTC": 50_000, "ETH": 1}
    assert float(world.json("/coinlore/api/ticker/?id=80")[0]["price_usd"]) == pytest.approx(1, rel=0.001)

    assert post(world, "/market", {"release": ["ETH"]}).json["pinned_usd"] == {"BTC": 50_000}
    assert post(world, "/market", {"release": "all", "pin": {"ADA": 2}}).json["pinned_usd"] == {"ADA": 2}


def test_reset_puts_everything_back(world):
    before = world.get("/kraken/0/public/Ticker").text
    post(world, "/market", {"pin": {"BTC": 50_000}})
    post(world, "/scenario", {"scenario": "depeg"})
    post(world, "/scenario", {"scenario": "outage"})

    cleared = post(world, "/reset").json

    assert (cleared["scenarios"], cleared["pinned_usd"], cleared["requests"]["kraken"]) == ([], {}, {})
    assert world.get("/kraken/0/public/Ticker").text == before


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/scenario", b"", "expected a JSON object"),
        ("/scenario", b"\xff", "expected a JSON object"),
        ("/scenario", '{"scenario": "outage", "for_s": NaN}', "NaN is not JSON"),
        ("/scenario", [], "expected a JSON object with scenario, providers, for_s, params"),
        ("/scenario", {}, "missing key 'scenario'"),
        ("/scenario", {"scenario": "outage", "provider": "kraken"}, "unknown key 'provider'"),
        ("/scenario", {"scenario": 5}, "scenario: expected a string"),
        ("/scenario", {"scenario": "storm"}, "expected one of normal, outage"),
        ("/scenario", {"scenario": "outage", "providers": "kraken"}, "providers: expected a list of strings"),
        ("/scenario", {"scenario": "outage", "providers": ["nobody"]}, "expected some of alternative_me"),
        ("/scenario", {"scenario": "outage", "for_s": -1}, "for_s: expected a number of seconds above 0"),
        ("/scenario", {"scenario": "outage", "for_s": "5"}, "for_s: expected a number of seconds above 0"),
        ("/scenario", {"scenario": "slow", "params": [1]}, "params: expected an object"),
        ("/scenario", {"scenario": "slow", "params": {"limit_s": 500}}, "limit_s: expected a number from 0 to 120"),
        ("/market", {}, "expected pin, release or both"),
        ("/market", {"pin": {"BTC": 0}}, "pin: expected an object of prices"),
        ("/market", {"pin": {"BTC": True}}, "pin: expected an object of prices"),
        ("/market", {"pin": ["BTC"]}, "pin: expected an object of prices"),
        ("/market", {"pin": {"QLL": 1}}, "unknown coin 'QLL'; expected some of BTC"),
        ("/market", {"release": "BTC"}, "release: expected a list"),
        ("/market", {"release": ["btc"]}, "unknown coin 'btc'"),
        ("/market", {"pin": {"BTC": 1}, "hold": 1}, "unknown key 'hold'"),
        ("/reset", {"all": True}, "expected no body"),
    ],
)
def test_refusals_name_what_was_expected_and_change_nothing(world, path, body, expected):
    before = state(world)
    response = post(world, path, body)

    assert response.status_code == 400
    assert expected in response.json["error"]
    assert state(world) == before


def test_text_parameters_are_taken_and_refused_like_numbers(world):
    taken = post(world, "/scenario", {"scenario": "feed_broken", "params": {"feed": "decrypt", "kind": "junk"}})
    refused = post(world, "/scenario", {"scenario": "feed_broken", "params": {"feed": "gazette"}})

    assert taken.json["scenarios"][0]["params"] == {"feed": "decrypt", "kind": "junk", "size_mb": 50}
    assert taken.json["scenarios"][0]["providers"] == ["rss"]
    assert (refused.status_code, "expected one of coindesk" in refused.json["error"]) == (400, True)


def test_the_catalogue_tells_what_can_be_set(world):
    catalogue = world.json("/_control/scenarios")

    assert list(catalogue) == list(SCENARIOS)
    assert catalogue["reorg"]["parameters"]["depth"] == {"default": 1, "minimum": 1, "maximum": 2}
    assert catalogue["feed_broken"]["parameters"]["kind"]["options"] == ["broken_xml", "entity_bomb", "junk"]
    assert post(world, "/scenarios").status_code == 405


def test_reset_brings_the_first_blocks_back(world):
    before = world.get("/mempool_space/api/blocks/tip/hash").text
    post(world, "/scenario", {"scenario": "reorg"})
    assert world.get("/mempool_space/api/blocks/tip/hash").text != before

    post(world, "/reset")
    assert world.get("/mempool_space/api/blocks/tip/hash").text == before


def test_unknown_paths_and_methods(world):
    assert post(world, "/weather").status_code == 404
    assert "/_control/scenario" in post(world, "/weather").json["error"]
    assert world.get("/_control/reset").status_code == 405
    assert post(world, "").status_code == 405
