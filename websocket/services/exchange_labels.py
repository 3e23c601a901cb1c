"""Public addresses that are known to belong to an exchange.

Few and certain: an address is in here when public sources agree on it. A wrong label would be an accusation, a missing
one is only a missing one.

Sources: the Ethereum addresses carry these public name tags on Etherscan (state of 2023); that of Coinbase is also the
example in Etherscan's documentation. Of the Bitcoin addresses, public tables contradict each other on most; these are
those on which they agree (the first is tagged as Binance-coldwallet on bitinfocharts.com).
"""

from __future__ import annotations

from collections.abc import Mapping

EXCHANGE_LABELS: Mapping[str, str] = {
    "34xp4vRoCGJym3xR7yCVPFHoCNxv4Twseo": "Binance cold wallet",
    "1NDyJtNTjmwk5xPNhjgAMu4HDHigtobu1s": "Binance",
    "bc1qgdjqv0av3q56jvd82tkdjpy7gdp9ut8tlqmgrpmv24sq90ecnvqqjwvw97": "Bitfinex cold wallet",
    "0xbe0eb53f46cd790cd13851d5eff43d12404d33e8": "Binance 7",
    "0xf977814e90da44bfa03b6295a0616a897441acec": "Binance 8",
    "0x28c6c06298d514db089934071355e5743bf21d60": "Binance 14",
    "0xa9d1e08c7793af67e9d92fe308d5697fb81d3e43": "Coinbase 10",
    "0x267be1c1d684f78cb4f6a176c4911b741e4ffdc0": "Kraken 4",
    "0x742d35cc6634c0532925a3b844bc454e4438f44e": "Bitfinex 2",
}
"""Address, as ``Transfer`` writes it, to the name of the exchange and of its wallet."""
