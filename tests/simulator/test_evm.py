"""The EVM chains: pace, fees, content, replacements."""

import itertools

import pytest

from simulator.chains import Chains
from simulator.evm_specs import EXCHANGE_WALLETS

from .world import START


@pytest.fixture
def chains():
    return Chains(7)


@pytest.fixture
def ethereum(chains):
    return chains.ethereum


def test_equal_seeds_give_equal_blocks_and_other_seeds_do_not(ethereum):
    tip = ethereum.height(START)
    same, other = (Chains(seed).ethereum for seed in (7, 8))

    assert same.block(tip, START) == ethereum.block(tip, START)
    assert other.hash(tip, START) != ethereum.hash(tip, START)


@pytest.mark.parametrize(
    ("name", "day"),
    [("ethereum", 7_144), ("bnb", 115_200), ("polygon", 43_200), ("arbitrum", 345_600), ("optimism", 43_200)],
)
def test_each_chain_has_its_pace(chains, name, day):
    chain = chains.evm[name]

    assert chain.height(START) - chain.height(START - 86_400) == pytest.approx(day, abs=3)
    assert 0 <= START - chain.times.time_of(chain.height(START)) <= 2 * chain.spec.slot_s


def test_some_slots_of_ethereum_stay_empty(ethereum):
    tip = ethereum.height(START)
    times = [ethereum.times.time_of(height) for height in range(tip - 600, tip)]

    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {12.0, 24.0}


def test_solana_has_more_slots_than_blocks(chains):
    solana = chains.solana
    slots = solana.slot(START + 512 * 0.4) - solana.slot(START)
    blocks = solana.height(START + 512 * 0.4) - solana.height(START)

    assert (slots, blocks) == (512, 496)


@pytest.mark.parametrize("name", ["ethereum", "bnb", "polygon", "arbitrum", "optimism", "base"])
def test_base_fees_follow_from_how_full_blocks_are(chains, name):
    chain = chains.evm[name]
    tip = chain.height(START)
    ratios = []
    for height in range(tip - 300, tip):
        fee, following = chain.base_fee(height), chain.base_fee(height + 1)
        ratios.append(chain.gas_used_ratio(height))
        assert following == pytest.approx(fee * (1 + (ratios[-1] - 0.5) / 4), rel=1e-3, abs=1)
    assert 0.45 < sum(ratios) / len(ratios) < 0.55
    assert min(ratios) < 0.4
    assert max(ratios) > 0.6


def test_fuller_blocks_have_more_transactions(ethereum):
    tip = ethereum.height(START)
    blocks = [
        (ethereum.gas_used_ratio(height), len(ethereum.numbers(height, START))) for height in range(tip - 99, tip)
    ]
    ordered = [count for _, count in sorted(blocks)]

    assert sum(ordered[:30]) < 0.8 * sum(ordered[-30:])
    assert 50 < min(ordered) < max(ordered) < 400


def test_large_sums_move_in_coins_and_tokens_and_touch_exchanges(ethereum):
    numbers = range(5_000_000_000, 5_000_040_000)
    large = [ethereum.transaction(number) for number in ethereum.large_numbers(numbers)]
    coins = [one for one in large if one.transfer is None]
    tokens = [one for one in large if one.transfer is not None]

    assert len(large) == 400
    assert all(one.value >= 700 * 10**18 and one.input == "0x" for one in coins)
    assert {one.transfer.token.symbol for one in tokens} == {"USDT", "USDC"}
    assert all(one.transfer.amount >= 1_200_000 * 10**6 and one.value == 0 for one in tokens)
    assert all(one.recipient == one.transfer.token.address for one in tokens)
    assert sum(one.sender in EXCHANGE_WALLETS for one in large) > 100
    assert sum(one.recipient in EXCHANGE_WALLETS for one in coins) > 50


def test_some_transactions_create_contracts(ethereum):
    created = [one for one in map(ethereum.transaction, range(5_000_000_000, 5_000_002_000)) if one.recipient is None]

    assert created
    assert all(one.value == 0 and len(one.input) > 10 for one in created)


def test_a_replacement_keeps_heights_and_most_transactions(ethereum):
    tip = ethereum.height(START)
    before = ethereum.block(tip, START)
    ethereum.reorganise(1, START)
    after = ethereum.block(tip, START)

    assert (after.height, after.parent_hash) == (before.height, before.parent_hash)
    assert after.hash != before.hash
    assert 0.5 < len(set(after.numbers) & set(before.numbers)) / len(before.numbers) < 1
    assert (ethereum.height_of(before.hash, START), ethereum.height_of(after.hash, START)) == (None, tip)
    assert ethereum.numbers(tip + 1, START + 60).start == after.numbers.stop
    assert ethereum.hash(tip, START - 1) == before.hash
