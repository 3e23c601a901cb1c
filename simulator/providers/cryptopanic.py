"""CryptoPanic, ``https://cryptopanic.com/api/developer/v2``: news with votes, for clients with a key.

Source: https://cryptopanic.com/developers/api, as third parties describe it, checked 2026-11. Any key is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, Request
from simulator.formats import iso_s
from simulator.noise import Draws
from simulator.providers.base import Handler, Provider, split_list
from simulator.source_view import SourceView
from simulator.stories import Newsroom, Story

_COUNT = 20
_FALLING = frozenset(("crash", "fall", "dip"))
_RISING = frozenset(("rise", "rally"))
_DOMAINS = {
    "coindesk": "coindesk.com",
    "cointelegraph": "cointelegraph.com",
    "decrypt": "decrypt.co",
    "cryptoslate": "cryptoslate.com",
    "bitcoin_magazine": "bitcoinmagazine.com",
}


class CryptoPanic(Provider):
    """The posts of the developer plan."""

    name = "cryptopanic"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/api/developer/v2/posts": self._posts}

    def error(self, status: int, message: str) -> Answer:
        """Gives an error object."""
        return Answer({"status": "api_error", "info": message}, status=status)

    def _posts(self, request: Request, view: SourceView) -> Answer:
        """Answers the twenty newest posts, of some coins or of all, rising or falling ones or both."""
        query = request.query
        if not query.get("auth_token"):
            return self.error(401, "Token not found")
        coins = {symbol.upper() for symbol in split_list(query.get("currencies", ""))}
        moods = {"bullish": _RISING, "bearish": _FALLING}.get(query.get("filter", ""))
        stories = [
            story
            for story in Newsroom(view.market).newest(view.as_of, _COUNT * 4)
            if (not coins or story.symbol in coins) and (moods is None or story.mood in moods)
        ]
        rows = [_row(view, story) for story in stories[:_COUNT]]
        return Answer({"count": len(rows), "next": None, "previous": None, "results": rows})


def _row(view: SourceView, story: Story) -> dict[str, Any]:
    words = Draws(view.market.seed, "votes").words(story.number)
    rising, falling = story.mood in _RISING, story.mood in _FALLING
    address = f"https://cryptopanic.com/news/{story.number}/{story.slug}"
    return {
        "id": story.number,
        "slug": story.slug,
        "title": story.title,
        "description": story.summary,
        "published_at": iso_s(story.published_at),
        "created_at": iso_s(story.published_at + 30.0),
        "kind": "news",
        "url": address,
        "original_url": f"https://{_DOMAINS[story.feeds[0]]}/{story.slug}",
        "source": {"title": story.feeds[0], "region": "en", "domain": _DOMAINS[story.feeds[0]], "type": "feed"},
        "instruments": [{"code": story.symbol, "title": story.symbol, "slug": story.symbol.lower()}],
        "votes": {
            "negative": words[0] % (20 if falling else 4),
            "positive": words[1] % (20 if rising else 4),
            "important": words[2] % 8,
            "liked": words[3] % 12,
            "disliked": words[0] % 3,
            "lol": words[1] % 3,
            "toxic": words[2] % 2,
            "saved": words[3] % 5,
            "comments": words[0] % 7,
        },
        "panic_score": words[2] % 100,
    }
