"""What every scenario looks like to a client, over real HTTP."""

import json
import socket
import threading
from urllib.parse import urlsplit

import pytest
import requests

PATHS = {
    "alternative_me": "/alternative_me/fng/?limit=3",
    "binance": "/binance/api/v3/ticker/24hr",
    "blockchain_info": "/blockchain_info/stats?format=json",
    "blockchair": "/blockchair/bitcoin/stats",
    "blockcypher": "/blockcypher/v1/btc/main",
    "blockscout": "/blockscout/api/v2/stats",
    "blockstream": "/blockstream/api/mempool",
    "coinbase_exchange": "/coinbase_exchange/products/BTC-USD/ticker",
    "coingecko": "/coingecko/api/v3/simple/price?ids=bitcoin,ethereum,tether&vs_currencies=usd",
    "coinlore": "/coinlore/api/tickers/",
    "coinmetrics": "/coinmetrics/v4/timeseries/asset-metrics?assets=eth&metrics=TxCnt&limit_per_asset=1",
    "coinpaprika": "/coinpaprika/v1/tickers",
    "cryptopanic": "/cryptopanic/api/developer/v2/posts/?auth_token=key",
    "defillama": "/defillama/v2/chains",
    "etherscan": "/etherscan/v2/api?chainid=1&module=gastracker&action=gasoracle&apikey=key",
    "huggingface": "/huggingface/api/models?limit=3",
    "kraken": "/kraken/0/public/Ticker?assetVersion=1",
    "mempool_space": "/mempool_space/api/v1/mining/hashrate/3d",
    "rss": "/rss/coindesk",
    "whale_alert": "/whale_alert/v1/transactions?api_key=key",
}
each_provider = pytest.mark.parametrize("provider", PATHS)


def fetch(world, provider_or_path):
    return requests.get(world.url + PATHS.get(provider_or_path, provider_or_path), timeout=5)


def raw(world, path):
    """Gives every byte the server sends until it closes the connection, and whether it did."""
    address = urlsplit(world.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\nUser-Agent: test\r\n\r\n".encode())
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
        return received


@each_provider
def test_a_quiet_provider_answers(served, provider):
    assert fetch(served, provider).status_code == 200


@each_provider
def test_outage_closes_the_connection_without_a_byte(served, provider):
    served.begin("outage", [provider])

    assert raw(served, PATHS[provider]) == b""
    with pytest.raises(requests.ConnectionError):
        fetch(served, provider)
    others = [name for name in PATHS if name != provider]
    assert all(fetch(served, other).ok for other in others)


@each_provider
def test_rate_limited_says_when_to_come_back(served, provider):
    served.begin("rate_limited")
    assert fetch(served, provider).headers["Retry-After"] == "30"

    served.begin("rate_limited", [provider], retry_after_s=1.5)
    response = fetch(served, provider)
    # Etherscan refuses with success.
    assert (response.status_code, response.headers["Retry-After"]) == (200 if provider == "etherscan" else 429, "2")


def test_slow_drips_a_valid_beginning_and_gives_up(served):
    whole = fetch(served, "kraken").content
    served.begin("slow", ["kraken"], piece_bytes=3, interval_s=0.01, limit_s=0.05)

    head, _, body = raw(served, PATHS["kraken"]).partition(b"\r\n\r\n")

    assert f"Content-Length: {len(whole)}".encode() in head
    assert 3 <= len(body) < len(whole)
    assert whole.startswith(body)


def test_a_slow_answer_outlasts_the_timeout_of_its_client(served):
    served.begin("slow", ["kraken"])

    with pytest.raises(requests.RequestException):
        requests.get(served.url + PATHS["kraken"], timeout=(1, 0.1))


def test_the_thread_of_a_slow_answer_ends_when_the_client_leaves(served):
    served.begin("slow", ["kraken"], interval_s=60)
    before = set(threading.enumerate())
    address = urlsplit(served.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(b"GET /kraken/0/public/Ticker HTTP/1.1\r\nHost: test\r\n\r\n")
        assert connection.recv(10)
        answering = set(threading.enumerate()) - before

    assert len(answering) == 1
    for thread in answering:
        thread.join(timeout=5)
        assert not thread.is_alive()


@each_provider
def test_html_instead_of_json_keeps_the_status(served, provider):
    served.begin("html_instead_of_json")
    response = fetch(served, provider)

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    with pytest.raises(ValueError):
        response.json()


@each_provider
def test_truncated_announces_all_and_sends_half(served, provider):
    served.begin("truncated")

    head, _, body = raw(served, PATHS[provider]).partition(b"\r\n\r\n")
    announced = int(dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])["Content-Length"])

    assert len(body) == announced // 2
    with pytest.raises(requests.RequestException):
        fetch(served, provider)


