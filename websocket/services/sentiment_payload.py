"""What the service ``sentiment`` publishes."""

from __future__ import annotations

from typing import Literal

import msgspec

from websocket.services.base import PartStatus, Payload

Mood = Literal["bullish", "neutral", "bearish"]


class MoodPart(msgspec.Struct, frozen=True, kw_only=True):
    """One source of the score.

    Attributes:
        score: 0 (bearish) to 1 (bullish), or null when there is nothing.
        weight: its share in ``sentiment_score`` at this moment, 0 to 1; parts that are missing or old have 0.
        status: as in ``parts``.
        as_of: since when it stands, RFC 3339 UTC, or null.
        source: who said so, or null.
        label: in the words of the source; of ``model`` the name of the model; or null.
        items: what it was made of: headlines, or coins that were voted on; null when there is nothing.
    """

    score: float | None
    weight: float
    status: PartStatus
    as_of: str | None
    source: str | None
    label: str | None
    items: int | None


class TrendingTopic(msgspec.Struct, frozen=True, kw_only=True):
    """A coin or a subject that is searched for, or in the headlines.

    Attributes:
        topic: its name.
        symbol: of a coin, or null.
        rank: 1 is searched for most; null where it is only in the headlines.
        mentions: headlines of the last 24 h that name it; null while there are none to look at.
        change_percent_24h: of the coin's price, percent, or null.
    """

    topic: str
    symbol: str | None
    rank: int | None
    mentions: int | None
    change_percent_24h: float | None


class Sentiment(Payload, frozen=True, kw_only=True):
    """Payload of ``sentiment``.

    Attributes:
        overall_sentiment: ``bullish`` from ``SENTIMENT_BULLISH_FROM`` on (0.55), ``bearish`` up to
            ``SENTIMENT_BEARISH_TO`` (0.45), ``neutral`` between them; null without a score.
        sentiment_score: 0 (bearish) to 1 (bullish): the mean of the parts by their weights. Live parts count; when none
            is live, those that are old. Null when there is no part at all.
        social_volume: how many headlines of the last 24 h were scored; null before the first news.
        trending_topics: names of the coins that people search for, most searched first, then of what is most often in
            the headlines.
        trending_topic_details: the same topics in the same order, with what is known about them.
        sentiment_by_source: the scores of the sources that have one, 0 (bearish) to 1 (bullish).
        source_details: the sources ``fear_greed``, ``headlines``, ``votes`` and ``model``: what a language model makes
            of the headlines, ``unconfigured`` without ``HF_TOKEN``.
    """

    overall_sentiment: Mood | None
    sentiment_score: float | None
    social_volume: int | None
    trending_topics: list[str]
    trending_topic_details: list[TrendingTopic]
    sentiment_by_source: dict[str, float]
    source_details: dict[str, MoodPart]
