"""The keys and kinds of every provider's main answers, written down here so that they need no recordings."""

import pytest

from ..world import shape

NUMBER, DECIMAL, TEXT = "number", "decimal text", "text"

EXPECTED = {
    "/coingecko/api/v3/simple/price?ids=cardano&vs_currencies=usd&include_24hr_change=true"
    "&include_last_updated_at=true": {"cardano": {"usd": NUMBER, "usd_24h_change": NUMBER, "last_updated_at": NUMBER}},
    "/coinlore/api/ticker/?id=48543": [
        {
            "id": DECIMAL,
            "symbol": TEXT,
            "name": TEXT,
            "nameid": TEXT,
            "rank": NUMBER,
            "price_usd": DECIMAL,
            "percent_change_24h": DECIMAL,
            "percent_change_1h": DECIMAL,
            "percent_change_7d": DECIMAL,
            "market_cap_usd": DECIMAL,
            "volume24": DECIMAL,
            "volume24_native": DECIMAL,
            "csupply": DECIMAL,
            "price_btc": DECIMAL,
            "tsupply": DECIMAL,
            "msupply": "empty text",
        }
    ],
    "/coinpaprika/v1/tickers/sol-solana": {
        "id": TEXT,
        "name": TEXT,
        "symbol": TEXT,
        "rank": NUMBER,
        "total_supply": NUMBER,
        "max_supply": NUMBER,
        "beta_value": NUMBER,
        "first_data_at": "time with 20 characters",
        "last_updated": "time with 20 characters",
        "quotes": {
            "USD": {
                "price": NUMBER,
                "volume_24h": NUMBER,
                "volume_24h_change_24h": NUMBER,
                "market_cap": NUMBER,
                "market_cap_change_24h": NUMBER,
                **{
                    f"percent_change_{window}": NUMBER
                    for window in ("15m", "30m", "1h", "6h", "12h", "24h", "7d", "30d", "1y")
                },
                "ath_price": NUMBER,
                "ath_date": "time with 20 characters",
                "percent_from_price_ath": NUMBER,
            }
        },
    },
    "/binance/api/v3/ticker/24hr?symbol=XRPUSDT&type=MINI": {
        "symbol": TEXT,
        **dict.fromkeys(("openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume"), DECIMAL),
        **dict.fromkeys(("openTime", "closeTime", "firstId", "lastId", "count"), NUMBER),
    },
    "/kraken/0/public/Ticker?pair=XRPUSD": {
        "error": [],
        "result": {
            "XXRPZUSD": {
                "a": [DECIMAL] * 3,
                "b": [DECIMAL] * 3,
                "c": [DECIMAL] * 2,
                "v": [DECIMAL] * 2,
                "p": [DECIMAL] * 2,
                "t": [NUMBER] * 2,
                "l": [DECIMAL] * 2,
                "h": [DECIMAL] * 2,
                "o": DECIMAL,
            }
        },
    },
    "/coinbase_exchange/products/XRP-USD/ticker": {
        **dict.fromkeys(("ask", "bid", "volume", "price", "size", "rfq_volume"), DECIMAL),
        "trade_id": NUMBER,
        "time": "time with 27 characters",
    },
    "/coinbase_exchange/products/XRP-USD/stats": dict.fromkeys(
        ("open", "high", "low", "last", "volume", "volume_30day", "rfq_volume_24hour", "rfq_volume_30day"), DECIMAL
    ),
}


@pytest.mark.parametrize("path", EXPECTED)
def test_an_answer_has_its_keys_and_kinds(world, path):
    assert shape(world.json(path)) == EXPECTED[path]


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("binance", {"code": "number", "msg": "text"}),
        ("coinbase_exchange", {"message": "text"}),
        ("coingecko", {"status": {"error_code": "number", "error_message": "text"}}),
        ("coinpaprika", {"error": "text"}),
        ("kraken", {"error": ["text"]}),
    ],
)
def test_a_refused_rate_is_told_in_the_providers_own_shape(world, provider, body):
    world.begin("rate_limited", [provider])
    response = world.get(f"/{provider}/any")

    assert response.status_code == 429
    assert shape(response.json) == body
