"""The headlines of the last day in what the service ``news`` published last, so that no feed is asked twice."""

from __future__ import annotations

import msgspec

from websocket.records import parse_time
from websocket.services.base import ServiceContext

NEWS_CHANNEL = "news"

HEADLINES_WITHIN_S = 86_400.0


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """One headline.

    Attributes:
        id: of its article; empty where the publication does not say.
        title: plain text.
        time: when it came out, else when it was first read, Unix seconds.
    """

    id: str
    title: str
    time: float


class DayOfNews(msgspec.Struct, frozen=True, kw_only=True):
    """The headlines of the last 24 hours.

    Attributes:
        headlines: in the order of the publication.
        as_of: since when they stand, Unix seconds, never later than now; None while no feed has been read.
        lacking: why there is no publication to look at, or None.
    """

    headlines: tuple[Headline, ...] = ()
    as_of: float | None = None
    lacking: str | None = None


class _Article(msgspec.Struct):
    """Of an article in the publication, what is needed here."""

    title: str
    published_at: str
    id: str = ""


class _FeedState(msgspec.Struct):
    as_of: str | None


class _News(msgspec.Struct):
    articles: list[_Article]
    parts: dict[str, _FeedState]


def day_of_news(context: ServiceContext) -> DayOfNews:
    """What was published last."""
    publication = context.broker.last(NEWS_CHANNEL)
    if publication is None:
        return DayOfNews(lacking="no news have been published yet")
    try:
        news = msgspec.convert(publication.data, _News)
    except msgspec.ValidationError:
        # the service of the news has no source, and says so
        return DayOfNews(lacking="there are no news")
    now = context.clock()
    as_of = max((time for part in news.parts.values() if (time := _unix(part.as_of)) is not None), default=None)
    found = [
        Headline(id=article.id, title=article.title, time=_unix(article.published_at) or 0.0)
        for article in news.articles
    ]
    return DayOfNews(
        headlines=tuple(headline for headline in found if 0 <= now - headline.time <= HEADLINES_WITHIN_S),
        as_of=None if as_of is None else min(as_of, now),
    )


def _unix(text: str | None) -> float | None:
    """Unix seconds from what ``to_rfc3339`` writes, or None."""
    try:
        return None if text is None else parse_time(text)
    except ValueError:
        # the publication may have come from another process
        return None
