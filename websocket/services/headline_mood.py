"""How headlines sound: VADER with our lexicon of crypto words. Computes only."""

from __future__ import annotations

from functools import lru_cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

from websocket.services.crypto_lexicon import CRYPTO_LEXICON

REMEMBERED = 1000
"""Headlines stay the same while they are listed."""

LONGEST = 300
"""Characters; the time that VADER takes grows with the square of the words."""


@lru_cache(maxsize=REMEMBERED)
def mood_of(headline: str) -> float:
    """From -1 (as bad as can be) over 0 (says nothing) to 1 (as good as can be)."""
    compound: float = _analyzer().polarity_scores(headline[:LONGEST])["compound"]
    return compound


@lru_cache(maxsize=1)
def _analyzer() -> SentimentIntensityAnalyzer:
    """Reads VADER's own lexicon from the disk, once, and not before it is needed."""
    analyzer = SentimentIntensityAnalyzer()
    analyzer.lexicon.update(CRYPTO_LEXICON)
    return analyzer
