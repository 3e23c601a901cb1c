"""The feeds' dialects and conditional requests."""

from email.utils import parsedate_to_datetime

import pytest

from simulator.stories import FEEDS

from ..world import parse_feed, recorded_text

each_feed = pytest.mark.parametrize("feed", FEEDS)


def items(world, feed):
    return parse_feed(world.get(f"/rss/{feed}").data).findall("channel/item")


@each_feed
def test_a_feed_has_25_items_newest_first_with_all_that_readers_need(world, feed):
    found = items(world, feed)
    times = [parsedate_to_datetime(item.findtext("pubDate")).timestamp() for item in found]

    assert len(found) == 25
    assert times == sorted(times, reverse=True)
    assert times[0] <= world.clock.now
    assert all(item.findtext("title") and item.findtext("link").startswith("https://") for item in found)
    assert len({item.findtext("guid") for item in found}) == 25


@pytest.mark.parametrize("feed", ["coindesk", "cointelegraph"])
def test_items_have_the_recorded_elements_and_attributes(world, feed):
    def names(root):
        nodes = [node for item in root.findall("channel/item") for node in item]
        return {(node.tag, *sorted(node.attrib)) for node in nodes}

    ours, wanted = parse_feed(world.get(f"/rss/{feed}").data), parse_feed(recorded_text(f"rss/{feed}.xml").encode())

    assert names(wanted) <= names(ours)
    guids = [
        item.find("guid").attrib["isPermaLink"] for root in (ours, wanted) for item in root.findall("channel/item")
    ]
    assert len(set(guids)) == 1


def test_each_feed_has_its_traps(world):
    desk = items(world, "coindesk")
    assert any(not item.findtext("description") for item in desk)
    assert any(len(item.findall("{http://purl.org/dc/elements/1.1/}creator")) == 2 for item in desk)

    telegraph = items(world, "cointelegraph")
    assert all("?utm_source=rss_feed" in item.findtext("link") for item in telegraph)
    assert all(item.findtext("description").startswith("<p style=") for item in telegraph)
    assert all("<img src=" in item.findtext("description") for item in telegraph)

    assert all(item.findtext("description").startswith("<p>") for item in items(world, "decrypt"))
    assert "&lt;p&gt;" in world.get("/rss/decrypt").text
    assert all("appeared first on" in item.findtext("description") for item in items(world, "cryptoslate"))
    magazine = items(world, "bitcoin_magazine")
    assert all("utm_source=rss&utm_medium=rss" in item.findtext("link") for item in magazine)


def test_two_feeds_share_a_story_now_and_then(world):
    titles = [
        {item.findtext("title") for item in items(world, feed)} for feed in ("coindesk", "decrypt", "cointelegraph")
    ]

    assert titles[0] & titles[1] or titles[0] & titles[2] or titles[1] & titles[2]


@each_feed
def test_what_is_known_is_not_sent_again_until_there_is_news(world, feed):
    first = world.get(f"/rss/{feed}")
    conditions = [
        {"If-None-Match": first.headers["ETag"]},
        {"If-None-Match": f'"other", {first.headers["ETag"]}', "If-Modified-Since": "nonsense"},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ]
    for headers in conditions:
        again = world.client.get(f"/rss/{feed}", headers=headers)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]

    world.clock.advance(5_400)
    for headers in conditions:
        assert world.client.get(f"/rss/{feed}", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"If-None-Match": '"other"'},
        {"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"},
        {"If-Modified-Since": "nonsense"},
        {"If-None-Match": '"other"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    ],
)
def test_what_is_not_known_is_sent(world, headers):
    assert world.client.get("/rss/coindesk", headers=headers).status_code == 200


def test_the_slash_makes_no_difference_and_unknown_feeds_are_pages(world):
    assert world.get("/rss/decrypt/").text == world.get("/rss/decrypt").text
    assert world.get("/rss/gazette").status_code == 404
    assert world.get("/rss/gazette").content_type.startswith("text/html")
