"""How high a chain is, judged from what several sources say: heights rise, and fall only in a reported reorganisation.

Sources that are a little behind are normal: most public hosts are many machines behind one name. Sources that are far
off are mistaken, and so may be the one that was asked first: then the others outvote it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from websocket.chain_records import BlockInfo


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How a chain moves.

    Attributes:
        block_s: usual time between two blocks.
        lag_limit: blocks that a source may be behind the best of its chain.
        silence_s: after so long without a new block the chain, or whoever reports on it, has stopped.
        known_block: a block and its time (Unix seconds), from which the height of today can be estimated; or None.
    """

    block_s: float
    lag_limit: int
    silence_s: float
    known_block: tuple[int, float] | None = None


PACES = {
    # A Bitcoin block takes some seconds around the world; two behind is a source that missed one. That no block comes
    # for three hours happens once in some 65 million blocks. The known block is the first one.
    "bitcoin": Pace(block_s=600, lag_limit=2, silence_s=3 * 3600, known_block=(0, 1_231_006_505)),
    # A slot every 12 s: five are a minute, and ten empty ones in a row have not been seen since the merge, which is
    # the known block.
    "ethereum": Pace(block_s=12, lag_limit=5, silence_s=180, known_block=(15_537_394, 1_663_224_179)),
    # Sequencers and fast validators do not skip; half a minute behind is a node that hangs, and less is the way
    # through the proxies in front of public nodes. The gap is told in blocks, so fast chains have large numbers.
    "bnb": Pace(block_s=0.75, lag_limit=40, silence_s=120),
    "polygon": Pace(block_s=2, lag_limit=15, silence_s=120),
    "optimism": Pace(block_s=2, lag_limit=15, silence_s=120),
    "base": Pace(block_s=2, lag_limit=15, silence_s=120),
    # Makes blocks only when there is something in them, so a gap says less here: a minute.
    "arbitrum": Pace(block_s=0.25, lag_limit=240, silence_s=180),
    # The nodes' own measure: they call themselves unhealthy from 128 slots behind.
    "solana": Pace(block_s=0.4, lag_limit=128, silence_s=120),
}

OTHER_PACE = Pace(block_s=1, lag_limit=60, silence_s=300)
"""For chains that somebody adds without saying how they move."""

FASTEST = 20.0
"""A chain may run so many times faster than usual before it is not believed; the simulated Bitcoin does 10."""

SLACK_BLOCKS = 20
"""Blocks that may come at once, whatever the time between two looks."""

FAR_BEHIND_S = 86_400.0
"""Who is a day of blocks behind is not slow: either it or the best height is wrong."""

WORD_AGE_S = 600.0
"""How long a source's last word counts as a voice."""

LONE_REPEATS = 3
"""How often a source must say the same when nobody else speaks."""

ESTIMATE_FACTOR = 2.0
"""A first height must be within this factor of what the calendar says. Sources that are wrong are so by magnitudes."""

KEPT_HASHES = 64

Verdict = Literal["rise", "same", "behind", "overruled", "refused"]


def pace_of(chain: str) -> Pace:
    """How a chain moves."""
    return PACES.get(chain, OTHER_PACE)


class _Word(msgspec.Struct, frozen=True):
    """The last word of one source: a height, when it was said, and how often in a row it has been far off the best."""

    height: int
    at: float
    far: int


class ChainHeight:
    """The best believable height of one chain.

    Args:
        pace: how the chain moves.
        clock: wall clock, Unix seconds.
    """

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self.best: int | None = None
        self.risen_at: float | None = None
        """When the best height was reached, as far as we saw."""
        self._pace = pace
        self._clock = clock
        self._words: dict[str, _Word] = {}

    def offer(self, source: str, height: int) -> Verdict:
        """Judges what a source says.

        Returns:
            ``rise``: it is the new best; ``same``: it is the best; ``behind``: less than the best, which stays;
            ``overruled``: the best was wrong, and this is it now; ``refused``: too far off to be believed.
        """
        now = self._clock()
        before = self._words.get(source)
        if self.best is None:
            if self._off_calendar(height, now):
                return "refused"
            return self._set(source, height, now, "rise")
        if self._near_best(height, now):
            if height > self.best:
                return self._set(source, height, now, "rise")
            self._words[source] = _Word(height, now, 0)
            return "same" if height == self.best else "behind"
        repeated = before is not None and self._near(before.height, height, now - before.at)
        word = _Word(height, now, before.far + 1 if before is not None and repeated else 1)
        self._words[source] = word
        return self._set(source, height, now, "overruled") if self._outvoted(source, word, now) else "refused"

    def fall(self, source: str, height: int) -> None:
        """Takes a lower height for the best, because blocks were replaced."""
        self._set(source, height, self._clock(), "overruled")

    def _set(self, source: str, height: int, now: float, verdict: Verdict) -> Verdict:
        self.best, self.risen_at = height, now
        self._words[source] = _Word(height, now, 0)
        return verdict

    def _outvoted(self, source: str, word: _Word, now: float) -> bool:
        """Whether more voices speak for a height far off the best than for the best itself."""
        if self._off_calendar(word.height, now):
            return False
        agreeing, against = 1, 0
        for name, other in self._words.items():
            if name == source or now - other.at > WORD_AGE_S:
                continue
            if self._near(other.height, word.height, now - other.at):
                agreeing += 1
            elif other.far == 0:
                against += 1
        return agreeing > max(against, 1) or (against == 0 and word.far >= LONE_REPEATS)

    def _near_best(self, height: int, now: float) -> bool:
        assert self.best is not None
        assert self.risen_at is not None
        return self._near(self.best, height, now - self.risen_at)

    def _near(self, earlier: int, height: int, elapsed_s: float) -> bool:
        """Whether a chain that was at ``earlier`` can be at ``height`` now, or a slow source can say so."""
        rise = SLACK_BLOCKS + FASTEST * max(0.0, elapsed_s) / self._pace.block_s
        slow = max(FAR_BEHIND_S / self._pace.block_s, SLACK_BLOCKS)
        return earlier - slow <= height <= earlier + rise

    def _off_calendar(self, height: int, now: float) -> bool:
        if self._pace.known_block is None:
            return False
        known_height, known_at = self._pace.known_block
        expected = known_height + (now - known_at) / self._pace.block_s
        return not expected / ESTIMATE_FACTOR <= height <= expected * ESTIMATE_FACTOR


