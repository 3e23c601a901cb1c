"""The service ``huggingface``: models and datasets for crypto and finance.

Each list is read term by term and page by page, and held only when it was read to its end or to the limit of pages: a
reading that breaks off would show a total that is too small. What is held survives a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import msgspec

from websocket.errors import BadPayload, NoProviderAnswered
from websocket.model_records import Repo, RepoKind, RepoPage
from websocket.providers.base import Answer, Provider, Request
from websocket.records import Moment, to_rfc3339
from websocket.scheduler import Scheduler
from websocket.services.base import DataService, Part, ServiceContext, told
from websocket.services.contracts import ModelHub
from websocket.services.huggingface_payload import DatasetRow, HuggingFace, ModelRow
from websocket.services.kept_state import load_state, save_state
from websocket.services.part_refresh import Paced, then_first_news
from websocket.upstream.failover import Pool
from websocket.upstream.source import Source

MAX_AGE_INTERVALS = 3

STAGGER_S = 3.0
"""Between the two lists, so that they are not read at the same moment."""

PARTS: Mapping[RepoKind, str] = {"model": "models", "dataset": "datasets"}


class RepoList(msgspec.Struct, frozen=True, kw_only=True):
    """What one reading of a list found.

    Attributes:
        total: how many different ones.
        is_capped: True when the hub has more than were read.
        top: the most downloaded.
        terms: what was searched for.
        as_of: when it was read, Unix seconds.
        source: who said so.
    """

    total: int
    is_capped: bool
    top: list[Repo]
    terms: tuple[str, ...]
    as_of: Moment
    source: str


class HuggingFaceService(DataService):
    """Reads the two lists."""

    name = "huggingface"
    payload_type = HuggingFace

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._settings = context.settings.model_hub
        max_age_s = MAX_AGE_INTERVALS * self._settings.interval_s
        self._lists: dict[RepoKind, Part[RepoList]] = {
            kind: self.part(name, RepoList, max_age_s=max_age_s) for kind, name in PARTS.items()
        }
        self._pools: dict[RepoKind, Pool[Provider]] = {
            kind: context.pool(f"huggingface_{name}", self._settings.providers, Provider, topic=name)
            for kind, name in PARTS.items()
        }

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        settings = self._settings
        deadline_s = self.context.settings.upstream.deadline_s * (1 + len(settings.search) * settings.pages)
        for position, (kind, name) in enumerate(PARTS.items()):
            pauses = [source.interval_s() for source in self._pools[kind].sources]
            refresh = Paced(
                max(settings.interval_s, *pauses),
                then_first_news(self, partial(self.refresh, kind)),
                clock=self.context.clock,
            )
            scheduler.every(
                refresh.job_interval_s,
                f"huggingface_{name}_collection",
                refresh,
                deadline_s=deadline_s,
                delay_s=position * STAGGER_S,
            )

    # Collecting

    def refresh(self, kind: RepoKind) -> bool:
        """Reads one list from its beginning; gives whether it could be read."""
        part = self._lists[kind]
        try:
            found = self._pools[kind].fetch(lambda source: self._read(kind, source))
        except NoProviderAnswered as error:
            part.fail(told(error.attempts))
            return False
        part.hold(found, source=found.source, as_of=found.as_of)
        self.save()
        return True

    def _read(self, kind: RepoKind, source: Source[Provider]) -> RepoList:
        """Reads all terms at one provider.

        Raises:
            UpstreamError: a page could not be read, or nothing was found.
        """
        repos: dict[str, Repo] = {}
        capped = [self._read_term(kind, term, source, repos) for term in self._settings.search]
        if not repos:
            raise BadPayload(source.name, PARTS[kind], "nothing was found for any of the search terms")
        return RepoList(
            total=len(repos),
            is_capped=any(capped),
            top=self._most_downloaded(repos.values()),
            terms=self._settings.search,
            as_of=self.context.clock(),
            source=source.name,
        )

    def _read_term(self, kind: RepoKind, term: str, source: Source[Provider], repos: dict[str, Repo]) -> bool:
        """Adds what a term finds; gives whether there is more of it than was read."""
        provider = source.provider
        assert isinstance(provider, ModelHub)
        request = provider.list_request(kind, term)
        for _ in range(self._settings.pages):
            page = _ask(source, request, partial(provider.parse_list, kind), topic=PARTS[kind])
            for repo in page.repos:
                repos.setdefault(repo.id, repo)
            if page.cursor is None or not page.repos:
                return page.has_more
            request = provider.list_request(kind, term, page.cursor)
        return True

    def _most_downloaded(self, repos: Iterable[Repo]) -> list[Repo]:
        """Those that are listed; where downloads are not known they count as none."""
        return sorted(repos, key=lambda repo: (-(repo.downloads or 0), -(repo.likes or 0), repo.id))[
            : self._settings.listed
        ]

    # Publishing

    def payload(self) -> HuggingFace:
        models, datasets = self._lists["model"], self._lists["dataset"]
        top_models = [] if models.value is None else models.value.top
        top_datasets = [] if datasets.value is None else datasets.value.top
        moments = [part.as_of for part in self._lists.values() if part.as_of is not None]
        return HuggingFace(
            total_models=None if models.value is None else models.value.total,
            total_datasets=None if datasets.value is None else datasets.value.total,
            models_capped=None if models.value is None else models.value.is_capped,
            datasets_capped=None if datasets.value is None else datasets.value.is_capped,
            available_models=[repo.id for repo in top_models],
            available_datasets=[repo.id for repo in top_datasets],
            model_details=[_model_row(repo) for repo in top_models],
            dataset_details=[_dataset_row(repo) for repo in top_datasets],
            search_terms=list(self._settings.search),
            last_refresh=to_rfc3339(max(moments)) if moments else None,
            **self.standing(),
        )

    # Over a restart

    def save(self) -> None:
        """Keeps both lists."""
        lists = {PARTS[kind]: part.value for kind, part in self._lists.items() if part.value is not None}
        save_state(self.context, self.name, lists)

    def restore(self) -> None:
        """Takes over what an earlier run kept, with its true age, unless something else was searched for."""
        kept = load_state(self.context, self.name, dict[str, RepoList]) or {}
        for kind, part in self._lists.items():
            found = kept.get(PARTS[kind])
            if found is not None and found.terms == self._settings.search and found.as_of <= self.context.clock():
                shown = msgspec.structs.replace(found, top=found.top[: self._settings.listed])
                part.hold(shown, source=found.source, as_of=found.as_of)


def _ask(
    source: Source[Provider], request: Request, read: Callable[[Sequence[Answer]], RepoPage], *, topic: str
) -> RepoPage:
    return source.ask((), lambda _: [request], read, topic=topic)


def _model_row(repo: Repo) -> ModelRow:
    return ModelRow(
        id=repo.id,
        url=repo.url,
        author=repo.author,
        downloads=repo.downloads,
        likes=repo.likes,
        pipeline_tag=repo.pipeline_tag,
        last_modified=None if repo.last_modified is None else to_rfc3339(repo.last_modified),
        gated=repo.gated,
        served=repo.served,
    )


def _dataset_row(repo: Repo) -> DatasetRow:
    return DatasetRow(
        id=repo.id,
        url=repo.url,
        author=repo.author,
        downloads=repo.downloads,
        likes=repo.likes,
        last_modified=None if repo.last_modified is None else to_rfc3339(repo.last_modified),
        gated=repo.gated,
    )
