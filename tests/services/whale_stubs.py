"""Stub chains for the tests of whale tracking: explorers and nodes that show what a test wrote into them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from tests.services.doubles import StubProvider
from websocket.chain_records import BlockInfo, ChainBlock, NodeProbe, Transfer
from websocket.providers.base import Answer, Request
from websocket.providers.capabilities import (
    BlockExplorer,
    BlockTransactions,
    ChainNode,
    LargeTransfers,
    MempoolTransfers,
)


def hash_of(name: str) -> str:
    """A hash that differs with the name."""
    return name.encode().hex().ljust(64, "0")[:64]


def block_of(chain: str, height: int, time: float, branch: str = "a", parent: str | None = None) -> BlockInfo:
    """A block of a branch, on top of the one before it in ``parent``."""
    return BlockInfo(
        chain=chain,
        height=height,
        hash=hash_of(f"{branch}{height}"),
        previous_hash=hash_of(f"{parent or branch}{height - 1}"),
        time=time,
    )


def transfer_in(block: BlockInfo, name: str, asset: str, amount: float, **facts: Any) -> Transfer:
    """A transfer in a block."""
    return Transfer(
        chain=block.chain,
        source="stub",
        hash=hash_of(name),
        asset=asset,
        amount=amount,
        time=block.time,
        block_height=block.height,
        block_hash=block.hash,
        **facts,
    )


class StubExplorer(StubProvider, BlockExplorer, BlockTransactions, MempoolTransfers):
    """An explorer of Bitcoin. ``blocks`` are its newest, ``contents`` their transfers by hash, and so on."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.blocks: list[BlockInfo] = []
        self.contents: dict[str, list[Transfer]] = {}
        self.transactions: dict[str, Transfer] = {}
        self.waiting: list[Transfer] = []

    def add(self, block: BlockInfo, *transfers: Transfer) -> None:
        """A new block, in place of the one of its height."""
        self.blocks = [block, *(other for other in self.blocks if other.height < block.height)]
        assert block.hash is not None
        self.contents[block.hash] = list(transfers)

    def blocks_requests(self) -> Sequence[Request]:
        return [self.request("blocks")]

    def parse_blocks(self, answers: Sequence[Answer]) -> list[BlockInfo]:
        return list(self.blocks)

    def block_transactions_requests(self, block: BlockInfo) -> Sequence[Request]:
        return [self.request("contents", block.hash)]

    def parse_block_transactions(self, block: BlockInfo, answers: Sequence[Answer]) -> list[Transfer]:
        return self.contents[block.hash or ""]

    def transaction_requests(self, hashes: Collection[str]) -> Sequence[Request]:
        return [self.request("transaction", hash) for hash in hashes]

    def parse_transactions(self, answers: Sequence[Answer]) -> list[Transfer]:
        asked = [answer.request.path[1:] for answer in answers]
        return [self.transactions[hash] for hash in asked if hash in self.transactions]

    def mempool_transfers_requests(self, min_usd: float) -> Sequence[Request]:
        return [self.request("mempool")]

    def parse_mempool_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        return list(self.waiting)


class StubNode(StubProvider, ChainNode):
    """A node of Ethereum. ``chain_blocks`` are its blocks by height, ``tokens`` the events by the block's hash."""

    chain = "ethereum"
    host = "stub"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.chain_blocks: dict[int, ChainBlock] = {}
        self.tokens: dict[str, list[Transfer]] = {}

    def add(self, block: BlockInfo, *transfers: Transfer, tokens: Sequence[Transfer] = ()) -> None:
        """A new block, in place of the one of its height and all above."""
        self.chain_blocks = {height: old for height, old in self.chain_blocks.items() if height < block.height}
        self.chain_blocks[block.height] = ChainBlock(info=block, transfers=transfers)
        # nodes give no time with events
        self.tokens[block.hash or ""] = [msgspec.structs.replace(token, time=None) for token in tokens]

    def block_requests(self, height: int | None = None, *, full: bool = True) -> Sequence[Request]:
        return [self.request("block", "latest" if height is None else height)]

    def parse_block(self, answers: Sequence[Answer]) -> ChainBlock | None:
        wanted = answers[-1].request.path[1:]
        return self.chain_blocks.get(max(self.chain_blocks) if wanted == "latest" else int(wanted))

    def token_transfers_requests(self, block: BlockInfo) -> Sequence[Request]:
        return [self.request("tokens", block.hash)]

    def parse_token_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        return self.tokens.get(answers[-1].request.path[1:], [])

    def probe_requests(self) -> Sequence[Request]:
        return []

    def height_requests(self) -> Sequence[Request]:
        return []

    def parse_probe(self, answers: Sequence[Answer]) -> NodeProbe:
        raise NotImplementedError


class StubAlerts(StubProvider, LargeTransfers):
    """A keyed source of large transfers."""

    chains = ("bitcoin", "ethereum")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.is_configured = False
        self.transfers: list[Transfer] = []

    def large_transfers_requests(self, chain: str, *, min_usd: float, since: float) -> Sequence[Request]:
        return [self.request("transactions")]

    def parse_large_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        return list(self.transfers)
