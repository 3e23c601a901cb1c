"""How high a chain is, as several sources tell it: rises, slow sources, liars, and blocks that were replaced."""

from __future__ import annotations

import pytest

from tests.services.chain_support import NOW, Clock
from websocket.chain_records import BlockInfo
from websocket.services.chain_heights import (
    LONE_REPEATS,
    OTHER_PACE,
    PACES,
    WORD_AGE_S,
    ChainHeight,
    ChainTip,
    Pace,
    pace_of,
)

PACE = Pace(block_s=10, lag_limit=3, silence_s=120)
DAY_OF_BLOCKS = 8_640


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def height(clock: Clock) -> ChainHeight:
    return ChainHeight(PACE, clock)


@pytest.fixture
def tip(clock: Clock) -> ChainTip:
    return ChainTip(PACE, clock)


def block(height: int, branch: str = "a", parent: str | None = None, time: float | None = NOW) -> BlockInfo:
    """A block of a branch, on one of the same branch unless told."""
    return BlockInfo(
        chain="bitcoin",
        height=height,
        hash=f"{branch}{height}",
        previous_hash=f"{parent or branch}{height - 1}",
        time=time,
    )


class TestHeight:
    def test_it_rises(self, height: ChainHeight, clock: Clock) -> None:
        """The usual life of a chain."""
        assert height.offer("one", 1_000_000) == "rise"
        clock.advance(60)
        assert height.offer("one", 1_000_006) == "rise"
        assert (height.best, height.risen_at) == (1_000_006, clock())

    def test_the_same_height_is_no_rise(self, height: ChainHeight, clock: Clock) -> None:
        """When it was reached stays as it was."""
        height.offer("one", 1_000_000)
        clock.advance(60)
        assert height.offer("other", 1_000_000) == "same"
        assert height.risen_at == NOW

    @pytest.mark.parametrize("behind", [1, 30, DAY_OF_BLOCKS])
    def test_a_slow_source_does_not_take_it_back(self, height: ChainHeight, behind: int) -> None:
        """Many machines stand behind one name, and some lag."""
        height.offer("one", 1_000_000)
        for _ in range(5):
            assert height.offer("one", 1_000_000 - behind) == "behind"
        assert height.best == 1_000_000

    def test_a_pause_of_ours_is_no_reason_for_doubt(self, height: ChainHeight, clock: Clock) -> None:
        """After an hour without a network the chain is an hour further."""
        height.offer("one", 1_000_000)
        clock.advance(3600)
        assert height.offer("one", 1_000_360) == "rise"

    def test_a_jump_is_refused(self, height: ChainHeight, clock: Clock) -> None:
        """One source is wrong by ten."""
        height.offer("one", 1_000_000)
        clock.advance(10)
        assert height.offer("liar", 10_000_000) == "refused"
        assert height.offer("one", 1_000_001) == "rise"

    def test_a_jump_that_another_source_confirms_is_true(self, height: ChainHeight, clock: Clock) -> None:
        """Two against one."""
        height.offer("one", 1_000)
        clock.advance(10)
        assert height.offer("two", 1_000_000) == "refused"
        assert height.offer("three", 1_000_001) == "overruled"
        assert height.best == 1_000_001

    def test_a_liar_that_spoke_first_is_outvoted(self, height: ChainHeight, clock: Clock) -> None:
        """So that its height does not make everybody else a laggard for ever."""
        assert height.offer("liar", 10**12) == "rise"
        clock.advance(10)
        assert height.offer("one", 1_000_000) == "refused"
        clock.advance(10)
        assert height.offer("two", 1_000_001) == "overruled"
        assert height.offer("liar", 10**12) == "refused"
        assert height.best == 1_000_001

    def test_one_against_one_changes_nothing(self, height: ChainHeight, clock: Clock) -> None:
        """Nobody can tell who of two is right."""
        height.offer("one", 1_000)
        for _ in range(10):
            clock.advance(10)
            assert height.offer("other", 1_000_000) == "refused"
            assert height.offer("one", 1_000) == "same"

    def test_the_only_source_left_is_believed_in_the_end(self, height: ChainHeight, clock: Clock) -> None:
        """A wrong first height must not last for longer than the source that told it."""
        height.offer("liar", 10**12)
        clock.advance(WORD_AGE_S + 1)
        verdicts = []
        for number in range(LONE_REPEATS):
            clock.advance(10)
            verdicts.append(height.offer("one", 1_000_000 + number))
        assert verdicts == ["refused"] * (LONE_REPEATS - 1) + ["overruled"]

    def test_a_source_that_raves_is_not_believed(self, height: ChainHeight, clock: Clock) -> None:
        """Repeating counts only for the same claim."""
        height.offer("one", 1_000)
        clock.advance(WORD_AGE_S + 1)
        for claim in (10**6, 10**9, 10**12, 10**7, 10**10):
            clock.advance(10)
            assert height.offer("liar", claim) == "refused"

    def test_the_first_height_fits_the_calendar_where_that_is_known(self, clock: Clock) -> None:
        """Bitcoin has made a block in ten minutes since 2009."""
        bitcoin = ChainHeight(pace_of("bitcoin"), clock)
        assert bitcoin.offer("liar", 9_767_000) == "refused"
        assert bitcoin.best is None
        assert bitcoin.offer("liar", 97_670) == "refused"
        assert bitcoin.offer("one", 976_700) == "rise"

    def test_even_a_majority_does_not_leave_the_calendar(self, clock: Clock) -> None:
        """Nodes of another chain agree with each other."""
        ethereum = ChainHeight(pace_of("ethereum"), clock)
        ethereum.offer("one", 26_463_000)
        verdicts = {ethereum.offer(liar, 109_400_000) for liar in ("two", "three", "four")}
        assert verdicts == {"refused"}

    def test_every_chain_moves_somehow(self) -> None:
        """Also one that somebody adds."""
        assert pace_of("bitcoin") is PACES["bitcoin"]
        assert pace_of("another") is OTHER_PACE
        assert all(pace.silence_s > 5 * pace.block_s for pace in PACES.values())


