"""Following a chain: new blocks, missed blocks, replaced blocks, and heights that cannot be."""

from __future__ import annotations

import pytest

from tests.services.doubles import NOW
from websocket.chain_records import BlockInfo
from websocket.services.block_follower import BlockFollower


def block(height: int, branch: str = "a", *, parent: str | None = None, time: float | None = NOW) -> BlockInfo:
    """A block of a branch, on top of the one before it in ``parent``."""
    return BlockInfo(
        chain="ethereum",
        height=height,
        hash=f"{branch}{height}",
        previous_hash=f"{parent or branch}{height - 1}",
        time=time,
    )


@pytest.fixture
def follower() -> BlockFollower:
    return BlockFollower("ethereum", catch_up=12, block_time_s=12)


def read(follower: BlockFollower, *blocks: BlockInfo) -> list[str]:
    """Marks blocks as read; gives the orphans."""
    return [orphan for info in blocks for orphan in follower.mark(info, NOW)]


def test_begins_at_the_tip(follower: BlockFollower) -> None:
    """At the very first look nothing before the newest block is asked for."""
    assert follower.missing(100, NOW) == [100]


def test_missed_blocks_are_to_be_read_oldest_first(follower: BlockFollower) -> None:
    """What came between two looks is not lost."""
    read(follower, block(100))
    assert follower.missing(104, NOW) == [101, 102, 103, 104]


def test_catching_up_is_bounded_and_says_what_is_lost(follower: BlockFollower) -> None:
    """After a long pause only the last blocks are read, and the sums are complete from now on only."""
    read(follower, block(100))
    assert follower.complete_since == NOW
    assert follower.missing(1000, NOW + 10_000) == list(range(989, 1001))
    assert follower.complete_since == NOW + 10_000


def test_a_block_that_could_not_be_read_in_time_is_given_up(follower: BlockFollower) -> None:
    """A hole that falls out of reach moves the time since when nothing is missing."""
    read(follower, *(block(height) for height in range(100, 120) if height != 105))
    follower.missing(116, NOW + 1)
    assert follower.complete_since == NOW
    follower.missing(117, NOW + 2)
    follower.missing(118, NOW + 3)
    assert follower.complete_since == NOW + 1 or follower.complete_since == NOW + 2


def test_replaced_tip_is_an_orphan(follower: BlockFollower) -> None:
    """Another block of the same height replaces the one that was read."""
    read(follower, block(100), block(101))
    assert read(follower, block(101, "b", parent="a")) == ["a101"]
    assert follower.missing(101, NOW) == []


def test_deep_reorganisation_is_walked_back(follower: BlockFollower) -> None:
    """Each replaced parent is found and read again, until the branches meet."""
    read(follower, *(block(height) for height in range(100, 104)))
    orphans = read(follower, block(104, "b"))
    while missing := follower.missing(104, NOW):
        height = missing[0]
        orphans += read(follower, block(height, "b", parent="a" if height == 102 else "b"))
    assert orphans == ["a103", "a102"]
    assert follower.is_read(block(101))


def test_a_listing_shows_replaced_blocks(follower: BlockFollower) -> None:
    """Where several blocks are listed at once, all that differ are orphans, with those on top of them."""
    read(follower, *(block(height) for height in range(100, 104)))
    assert follower.compare([block(102, "b", parent="a"), block(103, "b")]) == ["a102", "a103"]
    assert follower.missing(103, NOW) == [102, 103]


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (block(10**12), "far above"),
        (block(101, time=NOW + 86_400), "from the future"),
        (block(99, "b"), "does not belong below"),
    ],
)
def test_impossible_blocks_are_doubted(follower: BlockFollower, info: BlockInfo, reason: str) -> None:
    """An absurd height, a date in the future and a foreign branch are not believed."""
    read(follower, block(100))
    assert reason in (follower.doubt(info, NOW) or "")
    assert follower.doubt(block(101), NOW) is None


def test_a_lie_at_the_start_does_not_last(follower: BlockFollower) -> None:
    """When the first height that was heard was absurd, the true chain is followed all the same."""
    read(follower, block(10**9))
    assert follower.missing(100, NOW) == [100]


def test_goes_on_after_a_restart(follower: BlockFollower) -> None:
    """What was read before is known, and only what came since is to be read."""
    read(follower, block(100), block(101))
    again = BlockFollower("ethereum", catch_up=12, block_time_s=12)
    again.restore(follower.dump())
    assert again.missing(103, NOW) == [102, 103]
    assert again.complete_since == follower.complete_since


def test_memory_is_bounded(follower: BlockFollower) -> None:
    """Old blocks are forgotten, and that does not count as a loss."""
    for height in range(100, 1000):
        follower.missing(height, NOW + height)
        follower.mark(block(height), NOW + height)
    assert len(follower.dump().blocks) <= 48
    assert follower.complete_since == NOW
