"""blockchain.info, ``https://blockchain.info``: statistics and waiting transactions of Bitcoin.

Source: recorded answers of 2016, 2025 and 2026, checked 2026-11. ``hash_rate`` is GH/s; ``*_btc`` and ``*_sent``
are satoshi despite their names, ``timestamp`` milliseconds. As recorded in 2026, ``total_fees_btc`` is minus
``n_btc_mined`` and ``miners_revenue_usd`` is 0. Without ``format=json`` the pages are HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request, html_page
from simulator.bitcoin import RETARGET_BLOCKS, BitcoinBlock, BitcoinChain
from simulator.bitcoin_transactions import SATOSHI, BitcoinTransaction, Piece
from simulator.market import DAY_S
from simulator.providers.base import Handler, Provider
from simulator.providers.esplora import plain
from simulator.source_view import SourceView

_WAITING = 100


class BlockchainInfo(Provider):
    """The keyless pages of blockchain.info."""

    name = "blockchain_info"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {
            "/stats": self._stats,
            "/unconfirmed-transactions": self._waiting,
            "/rawtx/{txid}": self._transaction,
            "/q/getblockcount": lambda request, view: plain(str(view.chains.bitcoin.height(view.as_of))),
            "/q/unconfirmedcount": lambda request, view: plain(str(view.chains.bitcoin.mempool(view.as_of).count)),
            "/q/hashrate": lambda request, view: plain(f"{_giga_hash_rate(view):.1f}"),
            "/q/getdifficulty": self._difficulty,
        }

    def error(self, status: int, message: str) -> Answer:
        """Gives an error object."""
        return Answer({"error": message.lower().replace(" ", "-"), "message": message}, status=status)

    def rate_limited(self) -> Answer:
        """Gives the plain text of the gateway in front."""
        return plain("error code: 1015", 429)

    def _difficulty(self, request: Request, view: SourceView) -> Answer:
        chain = view.chains.bitcoin
        return plain(f"{chain.difficulty(chain.height(view.as_of)):.2f}")

    def _stats(self, request: Request, view: SourceView) -> Answer:
        """Answers the last 24 hours."""
        if request.query.get("format") != "json":
            return html_page("Bitcoin Currency Statistics", "Charts and statistics of the network.", 200)
        chain, now = view.chains.bitcoin, view.as_of
        tip, price = chain.height(now), view.price("BTC")
        blocks = tip - chain.height(now - DAY_S)
        transactions = chain.stream.arrived_by(now) - chain.stream.arrived_by(now - DAY_S)
        mined = blocks * chain.subsidy(tip)
        sent = transactions * 3 * SATOSHI // 2
        traded_usd = view.volume("BTC", 0.02)
        body = {
            "timestamp": float(int(view.claimed_at) * 1_000),
            "market_price_usd": round(price, 2),
            "hash_rate": _giga_hash_rate(view),
            "total_fees_btc": -mined,
            "n_btc_mined": mined,
            "n_tx": transactions,
            "n_blocks_mined": blocks,
            "minutes_between_blocks": round(DAY_S / 60.0 / max(blocks, 1), 4),
            "totalbc": chain.supply(tip),
            "n_blocks_total": tip,
            "estimated_transaction_volume_usd": sent * 0.4 / SATOSHI * price,
            "blocks_size": transactions * 310,
            "miners_revenue_usd": 0.0,
            "nextretarget": tip - tip % RETARGET_BLOCKS + RETARGET_BLOCKS - 1,
            "difficulty": int(chain.difficulty(tip) * view.factor),
            "estimated_btc_sent": int(sent * 0.4),
            "miners_revenue_btc": 0,
            "total_btc_sent": sent,
            "trade_volume_btc": round(traded_usd / price, 8),
            "trade_volume_usd": traded_usd,
        }
        price_row = PricedRow("BTC", body, ("market_price_usd",))
        return Answer(body, rows=[price_row, PricedRow(None, body, ("hash_rate", "n_tx", "difficulty"))])

    def _waiting(self, request: Request, view: SourceView) -> Answer:
        """Answers up to a hundred waiting transactions, newest first."""
        if request.query.get("format") != "json":
            return html_page("Unconfirmed Transactions", "Bitcoin transactions that wait for a block.", 200)
        chain = view.chains.bitcoin
        newest = chain.waiting(view.as_of)[-_WAITING:]
        return Answer({"txs": [_row(chain, chain.transaction(number), None) for number in reversed(newest)]})

    def _transaction(self, request: Request, view: SourceView, txid: str) -> Answer:
        chain = view.chains.bitcoin
        number = chain.stream.number_of(txid)
        if number is None or number >= chain.stream.arrived_by(view.as_of):
            return Answer({"error": "not-found-or-invalid-arg", "message": "Item not found"}, status=404)
        return Answer(_row(chain, chain.transaction(number), chain.block_of(number, view.as_of)))


def _giga_hash_rate(view: SourceView) -> float:
    return view.chains.bitcoin.hash_rate(view.as_of) / 1e9 * view.factor


def _row(chain: BitcoinChain, one: BitcoinTransaction, block: BitcoinBlock | None) -> dict[str, Any]:
    height = None if block is None else block.height
    return {
        "hash": one.txid,
        "ver": 2,
        "vin_sz": len(one.inputs),
        "vout_sz": len(one.outputs),
        "size": one.size,
        "weight": one.weight,
        "fee": one.fee,
        "relayed_by": "0.0.0.0",
        "lock_time": 0,
        "tx_index": _index(one.number),
        "double_spend": False,
        "time": int(chain.stream.arrival(one.number)),
        "block_index": height,
        "block_height": height,
        "inputs": [
            {
                "sequence": 4_294_967_293,
                "witness": "",
                "script": "",
                "index": place,
                "prev_out": {**_output(chain, piece, place, one.number - 1 - place), "spent": True},
            }
            for place, piece in enumerate(one.inputs)
        ],
        "out": [_output(chain, piece, place, one.number) for place, piece in enumerate(one.outputs)],
    }


def _output(chain: BitcoinChain, piece: Piece, place: int, number: int) -> dict[str, Any]:
    """Gives an output of a transaction; a message on the chain has no address."""
    output = {
        "type": 0,
        "spent": False,
        "value": piece.value,
        "spending_outpoints": [],
        "n": place,
        "tx_index": _index(number),
        "script": "6a0d73696d756c61746564206f6e65",
    }
    if piece.wallet is not None:
        wallet = chain.wallets.wallet(piece.wallet)
        output |= {"script": wallet.script, "addr": wallet.address}
    return output


def _index(number: int) -> int:
    """Gives a number as large as those of the real interface, beyond 32 bits."""
    return 1_000_000_000_000_000 + number * 7_919