@pytest.mark.parametrize(
    ("provider", "token"),
    [
        ("binance", '"lastPrice":"NaN"'),
        ("coinbase_exchange", '"price":"NaN"'),
        ("coingecko", '"bitcoin":{"usd":NaN}'),
        ("coinlore", '"price_usd":"NaN"'),
        ("coinpaprika", '"price":NaN'),
        ("kraken", '"c":["NaN",'),
        ("alternative_me", '"value":"NaN"'),
        ("blockchain_info", '"hash_rate":NaN'),
        ("blockchair", '"hashrate_24h":"NaN"'),
        ("blockcypher", '"height":NaN'),
        ("blockscout", '"average":NaN'),
        ("coinmetrics", '"TxCnt":"NaN"'),
        ("defillama", '"tvl":NaN'),
        ("etherscan", '"suggestBaseFee":"NaN"'),
        ("huggingface", '"downloads":NaN'),
        ("mempool_space", '"currentHashrate":NaN'),
        ("whale_alert", '"amount_usd":NaN'),
    ],
)
def test_nan_is_written_in_the_providers_dialect(served, provider, token):
    served.begin("nan")

    assert token in fetch(served, provider).text


def test_null_fields_take_the_price_of_every_second_coin(served):
    served.begin("null_fields")

    gecko = fetch(served, "coingecko").json()
    lore = {row["symbol"]: row["price_usd"] for row in fetch(served, "coinlore").json()["data"]}
    paprika = {row["symbol"]: row["quotes"]["USD"]["price"] for row in fetch(served, "coinpaprika").json()}
    kraken = fetch(served, "kraken").json()["result"]
    binance = {row["symbol"]: row["lastPrice"] for row in fetch(served, "binance").json()}
    coinbase = {
        base: fetch(served, f"/coinbase_exchange/products/{base}-USD/ticker").json()["price"] for base in ("BTC", "ETH")
    }

    assert gecko["ethereum"]["usd"] is None
    assert gecko["bitcoin"]["usd"] > 0
    assert (lore["ETH"], paprika["ETH"], kraken["ETH/USD"]["c"][0], binance["ETHUSDT"]) == ("", None, "", "")
    assert coinbase["ETH"] is None
    for price in (lore["BTC"], paprika["BTC"], kraken["BTC/USD"]["c"][0], binance["BTCUSDT"], coinbase["BTC"]):
        assert float(price) > 0


def test_null_fields_take_every_second_figure(served):
    served.begin("null_fields")

    rate = fetch(served, "mempool_space").json()
    mempool = fetch(served, "blockstream").json()
    stats = fetch(served, "blockchain_info").json()

    assert (rate["currentHashrate"], mempool["vsize"], stats["hash_rate"]) == (None, None, None)
    assert rate["currentDifficulty"] > 0
    assert mempool["count"] > 0
    assert stats["n_tx"] > 0
    assert fetch(served, "alternative_me").json()["data"][0]["value"] == ""
    assert fetch(served, "etherscan").json()["result"]["SafeGasPrice"] == ""