class Reorganisation(msgspec.Struct, frozen=True, kw_only=True):
    """Blocks that were replaced by others.

    Attributes:
        height: of the chain after it.
        depth: how many blocks at least.
        source: who reported it.
        at: when we learned of it, Unix seconds.
    """

    height: int
    depth: int
    source: str
    at: float


class ChainTip:
    """The newest block of one chain, and the last time that blocks were replaced.

    Args:
        pace: how the chain moves.
        clock: wall clock, Unix seconds.
    """

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self.block: BlockInfo | None = None
        self.reorganisation: Reorganisation | None = None
        self._height = ChainHeight(pace, clock)
        self._pace = pace
        self._clock = clock
        self._source = ""
        self._hashes: dict[int, str] = {}
        self._rivals: dict[str, str] = {}
        """Other blocks at the height of the newest, with who spoke of them."""

    def too_old(self, block: BlockInfo) -> float | None:
        """Seconds since the block was made, when that is longer than the chain is ever silent; else None."""
        age_s = None if block.time is None else self._clock() - block.time
        return age_s if age_s is not None and age_s > self._pace.silence_s else None

    def offer(self, source: str, block: BlockInfo) -> Verdict:
        """Judges the block that a source calls the newest; verdicts are those of ``ChainHeight``."""
        verdict = self._height.offer(source, block.height)
        held = self.block
        if verdict == "refused":
            return verdict
        if verdict == "overruled" and held is not None:
            self._hashes.clear()
            self._note_reorganisation(block, abs(held.height - block.height), source)
        elif verdict == "rise":
            parent = self._hashes.get(block.height - 1)
            if parent is not None and block.previous_hash is not None and parent != block.previous_hash:
                self._note_reorganisation(block, 1, source)
        elif verdict == "behind":
            if not self._has_fallen(source, block):
                return verdict
            assert held is not None
            verdict = "overruled"
            self._height.fall(source, block.height)
            self._note_reorganisation(block, held.height - block.height + 1, source)
        elif held is not None and self._is_other(held, block):
            if not self._has_won(source, block):
                return "behind"
            self._note_reorganisation(block, 1, source)
        self._take(source, block)
        return verdict

    def _has_fallen(self, source: str, block: BlockInfo) -> bool:
        """Whether a lower block is another branch, and not what the source knew some time ago.

        Only the source of the newest block can take it back; another one is just on a branch that lost.
        """
        known = self._hashes.get(block.height)
        return source == self._source and known is not None and block.hash is not None and block.hash != known

    def _has_won(self, source: str, block: BlockInfo) -> bool:
        """Whether another block at the same height replaces ours: our source says so, or two others do."""
        assert block.hash is not None
        speaker = self._rivals.setdefault(block.hash, source)
        return source == self._source or speaker != source

    @staticmethod
    def _is_other(held: BlockInfo, block: BlockInfo) -> bool:
        return held.hash is not None and block.hash is not None and held.hash != block.hash

    def _take(self, source: str, block: BlockInfo) -> None:
        held = self.block
        if held is not None and held.height == block.height and not self._is_other(held, block):
            # one source knows the hash and the time, another only the height: nothing that is known gets lost
            block = _completed(block, held)
        else:
            self._rivals.clear()
        self.block, self._source = block, source
        if block.previous_hash is not None:
            self._hashes[block.height - 1] = block.previous_hash
        if block.hash is not None:
            self._hashes[block.height] = block.hash
        self._hashes = {
            height: hash for height, hash in self._hashes.items() if block.height - KEPT_HASHES < height <= block.height
        }

    def _note_reorganisation(self, block: BlockInfo, depth: int, source: str) -> None:
        self.reorganisation = Reorganisation(height=block.height, depth=depth, source=source, at=self._clock())


def _completed(block: BlockInfo, held: BlockInfo) -> BlockInfo:
    missing = {name: getattr(held, name) for name in BlockInfo.__struct_fields__ if getattr(block, name) is None}
    return msgspec.structs.replace(block, **missing)
