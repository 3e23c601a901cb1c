"""The service ``news`` over stub feeds: each article once, whatever the feeds do."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec
import pytest

from tests.services.doubles import NOW, Clock, DictCache, JobList, StubProvider, context_of, jobs_of
from websocket import codec
from websocket.news_records import Article, FeedReading, FeedVersion
from websocket.providers.base import Answer, Request
from websocket.providers.capabilities import NewsSource
from websocket.records import to_rfc3339
from websocket.services.news import News, NewsService
from websocket.settings import FeedSettings, NewsSettings, Settings

FEEDS = tuple(field.name for field in dataclasses.fields(FeedSettings))
FIRST, SECOND, *OTHERS = FEEDS

SETTINGS = dataclasses.replace(Settings(), news=NewsSettings(providers=("keyed_news",)))


class StubFeed(StubProvider, NewsSource):
    """A feed that has what a test wrote into it. It has a version, and says when that is unchanged."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.title = name.title()
        self.articles: list[Article] = []
        self.etag = "v1"

    def write(self, *articles: Article) -> None:
        """A new version of the feed."""
        self.articles = list(articles)
        self.etag = f"v{int(self.etag[1:]) + 1}"

    def article_requests(self, known: FeedVersion | None = None) -> Sequence[Request]:
        return [self.request("feed", known.etag if known else None)]

    def parse_articles(self, answers: Sequence[Answer]) -> FeedReading:
        read_at = answers[-1].received_at
        if answers[-1].request.path == f"/{self.etag}":
            return FeedReading(articles=None, version=None, read_at=read_at)
        return FeedReading(articles=tuple(self.articles), version=FeedVersion(etag=self.etag), read_at=read_at)


def article(name: str, source: str = FIRST, **facts: object) -> Article:
    """An article with an address of its own."""
    known = {
        "id": f"{source}-{name}",
        "title": f"Bitcoin news about {name}",
        "url": f"https://{source}.example/{name}",
        "source": source,
        "published_at": NOW - 600,
        **facts,
    }
    return msgspec.convert(known, Article)


class World:
    """The service and its feeds; each feed has one article of its own."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.cache = DictCache()
        self.feeds = {name: StubFeed(name) for name in (*FEEDS, "keyed_news")}
        self.feeds["keyed_news"].is_configured = False
        for name in FEEDS:
            self.feeds[name].write(article("own", name, title=f"The one story that only {name} has"))
        self.start()

    def start(self) -> None:
        """Builds the service, as after a restart."""
        self.context = context_of(list(self.feeds.values()), self.clock, settings=SETTINGS, cache=self.cache)
        self.service = NewsService(self.context)
        self.jobs: JobList = jobs_of(self.service)

    def read(self, *names: str) -> News:
        """Lets the jobs of some feeds run, or of all; gives what is published then."""
        for name in names or FEEDS:
            self.jobs.jobs[f"news_{name}_collection"]()
        return self.published()

    def published(self) -> News:
        self.jobs.jobs["publish_news"]()
        publication = self.context.broker.last("news")
        assert publication is not None
        return msgspec.convert(codec.decode(publication.body), News)

    def only(self, *articles: Article) -> News:
        """What is published when the first feed has these articles, and no other feed was read."""
        self.feeds[FIRST].write(*articles)
        return self.read(FIRST)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock)


class TestNormalTimes:
    def test_interval_and_shape(self, world: World) -> None:
        """Published every minute, with the documented keys."""
        assert world.jobs.intervals["publish_news"] == 60
        payload = world.read()
        assert payload.status == "live"
        assert {entry.source_id for entry in payload.articles} == set(FEEDS)
        assert [(feed.id, feed.status, feed.articles) for feed in payload.source_details if feed.id in FEEDS] == [
            (name, "live", 1) for name in FEEDS
        ]
        publication = world.context.broker.last("news")
        assert publication is not None
        assert {"title", "source", "url", "published_at"} <= publication.data["articles"][0].keys()

    def test_feeds_have_names_for_people(self, world: World) -> None:
        """In the lists of strings and in each article; identifiers stand beside them. What needs a key is no source."""
        payload = world.read()
        names = [name.title() for name in FEEDS]
        assert payload.sources == names
        assert [feed.name for feed in payload.source_details] == [*names, "Keyed_News"]
        assert {entry.source: entry.source_id for entry in payload.articles} == dict(zip(names, FEEDS, strict=True))

    def test_newest_first(self, world: World) -> None:
        """By the feed's own time; an article without one counts from when we first saw it."""
        payload = world.only(
            article("old", published_at=NOW - 5000),
            article("new", published_at=NOW - 5),
            article("undated", published_at=None),
        )
        assert [entry.id for entry in payload.articles] == [f"{FIRST}-{name}" for name in ("undated", "new", "old")]
        assert not payload.articles[0].dated
        assert payload.articles[0].published_at == payload.articles[0].seen_at
        assert payload.articles[0].seen_at == to_rfc3339(NOW)

    def test_first_articles_are_published_at_once(self, world: World) -> None:
        """Nobody waits a minute for them."""
        world.jobs.jobs[f"news_{FIRST}_collection"]()
        publication = world.context.broker.last("news")
        assert publication is not None
        assert len(publication.data["articles"]) == 1

    def test_unchanged_feed_is_fresh(self, world: World, clock: Clock) -> None:
        """It is asked with its version; the articles stay, and the part is as of now."""
        world.read(FIRST)
        clock.advance(300)
        payload = world.read(FIRST)
        assert world.feeds[FIRST].asked == ["feed/None", "feed/v2"]
        assert len(payload.articles) == 1
        assert payload.parts[FIRST].as_of == to_rfc3339(clock())

    def test_a_feed_is_not_read_more_often_than_set(self, world: World, clock: Clock) -> None:
        """Its job comes more often only to try again after a failure."""
        for _ in range(20):
            world.read(FIRST)
            clock.advance(30)
        assert len(world.feeds[FIRST].asked) == 2

    def test_categories(self, world: World) -> None:
        """Ours by what the headline says, then those of the feed in lower case."""
        payload = world.only(
            article("a", title="SEC sues an exchange over Ethereum staking", categories=["Policy", "policy"]),
            article("b", title="Weather", categories=[]),
        )
        by_id = {entry.id: entry.categories for entry in payload.articles}
        assert by_id[f"{FIRST}-a"] == ("ethereum", "defi", "regulation", "policy")
        assert by_id[f"{FIRST}-b"] == ()
        assert set(payload.categories) == {"ethereum", "defi", "regulation", "policy"}

    def test_publishing_asks_nobody(self, world: World) -> None:
        """However old the articles are."""
        world.published()
        assert all(feed.asked == [] for feed in world.feeds.values())


