"""Finds large transfers on Ethereum: its own coin in the transactions of each new block, tokens in their events."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from websocket.chain_records import BlockInfo, ChainBlock, Transfer
from websocket.errors import BadPayload, NoProviderAnswered
from websocket.providers.base import Answer
from websocket.providers.capabilities import ChainNode
from websocket.scheduler import Scheduler
from websocket.services.base import Part, ServiceContext, told
from websocket.services.block_follower import BlockFollower, FollowedBlocks
from websocket.services.contracts import BlockNode
from websocket.services.whale_ledger import WhaleLedger
from websocket.upstream.source import Source

CHAIN = "ethereum"
COIN = "ETH"
BLOCK_TIME_S = 12.0

OLDEST_TIP_S = 300.0
"""A node whose newest block is older has stopped, or is catching up."""

BLOCKS_PER_ROUND = 4
"""A whole block may be 1 MB."""


class EthereumWhales:
    """Keeps the ledger up to date about Ethereum.

    Args:
        context: what services are built from; every node of Ethereum in it is used, in its order.
        ledger: where large transfers go.
        blocks: part that says how far the chain was read.
        tokens: part that says how far the events of tokens were read.
    """

    def __init__(self, context: ServiceContext, ledger: WhaleLedger, *, blocks: Part[int], tokens: Part[int]) -> None:
        settings = context.settings.whales
        self.follower = BlockFollower(CHAIN, catch_up=settings.catch_up_blocks, block_time_s=BLOCK_TIME_S)
        self.tokens_complete_since: float | None = None
        """The events of every block that was made since then have been read; None before the first."""
        self._context = context
        self._settings = settings
        self._ledger = ledger
        self._blocks, self._tokens = blocks, tokens
        names = [
            name
            for name, source in context.sources.items()
            if isinstance(source.provider, ChainNode)
            and isinstance(source.provider, BlockNode)
            and source.provider.chain == CHAIN
        ]
        self._nodes = context.pool("whale_tracking_ethereum_blocks", names, ChainNode, topic="whale_blocks")
        self._token_nodes = context.pool("whale_tracking_ethereum_tokens", names, ChainNode, topic="whale_tokens")
        self._tokens_due: deque[BlockInfo] = deque()

    @property
    def tokens_due(self) -> list[BlockInfo]:
        """Blocks whose events have not been read yet, oldest first."""
        return list(self._tokens_due)

    def restore(self, kept: FollowedBlocks, tokens_due: Sequence[BlockInfo], complete_since: float | None) -> None:
        """Goes on where an earlier run ended."""
        self.follower.restore(kept)
        self._tokens_due = deque(tokens_due)
        self.tokens_complete_since = complete_since

    def schedule(self, scheduler: Scheduler) -> None:
        """Plans the refreshes; they begin when there may be prices."""
        deadline_s = self._context.settings.upstream.deadline_s * 6
        scheduler.every(
            self._settings.ethereum_interval_s,
            "whale_tracking_ethereum_collection",
            self.refresh,
            deadline_s=deadline_s,
            delay_s=14,
        )

    def refresh(self) -> None:
        """Reads the blocks that are new, or were missed, and the events in them."""
        if not self._ledger.has_price(COIN):
            # nothing is lost for a while: the blocks are read when there is a price
            self._blocks.lack(f"there is no recent dollar price of {COIN}")
            return
        try:
            self._refresh_blocks()
        except NoProviderAnswered as error:
            self._blocks.fail(told(error.attempts))
            self._tokens.fail("blocks cannot be read, so their events are not known either")
        self._refresh_tokens()

    # Blocks

    def _refresh_blocks(self) -> None:
        tip = self._fetch(None)
        assert tip is not None
        self._take(tip)
        for _ in range(BLOCKS_PER_ROUND):
            missing = self.follower.missing(tip.info.height, self._context.clock())
            block = self._fetch(missing[0]) if missing else None
            if block is None:
                break
            self._take(block)
        left = self.follower.missing(tip.info.height, self._context.clock())
        if left:
            self._blocks.lack(f"{len(left)} blocks are still to be read")
        else:
            now = self._context.clock()
            as_of = now if tip.info.time is None else min(tip.info.time, now)
            self._blocks.hold(tip.info.height, source=self._nodes.active or "", as_of=as_of)

    def _fetch(self, height: int | None) -> ChainBlock | None:
        """A block, None for one that the node does not have; of the newest it is expected."""

        def ask(source: Source[ChainNode]) -> ChainBlock | None:
            node = source.provider
            assert isinstance(node, BlockNode)

            def read(answers: Sequence[Answer]) -> ChainBlock | None:
                block = node.parse_block(answers)
                doubt = self._doubt(block, height)
                if doubt is not None:
                    raise BadPayload(source.name, answers[0].request.operation, doubt)
                return block

            return source.ask((), lambda _: node.block_requests(height), read, topic=self._nodes.topic)

        return self._nodes.fetch(ask)

    def _doubt(self, block: ChainBlock | None, height: int | None) -> str | None:
        if block is None:
            return "there is no newest block" if height is None else None
        now = self._context.clock()
        info = block.info
        if height is None and info.time is not None and now - info.time > OLDEST_TIP_S:
            return f"its newest block is {now - info.time:.0f} s old"
        if height is not None and info.height != height:
            return f"block {info.height} instead of {height}"
        if info.hash is None:
            return "a block without a hash"
        return self.follower.doubt(info, now)

    def _take(self, block: ChainBlock) -> None:
        if self.follower.is_read(block.info):
            return
        now = self._context.clock()
        # it gives up what is out of reach before the block moves the horizon
        self.follower.missing(block.info.height, now)
        orphans = self.follower.mark(block.info, now)
        if orphans:
            self._ledger.drop_blocks(CHAIN, orphans)
            self._tokens_due = deque(info for info in self._tokens_due if info.hash not in orphans)
        for transfer in block.transfers:
            self._ledger.offer(transfer)
        self._tokens_due.append(block.info)

    # Tokens

    def _refresh_tokens(self) -> None:
        while len(self._tokens_due) > self._settings.catch_up_blocks:
            self._tokens_due.popleft()
            self.tokens_complete_since = self._context.clock()
        while self._tokens_due:
            info = self._tokens_due[0]
            try:
                transfers = self._fetch_tokens(info)
            except NoProviderAnswered as error:
                self._tokens.fail(told(error.attempts))
                return
            now = self._context.clock()
            time = now if info.time is None else min(info.time, now)
            for transfer in transfers:
                self._ledger.offer(msgspec.structs.replace(transfer, time=info.time))
            # a reorganisation may have taken it out of the list meanwhile
            if self._tokens_due and self._tokens_due[0] is info:
                self._tokens_due.popleft()
            if self.tokens_complete_since is None:
                self.tokens_complete_since = time
            self._tokens.hold(info.height, source=self._token_nodes.active or "", as_of=time)

    def _fetch_tokens(self, info: BlockInfo) -> list[Transfer]:
        def ask(source: Source[ChainNode]) -> list[Transfer]:
            node = source.provider
            assert isinstance(node, BlockNode)

            def read(answers: Sequence[Answer]) -> list[Transfer]:
                transfers = node.parse_token_transfers(answers)
                if any(transfer.block_hash not in (info.hash, None) for transfer in transfers):
                    raise BadPayload(source.name, answers[0].request.operation, "events of another block")
                return [
                    msgspec.structs.replace(transfer, block_height=info.height, block_hash=info.hash)
                    for transfer in transfers
                ]

            return source.ask((), lambda _: node.token_transfers_requests(info), read, topic=self._token_nodes.topic)

        return self._token_nodes.fetch(ask)
