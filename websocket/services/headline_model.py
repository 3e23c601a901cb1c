"""What a language model makes of the headlines: one more part of ``sentiment``, where there is a key for it.

Requests are paid, so a headline is judged once: what was found is kept by the article's identifier, over restarts too,
and a request is about the newest headlines that were not judged yet, ``SENTIMENT_MODEL_BATCH`` of them at most.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import msgspec

from websocket.errors import BadPayload, NoProviderAnswered, UnknownSymbol
from websocket.providers.base import Answer, Provider, Request
from websocket.records import Moment
from websocket.services.base import Part, ServiceContext, told
from websocket.services.contracts import MoodModel
from websocket.services.kept_state import load_state, save_state
from websocket.services.published_news import DayOfNews, Headline, day_of_news
from websocket.settings import key_setting
from websocket.upstream.source import Source

STATE = "headline_model"

FEWEST_HEADLINES = 5
"""Fewer say nothing about the mood of a market."""

KEPT_S = 3 * 86_400.0
"""Headlines count for one day; a clock that is set back, or a feed that dates an article anew, must not cost twice."""

MOST_KEPT = 2000


class ModelMood(msgspec.Struct, frozen=True, kw_only=True):
    """What a model makes of the headlines of the last day.

    Attributes:
        score: 0 (bad news) to 1 (good news), the mean over the headlines.
        headlines: how many of them were judged.
        model: who judged the newest of them.
    """

    score: float
    headlines: int
    model: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a model said about one headline.

    Attributes:
        mood: -1 (bad news) to 1 (good news); None where its answer could not be believed.
        model: its name.
        source: the provider that runs it.
        at: when, Unix seconds.
    """

    mood: float | None
    model: str
    source: str
    at: Moment


class HeadlineModel:
    """Has headlines judged, and fills the part of the mood with what is known.

    Args:
        context: where the news, the providers and the cache are.
        part: to be filled.
    """

    def __init__(self, context: ServiceContext, part: Part[ModelMood]) -> None:
        self._context = context
        self._settings = context.settings.sentiment
        self._part = part
        self._verdicts: dict[str, Verdict] = {}
        self._trouble: str | None = None
        """Why the last request brought nothing."""
        self._pool = context.pool("sentiment_model", self._settings.model_providers, Provider, topic="headline_moods")
        self.configured = any(source.configured for source in self._pool.sources)
        if not self.configured:
            keys = dict.fromkeys(key_setting(source.name) for source in self._pool.sources)
            part.unconfigured(f"off: needs {' or '.join(keys)}")

    @property
    def interval_s(self) -> float:
        """Time between two requests: ours, or longer where a provider's budget has to last for a month."""
        return max(self._settings.model_interval_s, *(source.interval_s() for source in self._pool.sources))

    def refresh(self) -> bool:
        """Has the newest headlines judged that were not yet; gives whether any were. Without any nobody is asked."""
        news = day_of_news(self._context)
        waiting = self._waiting(news)[: self._settings.model_batch]
        if not waiting:
            return False
        try:
            self._pool.fetch(lambda source: self._judge(source, waiting))
        except NoProviderAnswered as error:
            self._trouble = told(error.attempts)
        else:
            self._trouble = None
            self._prune()
            save_state(self._context, STATE, self._verdicts)
        self.tell(news)
        return self._trouble is None

    def tell(self, news: DayOfNews) -> None:
        """Fills the part with what is known about the headlines of this moment; asks nobody."""
        known = [verdict for headline in news.headlines if (verdict := self._verdicts.get(headline.id)) is not None]
        moods = [verdict.mood for verdict in known if verdict.mood is not None]
        if news.as_of is not None and len(moods) >= FEWEST_HEADLINES:
            newest = max(known, key=lambda verdict: verdict.at)
            score = (1 + math.fsum(moods) / len(moods)) / 2
            # while headlines wait for the model, it is as old as its last word; else as old as the news
            as_of = min(newest.at, news.as_of) if self._waiting(news) else news.as_of
            mood = ModelMood(score=score, headlines=len(moods), model=newest.model)
            self._part.hold(mood, source=newest.source, as_of=as_of)
            if self._trouble is not None:
                self._part.fail(self._trouble)
        else:
            too_few = f"only {len(moods)} judged headlines of the last 24 hours"
            if self._trouble is not None:
                self._part.fail(self._trouble)
            else:
                self._part.lack(news.lacking or too_few)

    def restore(self) -> None:
        """Takes over what an earlier run paid for."""
        kept = load_state(self._context, STATE, dict[str, Verdict]) or {}
        self._verdicts = {
            article: verdict for article, verdict in kept.items() if verdict.mood is None or -1 <= verdict.mood <= 1
        }
        self._prune()

    def _waiting(self, news: DayOfNews) -> list[Headline]:
        """The headlines that were not judged yet, newest first."""
        found = {
            headline.id: headline
            for headline in news.headlines
            if headline.id and headline.title and headline.id not in self._verdicts
        }
        return sorted(found.values(), key=lambda headline: headline.time, reverse=True)

    def _judge(self, source: Source[Provider], headlines: Sequence[Headline]) -> None:
        """Asks the first model that the provider serves; one that it does not serve is left out for a day.

        Raises:
            UpstreamError: no model judged.
        """
        provider = source.provider
        assert isinstance(provider, MoodModel)
        titles = [headline.title for headline in headlines]

        def plan(models: Collection[str]) -> Sequence[Request]:
            return [provider.mood_request(model, titles) for model in models]

        def read(answers: Sequence[Answer]) -> list[float | None]:
            moods = provider.parse_moods(answers)
            if len(moods) != len(titles) or any(mood is not None and not -1 <= mood <= 1 for mood in moods):
                raise BadPayload(source.name, answers[0].request.operation, "moods that cannot be")
            return moods

        for model in source.enabled(self._settings.models):
            try:
                moods = source.ask((model,), plan, read, topic=self._pool.topic)
            except UnknownSymbol:
                continue
            at = self._context.clock()
            for headline, mood in zip(headlines, moods, strict=True):
                self._verdicts[headline.id] = Verdict(mood=mood, model=model, source=source.name, at=at)
            return
        raise UnknownSymbol(source.name, "models", "serves none of the models that are set", self._settings.models)

    def _prune(self) -> None:
        now = self._context.clock()
        kept = [(article, verdict) for article, verdict in self._verdicts.items() if abs(now - verdict.at) <= KEPT_S]
        kept.sort(key=lambda item: item[1].at, reverse=True)
        self._verdicts = dict(kept[:MOST_KEPT])
