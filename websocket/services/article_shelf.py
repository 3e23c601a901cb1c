"""The newest articles of all feeds, each once. Computes only.

What feeds say is foreign: addresses that are no web addresses, markup and times that cannot be are refused or taken off
here, whatever the parser did before.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import msgspec

from websocket.news_records import Article
from websocket.records import Moment
from websocket.services.topics import categories_of

TITLE_MAX = 300
URL_MAX = 2000
CATEGORY_MAX = 40
CATEGORIES_MAX = 10
FROM_ONE_READING = 50
"""A feed has 10 to 50 articles; one that has thousands must not push the others out."""

FUTURE_TOLERANCE_S = 300.0
OLDEST_S = 20 * 365 * 86_400.0

SAME_TITLE_WITHIN_S = 2 * 86_400.0
"""Two feeds that have the same headline within this time have the same story. Daily columns repeat theirs."""

SHORTEST_TELLING_TITLE = 20
"""Characters; shorter headlines may be the same by chance."""

MARKUP = re.compile(r"</?[A-Za-z!?][^<>]*>")
CATEGORY = re.compile(r"[^<>\"]+")


class ShelvedArticle(msgspec.Struct, frozen=True, kw_only=True):
    """One article as it is kept.

    Attributes:
        id: as ``Article.id``.
        title: plain text.
        url: http or https.
        source: name of the feed that had it first.
        published_at: Unix seconds, or None.
        seen_at: when we first read it, Unix seconds.
        categories: in lower case: those of the feed, then ours.
    """

    id: str
    title: str
    url: str
    source: str
    published_at: Moment | None
    seen_at: Moment
    categories: tuple[str, ...]

    @property
    def time(self) -> float:
        """When it came out, as far as that is known."""
        return self.seen_at if self.published_at is None else self.published_at


class ArticleShelf:
    """Keeps the newest articles.

    Args:
        kept: how many.
        clock: wall clock, Unix seconds.
    """

    def __init__(self, *, kept: int, clock: Callable[[], float]) -> None:
        self._kept = kept
        self._clock = clock
        self._articles: dict[str, ShelvedArticle] = {}

    def add(self, articles: Iterable[Article]) -> int:
        """Takes over what one reading of a feed brought; gives how many of it could be used, known ones included."""
        usable = [shelved for article in articles if (shelved := self._judged(article)) is not None]
        usable.sort(key=lambda article: article.time, reverse=True)
        for article in usable[:FROM_ONE_READING]:
            same = self._same(article)
            if same is None:
                self._articles[article.id] = article
            elif same.source == article.source:
                # its headline or time may have been corrected
                corrected = msgspec.structs.replace(
                    article, id=same.id, seen_at=same.seen_at, published_at=article.published_at or same.published_at
                )
                self._articles[same.id] = corrected
        self._prune()
        return len(usable)

    def newest(self) -> list[ShelvedArticle]:
        """The articles, newest first."""
        return sorted(self._articles.values(), key=lambda article: (article.time, article.id), reverse=True)

    def restore(self, articles: Iterable[ShelvedArticle]) -> None:
        """Takes over what an earlier run kept; it is judged again, since a file may be edited."""
        for kept in articles:
            again = self._judged(
                Article(
                    id=kept.id,
                    title=kept.title,
                    url=kept.url,
                    source=kept.source,
                    published_at=kept.published_at,
                    categories=kept.categories,
                )
            )
            if again is not None:
                self._articles[kept.id] = msgspec.structs.replace(again, seen_at=min(kept.seen_at, again.seen_at))
        self._prune()

    def _judged(self, article: Article) -> ShelvedArticle | None:
        title = plain(article.title, TITLE_MAX)
        if not title or not article.id or not is_web_address(article.url):
            return None
        now = self._clock()
        time = article.published_at
        if time is not None and not now - OLDEST_S <= time <= now + FUTURE_TOLERANCE_S:
            time = None
        named = [plain(category, CATEGORY_MAX).lower() for category in article.categories]
        ours = categories_of(" ".join((title, *article.categories)))
        # ours first, so that a feed with many categories does not hide them
        categories = dict.fromkeys([*ours, *(name for name in named if CATEGORY.fullmatch(name))])
        return ShelvedArticle(
            id=article.id,
            title=title,
            url=article.url,
            source=article.source,
            published_at=None if time is None else min(time, now),
            seen_at=now,
            categories=tuple(categories)[:CATEGORIES_MAX],
        )

    def _same(self, article: ShelvedArticle) -> ShelvedArticle | None:
        """The held article that this one is: by its identifier, its address, or another feed's same headline."""
        held = self._articles.get(article.id)
        if held is not None:
            return held
        address, title = _address_key(article.url), _title_key(article.title)
        for other in self._articles.values():
            if _address_key(other.url) == address:
                return other
            if (
                len(title) >= SHORTEST_TELLING_TITLE
                and other.source != article.source
                and abs(other.time - article.time) <= SAME_TITLE_WITHIN_S
                and _title_key(other.title) == title
            ):
                return other
        return None

    def _prune(self) -> None:
        kept: Counter[str] = Counter()
        for article in self.newest():
            # whatever one feed sends, half of the shelf is left to the others
            if kept.total() >= self._kept or kept[article.source] >= max(1, self._kept // 2):
                del self._articles[article.id]
            else:
                kept[article.source] += 1


def plain(text: str, max_length: int) -> str:
    """The text without markup, control and direction characters and line breaks."""
    bare = MARKUP.sub(" ", text)
    seen = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in bare)
    kept = "".join(char for char in seen if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn"))
    return " ".join(kept.split())[:max_length]


def is_web_address(url: str) -> bool:
    """Whether it is an http or https address with a host, and nothing that a browser reads differently."""
    if len(url) > URL_MAX or any(char <= " " or char in "<>\"'`\\" for char in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _address_key(url: str) -> str:
    parts = urlsplit(url)
    return f"{(parts.hostname or '').removeprefix('www.')}{parts.path.rstrip('/')}?{parts.query}"


def _title_key(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.casefold()))
