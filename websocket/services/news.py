"""The service ``news``: the newest articles of all feeds, each once.

Every feed of the settings is read by a job of its own, with the version that was read last, so that a feed which breaks
leaves the others alone. News providers that need a key add to them where one is set.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from websocket.errors import BadPayload, NoProviderAnswered
from websocket.news_records import FeedReading, FeedVersion
from websocket.providers.base import Answer
from websocket.providers.capabilities import NewsSource
from websocket.records import Moment, to_rfc3339
from websocket.scheduler import Scheduler
from websocket.services.article_shelf import ArticleShelf, ShelvedArticle
from websocket.services.base import DataService, Part, PartStatus, Payload, ServiceContext, told
from websocket.services.kept_state import load_state, save_state
from websocket.services.part_refresh import Paced
from websocket.upstream.failover import Pool
from websocket.upstream.source import Source

STAGGER_S = 3.0
"""Between the readings of two feeds, so that they do not all come at the same moment."""

CATEGORIES = 30


class NewsArticle(msgspec.Struct, frozen=True, kw_only=True):
    """One article.

    Attributes:
        id: the same for the same article in every publication.
        title: headline, plain text without markup, at most 300 characters.
        url: http or https, without tracking parameters.
        source: name of the feed that had it first, as its publisher writes it, for example ``CoinDesk``.
        source_id: our identifier of that feed, as in ``source_details[].id`` and ``parts``.
        published_at: when it came out, as the feed says; where it does not say, the same as ``seen_at``. RFC 3339 UTC.
        dated: whether the feed says when it came out.
        seen_at: when we first read it, RFC 3339 UTC.
        categories: in lower case; those that we recognise first, then those of the feed; at most ten.
    """

    id: str
    title: str
    url: str
    source: str
    source_id: str
    published_at: str
    dated: bool
    seen_at: str
    categories: tuple[str, ...]


class NewsFeed(msgspec.Struct, frozen=True, kw_only=True):
    """One feed, and how it stands.

    Attributes:
        name: as in ``sources`` and ``articles[].source``.
        id: our identifier, as in ``articles[].source_id`` and ``parts``.
        status: as in ``parts``.
        as_of: when it was last read, RFC 3339 UTC, or null.
        reason: why it is not ``live``, or null.
        articles: how many of the listed articles are from it.
    """

    name: str
    id: str
    status: PartStatus
    as_of: str | None
    reason: str | None
    articles: int


class News(Payload, frozen=True, kw_only=True):
    """Payload of ``news``.

    Attributes:
        articles: newest first, each once whichever feeds have it; bounded (``NEWS_LISTED``).
        sources: names of the feeds that are read, best known first.
        source_details: every feed, those that need a key that is not set included, and how it stands.
        categories: of the listed articles, most frequent first; at most 30.
    """

    articles: list[NewsArticle]
    sources: list[str]
    source_details: list[NewsFeed]
    categories: list[str]


class KeptNews(msgspec.Struct, frozen=True, kw_only=True):
    """What survives a restart.

    Attributes:
        articles: newest first.
        versions: of each feed, as last read.
        read_at: when each feed was last read, Unix seconds.
    """

    articles: list[ShelvedArticle] = []
    versions: dict[str, FeedVersion] = {}
    read_at: dict[str, Moment] = {}


class Feed:
    """One feed of the service.

    Args:
        name: registry name of its source.
        pool: of that source alone.
        part: how it stands; its value is the number of articles of the last reading.
    """

    def __init__(self, name: str, pool: Pool[NewsSource], part: Part[int]) -> None:
        self.name = name
        self.pool = pool
        self.part = part
        self.version: FeedVersion | None = None

    @property
    def title(self) -> str:
        """For people."""
        return self.pool.sources[0].provider.title

    @property
    def configured(self) -> bool:
        """False while it needs a key that is not set."""
        return self.pool.sources[0].configured

    def fetch(self, use: Callable[[FeedReading], int]) -> FeedReading:
        """Reads the feed, if it is another than last time.

        Args:
            use: takes over the articles, and gives how many of them could be used.

        Raises:
            NoProviderAnswered: it could not be read, or nothing in it could be used.
        """

        def ask(source: Source[NewsSource]) -> FeedReading:
            provider = source.provider

            def read(answers: Sequence[Answer]) -> FeedReading:
                reading = provider.parse_articles(answers)
                if reading.articles is not None and not use(reading):
                    raise BadPayload(source.name, answers[0].request.operation, "not one article that can be used")
                return reading

            return source.ask((), lambda _: provider.article_requests(self.version), read, topic=self.pool.topic)

        return self.pool.fetch(ask)


class NewsService(DataService):
    """Reads the feeds and keeps their newest articles."""

    name = "news"
    payload_type = News

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._settings = context.settings.news
        self._shelf = ArticleShelf(kept=self._settings.listed, clock=context.clock)
        names = [field.name for field in dataclasses.fields(context.settings.feeds)]
        self.feeds = [self._feed(name) for name in (*names, *self._settings.providers)]

    def _feed(self, name: str) -> Feed:
        pool = self.context.pool(f"news_{name}", [name], NewsSource, topic="articles")
        feed = Feed(name, pool, self.part(name, int, max_age_s=self._settings.stale_after_s))
        if not feed.configured:
            feed.part.unconfigured(f"needs a key for {name}")
        return feed

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        deadline_s = self.context.settings.upstream.deadline_s * 2
        for position, feed in enumerate(feed for feed in self.feeds if feed.configured):
            refresh = Paced(self._settings.interval_s, partial(self.refresh, feed), clock=self.context.clock)
            scheduler.every(
                refresh.job_interval_s,
                f"news_{feed.name}_collection",
                refresh,
                deadline_s=deadline_s,
                delay_s=position * STAGGER_S,
            )

    def refresh(self, feed: Feed) -> bool:
        """Reads one feed; gives whether it could be read."""
        is_first = feed.part.as_of is None
        try:
            reading = feed.fetch(lambda reading: self._shelf.add(reading.articles or ()))
        except NoProviderAnswered as error:
            feed.part.fail(told(error.attempts))
            return False
        if reading.articles is not None:
            feed.version = reading.version
        count = feed.part.value or 0 if reading.articles is None else len(reading.articles)
        feed.part.hold(count, source=feed.name, as_of=reading.read_at)
        self.save()
        if is_first:
            # nobody should wait a minute when the very first articles of a feed are here
            self.publish()
        return True

    def payload(self) -> News:
        articles = self._shelf.newest()
        standing = self.standing()
        by_feed = Counter(article.source for article in articles)
        titles = {feed.name: feed.title for feed in self.feeds}
        categories = Counter(category for article in articles for category in article.categories)
        parts = standing["parts"]
        return News(
            articles=[
                NewsArticle(
                    id=article.id,
                    title=article.title,
                    url=article.url,
                    source=titles.get(article.source, article.source),
                    source_id=article.source,
                    published_at=to_rfc3339(article.time),
                    dated=article.published_at is not None,
                    seen_at=to_rfc3339(article.seen_at),
                    categories=article.categories,
                )
                for article in articles
            ],
            sources=[feed.title for feed in self.feeds if feed.configured],
            source_details=[
                NewsFeed(
                    name=feed.title,
                    id=feed.name,
                    status=parts[feed.name].status,
                    as_of=parts[feed.name].as_of,
                    reason=parts[feed.name].reason,
                    articles=by_feed[feed.name],
                )
                for feed in self.feeds
            ],
            categories=[category for category, _ in categories.most_common(CATEGORIES)],
            **standing,
        )

    def save(self) -> None:
        kept = KeptNews(
            articles=self._shelf.newest(),
            versions={feed.name: feed.version for feed in self.feeds if feed.version is not None},
            read_at={feed.name: feed.part.as_of for feed in self.feeds if feed.part.as_of is not None},
        )
        save_state(self.context, self.name, kept)

    def restore(self) -> None:
        kept = load_state(self.context, self.name, KeptNews)
        if kept is None:
            return
        self._shelf.restore(kept.articles)
        counts = Counter(article.source for article in kept.articles)
        for feed in self.feeds:
            read_at = kept.read_at.get(feed.name)
            if feed.configured and read_at is not None and read_at <= self.context.clock() and counts[feed.name]:
                feed.version = kept.versions.get(feed.name)
                feed.part.hold(counts[feed.name], source=feed.name, as_of=read_at)
