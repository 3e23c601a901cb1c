"""What the service ``huggingface`` publishes."""

from __future__ import annotations

import msgspec

from websocket.services.base import Payload


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A model.

    Attributes:
        id: its name on the hub, for example ``ProsusAI/finbert``.
        url: its page, https.
        author: whose it is, or null.
        downloads: in the last 30 days, or null.
        likes: or null.
        pipeline_tag: what it is for, for example ``text-classification``, or null.
        last_modified: RFC 3339 UTC, or null.
        gated: true when its files have to be asked for, or null.
        served: true when it can be called at an inference provider, false when it cannot at present; null when the hub
            does not say.
    """

    id: str
    url: str
    author: str | None
    downloads: int | None
    likes: int | None
    pipeline_tag: str | None
    last_modified: str | None
    gated: bool | None
    served: bool | None


class DatasetRow(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset.

    Attributes:
        id: its name on the hub.
        url: its page, https.
        author: whose it is, or null.
        downloads: in the last 30 days, or null.
        likes: or null.
        last_modified: RFC 3339 UTC, or null.
        gated: true when its files have to be asked for, or null.
    """

    id: str
    url: str
    author: str | None
    downloads: int | None
    likes: int | None
    last_modified: str | None
    gated: bool | None


class HuggingFace(Payload, frozen=True, kw_only=True):
    """Payload of ``huggingface``.

    Attributes:
        total_models: models that the search terms find, each once; null before the first reading. The hub tells no
            totals: this is what was counted.
        total_datasets: the same of datasets.
        models_capped: true when there are more models than were counted (``HUGGINGFACE_PAGES``); null before the first
            reading.
        datasets_capped: the same of datasets.
        available_models: names of the most downloaded of them on the hub, at most ``HUGGINGFACE_LISTED``.
        available_datasets: the same of datasets.
        model_details: the same models in the same order, with what the hub says about them.
        dataset_details: the same of datasets.
        search_terms: what is searched for.
        last_refresh: when the newer of the two lists was read, RFC 3339 UTC, or null; ``parts`` has both.
    """

    total_models: int | None
    total_datasets: int | None
    models_capped: bool | None
    datasets_capped: bool | None
    available_models: list[str]
    available_datasets: list[str]
    model_details: list[ModelRow]
    dataset_details: list[DatasetRow]
    search_terms: list[str]
    last_refresh: str | None
