"""Finds large Bitcoin transactions: in each new block, and among those that wait for one.

Most sources show only the sum of a transaction's outputs, which may be mostly change. Such a transaction is a candidate
until its details are known; only what went to others counts. The largest candidates are looked at first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from websocket.chain_records import BlockInfo, Transfer
from websocket.errors import BadPayload, NoProviderAnswered, UpstreamError
from websocket.providers.base import Answer
from websocket.providers.capabilities import BlockExplorer, BlockTransactions, MempoolTransfers
from websocket.scheduler import Scheduler
from websocket.services.base import Part, ServiceContext, told
from websocket.services.block_follower import BlockFollower, FollowedBlocks
from websocket.services.whale_ledger import Verdict, WhaleLedger
from websocket.upstream.source import Source

BLOCK_TIME_S = 600.0
OLDEST_TIP_S = 3 * 3600.0
"""Once in ten thousand years there is no block for so long; a source that says so has stopped."""

BLOCKS_PER_ROUND = 3
BLOCK_TRIALS = 3
"""A block that comes in pages and never whole is left after so many trials, with what could be read."""

DETAILS_PER_ROUND = 8
DETAILS_INTERVAL_S = 20.0
DETAIL_TRIALS = 3

CANDIDATES_MAX = 400
SETTLED_MAX = 5000
"""Transactions that turned out small are remembered: waiting ones come again in their block."""


class Candidate(msgspec.Struct):
    """A transaction that is large with its change.

    Attributes:
        transfer: the sum of its outputs.
        trials: how often its details were asked for in vain.
    """

    transfer: Transfer
    trials: int = 0


class BitcoinWhales:
    """Keeps the ledger up to date about Bitcoin.

    Args:
        context: what services are built from.
        ledger: where large transactions go.
        blocks: part that says how far the chain was read.
        mempool: part that says when waiting transactions were looked at.
        details: part that says whether candidates can be looked at.
    """

    def __init__(
        self,
        context: ServiceContext,
        ledger: WhaleLedger,
        *,
        blocks: Part[int],
        mempool: Part[int],
        details: Part[int],
    ) -> None:
        settings = context.settings.whales
        self.follower = BlockFollower("bitcoin", catch_up=settings.catch_up_blocks, block_time_s=BLOCK_TIME_S)
        self._context = context
        self._settings = settings
        self._ledger = ledger
        self._blocks, self._mempool, self._details = blocks, mempool, details
        self._lists = context.pool(
            "whale_tracking_bitcoin_blocks", settings.block_providers, BlockExplorer, topic="whale_blocks"
        )
        self._contents = context.pool(
            "whale_tracking_bitcoin_contents", settings.block_providers, BlockTransactions, topic="whale_contents"
        )
        self._transactions = context.pool(
            "whale_tracking_bitcoin_transactions",
            settings.transaction_providers,
            BlockTransactions,
            topic="whale_transactions",
        )
        self._waiting = context.pool(
            "whale_tracking_bitcoin_mempool", settings.mempool_providers, MempoolTransfers, topic="whale_mempool"
        )
        self._candidates: dict[str, Candidate] = {}
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._trials: dict[str, int] = {}  # hash of a block -> how often it came incomplete

    @property
    def candidates(self) -> list[Transfer]:
        """Transactions whose details are not known yet, largest first."""
        waiting = [candidate.transfer for candidate in self._candidates.values()]
        return sorted(waiting, key=lambda transfer: transfer.amount, reverse=True)

    def restore(self, kept: FollowedBlocks, candidates: Sequence[Transfer]) -> None:
        """Goes on where an earlier run ended."""
        self.follower.restore(kept)
        self._candidates = {transfer.hash: Candidate(transfer) for transfer in candidates[:CANDIDATES_MAX]}

    def schedule(self, scheduler: Scheduler) -> None:
        """Plans the refreshes; they begin when there may be prices."""
        settings, deadline_s = self._settings, self._context.settings.upstream.deadline_s
        scheduler.every(
            settings.bitcoin_interval_s,
            "whale_tracking_bitcoin_blocks_collection",
            self.refresh_blocks,
            # a source that gives a block in pages needs a while
            deadline_s=deadline_s * 12,
            delay_s=12,
        )
        scheduler.every(
            settings.mempool_interval_s,
            "whale_tracking_bitcoin_mempool_collection",
            self.refresh_mempool,
            deadline_s=deadline_s * 4,
            delay_s=16,
        )
        scheduler.every(
            DETAILS_INTERVAL_S,
            "whale_tracking_bitcoin_details_collection",
            self.refresh_details,
            deadline_s=deadline_s * 4,
            delay_s=20,
        )

    # Blocks

    def refresh_blocks(self) -> None:
        """Reads the blocks that are new, or were missed."""
        if not self._ledger.has_price("BTC"):
            # nothing is lost: the blocks are read when there is a price
            self._blocks.lack("there is no recent dollar price of BTC")
            return
        try:
            listed = {block.height: block for block in self._lists.fetch(self._ask_list)}
            tip = listed[max(listed)]
            self._drop(self.follower.compare(listed.values()))
            now = self._context.clock()
            # sources list 10 or 15 blocks, and there is no other way to their hashes
            self.follower.give_up_below(min(listed), now)
            wanted = [listed[height] for height in self.follower.missing(tip.height, now) if height in listed]
            for block in wanted[:BLOCKS_PER_ROUND]:
                self._read(block)
        except NoProviderAnswered as error:
            self._blocks.fail(told(error.attempts))
            return
        left = self.follower.missing(tip.height, now)
        if left:
            self._blocks.lack(f"{len(left)} blocks are still to be read")
        else:
            # blocks come when they come: what counts is when it was seen that there is no further one
            self._blocks.hold(tip.height, source=self._lists.active or "", as_of=now)

    def _ask_list(self, source: Source[BlockExplorer]) -> list[BlockInfo]:
        provider = source.provider

        def read(answers: Sequence[Answer]) -> list[BlockInfo]:
            blocks = provider.parse_blocks(answers)
            now = self._context.clock()
            tip = max(blocks, key=lambda block: block.height, default=None)
            doubt = "no blocks" if tip is None else self.follower.doubt(tip, now)
            if tip is not None and doubt is None and tip.time is not None and now - tip.time > OLDEST_TIP_S:
                doubt = f"its newest block is {now - tip.time:.0f} s old"
            if doubt is not None:
                raise BadPayload(source.name, answers[0].request.operation, doubt)
            return blocks

        return source.ask((), lambda _: provider.blocks_requests(), read, topic=self._lists.topic)

    def _read(self, block: BlockInfo) -> None:
        if block.hash is None:
            return

        def ask(source: Source[BlockTransactions]) -> tuple[list[Transfer], bool]:
            provider = source.provider
            requests = provider.block_transactions_requests(block)

            def read(answers: Sequence[Answer]) -> tuple[list[Transfer], bool]:
                return provider.parse_block_transactions(block, answers), len(answers) >= len(requests)

            return source.ask((), lambda _: requests, read, topic=self._contents.topic)

        transfers, is_whole = self._contents.fetch(ask)
        for transfer in transfers:
            if transfer.block_height == block.height:
                self._take(transfer)
        self._trials[block.hash] = self._trials.get(block.hash, 0) + 1
        if is_whole or self._trials[block.hash] >= BLOCK_TRIALS:
            del self._trials[block.hash]
            self._drop(self.follower.mark(block, self._context.clock()))
            if not is_whole:
                self.follower.complete_since = self._context.clock()

    def _drop(self, orphans: Sequence[str]) -> None:
        if orphans:
            self._ledger.drop_blocks("bitcoin", orphans)
            for hash, candidate in list(self._candidates.items()):
                if candidate.transfer.block_hash in orphans:
                    del self._candidates[hash]

    # Waiting transactions

    def refresh_mempool(self) -> None:
        """Looks at transactions that wait for a block."""

        def ask(source: Source[MempoolTransfers]) -> list[Transfer]:
            provider = source.provider
            least = self._settings.threshold_usd
            return source.ask(
                (),
                lambda _: provider.mempool_transfers_requests(least),
                provider.parse_mempool_transfers,
                topic=self._waiting.topic,
            )

        try:
            transfers = self._waiting.fetch(ask)
        except NoProviderAnswered as error:
            self._mempool.fail(told(error.attempts))
            return
        for transfer in transfers:
            # what is in a block already comes with it
            if transfer.block_height is None:
                self._take(transfer)
        self._mempool.hold(len(transfers), source=self._waiting.active or "", as_of=self._context.clock())

    def _take(self, transfer: Transfer) -> None:
        if not transfer.includes_change:
            self._ledger.offer(transfer)
            return
        if self._ledger.confirm(transfer) or transfer.hash in self._settled:
            return
        waiting = self._candidates.get(transfer.hash)
        if waiting is not None:
            if transfer.block_height is not None:
                waiting.transfer = transfer
        elif self._ledger.may_be_large(transfer):
            self._candidates[transfer.hash] = Candidate(transfer)
            if len(self._candidates) > CANDIDATES_MAX:
                del self._candidates[min(self._candidates, key=lambda hash: self._candidates[hash].transfer.amount)]

    # Details

    def refresh_details(self) -> None:
        """Finds out what the largest candidates really moved."""
        chosen = [self._candidates[transfer.hash] for transfer in self.candidates[:DETAILS_PER_ROUND]]
        if not chosen:
            if self._blocks.as_of is not None:
                # nothing is left to look into in what is known of the chain, so this stands as that does
                self._details.hold(0, source=self._blocks.source or "", as_of=self._blocks.as_of)
            return

        def ask(source: Source[BlockTransactions]) -> tuple[list[Transfer], int]:
            provider = source.provider
            hashes = [candidate.transfer.hash for candidate in chosen]

            def read(answers: Sequence[Answer]) -> tuple[list[Transfer], int]:
                return provider.parse_transactions(answers), len(answers)

            return source.ask((), lambda _: provider.transaction_requests(hashes), read, topic=self._transactions.topic)

        try:
            transfers, answered = self._transactions.fetch(ask)
        except NoProviderAnswered as error:
            self._details.fail(told(error.attempts))
            self._count_trial(chosen[0], error.attempts)
            return
        found = {transfer.hash: transfer for transfer in transfers}
        # requests are sent in order and end with the first error
        for candidate in chosen[:answered]:
            self._settle(candidate.transfer, found.get(candidate.transfer.hash))
        self._details.hold(len(chosen), source=self._transactions.active or "", as_of=self._context.clock())

    def _settle(self, candidate: Transfer, details: Transfer | None) -> None:
        if candidate.hash not in self._candidates:
            # its block was replaced while we asked
            return
        verdict = Verdict.REFUSED
        # without details it paid nobody but its senders; and more than all of its outputs together it cannot have paid
        if details is not None and not details.includes_change and details.amount <= candidate.amount:
            if details.block_height is None or details.block_hash is None:
                details = msgspec.structs.replace(
                    details,
                    time=candidate.time or details.time,
                    block_height=candidate.block_height,
                    block_hash=candidate.block_hash,
                )
            verdict = self._ledger.offer(details)
        if verdict is Verdict.UNPRICED:
            return
        del self._candidates[candidate.hash]
        if verdict in (Verdict.SMALL, Verdict.REFUSED):
            self._settled[candidate.hash] = None
            while len(self._settled) > SETTLED_MAX:
                self._settled.popitem(last=False)

    def _count_trial(self, candidate: Candidate, attempts: Sequence[UpstreamError]) -> None:
        """A transaction that nobody knows any more must not stand in the way of the others for ever."""
        candidate.trials += any(attempt.kind == "status" for attempt in attempts)
        if candidate.trials >= DETAIL_TRIALS:
            self._settle(candidate.transfer, None)
