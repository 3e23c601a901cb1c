"""Inference at Hugging Face: language models that tell how a text sounds; needs a token.

Documentation: https://huggingface.co/docs/inference-providers/tasks/text-classification, checked 2026-11-21.

Rate limit as published: none; computing time is paid, and accounts have 0.10 US dollars of credit a month.

Quirks:
    - Which models are served changes. One that is not gets 400 or 404, and is left out for a day.
    - A model that was not used for a while is loaded first: 503 with ``estimated_time``.
    - Lists of texts are understood but not documented; with a single text some models nest their answer once more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from websocket.errors import AccessRefused, RateLimited, UnknownSymbol, UpstreamError
from websocket.providers.base import Answer, Budget, Provider, Request, parse_number
from websocket.settings import HuggingFaceSettings

LABEL_MOODS = {
    "positive": 1.0,
    "bullish": 1.0,
    "neutral": 0.0,
    "negative": -1.0,
    "bearish": -1.0,
}
"""What the labels of the models say, in lower case."""

ALL_LABELS = 5
LONGEST_TEXT = 300

SUM_TOLERANCE = 0.02
"""Probabilities are rounded."""

LONGEST_LOADING_S = 600.0
USUAL_LOADING_S = 20.0


class HuggingFaceInference(Provider):
    """``POST /models/{model}``, text classification; off without a token."""

    name = "huggingface_inference"
    title = "Hugging Face Inference"
    docs = "https://huggingface.co/docs/inference-providers/tasks/text-classification"
    settings: HuggingFaceSettings

    @property
    def budget(self) -> Budget:
        """One request in half an hour are 1,488 in 31 days, each of about a second of a processor: some cents."""
        return Budget(per_minute=6, per_month=2000, min_interval_s=1800)

    @property
    def configured(self) -> bool:
        """False without a token: nothing is answered then."""
        return bool(self.settings.api_key)

    def headers(self) -> Mapping[str, str]:
        """The token."""
        token = self.settings.api_key
        return {"Authorization": f"Bearer {token.reveal()}"} if token else {}

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors of the shape ``{"error": "Model a/b is currently loading", "estimated_time": 20.0}``."""
        said = payload.get("error") if isinstance(payload, dict) else None
        text = said.lower() if isinstance(said, str) else ""
        if status == 503 and isinstance(payload, dict) and ("loading" in text or "estimated_time" in payload):
            wait_s = parse_number(payload.get("estimated_time"))
            wait_s = USUAL_LOADING_S if wait_s is None or wait_s < 0 else min(wait_s, LONGEST_LOADING_S)
            return RateLimited(self.name, request.operation, "the model is being loaded", status, wait_s)
        if status == 402:
            return AccessRefused(self.name, request.operation, "the credit of this month is used up", status)
        if status in (401, 403):
            reason = "the token is refused, or may not call inference providers: check HF_TOKEN"
            return AccessRefused(self.name, request.operation, reason, status)
        if status in (404, 410) or (status == 400 and ("not supported" in text or "not found" in text)):
            return UnknownSymbol(self.name, request.operation, "the model is not served", request.symbols, status)
        return None

    def mood_request(self, model: str, texts: Sequence[str]) -> Request:
        """One request about some texts; it names the model in ``symbols``, so that one that is gone is left out.

        Args:
            model: name on the hub.
            texts: at least one; only their first 300 characters are sent.
        """
        inputs = [text[:LONGEST_TEXT] for text in texts]
        body = {"inputs": inputs[0] if len(inputs) == 1 else inputs, "parameters": {"top_k": ALL_LABELS}}
        return Request(operation="classify", path=f"/models/{model}", body=body, symbols=(model,))

    def parse_moods(self, answers: Sequence[Answer]) -> list[float | None]:
        """Reads ``[[{"label": "positive", "score": 0.94}, {"label": "neutral", "score": 0.05}, ...], ...]``.

        Returns:
            For each text, in their order: from -1 (bad news) to 1 (good news), None where it cannot be believed.

        Raises:
            BadPayload: not one answer a text, or not one that can be believed.
        """
        answer = answers[-1]
        inputs = answer.request.body["inputs"]
        count = len(inputs) if isinstance(inputs, list) else 1
        rows = _rows(answer.payload, count)
        if rows is None:
            raise self.bad_payload(answer, f"the labels of {count} texts")
        moods = [_mood(row) for row in rows]
        if all(mood is None for mood in moods):
            raise self.bad_payload(answer, "labels of moods with probabilities")
        return moods


def _rows(payload: Any, count: int) -> list[Any] | None:
    """One list of labels for each text, or None. For a single text the outer list may be missing."""
    if not isinstance(payload, list) or not payload:
        return None
    if count == 1:
        if isinstance(payload[0], dict):
            return [payload]
        while len(payload) == 1 and isinstance(payload[0], list) and payload[0] and isinstance(payload[0][0], list):
            payload = payload[0]
    return payload if len(payload) == count else None


def _mood(row: Any) -> float | None:
    """The balance of the probabilities, or None when they are none."""
    if not isinstance(row, list) or not 0 < len(row) <= ALL_LABELS:
        return None
    found: dict[str, float] = {}
    for item in row:
        label = item.get("label") if isinstance(item, dict) else None
        score = parse_number(item.get("score")) if isinstance(item, dict) else None
        if not isinstance(label, str) or label.lower() not in LABEL_MOODS or score is None or not 0 <= score <= 1:
            return None
        found[label.lower()] = score
    total = math.fsum(found.values())
    if len(found) != len(row) or not 0.5 <= total <= 1 + SUM_TOLERANCE:
        return None
    mood = math.fsum(LABEL_MOODS[label] * score for label, score in found.items())
    return max(-1.0, min(1.0, mood))
