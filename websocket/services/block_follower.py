"""Which blocks of a chain have been read, which are still to be read, and which a reorganisation has replaced.

Computes only. Whoever reads the blocks asks ``missing()``, reports with ``mark()``, and takes back what it knows from
the blocks that are given as orphans.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import msgspec

from websocket.chain_records import BlockInfo
from websocket.records import Moment
from websocket.services.chain_heights import FASTEST

logger = logging.getLogger(__name__)

FUTURE_TOLERANCE_S = 7200.0
"""Bitcoin's rules let a block's time be two hours ahead, and nobody is stricter."""

LEAP_BLOCKS = 100
"""A chain may be this many blocks ahead of its usual pace before a height is not believed."""

REMEMBERED = 4
"""Times the blocks that are caught up are remembered, so that a late reorganisation is noticed."""


class ReadBlock(msgspec.Struct, frozen=True):
    """A block that was read.

    Attributes:
        height: its number.
        hash: its hash, or None.
        previous_hash: that of the block before it, or None.
        time: when it was made, Unix seconds, or None.
    """

    height: int
    hash: str | None
    previous_hash: str | None
    time: float | None


class FollowedBlocks(msgspec.Struct, frozen=True):
    """What must survive a restart.

    Attributes:
        blocks: the last blocks that were read.
        tip_seen_at: when the highest one was read, Unix seconds, or None.
        complete_since: as in ``BlockFollower``.
        given_up_below: as in ``BlockFollower``.
    """

    blocks: list[ReadBlock] = []
    tip_seen_at: Moment | None = None
    complete_since: Moment | None = None
    given_up_below: int | None = None


class BlockFollower:
    """Follows one chain.

    Args:
        chain: its name, for logs.
        catch_up: blocks behind the tip that are read when they were missed.
        block_time_s: usual time between two blocks.
    """

    def __init__(self, chain: str, *, catch_up: int, block_time_s: float) -> None:
        self.chain = chain
        self.complete_since: float | None = None
        """Every block that was made since then has been read; None before the first."""
        self._catch_up = catch_up
        self._block_time_s = block_time_s
        self._read: dict[int, ReadBlock] = {}
        self._tip_seen_at: float | None = None
        self._given_up_below: int | None = None
        """Lowest height that is still cared for: the first of all, later what is in reach of the tip."""

    @property
    def tip(self) -> ReadBlock | None:
        """The highest block that was read."""
        return self._read[max(self._read)] if self._read else None

    def doubt(self, block: BlockInfo, now: float) -> str | None:
        """Why a block cannot be what it says, or None. ``now`` is Unix seconds."""
        if block.time is not None and block.time > now + FUTURE_TOLERANCE_S:
            return f"block {block.height} is from the future"
        tip = self.tip
        if tip is not None and self._tip_seen_at is not None:
            usual = max(0.0, now - self._tip_seen_at) / self._block_time_s
            if block.height > tip.height + LEAP_BLOCKS + FASTEST * usual:
                return f"block {block.height} is far above {tip.height}"
        above = self._read.get(block.height + 1)
        if above is not None and None not in (above.previous_hash, block.hash) and above.previous_hash != block.hash:
            return f"block {block.height} does not belong below the one that follows it"
        return None

    def is_read(self, block: BlockInfo) -> bool:
        """Whether exactly this block has been read."""
        read = self._read.get(block.height)
        return read is not None and read.hash == block.hash

    def compare(self, blocks: Iterable[BlockInfo]) -> list[str]:
        """Takes note of a list of the chain's blocks; gives the hashes of those that it shows to be replaced."""
        orphans = []
        for block in sorted(blocks, key=lambda block: block.height):
            read = self._read.get(block.height)
            if read is not None and block.hash is not None and read.hash != block.hash:
                orphans += self._forget_from(block.height)
        if orphans:
            logger.warning("blocks replaced chain=%s count=%d", self.chain, len(orphans))
        return orphans

    def missing(self, tip_height: int, now: float) -> list[int]:
        """Heights that are to be read, lowest first; at the very first look only the tip.

        What has fallen out of reach is given up here, which moves ``complete_since``.
        """
        if self._given_up_below is not None and tip_height < self._given_up_below - self._catch_up:
            # the first height that was believed was a lie, or the chain began anew: nothing of it holds
            self._read.clear()
            self._given_up_below = None
            self.complete_since = None
        first = tip_height if self._given_up_below is None else min(self._given_up_below, tip_height)
        lowest = max(tip_height - self._catch_up + 1, first)
        self.give_up_below(lowest, now)
        return [height for height in range(lowest, tip_height + 1) if height not in self._read]

    def give_up_below(self, lowest: int, now: float) -> None:
        """Blocks below this height are out of reach; if some of them were not read, ``complete_since`` moves."""
        cared_for = self._given_up_below
        if cared_for is None or lowest <= cared_for:
            return
        self._given_up_below = lowest
        # a look further back than what is remembered would take for missed what was only forgotten
        span = range(max(cared_for, lowest - REMEMBERED * self._catch_up // 2), lowest)
        lost = lowest - cared_for if len(span) < lowest - cared_for else sum(h not in self._read for h in span)
        if lost:
            self.complete_since = now
            logger.warning("blocks given up chain=%s count=%d", self.chain, lost)

    def mark(self, block: BlockInfo, now: float) -> list[str]:
        """Notes a block as read; gives the hashes of those that it shows to be replaced.

        Replaced are another block of its height with everything above that, and one below it that is not its parent.
        """
        orphans = self.compare([block])
        below = self._read.get(block.height - 1)
        if below is not None and None not in (below.hash, block.previous_hash) and below.hash != block.previous_hash:
            del self._read[below.height]
            logger.warning("block replaced chain=%s height=%d", self.chain, below.height)
            orphans += [below.hash] if below.hash is not None else []
        tip = self.tip
        if tip is None or block.height > tip.height:
            self._tip_seen_at = now
        self._read[block.height] = ReadBlock(block.height, block.hash, block.previous_hash, block.time)
        if self.complete_since is None:
            self.complete_since = now if block.time is None else min(block.time, now)
        if self._given_up_below is None:
            self._given_up_below = block.height
        for height in sorted(self._read)[: -REMEMBERED * self._catch_up]:
            del self._read[height]
        return orphans

    def dump(self) -> FollowedBlocks:
        """What must survive a restart."""
        return FollowedBlocks(
            [self._read[height] for height in sorted(self._read)],
            self._tip_seen_at,
            self.complete_since,
            self._given_up_below,
        )

    def restore(self, kept: FollowedBlocks) -> None:
        """Goes on where an earlier run ended."""
        self._read = {block.height: block for block in kept.blocks}
        self._tip_seen_at = kept.tip_seen_at
        self.complete_since = kept.complete_since
        self._given_up_below = kept.given_up_below

    def _forget_from(self, height: int) -> list[str]:
        """Blocks that stand on a replaced one are replaced too."""
        gone = [self._read.pop(above) for above in sorted(self._read) if above >= height]
        return [block.hash for block in gone if block.hash is not None]