class TestDuplicates:
    def test_same_article_again(self, world: World, clock: Clock) -> None:
        """Read twice it is one, with what was corrected since, and seen when it first was."""
        world.only(article("story"))
        clock.advance(400)
        payload = world.only(article("story", title="Bitcoin news, corrected"))
        assert [(entry.title, entry.seen_at) for entry in payload.articles] == [
            ("Bitcoin news, corrected", to_rfc3339(NOW))
        ]

    @pytest.mark.parametrize(
        "facts",
        [
            {"id": f"{FIRST}-story", "title": "another headline that is long enough"},
            {"url": f"https://www.{FIRST}.example/story/", "title": "another headline that is long enough"},
            {"title": "BITCOIN news — about: story!"},
        ],
    )
    def test_same_story_in_another_feed(self, world: World, facts: dict[str, object]) -> None:
        """By its identifier, its address or its headline; the feed that had it first keeps it."""
        world.only(article("story"))
        world.feeds[SECOND].write(article("story", SECOND, **facts))
        payload = world.read(SECOND)
        assert [entry.source_id for entry in payload.articles] == [FIRST]

    def test_daily_columns_are_not_one(self, world: World) -> None:
        """A feed may use the same headline again, and other feeds too after some days."""
        column = "Here is what happened in crypto today"
        payload = world.only(article("monday", title=column), article("tuesday", title=column))
        assert len(payload.articles) == 2
        world.feeds[SECOND].write(article("x", SECOND, title=column, published_at=NOW - 9 * 86_400))
        assert len(world.read(SECOND).articles) == 3


