"""CryptoPanic: news of many publishers with readers' votes; needs a key.

Documentation: https://cryptopanic.com/developers/api/, checked 2026-11-21.

Rate limit as published: by plan. What the plans allow at present is not public, so little is asked for.

Quirks:
    - The key goes into the query. The name of the plan is a part of the base address.
    - ``original_url`` leads to the article, ``url`` to CryptoPanic's own page about it; some plans lack the former.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from websocket.errors import AccessRefused, RateLimited, UpstreamError
from websocket.news_records import Article, FeedReading, FeedVersion
from websocket.providers.base import Answer, Budget, Request, parse_count, parse_iso_time
from websocket.providers.capabilities import NewsSource
from websocket.providers.news_texts import article_id, believable_time, clean_address, clean_categories, clean_text
from websocket.settings import KeyedProviderSettings


class CryptoPanic(NewsSource):
    """The newest posts from ``/posts/``; off without a key."""

    name = "cryptopanic"
    title = "CryptoPanic"
    docs = "https://cryptopanic.com/developers/api/"
    settings: KeyedProviderSettings

    @property
    def budget(self) -> Budget:
        """No number is public; every ten minutes is our own pace."""
        return Budget(per_minute=4, min_interval_s=600)

    @property
    def configured(self) -> bool:
        """False without a key: nothing is answered then."""
        return bool(self.settings.api_key)

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors of the shape ``{"status": "api_error", "info": "Token not found"}``."""
        if not isinstance(payload, dict) or payload.get("status") != "api_error":
            return None
        info = payload.get("info")
        said = info.lower() if isinstance(info, str) else ""
        if status == 429 or "limit" in said or "throttle" in said:
            return RateLimited(self.name, request.operation, "the rate limit is reached")
        reason = "the key is refused, or its plan does not allow it: check CRYPTOPANIC_API_KEY"
        return AccessRefused(self.name, request.operation, reason, status if status >= 400 else 403)

    def article_requests(self, known: FeedVersion | None = None) -> Sequence[Request]:
        """The newest posts; there are no versions here."""
        params = (("auth_token", self.settings.api_key.reveal()), ("public", "true"), ("kind", "news"))
        return [Request(operation="posts", path="/posts/", params=params)]

    def parse_articles(self, answers: Sequence[Answer]) -> FeedReading:
        """Reads ``{"results": [{"id": 1, "title": "...", "published_at": "2026-11-21T09:50:00Z", ...}], ...}``.

        Also in each row: ``original_url``, ``url``, ``instruments`` or ``currencies`` (``code``), ``votes``
        (``positive``, ``negative``). Rows without a title or a usable address are left out.

        Raises:
            BadPayload: the answer has no list in ``results``.
        """
        answer = answers[-1]
        rows = answer.payload.get("results") if isinstance(answer.payload, dict) else None
        if not isinstance(rows, list):
            raise self.bad_payload(answer, "an object with a list in 'results'")
        articles: dict[str, Article] = {}
        for row in rows:
            article = self._article(row, answer.received_at) if isinstance(row, dict) else None
            if article is not None:
                articles.setdefault(article.id, article)
        return FeedReading(articles=tuple(articles.values()), version=FeedVersion(), read_at=answer.received_at)

    def _article(self, row: dict[str, Any], received_at: float) -> Article | None:
        title = clean_text(row.get("title"))
        url = clean_address(row.get("original_url")) or clean_address(row.get("url"))
        if not title or url is None:
            return None
        number, votes = parse_count(row.get("id")), row.get("votes")
        coins = row.get("instruments") or row.get("currencies")
        return Article(
            id=article_id(self.name, None if number is None else str(number), url, title),
            title=title,
            url=url,
            source=self.name,
            published_at=believable_time(parse_iso_time(row.get("published_at")), received_at),
            categories=clean_categories(coin.get("code") for coin in coins if isinstance(coin, dict))
            if isinstance(coins, list)
            else (),
            votes_positive=parse_count(votes.get("positive")) if isinstance(votes, dict) else None,
            votes_negative=parse_count(votes.get("negative")) if isinstance(votes, dict) else None,
        )
