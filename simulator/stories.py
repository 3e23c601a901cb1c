"""The news of the simulated world: one story every two minutes, about what the market really does.

What a story says follows from its number and from the prices at its time, so a feed that is asked twice tells the
same, and headlines turn sour when prices fall.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.coins import COINS
from simulator.market import Market
from simulator.noise import Draws
from simulator.phrases import AUTHORS, ENDINGS, GENERAL, MOODS, PEGGED, SUMMARIES

FEEDS = ("coindesk", "cointelegraph", "decrypt", "cryptoslate", "bitcoin_magazine")

_SLOT_S = 120.0
_LOOK_BACK_S = 14_400.0
_TOPICS = ("BTC",) * 7 + ("ETH",) * 4 + ("SOL",) * 2 + ("XRP",) * 2 + ("BNB", "ADA", "DOT", "POL", "USDC")
_PEG_LOST = 0.02
# Of the change over four hours in percent; the usual size is one percent.
_MOOD_BOUNDS = ((-8.0, "crash"), (-0.8, "fall"), (-0.15, "dip"), (0.15, "flat"), (0.8, "rise"), (math.inf, "rally"))
_SECOND_FEED_OF = 5


@dataclass(frozen=True)
class Story:
    """One piece of news.

    Attributes:
        number: Its place in the stream of stories.
        published_at: Unix seconds.
        title: Plain text.
        summary: Plain text, one sentence.
        symbol: The coin it is about.
        mood: A word from ``crash`` to ``rally``, or ``general``.
        author: Who wrote it.
        feeds: Who brings it, the first one first.
    """

    number: int
    published_at: float
    title: str
    summary: str
    symbol: str
    mood: str
    author: str
    feeds: tuple[str, ...]

    @property
    def slug(self) -> str:
        """Gives the title as a part of an address."""
        words = "".join(letter if letter.isalnum() else " " for letter in self.title.lower().replace("$", "usd"))
        return "-".join(words.split())


class Newsroom:
    """All stories of one market. Safe to share between threads."""

    def __init__(self, market: Market) -> None:
        """Writes about this market, under its seed."""
        self._market = market
        self._draws = Draws(market.seed, "news")

    def newest(self, at: float, count: int, feed: str | None = None) -> list[Story]:
        """Gives the newest stories, newest first; with ``published_at`` of the feed when one is named."""
        found: list[Story] = []
        for number in self._numbers(at, feed):
            story = self._story(number)
            if feed is not None and feed != story.feeds[0]:
                story = self._taken_over(story)
            if story.published_at <= at:
                found.append(story)
            # One more than asked for, because a story that was taken over is later than its number says.
            if len(found) > count:
                break
        return sorted(found, key=lambda story: story.published_at, reverse=True)[:count]

    def _numbers(self, at: float, feed: str | None) -> Iterator[int]:
        """Gives the numbers of the stories a feed brings, newest first, two weeks back."""
        newest = math.floor(at / _SLOT_S)
        for number in range(newest, newest - 10_000, -1):
            if feed is None or feed in self._feeds(self._draws.words(number)):
                yield number

    def _feeds(self, words: tuple[int, int, int, int]) -> tuple[str, ...]:
        first = words[0] % len(FEEDS)
        if (words[0] >> 8) % _SECOND_FEED_OF:
            return (FEEDS[first],)
        return FEEDS[first], FEEDS[(first + 1 + (words[0] >> 24) % (len(FEEDS) - 1)) % len(FEEDS)]

    def _taken_over(self, story: Story) -> Story:
        """Gives a story as the second feed brings it, some minutes later."""
        later_s = 180.0 + self._draws.unit(story.number) * 300.0
        return Story(
            story.number, story.published_at + later_s, story.title, story.summary, story.symbol, story.mood,
            AUTHORS[(AUTHORS.index(story.author) + 1) % len(AUTHORS)], story.feeds,
        )  # fmt: skip

    def _story(self, number: int) -> Story:
        words = self._draws.words(number)
        at = math.floor((number + (words[3] >> 40) / (1 << 24)) * _SLOT_S)
        feeds = self._feeds(words)
        symbol = "BTC" if feeds[0] == "bitcoin_magazine" else _TOPICS[words[1] % len(_TOPICS)]
        price, before = self._market.price(symbol, at), self._market.price(symbol, at - _LOOK_BACK_S)
        change = (price / before - 1.0) * 100.0
        mood = next(word for bound, word in _MOOD_BOUNDS if change <= bound)
        # Neighbours never have the same words.
        template = f"{_pick(MOODS[mood], number)} {_pick(ENDINGS[mood], number)}"
        tether = self._market.price("USDT", at)
        if abs(tether - 1.0) > _PEG_LOST and words[2] % 2:
            symbol, price, mood = "USDT", tether, "crash"
            template = _pick(PEGGED, number)
        elif (words[2] >> 8) % 3 == 0 and mood != "crash":
            mood, template = "general", _pick(GENERAL, number)
        falling = mood in ("crash", "fall", "dip")
        told = {
            "name": COINS[symbol].name.partition(" ")[0],
            "symbol": symbol,
            "price": _money(price),
            "level": _money(_level(price, falling)),
            "percent": f"{abs(change):.1f}",
            "count": 2 + (words[1] >> 16) % 38,
            "millions": 10 * (1 + (words[1] >> 24) % 90),
        }
        summaries = SUMMARIES["general" if mood == "general" else "fall" if falling else "rise"]
        title, summary = template.format(**told), _pick(summaries, words[2] >> 32).format(**told)
        author = AUTHORS[(words[1] >> 40) % len(AUTHORS)]
        return Story(number, float(at), title, summary, symbol, mood, author, feeds)


def _pick(texts: tuple[str, ...], number: int) -> str:
    return texts[number % len(texts)]


def _level(price: float, falling: bool) -> float:
    """Gives the round price next to this one: above it while it falls, below it while it rises."""
    step = 10.0 ** (math.floor(math.log10(price)) - 2)
    return (math.ceil(price / step) if falling else math.floor(price / step)) * step


def _money(value: float) -> str:
    """Gives dollars as newspapers write them."""
    if value >= 1_000:
        return f"${value:,.0f}"
    return f"${value:.2f}" if value >= 1 else f"${value:.4f}".rstrip("0")
