"""Hugging Face Inference, ``https://router.huggingface.co/hf-inference``: how texts sound, for clients with a token.

Source: https://huggingface.co/docs/inference-providers/tasks/text-classification, checked 2026-11. Any token is taken.
The models of this world count words; of a single text one nests its answer, the other does not.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.model_hub import KNOWN_MODELS
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView

_LABELS = {
    KNOWN_MODELS[0]: ("positive", "negative", "neutral"),
    KNOWN_MODELS[1]: ("Bullish", "Bearish", "Neutral"),
}
_NESTED = KNOWN_MODELS[0]
_LATENCY_S = 0.05
_MOST_TEXTS = 128

_GOOD_WORDS = """
add approval breakout bulls buying climbs gains grows higher inflows jumps lift optimism partnership pilot rallies rally
reclaims record soars strong surges upbeat
"""
_BAD_WORDS = """
bears bloodbath collapses correction crashes cut depeg down drops eases falls fear hack hawkish lawsuit liquidations
loses lower outflows panic phishing plunges selling sells slides slips slump slumps stolen struggles thin trims tumbles
warn warns weak
"""
_GOOD, _BAD = frozenset(_GOOD_WORDS.split()), frozenset(_BAD_WORDS.split())


class HuggingFaceInference(Provider):
    """Text classification."""

    name = "huggingface_inference"
    methods = ("POST",)

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/hf-inference/models/{author}/{repo}": self._classify}

    def _classify(self, request: Request, view: SourceView, author: str, repo: str) -> Answer:
        """Answers the labels of one text or of several, the likeliest first."""
        if not request.headers.get("authorization", "").removeprefix("Bearer ").strip():
            return self.error(401, "Invalid username or password.")
        model = f"{author}/{repo}"
        if model not in _LABELS:
            return self.error(400, "Model not supported by provider hf-inference")
        try:
            told = json.loads(request.body)
        except ValueError:
            return self.error(400, "Invalid JSON")
        inputs = told.get("inputs") if isinstance(told, dict) else None
        texts = [inputs] if isinstance(inputs, str) else inputs
        if (
            not isinstance(texts, list)
            or not 0 < len(texts) <= _MOST_TEXTS
            or not all(isinstance(x, str) for x in texts)
        ):
            return self.error(422, "inputs: expected a text, or a list of texts")
        parameters = told.get("parameters")
        top_k = parameters.get("top_k") if isinstance(parameters, dict) else None
        rows = [_labels(model, text, view.factor)[: top_k if isinstance(top_k, int) else None] for text in texts]
        body: Any = rows[0] if isinstance(inputs, str) and model != _NESTED else rows
        return Answer(
            body, rows=[PricedRow(None, item, ("score",)) for row in rows for item in row], latency_s=_LATENCY_S
        )


def _labels(model: str, text: str, factor: float) -> list[dict[str, Any]]:
    words = re.findall("[a-z]+", text.lower())
    good, bad = (sum(word in known for word in words) for known in (_GOOD, _BAD))
    weights = (math.exp(1.4 * good), math.exp(1.4 * bad), math.exp(1.0))
    rows = [
        {"label": label, "score": round(weight / sum(weights), 6) * factor}
        for label, weight in zip(_LABELS[model], weights, strict=True)
    ]
    return sorted(rows, key=lambda row: -float(str(row["score"])))
