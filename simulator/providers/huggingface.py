"""Hugging Face Hub, ``https://huggingface.co/api``: lists of models and datasets, paged by a Link header.

Source: https://huggingface.co/docs/hub/api and a recorded row, checked 2026-11. Whoever is not logged in is told the
same about private and missing repositories.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from simulator.answers import Answer, PricedRow, Request
from simulator.formats import iso_ms
from simulator.model_hub import Repo, repositories
from simulator.noise import noise, noise_key
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView

_MOST_ROWS = 1_000
_QUOTA, _WINDOW_S = 500, 300
_BASICS = ("likes", "private", "downloads", "tags", "pipeline_tag", "library_name", "createdAt", "modelId")
_DETAILS = ("author", "gated", "lastModified", "sha", "siblings")
_EXPANDABLE = frozenset((*_BASICS, *_DETAILS, "inference", "trendingScore", "cardData", "description"))
_COUNTED = ("downloads", "likes")
_ORDERS: Mapping[str, Callable[[Repo], float]] = {
    "downloads": lambda repo: repo.downloads,
    "likes": lambda repo: repo.likes,
    "lastModified": lambda repo: repo.modified_at,
    "createdAt": lambda repo: repo.created_at,
}


class HuggingFace(Provider):
    """The lists, and single models."""

    name = "huggingface"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {
            "/api/models": partial(self._list, kind="models"),
            "/api/datasets": partial(self._list, kind="datasets"),
            "/api/models/{author}/{repo}": self._model,
        }

    def rate_limited(self) -> Answer:
        """Gives the answer after the last call of a window."""
        answer = self.error(429, "We had to rate limit your IP. To continue using our service, create a HF account.")
        answer.headers["RateLimit"] = '"api";r=0;t=53'
        return answer

    def _list(self, request: Request, view: SourceView, kind: str) -> Answer:
        """Answers up to ``limit`` rows, with the address of the next page while there is one."""
        query = request.query
        limit, order = query.get("limit", str(_MOST_ROWS)), query.get("sort", "downloads")
        start = _offset(query.get("cursor"))
        expand = _expanded(request)
        if not limit.isdecimal() or not int(limit) or order not in _ORDERS or start is None or expand - _EXPANDABLE:
            return self.error(400, "Invalid parameter")
        found = [
            repo
            for repo in repositories(view.market.seed, kind)
            if query.get("search", "").lower() in repo.id.lower()
            and query.get("author", repo.id.partition("/")[0]) == repo.id.partition("/")[0]
            and query.get("pipeline_tag", repo.use) == repo.use
        ]
        found.sort(key=_ORDERS[order], reverse=query.get("direction", "-1") == "-1")
        end = start + min(int(limit), _MOST_ROWS)
        rows = [_row(view, repo, kind, expand, full=query.get("full") == "true") for repo in found[start:end]]
        answer = Answer(rows, headers=_limits(view))
        answer.rows = [PricedRow(None, row, tuple(key for key in _COUNTED if key in row)) for row in rows]
        if end < len(found):
            params = [(key, value) for key, values in request.query_lists.items() for value in values]
            params = [(key, value) for key, value in params if key != "cursor"]
            address = f"http://{request.headers.get('host', 'localhost')}/{self.name}/api/{kind}"
            answer.headers["Link"] = f'<{address}?{urlencode([*params, ("cursor", _cursor(end))])}>; rel="next"'
        return answer

    def _model(self, request: Request, view: SourceView, author: str, repo: str) -> Answer:
        """Answers one row."""
        found = [model for model in repositories(view.market.seed, "models") if model.id == f"{author}/{repo}"]
        if not found:
            is_known = request.headers.get("authorization", "").startswith("Bearer ")
            return (
                self.error(404, "Repository not found")
                if is_known
                else self.error(401, "Invalid username or password.")
            )
        return Answer(_row(view, found[0], "models", _expanded(request), full=True), headers=_limits(view))


def _expanded(request: Request) -> set[str]:
    return {*request.query_lists.get("expand[]", ()), *request.query_lists.get("expand", ())}


def _row(view: SourceView, repo: Repo, kind: str, expand: set[str], *, full: bool) -> dict[str, Any]:
    """Gives one row with the asked keys, in the order of the recorded one."""
    swing = 1.0 + 0.05 * noise(noise_key(view.market.seed, f"hub/{kind}/use"), view.as_of / 86_400.0)
    row: dict[str, Any] = {
        "_id": repo.sha[:24],
        "id": repo.id,
        "author": repo.id.partition("/")[0],
        "gated": repo.gated,
        "lastModified": iso_ms(min(repo.modified_at, view.claimed_at)),
        "likes": math.floor(repo.likes * view.factor),
        "trendingScore": repo.likes // 8,
        "private": False,
        "sha": repo.sha,
        "downloads": math.floor(repo.downloads * swing * view.factor),
        "tags": ["region:us", *([repo.use] if repo.use else ["size_categories:10K<n<100K"])],
        "createdAt": iso_ms(repo.created_at),
    }
    if kind == "models":
        row |= {"pipeline_tag": repo.use, "library_name": "transformers", "modelId": repo.id}
        if repo.is_served and "inference" in expand:
            row["inference"] = "warm"
    row["siblings"] = [{"rfilename": ".gitattributes"}, {"rfilename": "README.md"}]
    wanted = expand or ({*_BASICS, *_DETAILS, "trendingScore"} if full else {*_BASICS, "trendingScore"})
    return {key: value for key, value in row.items() if key in wanted or key in ("_id", "id")}


def _limits(view: SourceView) -> dict[str, str]:
    left_s = _WINDOW_S - math.floor(view.now) % _WINDOW_S
    return {
        "RateLimit": f'"api";r={_QUOTA - 6};t={left_s}',
        "RateLimit-Policy": f'"fixed window";"api";q={_QUOTA};w={_WINDOW_S}',
    }


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"row:{offset}".encode()).decode()


def _offset(cursor: str | None) -> int | None:
    """Gives where a page begins; ``None`` for a cursor that nobody gave out."""
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor).decode()
    except ValueError:
        return None
    number = text.removeprefix("row:")
    return int(number) if number.isdecimal() and text != number else None
