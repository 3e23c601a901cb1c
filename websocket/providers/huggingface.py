"""Hugging Face Hub: models and datasets, found by search terms.

Documentation: https://huggingface.co/docs/hub/api, checked 2026-11-21.

Rate limit as published: 500 calls in 5 minutes and address; with a token 1,000 and account
(https://huggingface.co/docs/hub/rate-limits). A 429 comes with ``RateLimit: "api";r=0;t=53`` instead of Retry-After.

Quirks:
    - Lists are paged by a Link header and have no total.
    - ``expand[]`` limits a row to the named fields; without it a row lists each file of its repository.
    - A token shows the private repositories of its account too. They are left out.
    - Nobody but their owners sees that private and missing repositories differ: strangers get 401 for both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websocket.errors import AccessRefused, UpstreamError, UpstreamStatus
from websocket.model_records import Repo, RepoKind, RepoPage
from websocket.providers.base import Answer, Budget, Provider, Request, parse_count, parse_iso_time, parse_name
from websocket.settings import HuggingFaceSettings

SITE = "https://huggingface.co"

PAGE_ROWS = 500

LISTS: Mapping[RepoKind, tuple[str, str]] = {"model": ("/models", "/"), "dataset": ("/datasets", "/datasets/")}
"""Path of the list below the base address, and path of a page below the site."""

FIELDS = ("author", "downloads", "likes", "lastModified", "gated", "private")
MODEL_FIELDS = (*FIELDS, "pipeline_tag", "inference")

REPO_ID = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,95})?")
TAG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")

NEXT_LINK = re.compile(r"<([^<>]{1,4000})>\s*((?:;\s*\w+\s*=\s*(?:\"[^\"]*\"|[^\s\",;]+)\s*)*)")
NEXT = re.compile(r";\s*rel\s*=\s*\"?next\"?", re.IGNORECASE)
MAX_CURSOR = 1000

FUTURE_TOLERANCE_S = 86_400.0


class HuggingFace(Provider):
    """Lists of ``/models`` and ``/datasets``."""

    name = "huggingface"
    title = "Hugging Face Hub"
    docs = "https://huggingface.co/docs/hub/api"
    settings: HuggingFaceSettings

    @property
    def budget(self) -> Budget:
        """Less than the published 100 a minute: others behind our address may ask as well."""
        return Budget(per_minute=60, min_interval_s=1800)

    def headers(self) -> Mapping[str, str]:
        """The token, where there is one."""
        token = self.settings.api_key
        return {"Authorization": f"Bearer {token.reveal()}"} if token else {}

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """401 is about the token where one is sent, else about a single repository: no reason to be parked."""
        if status != 401:
            return None
        if self.settings.api_key:
            return AccessRefused(self.name, request.operation, "the token is refused: check HF_TOKEN", status)
        return UpstreamStatus(self.name, request.operation, "private, or missing", status)

    def list_request(self, kind: RepoKind, term: str, cursor: str | None = None) -> Request:
        """One page of what a search finds, the most downloaded first.

        Args:
            kind: what to list.
            term: what to search for.
            cursor: of the page before; None for the first page.
        """
        params = [("search", term), ("sort", "downloads"), ("direction", "-1"), ("limit", str(PAGE_ROWS))]
        params += [("expand[]", field) for field in (MODEL_FIELDS if kind == "model" else FIELDS)]
        if cursor is not None:
            params.append(("cursor", cursor))
        return Request(operation=f"{kind}s", path=LISTS[kind][0], params=tuple(params))

    def parse_list(self, kind: RepoKind, answers: Sequence[Answer]) -> RepoPage:
        """Reads ``[{"id": "a/b", "author": "a", "downloads": 3516, "likes": 288, "gated": false, ...}, ...]``.

        Also: ``lastModified``, ``private``, for models ``pipeline_tag``, ``inference`` (``warm``, or absent). Rows that
        are private or have no usable name are left out.

        Raises:
            BadPayload: no list, or one without a single row that can be used although it has some.
        """
        answer = answers[-1]
        if not isinstance(answer.payload, list):
            raise self.bad_payload(answer, f"a list of {kind}s")
        repos: dict[str, Repo] = {}
        readable = 0
        for row in answer.payload[:PAGE_ROWS]:
            repo = self._repo(kind, row, answer.received_at) if isinstance(row, dict) else None
            if repo is None:
                continue
            readable += 1
            if not self._is_hidden(row):
                repos.setdefault(repo.id, repo)
        if answer.payload and not readable:
            raise self.bad_payload(answer, f"at least one {kind} with a name")
        has_more, cursor = self._next_page(answer)
        return RepoPage(repos=tuple(repos.values()), has_more=has_more, cursor=cursor, received_at=answer.received_at)

    def _repo(self, kind: RepoKind, row: dict[str, Any], received_at: float) -> Repo | None:
        repo_id = row.get("id")
        if not isinstance(repo_id, str) or not REPO_ID.fullmatch(repo_id):
            return None
        owner, slash, _ = repo_id.partition("/")
        tag, inference, gated = row.get("pipeline_tag"), row.get("inference"), row.get("gated")
        modified = parse_iso_time(row.get("lastModified"))
        if modified is not None and not 0 < modified <= received_at + FUTURE_TOLERANCE_S:
            modified = None
        return Repo(
            id=repo_id,
            url=SITE + LISTS[kind][1] + repo_id,
            author=parse_name(row.get("author")) or (owner if slash else None),
            downloads=parse_count(row.get("downloads")),
            likes=parse_count(row.get("likes")),
            pipeline_tag=tag if kind == "model" and isinstance(tag, str) and TAG.fullmatch(tag) else None,
            last_modified=None if modified is None else min(modified, received_at),
            gated=True if gated in ("auto", "manual") or gated is True else False if gated is False else None,
            served=inference == "warm" if kind == "model" and isinstance(inference, str) else None,
        )

    def _is_hidden(self, row: dict[str, Any]) -> bool:
        """With a token what is not said to be public may be private; strangers see public ones only."""
        private = row.get("private")
        return private is not False if self.settings.api_key else private is True

    def _next_page(self, answer: Answer) -> tuple[bool, str | None]:
        """Whether there is a next page, and its cursor.

        Only the cursor is taken from the link, and only from one that leads to the same list: neither we nor the token
        go where a header says.
        """
        for address, attributes in NEXT_LINK.findall(answer.headers.get("link", "")[:10_000]):
            if not NEXT.search(attributes):
                continue
            try:
                link, ours = urlsplit(address), urlsplit(self.base_url + answer.request.path)
                cursors = parse_qs(link.query, max_num_fields=100).get("cursor", [])
            except ValueError:
                return True, None
            is_ours = (link.scheme, link.netloc, link.path) == (ours.scheme, ours.netloc, ours.path)
            return True, parse_name(cursors[0], MAX_CURSOR) if is_ours and len(cursors) == 1 else None
        return False, None
