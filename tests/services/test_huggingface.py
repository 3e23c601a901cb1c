"""The service ``huggingface`` over a stub hub: counting, pages, what is listed, failures and restarts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.services.doubles import NOW, Clock, DictCache, JobList, StubProvider, context_of, jobs_of
from websocket import codec
from websocket.errors import RateLimited, SettingsError
from websocket.model_records import Repo, RepoKind, RepoPage
from websocket.providers.base import Answer, Request
from websocket.records import to_rfc3339
from websocket.services.huggingface import HuggingFaceService
from websocket.services.huggingface_payload import HuggingFace
from websocket.settings import ModelHubSettings, Settings, load_settings

HUB = ModelHubSettings(providers=("hub",), search=("crypto", "finance"), pages=3, listed=4)
SETTINGS = dataclasses.replace(Settings(), model_hub=HUB)


class StubHub(StubProvider):
    """Has lists by kind and term, in pages of three."""

    def __init__(self) -> None:
        super().__init__("hub")
        self.lists: dict[tuple[str, str], list[Repo]] = {
            ("model", "crypto"): [self.repo(f"a/m{number}", downloads=100 - number) for number in range(5)],
            ("model", "finance"): [self.repo("a/m0", downloads=100), self.repo("b/f", downloads=98)],
            ("dataset", "crypto"): [self.repo("d/x", downloads=None, likes=2), self.repo("d/y", downloads=1)],
            ("dataset", "finance"): [],
        }
        self.loses_its_place = False

    def repo(self, name: str, **facts: Any) -> Repo:
        return Repo(id=name, url=f"https://hub.example/{name}", **facts)

    def list_request(self, kind: RepoKind, term: str, cursor: str | None = None) -> Request:
        return self.request("list", kind, term, cursor or 0)

    def parse_list(self, kind: RepoKind, answers: Sequence[Answer]) -> RepoPage:
        _, asked, term, cursor = answers[0].request.path.split("/")
        assert asked == kind
        rows, begin = self.lists[asked, term], int(cursor)
        has_more = begin + 3 < len(rows)
        next_page = str(begin + 3) if has_more and not self.loses_its_place else None
        page = tuple(rows[begin : begin + 3])
        return RepoPage(repos=page, has_more=has_more, cursor=next_page, received_at=answers[0].received_at)


class World:
    """The service and its hub."""

    def __init__(self, clock: Clock, settings: Settings = SETTINGS, cache: DictCache | None = None) -> None:
        self.clock = clock
        self.hub = StubHub()
        self.context = context_of([self.hub], clock, settings=settings, cache=cache)
        self.service = HuggingFaceService(self.context)
        self.jobs: JobList = jobs_of(self.service)

    def run(self, *names: str) -> HuggingFace:
        """Runs jobs, both refreshes unless some are named; gives what is published then."""
        for name in names or ("models", "datasets"):
            self.jobs.jobs[f"huggingface_{name}_collection"]()
        self.jobs.jobs["publish_huggingface"]()
        publication = self.context.broker.last("huggingface")
        assert publication is not None
        return msgspec.convert(codec.decode(publication.body), HuggingFace)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock)


class TestLists:
    def test_interval_and_shape(self, world: World) -> None:
        """Published every minute, with the documented keys."""
        payload = world.run()
        assert world.jobs.intervals["publish_huggingface"] == 60
        assert (payload.status, payload.demo) == ("live", False)
        publication = world.context.broker.last("huggingface")
        assert publication is not None
        documented = {"total_models", "total_datasets", "available_models", "available_datasets", "last_refresh"}
        assert documented <= publication.data.keys()
        assert payload.search_terms == ["crypto", "finance"]
        assert payload.last_refresh == to_rfc3339(NOW)

    def test_each_is_counted_once(self, world: World) -> None:
        """All pages of all terms, whatever is found twice."""
        payload = world.run()
        assert (payload.total_models, payload.models_capped) == (6, False)
        assert (payload.total_datasets, payload.datasets_capped) == (2, False)
        asked = [path for path in world.hub.asked if "model" in path]
        assert asked == ["list/model/crypto/0", "list/model/crypto/3", "list/model/finance/0"]

    def test_most_downloaded_are_listed(self, world: World) -> None:
        """Over all terms; unknown downloads come last, and stay unknown."""
        payload = world.run()
        assert payload.available_models == ["a/m0", "a/m1", "a/m2", "b/f"] == [row.id for row in payload.model_details]
        assert [(row.id, row.downloads) for row in payload.dataset_details] == [("d/y", 1), ("d/x", None)]

    def test_row(self, world: World) -> None:
        """With everything that is known."""
        world.hub.lists["model", "finance"] = [
            world.hub.repo(
                "p/f", author="p", downloads=999, likes=3, pipeline_tag="fill-mask", last_modified=NOW, gated=True,
                served=True,
            )
        ]  # fmt: skip
        row = world.run("models").model_details[0]
        assert msgspec.structs.asdict(row) == {
            "id": "p/f", "url": "https://hub.example/p/f", "author": "p", "downloads": 999, "likes": 3,
            "pipeline_tag": "fill-mask", "last_modified": to_rfc3339(NOW), "gated": True, "served": True,
        }  # fmt: skip

    def test_limit_of_pages_is_told(self, clock: Clock) -> None:
        """What was counted is not all that there is."""
        settings = dataclasses.replace(SETTINGS, model_hub=dataclasses.replace(HUB, pages=1))
        payload = World(clock, settings).run()
        assert (payload.total_models, payload.models_capped) == (4, True)
        assert (payload.total_datasets, payload.datasets_capped) == (2, False)

    def test_a_next_page_that_cannot_be_asked_for_is_told(self, world: World) -> None:
        """A link that leads elsewhere is not followed, and not forgotten."""
        world.hub.loses_its_place = True
        payload = world.run()
        assert (payload.total_models, payload.models_capped) == (4, True)

    def test_pace(self, world: World, clock: Clock) -> None:
        """Every half hour."""
        for _ in range(40):
            world.run()
            clock.advance(60)
        assert world.hub.asked.count("list/model/crypto/0") == 2

    def test_publishing_asks_nobody(self, world: World) -> None:
        """However little is known."""
        world.jobs.jobs["publish_huggingface"]()
        assert world.hub.asked == []


class TestTrouble:
    def test_nothing_is_null(self, world: World) -> None:
        """Not zero."""
        world.hub.is_down = True
        payload = world.run()
        assert (payload.status, payload.total_models, payload.models_capped) == ("down", None, None)
        assert (payload.available_models, payload.last_refresh) == ([], None)
        assert "no answer" in (payload.reason or "")

    def test_a_reading_that_breaks_off_does_not_count(self, world: World, clock: Clock) -> None:
        """Half of the pages would be a smaller total; the old one stays, and it is tried again soon."""
        world.run()
        clock.advance(1800)
        world.hub.answers["list/model/crypto/3"] = RateLimited("hub", "list", "slow down", retry_after_s=53)
        payload = world.run()
        assert (payload.status, payload.total_models) == ("live", 6)
        assert payload.parts["models"].as_of == to_rfc3339(NOW)
        clock.advance(3 * 1800)
        payload = world.run("models")
        assert payload.parts["models"].status == "stale"
        assert "slow down" in (payload.parts["models"].reason or "")
        del world.hub.answers["list/model/crypto/3"]
        clock.advance(200)
        payload = world.run()
        assert (payload.status, payload.last_refresh) == ("live", to_rfc3339(clock()))

    def test_one_list_alone(self, world: World) -> None:
        """The other is shown, and the whole is called degraded."""
        world.hub.answers["list/dataset/crypto/0"] = RateLimited("hub", "list", "slow down")
        payload = world.run()
        assert (payload.status, payload.total_models, payload.total_datasets) == ("degraded", 6, None)

    def test_nothing_found_is_no_total_of_zero(self, world: World) -> None:
        """A hub without one model of finance is broken, or was asked for the wrong words; both are told."""
        for key in world.hub.lists:
            world.hub.lists[key] = []
        payload = world.run()
        assert (payload.status, payload.total_models) == ("down", None)
        assert "nothing was found" in (payload.reason or "")

    def test_first_news_go_out_at_once(self, world: World, clock: Clock) -> None:
        """Nobody waits a minute for what is here after an outage."""
        world.hub.is_down = True
        world.run()
        world.hub.is_down = False
        clock.advance(200)
        world.jobs.jobs["huggingface_models_collection"]()
        publication = world.context.broker.last("huggingface")
        assert publication is not None
        assert publication.data["total_models"] == 6


class TestRestart:
    def test_lists_are_kept_with_their_age(self, clock: Clock) -> None:
        """A restart asks again, and shows meanwhile what was known."""
        cache = DictCache()
        before = World(clock, cache=cache).run()
        clock.advance(600)
        again = World(clock, cache=cache)
        again.hub.is_down = True
        payload = again.run()
        assert (payload.total_models, payload.available_models) == (6, before.available_models)
        assert (payload.parts["models"].as_of, payload.last_refresh) == (to_rfc3339(NOW), to_rfc3339(NOW))

    def test_other_search_terms_are_another_list(self, clock: Clock) -> None:
        """Its totals would be wrong."""
        cache = DictCache()
        World(clock, cache=cache).run()
        other = dataclasses.replace(SETTINGS, model_hub=dataclasses.replace(HUB, search=("bitcoin",)))
        again = World(clock, other, cache)
        again.hub.is_down = True
        assert again.run().total_models is None

    @pytest.mark.parametrize("kept", [b"", b"[]", b'{"models": 3}', b'{"models": {"total": "many"}}', b"\xff"])
    def test_what_cannot_be_read_is_passed_over(self, clock: Clock, kept: bytes) -> None:
        """The lists are read anew."""
        cache = DictCache()
        cache.put("huggingface", kept)
        assert World(clock, cache=cache).run().total_models == 6

    def test_what_is_from_the_future_is_passed_over(self, clock: Clock) -> None:
        """It would look new for ever."""
        cache = DictCache()
        World(clock, cache=cache).run()
        clock.advance(-86_400)
        again = World(clock, cache=cache)
        again.hub.is_down = True
        assert again.run().total_models is None


def test_more_pages_than_the_budget_has_room_for() -> None:
    """Such settings would never bring a list to its end."""
    with pytest.raises(SettingsError) as refused:
        load_settings({"HUGGINGFACE_SEARCH": "a,b,c,d,e,f", "HUGGINGFACE_PAGES": "9"})
    assert refused.value.name == "HUGGINGFACE_PAGES"
