"""Typed, frozen records about models and datasets. None means not known, never zero. Times are Unix seconds (UTC)."""

from __future__ import annotations

from typing import Literal

import msgspec

from websocket.records import Moment

RepoKind = Literal["model", "dataset"]


class Repo(msgspec.Struct, frozen=True, kw_only=True):
    """A model or a dataset on a hub.

    Attributes:
        id: its name there, for example ``ProsusAI/finbert``; letters, digits and ``. _ - /`` only.
        url: its page, https.
        author: whose it is, or None.
        downloads: in the last 30 days, or None.
        likes: or None.
        pipeline_tag: what a model is for, for example ``text-classification``; None for datasets.
        last_modified: never after its receipt, or None.
        gated: True when its files have to be asked for, or None.
        served: True when somebody runs the model for everybody, False when nobody does at present; None when the hub
            does not say, and for datasets.
    """

    id: str
    url: str
    author: str | None = None
    downloads: int | None = None
    likes: int | None = None
    pipeline_tag: str | None = None
    last_modified: Moment | None = None
    gated: bool | None = None
    served: bool | None = None


class RepoPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list.

    Attributes:
        repos: in the order of the list, each once.
        has_more: True when the hub says that there are more.
        cursor: to be handed to the request for the next page; None where there is none that can be used.
        received_at: moment of receipt.
    """

    repos: tuple[Repo, ...]
    has_more: bool
    cursor: str | None
    received_at: float