class TestTip:
    def test_blocks_follow_each_other(self, tip: ChainTip, clock: Clock) -> None:
        """And nothing was replaced."""
        for number in range(100, 110):
            assert tip.offer("one", block(number)) == "rise"
            clock.advance(10)
        assert tip.block == block(109)
        assert tip.reorganisation is None

    def test_a_source_that_only_knows_the_height_adds_nothing_and_takes_nothing(self, tip: ChainTip) -> None:
        """The hash and the time that another one told stay."""
        tip.offer("one", block(100))
        assert tip.offer("other", BlockInfo(chain="bitcoin", height=100)) == "same"
        assert tip.block == block(100)

    def test_another_block_at_the_same_height_from_the_same_source(self, tip: ChainTip, clock: Clock) -> None:
        """It changed its mind: the block was replaced."""
        tip.offer("one", block(100))
        clock.advance(10)
        assert tip.offer("one", block(100, "b", parent="a")) == "same"
        assert tip.block == block(100, "b", parent="a")
        assert tip.reorganisation is not None
        assert (tip.reorganisation.height, tip.reorganisation.depth) == (100, 1)
        assert (tip.reorganisation.source, tip.reorganisation.at) == ("one", clock())

    def test_two_sources_that_see_different_blocks(self, tip: ChainTip) -> None:
        """Miners found two at the same time; ours stays until somebody else agrees with the other one."""
        tip.offer("one", block(100))
        assert tip.offer("other", block(100, "b")) == "behind"
        assert tip.offer("other", block(100, "b")) == "behind"
        assert tip.block == block(100)
        assert tip.reorganisation is None
        tip.offer("third", block(100, "b"))
        assert tip.block == block(100, "b")
        assert tip.reorganisation is not None

    def test_a_block_on_another_parent(self, tip: ChainTip) -> None:
        """The replaced block is seen by what was built on its rival."""
        tip.offer("one", block(100))
        assert tip.offer("one", block(101, "b")) == "rise"
        assert tip.reorganisation is not None
        assert tip.reorganisation.height == 101

    def test_a_chain_that_becomes_shorter(self, tip: ChainTip) -> None:
        """The one way in which a height falls: the source that told it now has another branch."""
        for number in range(98, 103):
            tip.offer("one", block(number))
        assert tip.offer("one", block(100, "b", parent="a")) == "overruled"
        assert tip.block is not None
        assert tip.block.height == 100
        assert tip.reorganisation is not None
        assert tip.reorganisation.depth == 3
        assert tip.offer("one", block(101, "b")) == "rise"

    def test_a_slow_machine_of_the_same_source_is_no_shorter_chain(self, tip: ChainTip) -> None:
        """Its lower block is one that we know."""
        for number in range(98, 103):
            tip.offer("one", block(number))
        assert tip.offer("one", block(100)) == "behind"
        assert tip.block == block(102)

    def test_another_source_on_a_lost_branch_is_no_shorter_chain(self, tip: ChainTip) -> None:
        """Only who told the newest block can take it back."""
        for number in range(98, 103):
            tip.offer("one", block(number))
        assert tip.offer("other", block(100, "b")) == "behind"
        assert tip.reorganisation is None

    def test_a_height_that_was_wrong_is_reported(self, tip: ChainTip, clock: Clock) -> None:
        """It falls by more than a day of blocks: whoever follows the height must learn of it."""
        tip.offer("liar", BlockInfo(chain="bitcoin", height=10**9))
        clock.advance(10)
        tip.offer("one", block(100))
        clock.advance(10)
        assert tip.offer("two", block(101)) == "overruled"
        assert tip.block == block(101)
        assert tip.reorganisation is not None

    def test_age(self, tip: ChainTip, clock: Clock) -> None:
        """A block that is older than the chain is ever silent says that somebody has stopped."""
        assert tip.too_old(block(100)) is None
        assert tip.too_old(block(100, time=None)) is None
        clock.advance(PACE.silence_s + 1)
        assert tip.too_old(block(100)) == PACE.silence_s + 1

    def test_hashes_are_not_kept_for_ever(self, tip: ChainTip) -> None:
        """A process runs for months."""
        for number in range(100, 400):
            tip.offer("one", block(number))
        assert len(tip._hashes) <= 65
