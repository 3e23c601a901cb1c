"""The news: they follow the market, come steadily and stay as they were."""

import itertools

import pytest

from simulator.stories import FEEDS, Newsroom

from .world import START


@pytest.fixture
def newsroom(world):
    return Newsroom(world.market)


def test_news_come_every_two_minutes_and_stay(newsroom):
    now = newsroom.newest(START, 60)
    later = newsroom.newest(START + 600, 65)

    assert 4 <= len([story for story in later if story.published_at > START]) <= 6
    assert set(now[:50]) < set(later)
    assert all(earlier.published_at >= story.published_at for earlier, story in itertools.pairwise(now))


@pytest.mark.parametrize("feed", FEEDS)
def test_every_feed_has_news_of_its_own_and_some_of_others(newsroom, feed):
    stories = newsroom.newest(START, 60, feed)
    taken_over = [story for story in stories if story.feeds[0] != feed]

    assert len(stories) == 60
    assert all(feed in story.feeds for story in stories)
    assert stories[-1].published_at > START - 14 * 3_600
    assert 0 < len(taken_over) < 30
    first = {story.number: story for story in newsroom.newest(START, 600)}
    for story in taken_over[5:]:
        assert story.title == first[story.number].title
        assert story.published_at > first[story.number].published_at


def test_moods_fit_what_prices_did(newsroom, world):
    for story in newsroom.newest(START, 300):
        price, before = (world.market.price(story.symbol, story.published_at - ago_s) for ago_s in (0, 14_400))
        if story.mood in ("rise", "rally"):
            assert price > before
        elif story.mood in ("fall", "dip", "crash"):
            assert price < before


def test_a_crash_is_in_the_news(world, newsroom):
    world.begin("flash_crash")
    stories = newsroom.newest(START + 118, 1) + newsroom.newest(START + 240, 2)

    assert any(story.mood == "crash" and story.published_at > START for story in stories)


def test_a_lost_peg_is_in_the_news(world, newsroom):
    world.begin("depeg")
    stories = [story for story in newsroom.newest(START + 3_600, 25) if story.published_at > START + 10]

    assert any(story.symbol == "USDT" and "$0.9" in story.title for story in stories)