def test_one_source_wrong_multiplies_that_sources_prices(served):
    def price(provider):
        body = fetch(served, provider).json()
        if provider == "binance":
            return float(next(row["lastPrice"] for row in body if row["symbol"] == "BTCUSDT"))
        return body["bitcoin"]["usd"]

    right = {name: price(name) for name in ("binance", "coingecko")}
    served.begin("one_source_wrong")
    assert price("binance") == pytest.approx(right["binance"] * 10)
    assert price("coingecko") == right["coingecko"]

    served.begin("one_source_wrong", ["coingecko"], factor=0.5)
    assert price("coingecko") == pytest.approx(right["coingecko"] / 2, abs=1)


def test_flash_crash_reaches_every_provider_but_not_the_stablecoins(served):
    def prices():
        pairs = fetch(served, "kraken").json()["result"]
        lore = {row["symbol"]: float(row["price_usd"]) for row in fetch(served, "coinlore").json()["data"]}
        return {pair: float(row["c"][0]) for pair, row in pairs.items()}, lore

    kraken, lore = prices()
    served.begin("flash_crash")
    served.clock.advance(3)
    fallen_kraken, fallen_lore = prices()

    assert fallen_kraken["BTC/USD"] == pytest.approx(kraken["BTC/USD"] * 0.7, rel=0.002)
    assert fallen_lore["POL"] == pytest.approx(lore["POL"] * 0.7, rel=0.002)
    assert fallen_kraken["USDT/USD"] == pytest.approx(kraken["USDT/USD"], rel=0.001)


@pytest.mark.parametrize(
    ("path", "source_time"),
    [
        (
            "/coingecko/api/v3/simple/price?ids=bitcoin&vs_currencies=usd&precision=full&include_last_updated_at=true",
            lambda body: body["bitcoin"]["last_updated_at"],
        ),
        ("/coinpaprika/v1/tickers/btc-bitcoin", lambda body: body["last_updated"]),
        ("/binance/api/v3/ticker/24hr?symbol=BTCUSDT", lambda body: body["closeTime"]),
        ("/coinbase_exchange/products/BTC-USD/ticker", lambda body: body["time"]),
        ("/coinlore/api/tickers/", lambda body: body["info"]["time"]),
        ("/blockchain_info/stats?format=json", lambda body: body["timestamp"]),
        ("/blockscout/api/v2/stats", lambda body: body["gas_price_updated_at"]),
    ],
)
def test_stuck_clock_holds_source_times_while_prices_move(served, path, source_time):
    provider = path.split("/")[1]
    before = fetch(served, path).json()
    served.begin("stuck_clock", [provider])
    served.clock.advance(600)
    stuck = fetch(served, path).json()

    assert source_time(stuck) == source_time(before)
    assert stuck != before

    served.begin("normal", [provider])
    assert source_time(fetch(served, path).json()) > source_time(before)


def test_geo_blocked_is_451_at_binance_and_a_403_page_elsewhere(served):
    served.begin("geo_blocked", ["binance", "kraken"])
    binance, kraken = fetch(served, "binance"), fetch(served, "kraken")

    assert (binance.status_code, binance.json()["code"]) == (451, 0)
    assert kraken.status_code == 403
    assert kraken.headers["Content-Type"].startswith("text/html")


def test_one_source_wrong_reaches_figures_too(served):
    def rate(provider, key):
        return fetch(served, provider).json()[key]

    right = rate("mempool_space", "currentHashrate"), rate("blockchain_info", "hash_rate")
    served.begin("one_source_wrong", ["mempool_space"])

    assert rate("mempool_space", "currentHashrate") == pytest.approx(right[0] * 10)
    assert rate("blockchain_info", "hash_rate") == right[1]


def test_errors_pass_through_price_faults_unharmed(served):
    served.begin("nan")

    assert fetch(served, "/binance/api/v3/ticker/24hr?symbol=NOPE").json()["code"] == -1121
    assert json.loads(fetch(served, "/coingecko/api/v3/ping").text)
