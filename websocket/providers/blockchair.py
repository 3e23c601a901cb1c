"""Blockchair: figures of Bitcoin and Ethereum, and their transactions by worth; few requests a day without a key.

Documentation: https://blockchair.com/api/docs, checked 2026-11-21.

Rate limit as published: without a key 1,440 points a day (until midnight UTC) and 30 a minute. A list of transactions
costs 5 points, one of the mempool 2, anything else 1. Beyond that 402, 429 or 435; 430, 434 and 503 are blocks that end
by themselves.

Quirks:
    - The envelope repeats the status: ``{"data": ..., "context": {"code": 200, ...}}``; ``data`` is null in errors.
    - Times are UTC without saying so. Amounts of Bitcoin are satoshi, those of Ethereum wei in strings.
    - Difficulty and hash rate of Ethereum are leftovers of its mining time and not read.
    - ``block_id`` is -1 while a transaction waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from websocket.chain_records import BlockInfo, ChainStats, Transfer
from websocket.errors import AccessRefused, RateLimited, UpstreamError, UpstreamStatus
from websocket.providers.base import (
    Answer,
    Budget,
    Request,
    parse_amount,
    parse_count,
    parse_hash,
    parse_iso_time,
    parse_name,
    parse_positive,
)
from websocket.providers.capabilities import ChainExplorer, LargeTransfers, MempoolTransfers
from websocket.settings import KeyedProviderSettings

SATOSHI = 100_000_000
WEI = 10**18
LIST_COST = 5
MEMPOOL_LIST_COST = 2
LIMIT = 100
"""Rows of one list; more are not given."""


class Blockchair(ChainExplorer, LargeTransfers, MempoolTransfers):
    """Everything about a chain in one request, and its largest transactions in another, as a last resort.

    Transfers of Bitcoin are sums of outputs, change included, without addresses.
    """

    name = "blockchair"
    title = "Blockchair"
    docs = "https://blockchair.com/api/docs"
    chains = ("bitcoin", "ethereum")
    settings: KeyedProviderSettings

    @property
    def budget(self) -> Budget:
        """30 points a minute are published, and 1,440 a day.

        Every 15 minutes the figures of both chains (1 each), their large transfers (5 each) and the mempool's (2) take
        1,344 points a day. Should all requests of a month be of the dearest kind, the month's number keeps them within.
        """
        return Budget(per_minute=30, per_month=30 * 1_440 // LIST_COST, min_interval_s=900)

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Statuses of its own (430, 434, 435), also inside an answer with status 200."""
        context = payload.get("context") if isinstance(payload, dict) else None
        told = parse_count(context.get("code")) if isinstance(context, dict) else None
        code = status if status >= 400 else told or status
        if code in (429, 435):
            return RateLimited(self.name, request.operation, f"too many requests ({code})", 429)
        if code in (402, 430, 434):
            reason = f"the points of this day are used up, or blocked for a while ({code}); BLOCKCHAIR_API_KEY helps"
            return AccessRefused(self.name, request.operation, reason, code)
        if code >= 400 and status < 400:
            return UpstreamStatus(self.name, request.operation, f"error {code} in an answer with status {status}", code)
        return None

    def stats_requests(self, chain: str) -> Sequence[Request]:
        """One request for all figures."""
        if chain not in self.chains:
            return []
        return [Request(operation=f"{chain}_stats", path=f"/{chain}/stats", params=self._params())]

    def parse_stats(self, answers: Sequence[Answer]) -> ChainStats:
        """Reads ``{"data": {"best_block_height": 690164, "hashrate_24h": "92904707138521187685", ...}, ...}``.

        Also: ``best_block_hash``, ``best_block_time``, ``difficulty``, ``mempool_transactions``, ``transactions_24h``,
        ``average_transaction_fee_usd_24h``. ``mempool_size`` is bytes, not virtual bytes, and not read.

        Raises:
            BadPayload: the answer has no object in ``data``.
        """
        answer = answers[-1]
        data = answer.payload.get("data") if isinstance(answer.payload, dict) else None
        if not isinstance(data, dict):
            raise self.bad_payload(answer, "an object with figures in 'data'")
        chain = answer.request.operation.removesuffix("_stats")
        mined = chain == "bitcoin"
        height = parse_count(data.get("best_block_height"))
        latest = None
        if height is not None:
            latest = BlockInfo(
                chain=chain,
                height=height,
                hash=_hash(chain, data.get("best_block_hash")),
                time=_parse_time(data.get("best_block_time")),
            )
        return ChainStats(
            chain=chain,
            source=self.name,
            as_of=answer.received_at,
            latest_block=latest,
            hash_rate=parse_positive(data.get("hashrate_24h")) if mined else None,
            difficulty=parse_positive(data.get("difficulty")) if mined else None,
            mempool_transactions=parse_count(data.get("mempool_transactions")),
            transactions_24h=parse_count(data.get("transactions_24h")),
            average_fee_usd_24h=parse_amount(data.get("average_transaction_fee_usd_24h")),
        )

    def large_transfers_requests(self, chain: str, *, min_usd: float, since: float) -> Sequence[Request]:
        """The newest transactions that are worth enough, 100 at most."""
        if chain not in self.chains:
            return []
        worth = "output_total_usd" if chain == "bitcoin" else "value_usd"
        begin = datetime.fromtimestamp(since, timezone.utc)
        query = f"{worth}({min_usd:.0f}..),time({begin:%Y-%m-%d %H:%M:%S}..)"
        return [
            Request(
                operation=f"{chain}_transactions",
                path=f"/{chain}/transactions",
                params=(("q", query), ("s", "id(desc)"), ("limit", str(LIMIT)), *self._params()),
                cost=LIST_COST,
            )
        ]

    def parse_large_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        """Reads ``{"data": [{"block_id": 600573, "hash": "ee...", "time": "2019-10-22 19:09:34", ...}, ...], ...}``.

        Also in each row: ``output_total`` and ``output_total_usd``, or ``value``, ``value_usd``, ``sender`` and
        ``recipient``. Rewards of miners and failed transactions are left out.

        Raises:
            BadPayload: an answer has no list in ``data``.
        """
        transfers: list[Transfer] = []
        for answer in answers:
            rows = answer.payload.get("data") if isinstance(answer.payload, dict) else None
            if not isinstance(rows, list):
                raise self.bad_payload(answer, "an object with a list in 'data'")
            read = self._bitcoin_transfer if answer.request.operation.startswith("bitcoin") else self._ether_transfer
            found = [read(row) for row in rows if isinstance(row, dict)]
            transfers += [transfer for transfer in found if transfer is not None]
        return transfers

    def mempool_transfers_requests(self, min_usd: float) -> Sequence[Request]:
        """The waiting transactions of Bitcoin that are worth enough, 100 at most."""
        return [
            Request(
                operation="bitcoin_mempool_transactions",
                path="/bitcoin/mempool/transactions",
                params=(
                    ("q", f"output_total_usd({min_usd:.0f}..)"),
                    ("s", "id(desc)"),
                    ("limit", str(LIMIT)),
                    *self._params(),
                ),
                cost=MEMPOOL_LIST_COST,
            )
        ]

    def parse_mempool_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        """As ``parse_large_transfers``."""
        return self.parse_large_transfers(answers)

    def _params(self) -> tuple[tuple[str, str], ...]:
        return (("key", self.settings.api_key.reveal()),) if self.settings.api_key else ()

    def _bitcoin_transfer(self, row: dict[str, Any]) -> Transfer | None:
        hash, amount = parse_hash(row.get("hash")), parse_amount(row.get("output_total"))
        if hash is None or amount is None or row.get("is_coinbase") is True:
            return None
        return Transfer(
            chain="bitcoin",
            source=self.name,
            hash=hash,
            asset="BTC",
            amount=amount / SATOSHI,
            amount_usd=parse_amount(row.get("output_total_usd")),
            time=_parse_time(row.get("time")),
            block_height=parse_count(row.get("block_id")),
            includes_change=True,
        )

    def _ether_transfer(self, row: dict[str, Any]) -> Transfer | None:
        hash, wei = parse_hash(row.get("hash")), parse_amount(row.get("value"))
        if hash is None or wei is None or row.get("failed") is True:
            return None
        return Transfer(
            chain="ethereum",
            source=self.name,
            hash=hash,
            asset="ETH",
            amount=wei / WEI,
            amount_usd=parse_amount(row.get("value_usd")),
            sender=parse_name(row.get("sender")),
            receiver=parse_name(row.get("recipient")),
            time=_parse_time(row.get("time")),
            block_height=parse_count(row.get("block_id")),
        )


def _parse_time(value: Any) -> float | None:
    """Unix seconds from ``2021-07-08 14:37:00``, which is UTC."""
    return parse_iso_time(f"{value}Z") if isinstance(value, str) else None


def _hash(chain: str, value: Any) -> str | None:
    """Hashes of Ethereum's blocks come without ``0x``."""
    hash = parse_hash(value)
    if hash is None or chain == "bitcoin":
        return hash
    return hash if hash.startswith("0x") else f"0x{hash}"
