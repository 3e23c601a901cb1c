"""The Bitcoin chain: pace, links, content, mempool, replacements."""

import itertools

import pytest

from simulator.bitcoin import BitcoinChain
from simulator.bitcoin_transactions import SATOSHI

from .world import START


@pytest.fixture
def chain():
    return BitcoinChain(7, speed=10)


def test_equal_seeds_give_equal_blocks_and_other_seeds_do_not(chain):
    tip = chain.height(START)
    same, other = (BitcoinChain(seed, 10).block(tip, START) for seed in (7, 8))

    assert same == chain.block(tip, START)
    assert other.hash != same.hash


def test_what_was_asked_before_changes_nothing(chain):
    wanted = chain.block(chain.height(START), START)
    for later_s in range(0, 20_000, 500):
        chain.block(chain.height(START + later_s), START + later_s)

    assert chain.block(wanted.height, START + 20_000) == wanted


@pytest.mark.parametrize(("speed", "spacing_s"), [(1, 600), (10, 60)])
def test_blocks_come_at_the_wanted_pace_with_uneven_gaps(speed, spacing_s):
    chain = BitcoinChain(7, speed)
    tip = chain.height(START)
    times = [chain.times.time_of(height) for height in range(tip - 1_000, tip + 1)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]

    assert sum(gaps) / len(gaps) == pytest.approx(spacing_s, rel=0.15)
    assert min(gaps) >= 0
    # Of gaps in a Poisson process 37 in a hundred are longer than the mean, and one in twenty is three times as long.
    assert 0.3 < sum(gap > spacing_s for gap in gaps) / len(gaps) < 0.45
    assert max(gaps) > 3 * spacing_s


def test_a_height_begins_at_the_time_of_its_block(chain):
    tip = chain.height(START)
    for height in range(tip - 300, tip):
        at = chain.times.time_of(height)
        assert chain.height(at + 1e-3) >= height
        assert chain.height(at - 1e-3) < height


def test_blocks_are_linked_and_hashes_are_hard(chain):
    tip = chain.height(START)
    blocks = [chain.block(height, START) for height in range(tip - 20, tip + 1)]

    assert all(upper.previous_hash == lower.hash for lower, upper in itertools.pairwise(blocks))
    assert all(int(block.hash, 16) < 0xFFFF * 2**208 / block.difficulty for block in blocks)
    assert len({block.hash for block in blocks}) == len(blocks)


def test_every_transaction_is_in_one_block(chain):
    tip = chain.height(START)
    blocks = [chain.block(height, START) for height in range(tip - 30, tip + 1)]

    assert all(lower.numbers.stop == upper.numbers.start for lower, upper in itertools.pairwise(blocks))
    for block in blocks:
        for number in (*block.numbers[:1], *block.numbers[-1:]):
            assert chain.block_of(number, START) == block


def test_a_waiting_transaction_confirms_later_with_the_same_id(chain):
    waiting = chain.waiting(START)
    large = next(chain.stream.large_numbers(waiting.start, waiting.stop))
    txid = chain.transaction(large).txid
    later = START + 1_800

    assert chain.block_of(large, START) is None
    found = chain.block_of(large, later)
    assert found.time_s > START
    assert txid in [chain.transaction(number).txid for number in chain.block(found.height, later).numbers]


def test_money_is_neither_made_nor_lost(chain):
    for number in chain.block(chain.height(START), START).numbers:
        one = chain.transaction(number)
        spent = sum(piece.value for piece in one.inputs)
        assert spent == one.output_total + one.fee
        assert all(piece.value > 0 for piece in one.inputs)
        assert one.fee >= 0.7 * one.weight / 4


def test_one_of_a_hundred_moves_much_and_one_only_seems_to(chain):
    numbers = range(7_000_000_000, 7_000_010_000)
    large = [chain.transaction(number) for number in chain.stream.large_numbers(numbers.start, numbers.stop)]
    real = [one for one in large if one.moved > 19 * SATOSHI]
    seeming = [one for one in large if one.moved < 5 * SATOSHI]

    assert (len(real), len(seeming)) == (100, 100)
    assert all(one.output_total > 90 * SATOSHI for one in seeming)
    exchanges = {0, 1, 2}
    assert any(one.inputs[0].wallet in exchanges for one in real)
    assert any(one.outputs[0].wallet in exchanges for one in real)
    assert any(len(one.outputs) == 2 and one.outputs[1].wallet == one.inputs[0].wallet for one in real)
    small = [chain.transaction(number) for number in numbers[:2_000] if chain.transaction(number) not in large]
    assert all(one.output_total < 7 * SATOSHI for one in small)


def test_difficulty_and_hash_rate_agree(chain):
    for later_s in range(0, 3_000_000, 300_000):
        at = START + later_s
        expected = chain.difficulty(chain.height(at)) * 2**32 / 600
        assert chain.hash_rate(at) == pytest.approx(expected, rel=0.05)
    changes = [chain.difficulty(epoch * 2_016) / chain.difficulty((epoch - 1) * 2_016) for epoch in range(480, 520)]
    assert all(0.85 < change < 1.15 for change in changes)
    assert len(set(changes)) > 1


def test_a_replacement_keeps_heights_and_most_transactions(chain):
    tip = chain.height(START)
    before = [chain.block(height, START) for height in range(tip - 2, tip + 1)]
    chain.reorganise(2, START)
    after = [chain.block(height, START) for height in range(tip - 2, tip + 1)]

    assert after[0] == before[0]
    assert after[1].previous_hash == before[0].hash
    assert after[2].previous_hash == after[1].hash
    for old, new in zip(before[1:], after[1:], strict=True):
        assert new.height == old.height
        assert new.hash != old.hash
        assert chain.block_by_hash(old.hash, START) is None
        assert chain.block_by_hash(new.hash, START) == new
    assert set(after[1].numbers) < set(before[1].numbers)
    both = set(after[2].numbers) & set(before[2].numbers)
    assert 0.5 < len(both) / len(before[2].numbers) < 1
    assert chain.waiting(START).start == after[2].numbers.stop


def test_the_past_saw_no_replacement_and_the_next_block_builds_on_it(chain):
    tip = chain.height(START)
    before = chain.hash(tip, START)
    chain.reorganise(1, START)
    later = START + 1_800

    assert chain.hash(tip, START - 1) == before
    assert chain.block(tip + 1, later).previous_hash == chain.hash(tip, later) != before
    assert chain.block(tip + 1, later).numbers.start == chain.block(tip, later).numbers.stop
    again = chain.hash(tip, later)
    chain.reorganise(2, chain.times.time_of(tip + 1) + 0.01)
    assert chain.hash(tip, later) not in (before, again)
