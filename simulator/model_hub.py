"""The models and datasets of the simulated world: names, counts and times drawn by hashing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from simulator.noise import Draws, unit

_AUTHORS = (
    "ledger-labs", "quantlane", "northbridge-ai", "chainmind", "openfolio", "tickstream", "mara-research", "delta9",
    "finvolt", "hashgarden", "satoshi-school", "papertrade", "lumen-nlp", "basis-point", "riverquant",
)  # fmt: skip
_STEMS = ("bert", "roberta", "llama", "qwen", "mistral", "distil", "deberta", "gemma", "t5", "lstm")
_SUBJECTS = ("news", "tweets", "prices", "filings", "trades", "forum", "qa", "orderbook", "reports", "whitepapers")
_TOPICS = ("crypto",) * 12 + ("finance",) * 6 + ("bitcoin",) * 3 + ("financial",) * 3 + ("ethereum",)
_USES = ("text-classification", "text-generation", "time-series-forecasting", "fill-mask", "feature-extraction")
_GATES = (False,) * 14 + ("auto", "manual")

_OLDEST, _NEWEST = 1_640_995_200, 1_793_000_000
_MOST_DOWNLOADS = 4_000_000.0

KNOWN_MODELS = ("ProsusAI/finbert", "ElKulako/cryptobert")
"""Models of the real world that exist in this one as well, and are served."""

COUNTS = {"models": 2_600, "datasets": 1_150}


@dataclass(frozen=True)
class Repo:
    """A repository on the hub.

    Attributes:
        number: Its place in the order of downloads, 0 is first.
        id: Author and name.
        created_at: Unix seconds.
        modified_at: Unix seconds.
        downloads: Of the last 30 days.
        likes: Of all times.
        use: What a model is for; empty for datasets.
        gated: ``False``, or how access is granted.
        is_served: Whether the model can be called.
        sha: The newest commit.
    """

    number: int
    id: str
    created_at: float
    modified_at: float
    downloads: int
    likes: int
    use: str
    gated: bool | str
    is_served: bool
    sha: str


@lru_cache(maxsize=8)
def repositories(seed: int, kind: str) -> tuple[Repo, ...]:
    """Gives all ``models`` or ``datasets`` of a world, the most downloaded first."""
    draws = Draws(seed, f"hub/{kind}")
    return tuple(_repo(draws, kind, number) for number in range(COUNTS[kind]))


def _repo(draws: Draws, kind: str, number: int) -> Repo:
    is_model = kind == "models"
    first, second, third, fourth = draws.words(number)
    created = _OLDEST + unit(first) * (_NEWEST - _OLDEST)
    downloads = int(_MOST_DOWNLOADS / (number + 1) ** 1.3)
    words = _STEMS if is_model else _SUBJECTS
    name = f"{_TOPICS[second % len(_TOPICS)]}-{words[(second >> 16) % len(words)]}-{number}"
    repo_id = f"{_AUTHORS[(second >> 32) % len(_AUTHORS)]}/{name}"
    is_known = is_model and number < len(KNOWN_MODELS)
    return Repo(
        number=number,
        id=KNOWN_MODELS[number] if is_known else repo_id,
        created_at=created,
        modified_at=created + unit(third) * (_NEWEST - created),
        downloads=downloads,
        likes=downloads // (60 + fourth % 900),
        use=_USES[0 if is_known else (fourth >> 16) % len(_USES)] if is_model else "",
        gated=False if is_known else _GATES[(fourth >> 32) % len(_GATES)],
        is_served=is_model and (is_known or fourth % 40 == 0),
        sha=draws.hexadecimal(number, 20),
    )
