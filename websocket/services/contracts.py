"""What services need of providers for questions that only one kind of provider answers, so far.

Contracts that several providers fulfil are in ``websocket.providers.capabilities``. These here are structural, so that
a service says what it needs and names nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from websocket.chain_records import BlockInfo, ChainBlock, Transfer
from websocket.model_records import RepoKind, RepoPage
from websocket.news_records import FearGreed, TrendingCoin, Votes
from websocket.providers.base import Answer, Request


@runtime_checkable
class BlockNode(Protocol):
    """A node that has whole blocks with their transfers, and the transfers of tokens."""

    chain: str

    def block_requests(self, height: int | None = None, *, full: bool = True) -> Sequence[Request]:
        """The request for one block; None is the newest."""

    def parse_block(self, answers: Sequence[Answer]) -> ChainBlock | None:
        """The block, or None when the node does not have it yet."""

    def token_transfers_requests(self, block: BlockInfo) -> Sequence[Request]:
        """The request for the transfers of tokens in one block."""

    def parse_token_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        """The transfers of tokens."""


@runtime_checkable
class MoodIndex(Protocol):
    """Computes an index of the market's mood, 0 (fear) to 100 (greed)."""

    def fear_greed_requests(self) -> Sequence[Request]:
        """The request for the newest value."""

    def parse_fear_greed(self, answers: Sequence[Answer]) -> FearGreed:
        """The newest value."""


@runtime_checkable
class VoteCounter(Protocol):
    """Lets people vote on coins."""

    def votes_requests(self, symbols: Collection[str]) -> Sequence[Request]:
        """The requests for the votes on some coins, one each."""

    def parse_votes(self, answers: Sequence[Answer]) -> list[Votes]:
        """The votes, coin by coin."""


@runtime_checkable
class TrendWatcher(Protocol):
    """Knows which coins people search for."""

    def trending_requests(self) -> Sequence[Request]:
        """The request for the list."""

    def parse_trending(self, answers: Sequence[Answer]) -> list[TrendingCoin]:
        """The coins, most searched first."""


@runtime_checkable
class ModelHub(Protocol):
    """Lists models and datasets page by page."""

    def list_request(self, kind: RepoKind, term: str, cursor: str | None = None) -> Request:
        """The request for one page of what a search finds, the most downloaded first."""

    def parse_list(self, kind: RepoKind, answers: Sequence[Answer]) -> RepoPage:
        """The page."""


@runtime_checkable
class MoodModel(Protocol):
    """Runs language models that tell how texts sound."""

    def mood_request(self, model: str, texts: Sequence[str]) -> Request:
        """One request about some texts; it names the model in ``symbols``."""

    def parse_moods(self, answers: Sequence[Answer]) -> list[float | None]:
        """For each text from -1 (bad news) to 1 (good news), None where the answer cannot be believed."""
