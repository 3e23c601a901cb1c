"""Sources of on-chain figures: Blockscout, Etherscan, Coin Metrics, DefiLlama."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.recorded import RECEIVED_AT, RECORDED_AT, answers, make_any, recording
from websocket.errors import AccessRefused, BadPayload, RateLimited, UpstreamError, UpstreamStatus
from websocket.settings import Secret

KEY = Secret("k-123")

blockscout = make_any("blockscout")
etherscan = make_any("etherscan", api_key=KEY)
coinmetrics = make_any("coinmetrics")
defillama = make_any("defillama")


def test_blockscout_knows_gas() -> None:
    """Gwei as they are, utilisation in percent already, and the time of the prices."""
    gas = blockscout.parse_gas(answers(blockscout.gas_requests(), recording("blockscout", "stats")))
    assert (gas.slow_gwei, gas.average_gwei, gas.fast_gwei) == (0.57, 0.9, 2.4)
    assert (gas.utilization_percent, gas.base_fee_gwei) == (51.2, None)
    assert gas.as_of == pytest.approx(RECORDED_AT - 14.686, abs=0.001)


def test_blockscout_knows_activity() -> None:
    """Counts are strings, the time between blocks milliseconds; the day is not said."""
    (activity,) = blockscout.parse_activity(answers(blockscout.activity_requests(), recording("blockscout", "stats")))
    assert (activity.chain, activity.day, activity.transactions) == ("ethereum", None, 1702071)
    assert (activity.transactions_total, activity.addresses_total) == (3843417199, 758505157)
    assert activity.average_block_time_s == 12.043
    assert activity.active_addresses is None


def test_blockscout_tells_absence_from_zero() -> None:
    requests, payload = blockscout.gas_requests(), recording("blockscout", "stats_gaps")
    gas = blockscout.parse_gas(answers(requests, payload))
    assert (gas.slow_gwei, gas.average_gwei, gas.fast_gwei, gas.utilization_percent) == (None,) * 4
    assert gas.as_of == RECEIVED_AT
    assert blockscout.parse_activity(answers(requests, payload))[0].transactions is None


def test_etherscan_knows_gas() -> None:
    """Everything is a string; the ratios of five blocks become one percentage."""
    (request,) = requests = etherscan.gas_requests()
    assert dict(request.params)["apikey"] == "k-123"
    gas = etherscan.parse_gas(answers(requests, recording("etherscan", "gasoracle")))
    assert (gas.block, gas.base_fee_gwei) == (26500000, 0.476839934)
    assert (gas.slow_gwei, gas.average_gwei, gas.fast_gwei) == (0.496839934, 0.516840168, 0.55411917)
    assert gas.utilization_percent == pytest.approx(60)


def test_etherscan_knows_the_height() -> None:
    requests = etherscan.block_number_requests()
    assert etherscan.parse_block_number(answers(requests, recording("etherscan", "eth_blockNumber"))) == 26500000


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("error_invalid_key", AccessRefused),
        ("error_rate_limit", RateLimited),
        ("error_proxy", UpstreamStatus),
        ("no_transactions", None),
        ("gasoracle", None),
        ("eth_blockNumber", None),
    ],
)
def test_etherscan_says_errors_with_200(name: str, kind: type[UpstreamError] | None) -> None:
    """In either of its two forms; an empty list is none. The key, which some messages repeat, stays out."""
    error = etherscan.error_in(etherscan.gas_requests()[0], 200, recording("etherscan", name))
    assert (type(error) if error else None) is kind
    assert "k-123" not in str(error)


def test_coin_metrics_gives_the_newest_day() -> None:
    """One day a chain, with its date; a metric that has not come yet is not known; other assets are not ours."""
    payload = recording("coinmetrics", "asset_metrics")
    bitcoin, ethereum = coinmetrics.parse_activity(answers(coinmetrics.activity_requests(), payload))
    assert (bitcoin.chain, bitcoin.day) == ("bitcoin", "2026-11-20")
    assert (bitcoin.active_addresses, bitcoin.transactions) == (801200, 470001)
    assert bitcoin.as_of == 1_795_219_200
    assert (ethereum.active_addresses, ethereum.transactions) == (655003, None)


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("error_forbidden", 403, AccessRefused),
        ("error_bad_parameter", 400, type(None)),
        ("error_bad_parameter", 200, UpstreamStatus),
        ("asset_metrics", 200, type(None)),
    ],
)
def test_coin_metrics_says_what_is_forbidden(name: str, status: int, kind: type) -> None:
    request = coinmetrics.activity_requests()[0]
    assert type(coinmetrics.error_in(request, status, recording("coinmetrics", name))) is kind


def test_defillama_lists_chains_by_value() -> None:
    """Largest first; a chain without a value is left out, one with nothing locked is not."""
    chains = defillama.parse_tvl(answers(defillama.tvl_requests(), recording("defillama", "chains")))
    assert [(tvl.chain, tvl.tvl_usd) for tvl in chains] == [
        ("Ethereum", 75998652431.4), ("Solana", 9123456789.1), ("Empty", 0.0)
    ]  # fmt: skip
    assert (chains[0].token, chains[0].chain_id, chains[1].chain_id) == ("ETH", 1, None)


def test_defillama_knows_fees() -> None:
    """The total where there is one, else the sum over protocols."""
    requests = defillama.fees_requests("ethereum")
    fees = defillama.parse_fees(answers(requests, recording("defillama", "fees_ethereum")))
    assert (fees.chain, fees.fees_usd_24h, fees.change_percent_1d) == ("ethereum", 12500000, -3.2)
    fees = defillama.parse_fees(answers(requests, recording("defillama", "fees_ethereum_gaps")))
    assert (fees.fees_usd_24h, fees.change_percent_1d) == (7500000.5, None)
    assert defillama.fees_requests("../x")[0].path == "/overview/fees/..%2Fx"


@pytest.mark.parametrize("payload", [None, [], {}, {"result": []}, {"data": {}}, {"protocols": [{}]}, "x"])
def test_another_shape_is_a_bad_payload(payload: Any) -> None:
    with pytest.raises(BadPayload):
        etherscan.parse_gas(answers(etherscan.gas_requests(), payload))
    with pytest.raises(BadPayload):
        etherscan.parse_block_number(answers(etherscan.block_number_requests(), payload))
    with pytest.raises(BadPayload):
        coinmetrics.parse_activity(answers(coinmetrics.activity_requests(), payload))
    with pytest.raises(BadPayload):
        defillama.parse_fees(answers(defillama.fees_requests(), payload))
    if not isinstance(payload, list):
        with pytest.raises(BadPayload):
            defillama.parse_tvl(answers(defillama.tvl_requests(), payload))
