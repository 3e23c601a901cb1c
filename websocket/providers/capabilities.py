"""What providers other than those of prices can do, one small contract a question.

Providers that fulfil the same contract can stand in one pool. As with ``TickerProvider``, builders of requests and
parsers compute only. Parsers take the answers in any number and order, since some may be missing, and raise
``BadPayload`` when one does not have the documented shape; fields that are not known become None.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence

from websocket.chain_records import (
    BlockInfo,
    ChainStats,
    GasFees,
    NetworkActivity,
    NodeProbe,
    Transfer,
)
from websocket.news_records import FeedReading, FeedVersion
from websocket.providers.base import Answer, HealthCheck, Provider, Request


class ChainExplorer(Provider):
    """Knows how chains stand: latest block, hash rate, difficulty, waiting transactions."""

    chains: tuple[str, ...]
    """The chains that it knows."""

    @abstractmethod
    def stats_requests(self, chain: str) -> Sequence[Request]:
        """The requests that bring everything it knows about one of its chains, the latest block first.

        An empty sequence for a chain that it does not know.
        """

    @abstractmethod
    def parse_stats(self, answers: Sequence[Answer]) -> ChainStats:
        """The chain that the answers to ``stats_requests`` are about."""

    def health_check(self) -> HealthCheck | None:
        """The latest block of its first chain."""

        def read(answers: Sequence[Answer]) -> None:
            if self.parse_stats(answers).latest_block is None:
                raise self.bad_payload(answers[-1], "the latest block")

        return HealthCheck(self.stats_requests(self.chains[0])[0], read)


class BlockExplorer(Provider):
    """Knows the newest blocks of Bitcoin one by one."""

    @abstractmethod
    def blocks_requests(self) -> Sequence[Request]:
        """One request for the newest blocks."""

    @abstractmethod
    def parse_blocks(self, answers: Sequence[Answer]) -> list[BlockInfo]:
        """Blocks, newest first; 10 or 15 of them."""


class BlockTransactions(Provider):
    """Knows the transactions of a Bitcoin block, and single transactions."""

    @abstractmethod
    def block_transactions_requests(self, block: BlockInfo) -> Sequence[Request]:
        """The requests that bring the transfers of one block, for which its hash must be known; else none."""

    @abstractmethod
    def parse_block_transactions(self, block: BlockInfo, answers: Sequence[Answer]) -> list[Transfer]:
        """Transfers of the block, those of new coins to its miner left out. Mind ``Transfer.includes_change``."""

    @abstractmethod
    def transaction_requests(self, hashes: Collection[str]) -> Sequence[Request]:
        """The requests that bring single transactions with their addresses, one each."""

    @abstractmethod
    def parse_transactions(self, answers: Sequence[Answer]) -> list[Transfer]:
        """Transfers with their addresses, change left out."""


class MempoolTransfers(Provider):
    """Knows Bitcoin transactions that wait for a block."""

    @abstractmethod
    def mempool_transfers_requests(self, min_usd: float) -> Sequence[Request]:
        """The requests that bring waiting transactions.

        Args:
            min_usd: least amount in US dollars, where the provider can choose by amount; else all come.
        """

    @abstractmethod
    def parse_mempool_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        """Waiting transfers, newest first. Mind ``Transfer.includes_change``."""


class LargeTransfers(Provider):
    """Knows the large transfers of a chain."""

    chains: tuple[str, ...]
    """The chains that it knows."""

    @abstractmethod
    def large_transfers_requests(self, chain: str, *, min_usd: float, since: float) -> Sequence[Request]:
        """The requests that bring large confirmed transfers; none for a chain that it does not know.

        Args:
            chain: one of ``chains``.
            min_usd: least amount in US dollars.
            since: Unix seconds; older ones are not wanted.
        """

    @abstractmethod
    def parse_large_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        """Large transfers in no particular order. Mind ``Transfer.includes_change``."""


class ChainNode(Provider):
    """A JSON-RPC node of one chain."""

    chain: str
    """The chain that it should serve."""

    host: str
    """Where it runs, for people."""

    @abstractmethod
    def probe_requests(self) -> Sequence[Request]:
        """The requests that show how the node stands, the height first."""

    @abstractmethod
    def height_requests(self) -> Sequence[Request]:
        """One request for the height alone; ``parse_probe`` reads it too."""

    @abstractmethod
    def parse_probe(self, answers: Sequence[Answer]) -> NodeProbe:
        """How the node stands."""

    def health_check(self) -> HealthCheck | None:
        """The height."""

        def read(answers: Sequence[Answer]) -> None:
            if self.parse_probe(answers).height is None:
                raise self.bad_payload(answers[-1], "the height of the chain")

        return HealthCheck(self.height_requests()[0], read)


class GasOracle(Provider):
    """Knows what gas costs."""

    gas_chain: str
    """The chain that it speaks of."""

    @abstractmethod
    def gas_requests(self) -> Sequence[Request]:
        """The requests that bring the price of gas."""

    @abstractmethod
    def parse_gas(self, answers: Sequence[Answer]) -> GasFees:
        """The price of gas."""

    def health_check(self) -> HealthCheck | None:
        """The price of gas."""

        def read(answers: Sequence[Answer]) -> None:
            fees = self.parse_gas(answers)
            if fees.base_fee_gwei is None and fees.average_gwei is None:
                raise self.bad_payload(answers[-1], "a price of gas")

        return HealthCheck(self.gas_requests()[0], read)


class ActivityProvider(Provider):
    """Knows how much chains are used from day to day."""

    @abstractmethod
    def activity_requests(self) -> Sequence[Request]:
        """The requests that bring the activity of all chains that it knows."""

    @abstractmethod
    def parse_activity(self, answers: Sequence[Answer]) -> list[NetworkActivity]:
        """The newest day of each chain."""

    def health_check(self) -> HealthCheck | None:
        """The newest days."""

        def read(answers: Sequence[Answer]) -> None:
            if not self.parse_activity(answers):
                raise self.bad_payload(answers[-1], "a day of some chain")

        return HealthCheck(self.activity_requests()[0], read)


class NewsSource(Provider):
    """Knows the news."""

    @abstractmethod
    def article_requests(self, known: FeedVersion | None = None) -> Sequence[Request]:
        """One request for the newest articles.

        Args:
            known: of the last reading; then the answer may be that nothing has changed.
        """

    @abstractmethod
    def parse_articles(self, answers: Sequence[Answer]) -> FeedReading:
        """The articles that the answer to ``article_requests`` holds."""

    def health_check(self) -> HealthCheck | None:
        """The newest articles: nothing else can be asked for."""
        return HealthCheck(self.article_requests()[0], self.parse_articles)