class TestTrouble:
    def test_broken_feed_leaves_the_others(self, world: World, clock: Clock) -> None:
        """It says why, its articles stay, and the service is degraded when it has been so for a while."""
        world.read()
        world.feeds[SECOND].is_down = True
        clock.advance(2000)
        payload = world.read()
        assert payload.status == "degraded"
        assert {feed.id for feed in payload.source_details if feed.status == "stale"} == {SECOND}
        assert "no answer" in (payload.reason or "")
        assert {entry.source_id for entry in payload.articles} == set(FEEDS)

    def test_all_broken_is_stale_and_recovers(self, world: World, clock: Clock) -> None:
        """The failing feeds are tried again soon, not after five minutes."""
        world.read()
        for name in FEEDS:
            world.feeds[name].is_down = True
        clock.advance(2000)
        assert world.read().status == "stale"
        for name in FEEDS:
            world.feeds[name].is_down = False
        clock.advance(60)
        assert world.read().status == "live"

    def test_never_read_is_down(self, world: World) -> None:
        """With an empty list and the reasons."""
        for name in FEEDS:
            world.feeds[name].is_down = True
        payload = world.read()
        assert (payload.status, payload.articles) == ("down", [])
        assert all("no answer" in (feed.reason or "") for feed in payload.source_details if feed.id in FEEDS)

    def test_feed_without_usable_articles_fails(self, world: World, clock: Clock) -> None:
        """It counts against the feed, what was held stays, and the version is not taken over."""
        world.read(FIRST)
        clock.advance(2000)
        payload = world.only()
        assert payload.parts[FIRST].status == "stale"
        assert "not one article" in (payload.parts[FIRST].reason or "")
        assert len(payload.articles) == 1
        clock.advance(60)
        world.read(FIRST)
        assert world.feeds[FIRST].asked[-1] == "feed/v2"

    def test_keyed_source_is_off_until_configured(self, world: World) -> None:
        """It does not spoil the status, and adds its articles once there is a key."""
        payload = world.read()
        assert payload.parts["keyed_news"].status == "unconfigured"
        assert payload.status == "live"
        assert "news_keyed_news_collection" not in world.jobs.jobs
        world.feeds["keyed_news"].is_configured = True
        world.feeds["keyed_news"].write(article("extra", "keyed_news"))
        world.start()
        assert [feed.status for feed in world.read("keyed_news").source_details if feed.id == "keyed_news"] == ["live"]

    def test_restart(self, world: World, clock: Clock) -> None:
        """Articles are there at once, with their true age, and the versions are still good."""
        before = world.read()
        clock.advance(3600)
        world.start()
        after = world.published()
        assert after.articles == before.articles
        assert after.status == "stale"
        world.read(FIRST)
        assert world.feeds[FIRST].asked[-1] == "feed/v2"
        assert world.published().parts[FIRST].status == "live"

    @pytest.mark.parametrize("kept", [b"nonsense", b'{"articles": [{"id": 1}]}', b"[]"])
    def test_unreadable_state_is_passed_over(self, world: World, kept: bytes) -> None:
        """A damaged cache costs nothing but the old articles."""
        world.cache.values["news"] = kept
        world.start()
        assert world.read().status == "live"

    def test_demo_has_a_memory_of_its_own(self, clock: Clock) -> None:
        """Simulated articles never show up as real ones."""
        world = World(clock)
        world.context.demo = True
        world.read()
        assert set(world.cache.values) == {"news:demo"}


class TestHostileContent:
    @pytest.mark.parametrize(
        "url",
        [
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "//no.scheme/x",
            "https://user@evil.example/",
            'https://a.example/"onclick=x',
            "https://a.example/ b",
            "https://[broken/",
            "https://a.example/" + "x" * 3000,
        ],
    )
    def test_addresses_that_are_none_are_left_out(self, world: World, url: str) -> None:
        """The other articles of the feed stay."""
        payload = world.only(article("evil", url=url), article("fine"))
        assert [entry.id for entry in payload.articles] == [f"{FIRST}-fine"]

    def test_titles_are_plain(self, world: World) -> None:
        """No markup, control characters, direction marks or line breaks, and not longer than promised."""
        evil = "<script>alert(1)</script>Bit\u202ecoin\x00 is\n up <img src=x onerror=y> 1 < 2" + "x" * 500
        (entry,) = world.only(article("evil", title=evil, categories=["<b>x</b>", 'a"b', "\x07"])).articles
        assert entry.title.startswith("alert(1) Bitcoin is up 1 < 2x")
        assert len(entry.title) <= 300
        assert entry.categories == ("bitcoin", "x")

    def test_title_without_text_is_no_article(self, world: World) -> None:
        """Nothing is left of pure markup."""
        payload = world.only(article("evil", title="<b></b>\x00"), article("fine"))
        assert len(payload.articles) == 1

    @pytest.mark.parametrize("time", [NOW + 86_400, 1e18, -1e18, float("nan"), float("inf"), 0.0])
    def test_impossible_dates_are_unknown(self, world: World, time: float) -> None:
        """Not the future and not the time before all coins; the article does not stay on top for ever."""
        (entry,) = world.only(msgspec.structs.replace(article("evil"), published_at=time)).articles
        assert (entry.dated, entry.published_at) == (False, entry.seen_at)

    def test_flood_leaves_room_for_others(self, world: World, clock: Clock) -> None:
        """One feed with thousands of fresh articles has half of the list at most."""
        world.read()
        for burst in range(3):
            clock.advance(301)
            world.only(*(article(f"{burst}-{number}", published_at=clock()) for number in range(1000)))
        payload = world.published()
        assert len(payload.articles) <= 100
        assert {entry.source_id for entry in payload.articles} == set(FEEDS)
