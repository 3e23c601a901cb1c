"""The service ``sentiment``: the mood of the market, from named parts with weights.

The parts are an index of fear and greed, the headlines of the last day as they sound, how people voted on coins, and
what a language model makes of the headlines, where there is a key for one. Headlines are read from what the service
``news`` publishes, so that no feed is asked twice.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import msgspec

from websocket.errors import BadPayload
from websocket.news_records import FearGreed, TrendingCoin, Votes
from websocket.providers.base import Answer, Provider, Request
from websocket.scheduler import Scheduler
from websocket.services.article_shelf import plain
from websocket.services.base import DataService, Part, PartStatus, ServiceContext, told
from websocket.services.contracts import MoodIndex, TrendWatcher, VoteCounter
from websocket.services.headline_model import HeadlineModel, ModelMood
from websocket.services.headline_mood import mood_of
from websocket.services.part_refresh import Paced
from websocket.services.published_news import NEWS_CHANNEL, day_of_news
from websocket.services.sentiment_payload import Mood, MoodPart, Sentiment, TrendingTopic
from websocket.services.topics import topics_of
from websocket.upstream.failover import Pool
from websocket.upstream.source import Source

T = TypeVar("T")

HEADLINE_INTERVAL_S = 30.0
FEWEST_HEADLINES = 5
"""Fewer say nothing about the mood of a market."""

HEADLINES_MAX_AGE_S = 3600.0
INDEX_MAX_AGE_S = 36 * 3600.0
"""It changes once a day."""

FUTURE_TOLERANCE_S = 60.0
MAX_AGE_INTERVALS = 4

TRENDING_COINS = 15
TOPICS = 10
FEWEST_MENTIONS = 2
SHORTEST_TELLING_NAME = 4


class HeadlineMood(msgspec.Struct, frozen=True, kw_only=True):
    """What the headlines of the last day say.

    Attributes:
        score: 0 to 1.
        titles: the headlines.
        topics: name and symbol of a topic to the number of headlines that name it.
    """

    score: float
    titles: tuple[str, ...]
    topics: dict[tuple[str, str | None], int]


class SentimentService(DataService):
    """Collects the parts and weighs them."""

    name = "sentiment"
    payload_type = Sentiment

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        settings = context.settings.sentiment
        self._settings = settings
        self._index: Part[FearGreed] = self.part("fear_greed", FearGreed, max_age_s=INDEX_MAX_AGE_S)
        self._headlines: Part[HeadlineMood] = self.part("headlines", HeadlineMood, max_age_s=HEADLINES_MAX_AGE_S)
        self._votes: Part[list[Votes]] = self.part(
            "votes", list[Votes], max_age_s=MAX_AGE_INTERVALS * settings.vote_interval_s
        )
        self._trends: Part[list[TrendingCoin]] = self.part(
            "trending", list[TrendingCoin], max_age_s=MAX_AGE_INTERVALS * settings.trend_interval_s
        )
        self._model: Part[ModelMood] = self.part(
            "model", ModelMood, max_age_s=MAX_AGE_INTERVALS * settings.model_interval_s
        )
        self._headline_model = HeadlineModel(context, self._model)
        self._social_volume: int | None = None
        self._index_pool = context.pool("sentiment_index", settings.index_providers, Provider, topic="fear_greed")
        self._vote_pool = context.pool("sentiment_votes", settings.vote_providers, Provider, topic="votes")
        self._trend_pool = context.pool("sentiment_trending", settings.trend_providers, Provider, topic="trending")

    def restore(self) -> None:
        self._headline_model.restore()

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        settings, deadline_s = self._settings, self.context.settings.upstream.deadline_s * 4
        slow: list[tuple[str, float, Callable[[], bool]]] = [
            ("sentiment_index_collection", settings.index_interval_s, self.refresh_index),
            ("sentiment_trending_collection", settings.trend_interval_s, self.refresh_trends),
            ("sentiment_votes_collection", settings.vote_interval_s, self.refresh_votes),
        ]
        if self._headline_model.configured:
            slow.append(("sentiment_model_collection", self._headline_model.interval_s, self._headline_model.refresh))
        for position, (name, interval_s, refresh) in enumerate(slow):
            paced = Paced(interval_s, refresh, clock=self.context.clock)
            scheduler.every(paced.job_interval_s, name, paced, deadline_s=deadline_s, delay_s=4.0 * position)
        scheduler.every(
            HEADLINE_INTERVAL_S, "sentiment_headlines_collection", self.refresh_headlines, deadline_s=10, delay_s=10
        )

    # Collecting

    def refresh_index(self) -> bool:
        """Asks for the index of fear and greed; gives whether it is known."""

        def ask(source: Source[Provider]) -> None:
            provider = source.provider
            assert isinstance(provider, MoodIndex)

            def read(answers: Sequence[Answer]) -> FearGreed:
                index = provider.parse_fear_greed(answers)
                if not 0 <= index.value <= 100:
                    raise BadPayload(source.name, answers[0].request.operation, "a value outside of 0 to 100")
                self._judge_time(index.time, source, answers)
                return index

            index = source.ask((), lambda _: provider.fear_greed_requests(), read, topic=self._index_pool.topic)
            self._index.hold(index, source=source.name, as_of=min(index.time, self.context.clock()))

        return self._fill(self._index, self._index_pool, ask)

    def refresh_votes(self) -> bool:
        """Asks how people voted; gives whether that is known."""

        def ask(source: Source[Provider]) -> None:
            provider = source.provider
            assert isinstance(provider, VoteCounter)

            def plan(symbols: Collection[str]) -> Sequence[Request]:
                return provider.votes_requests(symbols)

            def read(answers: Sequence[Answer]) -> list[Votes]:
                votes = [
                    vote
                    for vote in provider.parse_votes(answers)
                    if vote.up_percent is not None and 0 <= vote.up_percent <= 100
                ]
                if not votes:
                    raise BadPayload(source.name, answers[0].request.operation, "not one vote")
                self._judge_time(min(vote.as_of for vote in votes), source, answers)
                return votes

            votes = source.ask(self._settings.vote_symbols, plan, read, topic=self._vote_pool.topic)
            as_of = min(self.context.clock(), *(vote.as_of for vote in votes))
            self._votes.hold(votes, source=source.name, as_of=as_of)

        return self._fill(self._votes, self._vote_pool, ask)

    def refresh_trends(self) -> bool:
        """Asks which coins people search for; gives whether that is known."""

        def ask(source: Source[Provider]) -> None:
            provider = source.provider
            assert isinstance(provider, TrendWatcher)

            def read(answers: Sequence[Answer]) -> list[TrendingCoin]:
                coins = provider.parse_trending(answers)
                if not coins:
                    raise BadPayload(source.name, answers[0].request.operation, "not one coin")
                self._judge_time(min(coin.as_of for coin in coins), source, answers)
                return coins

            coins = source.ask((), lambda _: provider.trending_requests(), read, topic=self._trend_pool.topic)
            as_of = min(self.context.clock(), *(coin.as_of for coin in coins))
            self._trends.hold(coins, source=source.name, as_of=as_of)

        return self._fill(self._trends, self._trend_pool, ask)

    def refresh_headlines(self) -> None:
        """Scores the headlines of the last day in what the service ``news`` published last."""
        news = day_of_news(self.context)
        self._headline_model.tell(news)
        if news.lacking is not None:
            self._headlines.lack(news.lacking)
            return
        recent = [headline.title for headline in news.headlines]
        self._social_volume = None if news.as_of is None else len(recent)
        if news.as_of is None or len(recent) < FEWEST_HEADLINES:
            self._headlines.lack(f"only {len(recent)} headlines of the last 24 hours")
            return
        topics = Counter((topic.name, topic.symbol) for title in recent for topic in topics_of(title))
        mean = math.fsum(mood_of(title) for title in recent) / len(recent)
        mood = HeadlineMood(score=(1 + mean) / 2, titles=tuple(recent), topics=dict(topics))
        self._headlines.hold(mood, source=NEWS_CHANNEL, as_of=news.as_of)

    def _fill(self, part: Part[T], pool: Pool[Provider], ask: Callable[[Source[Provider]], None]) -> bool:
        """Asks the sources that are due until one answers. One that is not due has answered a moment ago."""
        attempts = pool.fetch_until(ask, lambda: True)
        if pool.active is None:
            part.fail(told(attempts))
        return pool.active is not None

    def _judge_time(self, time: float, source: Source[Provider], answers: Sequence[Answer]) -> None:
        """A time in the future would hide every later word."""
        if time > self.context.clock() + FUTURE_TOLERANCE_S:
            raise BadPayload(source.name, answers[0].request.operation, "dates its answer in the future")

    # Publishing

    def payload(self) -> Sentiment:
        parts = self._mood_parts()
        weighed = [(part.score, part.weight) for part in parts.values() if part.score is not None and part.weight > 0]
        # the weights are rounded, so they are not quite 1 together
        total = math.fsum(weight for _, weight in weighed)
        score = math.fsum(score * weight for score, weight in weighed) / total if total else None
        mood: Mood | None = None
        if score is not None:
            settings = self._settings
            bullish, bearish = score >= settings.bullish_from, score <= settings.bearish_to
            mood = "bullish" if bullish else "bearish" if bearish else "neutral"
        topics = self._trending_topics()
        return Sentiment(
            overall_sentiment=mood,
            sentiment_score=None if score is None else round(score, 4),
            social_volume=self._social_volume,
            trending_topics=[topic.topic for topic in topics],
            trending_topic_details=topics,
            sentiment_by_source={name: part.score for name, part in parts.items() if part.score is not None},
            source_details=parts,
            **self.standing(),
        )

    def _mood_parts(self) -> dict[str, MoodPart]:
        index, headlines, votes, model = self._index.value, self._headlines.value, self._votes.value, self._model.value
        ups = [vote.up_percent for vote in votes or [] if vote.up_percent is not None]
        settings = self._settings
        told_of = [
            _Told(self._index, settings.index_weight),
            _Told(self._headlines, settings.headline_weight),
            _Told(self._votes, settings.vote_weight),
            _Told(self._model, settings.model_weight),
        ]
        if index is not None:
            told_of[0].say(index.value / 100, items=1, label=index.label)
        if headlines is not None:
            told_of[1].say(headlines.score, items=len(headlines.titles))
        if ups:
            told_of[2].say(math.fsum(ups) / len(ups) / 100, items=len(ups))
        if model is not None:
            told_of[3].say(model.score, items=model.headlines, label=model.model)
        return _weighed(told_of)

    def _trending_topics(self) -> list[TrendingTopic]:
        headlines = self._headlines.value
        mentions = dict(headlines.topics) if headlines is not None else {}
        found = []
        for coin in sorted(self._trends.value or [], key=lambda coin: coin.rank)[:TRENDING_COINS]:
            name, symbol = plain(coin.name, 60), plain(coin.symbol, 20).upper()
            named = [key for key in mentions if key[1] == symbol or key[0].lower() == name.lower()]
            count = sum(mentions.pop(key) for key in named)
            found.append(
                TrendingTopic(
                    topic=name,
                    symbol=symbol or None,
                    rank=coin.rank,
                    mentions=None if headlines is None else count or _mentions(name, headlines.titles),
                    change_percent_24h=_finite(coin.change_percent_24h),
                )
            )
        often = sorted(mentions.items(), key=lambda item: (-item[1], item[0][0]))
        found += [
            TrendingTopic(topic=name, symbol=symbol, rank=None, mentions=count, change_percent_24h=None)
            for (name, symbol), count in often[:TOPICS]
            if count >= FEWEST_MENTIONS
        ]
        return found


class _Told:
    """What one part says, before it is weighed against the others.

    Args:
        part: the part.
        weight: of the settings.
    """

    def __init__(self, part: Part[Any], weight: float) -> None:
        self.name = part.name
        self.info = part.info()
        self.weight = weight
        self.score: float | None = None
        self.items: int | None = None
        self.label: str | None = None

    def say(self, score: float, *, items: int, label: str | None = None) -> None:
        """Takes down what it says: 0 to 1, made of so many items."""
        self.score, self.items, self.label = score, items, label


def _weighed(told_of: Sequence[_Told]) -> dict[str, MoodPart]:
    """The parts with their shares: live ones count, and when none is live, those that are old."""
    wanted: PartStatus = "live" if any(one.info.status == "live" for one in told_of) else "stale"
    counting = [one for one in told_of if one.info.status == wanted and one.score is not None]
    total = math.fsum(one.weight for one in counting)
    return {
        one.name: MoodPart(
            score=None if one.score is None else round(one.score, 4),
            weight=round(one.weight / total, 4) if total and one in counting else 0.0,
            status=one.info.status,
            as_of=one.info.as_of,
            source=one.info.source,
            label=one.label,
            items=one.items,
        )
        for one in told_of
    }


def _mentions(name: str, titles: Sequence[str]) -> int:
    """How many headlines name a coin of which we know nothing else. Short names are words that mean other things."""
    if len(name) < SHORTEST_TELLING_NAME:
        return 0
    words = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    return sum(words.search(title) is not None for title in titles)


def _finite(number: float | None) -> float | None:
    return round(number, 2) if number is not None and math.isfinite(number) else None
