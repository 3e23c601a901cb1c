"""News feeds: one provider per feed, so that each has a budget, a circuit and statistics of its own.

Documentation: https://www.rssboard.org/rss-specification, checked 2026-11-21. ``feeds()`` makes the providers from the
settings; the registry of providers does not know them.

Rate limit as published: none. Feeds are meant to be asked every few minutes, saying which version was read last.

Quirks:
    - Descriptions may be empty or HTML; they are not read. ``guid`` is an address or any other text.
    - Addresses carry parameters for counting readers; they are taken off.
    - A feed is a foreign document, and may be hostile in any way that XML allows: see ``feed_document``.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import fields
from time import struct_time
from typing import Any

from websocket.news_records import Article, FeedReading, FeedVersion
from websocket.providers.base import Answer, Budget, Request
from websocket.providers.capabilities import NewsSource
from websocket.providers.feed_document import UnfitFeed, parse_document
from websocket.providers.news_texts import article_id, believable_time, clean_address, clean_categories, clean_text
from websocket.settings import FeedSettings, ProviderSettings, Url

TITLES = {
    "coindesk": "CoinDesk",
    "cointelegraph": "CoinTelegraph",
    "decrypt": "Decrypt",
    "cryptoslate": "CryptoSlate",
    "bitcoin_magazine": "Bitcoin Magazine",
}
"""How the feeds of the settings write themselves; others by their setting."""

MAX_VALIDATOR = 200


class RssFeed(NewsSource):
    """One feed.

    Args:
        name: registry name, such as ``coindesk``.
        title: for people.
        settings: its address.
    """

    docs = "https://www.rssboard.org/rss-specification"

    def __init__(self, name: str, title: str, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self.name = name
        self.title = title

    @property
    def budget(self) -> Budget:
        """No number is published; every five minutes is what readers of feeds do."""
        return Budget(per_minute=4, min_interval_s=300)

    @property
    def base_url(self) -> str:
        """The address as it is set: a slash at its end belongs to it."""
        return self.settings.url

    def article_requests(self, known: FeedVersion | None = None) -> Sequence[Request]:
        """The feed; where a version is known, only if it has changed since."""
        conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified} if known else {}
        headers = tuple((name, value) for name, value in conditions.items() if value)
        return [Request(operation="feed", path="", headers=headers, accepts="bytes")]

    def parse_articles(self, answers: Sequence[Answer]) -> FeedReading:
        """Reads RSS 2.0, RSS 1.0 or Atom; entries without a title or a usable address are left out.

        Raises:
            BadPayload: it is none of these, or not fit to be read: see ``feed_document.parse_document``.
        """
        answer = answers[-1]
        if answer.not_modified:
            return FeedReading(articles=None, version=None, read_at=answer.received_at)
        if not isinstance(answer.payload, bytes):
            raise self.bad_payload(answer, "bytes")
        try:
            entries = parse_document(answer.payload)
        except UnfitFeed as error:
            raise self.bad_payload(answer, str(error)) from error
        articles: dict[str, Article] = {}
        for entry in entries:
            article = self._article(entry, answer.received_at)
            if article is not None:
                articles.setdefault(article.id, article)
        version = FeedVersion(
            etag=_validator(answer.headers.get("etag")),
            last_modified=_validator(answer.headers.get("last-modified")),
        )
        return FeedReading(articles=tuple(articles.values()), version=version, read_at=answer.received_at)

    def _article(self, entry: dict[str, Any], received_at: float) -> Article | None:
        title, url = clean_text(entry.get("title")), clean_address(entry.get("link"))
        if not title or url is None:
            return None
        tags = entry.get("tags")
        return Article(
            id=article_id(self.name, entry.get("id"), url, title),
            title=title,
            url=url,
            source=self.name,
            published_at=believable_time(
                _unix_time(entry.get("published_parsed") or entry.get("updated_parsed")), received_at
            ),
            categories=clean_categories(tag.get("term") for tag in tags) if isinstance(tags, list) else (),
        )


def feeds(settings: FeedSettings) -> dict[str, RssFeed]:
    """All configured feeds by their name, in the order of the settings."""
    found = {}
    for field in fields(settings):
        address: Url = getattr(settings, field.name)
        title = TITLES.get(field.name, field.name.replace("_", " ").title())
        found[field.name] = RssFeed(field.name, title, ProviderSettings(url=address))
    return found


def _unix_time(moment: Any) -> float | None:
    """Unix seconds from what feedparser makes of a date, which is UTC."""
    if not isinstance(moment, struct_time):
        return None
    try:
        return float(calendar.timegm(moment))
    except (ValueError, OverflowError):
        return None


def _validator(value: str | None) -> str | None:
    """An ETag or a date as it can be sent back; None for one that cannot."""
    return value if value and len(value) <= MAX_VALIDATOR and value.isascii() and value.isprintable() else None
