"""The question by which an idle provider is judged: there is one, it costs little, and nonsense is no answer to it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from websocket.errors import BadPayload
from websocket.providers import json_rpc, provider_classes, rss
from websocket.providers.base import Answer, Provider
from websocket.settings import Settings

WITHOUT_QUESTION = {"whale_alert"}
"""Whoever must be asked for what happened since a certain time is judged by its real traffic alone."""

OTHERS = {"huggingface", "huggingface_inference"}
"""Asked twice an hour, or only with a token; judged by that."""


def all_providers() -> dict[str, Provider]:
    settings = Settings()
    found: dict[str, Provider] = {
        field.name: provider_classes()[field.name](getattr(settings.providers, field.name))
        for field in dataclasses.fields(settings.providers)
    }
    found.update(json_rpc.nodes(settings.nodes, named_after=settings.nodes))
    found.update(rss.feeds(settings.feeds))
    return found


CHECKED = {name: provider for name, provider in all_providers().items() if name not in WITHOUT_QUESTION | OTHERS}


@pytest.mark.parametrize("name", CHECKED)
def test_there_is_a_cheap_question(name: str) -> None:
    """One request, which takes no more than a tenth of a minute's budget, or is the only kind that there is."""
    provider = CHECKED[name]
    check = provider.health_check()
    assert check is not None
    assert check.request.cost <= max(1, provider.budget.per_minute // 10)
    assert len(check.request.symbols) <= 1


@pytest.mark.parametrize("name", WITHOUT_QUESTION)
def test_some_have_none(name: str) -> None:
    """And say so."""
    assert all_providers()[name].health_check() is None


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        "",
        "ok",
        7,
        True,
        [None],
        [[]],
        [{}],
        {"data": None},
        {"data": []},
        {"result": None},
        b"",
        b"<html>",
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", CHECKED)
def test_nonsense_is_refused(name: str, payload: Any) -> None:
    """With the error that counts against the provider, and no other."""
    check = CHECKED[name].health_check()
    assert check is not None
    with pytest.raises(BadPayload):
        check.read([Answer(request=check.request, payload=payload, received_at=1_790_000_000.0)])
