"""mempool.space, ``https://mempool.space``: an explorer of Bitcoin, Esplora under ``/api`` and more under ``/api/v1``.

Source: https://mempool.space/docs/api and the backend in https://github.com/mempool/mempool, checked 2026-11.
Hash rates are hashes per second. The times of ``difficulty-adjustment`` are milliseconds, except ``previousTime``,
although the published sample still has seconds. Too many requests are answered with HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.bitcoin import RETARGET_BLOCKS, BitcoinBlock, BitcoinChain
from simulator.market import DAY_S
from simulator.providers.base import Handler
from simulator.providers.esplora import Esplora, block_row, coinbase_script, header, miner_wallet, newest_height, plain
from simulator.source_view import SourceView

_BLOCKS = 15
_DAYS = {"3d": 3, "1w": 7, "1m": 30, "3m": 90, "6m": 180, "1y": 365}
_POOLS = (
    (111, "Foundry USA", "foundryusa"),
    (36, "AntPool", "antpool"),
    (73, "ViaBTC", "viabtc"),
    (44, "F2Pool", "f2pool"),
    (142, "SpiderPool", "spiderpool"),
    (43, "Braiins Pool", "braiinspool"),
)
_LIMIT_PAGE = (
    "<html>\n<head><title>429 Too Many Requests</title></head>\n<body>\n"
    "<center><h1>429 Too Many Requests</h1></center>\n"
    '<center><h2>Sign Up for <a href="https://mempool.space/enterprise">Mempool Enterprise</a> to get increased API '
    "limits</h2></center>\n</body>\n</html>\n"
)


class MempoolSpace(Esplora):
    """The keyless interface of mempool.space."""

    name = "mempool_space"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {
            **self.esplora_routes(),
            "/api/v1/blocks": self._extended_blocks,
            "/api/v1/blocks/{start}": self._extended_blocks,
            "/api/v1/block/{block_hash}": self._extended_block,
            "/api/v1/block/{block_hash}/summary": self._summary,
            "/api/v1/mining/hashrate/{interval}": self._hash_rate,
            "/api/v1/fees/recommended": self._fees,
            "/api/v1/difficulty-adjustment": self._adjustment,
        }

    def rate_limited(self) -> Answer:
        """Gives the page recorded with a 429."""
        return Answer(_LIMIT_PAGE, status=429, content_type="text/html")

    def _extended_blocks(self, request: Request, view: SourceView, start: str = "") -> Answer:
        """Answers the fifteen newest blocks from a height on downwards."""
        newest = newest_height(view, start)
        if newest is None:
            return plain("Invalid height", 400)
        chain = view.chains.bitcoin
        rows = [
            _extended_row(chain, chain.block(height, view.as_of))
            for height in range(newest, max(newest - _BLOCKS, 0), -1)
        ]
        return Answer(rows, rows=[PricedRow(None, row, ("difficulty",)) for row in rows])

    def _extended_block(self, request: Request, view: SourceView, block_hash: str) -> Answer:
        block = view.chains.bitcoin.block_by_hash(block_hash, view.as_of)
        return plain("Block not found", 404) if block is None else Answer(_extended_row(view.chains.bitcoin, block))

    def _summary(self, request: Request, view: SourceView, block_hash: str) -> Answer:
        """Answers all transactions of a block in short; ``value`` has the change in it."""
        chain = view.chains.bitcoin
        block = chain.block_by_hash(block_hash, view.as_of)
        if block is None:
            return plain("Block not found", 404)
        first = {
            "txid": chain.coinbase_txid(block),
            "fee": 0,
            "vsize": 293,
            "value": chain.reward(block),
            "rate": 0,
            "flags": 1,
        }
        rows: list[dict[str, Any]] = [first]
        for one in map(chain.transaction, block.numbers):
            rate = one.fee * 4 / one.weight
            rows.append(
                {"txid": one.txid, "fee": one.fee, "vsize": one.weight / 4, "value": one.output_total, "rate": rate}
            )
        for row in rows:
            row |= {"flags": 1_099_511_627_776, "time": block.time_s}
        return Answer(rows)

    def _hash_rate(self, request: Request, view: SourceView, interval: str) -> Answer:
        """Answers daily hash rates and the last changes of difficulty."""
        if interval not in _DAYS:
            return plain("Invalid interval", 400)
        chain, now = view.chains.bitcoin, view.as_of
        today = now // DAY_S
        days = [int((today - ago) * DAY_S) for ago in range(_DAYS[interval], 0, -1)]
        tip = chain.height(now)
        heights = {tip - tip % RETARGET_BLOCKS}
        heights |= {height - height % RETARGET_BLOCKS for height in (chain.height(day) for day in days)}
        body = {
            "hashrates": [
                {"timestamp": day, "avgHashrate": chain.hash_rate(day + DAY_S / 2) * view.factor} for day in days
            ],
            "difficulty": [
                {
                    "timestamp": int(chain.times.time_of(height)),
                    "difficulty": chain.difficulty(height),
                    "height": height,
                }
                for height in sorted(heights)
            ],
            "currentHashrate": chain.hash_rate(now) * view.factor,
            "currentDifficulty": chain.difficulty(tip) * view.factor,
        }
        return Answer(body, rows=[PricedRow(None, body, ("currentHashrate", "currentDifficulty"))])

    def _fees(self, request: Request, view: SourceView) -> Answer:
        """Answers satoshi per virtual byte."""
        stream = view.chains.bitcoin.stream
        rate = stream.fee_rate(stream.arrived_by(view.as_of)) * view.factor
        body = {
            "fastestFee": max(round(rate * 1.6), 1),
            "halfHourFee": max(round(rate * 1.2), 1),
            "hourFee": max(round(rate), 1),
            "economyFee": max(round(rate * 0.6), 1),
            "minimumFee": 1,
        }
        return Answer(body, rows=[PricedRow(None, body, tuple(body))])

    def _adjustment(self, request: Request, view: SourceView) -> Answer:
        """Answers when the difficulty will change, and by how much."""
        chain, now = view.chains.bitcoin, view.as_of
        tip = chain.height(now)
        begun = tip - tip % RETARGET_BLOCKS
        done, before = tip - begun, chain.difficulty(begun - 1)
        change = chain.difficulty(begun + RETARGET_BLOCKS) / chain.difficulty(begun) - 1.0
        average_s = chain.spacing_s / (1.0 + change)
        began_at = chain.times.time_of(begun)
        remaining_ms = int((RETARGET_BLOCKS - done) * average_s * 1_000)
        body = {
            "progressPercent": done / RETARGET_BLOCKS * 100.0,
            "difficultyChange": change * 100.0,
            "estimatedRetargetDate": int(now * 1_000) + remaining_ms,
            "remainingBlocks": RETARGET_BLOCKS - done,
            "remainingTime": remaining_ms,
            "previousRetarget": (chain.difficulty(begun) / before - 1.0) * 100.0,
            "previousTime": int(began_at),
            "nextRetargetHeight": begun + RETARGET_BLOCKS,
            "timeAvg": int(average_s * 1_000),
            "adjustedTimeAvg": int(average_s * 1_000),
            "timeOffset": 0,
            "expectedBlocks": (now - began_at) / chain.spacing_s,
        }
        return Answer(body, rows=[PricedRow(None, body, ("difficultyChange", "remainingTime", "timeAvg"))])


def _extended_row(chain: BitcoinChain, block: BitcoinBlock) -> dict[str, Any]:
    """Gives a block with what mempool.space adds to it."""
    row = block_row(chain, block)
    sums = chain.sums(block.numbers)
    count = len(block.numbers)
    wallet = chain.wallets.wallet(miner_wallet(block))
    pool_id, pool, slug = _POOLS[int(block.hash[-6:], 16) % len(_POOLS)]
    script = coinbase_script(block)
    row["extras"] = {
        "totalFees": sums.fees,
        "medianFee": _quantile(sums.fee_rates, 0.5),
        "feeRange": [_quantile(sums.fee_rates, share) for share in (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)],
        "reward": chain.reward(block),
        "pool": {"id": pool_id, "name": pool, "slug": slug, "minerNames": None},
        "avgFee": round(sums.fees / max(count, 1)),
        "avgFeeRate": round(sums.fees * 4 / sums.weight),
        "coinbaseRaw": script,
        "coinbaseAddress": wallet.address,
        "coinbaseAddresses": [wallet.address],
        "coinbaseSignature": wallet.assembly,
        "coinbaseSignatureAscii": bytes.fromhex(script).decode("latin-1"),
        "avgTxSize": round(sums.size / block.tx_count, 2),
        "totalInputs": sums.inputs,
        "totalOutputs": sums.outputs,
        "totalOutputAmt": sums.output_total,
        "medianFeeAmt": _quantile(sums.fee_amounts, 0.5),
        "feePercentiles": [_quantile(sums.fee_amounts, share) for share in (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)],
        "segwitTotalTxs": count,
        "segwitTotalSize": sums.size,
        "segwitTotalWeight": sums.weight,
        "header": header(row),
        "utxoSetChange": sums.outputs - sums.inputs,
        "utxoSetSize": 170_000_000 + block.height % 1_000_000,
        "totalInputAmt": sums.output_total + sums.fees,
        "virtualSize": sums.weight / 4,
        "firstSeen": None,
        "orphans": [],
        "matchRate": 100,
        "expectedFees": sums.fees,
        "expectedWeight": sums.weight,
    }
    return row


def _quantile(ascending: tuple[float, ...], share: float) -> float:
    """Gives the value below which this share of them lies; 0 when there is none."""
    return ascending[min(int(share * len(ascending)), len(ascending) - 1)] if ascending else 0
